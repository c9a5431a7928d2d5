"""Unpickle tasks in a worker process, and their dataset once."""

from __future__ import annotations

import pickle
from typing import Any

from densefit.data.workers.errors import LostWorkerError
from densefit.data.workers.picklable import from_pickle
from densefit.data.workers.shared_memory import Mailbox


class WorkOpener:
    """Unpickles the task of each epoch, and its dataset only if that is another one.

    Args:
        mailbox: with the pickled dataset; None: it is pickled with each task.
    """

    def __init__(self, mailbox: Mailbox | None) -> None:
        self._mailbox = mailbox
        self._number, self._dataset = 0, None

    def open(self, text: bytes) -> Any:
        """Unpickle a task.

        Args:
            text: see `to_pickle`.
        """
        return from_pickle(text, self._current_dataset)

    def _current_dataset(self) -> Any:
        if self._mailbox is not None and self._mailbox.number != self._number:
            self._dataset = None  # two are not held at once
            number = self._mailbox.number
            text = self._mailbox.read(number)
            if text is None:
                raise LostWorkerError("The dataset was replaced while a worker opened it")
            self._number, self._dataset = number, pickle.loads(text)
        return self._dataset
