"""Networks and data that train in milliseconds."""

import itertools
import logging
import os
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import densefit as df
from densefit import factory, plugin_files
from densefit.data.sample import Sample
from densefit.data.workers.process_prefetcher import ProcessPrefetcher
from densefit.metrics import MAE
from densefit.model.backbones import Backbone
from densefit.model.layers import conv_bn
from densefit.once import forget
from densefit.registry import load_plugins
from densefit.symbol import sym
from tests.rows import Changed, iterator_of_arrays

_logger = logging.getLogger("densefit")
load_plugins()  # before a test replaces a registry for itself


@pytest.fixture(autouse=True)
def _nothing_was_said():
    """Warnings that come once a process come in each test, and no test silences others."""
    forget()
    level = _logger.level
    yield
    changed, _logger.level = _logger.level, level
    assert changed == level, "the test leaves densefit's logger at another level"


@pytest.fixture(autouse=True)
def _environment_stays():
    """What a test, or what it calls, sets in the environment is not there in the next one."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update({k: v for k, v in before.items() if os.environ.get(k) != v})


@pytest.fixture(params=["mxnet", "torch"])
def each_engine(request, monkeypatch):
    """Name of an engine, with which `tests.executor` computes in the test."""
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    monkeypatch.setenv("DENSEFIT_ENGINE", request.param)
    return request.param


class Recorder(df.Callback):
    """Calls `function(state, control)` at `event`, and keeps the results."""

    def __init__(self, event, function):
        self.seen = []

        def call(state, control, *rest):
            self.seen.append(function(state, control, *rest))

        setattr(self, event, call)


class Log(df.Callback):
    """The order of events."""

    def __init__(self):
        self.events = []

    def fit_started(self, state, control):
        self.events.append("fit")

    def epoch_started(self, state, control):
        self.events.append("epoch")

    def update_ended(self, state, control):
        self.events.append(state.update)

    def epoch_ended(self, state, control):
        self.events.append("end")

    def validated(self, state, control):
        self.events.append("validated")

    def saved(self, state, control, path):
        self.events.append("saved")

    def fit_ended(self, state, error):
        self.events.append(type(error).__name__ if error else "done")


class Pictures:
    """Pictures of one brightness each; the target `value` is the brightness."""

    classes = ("value",)

    def __init__(self, length=10, size=32, broken=None):
        self.length, self.size, self.broken = length, size, broken

    def __len__(self):
        return self.length

    def id_of(self, index):
        return f"p{index}"

    def __getitem__(self, index):
        if index == self.broken:
            raise ValueError("cannot decode")
        rng = np.random.default_rng(index)
        value = rng.uniform(0.2, 0.8)
        image = rng.normal(255 * value, 20, (self.size, self.size, 3)).clip(0, 255)
        return Sample(self.id_of(index), image.astype(np.uint8), {"value": np.array(value)})


class Brightness(df.Head):
    """One number a picture, by the mean of the deepest map."""

    def __init__(self, name="bright", weight=1.0, dropout=0.0):
        self.name, self.weight, self.dropout = name, weight, dropout
        self.output_stride = 32

    def labels(self, input_size):
        return [df.Label("value", ())]

    def _value(self, features):
        x = sym.mean(features.maps[max(features.maps)], axis=(2, 3))
        x = sym.Dropout(x, p=self.dropout)
        x = sym.FullyConnected(x, num_hidden=1, name=f"{self.name}_fc")
        return sym.reshape(x, shape=(-1,))

    def train(self, features, labels):
        return {"loss": sym.square(self._value(features) - labels["value"])}

    def evaluate(self, features):
        return {"value": self._value(features)}

    def encode(self, sample):
        return {"value": np.array(sample.targets["value"], np.float32)}

    def decode(self, outputs, geometries):
        return list(outputs["value"])

    def ground_truth(self, targets):
        return targets["value"]

    def metrics(self):
        return [MAE()]


class TinyBackbone(Backbone):
    """A convolution with BatchNorm at stride 4, and pooling below."""

    name = "tiny"

    def maps(self, x, output_stride):
        x = conv_bn(x, "tiny_stem", 4, stride=2)
        maps = {}
        for stride in (4, 8, 16, 32):
            x = sym.Pooling(
                x, kernel=(2, 2), stride=(2, 2), pool_type="avg", pooling_convention="full"
            )
            maps[stride] = (x, 4)
        return maps


class Tiny:
    """Makers of small things."""

    Brightness = Brightness
    Pictures = Pictures
    Backbone = TinyBackbone
    Recorder = Recorder
    Log = Log
    Changed = Changed

    @staticmethod
    def network(**head):
        return df.Network(TinyBackbone(), [Brightness(**head)])

    @staticmethod
    def loader(network, length=10, batch_size=4, **settings):
        dataset = settings.pop("dataset", None) or Pictures(length)
        return df.Loader(dataset, batch_size=batch_size, heads=network.heads, **settings)

    @staticmethod
    def arrays(length=10, seed=0):
        """(x (n, 6), class (n,) of 3, size (n,))."""
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(length, 6)).astype(np.float32)
        kind = x[:, :3].argmax(axis=1).astype(np.float32)
        return x, kind, x[:, :2].sum(axis=1)

    @staticmethod
    def iterator(length=10, batch_size=4, labels=("kind_label", "size_label"), **settings):
        x, kind, size = Tiny.arrays(length)
        given = {"kind_label": kind, "size_label": size}
        return iterator_of_arrays(
            {"data": x}, {name: given[name] for name in labels}, batch_size, **settings
        )

    @staticmethod
    def broken(inner, at):
        """An iterator that fails at its batch number `at`, from 1, over all epochs."""
        calls = itertools.count(1)

        def take(iterator):
            if next(calls) == at:
                raise OSError("the disk is gone")
            return iterator.next()

        return Changed(inner, take)

    @staticmethod
    def kind(normalization="null", trunk=None):
        """Softmax over 3 classes: output kind_output, label kind_label."""
        x = sym.Variable("data") if trunk is None else trunk
        x = sym.FullyConnected(x, num_hidden=3, name="kind_fc")
        return sym.SoftmaxOutput(x, name="kind", normalization=normalization)

    @staticmethod
    def two_heads():
        """[softmax, regression] on a common layer."""
        x = sym.FullyConnected(sym.Variable("data"), num_hidden=8, name="trunk")
        x = sym.Activation(x, act_type="relu")
        size = sym.FullyConnected(x, num_hidden=1, name="size_fc")
        size = sym.LinearRegressionOutput(size, name="size")
        return sym.Group([Tiny.kind(trunk=x), size])

    @staticmethod
    def routes():
        return {
            "kind": df.Route(["kind_output"], ["kind_label"], ["accuracy"]),
            "size": df.Route(["size_output"], ["size_label"], ["mae"]),
        }

    @staticmethod
    def kind_route(**settings):
        return {"kind": df.Route(["kind"], ["kind_label"], ["accuracy"], **settings)}

    @staticmethod
    def conv_bn():
        """Convolution, BatchNorm, ReLU, FullyConnected, softmax: what MXNet fuses."""
        x = conv_bn(sym.Variable("data"), "conv", 4)
        x = sym.FullyConnected(x, num_hidden=3, name="kind_fc")
        return sym.SoftmaxOutput(x, name="kind")

    @staticmethod
    def images(length=8, batch_size=4):
        rng = np.random.default_rng(1)
        x = rng.normal(size=(length, 2, 6, 6)).astype(np.float32)
        labels = {"kind_label": np.arange(length) % 3}
        return iterator_of_arrays({"data": x}, labels, batch_size)

    @staticmethod
    def values(network):
        """All parameters by name, as numpy."""
        return {**network.parameters, **network.statistics}

    @staticmethod
    def assert_equal(first, second, exactly=True):
        first, second = Tiny.values(first), Tiny.values(second)
        assert first.keys() == second.keys()
        for name, value in first.items():
            if exactly:
                np.testing.assert_array_equal(value, second[name], err_msg=name)
            else:
                np.testing.assert_allclose(value, second[name], rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.fixture(scope="session")
def tiny():
    return Tiny


def assert_alike(first, second, where="sample"):
    """Two values are of one type and hold the same, bit by bit."""
    assert type(first) is type(second), where
    if isinstance(first, np.ndarray):
        assert (first.dtype, first.shape) == (second.dtype, second.shape), where
        np.testing.assert_array_equal(first, second, err_msg=where)
    elif isinstance(first, dict):
        assert list(first) == list(second), where
        for key, value in first.items():
            assert_alike(value, second[key], f"{where}[{key!r}]")
    elif isinstance(first, tuple):
        assert len(first) == len(second), where
        for index, value in enumerate(first):
            assert_alike(value, second[index], f"{where}[{index}]")
    elif hasattr(first, "__dataclass_fields__"):
        assert_alike(vars(first), vars(second), where)
    else:
        assert first == second, where


@pytest.fixture(scope="session")
def in_a_process():
    """(work, visits): a worker process makes of each visit what `work` makes of it here."""
    ahead = ProcessPrefetcher(1, 4, timeout=120, slot_bytes=1 << 16)

    def compare(work, visits):
        visits = list(visits)
        ahead.begin(work, visits)
        for visit in visits:
            assert_alike(work(visit), ahead.next())
        assert ahead.next() is None

    yield compare
    ahead.stop()


@pytest.fixture
def mx():
    """MXNet; tests that take this fixture are not collected where it is not installed."""
    from densefit.backend import mx

    return mx


@pytest.fixture
def module_waits(mx, monkeypatch):
    """Let MXNet's Module read BatchNorm's statistics when they are written.

    The backward pass writes them without MXNet's engine knowing, and Module.fit reads and sets them
    at the end of each epoch: now and then it loses the last update's.
    """
    inner = mx.mod.Module._sync_params_from_devices

    def waiting(self):
        mx.nd.waitall()
        inner(self)

    monkeypatch.setattr(mx.mod.Module, "_sync_params_from_devices", waiting)


@pytest.fixture
def plugins_of_test(monkeypatch):
    """Forget after the test what plugin files have registered in it."""
    load_plugins()
    for registry in factory.REGISTRIES:
        monkeypatch.setattr(registry, "_factories", dict(registry._factories))
    monkeypatch.setattr(plugin_files, "_imported", {})
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.split(".")[0] == plugin_files.PACKAGE:
            del sys.modules[name]
