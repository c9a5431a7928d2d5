"""The depth head: labels, loss through the network, depths at original size."""

import numpy as np
import pytest

import densefit as df
from densefit.data.loader.views import View
from densefit.data.sample import Geometry, Sample
from densefit.data.transforms.resize import Letterbox, Resize
from densefit.errors import ConfigError, DataError
from densefit.model.heads.head import Features, head
from densefit.symbol import sym
from densefit.tasks.depth import Depth
from tests.executor import Executor, engine_array

CHANNELS = {4: 4, 8: 5, 16: 6, 32: 7}
SETTINGS = {"decoder": "fcn", "channels": 6}


def features(size, deepest=32):
    strides = [s for s in CHANNELS if s <= deepest]
    maps = {s: sym.Variable(f"map{s}") for s in strides}
    return Features(maps, {s: CHANNELS[s] for s in strides}, size)


def bound(symbol, size, deepest=32, scale=1.0, **shapes):
    given = features(size, deepest)
    used = [s for s in given.maps if f"map{s}" in symbol.list_arguments()]
    maps = {f"map{s}": (2, CHANNELS[s], *given.size(s)) for s in used}
    executor = Executor(symbol, **maps, **shapes)
    rng = np.random.default_rng(0)
    for array in executor.arg_dict.values():
        array[:] = rng.normal(0, scale, array.shape)
    return executor


def sample(depth, **targets):
    depth = np.asarray(depth, np.float32)
    return Sample("a", np.zeros((*depth.shape, 3), np.uint8), {"depth": depth, **targets})


def test_made_by_name():
    made = head("depth", name="far", loss=["silog", "l1"])
    assert isinstance(made, Depth)
    assert made.targets == ("depth",)
    (metric,) = made.metrics()
    assert (metric.primary, metric.min_depth, metric.max_depth) == ("AbsRel", 0.1, 10.0)


@pytest.mark.parametrize("size", [(32, 48), (33, 45), (7, 5)])
def test_labels_are_the_depths_at_every_fourth_pixel(size):
    rng = np.random.default_rng(0)
    depth = rng.choice([0, np.nan, -1, np.inf, 0.05, 11, 2, 3, 5], size)
    made = Depth()
    found = made.encode(sample(depth))
    for label in made.labels(size):
        assert found[label.name].shape == label.shape
        assert found[label.name].dtype == np.float32
    rows, columns = (np.minimum(4 * np.arange(-(-n // 4)) + 2, n - 1) for n in size)
    small = depth[np.ix_(rows, columns)]
    known = np.isin(small, [2, 3, 5])
    np.testing.assert_array_equal(found["depth"], np.where(known, small, 0))
    np.testing.assert_allclose(found["weight"], known / max(1, known.sum()), rtol=1e-6)


@pytest.mark.parametrize("loss", ["silog", "l1", "berhu"])
def test_an_unknown_image_has_no_loss_and_no_gradient(loss):
    made = Depth(loss=loss, **SETTINGS)
    size = (32, 48)
    labels = {label.name: sym.Variable(label.name) for label in made.labels(size)}
    symbol = sym.MakeLoss(made.train(features(size), labels)[loss])
    executor = bound(symbol, size, **{x.name: (2, *x.shape) for x in made.labels(size)})
    nothing = [
        made.encode(Sample("a", np.zeros((*size, 3), np.uint8), {})),
        made.encode(sample(np.full(size, 99))),
    ]
    for name in labels:
        executor.arg_dict[name][:] = np.stack([one[name] for one in nothing])
    np.testing.assert_array_equal(executor.forward(is_train=True)[0], 0)
    executor.backward()
    for name, gradient in executor.grad_dict.items():
        if name not in labels:
            np.testing.assert_array_equal(gradient, 0, err_msg=name)


@pytest.mark.parametrize("decoder", ["deeplabv3+", "fcn"])
def test_depths_stay_between_the_limits_and_share_the_parameters(decoder):
    made = Depth(min_depth=0.5, max_depth=80, decoder=decoder, channels=6, rates=(1, 2))
    size = (33, 45)
    given = features(size, made.output_stride)
    symbol = made.evaluate(given)["depth"]
    labels = {label.name: sym.Variable(label.name) for label in made.labels(size)}
    train = made.train(given, labels)["silog"]
    assert set(train.list_arguments()) - set(labels) == set(symbol.list_arguments())
    executor = bound(symbol, size, made.output_stride, scale=30.0, **{})
    out = executor.forward(is_train=False)[0]
    assert out.shape == (2, *size)
    assert out.min() >= 0.5 * (1 - 1e-5)
    assert out.max() <= 80 * (1 + 1e-5)
    assert out.max() > 4 * out.min()


@pytest.mark.parametrize("transform", [Resize(24, 32), Letterbox(24, 32)])
@pytest.mark.parametrize("size", [(50, 70), (48, 64), (13, 20), (70, 20)])
def test_depths_come_back_to_their_pixels(transform, size):
    """A plane: the network sees it at the input's pixels, and the original shows it at its own."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    plane = 1 + x / size[1] + 2 * y / size[0]
    geometry = transform(sample(plane), np.random.default_rng()).geometry
    (sx, _, tx), (_, sy, ty) = geometry.matrix
    v, u = np.mgrid[:24, :32] + 0.5
    seen = 1 + (u - tx) / sx / size[1] + 2 * (v - ty) / sy / size[0]
    inside = (u > tx) & (u < tx + sx * size[1]) & (v > ty) & (v < ty + sy * size[0])
    seen = np.where(inside, seen, 1e6).astype(np.float32)
    (found,) = Depth().decode({"depth": seen[None]}, [geometry])
    assert found.dtype == np.float32
    edge = [int(np.ceil(0.5 / s)) for s in (sy, sx)]  # outside of the outermost cells' centres
    inner = np.s_[edge[0] : size[0] - edge[0], edge[1] : size[1] - edge[1]]
    np.testing.assert_allclose(found[inner], plane[inner], rtol=1e-4)
    assert np.abs(found - plane).max() < 0.25


def test_a_mirrored_image_is_mirrored_back():
    depth = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    geometry = Geometry((3, 4), np.array([[-1.0, 0, 4], [0, 1, 0]]), (3, 4))
    (found,) = Depth(max_depth=20).decode({"depth": depth[None]}, [geometry])
    np.testing.assert_array_equal(found, depth[:, ::-1])


def test_predictions_are_never_beyond_the_limits_by_a_digit():
    """Exponentials and enlarged maps are, in the seventh digit."""
    made = Depth(min_depth=0.1, max_depth=80)
    beyond = np.array([0.1, 80], np.float32) * np.array([1 - 1e-6, 1 + 1e-6], np.float32)
    assert beyond[0] < made.min_depth
    assert beyond[1] > made.max_depth
    depth = np.tile(beyond, (4, 2))
    geometry = View((4, 4), np.eye(2, 3), (4, 4), (4, 4), (0, 0), False)
    merger = made.view_merger((4, 4))
    merger.add({"depth": engine_array(depth[None])}, geometry)
    for found in (*made.decode({"depth": depth[None]}, [geometry]), merger.result()):
        assert (found.dtype, found.shape) == (np.float32, (4, 4))
        assert found.min() >= np.float32(made.min_depth)
        assert found.max() <= np.float32(made.max_depth)


def test_depths_at_a_limit_are_unknown():
    depth = np.tile(np.float32([0.5, 0.6, 10, 9.9]).repeat(4), (4, 1))
    labels = Depth(min_depth=0.5).encode(sample(depth))
    np.testing.assert_array_equal(labels["weight"] > 0, [[False, True, False, True]])


def test_truth_and_other_targets():
    depth = np.ones((8, 8), np.float32)
    assert Depth().ground_truth({"depth": depth}) is depth
    assert Depth().ground_truth({}) is None
    other = Depth(target="lidar")
    assert other.encode(sample(depth, lidar=depth * 2))["depth"].max() == 2
    assert other.ground_truth({"depth": depth}) is None


def test_wrong_maps_and_settings():
    wrong = sample(np.ones((8, 8)))
    wrong.targets["depth"] = np.ones((8, 8, 1), np.float32)
    with pytest.raises(DataError, match="head depth, sample a"):
        Depth().encode(wrong)
    for settings in (
        {"loss": "l2"},
        {"loss": ()},
        {"loss": ("l1", "l1")},
        {"min_depth": 0},
        {"min_depth": 5, "max_depth": 2},
        {"scale_invariance": 1.5},
        {"decoder": "unett"},
        {"channels": 0},
    ):
        with pytest.raises(ConfigError, match="head 'depth'"):
            Depth(**settings)


class Steps:
    """Two halves of different brightness: the brighter, the nearer. A corner is unknown."""

    classes = ()

    def __len__(self):
        return 4

    def id_of(self, index):
        return f"p{index}"

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        depth = np.full((48, 64), rng.uniform(1, 2), np.float32)
        depth[:, int(rng.integers(20, 44)) :] = rng.uniform(4, 8)
        image = np.repeat((200 / depth)[..., None], 3, axis=2).astype(np.uint8)
        depth[:10, :10] = 0
        return Sample(self.id_of(index), image, {"depth": depth})


@pytest.fixture(scope="module")
def trained():
    network = df.Network(
        "resnet18", [Depth(loss=("silog", "l1"), decoder="fcn", channels=8)], settings={"width": 8}
    )
    loader = df.Loader(Steps(), batch_size=4, heads=network.heads, workers=0)
    df.fit(network, loader, updates=40, optimizer="adam", schedule=df.Cosine(0.01), callbacks=[])
    return network


def test_trains(trained):
    """Below half of the error of the best constant."""
    scores = df.score(trained, df.Loader(Steps(), batch_size=3, workers=0))
    depth = np.concatenate([Steps()[i].targets["depth"].ravel() for i in range(4)])
    known = depth[depth > 0]
    best = min(np.mean(np.abs(c - known) / known) for c in np.linspace(1, 8, 71))
    assert scores["depth/AbsRel"] < best / 2
    assert scores["depth/delta1"] > 0.8


@pytest.mark.parametrize("input_size", [(48, 64), (32, 64)])
def test_one_view_is_what_the_loader_predicts(trained, input_size):
    plain = df.Loader(Steps(), batch_size=2, transform=Letterbox(*input_size), workers=0)
    looking = df.Loader.views(Steps(), input_size=input_size, batch_size=2, workers=0)
    for (key, one), (other, two) in zip(df.predict(trained, plain), df.predict(trained, looking)):
        assert key == other
        np.testing.assert_allclose(one["depth"], two["depth"], rtol=1e-5)


def test_views_are_averaged(trained):
    """With its mirror image, the mean of both predictions, the second one mirrored back."""

    class Mirrored(Steps):
        def __getitem__(self, index):
            made = super().__getitem__(index)
            return Sample(made.id, made.image[:, ::-1].copy(), {})

    straight = dict(df.predict(trained, df.Loader(Steps(), batch_size=2, workers=0)))
    turned = dict(df.predict(trained, df.Loader(Mirrored(), batch_size=2, workers=0)))
    views = df.Views(flip=True)
    both = df.Loader.views(Steps(), input_size=(48, 64), batch_size=3, views=views, workers=0)
    for key, found in df.predict(trained, both):
        mean = (straight[key]["depth"] + turned[key]["depth"][:, ::-1]) / 2
        np.testing.assert_allclose(found["depth"], mean, rtol=1e-4)


def test_metric_chooses_means_over_images_or_pixels():
    chosen = {
        name: [metric.name for metric in Depth(metric=name).metrics()]
        for name in ("images", "pixels", "both")
    }
    assert chosen == {
        "images": ["depth"],
        "pixels": ["depth_pixels"],
        "both": ["depth", "depth_pixels"],
    }
    with pytest.raises(ConfigError, match="(?s)images, pixels, both.*'rooms'"):
        Depth("rooms", metric="image")
