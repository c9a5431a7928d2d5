import faulthandler
import gc
import logging
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import dataclass

import numpy as np
import pytest

import densefit as df
from densefit.data.loader.loader import Loader
from densefit.data.sample import Sample
from densefit.datasets import Shapes
from densefit.errors import ConfigError, DataError


@pytest.fixture(autouse=True)
def no_test_hangs():
    faulthandler.dump_traceback_later(200, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


class Numbers:
    """Pictures of one colour each; `bad` ones raise, `slow` ones sleep."""

    classes = ["number"]

    def __init__(self, n, bad=(), slow=None, size=(4, 6)):
        self.n, self.bad, self.slow, self.size, self.read = n, bad, slow or {}, size, []

    def __len__(self):
        return self.n

    def id_of(self, index):
        return f"n{index}"

    def __getitem__(self, index):
        self.read.append(index)
        time.sleep(self.slow.get(index, 0))
        if index in self.bad:
            raise OSError(f"cannot read {index}")
        image = np.full(self.size + (3,), index, np.uint8)
        return Sample(f"n{index}", image, {"label": np.array(index, np.int64)})


@dataclass
class Label:
    name: str = "value"
    shape: tuple = ()
    dtype: str = "float32"


class Head:
    name = "age"

    def labels(self, input_size):
        return [Label()]

    def encode(self, sample):
        return {"value": np.float32(sample.targets["label"])}


def jitter(sample, rng):
    """Adds 0..50 to the picture, and takes unequal time, so that workers overtake each other."""
    time.sleep(0.0005 * int(sample.targets["label"] % 3))
    sample.image = sample.image + rng.integers(50, dtype=np.uint8)
    return sample


def read_all(loader):
    return [(batch.ids, batch.data["data"], batch.labels) for batch in loader]


def same(first, second):
    assert [ids for ids, _, _ in first] == [ids for ids, _, _ in second]
    for (_, a, _), (_, b, _) in zip(first, second):
        np.testing.assert_array_equal(a, b)


def test_an_epoch_without_shuffling_is_the_dataset_in_order():
    with Loader(Numbers(10), batch_size=4, heads=[Head()]) as loader:
        assert len(loader) == 3
        assert loader.input_size == (4, 6)
        assert loader.provide_data[0].shape == (4, 3, 4, 6)
        assert [(d.name, d.shape) for d in loader.provide_label] == [("age_value", (4,))]
        batches = list(loader)
    assert [len(batch.ids) for batch in batches] == [4, 4, 2]
    assert [batch.rows - batch.real for batch in batches] == [0, 0, 0]
    assert sum((batch.ids for batch in batches), []) == [f"n{i}" for i in range(10)]
    assert batches[2].data["data"].shape == (2, 3, 4, 6)
    assert batches[2].labels["age_value"].shape == (2,)
    assert batches[1].labels["age_value"].tolist() == [4, 5, 6, 7]
    assert [int(one["label"]) for one in batches[2].targets] == [8, 9]
    assert loader.exact


def test_any_number_of_workers_gives_the_same():
    results = []
    for workers in (0, 1, 3):
        settings = {"batch_size": 4, "shuffle": True, "seed": 5, "workers": workers}
        with Loader(Numbers(23), transform=jitter, **settings) as loader:
            loader.set_epoch(2)
            results.append(read_all(loader) + read_all(loader))
            assert loader.epoch == 3
    same(results[0], results[1])
    same(results[0], results[2])
    first, second = results[0][:6], results[0][6:]
    assert [ids for ids, _, _ in first] != [ids for ids, _, _ in second]
    for epoch in (first, second):
        assert sorted(sum((ids for ids, _, _ in epoch), [])) == sorted(f"n{i}" for i in range(23))


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_without_originals_all_else_is_the_same(kind):
    settings = {"batch_size": 3, "heads": [Head()], "worker_kind": kind}
    if kind == "processes":
        whole, bare = Shapes(6, size=(24, 32)), Shapes(6, size=(24, 32))
        settings["heads"] = []
    else:
        whole, bare = Numbers(6), Numbers(6)
    with Loader(whole, **settings) as full, Loader(bare, originals=False, **settings) as lean:
        assert lean.memory_bytes < full.memory_bytes
        for first, second in zip(full, lean):
            assert first.targets is not None
            assert second.targets is None
            assert first.ids == second.ids
            for one, other in zip(first.arrays.values(), second.arrays.values()):
                np.testing.assert_array_equal(one, other)


def test_an_epoch_does_not_depend_on_what_came_before():
    with Loader(Numbers(12), batch_size=4, transform=jitter, shuffle=True) as loader:
        whole = [read_all(loader) for _ in range(3)]
        for epoch in (2, 0, 1):
            loader.set_epoch(epoch)
            same(read_all(loader), whole[epoch])
        loader.set_epoch(1)
        next(loader)
        loader.set_epoch(1)  # in the middle: begins again
        same(read_all(loader), whole[1])
        loader.set_epoch(2, skip=1)
        same(read_all(loader), whole[2][1:])


def test_skipped_batches_are_not_read():
    data = Numbers(12)
    with Loader(data, batch_size=4, workers=0) as loader:
        data.read.clear()
        loader.set_epoch(0, skip=2)
        assert [batch.ids[0] for batch in loader] == ["n8"]
    assert data.read == [8, 9, 10, 11]


def test_reset_goes_to_the_next_epoch_unless_one_was_set():
    with Loader(Numbers(4), batch_size=2) as loader:
        assert loader.epoch == 0
        list(loader)
        loader.reset()
        assert loader.epoch == 1
        next(loader)
        loader.reset()
        assert loader.epoch == 2
        loader.set_epoch(7)
        loader.reset()
        assert loader.epoch == 7
        assert len(list(loader)) == 2
        with pytest.raises(StopIteration):
            next(loader)
        loader.reset()
        assert loader.epoch == 8
        assert len([*loader]) == 2
        assert len([*loader]) == 2  # a second loop is the next epoch, not an empty one
        assert loader.epoch == 9


def test_the_last_batch_is_kept_or_dropped():
    assert [len(b.ids) for b in Loader(Numbers(7), batch_size=3)] == [3, 3, 1]
    data = Numbers(7)
    loader = Loader(data, batch_size=3, last="drop")
    data.read.clear()
    assert len(loader) == 2
    assert [len(b.ids) for b in loader] == [3, 3]
    assert 6 not in data.read
    assert not loader.exact
    with pytest.raises(ConfigError, match="Every batch would be dropped"):
        Loader(Numbers(2), batch_size=3, last="drop")


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_an_error_in_a_worker_reaches_the_consumer_with_the_id(workers):
    with Loader(Numbers(9, bad=[5]), batch_size=2, workers=workers) as loader:
        assert [next(loader).ids[0] for _ in range(2)] == ["n0", "n2"]
        with pytest.raises(DataError, match=r"OSError: cannot read 5[\s\S]*sample 'n5'") as caught:
            next(loader)
        assert isinstance(caught.value.__cause__, OSError)
        with pytest.raises(DataError, match="n5"):
            next(loader)  # not a silent end
        loader.reset()
        assert next(loader).ids == ["n0", "n1"]


@pytest.mark.parametrize("workers", [0, 2])
def test_skipping_fills_batches_up_and_tells(workers, caplog):
    data = Numbers(9, bad=[1, 4, 8])
    with Loader(data, batch_size=2, workers=workers, on_error="skip") as loader:
        with caplog.at_level(logging.WARNING, logger="densefit"):
            for _ in range(2):
                assert [b.ids for b in loader] == [["n0", "n2"], ["n3", "n5"], ["n6", "n7"]]
        assert [name for name, _ in loader.skipped] == ["n1", "n4", "n8"]
        assert "cannot read 4" in loader.skipped[1][1]
        assert len(caplog.records) == 3
        assert not loader.exact


def test_skipping_everything_is_an_error():
    settings = {"batch_size": 2, "on_error": "skip", "skip_limit": 1.0, "transform": Fixed()}
    with pytest.raises(DataError, match="Every sample was skipped"):
        list(Loader(Numbers(3, bad=range(3)), **settings))


class Fixed:
    output_size = (4, 6)

    def __call__(self, sample, rng):
        return sample


def test_a_slow_sample_is_named():
    data = Numbers(6, slow={3: 6})
    loader = Loader(data, batch_size=2, timeout=1.5, workers=2)
    assert next(loader).ids == ["n0", "n1"]
    with pytest.raises(DataError, match=r"too long[\s\S]*1\.5 s[\s\S]*sample 'n3'"):
        next(loader)
    loader.on_error = "skip"
    loader.reset()
    data.slow = {}
    assert len(list(loader)) == 3  # with new threads
    loader.close()


def test_varying_sizes_name_the_sample_and_both_sizes():
    def grow(sample, rng):
        if sample.id == "n3":
            sample.image = np.zeros((9, 9, 3), np.uint8)
        return sample

    loader = Loader(Numbers(6), batch_size=2, transform=grow, on_error="skip")
    with pytest.raises(DataError, match=r"\(4, 6\)[\s\S]*\(9, 9\)[\s\S]*'n3'"):
        list(loader)


def test_a_head_that_breaks_its_promise_is_never_skipped():
    class Wrong(Head):
        def encode(self, sample):
            return {"value": np.zeros(2, np.float32)}

    with pytest.raises(DataError, match=r"'age'.*'value'[\s\S]*'n0'"):
        next(Loader(Numbers(6), batch_size=2, heads=[Wrong()], on_error="skip"))


def test_samples_are_made_ahead_but_not_without_bound():
    data = Numbers(100)
    with Loader(data, batch_size=4, workers=2) as loader:
        data.read.clear()
        next(loader)
        deadline = time.monotonic() + 5
        while len(data.read) < 14 and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.05)
        assert 12 <= len(data.read) <= 4 + 2 * 4 + 2


@pytest.mark.parametrize("workers", [0, 2])
def test_the_first_error_of_a_batch_is_raised(workers):
    class Mixed(Numbers):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            return Sample(sample.id, np.zeros((9, 9, 3), np.uint8), {}) if index == 1 else sample

    with Loader(Mixed(6, bad=(2,)), batch_size=4, workers=workers) as loader:
        with pytest.raises(DataError, match="one size"):  # of 1, not that 2 cannot be read
            next(loader)


def test_an_interrupt_does_not_lose_samples_silently(monkeypatch):
    with Loader(Numbers(6), batch_size=3, workers=0) as loader:
        fail = iter([KeyboardInterrupt()])

        def interrupt(samples):
            error = next(fail, None)
            if error:
                raise error

        monkeypatch.setattr(loader._layout, "check", interrupt)
        with pytest.raises(KeyboardInterrupt):
            next(loader)
        with pytest.raises(DataError, match="interrupted"):
            next(loader)
        loader.reset()
        assert len(list(loader)) == 2


def test_close_ends_threads_and_the_epoch():
    before = set(threading.enumerate())
    loader = Loader(Numbers(60), batch_size=2, workers=2)
    next(loader)
    threads = set(threading.enumerate()) - before
    assert len(threads) == 2
    loader.close()
    assert not any(thread.is_alive() for thread in threads)
    with pytest.raises(StopIteration):
        next(loader)
    loader.close()
    assert len(list(loader)) == 30
    loader.set_epoch(3, skip=10)
    loader.close()
    assert len(list(loader)) == 20
    assert loader.epoch == 3
    loader.close()


def test_a_forgotten_loader_ends_its_threads():
    before = set(threading.enumerate())
    loader = Loader(Numbers(60), batch_size=2, workers=2)
    next(loader)
    threads = set(threading.enumerate()) - before
    assert len(threads) == 2
    gone = weakref.ref(loader)
    del loader
    gc.collect()
    assert gone() is None
    assert not any(thread.is_alive() for thread in threads)


def test_a_hanging_read_does_not_keep_the_process_alive():
    code = (
        "import time, numpy as np\n"
        "from densefit.data.loader.loader import Loader\n"
        "from densefit.data.sample import Sample\n"
        "class Hang:\n"
        "    classes = []\n"
        "    def __len__(self): return 9\n"
        "    def id_of(self, i): return str(i)\n"
        "    def __getitem__(self, i):\n"
        "        time.sleep(600 if i > 3 else 0)\n"
        "        return Sample(str(i), np.zeros((4, 4, 3), np.uint8), {})\n"
        "print(next(Loader(Hang(), batch_size=2)).ids)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], timeout=150, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "['0', '1']\n"), done.stderr


def test_settings_out_of_range():
    for name, value in (
        ("batch_size", 0),
        ("workers", -1),
        ("worker_kind", "fibres"),
        ("seed", -1),
        ("last", "pad"),
        ("on_error", "ignore"),
        ("timeout", 0),
    ):
        with pytest.raises(ConfigError, match=f"'{name}'"):
            Loader(Numbers(3), **{"batch_size": 2, name: value})
    with pytest.raises(DataError, match="empty"):
        Loader(Numbers(0), batch_size=2)
    with pytest.raises(ConfigError, match="count from 0"):
        Loader(Numbers(3), batch_size=2).set_epoch(-1)


def test_module_fit_accepts_it(mx):
    """MXNet's own loop reads it by `as_data_iter`, epoch after epoch."""
    net = mx.sym.LinearRegressionOutput(
        mx.sym.FullyConnected(mx.sym.cast(mx.sym.var("data"), "float32"), num_hidden=1),
        mx.sym.var("age_value"),
    )
    module = mx.mod.Module(net, label_names=["age_value"], logger=logging.getLogger("quiet"))
    with Loader(Numbers(8), batch_size=4, heads=[Head()], shuffle=True) as loader:
        data = df.interop.as_data_iter(loader)
        module.fit(data, num_epoch=2, eval_metric="mse", optimizer_params={"learning_rate": 1e-9})
        assert loader.epoch == 2
