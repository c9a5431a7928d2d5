import numpy as np
import pytest

from densefit.data.annotated import all_targets
from densefit.data.geometry.instance_map import extents
from densefit.datasets import Rooms
from densefit.errors import ConfigError

COUNT = 60
SIZE = (48, 60)
SURFACES = ("wall", "floor", "ceiling")


@pytest.fixture(scope="module")
def dataset():
    return Rooms(COUNT, SIZE)


@pytest.fixture(scope="module")
def samples(dataset):
    return list(map(dataset.__getitem__, range(COUNT)))


def test_every_class_and_kind_occurs(dataset, samples):
    masks = np.concatenate([sample.targets["mask"].ravel() for sample in samples])
    assert set(np.unique(masks)) == set(range(13))
    kinds = {int(sample.targets["label"]) for sample in samples}
    assert kinds == set(range(len(dataset.label_classes)))
    counts = [len(sample.targets["boxes"]) for sample in samples]
    assert 3 < np.mean(counts) < 12


def test_the_kind_of_room_is_in_its_furniture():
    data = Rooms(40, (96, 120), seed=3)
    of_kind = {kind: np.zeros(len(data.classes)) for kind in data.label_classes}
    for sample in map(data.__getitem__, range(40)):
        kind = data.label_classes[int(sample.targets["label"])]
        of_kind[kind] += np.bincount(sample.targets["classes"], minlength=len(data.classes)) > 0
    bed, sofa = data.classes.index("bed"), data.classes.index("sofa")
    assert of_kind["bedroom"][bed] > 0
    assert all(of_kind[kind][bed] == 0 for kind in data.label_classes if kind != "bedroom")
    assert of_kind["living room"].argmax() in (sofa, *range(len(data.classes)))
    assert of_kind["dining room"][sofa] == 0


def test_boxes_and_classes_are_those_of_the_pixels(dataset, samples):
    for sample in samples:
        targets = sample.targets
        ids, boxes = extents(targets["instances"])
        np.testing.assert_array_equal(ids, targets["instance_ids"])
        np.testing.assert_array_equal(boxes, targets["boxes"])
        for number, index, area in zip(ids, targets["classes"], targets["area"]):
            pixels = targets["instances"] == number
            assert pixels.sum() == area >= dataset.least
            named = {dataset.mask_classes[value] for value in np.unique(targets["mask"][pixels])}
            assert named == {dataset.classes[index]}


def test_normals_are_those_of_the_depth(dataset, samples):
    """Neighbours of one surface span it: points by the depth, across the normal."""
    focal, checked = 0.68 * SIZE[1], 0
    x = (np.arange(SIZE[1]) + 0.5 - SIZE[1] / 2) / focal
    y = (np.arange(SIZE[0]) + 0.5 - SIZE[0] / 2) / focal
    for sample in samples[:20]:
        targets = sample.targets
        depth, normals = targets["depth"].astype(np.float64), targets["normals"]
        np.testing.assert_allclose(np.linalg.norm(normals, axis=2), 1, rtol=1e-5)
        points = np.stack([depth * x, depth * y[:, None], depth], axis=2)
        assert (np.sum(points * normals, axis=2) < 0).all()  # towards the camera
        step = np.diff(points, axis=1)
        off = np.abs(np.sum(step * normals[:, 1:], axis=2)) / np.linalg.norm(step, axis=2)
        is_same = (normals[:, 1:] == normals[:, :-1]).all(axis=2) & (targets["edges"][:, 1:] == 0)
        of_room = np.isin(targets["mask"], [dataset.mask_classes.index(n) for n in SURFACES])
        of_room = of_room[:, 1:] & of_room[:, :-1] & is_same
        assert off[of_room].max() < 2e-3
        # Of objects, parts on one side may lie at different depths without an edge.
        assert np.quantile(off[is_same], 0.9) < 2e-3
        checked += int(of_room.sum())
    assert checked > 20 * 1000


def test_edges_are_where_objects_or_surfaces_end(samples):
    for sample in samples[:10]:
        ids, edges = sample.targets["instances"].astype(int), sample.targets["edges"]
        across = ids[:, 1:] != ids[:, :-1]
        assert (edges[:, 1:][across] == 1).all()
        assert 0 < edges.mean() < 0.5


def test_pictures_depend_on_seed_split_and_index_alone(samples):
    again = Rooms(7, SIZE)
    for name, value in samples[6].targets.items():
        np.testing.assert_array_equal(again[6].targets[name], value)
    np.testing.assert_array_equal(again[6].image, samples[6].image)
    for other in (Rooms(7, SIZE, seed=1), Rooms(7, SIZE, split="val")):
        assert (other[6].image != samples[6].image).any()
    assert Rooms(split="val").id_of(3) == "val-000003"


def test_shares_of_labels_change_no_picture(samples):
    data = Rooms(COUNT, SIZE, labelled={"depth": 0.25, "boxes": 0.5, "normals": 0})
    declared = all_targets(data)
    counts = {name: sum(name in names for names in declared) for name in ("depth", "boxes", "mask")}
    assert 5 <= counts["depth"] <= 25
    assert 20 <= counts["boxes"] <= 40
    assert counts["mask"] == COUNT
    assert not any("normals" in names for names in declared)
    for index in range(10):
        sample = data[index]
        assert set(sample.targets) == declared[index]
        assert ("instances" in sample.targets) == ("boxes" in sample.targets)
        np.testing.assert_array_equal(sample.image, samples[index].image)


@pytest.mark.parametrize(
    "settings",
    [{"size": (8, 8)}, {"length": 0}, {"labelled": {"depths": 1}}, {"labelled": {"depth": 2}}],
)
def test_settings_out_of_range(settings):
    with pytest.raises(ConfigError, match="cannot be drawn"):
        Rooms(**settings)


def test_index_errors_end_iteration():
    data = Rooms(2, (24, 30))
    with pytest.raises(IndexError):
        data[2]
    assert len(list(data)) == 2
