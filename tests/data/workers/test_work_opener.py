import pickle

import pytest

from densefit.data.workers.errors import LostWorkerError
from densefit.data.workers.picklable import to_pickle
from densefit.data.workers.shared_memory import Mailbox
from densefit.data.workers.work_opener import WorkOpener


def test_a_dataset_is_opened_once_and_again_if_it_is_another():
    mailbox, data = Mailbox(), ["a"]
    opener = WorkOpener(mailbox)
    mailbox.write(1, pickle.dumps(data))
    first, second = (opener.open(to_pickle([data, i], dataset=data)) for i in range(2))
    assert (first, second) == ([["a"], 0], [["a"], 1])
    assert first[0] is second[0]
    mailbox.write(2, pickle.dumps(["b"]))
    assert opener.open(to_pickle([data, 2], dataset=data)) == [["b"], 2]
    mailbox.close()


def test_work_without_a_dataset_needs_no_mailbox():
    assert WorkOpener(None).open(to_pickle([1, 2])) == [1, 2]


def test_a_dataset_that_is_replaced_meanwhile_is_an_error(monkeypatch):
    mailbox, data = Mailbox(), ["a"]
    mailbox.write(1, pickle.dumps(data))
    monkeypatch.setattr(mailbox, "read", lambda number: None)
    with pytest.raises(LostWorkerError, match="replaced"):
        WorkOpener(mailbox).open(to_pickle([data], dataset=data))
    mailbox.close()
