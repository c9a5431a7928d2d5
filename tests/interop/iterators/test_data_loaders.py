"""DataLoaders: training tells what an epoch lacks, scoring takes each sample exactly once."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
from mxnet.gluon.data import (
    ArrayDataset,
    BatchSampler,
    DataLoader,
    FilterSampler,
    RandomSampler,
    Sampler,
)

import densefit as df
from densefit.backend import mx
from densefit.engine.sources import source_of
from densefit.errors import DataError
from densefit.interop.drawn import repeated

X = np.arange(10, dtype=np.float32)[:, None]


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    """A gluon loader collects the garbage of the whole process when it is made."""
    monkeypatch.setattr("gc.collect", lambda *generation: 0)


def gluon(last, size=4, **settings):
    return DataLoader(ArrayDataset(X, X[:, 0]), size, last_batch=last, **settings)


class Replacing:
    """Has the attributes of a PyTorch sampler."""

    replacement = True

    def __init__(self, count=10):
        self.count = count

    def __len__(self):
        return self.count


class SequentialSampler(Replacing):
    replacement = False


class Torch:
    """Has what is asked of a PyTorch DataLoader."""

    def __init__(self, drop_last=False, sampler=None, lost=(), size=4):
        self.dataset, self.lost = X, lost
        self.batch_sampler = SimpleNamespace(
            sampler=sampler or SequentialSampler(), batch_size=size, drop_last=drop_last
        )

    def __len__(self):
        return 10 // 4 + (not self.batch_sampler.drop_last)

    def __iter__(self):
        size = self.batch_sampler.batch_size
        stop = 10 // size * size if self.batch_sampler.drop_last else 10
        for first in range(0, stop, size):
            rows = [n for n in range(first, min(10, first + size)) if n not in self.lost]
            yield X[rows], X[rows, 0]


FORMS = {
    "DataLoaderIter": mx.contrib.io.DataLoaderIter,
    "loader": lambda loader: df.interop.batches(loader),
    "prefetched": lambda loader: mx.io.PrefetchingIter(mx.contrib.io.DataLoaderIter(loader)),
    "resized": lambda loader: mx.io.ResizeIter(mx.contrib.io.DataLoaderIter(loader), 3),
}


@pytest.fixture(params=FORMS)
def form(request):
    return FORMS[request.param]


def scored(data):
    """Mean and number of the samples that are scored, whose values are 0 to 9."""
    symbol = mx.sym.identity(mx.sym.Variable("data"), name="value")
    metrics = [df.metrics.as_metric(lambda label, value: float(value.sum()))]
    routes = {"value": df.Route(["value"], ["softmax_label"], metrics)}
    network = df.Network(symbol=symbol, routes=routes)
    network.set_params({})
    return df.score(network, data)["value/custom"]


def numbers(batches):
    return [[int(n) for n in batch.data["data"][: batch.real].ravel()] for batch in batches]


@pytest.mark.parametrize("workers", [0, 1])
def test_all_samples_are_scored_in_each_pass(form, workers):
    data = form(gluon("keep", num_workers=workers, thread_pool=True))
    assert [scored(data) for _ in range(3)] == [4.5] * 3


def test_dropped_samples_are_refused(form):
    with pytest.raises(DataError, match="leaves out 2|drops or repeats") as raised:
        scored(form(gluon("discard")))
    if "leaves out" in str(raised.value):
        assert raised.value.fix == "last_batch='keep'"
    data = mx.contrib.io.DataLoaderIter(gluon("discard", size=5))
    assert [scored(data) for _ in range(2)] == [4.5] * 2


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("name", ["DataLoaderIter", "loader", "prefetched"])
def test_samples_carried_over_are_scored_once(name, workers):
    data = FORMS[name](gluon("rollover", num_workers=workers, thread_pool=True))
    assert [scored(data) for _ in range(4)] == [4.5] * 4
    source = source_of(data)
    stream = [n for _ in range(4) for rows in numbers(source.train_epoch()) for n in rows]
    assert stream == [(stream[0] + n) % 10 for n in range(len(stream))]


@pytest.mark.parametrize("name", ["DataLoaderIter", "loader"])
def test_a_training_knows_how_many_batches_come(name):
    for last, lengths in (("keep", [3] * 4), ("discard", [2] * 4), ("rollover", [2, 3, 2, 3])):
        source = source_of(FORMS[name](gluon(last)))
        total = [source.total(epochs) for epochs in range(1, 5)]
        assert total == np.cumsum(lengths).tolist()
        assert [len(list(source.train_epoch())) for _ in range(4)] == lengths


@pytest.mark.parametrize("name", ["DataLoaderIter", "loader"])
def test_a_loader_that_was_read_before(name):
    loader = gluon("rollover")
    assert len(list(loader)) == 2  # 8 and 9 are left to the next epoch
    data = FORMS[name](loader)
    source = source_of(data)
    total = source.total(2)
    assert total in (None, sum(len(list(source.train_epoch())) for _ in range(2)))
    assert scored(data) == 4.5


def test_a_shuffled_loader_that_carries_over():
    data = df.interop.batches(gluon("rollover", shuffle=True))
    assert [scored(data) for _ in range(4)] == [4.5] * 4  # each pass begins a new order
    data = mx.contrib.io.DataLoaderIter(gluon("rollover", shuffle=True))
    assert scored(data) == 4.5
    with pytest.raises(DataError, match="in the middle of a batch") as raised:
        scored(data)
    assert "shuffle=False" in raised.value.fix


@pytest.mark.parametrize("name", ["DataLoaderIter", "loader"])
@pytest.mark.parametrize("last", ["discard", "rollover"])
def test_training_tells_what_an_epoch_lacks(name, last, caplog):
    caplog.set_level("INFO", "densefit")
    symbol = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=1)
    symbol = mx.sym.LinearRegressionOutput(symbol, name="softmax")
    df.fit(symbol, FORMS[name](gluon(last)), epochs=1)
    assert "An epoch of the train data had 8 rows of 10 samples" in caplog.text


@pytest.mark.parametrize(
    ("make", "level"),
    [
        (lambda: gluon("discard"), "WARNING"),  # the same two are never trained on
        (lambda: gluon("discard", shuffle=True), "INFO"),
        (lambda: gluon("rollover"), "INFO"),
        (lambda: mx.io.NDArrayIter(X, X[:, 0], 4, last_batch_handle="discard"), "WARNING"),
        (lambda: mx.io.NDArrayIter(X, X[:, 0], 4, True, last_batch_handle="discard"), "INFO"),
        (lambda: mx.io.NDArrayIter(X, X[:, 0], 4, last_batch_handle="roll_over"), "INFO"),
        (lambda: mx.io.ResizeIter(mx.io.NDArrayIter(X, X[:, 0], 4), 2), "WARNING"),
        (lambda: mx.io.ResizeIter(mx.io.NDArrayIter(X, X[:, 0], 4), 2, False), "INFO"),
    ],
)
def test_training_warns_of_samples_that_never_come(make, level, caplog):
    caplog.set_level("INFO", "densefit")
    symbol = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=1)
    symbol = mx.sym.LinearRegressionOutput(symbol, name="softmax")
    df.fit(symbol, make(), epochs=1)
    told = [r.levelname for r in caplog.records if "An epoch of the train data" in r.message]
    assert told == [level]


@pytest.mark.parametrize(
    "make",
    [
        lambda: mx.io.NDArrayIter(X, X[:, 0], 4),
        lambda: mx.io.NDArrayIter(X, X[:, 0], 4, shuffle=True),
        lambda: mx.io.NDArrayIter(X, X[:, 0], 32),
        lambda: gluon("keep"),
        lambda: gluon("keep", shuffle=True),
        lambda: mx.contrib.io.DataLoaderIter(gluon("keep")),
    ],
)
def test_an_ordinary_program_is_not_warned(make, caplog):
    symbol = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=1)
    symbol = mx.sym.LinearRegressionOutput(symbol, name="softmax")
    network = df.Network(symbol=symbol)
    df.fit(network, make(), validation=make(), epochs=2)
    df.score(network, make())
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_resized_loader_is_scored_if_its_epoch_is_a_pass():
    data = mx.contrib.io.DataLoaderIter(gluon("keep"))
    for batches in (2, 4):
        with pytest.raises(DataError, match="drops or repeats"):
            scored(mx.io.ResizeIter(data, batches))


def test_a_users_own_batches_are_believed():
    loader = gluon("keep")
    loader._batch_sampler = [[0, 1, 2], [3, 4, 5, 6, 7, 8, 9]]
    assert scored(df.interop.batches(loader)) == 4.5
    sampler = BatchSampler(RandomSampler(10), 4, "discard")
    own = DataLoader(ArrayDataset(X, X[:, 0]), batch_sampler=sampler)
    with pytest.raises(DataError, match="leaves out 2"):
        scored(own)


def test_pytorchs_loaders():
    assert scored(Torch()) == 4.5
    assert scored(Torch(drop_last=True, size=5)) == 4.5
    for loader, text, fix in (
        (Torch(drop_last=True), "leaves out 2", "drop_last=False"),
        (Torch(sampler=Replacing()), "may draw a sample twice", "without a sampler"),
        (Torch(sampler=SequentialSampler(12)), "may draw a sample twice", "without a sampler"),
        (Torch(lost=[1]), "9 of 10 samples came", "collate_fn"),
        (Torch(lost=[5]), "9 of 10 samples came", "collate_fn"),
    ):
        with pytest.raises(DataError, match=text) as raised:
            scored(loader)
        assert fix in raised.value.fix


def test_a_loader_may_make_several_rows_of_a_sample():
    """As of several crops of a picture."""

    def doubled(samples):
        data, label = map(np.stack, zip(*samples))
        return mx.nd.array(np.repeat(data, 2, axis=0)), mx.nd.array(np.repeat(label, 2))

    for size in (4, 5, 20):
        assert scored(df.interop.batches(gluon("keep", size, batchify_fn=doubled))) == 4.5
    with pytest.raises(DataError, match="leaves out"):
        scored(df.interop.batches(gluon("discard", 4, batchify_fn=doubled)))
    assert scored(df.interop.batches(gluon("discard", 5, batchify_fn=doubled))) == 4.5


class Own(Sampler):
    """A user's sampler, which draws what a function of the pass says."""

    def __init__(self, draw, count=10):
        self.draw, self.count, self.passes = draw, count, 0
        self.own = np.random.RandomState(0)

    def __iter__(self):
        self.passes += 1
        return iter(self.draw(self))

    def __len__(self):
        return self.count


SAMPLED = {
    "sampler": lambda own: gluon("keep", sampler=own),
    "named": lambda own: df.interop.batches(gluon("keep", sampler=own)),
    "DataLoaderIter": lambda own: mx.contrib.io.DataLoaderIter(gluon("keep", sampler=own)),
    "PyTorch's": lambda own: Torch(sampler=own),
}


@pytest.mark.parametrize("form", SAMPLED)
def test_a_sampler_that_repeats_samples_is_refused(form):
    for draw in (
        lambda own: [0] * 10,
        lambda own: [0, 1, 2, 3, 4, 5, 6, 7, 8, -10],
        lambda own: np.random.randint(0, 10, 10),
        lambda own: own.own.randint(0, 10, 10),
    ):
        with pytest.raises(DataError, match="draws sample . twice") as raised:
            scored(SAMPLED[form](Own(draw)))
        assert "each once" in raised.value.fix


@pytest.mark.parametrize("form", SAMPLED)
def test_a_sampler_of_all_samples_is_as_it_was(form, caplog):
    def draw(own):
        return np.random.permutation(own.own.permutation(10))

    own = Own(draw)
    assert scored(SAMPLED[form](own)) == 4.5
    assert not caplog.text
    before = own.passes, own.own.get_state()[1:3], np.random.get_state()[1:3]
    repeated(gluon("keep", sampler=own))
    after = own.passes, own.own.get_state()[1:3], np.random.get_state()[1:3]
    assert str(before) == str(after)


def test_what_a_sampler_leaves_out_is_told(caplog):
    data = gluon("keep", sampler=Own(lambda own: [0, 2, 4, 6, 8], 5))
    assert scored(data) == 4.0
    assert scored(gluon("keep", sampler=Own(lambda own: [0, 2, 4, 6, 8], 5))) == 4.0
    assert caplog.text.count("draws 5 of 10 samples by its Own") == 1
    caplog.clear()
    even = FilterSampler(lambda sample: sample[1] % 2 == 0, ArrayDataset(X, X[:, 0]))
    assert scored(gluon("keep", sampler=even)) == 4.0
    assert not caplog.text


@pytest.mark.parametrize(
    "draw", [lambda own: np.random.permutation(10)[:5], lambda own: open("/nowhere")]
)
def test_what_is_not_known_of_a_sampler_is_told(draw, caplog):
    own = Own(draw, 5)
    data = df.interop.batches([(X, X[:, 0])])
    assert scored(data) == 4.5
    assert not caplog.text
    assert repeated(gluon("keep", sampler=own)) is None
    assert "Which of the 10 samples DataLoader draws, a Own of your own, is not" in caplog.text


def test_a_sampler_that_reads_the_data_is_not_waited_for(monkeypatch, caplog):
    monkeypatch.setattr("densefit.interop.drawn._SECONDS", 0.0)
    assert scored(gluon("keep", sampler=Own(lambda own: range(10)))) == 4.5
    assert "is not checked" in caplog.text


@pytest.mark.parametrize("form", ["plain", "DataLoaderIter"])
def test_own_batches_that_repeat_samples_are_refused(form, caplog):
    for batches, mean in (
        ([[0, 1, 2, 3, 4], [9, 8, 7, 6, 5]], 4.5),
        ([[0, 1], [2, 9]], 3.0),
        ([[0, 0], [1, 2]], None),
        (Own(lambda own: [[0, 1], [2, 0]], 2), None),
    ):
        loader = DataLoader(ArrayDataset(X, X[:, 0]), batch_sampler=batches)
        data = loader if form == "plain" else mx.contrib.io.DataLoaderIter(loader)
        if mean is not None:
            assert scored(data) == mean
            continue
        with pytest.raises(DataError, match="draws sample 0 twice"):
            scored(data)
    assert caplog.text.count("draws 4 of 10 samples") == 1


def test_training_with_a_sampler_of_ones_own_is_not_asked(caplog):
    own = Own(lambda own: [0] * 10)
    symbol = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=1)
    symbol = mx.sym.LinearRegressionOutput(symbol, name="softmax")
    df.fit(symbol, gluon("keep", sampler=own), epochs=1)
    assert "draws" not in caplog.text
