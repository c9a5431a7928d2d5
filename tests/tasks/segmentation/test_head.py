"""The segmentation head: labels, loss against numpy, masks at original size."""

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Geometry, Sample
from densefit.errors import ConfigError, DataError
from densefit.model.heads.head import Features, head
from densefit.symbol import sym
from densefit.tasks.segmentation import Segmentation
from tests.executor import Executor, compute

SIZES = [(32, 48), (33, 45), (7, 5)]
CHANNELS = {4: 4, 8: 5, 16: 6, 32: 7}


def features(size, deepest=32):
    strides = [s for s in CHANNELS if s <= deepest]
    maps = {s: sym.Variable(f"map{s}") for s in strides}
    return Features(maps, {s: CHANNELS[s] for s in strides}, size)


def map_shapes(given, batch):
    return {f"map{s}": (batch, CHANNELS[s], *given.size(s)) for s in given.maps}


def sample(mask):
    mask = np.asarray(mask, np.uint8)
    return Sample("a", np.zeros((*mask.shape, 3), np.uint8), {"mask": mask})


def test_made_by_name():
    made = head("segmentation", classes=["sky", "road"], name="seg")
    assert isinstance(made, Segmentation)
    assert made.classes == ["sky", "road"]
    assert Segmentation(3).classes == ["0", "1", "2"]
    assert (Segmentation(3).output_stride, Segmentation(3, decoder="fcn").output_stride) == (16, 32)
    (metric,) = Segmentation(3).metrics()
    assert metric.primary == "mIoU"


@pytest.mark.parametrize("size", SIZES)
def test_labels_are_the_mask_at_every_fourth_pixel(size):
    rng = np.random.default_rng(0)
    mask = rng.choice([0, 1, 2, 255], size).astype(np.uint8)
    made = Segmentation(3)
    found = made.encode(sample(mask))
    for label in made.labels(size):
        assert found[label.name].shape == label.shape
        assert found[label.name].dtype == np.float32
    rows = [min(4 * i + 2, size[0] - 1) for i in range(-(-size[0] // 4))]
    columns = [min(4 * i + 2, size[1] - 1) for i in range(-(-size[1] // 4))]
    small = mask[np.ix_(rows, columns)]
    np.testing.assert_array_equal(found["mask"][small < 3], small[small < 3])
    np.testing.assert_allclose(found["weight"], (small < 3) / (small < 3).sum(), rtol=1e-6)


def test_class_weights():
    made = Segmentation(3, class_weights=[1, 2, 0])
    mask = np.repeat(np.repeat(np.array([[0, 1], [2, 255]], np.uint8), 4, 0), 4, 1)
    np.testing.assert_allclose(made.encode(sample(mask))["weight"], [[1 / 3, 2 / 3], [0, 0]])


def test_nothing_known_weighs_nothing():
    found = Segmentation(3).encode(sample(np.full((8, 8), 255)))
    assert not found["weight"].any()
    assert not found["mask"].any()
    of_another_task = Segmentation(3).encode(Sample("a", np.zeros((8, 8, 3), np.uint8), {}))
    for name, array in found.items():
        np.testing.assert_array_equal(of_another_task[name], array)


def bind_loss(made, size, batch=2):
    given = features(size, made.output_stride)
    labels = {label.name: sym.Variable(label.name) for label in made.labels(size)}
    loss = sym.MakeLoss(made.train(given, labels)["loss"])
    shapes = {label.name: (batch, *label.shape) for label in made.labels(size)}
    executor = Executor(loss, **map_shapes(given, batch), **shapes)
    rng = np.random.default_rng(0)
    for name, array in executor.arg_dict.items():
        array[:] = rng.normal(size=array.shape) * (1 if name.startswith("map") else 0.3)
    return executor, made._logits(given)


@pytest.mark.parametrize("decoder", ["deeplabv3+", "fcn"])
@pytest.mark.parametrize("size", SIZES[:2])
def test_loss_is_the_weighted_mean_over_known_cells(decoder, size):
    made = Segmentation(3, decoder=decoder, channels=6, rates=(1, 2), class_weights=[1.0, 0.5, 3.0])
    executor, logits = bind_loss(made, size)
    rng = np.random.default_rng(1)
    masks = rng.choice([0, 1, 2, 255], (2, *size)).astype(np.uint8)
    encoded = [made.encode(sample(mask)) for mask in masks]
    for name in ("mask", "weight"):
        executor.arg_dict[name][:] = np.stack([one[name] for one in encoded])
    loss = executor.forward(is_train=True)[0]
    # in training mode, so that BatchNorm takes the same statistics
    values = {k: v for k, v in executor.arg_dict.items() if k in logits.list_arguments()}
    (scores,) = compute(logits, {**values, **executor.aux_dict}, is_train=True)
    scores = scores.astype(np.float64)
    log = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    for row in range(2):
        weight = np.zeros(scores.shape[2:])
        picked = np.zeros(scores.shape[2:])
        small = masks[row][
            np.ix_(*(np.minimum(4 * np.arange(-(-n // 4)) + 2, n - 1) for n in size))
        ]
        for index, factor in enumerate([1.0, 0.5, 3.0]):
            weight[small == index] = factor
            picked[small == index] = log[row, index][small == index]
        assert loss[row] == pytest.approx(-(picked * weight).sum() / weight.sum(), rel=1e-4)


def test_an_unknown_image_has_no_loss_and_no_gradient():
    made = Segmentation(3, decoder="fcn", channels=6)
    executor, _ = bind_loss(made, (32, 48))
    encoded = [made.encode(sample(np.full((32, 48), 255)))] * 2
    for name in ("mask", "weight"):
        executor.arg_dict[name][:] = np.stack([one[name] for one in encoded])
    loss = executor.forward(is_train=True)[0]
    executor.backward()
    np.testing.assert_array_equal(loss, [0, 0])
    for name, gradient in executor.grad_dict.items():
        if name not in ("mask", "weight"):
            np.testing.assert_array_equal(gradient, 0, err_msg=name)


@pytest.mark.parametrize("decoder", ["deeplabv3+", "fcn"])
@pytest.mark.parametrize("size", SIZES)
def test_train_and_evaluate_share_parameters_and_masks_have_input_size(decoder, size):
    made = Segmentation(5, decoder=decoder, channels=6, rates=(1, 2))
    given = features(size, made.output_stride)
    labels = {label.name: sym.Variable(label.name) for label in made.labels(size)}
    train, evaluate = made.train(given, labels)["loss"], made.evaluate(given)["mask"]
    assert set(train.list_arguments()) - set(labels) == set(evaluate.list_arguments())
    own = set(evaluate.list_arguments()) - set(map_shapes(given, 1))
    assert all(name.startswith("segmentation_") for name in own)
    executor = Executor(evaluate, gradients=False, **map_shapes(given, 2))
    out = executor.forward(is_train=False)[0]
    assert out.shape == (2, *size)
    assert out.dtype == np.uint8


def test_original_masks_of_resized_and_padded_images():
    """Every pixel of the original takes the cell that lies under its centre."""
    rng = np.random.default_rng(0)
    for size, scale, shift, input_size in (
        ((20, 30), 0.5, (0, 0), (10, 15)),
        ((20, 30), 2.0, (3, 5), (50, 70)),
        ((21, 31), 0.7, (0, 4), (20, 30)),
    ):
        matrix = np.array([[scale, 0, shift[1]], [0, scale, shift[0]]])
        geometry = Geometry(size, matrix, input_size)
        mask = rng.integers(0, 5, input_size).astype(np.uint8)
        rows = np.floor((np.arange(size[0]) + 0.5) * scale + shift[0])
        columns = np.floor((np.arange(size[1]) + 0.5) * scale + shift[1])
        expected = mask[
            np.ix_(
                rows.clip(0, input_size[0] - 1).astype(int),
                columns.clip(0, input_size[1] - 1).astype(int),
            )
        ]
        (found,) = Segmentation(5).decode({"mask": mask[None]}, [geometry])
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, expected)


def test_a_mirrored_image_is_mirrored_back():
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4)
    geometry = Geometry((3, 4), np.array([[-1.0, 0, 4], [0, 1, 0]]), (3, 4))
    (found,) = Segmentation(20).decode({"mask": mask[None]}, [geometry])
    np.testing.assert_array_equal(found, mask[:, ::-1])


def test_an_unchanged_image_s_mask_is_returned_as_it_is():
    mask = np.arange(12, dtype=np.uint8).reshape(1, 3, 4)
    (found,) = Segmentation(20).decode({"mask": mask}, [Geometry.identity(3, 4)])
    np.testing.assert_array_equal(found, mask[0])


def test_the_target_may_have_another_name():
    made = Segmentation(3, target="parts")
    mask = np.full((8, 8), 2, np.uint8)
    whole = Sample("a", np.zeros((8, 8, 3), np.uint8), {"parts": mask, "mask": mask * 0})
    assert made.targets == ("parts",)
    assert (made.encode(whole)["mask"] == 2).all()
    assert made.ground_truth(whole.targets) is mask
    assert made.ground_truth({"mask": mask}) is None


def test_wrong_masks_and_settings():
    with pytest.raises(DataError, match="(?s)not a class.*head segmentation, sample a"):
        Segmentation(3).encode(sample(np.full((8, 8), 3)))
    for settings in (
        {"classes": 1},
        {"classes": 255},
        {"classes": ["a", "a"]},
        {"classes": 2, "decoder": "unett"},
        {"classes": 2, "class_weights": [1]},
        {"classes": 2, "class_weights": [1, -1]},
        {"classes": 2, "rates": (0,)},
        {"classes": 2, "channels": 0},
    ):
        with pytest.raises(ConfigError):
            Segmentation(**settings)


def test_drawing():
    picture = np.zeros((40, 60, 3), np.uint8)
    drawn = Segmentation(3).draw(picture, np.ones((40, 60), np.uint8))
    assert drawn.shape == picture.shape
    assert drawn.any()
    assert not picture.any()


def test_the_true_mask_is_drawn_and_what_is_ignored_keeps_its_colours():
    picture = np.full((40, 60, 3), 90, np.uint8)
    mask = np.zeros((40, 60), np.uint8)
    mask[:, 30:] = 255
    drawn = Segmentation(3).draw_truth(picture, mask)
    assert (drawn[:, 31:] == 90).all()
    assert (drawn[20:, :29] != 90).any(axis=2).all()


def test_trains(tiny):
    """On one image, until the mask is right at most pixels."""
    from densefit.datasets.shapes import Shapes

    data = Shapes(4, size=(48, 48), empty=0.0)
    network = df.Network(
        "resnet18", [Segmentation(data.mask_classes, decoder="fcn", channels=16)],
        settings={"width": 8},
    )  # fmt: skip
    df.fit(
        network, df.Loader(data, batch_size=4, heads=network.heads, workers=0), updates=40,
        optimizer="adam", schedule=df.Cosine(0.01),
    )  # fmt: skip
    scores = df.score(network, df.Loader(data, batch_size=3, workers=0))
    assert scores["segmentation/pixel_accuracy"] > 0.9


def slopes(made, mask, known=None):
    """Loss, and the gradient of each parameter, of one image twice."""
    executor, _ = bind_loss(made, (32, 48))
    given = sample(mask)
    if known is not None:
        given.targets["known_mask_classes"] = np.array(known, bool)
    for name, array in made.encode(given).items():
        executor.arg_dict[name][:] = np.stack([array] * 2)
    loss = executor.forward(is_train=True)[0]
    executor.backward()
    return loss, {name: array for name, array in executor.grad_dict.items()}


def test_background_may_hide_what_a_sample_does_not_know():
    """Its pixels train the other classes only, as if the head had no more than these."""
    settings = {"decoder": "fcn", "channels": 6}
    made = Segmentation(["sky", "ground", "pole"], background="ground", **settings)
    bias = "segmentation_score4_bias"
    _, hidden = slopes(made, np.ones((32, 48)), [True, False, False])  # the background is known
    assert hidden[bias][2] == 0
    assert hidden[bias][0] > 0 > hidden[bias][1]
    _, told = slopes(made, np.ones((32, 48)), [True, True, True])
    assert told[bias][2] > 0
    _, sky = slopes(made, np.zeros((32, 48)), [True, True, False])
    assert sky[bias][2] > 0  # what is sky is no pole
    mask = np.zeros((32, 48))
    mask[:, 20:] = 1
    plain = Segmentation(["sky", "ground", "pole"], **settings)
    for known in (None, [True] * 3):
        (loss, found), (expected, others) = slopes(made, mask, known), slopes(plain, mask)
        np.testing.assert_array_equal(loss, expected)
        for name, value in others.items():
            if name not in ("mask", "weight"):
                np.testing.assert_array_equal(found[name], value)
    with pytest.raises(ConfigError, match="(?s)'grund' is no class.*did you mean 'ground'"):
        Segmentation(["sky", "ground"], background="grund")
    nothing = made.encode(Sample("a", np.zeros((8, 8, 3), np.uint8), {}))
    assert set(nothing) == {label.name for label in made.labels((8, 8))}


class Streets:
    """Skies over ground; what stands on the ground is not marked."""

    classes = ("sky", "ground", "pole")

    def __len__(self):
        return 3

    def id_of(self, index):
        return f"s{index}"

    def __getitem__(self, index):
        mask = np.ones((32, 48), np.uint8)
        mask[: 10 + index] = 0
        known = {"known_mask_classes": np.array([True, True, False])}
        image = np.random.default_rng(index).integers(0, 256, (32, 48, 3)).astype(np.uint8)
        return Sample(self.id_of(index), image, {"mask": mask, **known})


@pytest.mark.parametrize("loader", [df.Loader, df.Loader.views])
def test_scores_are_in_the_terms_of_the_dataset(loader):
    """A pole on unmarked ground is ground; in the sky it is wrong."""
    made = head("segmentation", classes=Streets.classes, background="ground", decoder="fcn")
    network = df.Network("resnet18", [made], settings={"width": 8})
    settings = {"workers": 0, "batch_size": 2}
    if loader is df.Loader.views:
        settings["input_size"] = (32, 48)
    df.fit(network, df.Loader(Streets(), batch_size=3, heads=[made], workers=0), updates=1,
           schedule=df.Constant(1e-6))  # fmt: skip
    rng = np.random.default_rng(0)
    found = {f"s{k}": rng.integers(0, 3, (32, 48)).astype(np.uint8) for k in range(3)}
    masks = iter(list(found.values()))
    made.decode = lambda outputs, geometries: [next(masks) for _ in geometries]
    made.view_merger = lambda size: Fixed(masks)
    scores = df.score(network, loader(Streets(), **settings))
    truth = np.stack([Streets()[k].targets["mask"] for k in range(3)])
    said = np.stack(list(found.values()))
    said[said == 2] = 1
    for name, kind in (("sky", 0), ("ground", 1)):
        both, either = (truth == kind) & (said == kind), (truth == kind) | (said == kind)
        assert scores[f"segmentation/IoU/{name}"] == pytest.approx(both.sum() / either.sum())
    assert np.isnan(scores["segmentation/IoU/pole"])


class Fixed:
    """Merges whatever views to the next of some masks."""

    def __init__(self, masks):
        self.mask = next(masks)

    def add(self, outputs, view):
        pass

    def result(self):
        return self.mask


def test_an_evaluate_of_one_s_own_is_what_is_scored():
    class Inverted(Segmentation):
        def evaluate(self, features):
            mask = super().evaluate(features)["mask"]
            return {"mask": mask * 0 + 1, "sure": mask}

        def decode(self, outputs, geometries):
            assert outputs["sure"].shape == outputs["mask"].shape
            return super().decode(outputs, geometries)

    head = Inverted(3, decoder="fcn", channels=8)
    network = df.Network("resnet18", [head], settings={"width": 8})
    symbol = network.graph("evaluate", (32, 32))
    shapes, _, states = symbol.infer_shape(data=(1, 3, 32, 32))
    arguments = dict(zip(symbol.list_arguments(), shapes))
    del arguments["data"]
    network.set_params(
        {name: np.ones(shape, np.float32) for name, shape in arguments.items()},
        {n: np.ones(s, np.float32) for n, s in zip(symbol.list_auxiliary_states(), states)},
    )
    data = df.dataset("shapes", length=2, size=(32, 32))
    for _, found in df.predict(network, df.Loader(data, batch_size=2)):
        assert (found["segmentation"] == 1).all()


@pytest.mark.parametrize("known_name", ["known_mask_classes", "known_rooms_classes"])
def test_classes_that_a_sample_does_not_know_are_told_where_there_is_no_background(
    caplog, known_name
):
    """Each pixel counts as it is marked, and that may be wrong: once for the head."""
    target = known_name[len("known_") : -len("_classes")]
    image, mask = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8)
    settings = {"target": target, "decoder": "fcn", "channels": 6}
    made = Segmentation(["sky", "ground", "pole"], **settings)
    for known in ([True] * 3, [True, True, False], [True, False, False]):
        targets = {target: mask, known_name: np.array(known)}
        made.encode(Sample("a", image, targets))
        np.testing.assert_array_equal(made.filter_prediction(mask, targets), mask)
    made.encode(Sample("a", image, {target: mask}))
    assert caplog.text.count("no background") == 1
    assert f"the {target} of some samples does not annotate all" in caplog.text
    assert "sample a not of pole" in caplog.text
    caplog.clear()
    hiding = Segmentation(["sky", "ground", "pole"], background="ground", **settings)
    hiding.encode(Sample("a", image, {target: mask, known_name: np.array([True, True, False])}))
    assert not caplog.text
