"""The multi-label head: labels, unknown ones, what it predicts and how it is scored."""

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Geometry, Sample
from densefit.errors import ConfigError, DataError
from densefit.model.heads.head import Features, head
from densefit.symbol import sym
from densefit.tasks.multilabel import MultiLabel
from tests.executor import Executor

SHAPE = (3, 6, 2, 3)


def features():
    maps = {8: sym.Variable("map8"), 16: sym.Variable("map16")}
    return Features(maps, {8: 5, 16: 6}, (32, 48))


def sample(labels=None):
    targets = {} if labels is None else {"labels": np.array(labels)}
    return Sample("a", np.zeros((32, 48, 3), np.uint8), targets)


def bind(symbol, **shapes):
    executor = Executor(symbol, map16=SHAPE, **shapes)
    rng = np.random.RandomState(0)
    for array in executor.arg_dict.values():
        array[:] = rng.randn(*array.shape)
    return executor


def logits(executor):
    pooled = executor.arg_dict["map16"].mean(axis=(2, 3))
    weight = executor.arg_dict["multilabel_class_weight"]
    return pooled @ weight.T + executor.arg_dict["multilabel_class_bias"]


def test_made_by_name():
    made = head("multilabel", classes=["cat", "dog"], name="shown")
    assert isinstance(made, MultiLabel)
    assert made.targets == ("labels",)
    assert [metric.primary for metric in made.metrics()] == ["mAP", "F1_macro"]


@pytest.mark.parametrize(
    ("labels", "expected", "weight"),
    [
        ([1, 0, 0], [1, 0, 0], [1 / 4, 2 / 4, 1 / 4]),
        ([1, 255, 0], [1, 0, 0], [1 / 2, 0, 1 / 2]),
        ([-1, 1, 1], [0, 1, 1], [0, 2 / 3, 1 / 3]),
        ([-1, 255, -1], [0, 0, 0], [0, 0, 0]),
        (None, [0, 0, 0], [0, 0, 0]),
    ],
)
def test_encode(labels, expected, weight):
    made = MultiLabel(3, class_weights=[1, 2, 1])
    found = made.encode(sample(labels))
    for label in made.labels((32, 48)):
        assert (found[label.name].shape, found[label.name].dtype) == (label.shape, np.float32)
    np.testing.assert_array_equal(found["labels"], expected)
    np.testing.assert_allclose(found["weight"], weight, rtol=1e-6)


def test_classes_that_weigh_nothing_train_nothing():
    found = MultiLabel(2, class_weights=[0, 1]).encode(sample([1, -1]))
    np.testing.assert_array_equal(found["weight"], [0, 0])


def test_loss_is_the_mean_over_known_classes_and_unknown_ones_have_no_gradient():
    made = MultiLabel(3)
    names = {"labels": sym.Variable("labels"), "weight": sym.Variable("weight")}
    executor = bind(sym.MakeLoss(made.train(features(), names)["loss"]), labels=(3, 3))
    given = np.array([[1, 0, 1], [-1, 1, -1], [-1, -1, -1]])
    encoded = [made.encode(sample(row)) for row in given]
    for name in names:
        executor.arg_dict[name][:] = np.stack([one[name] for one in encoded])
    loss = executor.forward(is_train=True)[0]
    executor.backward()
    p = 1 / (1 + np.exp(-logits(executor)))
    entropy = -np.where(given == 1, np.log(p), np.log(1 - p))
    expected = [entropy[0].mean(), entropy[1, 1], 0]
    np.testing.assert_allclose(loss, expected, rtol=1e-4)
    bias = executor.grad_dict["multilabel_class_bias"]
    difference = (p - (given == 1)) * [[1 / 3] * 3, [0, 1, 0], [0] * 3]
    np.testing.assert_allclose(bias, difference.sum(axis=0), rtol=1e-4, atol=1e-6)
    assert (executor.grad_dict["map16"][2] == 0).all()


def test_probabilities_share_the_parameters():
    made = MultiLabel(["a", "b", "c"], dropout=0.5)
    symbol = made.evaluate(features())["probabilities"]
    names = {"labels": sym.Variable("labels"), "weight": sym.Variable("weight")}
    train = made.train(features(), names)["loss"]
    assert set(train.list_arguments()) - set(names) == set(symbol.list_arguments())
    executor = bind(symbol)
    out = executor.forward(is_train=False)[0]
    np.testing.assert_allclose(out, 1 / (1 + np.exp(-logits(executor))), rtol=1e-4)
    rows = made.decode({"probabilities": out}, [Geometry.identity(32, 48)] * 3)
    assert [row.shape for row in rows] == [(3,)] * 3
    np.testing.assert_allclose(made.merge_predictions(rows), out.mean(axis=0), rtol=1e-6)


def test_truth_and_metrics():
    made = MultiLabel(["a", "b"], threshold=0.4)
    truths = [made.ground_truth({"labels": np.array(row)}) for row in ([1, 255], [0, 1], [1, 0])]
    np.testing.assert_array_equal(truths, [[1, -1], [0, 1], [1, 0]])
    assert made.ground_truth({}) is None
    assert made.ground_truth({"labels": np.array([-1, 255])}) is None
    found = {}
    for metric in made.metrics():
        predictions = np.array([[0.9, 0.9], [0.6, 0.7], [0.45, 0.2]], np.float32)
        metric.update(list(predictions), truths, list("xyz"))
        found.update(metric.compute())
    assert found["AP/a"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["AP/b"] == 1.0  # the 0.9 of x is of an unknown label
    assert found["F1/a"] == pytest.approx(2 * 2 / (2 * 2 + 1))


def test_the_target_may_have_another_name():
    made = MultiLabel(2, target="weather")
    targets = {"weather": np.array([0, 1]), "labels": np.array([1, 0])}
    np.testing.assert_array_equal(made.ground_truth(targets), [0, 1])
    assert made.ground_truth({"labels": np.array([1, 0])}) is None


@pytest.mark.parametrize("labels", [[1, 0, 0], [[1, 0]], [2, 0], 1])
def test_wrong_labels_name_the_sample(labels):
    with pytest.raises(DataError, match=r"(?s)shape \(2,\).*sample 'a', head 'multilabel'"):
        MultiLabel(2).encode(sample(labels))


@pytest.mark.parametrize(
    "settings",
    [
        {"classes": 0},
        {"classes": ["a", "a"]},
        {"classes": 2, "dropout": 1.0},
        {"classes": 2, "threshold": -0.1},
        {"classes": 2, "focal_gamma": -1},
        {"classes": 2, "class_weights": [1]},
        {"classes": 2, "class_weights": [1, -1]},
    ],
)
def test_wrong_settings(settings):
    with pytest.raises(ConfigError, match="head 'multilabel'"):
        MultiLabel(**settings)


def test_drawings_differ_by_what_is_shown():
    image = np.full((90, 120, 3), 128, np.uint8)
    made = MultiLabel(["a", "b", "c"])
    drawings = [made.draw(image, np.array(row)) for row in ([0.9, 0.1, 0.8], [0.9] * 3, [0.1] * 3)]
    drawings += [made.draw_truth(image, np.array(row)) for row in ([1, 0, 1], [1, -1, 1], [0] * 3)]
    assert all(drawing.shape == image.shape for drawing in drawings)
    assert len({drawing.tobytes() for drawing in drawings}) == 5  # nothing is nothing in both
    assert (image == 128).all()


class Channels:
    """Images that may be bright in red, in green or in both; one label in four is unknown."""

    classes = ("red", "green")

    def __len__(self):
        return 8

    def id_of(self, index):
        return f"p{index}"

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        labels = np.array([index & 1, index >> 1 & 1])
        image = rng.integers(0, 60, (32, 32, 3))
        image[..., :2] += 150 * labels
        labels[rng.random(2) < 0.25] = -1
        return Sample(self.id_of(index), image.astype(np.uint8), {"labels": labels})


@pytest.mark.parametrize("focal_gamma", [0.0, 2.0])
def test_trains(focal_gamma):
    own = MultiLabel(Channels.classes, focal_gamma=focal_gamma)
    network = df.Network("resnet18", [own], settings={"width": 8})
    loader = df.Loader(Channels(), batch_size=8, heads=network.heads, workers=0)
    df.fit(network, loader, updates=30, optimizer="adam", schedule=df.Cosine(0.01), callbacks=[])
    scores = df.score(network, df.Loader(Channels(), batch_size=3, workers=0))
    assert scores["multilabel/mAP"] > 0.99
    assert scores["multilabel/F1_macro"] > 0.9
