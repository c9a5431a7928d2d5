"""Every optimizer against MXNet's, while the rate changes 50-fold, and continued by the other."""

import copy
import functools
import warnings

import numpy as np
import pytest
import torch

from densefit.backend import mx
from densefit.engine.mxnet.optimizers import adamw  # noqa: F401 - registers it with MXNet
from densefit.engine.mxnet.optimizers.adamax import Adamax
from densefit.engine.mxnet.optimizers.counters import counters_to_dict, restore_counters
from densefit.engine.mxnet.optimizers.sgd import SGD
from densefit.engine.mxnet.optimizers.states import (
    optimizer_from_arrays,
    optimizer_to_arrays,
    restore_updater,
)
from densefit.engine.settings import OptimizerSettings
from densefit.engine.torch.optimizers import (
    load_optimizer_state,
    optimizer_state,
    pieces,
    start,
)
from densefit.model.symbol_graph import SymbolGraph

#: A bias has no weight decay.
SHAPES = {"fc_weight": (4, 7), "fc_bias": (72,), "bn_gamma": (20, 11)}
PIECE = 64  # entries that are updated at a time: bn_gamma and fc_bias are several pieces
DECAY, RESCALE = 0.003, 1 / 16
#: Sizes of gradients, by row: MXNet's small ones, large ones, and 0.
SIZES = np.array([1e-9, 1e-3, 1.0, 1e3], np.float32)
UPDATES = 40  # a period of the rate, nearly

CASES = [
    ("sgd", {}),
    ("sgd", {"momentum": 0.9}),
    ("sgd", {"momentum": 0.9, "clip_gradient": 0.5}),
    ("sgd", {"clip_gradient": 0.5}),
    ("ccsgd", {"momentum": 0.9}),
    ("nag", {}),
    ("nag", {"momentum": 0.9}),
    ("nag", {"momentum": 0.9, "clip_gradient": 0.5}),
    ("signum", {"momentum": 0.0}),
    ("signum", {"momentum": 0.9, "wd_lh": 0.01}),
    ("signum", {"clip_gradient": 0.5}),
    ("dcasgd", {"lamda": 1e-4}),
    ("dcasgd", {"clip_gradient": 0.5}),
    ("adam", {}),
    ("adam", {"clip_gradient": 0.5, "beta1": 0.8, "epsilon": 1e-3}),
    ("adamw", {}),
    ("adamw", {"clip_gradient": 0.5}),
    ("adamax", {}),
    ("adamax", {"clip_gradient": 0.5}),
    ("nadam", {}),
    ("nadam", {"clip_gradient": 0.5}),
    ("rmsprop", {}),
    ("rmsprop", {"clip_gradient": 0.5, "clip_weights": 0.2}),
    ("rmsprop", {"centered": True}),
    ("adagrad", {}),
    ("adagrad", {"clip_gradient": 0.5}),
    ("adadelta", {}),
    ("adadelta", {"clip_gradient": 0.5}),
    ("ftrl", {}),
    ("ftrl", {"clip_gradient": 0.5}),
    ("ftml", {}),
    ("ftml", {"clip_gradient": 0.5}),
    ("lars", {"momentum": 0.9}),
    ("lars", {"momentum_correction": False, "eta": 0.1}),
    ("lamb", {}),
    ("lamb", {"clip_gradient": 0.5, "lower_bound": 0.3, "upper_bound": 2.0}),
    ("lamb", {"bias_correction": False}),
    ("lbsgd", {"momentum": 0.9}),
    ("lbsgd", {"warmup_strategy": "lars"}),
    ("lbsgd", {"batch_scale": 4, "warmup_epochs": 1, "updates_per_epoch": 20}),
]


def initial():
    random = np.random.RandomState(0)
    return {name: random.normal(0, 0.3, shape).astype("f") for name, shape in SHAPES.items()}


@functools.cache
def gradient_of(update):
    random = np.random.RandomState(update)
    gradients = {
        name: (random.normal(0.1, 1, shape) * SIZES.repeat(-(-shape[0] // 4))[: shape[0]].reshape(
            -1, *[1] * (len(shape) - 1)
        )).astype("f")
        for name, shape in SHAPES.items()
    }  # fmt: skip
    gradients["fc_weight"][:, 0] = 0
    return gradients


def rate_of(update):
    return 0.01 * 50 ** (np.sin(update / 9) / 2)


class WithMXNet:
    """The optimizer of the engine 'mxnet', with its updater."""

    def __init__(self, name, settings):
        names = dict(enumerate(SHAPES))
        make = {"sgd": SGD, "adamax": Adamax}.get(name)
        make = make or (lambda **s: mx.optimizer.create(name, **s))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.optimizer = make(param_idx2name=names, wd=DECAY, **settings)
        self.names = names
        self.updater = mx.optimizer.get_updater(self.optimizer)
        self.weights = {name: mx.nd.array(value) for name, value in initial().items()}

    def step(self, update):
        self.optimizer.lr, self.optimizer.rescale_grad = rate_of(update), RESCALE
        arrays = [mx.nd.array(gradient_of(update)[name]) for name in SHAPES]  # are overwritten
        self.updater(list(self.names), arrays, list(self.weights.values()))

    def values(self):
        return {name: weight.asnumpy() for name, weight in self.weights.items()}

    def state(self):
        arrays = optimizer_to_arrays(self.updater.states, self.names)
        counters = counters_to_dict(self.optimizer, self.names)
        return arrays, {**counters, "kind": type(self.optimizer).__name__}

    def load(self, values, arrays, counters):
        self.weights = {name: mx.nd.array(value) for name, value in values.items()}
        restore_updater(self.updater, optimizer_from_arrays(arrays, self.names))
        restore_counters(self.optimizer, counters, self.names)


class WithTorch:
    """The optimizer of the engine 'torch'."""

    def __init__(self, name, settings):
        self.weights = {name: torch.from_numpy(value) for name, value in initial().items()}
        symbol = mx.sym.Variable("fc_weight")
        self.optimizer = start(
            OptimizerSettings(name, {"wd": DECAY, **settings}), self.weights, SymbolGraph.of(symbol)
        )

    def step(self, update):
        tensors = {name: torch.from_numpy(value) for name, value in gradient_of(update).items()}
        self.optimizer.step(RESCALE, rate_of(update), tensors)

    def values(self):
        return {name: weight.numpy().copy() for name, weight in self.weights.items()}

    def state(self):
        return optimizer_state(self.optimizer)

    def load(self, values, arrays, counters):
        for name, value in values.items():
            self.weights[name].copy_(torch.from_numpy(value))
        assert load_optimizer_state(self.optimizer, arrays, counters) == ""


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    monkeypatch.setattr(pieces, "_PIECE", PIECE)


@functools.cache
def trained(make, case):
    """(trainer after all updates, values and state after half of them, largest weights).

    Args:
        make: class of the trainer.
        case: position in CASES.
    """
    trainer = make(*CASES[case])
    largest = {name: np.full(shape, 0.1) for name, shape in SHAPES.items()}
    for update in range(UPDATES):
        if update == UPDATES // 2:
            half = copy.deepcopy((trainer.values(), *trainer.state()))
        trainer.step(update)
        if update % 4 == 3:  # to read MXNet's weights takes as long as their update
            for name, value in trainer.values().items():
                np.maximum(largest[name], np.abs(value), out=largest[name])
    return trainer, half, largest


def difference(ours, theirs, largest):
    """Largest difference of a weight, relative to the largest that it has been."""
    assert all(np.isfinite(value).all() for value in theirs.values())
    return max(float((np.abs(ours[name] - theirs[name]) / largest[name]).max()) for name in theirs)


def tolerance(name):
    """Bound of the difference; where it is larger, MXNet differs as much from itself."""
    # Nadam: from weights that begin 1e-7 apart. LAMB, LARS: sums of squares in float32.
    return {"nadam": 5e-5, "lamb": 1e-5, "lars": 1e-5, "lbsgd": 1e-5}.get(name, 3e-6)


def of_each(cases):
    """Run the tests of a case after each other: they share its trainings."""
    names = [f"{name}-{settings}" for name, settings in cases]
    return pytest.mark.parametrize("case", range(len(cases)), ids=names, scope="module")


@of_each(CASES)
def test_it_equals_mxnet_over_many_updates(case):
    theirs, _, largest = trained(WithMXNet, case)
    ours, *_ = trained(WithTorch, case)
    assert difference(ours.values(), theirs.values(), largest) < tolerance(CASES[case][0])
    assert ours.optimizer.counts == dict.fromkeys(SHAPES, UPDATES)


@of_each(CASES[:-1])  # MXNet's LBSGD has the sums of earlier batches in no state
@pytest.mark.parametrize("order", [(WithMXNet, WithTorch), (WithTorch, WithMXNet)])
def test_the_other_engine_continues_it(case, order):
    name, settings = CASES[case]
    _, half, _ = trained(order[0], case)
    straight, _, largest = trained(order[1], case)
    second = order[1](name, settings)
    second.load(*half)
    for update in range(UPDATES // 2, UPDATES):
        second.step(update)
    assert difference(second.values(), straight.values(), largest) < tolerance(name)
    (arrays, counters), (expected, counted) = second.state(), straight.state()
    assert counters["counts"] == counted["counts"]
    assert {key: (value.shape, value.dtype) for key, value in arrays.items()} == {
        key: (value.shape, value.dtype) for key, value in expected.items()
    }
