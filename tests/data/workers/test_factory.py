import numpy as np
import pytest

import densefit as df
from densefit.data.loader.sample_task import SampleTask
from densefit.data.sample import Sample
from densefit.data.workers.factory import make_prefetcher, target_bytes
from densefit.data.workers.process_prefetcher import ProcessPrefetcher
from densefit.data.workers.thread_prefetcher import ThreadPrefetcher
from densefit.errors import ConfigError


class One:
    classes = []

    def __init__(self, broken=False):
        self.broken = broken

    def __len__(self):
        return 1

    def id_of(self, index):
        return "one"

    def __getitem__(self, index):
        if self.broken:
            raise OSError
        targets = {"mask": np.zeros((10, 20), np.uint8), "label": np.array(1, np.int64)}
        return Sample("one", np.zeros((10, 20, 3), np.uint8), targets)


@pytest.mark.parametrize(
    ("kind", "workers", "expected"),
    [
        ("threads", 2, ThreadPrefetcher),
        ("processes", 2, ProcessPrefetcher),
        ("processes", 0, ThreadPrefetcher),
    ],
)
def test_the_kind_and_no_workers_at_all(kind, workers, expected):
    ahead = make_prefetcher(kind, SampleTask(One(), None, [], 0, 0), workers, 4, 60.0, lambda: 600)
    assert type(ahead) is expected
    if expected is ProcessPrefetcher:
        assert ahead._slot_bytes >= 600
        assert ahead.shared_bytes == 0  # nothing is started before a sample is asked for


def test_only_processes_need_work_that_can_be_sent():
    work = SampleTask(One(), lambda sample, rng: sample, [], 0, 0)
    make_prefetcher("threads", work, 1, 4, 60.0, lambda: 0)
    with pytest.raises(ConfigError, match="work.transform"):
        make_prefetcher("processes", work, 1, 4, 60.0, lambda: 0)


def test_targets_of_a_broken_sample_count_nothing():
    assert 208 <= target_bytes(One()) <= 208 + 2 * 64
    assert target_bytes(One(broken=True)) == 0


@pytest.mark.parametrize(("cpus", "workers"), [(1, 1), (3, 3), (64, 8)])
def test_as_many_workers_as_the_process_may_use_cpus(cpus, workers, monkeypatch):
    monkeypatch.setattr("densefit.data.workers.factory.available_cpus", lambda: cpus)
    data = df.dataset("shapes", length=3, size=(32, 32))
    loaders = (
        df.Loader(data, batch_size=2),
        df.Loader.original_size(data, batch_size=2),
        df.Loader.views(data, input_size=(32, 32), batch_size=2),
    )
    assert [loader._ahead.workers for loader in loaders] == [workers] * 3
    assert df.Loader(data, batch_size=2, workers=5).workers == 5
