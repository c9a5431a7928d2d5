"""The normals head: labels, loss against numpy, vectors at original size."""

import numpy as np
import pytest

import densefit as df
from densefit.data.geometry.image_ops import flip
from densefit.data.sample import Sample
from densefit.data.transforms import RandomFlip
from densefit.data.transforms.resize import Letterbox, Resize
from densefit.errors import ConfigError, DataError
from densefit.model.heads.head import Features, head
from densefit.symbol import sym
from densefit.tasks.normals import Normals
from densefit.tasks.normals.vectors import unit
from tests.executor import Executor, compute

CHANNELS = {4: 4, 8: 5, 16: 6, 32: 7}
SIZE = (32, 48)


def features(size=SIZE):
    return Features({s: sym.Variable(f"map{s}") for s in CHANNELS}, CHANNELS, size)


def sample(normals, **targets):
    normals = np.asarray(normals, np.float32)
    image = np.zeros((*normals.shape[:2], 3), np.uint8)
    return Sample("a", image, {"normals": normals, **targets})


def noise(size, seed=0):
    rng = np.random.default_rng(seed)
    normals = rng.normal(size=(*size, 3)).astype(np.float32)
    normals[rng.random(size) < 0.4] = 0
    return normals


@pytest.mark.parametrize("size", [SIZE, (33, 45), (7, 5)])
def test_labels_are_unit_vectors_at_every_fourth_pixel(size):
    normals = noise(size)
    normals[0, 0] = np.nan
    made = head("normals")
    found = made.encode(sample(normals))
    for label in made.labels(size):
        assert found[label.name].shape == label.shape
        assert found[label.name].dtype == np.float32
    rows, columns = (np.minimum(4 * np.arange(-(-n // 4)) + 2, n - 1) for n in size)
    small = normals[np.ix_(rows, columns)].astype(np.float64)
    length = np.linalg.norm(small, axis=-1)
    expected = small / np.where(length > 0, length, 1)[..., None]
    np.testing.assert_allclose(found["normals"], expected.transpose(2, 0, 1), atol=1e-6)
    np.testing.assert_allclose(found["weight"], (length > 0) / max(1, (length > 0).sum()))


@pytest.fixture(scope="module")
def executor():
    made = Normals(decoder="fcn", channels=6)
    labels = {label.name: sym.Variable(label.name) for label in made.labels(SIZE)}
    loss = sym.MakeLoss(made.train(features(), labels)["loss"])
    shapes = {f"map{s}": (2, CHANNELS[s], *features().size(s)) for s in CHANNELS}
    shapes.update({label.name: (2, *label.shape) for label in made.labels(SIZE)})
    bound = Executor(loss, **shapes)
    rng = np.random.default_rng(0)
    for array in bound.arg_dict.values():
        array[:] = rng.normal(0, 0.5, array.shape)
    return made, bound


def feed(executor, samples):
    """(labels, losses, the decoder's (2, 3, h, w) before it is brought to length 1)."""
    made, bound = executor
    encoded = [made.encode(one) for one in samples]
    for name in ("normals", "weight"):
        bound.arg_dict[name][:] = np.stack([one[name] for one in encoded])
    loss = bound.forward(is_train=True)[0]
    raw = made.decoder(features(), "normals", 3)
    values = {name: bound.arg_dict[name] for name in raw.list_arguments()}
    (decoded,) = compute(raw, {**values, **bound.aux_dict}, is_train=True)
    return encoded, loss, decoded.astype(np.float64)


def cosine_loss(raw, label):
    """By the known cells alone: one minus the mean cosine."""
    known = label["weight"] > 0
    predicted = raw[:, known]
    true = label["normals"][:, known].astype(np.float64)
    lengths = np.linalg.norm(predicted, axis=0) * np.linalg.norm(true, axis=0)
    return float(np.mean(1 - (predicted * true).sum(axis=0) / lengths))


def test_loss_and_gradient_equal_numpy(executor):
    encoded, loss, raw = feed(executor, [sample(noise(SIZE, 1)), sample(noise(SIZE, 2))])
    expected = [cosine_loss(*one) for one in zip(raw, encoded)]
    np.testing.assert_allclose(loss, expected, rtol=1e-4)
    executor[1].backward()
    # The bias moves all cells alike.
    gradient = executor[1].grad_dict["normals_score4_bias"]
    assert np.abs(gradient).max() > 0.02
    for channel in range(3):
        sides = []
        for step in (1e-5, -1e-5):
            moved = raw.copy()
            moved[:, channel] += step
            sides.append(sum(cosine_loss(*one) for one in zip(moved, encoded)))
        assert gradient[channel] == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=1e-4)


def test_unknown_images_have_no_loss_and_no_gradient(executor):
    nothing = Sample("a", np.zeros((*SIZE, 3), np.uint8), {})
    _, loss, _ = feed(executor, [nothing, sample(np.zeros((*SIZE, 3)))])
    np.testing.assert_array_equal(loss, 0)
    executor[1].backward()
    for name, gradient in executor[1].grad_dict.items():
        if name not in ("normals", "weight"):
            np.testing.assert_array_equal(gradient, 0, err_msg=name)


@pytest.mark.parametrize("size", [SIZE, (33, 45)])
def test_outputs_are_unit_vectors_at_input_size(size):
    made = Normals(decoder="fcn", channels=6)
    symbol = made.evaluate(features(size))["normals"]
    shapes = {f"map{s}": (2, CHANNELS[s], *features(size).size(s)) for s in CHANNELS}
    bound = Executor(symbol, **shapes)
    rng = np.random.default_rng(0)
    for array in bound.arg_dict.values():
        array[:] = rng.normal(0, 1, array.shape)
    out = bound.forward(is_train=False)[0]
    assert out.shape == (2, 3, *size)
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 1, atol=1e-3)


@pytest.mark.parametrize("transform", [Resize(24, 32), Letterbox(24, 32)])
@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("size", [(50, 70), (13, 20), (70, 20)])
def test_vectors_come_back_to_their_pixels(transform, flipped, size):
    """What the transforms made of smooth normals, taken as the network's output."""
    y, x = np.mgrid[: size[0], : size[1]]
    smooth = np.dstack([x / size[1] - 0.3, y / size[0] - 0.8, np.full(size, 0.7)])
    whole = sample(unit(smooth)[0])
    moved = flip(whole) if flipped else whole
    moved = transform(moved, np.random.default_rng())
    seen = moved.targets["normals"]
    (found,) = Normals().decode({"normals": seen.transpose(2, 0, 1)[None]}, [moved.geometry])
    assert (found.shape, found.dtype) == ((*size, 3), np.float32)
    assert np.abs(found - whole.targets["normals"]).max() < 0.1
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, atol=1e-5)


def test_truth_metrics_and_other_targets():
    normals = np.ones((8, 8, 3), np.float32)
    assert Normals().ground_truth({"normals": normals}) is normals
    assert Normals().ground_truth({}) is None
    assert [metric.primary for metric in Normals().metrics()] == ["mean_angle"]
    other = Normals(target="bumps")
    assert other.targets == ("bumps",)
    bumps = normals * np.float32([0, 0, 2])
    np.testing.assert_array_equal(
        other.encode(sample(normals, bumps=bumps))["normals"][2], np.ones((2, 2))
    )


def test_wrong_maps_and_settings():
    wrong = sample(np.ones((8, 8, 3)))
    wrong.targets["normals"] = np.ones((8, 8), np.float32)
    with pytest.raises(DataError, match="head normals, sample a"):
        Normals().encode(wrong)
    for settings in ({"decoder": "unett"}, {"channels": 0}, {"rates": (0,)}):
        with pytest.raises(ConfigError, match="head 'normals'"):
            Normals(**settings)


class Slopes:
    """A surface of two slopes under a light from the left: brighter is turned to it."""

    classes = ()

    def __len__(self):
        return 4

    def id_of(self, index):
        return f"p{index}"

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        x = np.full((48, 64), rng.uniform(-0.9, -0.4), np.float32)
        x[:, int(rng.integers(20, 44)) :] = rng.uniform(0.4, 0.9)
        normals = np.dstack([x, np.zeros_like(x), -np.sqrt(1 - x**2)])
        image = np.repeat((127 - 120 * x)[..., None], 3, axis=2).astype(np.uint8)
        normals[:10, :10] = 0
        return Sample(self.id_of(index), image, {"normals": normals})


@pytest.fixture(scope="module")
def trained():
    network = df.Network("resnet18", [Normals(decoder="fcn", channels=8)], settings={"width": 8})
    loader = df.Loader(Slopes(), batch_size=4, heads=network.heads, workers=0)
    df.fit(network, loader, updates=40, optimizer="adam", schedule=df.Cosine(0.01), callbacks=[])
    return network


def test_trains(trained):
    """The best constant is some 40 degrees off."""
    scores = df.score(trained, df.Loader(Slopes(), batch_size=3, workers=0))
    assert scores["normals/mean_angle"] < 12
    assert scores["normals/within_30"] > 0.9


def test_views_are_averaged(trained):
    class Mirrored(Slopes):
        def __getitem__(self, index):
            return RandomFlip(1.0)(super().__getitem__(index), np.random.default_rng())

    def predicted(dataset):
        return dict(df.predict(trained, df.Loader(dataset, batch_size=2, workers=0)))

    straight, turned = predicted(Slopes()), predicted(Mirrored())
    for views in (df.Views(), df.Views(flip=True)):
        looking = df.Loader.views(
            Slopes(), input_size=(48, 64), batch_size=3, views=views, workers=0
        )
        for key, found in df.predict(trained, looking):
            mean = straight[key]["normals"]
            if views.flip:
                # Prediction for a mirrored scene; it comes back with its geometry's mirror undone.
                mean = mean + turned[key]["normals"]
            np.testing.assert_allclose(found["normals"], unit(mean)[0], atol=1e-3)
