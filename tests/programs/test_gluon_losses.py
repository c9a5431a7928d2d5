"""Every gluon loss in a symbol: trained as Module does, scored as numpy does."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

import densefit as df

WIDTH, STEPS = 6, 4
WRAPPERS = {"MakeLoss": mx.sym.MakeLoss, "make_loss": mx.sym.make_loss}


def softmax_log(x, axis=-1):
    x = x - x.max(axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis, keepdims=True))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def log1p_exp(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def rows(array):
    """Mean of each sample."""
    return array.reshape(len(array), -1).mean(1)


def huber(pred, label):
    error = np.abs(pred - label)
    return rows(np.where(error > 1, error - 0.5, 0.5 * error**2))


def bce(pred, label):
    return rows(-label * np.log(sigmoid(pred)) - (1 - label) * np.log(1 - sigmoid(pred)))


def divergence(pred, label):
    return (label * (np.log(label) - softmax_log(pred))).sum(1)


def cosine(pred, other, label):
    norms = np.linalg.norm(pred, axis=1) * np.linalg.norm(other, axis=1)
    similar = (pred * other).sum(1) / norms
    return np.where(label == 1, 1 - similar, np.maximum(0, similar))


def ctc(pred, label):
    """-log of the sum over all paths that read as the label; the last class is the blank."""
    logs = softmax_log(pred)
    losses = []
    for one, wanted in zip(logs, label):
        wanted = [int(k) for k in wanted if k >= 0]
        total = 0.0
        for path in itertools.product(range(pred.shape[2]), repeat=STEPS):
            read = [k for k, _ in itertools.groupby(path) if k != pred.shape[2] - 1]
            if read == wanted:
                total += np.exp(one[np.arange(STEPS), path].sum())
        losses.append(-np.log(total))
    return np.array(losses)


def normal(rng, n):
    return {"label": rng.normal(1, 1, (n, 3))}


def signs(rng, n):
    return {"label": rng.choice([-1, 1], (n, 3))}


def bits(rng, n):
    return {"label": rng.choice([0, 1], (n, 3))}


def shares(rng, n):
    return {"label": rng.dirichlet(np.ones(3), n)}


def counts(rng, n):
    return {"label": rng.poisson(2, (n, 3)) + 1}


def classes(rng, n):
    return {"label": rng.randint(0, 3, n).astype("int32")}


def words(rng, n):
    label = rng.randint(0, 2, (n, 2))
    label[rng.rand(n) < 0.4, 1] = -1
    return {"label": label}


@dataclass
class Case:
    """A loss, its labels, and its value for each sample."""

    loss: Callable[[], Any]
    labels: Callable[[Any, int], dict[str, Any]]
    value: Callable[..., Any]
    finish: Callable[[Any], Any] = field(default=lambda x: x)
    weighted: bool = True
    step_wise: bool = False  # a prediction for each of some steps
    weight_shape: tuple = (1,)
    scalar: bool = False  # one number for the batch


G = gluon.loss
CASES = {
    "L2": Case(G.L2Loss, normal, lambda p, y: 0.5 * rows((p - y) ** 2)),
    "L1": Case(G.L1Loss, normal, lambda p, y: rows(np.abs(p - y))),
    "SigmoidBCE": Case(G.SigmoidBCELoss, bits, bce),
    "SigmoidBCE of probabilities": Case(
        lambda: G.SigmoidBinaryCrossEntropyLoss(from_sigmoid=True), bits, bce, mx.sym.sigmoid
    ),
    "SoftmaxCE": Case(
        G.SoftmaxCrossEntropyLoss, classes, lambda p, y: -softmax_log(p)[np.arange(len(p)), y]
    ),
    "SoftmaxCE dense": Case(
        lambda: G.SoftmaxCELoss(sparse_label=False),
        shares,
        lambda p, y: -(softmax_log(p) * y).sum(1),
    ),
    "SoftmaxCE of logarithms": Case(
        lambda: G.SoftmaxCELoss(from_logits=True),
        classes,
        lambda p, y: -softmax_log(p)[np.arange(len(p)), y],
        mx.sym.log_softmax,
    ),
    "KLDiv": Case(G.KLDivLoss, shares, divergence, mx.sym.log_softmax),
    "KLDiv of logits": Case(lambda: G.KLDivLoss(from_logits=False), shares, divergence),
    "CTC": Case(G.CTCLoss, words, ctc, step_wise=True, weight_shape=()),
    "Huber": Case(G.HuberLoss, normal, huber),
    "Hinge": Case(G.HingeLoss, signs, lambda p, y: rows(np.maximum(0, 1 - p * y))),
    "SquaredHinge": Case(
        G.SquaredHingeLoss, signs, lambda p, y: rows(np.maximum(0, 1 - p * y) ** 2)
    ),
    "Logistic": Case(G.LogisticLoss, signs, lambda p, y: rows(log1p_exp(-p * y))),
    "Logistic binary": Case(lambda: G.LogisticLoss(label_format="binary"), bits, bce),
    "Triplet": Case(
        G.TripletLoss,
        lambda rng, n: {"positive": rng.normal(1, 1, (n, 3)), "negative": rng.normal(0, 1, (n, 3))},
        lambda p, a, b: np.maximum(0, ((a - p) ** 2 - (b - p) ** 2).sum(1) + 1),
        weighted=False,
    ),
    "PoissonNLL": Case(G.PoissonNLLLoss, counts, lambda p, y: rows(np.exp(p) - y * p), scalar=True),
    "PoissonNLL of rates": Case(
        lambda: G.PoissonNLLLoss(from_logits=False),
        counts,
        lambda p, y: rows(np.exp(p) - y * p),
        mx.sym.exp,
        scalar=True,
    ),
    "CosineEmbedding": Case(
        G.CosineEmbeddingLoss,
        lambda rng, n: {"other": rng.normal(0, 1, (n, 3)), "label": rng.choice([-1, 1], n)},
        cosine,
    ),
}
WEIGHTED = [
    pytest.param(case, weighted, id=f"{name}{'-weighted' if weighted else ''}")
    for name, case in CASES.items()
    for weighted in ([False, True] if case.weighted else [False])
]


def test_no_loss_is_left_out():
    """SDMLLoss has a test of its own, at the end."""
    tested = {type(case.loss()) for case in CASES.values()} | {G.SDMLLoss}
    assert tested == {getattr(G, name) for name in G.__all__} - {G.Loss}


def network(case, flatten=True):
    x = mx.sym.Variable("data")
    x = mx.sym.FullyConnected(x, name="fc1", num_hidden=8, flatten=flatten)
    x = mx.sym.Activation(x, name="relu1", act_type="relu")
    return mx.sym.FullyConnected(x, name="fc2", num_hidden=3, flatten=flatten)


def arrays(case, weighted, length, seed=0):
    """(data, labels by name in the order of the loss's inputs, the weight last)."""
    rng = np.random.RandomState(seed)
    data = rng.normal(0, 1, (length, STEPS, WIDTH) if case.step_wise else (length, WIDTH))
    labels = case.labels(rng, length)
    labels = {
        name: value if value.dtype == "int32" else value.astype("float32")
        for name, value in labels.items()
    }
    if weighted:
        weight = rng.uniform(0.2, 2, (length, *case.weight_shape)).astype("float32")
        weight[::5] = 0
        labels["weight"] = weight
    return data.astype("float32"), labels


def iterator(data, labels, batch_size):
    return mx.io.NDArrayIter(
        {"data": mx.nd.array(data)},
        {name: mx.nd.array(value, dtype=value.dtype) for name, value in labels.items()},
        batch_size,
    )


def loss_symbol(case, labels, wrap):
    pred = case.finish(network(case, flatten=not case.step_wise))
    inputs = [mx.sym.Variable(name) for name in labels if name != "weight"]
    if "weight" in labels:
        between = [None, None] if case.step_wise else []  # lengths of predictions and labels
        inputs += [*between, mx.sym.Variable("weight")]
    return WRAPPERS[wrap](case.loss()(pred, *inputs), name="loss")


def head_of(net):
    """Name of the default head: MakeLoss gives `loss_output`, make_loss `loss_loss`."""
    (output,) = net.list_outputs()
    return output[: -len("_output")] if output.endswith("_output") else output


def made(program, case, weighted, length, batch_size, wrap="make_loss", seed=0):
    """A program, and (data, labels)."""
    data, labels = arrays(case, weighted, length, seed)
    net = loss_symbol(case, labels, wrap)
    shapes = {
        name: (batch_size, *value.shape[1:]) for name, value in {"data": data, **labels}.items()
    }
    arg_params, aux_params = program.initial(net, scale=0.4, **shapes)
    return {
        "symbol": net,
        "label_names": list(labels),
        "train": iterator(data, labels, batch_size),
        "validation": None,
        "arg_params": arg_params,
        "aux_params": aux_params,
        "settings": {},
    }, (data, labels)


def expected(program, case, one, data, labels, params=None):
    """numpy's mean of the loss over the dataset."""
    params = params or (one["arg_params"], one["aux_params"])
    logits = {"symbol": network(case, flatten=not case.step_wise)}
    pred = program.forward(logits, params, data=data)["fc2_output"].astype("float64")
    value = case.value(pred, *(array for name, array in labels.items() if name != "weight"))
    if "weight" in labels:
        value = value * labels["weight"].reshape(-1)
    return value.mean()


def route_of_all(one, labels):
    """One head that has all outputs and all labels."""
    return {
        "all": df.Route(
            outputs=one["symbol"].list_outputs(), labels=list(labels), metrics=[mx.metric.Loss()]
        )
    }


SETTINGS = {"optimizer": "adam", "optimizer_params": {"learning_rate": 0.03}}
EPOCHS = 3


@pytest.fixture(scope="module")
def by_module(program):
    """(case, weighted) -> (program, arrays, trained parameters, score); trained once."""
    known = {}

    def train(case, weighted):
        if (id(case), weighted) not in known:
            known[id(case), weighted] = trained_by_module(program, case, weighted)
        return known[id(case), weighted]

    return train


def trained_by_module(program, case, weighted):
    one, (data, labels) = made(program, case, weighted, 20, 10)
    theirs = program.module_of(one)
    theirs.fit(
        one["train"], num_epoch=EPOCHS, eval_metric=mx.metric.Loss(), arg_params=one["arg_params"],
        aux_params=one["aux_params"], **SETTINGS,
    )  # fmt: skip
    ((_, score),) = theirs.score(one["train"], mx.metric.Loss())
    before = expected(program, case, one, data, labels)
    assert 0 < score < 0.97 * before
    params = theirs.get_params()
    assert score == pytest.approx(expected(program, case, one, data, labels, params), rel=1e-5)
    return one, (data, labels), params, score


@pytest.mark.parametrize(("case", "weighted"), WEIGHTED)
def test_trains_as_module(program, by_module, engine, case, weighted):
    """20 samples in batches of 10: by default heads, and by one route of everything."""
    one, (data, labels), params, score = by_module(case, weighted)
    for heads in (None, route_of_all(one, labels)):
        train = iterator(data, labels, 10)
        history = df.fit(
            one["symbol"], train, heads=heads, epochs=EPOCHS, arg_params=one["arg_params"],
            aux_params=one["aux_params"], engine=engine, **SETTINGS,
        )  # fmt: skip
        program.assert_params_equal(
            params,
            (df.interop.arg_params(history.network), df.interop.aux_params(history.network)),
        )
        scores = df.score(history.network, iterator(data, labels, 10), engine=engine)
        name = f"{head_of(one['symbol'])}/loss" if heads is None else "all/loss"
        assert scores == pytest.approx({name: score}, rel=1e-6 if engine == "mxnet" else 1e-4)
        losses = [record["train"][name] for record in history.epochs]
        assert losses[-1] < losses[0]


@pytest.mark.parametrize("wrap", WRAPPERS)
@pytest.mark.parametrize(("case", "weighted"), WEIGHTED)
def test_numbers_of_padded_data(program, case, weighted, wrap):
    """10 samples in batches of 4, at a rate of 0: training, score and numpy agree."""
    one, (data, labels) = made(program, case, weighted, 10, 4, wrap)
    mean = expected(program, case, one, data, labels)
    for heads in (None, route_of_all(one, labels)):
        history = df.fit(
            one["symbol"],
            iterator(data, labels, 4),
            heads=heads,
            epochs=1,
            optimizer_params={"learning_rate": 0.0},
            arg_params=one["arg_params"],
            aux_params=one["aux_params"],
        )
        name = f"{head_of(one['symbol'])}/loss" if heads is None else "all/loss"
        scores = df.score(history.network, iterator(data, labels, 4))
        assert scores[name] == pytest.approx(mean, rel=3e-6, abs=1e-6)
        assert history.epochs[0]["train"][name] == pytest.approx(scores[name], rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_an_output_that_reads_its_label(wrap):
    """The label reaches the output in training and in scoring: mean of squares of 0 to 19."""
    out = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=1, name="fc")
    out = mx.sym.Reshape(out, shape=(-1,))
    net = WRAPPERS[wrap](mx.sym.square(0 * out + mx.sym.Variable("label")), name="loss")
    label = np.arange(20, dtype="float32")
    data = np.random.RandomState(0).normal(size=(20, 3)).astype("float32")
    for batch_size in (10, 8):
        train, again = (
            mx.io.NDArrayIter(data, label, batch_size, label_name="label") for _ in range(2)
        )
        history = df.fit(net, train, epochs=1, optimizer_params={"learning_rate": 0.1})
        name = f"{head_of(net)}/loss"
        assert history.epochs[0]["train"][name] == pytest.approx(123.5, rel=1e-6)
        assert df.score(history.network, again)[name] == pytest.approx(123.5, rel=1e-6)


class AnySize(G.SDMLLoss):
    """SDMLLoss for a Symbol, which does not know how many samples a batch has."""

    def hybrid_forward(self, F, x1, x2):  # noqa: N803 - gluon's name
        ones = F.mean(F.ones_like(x1), axis=1)
        count = F.sum(ones)
        gold = F.diag(ones)
        rest = F.broadcast_div(self.smoothing_parameter * (1 - gold), count - 1)
        differences = F.broadcast_sub(F.expand_dims(x1, axis=1), F.expand_dims(x2, axis=0))
        distances = F.sum(F.square(differences), axis=2)
        logs = F.log_softmax(-distances, axis=1)
        return self.kl_loss(logs, gold * (1 - self.smoothing_parameter) + rest)


def test_sdml_couples_the_samples_of_a_batch(program):
    """Each sample is compared with the others of its batch, so scores depend on the batch size.

    What must hold: densefit trains as Module where nothing is padded, and its score weighs the
    batches of real samples by their sizes.
    """
    rng = np.random.RandomState(0)
    data = rng.normal(0, 1, (10, WIDTH)).astype("float32")
    other = rng.normal(0, 1, (10, 3)).astype("float32")
    net = mx.sym.MakeLoss(AnySize()(network(None), mx.sym.Variable("other")), name="loss")
    arg_params, aux_params = program.initial(net, scale=0.4, data=(5, WIDTH), other=(5, 3))

    def batches(size):
        return iterator(data, {"other": other}, size)

    settings = {"optimizer_params": {"learning_rate": 0.1}, "arg_params": arg_params}
    theirs = mx.mod.Module(net, label_names=["other"])
    theirs.fit(batches(5), num_epoch=2, eval_metric=mx.metric.Loss(), **settings)
    history = df.fit(net, batches(5), epochs=2, **settings)
    params = (df.interop.arg_params(history.network), df.interop.aux_params(history.network))
    program.assert_params_equal(params, theirs.get_params())

    pred = program.forward({"symbol": network(None)}, params, data=data)["fc2_output"]
    loss = G.SDMLLoss()

    def by_hand(size):
        total = 0
        for start in range(0, 10, size):
            part = slice(start, start + size)
            total += loss(mx.nd.array(pred[part]), mx.nd.array(other[part])).sum().asscalar()
        return total / 10

    assert by_hand(5) != pytest.approx(by_hand(4), rel=1e-2)
    for size in (5, 4):
        scores = df.score(history.network, batches(size))
        assert scores["loss/loss"] == pytest.approx(by_hand(size), rel=1e-5)
