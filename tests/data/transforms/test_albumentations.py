"""With the package itself where it is installed; what it must offer is told by small doubles."""

import os
import pickle

import numpy as np
import pytest

import densefit as df
from densefit.data.geometry.image_ops import crop, flip, resize
from densefit.data.geometry.instance_map import extents
from densefit.data.loader.sample_task import SampleTask
from densefit.data.sample import LostGeometry
from densefit.data.transforms.albumentations import Albumentations
from densefit.datasets import Shapes
from densefit.errors import ConfigError, DataError
from tests.data.geometry.test_box_members import FIRST, SECOND, Pictures

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the network at import

DATA = Shapes(8, size=(48, 60), empty=0.0, keypoints=True)


@pytest.fixture
def package():
    return pytest.importorskip("albumentations", minversion="1.4.19")


def applied(pipeline, index=1, seed=0):
    sample = DATA[index]
    height, width = sample.image.shape[:2]
    y, x = np.mgrid[:height, :width]
    sample.targets["depth"] = (x + 100 * y + 1).astype(np.float32)
    return sample, Albumentations(pipeline)(sample, np.random.default_rng(seed))


@pytest.mark.parametrize("index", range(4))
def test_moves_that_both_have_do_the_same(package, index):
    for member, ours in (
        (package.HorizontalFlip(p=1), flip),
        (package.VerticalFlip(p=1), lambda s: flip(s, vertical=True)),
        (package.Resize(96, 120, interpolation=1, p=1), lambda s: resize(s, 96, 120)),
        (package.Crop(5, 3, 45, 40, p=1), lambda s: crop(s, 5, 3, 40, 37)),
    ):
        sample, after = applied(package.Compose([member]), index)
        expected = ours(sample)
        assert np.abs(after.image.astype(int) - expected.image).mean() < 0.5
        if len(after.targets["boxes"]) != len(expected.targets["boxes"]):
            continue  # we drop a box whose centre is outside
        for name in sample.targets:
            np.testing.assert_allclose(
                after.targets[name], expected.targets[name], rtol=1e-4, atol=2e-3, err_msg=name
            )


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("Resize", {"height": 12, "width": 15}),
        ("Resize", {"height": 29, "width": 36}),
        ("LongestMaxSize", {"max_size": 100}),
        ("SmallestMaxSize", {"max_size": 30}),
        ("RandomScale", {"scale_limit": (-0.7, -0.7)}),
        ("RandomResizedCrop", {"size": (20, 20)}),
    ],
)
def test_maps_are_resized_with_their_pictures(package, kind, settings):
    """A map's pixel is the one under the centre: at most half a pixel off, and not to one side."""
    sample = DATA[1]
    height, width = sample.image.shape[:2]
    y, x = np.mgrid[:height, :width]
    sample.image[...] = (4 * np.stack([x, y, 0 * x], axis=-1)).astype(np.uint8)
    sample.targets["depth"] = (x + 100.0 * y + 1).astype(np.float32)
    member = getattr(package, kind)(p=1, interpolation=1, **settings)
    after = Albumentations(package.Compose([member]))(sample, np.random.default_rng(0))
    place = after.targets["depth"].astype(np.int64) - 1
    off = np.stack([place % 100, place // 100], axis=-1) - after.image[..., :2] / 4
    off = off[2:-2, 2:-2]  # at the edge nothing can be mixed
    assert np.abs(off).max() <= 0.76  # 0.5, and 8 bits of colour
    assert abs(off.mean()) < 0.51 if after.image.shape[0] == 12 else abs(off.mean()) < 0.3


@pytest.mark.parametrize("seed", range(6))
def test_targets_follow_a_turn_together(package, seed):
    pipeline = package.Compose([package.Rotate((25, 60), p=1), package.HorizontalFlip(p=0.5)])
    _, after = applied(pipeline, seed % 4, seed)
    targets = after.targets
    size = after.image.shape[:2]
    assert targets["mask"].shape == targets["instances"].shape == targets["depth"].shape == size
    ids, around = extents(targets["instances"])
    for box, one, kind in zip(targets["boxes"], targets["instance_ids"], targets["classes"]):
        pixels = targets["mask"][targets["instances"] == one]
        assert set(pixels) <= {kind + 1}
        if one in ids:
            inner = around[list(ids).index(one)]
            assert (box[:2] <= inner[:2] + 2.5).all()
            assert (box[2:] >= inner[2:] - 2.5).all()
    # Corners show no picture; there, maps say that nothing is known.
    assert (targets["mask"] == 255).sum() > 20
    np.testing.assert_array_equal(targets["mask"] == 255, targets["depth"] == 0)


def test_chance_comes_from_the_generator_and_members_differ(package):
    pipeline = package.Compose([package.HorizontalFlip(p=0.5), package.VerticalFlip(p=0.5)])
    transform = Albumentations(pipeline)
    sample = DATA[2]
    ways = [
        sample.image,
        sample.image[:, ::-1],
        sample.image[::-1],
        sample.image[::-1, ::-1],
    ]
    found = []
    for seed in range(60):
        images = [transform(sample, np.random.default_rng(seed)).image for _ in range(2)]
        np.testing.assert_array_equal(*images)
        found.append([np.array_equal(images[0], way) for way in ways].index(True))
    assert (np.bincount(found, minlength=4) > 6).all()


@pytest.mark.parametrize("workers", [0, 2])
def test_in_a_loader_with_any_number_of_workers(package, workers):
    def epoch(workers):
        steps = df.transforms.Compose(
            [
                Albumentations(package.Compose([package.Affine(rotate=(-40, 40), p=1)])),
                df.transform("resize", height=32, width=32),
            ]
        )
        with df.Loader(DATA, batch_size=4, transform=steps, workers=workers, seed=3) as loader:
            loader.identity()
            return np.concatenate([batch.data["data"] for batch in loader])

    np.testing.assert_array_equal(epoch(workers), epoch(1))


def test_a_worker_process_makes_the_same(package, in_a_process):
    members = [package.Affine(rotate=(-40, 40), p=1), package.RandomBrightnessContrast(p=0.5)]
    transform = Albumentations(package.Compose(members))
    in_a_process(SampleTask(DATA, transform, [], 5, 2), [3, 0, 6])


def test_identity_names_members_and_is_the_same_twice(package):
    def text():
        return repr(Albumentations(package.Compose([package.HorizontalFlip(p=0.25)])))

    assert "HorizontalFlip" in text()
    assert "0.25" in text()
    assert " at 0x" not in text()
    assert text() == text()


def test_the_place_is_not_known_and_the_picture_is_the_same(package):
    _, after = applied(package.Compose([package.HorizontalFlip(p=1)]))
    assert isinstance(after.geometry, LostGeometry)
    assert not after.geometry.is_other
    assert after.geometry.size == (48, 60)


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("name", ["Mosaic", "Perspective", "OverlayElements"])
def test_a_picture_of_several_or_in_perspective_is_another(package, name, inside):
    class Own(getattr(package, name)):  # and so is what a user makes of these members
        pass

    for kind in (getattr(package, name), Own):
        member = kind(p=0.5)
        members = [package.OneOf([member], p=0.5) if inside else member]
        transform = Albumentations(package.Compose([package.NoOp(), *members]))
        geometry = transform._geometry(DATA[0], (48, 60))
        assert geometry.is_other
        assert geometry.size == (48, 60)
        with pytest.raises(DataError, match=f"it went through {name} of Albumentations"):
            _ = geometry.matrix


def test_what_was_another_picture_stays_another():
    mosaic = df.transform("mosaic", height=48, width=60, p=1.0, drop=["label"])
    rng = np.random.default_rng(0)
    sample = mosaic(DATA[1], rng, lambda n: [DATA[k] for k in range(n)])
    after = Albumentations(Double([]))(sample, rng)
    assert after.geometry.is_other
    assert "part of a mosaic" in repr(after.geometry)
    seen = df.transform("random_perspective", p=1.0)(
        Albumentations(Double([]))(DATA[1], rng), np.random.default_rng(1)
    )
    assert seen.geometry.is_other


@pytest.mark.parametrize("task", ["classification", "multilabel", "segmentation"])
def test_what_is_of_the_whole_picture_is_scored_behind_a_pipeline(package, task):
    """With the same number as behind our own resize; what has a place in the picture is refused."""

    class Data:
        classes = ("a", "b")

        def __len__(self):
            return 6

        def __getitem__(self, index):
            made = DATA[index]
            made.targets = {"label": np.int64(index % 2), "labels": np.array([index % 2, 1])}
            made.targets["mask"] = np.full(made.image.shape[:2], index % 2, np.uint8)
            return made

    head = df.head(
        task, classes=("a", "b"), **({"decoder": "fcn"} if task == "segmentation" else {})
    )
    network = df.Network("resnet18", [head], settings={"width": 8})
    flip = df.transform("random_flip", p=1.0)
    ours = {"transform": df.transforms.Compose([flip, df.transform("resize", height=32, width=32)])}
    settings = {"batch_size": 3, "workers": 0, "heads": [head]}
    df.fit(network, df.Loader(Data(), **settings, **ours), updates=1, progress=False)
    members = [package.HorizontalFlip(p=1), package.Resize(32, 32)]
    theirs = df.Loader(Data(), **settings, transform=Albumentations(package.Compose(members)))
    if task == "segmentation":
        with pytest.raises(DataError, match="(?s)not known.*went through Albumentations"):
            df.score(network, theirs)
        return
    expected = df.score(network, df.Loader(Data(), **settings, **ours))
    found = df.score(network, theirs)
    assert found == pytest.approx(expected, abs=2e-2)
    assert len(list(df.predict(network, theirs))) == 6
    mixed = Albumentations(package.Compose([package.Resize(32, 32), package.Mosaic(p=0.1)]))
    with pytest.raises(DataError, match="(?s)not known.*Mosaic of Albumentations"):
        df.score(network, df.Loader(Data(), **settings, transform=mixed))


def test_pictures_without_boxes_or_anything(package):
    transform = Albumentations(package.Compose([package.HorizontalFlip(p=1)]))
    sample = DATA[0]
    sample.targets.clear()
    assert transform(sample, np.random.default_rng(0)).targets == {}
    empty = Shapes(8, size=(48, 60), empty=1.0, keypoints=True)[0]
    after = transform(empty, np.random.default_rng(0)).targets
    assert after["boxes"].shape == (0, 4)
    assert after["keypoints"].shape == (0, 3, 3)


def test_parameters_of_boxes_are_refused(package):
    pipeline = package.Compose(
        [package.HorizontalFlip()], bbox_params=package.BboxParams("pascal_voc", label_fields=[])
    )
    with pytest.raises(ConfigError, match="without bbox_params"):
        Albumentations(pipeline)


class Double:
    """As much of a Compose as is asked for."""

    processors = {}

    def __init__(self, transforms, p=1.0, **parameters):
        self.transforms, self.p = transforms, p

    def set_random_seed(self, seed):
        self.seed = seed

    def __call__(self, **data):
        return data


def test_one_that_changes_nothing_changes_nothing_but_the_geometry():
    sample = DATA[3]
    after = Albumentations(Double([]))(sample, np.random.default_rng(0))
    for name, value in sample.targets.items():
        np.testing.assert_allclose(after.targets[name], value, atol=1e-4, err_msg=name)
        assert after.targets[name].dtype == value.dtype
    np.testing.assert_array_equal(after.image, sample.image)


class Shifting(Double):
    """Boxes go left, beyond the edge of the picture."""

    def __call__(self, bboxes, **data):
        return {**data, "bboxes": bboxes - (30, 0, 30, 0)}


def test_the_rest_of_a_crowd_stays_wherever_its_centre_is():
    sample = DATA[3]
    sample.targets = {
        "boxes": np.array([[20, 5, 32, 9], [10, 5, 32, 9], [10, 5, 30.5, 9]], np.float32),
        "crowd": np.array([False, True, True]),
        "classes": np.arange(3),
    }
    after = Albumentations(Shifting([]))(sample, np.random.default_rng(0)).targets
    np.testing.assert_array_equal(after["boxes"], [[0, 5, 2, 9]])
    np.testing.assert_array_equal(after["classes"], [1])


class Turning(Double):
    """Mirrors by the seed that it was given."""

    def __call__(self, image, **data):
        return {**data, "image": image[:, :: 1 if self.seed % 2 else -1]}


@pytest.mark.parametrize("used", [False, True])
def test_it_can_be_sent_to_a_process_before_and_after_it_was_used(used):
    def images(transform):
        return [transform(DATA[2], np.random.default_rng(seed)).image for seed in range(8)]

    transform = Albumentations(Turning([Turning([])]))
    expected = images(Albumentations(Turning([Turning([])])))
    if used:
        images(transform)
    there = pickle.loads(pickle.dumps(transform))
    np.testing.assert_array_equal(images(there), expected)
    np.testing.assert_array_equal(images(transform), expected)
    assert len(np.unique(expected, axis=0)) == 2


def test_vectors_cannot_follow():
    sample = DATA[0]
    sample.targets["normals"] = np.zeros((48, 60, 3), np.float32)
    with pytest.raises(DataError, match=r"'normals'[\s\S]*random_affine"):
        Albumentations(Double([]))(sample, np.random.default_rng(0))


def test_what_cannot_be_seeded_is_refused():
    class Old:
        transforms = ()

        def __call__(self, **data):
            return data

    with pytest.raises(ConfigError, match="workers"):
        Albumentations(Old())
    with pytest.raises(ConfigError, match="not a Compose"):
        Albumentations([1])


def test_a_pipeline_transforms_each_set_of_boxes_as_if_alone(package):
    members = [package.HorizontalFlip(p=1.0), package.Crop(8, 4, 40, 30)]
    pipeline = Albumentations(package.Compose(members))
    both = pipeline(Pictures((FIRST, SECOND))[0], np.random.default_rng(0)).targets
    for boxes in (FIRST, SECOND):
        alone = pipeline(Pictures((boxes,))[0], np.random.default_rng(0)).targets
        assert 0 < len(alone[boxes]) < len(Pictures((boxes,))[0].targets[boxes])
        for target, value in alone.items():
            np.testing.assert_array_equal(both[target], value, target)
