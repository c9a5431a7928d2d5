"""The classification head: loss, unknown labels, and what it predicts."""

import numpy as np
import pytest

from densefit.data.sample import Geometry, Sample
from densefit.errors import ConfigError, DataError
from densefit.model.heads.head import Features, head
from densefit.symbol import sym
from densefit.tasks.classification import Classification
from densefit.visualize.drawing import draw_label
from tests.executor import Executor

SHAPE = (4, 6, 2, 3)


def features():
    maps = {8: sym.Variable("map8"), 16: sym.Variable("map16")}
    return Features(maps, {8: 5, 16: 6}, (32, 48))


def sample(**targets):
    return Sample("a", np.zeros((32, 48, 3), np.uint8), targets)


def bind(symbol, **shapes):
    executor = Executor(symbol, map16=SHAPE, **shapes)
    rng = np.random.RandomState(0)
    for array in executor.arg_dict.values():
        array[:] = rng.randn(*array.shape)
    return executor


def logits(executor):
    pooled = executor.arg_dict["map16"].mean(axis=(2, 3))
    weight = executor.arg_dict["classification_class_weight"]
    return pooled @ weight.T + executor.arg_dict["classification_class_bias"]


def test_loss_and_gradient_equal_numpy_and_unknown_is_ignored():
    made = head("classification", classes=3)
    terms = made.train(features(), {"label": sym.Variable("label")})
    executor = bind(sym.MakeLoss(terms["loss"]), label=(4,))
    label = np.array([2, 0, -1, 1])
    executor.arg_dict["label"][:] = label
    loss = executor.forward(is_train=True)[0]
    executor.backward()
    z = logits(executor)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    known = (label >= 0).astype(float)
    np.testing.assert_allclose(loss, -np.log(p[range(4), label]) * known, rtol=1e-4)
    gradient = (p - np.eye(3)[label]) * known[:, None]
    bias = executor.grad_dict["classification_class_bias"]
    np.testing.assert_allclose(bias, gradient.sum(0), rtol=1e-4, atol=1e-5)
    assert (executor.grad_dict["map16"][2] == 0).all()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 1.0]])
def test_weights_and_smoothing_equal_pytorch(weights, smoothing):
    torch = pytest.importorskip("torch")
    made = head("classification", classes=3, class_weights=weights, label_smoothing=smoothing)
    terms = made.train(features(), {"label": sym.Variable("label")})
    executor = bind(sym.MakeLoss(terms["loss"]), label=(4,))
    label = np.array([2, 0, -1, 1])
    executor.arg_dict["label"][:] = label
    loss = executor.forward(is_train=True)[0]
    executor.backward()
    scores = torch.tensor(logits(executor), requires_grad=True)
    expected = torch.nn.functional.cross_entropy(
        scores,
        torch.tensor(label),
        weight=None if weights is None else torch.tensor(weights),
        ignore_index=-1,
        reduction="none",
        label_smoothing=smoothing,
    )
    expected.sum().backward()
    np.testing.assert_allclose(loss, expected.detach().numpy(), rtol=1e-4, atol=1e-6)
    bias = executor.grad_dict["classification_class_bias"]
    np.testing.assert_allclose(bias, scores.grad.numpy().sum(0), rtol=1e-4, atol=1e-5)


def test_probabilities_share_the_parameters():
    made = Classification(["a", "b", "c"], dropout=0.5)
    symbol = made.evaluate(features())["probabilities"]
    train = made.train(features(), {"label": sym.Variable("label")})["loss"]
    assert set(train.list_arguments()) - {"label"} == set(symbol.list_arguments())
    executor = bind(symbol)
    z = logits(executor)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    out = executor.forward(is_train=False)[0]
    np.testing.assert_allclose(out, p, rtol=1e-4)
    rows = made.decode({"probabilities": out}, [Geometry.identity(32, 48)] * 4)
    assert [row.shape for row in rows] == [(3,)] * 4


@pytest.mark.parametrize(
    ("targets", "label"),
    [({"label": 2}, 2), ({"label": -1}, -1), ({"label": 255}, -1), ({}, -1)],
)
def test_encode(targets, label):
    made = Classification(3)
    (declared,) = made.labels((32, 48))
    encoded = made.encode(sample(**{key: np.int64(value) for key, value in targets.items()}))
    assert encoded["label"].shape == declared.shape
    assert encoded["label"] == label
    assert made.ground_truth(targets) == (None if label < 0 else label)


def test_the_target_may_have_another_name():
    made = Classification(3, target="weather")
    targets = {"weather": np.int64(2), "label": np.int64(1)}
    assert made.targets == ("weather",)
    assert made.encode(sample(**targets))["label"] == made.ground_truth(targets) == 2
    assert made.ground_truth({"label": np.int64(1)}) is None


def test_an_unknown_class_names_the_sample():
    with pytest.raises(DataError, match="sample 'a'"):
        Classification(3).encode(sample(label=np.int64(3)))


def test_metrics():
    made = Classification(["a", "b", "c"], top_k=(2,))
    found = {}
    for metric in made.metrics():
        predictions = [np.array(row) for row in ([0.6, 0.3, 0.1], [0.6, 0.3, 0.1])]
        metric.update(predictions, [made.ground_truth({"label": k}) for k in (0, 1)], list("xy"))
        found.update(metric.compute())
    assert made.metrics()[0].primary == "accuracy"
    assert found["accuracy"] == pytest.approx(0.5)
    assert found["top2"] == pytest.approx(1)
    assert found["cross_entropy"] == pytest.approx(-np.log([0.6, 0.3]).mean())


@pytest.mark.parametrize(
    "settings",
    [
        {"classes": 1},
        {"classes": ["a", "a"]},
        {"classes": 3, "dropout": 1.0},
        {"classes": 3, "top_k": (4,)},
    ],
)
def test_wrong_settings(settings):
    with pytest.raises(ConfigError):
        Classification(**settings)


def test_the_truth_is_drawn_as_the_name_of_its_class():
    image = np.zeros((60, 90, 3), np.uint8)
    head = Classification(["a", "b"])
    np.testing.assert_array_equal(head.draw_truth(image, 1), draw_label(image, "b"))


def test_draw_writes_on_a_copy():
    image = np.zeros((60, 90, 3), np.uint8)
    drawn = Classification(["a", "b"]).draw(image, np.array([0.2, 0.8], np.float32))
    assert drawn.shape == image.shape
    assert drawn.any()
    assert not image.any()
