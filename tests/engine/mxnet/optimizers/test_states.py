"""Optimizer states and counters: k updates, a resume and k more are 2k updates, bit for bit."""

import json
import random

import numpy as np
import pytest

from densefit.backend import mx
from densefit.checkpoint.storage import store
from densefit.checkpoint.training.rng import rng_state, set_rng_state
from densefit.engine.mxnet.optimizers.counters import counters_to_dict, restore_counters
from densefit.engine.mxnet.optimizers.states import (
    optimizer_from_arrays,
    optimizer_to_arrays,
    restore_updater,
)
from densefit.errors import CheckpointError

SHAPES = {"fc_weight": (3, 4), "fc_bias": (3,), "trunk/conv_weight": (2, 2)}
K = 5

OPTIMIZERS = {
    "sgd": ("sgd", {}, "float32"),
    "momentum": ("sgd", {"momentum": 0.9, "wd": 1e-3}, "float32"),
    "momentum half": ("sgd", {"momentum": 0.9, "multi_precision": True}, "float16"),
    "sgd half": ("sgd", {"multi_precision": True}, "float16"),
    "nag": ("nag", {"momentum": 0.9}, "float32"),
    "adam": ("adam", {"wd": 1e-3}, "float32"),
    "adam half": ("adam", {"multi_precision": True}, "float16"),
    "adam double": ("adam", {}, "float64"),
    "nadam": ("nadam", {}, "float32"),
    "rmsprop": ("rmsprop", {"centered": True}, "float32"),
    "adagrad": ("adagrad", {}, "float32"),
    "ftml": ("ftml", {}, "float32"),
    "lamb": ("lamb", {}, "float32"),
    "lars": ("lars", {"momentum": 0.9}, "float32"),
}


class Training:
    """An optimizer at work on some parameters, replicated over `devices` CPU contexts.

    The schedule makes the rate depend on num_update, and a parameter that starts later makes the
    counts differ.
    """

    def __init__(self, kind, devices=1, order=tuple(SHAPES)):
        name, settings, self.dtype = OPTIMIZERS[kind]
        self.devices, self.order = devices, order
        self.names = {
            position * devices + k: name
            for position, name in enumerate(order)
            for k in range(devices)
        }
        schedule = mx.lr_scheduler.PolyScheduler(4 * K, base_lr=0.1)
        self.optimizer = mx.optimizer.create(
            name, param_idx2name=dict(self.names), lr_scheduler=schedule, **settings
        )
        self.updater = mx.optimizer.get_updater(self.optimizer)
        start = np.random.RandomState(0)
        values = {name: start.randn(*shape) for name, shape in SHAPES.items()}
        self.weights = {
            index: mx.nd.array(values[name], mx.cpu(index % devices), dtype=self.dtype)
            for index, name in self.names.items()
        }

    def run(self, first, count):
        for update in range(first, first + count):
            draw = np.random.RandomState(update)
            gradients = {name: draw.randn(*shape) for name, shape in SHAPES.items()}
            for index, name in self.names.items():
                if name == "fc_bias" and update < 2:
                    continue  # frozen for a while
                weight = self.weights[index]
                gradient = mx.nd.array(gradients[name], weight.context, dtype=self.dtype)
                self.updater(index, gradient, weight)

    def result(self):
        return {
            (name, index % self.devices): self.weights[index].asnumpy().tobytes()
            for index, name in self.names.items()
        }

    def save(self, directory):
        arrays = optimizer_to_arrays(self.updater.states, self.names, self.devices)
        weights = {
            self.names[index]: weight.asnumpy()
            for index, weight in self.weights.items()
            if index % self.devices == 0
        }
        counters = counters_to_dict(self.optimizer, self.names)
        return store.write(directory, "a", {"model": weights, "optimizer": arrays}, counters)

    def load(self, path):
        parts, counters = store.read(path)
        for index, name in self.names.items():
            self.weights[index][:] = parts["model"][name]
        states = optimizer_from_arrays(parts["optimizer"], self.names)
        restore_updater(self.updater, states)
        restore_counters(self.optimizer, counters, self.names, range(self.devices))


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_k_updates_and_k_after_a_resume_are_2k_updates(tmp_path, kind):
    whole = Training(kind)
    whole.run(0, 2 * K)
    half = Training(kind)
    half.run(0, K)
    resumed = Training(kind)
    resumed.load(half.save(tmp_path))
    resumed.run(K, K)
    assert resumed.result() == whole.result()
    assert resumed.optimizer.num_update == whole.optimizer.num_update
    assert counters_to_dict(resumed.optimizer, resumed.names) == counters_to_dict(
        whole.optimizer, whole.names
    )


def test_it_is_the_counters_that_mxnet_forgets(tmp_path):
    """The same with states alone: Adam's bias correction and the schedule begin anew."""
    whole = Training("adam")
    whole.run(0, 2 * K)
    half = Training("adam")
    half.run(0, K)
    resumed = Training("adam")
    resumed.load(half.save(tmp_path))
    fresh = Training("adam")
    fresh.weights = resumed.weights
    fresh.updater.set_states(half.updater.get_states())
    fresh.run(K, K)
    assert fresh.result() != whole.result()


@pytest.mark.parametrize(("before", "after"), [(2, 2), (2, 1), (1, 3)])
def test_on_another_number_of_devices_and_in_another_order(tmp_path, before, after):
    order = tuple(reversed(tuple(SHAPES)))
    whole = Training("adam", after, order)
    whole.run(0, 2 * K)
    half = Training("adam", before)
    half.run(0, K)
    resumed = Training("adam", after, order)
    resumed.load(half.save(tmp_path))
    resumed.run(K, K)
    assert resumed.result() == whole.result()
    states = list(resumed.updater.states.values())
    assert len({id(mean) for mean, _ in states}) == len(states)  # none is shared


def nd(*values):
    return mx.nd.array(values, dtype="float32")


@pytest.mark.parametrize(
    ("state", "places"),
    [
        (None, {"none"}),
        (nd(1, 2), {"array"}),
        ((nd(1), nd(2)), {"0", "1"}),
        ([nd(1), nd(2)], {"[0]", "[1]"}),
        ((None, nd(2)), {"0.none", "1"}),
        ((nd(0), (nd(1), [nd(2), None])), {"0", "1.0", "1.1.[0]", "1.1.[1].none"}),
        (tuple(nd(i) for i in range(11)), {str(i) for i in range(11)}),
    ],
)
def test_states_of_any_form(state, places):
    arrays = optimizer_to_arrays({7: state}, {7: "a/b"})
    assert set(arrays) == {f"a/b/{place}" for place in places}
    again = optimizer_from_arrays(arrays, {7: "a/b"})[7]

    def plain(one):
        if isinstance(one, (list, tuple)):
            return type(one)(plain(part) for part in one)
        return None if one is None else one.asnumpy().tolist()

    assert plain(again) == plain(state)


def test_states_kept_by_name_as_in_a_kvstore():
    arrays = optimizer_to_arrays({"w": nd(1)}, {"w": "w"}, devices=2)
    assert optimizer_from_arrays(arrays, {"w": "w"})["w"].asnumpy() == [1]


def test_no_states_yet():
    assert optimizer_to_arrays({}, {0: "w"}) == {}
    assert optimizer_from_arrays({}, {0: "w"}) == {}


def test_states_of_unknown_parameters_are_refused():
    with pytest.raises(CheckpointError, match="without a name"):
        optimizer_to_arrays({3: nd(1)}, {0: "w"})
    with pytest.raises(CheckpointError, match="received: old_head_weight"):
        optimizer_from_arrays({"old_head_weight/array": np.zeros(1)}, {0: "w"})
    optimizer = mx.optimizer.create("sgd")
    counters = {"num_update": 1, "begin_num_update": 0, "counts": {"old": 1}, "running": {}}
    with pytest.raises(CheckpointError, match="received: old"):
        restore_counters(optimizer, counters, {0: "w"})


@pytest.mark.parametrize("key", ["w", "w/x", "w/1", "w/[0", "w/0.x"])
def test_names_that_are_not_ours_are_refused(key):
    with pytest.raises(CheckpointError, match="not an optimizer state"):
        optimizer_from_arrays({key: np.zeros(1)}, {0: "w"})


@pytest.mark.parametrize("state", [object(), mx.nd.zeros((2, 2), stype="row_sparse")])
def test_states_that_cannot_be_stored_are_refused(state):
    with pytest.raises(CheckpointError, match="parameter 'w'"):
        optimizer_to_arrays({0: (nd(1), state)}, {0: "w"})


def test_random_generators_continue_after_json():
    kept = rng_state()
    try:
        random.seed(3)
        np.random.seed(4)
        np.random.randn()  # leaves a cached normal number behind
        random.gauss(0, 1)
        state = json.loads(json.dumps(rng_state()))
        first = random.random(), random.gauss(0, 1), np.random.randn(3).tolist()
        set_rng_state(state)
        assert (random.random(), random.gauss(0, 1), np.random.randn(3).tolist()) == first
    finally:
        set_rng_state(kept)


@pytest.mark.parametrize("state", [{}, {"python": [3, [], None], "numpy": []}, {"python": 3}])
def test_other_random_states_are_refused(state):
    with pytest.raises(CheckpointError, match="random generators"):
        set_rng_state(state)
