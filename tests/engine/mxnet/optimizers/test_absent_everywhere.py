"""An absent head stands still, and the rest moves as numpy says: any optimizer, balancer, data.

Each case makes two updates on a bound network that all share. In the second some heads have no
label; in the first they have, so that there is a momentum to go on with, but with batches in turn:
there each update is of one of two datasets.
"""

import functools
import math

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.callbacks.callback import TrainState
from densefit.checkpoint.training.session import Session
from densefit.data.sample import Sample
from densefit.engine.batch_reader import BatchReader
from densefit.engine.mxnet.learner import Learner
from densefit.engine.settings import BindSettings, OptimizerSettings
from densefit.model.backbones import Backbone
from densefit.train.balance import (
    DWA,
    RLW,
    CAGrad,
    Fixed,
    GradNorm,
    PCGrad,
    Scheduled,
    Uncertainty,
    balancers,
)  # fmt: skip
from densefit.train.balance.gradients.balancer import GradientBalancer
from densefit.train.balance.last_losses import LastLossBalancer
from densefit.train.balancing import Balancing
from densefit.train.step import Step

HEADS = ("one", "two", "three")
RATE, DECAY, S0 = 0.02, 0.1, 0.3
LEFT_OUT = {"ccsgd", "test", "groupadagrad"}  # an old name; MXNet's own test; for embeddings
NAMES = sorted(set(mx.optimizer.Optimizer.opt_registry) - LEFT_OUT)
SETTINGS = {
    name: {"momentum": 0.9} for name in ("sgd", "nag", "lars", "lbsgd", "signum")
}  # fmt: skip
MAKERS = {
    "none": lambda: None,
    "fixed": lambda: Fixed({"one": 0.5, "two": 2.0}),
    "scheduled": lambda: Scheduled({"one": df.schedules.Linear(1.0), "two": 0.3}),
    "rlw": lambda: RLW(seed=3),
    "dwa": lambda: DWA(),
    "uncertainty": lambda: Uncertainty(kinds={"two": "regression"}, initial=S0),
    "gradnorm": lambda: GradNorm(lr=0.1),
    "pcgrad": lambda: PCGrad(seed=1),
    "cagrad": lambda: CAGrad(c=0.2),
}
#: Heads with labels in the two updates.
PRESENT = {
    "one dataset": [{"one", "two", "three"}, {"one", "three"}],
    "mixed": [{"one", "two", "three"}, {"one", "two"}],
    "in turn": [{"one", "two"}, {"three"}],
}


class Trunk(Backbone):
    """Four sums of the three mean colours."""

    name = "trunk"

    def maps(self, x, output_stride):
        x = mx.sym.Pooling(x, kernel=(8, 8), stride=(8, 8), pool_type="avg")
        return {8: (mx.sym.Convolution(x, kernel=(1, 1), num_filter=4, name="trunk"), 4)}


class Number(df.Head):
    """A number, by its square error."""

    output_stride = 8

    def __init__(self, name):
        self.name, self.targets = name, (name,)

    def labels(self, input_size):
        return [df.Label("value", ())]

    def _value(self, features):
        x = mx.sym.flatten(features.maps[8])
        return mx.sym.FullyConnected(x, num_hidden=1, name=f"{self.name}_fc")

    def train(self, features, labels):
        value = mx.sym.reshape(self._value(features), shape=(-1,))
        return {"loss": mx.sym.square(value - labels["value"])}

    def evaluate(self, features):
        return {"value": self._value(features)}

    def encode(self, sample):
        return {"value": np.array(sample.targets[self.name], np.float32)}

    def decode(self, outputs, geometries):
        return list(outputs["value"])

    def ground_truth(self, targets):
        return targets.get(self.name)

    def metrics(self):
        return []


class Data:
    """Pictures of noise, each with a number for some of the heads."""

    classes = ()

    def __init__(self, *has):
        self.has = has

    def __len__(self):
        return len(self.has)

    def id_of(self, index):
        return f"{index}"

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        colours = rng.uniform(40, 215, 3)
        image = (colours + rng.integers(-30, 30, (8, 8, 3))).astype(np.uint8)
        values = {name: np.array(rng.normal() + 2) for name in HEADS}
        return Sample(f"{index}", image, {name: values[name] for name in self.has[index]})


def batches_of(mode):
    """The loader of a mode's first two batches."""
    if mode == "one dataset":
        data = Data(("one", "two"), ("two", "three"), ("one",), ("three", "one"))
    else:
        a, b = Data(("one", "two"), ("one", "two")), Data(("three",), ())
        if mode == "in turn":
            b = Data(("three",), ("three",))
        way = mode.replace(" ", "_")
        data = df.Mixture({"a": a, "b": b}, batches=way)
    loader = df.Loader(data, batch_size=2, heads=list(map(Number, HEADS)), workers=0)
    loader.set_epoch(0, 0)
    return loader


@functools.cache
def bench(mode, learned):
    """(learner, batches, first parameters), bound once for all cases."""
    network = df.Network(Trunk(), [Number(name) for name in HEADS])
    loader = batches_of(mode)
    reader = BatchReader(loader, list(network.adapters.values()), "train")
    learner = Learner(network)
    weigh = MAKERS["uncertainty"]()
    weigh.begin(HEADS)
    learner.bind(reader, BindSettings(weigh=weigh.weighted if learned else None))
    rng = np.random.default_rng(9)
    first = {
        name: rng.normal(0, 1, array.shape).astype(np.float32)
        for name, array in learner.parameters.training_values().items()
    }
    for name in first:
        if name.endswith("log_variance"):
            first[name][:] = S0
    return learner, reader, list(reader.batches()), first


class Run:
    """Two updates: parameters, optimizer states and counts before, between and after."""

    def __init__(self, optimizer, balance, mode):
        self.balancer = MAKERS[balance]()
        learner, reader, batches, first = bench(mode, balance == "uncertainty")
        adapters = learner.network.adapters
        for name, array in learner.parameters.on_device().items():
            array[:] = first[name]
        settings = {"wd": DECAY, **SETTINGS.get(optimizer, {})}
        learner.start_optimizer(OptimizerSettings(optimizer, settings))
        balancing = None
        if self.balancer is not None:
            self.balancer.begin(HEADS, 4, 2)
            balancing = Balancing(self.balancer, learner, adapters)
        metrics = {name: adapter.metrics("train") for name, adapter in adapters.items()}
        state = TrainState(learner.network)
        session = Session(learner, state, None, metrics=metrics)
        step = Step(session, adapters, balancing=balancing)
        self.batches, self.seen = batches, []
        self._look(learner)
        for number, batch in enumerate(batches):
            state.update = number
            step([batch], RATE)
            self._look(learner)

    def _look(self, learner):
        values = {name[4:]: value for name, value in learner.parameters.training_values().items()}
        arrays, counters = learner.optimizer_state()
        self.seen.append((values, arrays, counters["counts"]))


def of_head(name):
    return next((head for head in HEADS if name.startswith(f"{head}_")), None)


def assert_still(run, number, head):
    """What is the head's is after update `number` what it was before, bit by bit."""
    (values, arrays, counts), (after, arrays_after, counts_after) = run.seen[number : number + 2]
    own = [name for name in values if of_head(name) == head]
    assert own
    for name in own:
        np.testing.assert_array_equal(values[name], after[name], err_msg=name)
        assert counts.get(name) == counts_after.get(name)
    states = {key for key in {*arrays, *arrays_after} if of_head(key) == head}
    for key in states:
        np.testing.assert_array_equal(arrays[key], arrays_after[key], err_msg=key)
    return states


# -- the statement in numpy -----------------------------------------------------------------------


def colours_of(batch):
    mean, std = np.array(Trunk.mean), np.array(Trunk.std)
    return (batch.data["data"].astype(np.float64).mean(axis=(2, 3)) - mean) / std


def apart(values, batch):
    """(losses, gradients of the trunk by head, gradients of the heads), of mean losses."""
    x = colours_of(batch)
    weight, bias = values["trunk_weight"].reshape(4, 3), values["trunk_bias"]
    h = x @ weight.T + bias
    losses, trunk, own = {}, {}, {}
    for head in HEADS:
        has = batch.labelled[head]
        if not has.any():
            continue
        target = batch.labels[f"{head}_value"][has]
        v, c = values[f"{head}_fc_weight"], values[f"{head}_fc_bias"]
        error = h[has] @ v[0] + c[0] - target
        losses[head] = (error**2).mean()
        slope = 2 * error / len(error)
        own[head] = {f"{head}_fc_weight": (slope @ h[has])[None], f"{head}_fc_bias": slope.sum()}
        back = slope[:, None] * v[0]
        trunk[head] = np.concatenate([(back.T @ x[has]).ravel(), back.sum(axis=0)])
    return losses, trunk, own


class Gradients:
    """The gradients of each update, by the papers."""

    def __init__(self, balance):
        self.balance, self.done = balance, 0
        self.learned, self.first = dict.fromkeys(HEADS, 1.0), {}

    def __call__(self, values, batch):
        losses, trunk, own = apart(values, batch)
        present = list(losses)
        factor, kinds = self.factors(values), {"two": 0.5}
        rows = np.array([trunk[head] * factor[head] for head in present])
        found = {}
        for head in present:
            found.update({key: value * factor[head] for key, value in own[head].items()})
            if self.balance == "uncertainty":
                s = values[f"{head}_log_variance"]
                found[f"{head}_log_variance"] = (
                    0.5 - kinds.get(head, 1.0) * np.exp(-s) * losses[head]
                )
        if self.balance == "gradnorm":
            self.descend(losses, np.linalg.norm(rows, axis=1))
        whole = self.combined(rows, present)
        found["trunk_weight"], found["trunk_bias"] = whole[:12].reshape(4, 3, 1, 1), whole[12:]
        self.done += 1
        return found

    def factors(self, values):
        if self.balance == "fixed":
            return {"one": 0.5, "two": 2.0, "three": 1.0}
        if self.balance == "scheduled":
            return {"one": 1 - self.done / 4, "two": 0.3, "three": 1.0}
        if self.balance == "rlw":
            powers = np.exp(np.random.default_rng((3, self.done, 1)).standard_normal(3))
            return dict(zip(sorted(HEADS), 3 * powers / powers.sum()))
        if self.balance == "uncertainty":
            s = {head: values[f"{head}_log_variance"][0] for head in HEADS}
            return {head: (0.5 if head == "two" else 1.0) * np.exp(-s[head]) for head in HEADS}
        return dict(self.learned)

    def descend(self, losses, lengths):
        """GradNorm's, of the heads that are present."""
        for head, loss in losses.items():
            self.first.setdefault(head, loss)
        falls = np.array([loss / self.first[head] for head, loss in losses.items()])
        weights = np.array([self.learned[head] for head in losses])
        target = lengths.mean() * (falls / falls.mean()) ** 1.5
        moved = np.maximum(weights * (target / lengths) ** 0.1, 1e-3)
        self.learned.update(zip(losses, moved * weights.sum() / moved.sum()))

    def combined(self, rows, present):
        if self.balance == "pcgrad":
            rng = np.random.default_rng((1, self.done, 2))
            names = sorted(HEADS)
            total = np.zeros(rows.shape[1])
            for head in names:  # all draw, whether they are there or not
                order = [names[k] for k in rng.permutation(np.argsort(HEADS)) for names in [HEADS]]
                if head not in present:
                    continue
                row = rows[present.index(head)].copy()
                for other in order:
                    if other in present and other != head:
                        across = rows[present.index(other)]
                        row -= min(0.0, row @ across) / (across @ across) * across
                total += row
            return total
        if self.balance == "cagrad" and len(present) > 1:
            return len(present) * averse(rows, 0.2)
        return rows.sum(axis=0)


def averse(rows, c):
    """CAGrad's direction, the dual solved by going down on a grid that narrows."""
    mean = rows.mean(axis=0)
    length = np.linalg.norm(mean)

    def dual(w):
        return w @ rows @ mean + c * length * np.linalg.norm(w @ rows, axis=1)

    middle, width = np.full(len(rows), 1 / len(rows)), 1.0
    rng = np.random.default_rng(0)
    for _ in range(200):
        tries = np.abs(middle + width * rng.normal(size=(100, len(rows))))
        tries = np.vstack([middle, tries / tries.sum(axis=1, keepdims=True)])
        middle = tries[np.argmin(dual(tries))]
        width *= 0.91
    along = middle @ rows
    return mean + c * length * along / np.linalg.norm(along)


def moved(name, optimizer, w, g, state, t, product):
    """The parameter after its update number t, by what MXNet's documentation says.

    `state` is changed. `product` are Nadam's: (this one's, with that of the next).
    """
    wd = DECAY if name.endswith("_weight") else 0.0
    raw, g, lr = g, g + wd * w, RATE
    m, v, z = (state.setdefault(key, np.zeros_like(w)) for key in "mvz")
    if optimizer in ("sgd", "lbsgd", "lars"):
        if optimizer == "lars" and not name.endswith("bias"):
            lr *= 0.001 * norm(w) / (norm(raw) + wd * norm(w))
        m[:] = 0.9 * m - lr * g
        return w + m
    if optimizer == "nag":
        w = w + 0.81 * m - 1.9 * lr * g
        m[:] = 0.9 * m - lr * (raw + wd * w)  # MXNet's operator decays by the new weight
        return w
    if optimizer == "signum":
        m[:] = 0.9 * m - 0.1 * g
        return w + lr * np.sign(m)
    if optimizer == "sgld":
        return w - lr / 2 * g
    if optimizer == "dcasgd":
        previous = state.get("previous", w)
        state["previous"] = w
        return w - lr * (g + 0.04 * raw * raw * (w - previous))
    if optimizer == "adagrad":
        v += raw * raw
        return w - lr * (raw / np.sqrt(v + 1e-7) + wd * w)
    if optimizer == "adadelta":
        v[:] = 0.9 * v + 0.1 * raw * raw
        step = np.sqrt(m + 1e-5) / np.sqrt(v + 1e-5) * raw
        m[:] = 0.9 * m + 0.1 * step * step
        return w - step - wd * w
    if optimizer == "rmsprop":
        v[:] = 0.9 * v + 0.1 * g * g
        return w - lr * g / np.sqrt(v + 1e-8)
    if optimizer == "ftrl":
        z += raw - (np.sqrt(v + raw * raw) - np.sqrt(v)) * w / lr
        v += raw * raw
        return (np.sign(z) * 0.01 - z) / ((1 + np.sqrt(v)) / lr + wd) * (np.abs(z) > 0.01)
    if optimizer == "ftml":
        v[:] = 0.999 * v + 0.001 * g * g
        d = (1 - 0.6**t) / lr * (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        z[:] = 0.6 * z + 0.4 * g - (d - 0.6 * m) * w
        m[:] = d
        return -z / d
    if optimizer == "adamax":
        m[:] = 0.9 * m + 0.1 * g
        v[:] = np.maximum(0.999 * v, np.abs(g))
        return w - lr / (1 - 0.9**t) * m / v
    if optimizer in ("adamw", "lamb"):
        g = raw
    m[:] = 0.9 * m + 0.1 * g
    v[:] = 0.999 * v + 0.001 * g * g
    first, second = m / (1 - 0.9**t), v / (1 - 0.999**t)
    if optimizer == "nadam":
        now, after = (0.9 * (1 - 0.5 * 0.96 ** (k * 0.004)) for k in (t, t + 1))
        bar = (1 - now) * g / (1 - product * now) + after * m / (1 - product * now * after)
        return w - lr * bar / (np.sqrt(second) + 1e-8)
    if optimizer == "adamw":
        return w - lr * (first / (np.sqrt(second) + 1e-8) + wd * w)
    if optimizer == "lamb":
        step = first / (np.sqrt(second) + 1e-6) + wd * w
        ratio = norm(w) / norm(step) if norm(w) > 0 and norm(step) > 0 else 1.0
        return w - lr * ratio * step
    assert optimizer == "adam"
    return w - lr * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)


def norm(array):
    return np.sqrt((array**2).sum())


class Statement:
    """All parameters, update by update, in the order in which MXNet goes over them."""

    def __init__(self, optimizer, balance, values):
        self.optimizer, self.gradients = optimizer, Gradients(balance)
        self.values = {name: value.astype(np.float64) for name, value in values.items()}
        self.states, self.counts, self.product = {}, {}, 1.0

    def update(self, batch):
        found = self.gradients(self.values, batch)
        for name in self.values:
            if name not in found:
                continue
            t = self.counts[name] = self.counts.get(name, 0) + 1
            state = self.states.setdefault(name, {})
            g = np.broadcast_to(found[name], self.values[name].shape)
            self.values[name] = moved(
                name, self.optimizer, self.values[name], g, state, t, self.product
            )
            self.product *= 0.9 * (1 - 0.5 * 0.96 ** (t * 0.004))  # Nadam's, of all parameters


def test_no_balancer_is_missing():
    """The rest follow from gradients or losses: see test_degenerate.py, test_last_losses.py."""
    stated = set(MAKERS) - {"none"}
    assert stated <= set(balancers.names())
    for name in set(balancers.names()) - stated - {"imtl_l"}:
        assert issubclass(balancers.get(name), (GradientBalancer, LastLossBalancer)), name


def balancers_of(optimizer, mode):
    """Each optimizer meets each balancer, and each mode does; the one with parameters always."""
    place = NAMES.index(optimizer) + list(PRESENT).index(mode)
    return ["uncertainty", *[name for name in MAKERS if name != "uncertainty"][place % 3 :: 3]]


@pytest.mark.parametrize("mode", PRESENT)
@pytest.mark.parametrize("optimizer", NAMES)
def test_absent_heads_stand_still_and_the_rest_moves_as_stated(optimizer, mode, monkeypatch):
    if optimizer == "sgld":  # without its noise
        still = lambda *_, shape, **__: mx.nd.zeros(shape)  # noqa: E731
        monkeypatch.setattr("mxnet.optimizer.optimizer.normal", still)
    remembered = 0
    for balance in balancers_of(optimizer, mode):
        run = Run(optimizer, balance, mode)
        statement = Statement(optimizer, balance, run.seen[0][0])
        for number, batch in enumerate(run.batches):
            present = {head for head in HEADS if batch.labelled[head].any()}
            assert present == PRESENT[mode][number]
            for head in set(HEADS) - present:
                remembered += len(assert_still(run, number, head))
            statement.update(batch)
            values, _, counts = run.seen[number + 1]
            assert counts == statement.counts
            for name, value in values.items():
                np.testing.assert_allclose(
                    value, statement.values[name], rtol=2e-4, atol=2e-5,
                    err_msg=f"{balance}, update {number}, {name}",
                )  # fmt: skip
                if of_head(name) in {None, *present}:
                    assert (value != run.seen[number][0][name]).any(), name
    assert remembered or mode == "in turn"  # states were compared, where there were any
