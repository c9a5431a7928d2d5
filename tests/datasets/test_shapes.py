import numpy as np
import pytest

from densefit.data.geometry.instance_map import extents
from densefit.datasets import Shapes
from densefit.errors import ConfigError


@pytest.fixture(scope="module")
def samples():
    return [sample for sample in map(Shapes(120, size=(80, 100)).__getitem__, range(120))]


def test_boxes_are_the_extents_of_the_masks_regions(samples):
    for sample in samples:
        mask, left = sample.targets["mask"], sample.targets["mask"].copy()
        for box, kind, area in zip(*(sample.targets[k] for k in ("boxes", "classes", "area"))):
            x1, y1, x2, y2 = box.astype(int)
            inside = mask[y1:y2, x1:x2] == kind + 1
            assert inside.any(axis=0).all()
            assert inside.any(axis=1).all()
            assert inside.sum() == area
            left[y1:y2, x1:x2] = 0
        assert not left.any()


def test_label_is_the_largest_shape(samples):
    data = Shapes()
    seen = set()
    for sample in samples:
        label = data.label_classes[int(sample.targets["label"])]
        area = sample.targets["area"]
        kinds = [data.classes[i] for i in sample.targets["classes"]]
        assert label == (kinds[int(area.argmax())] if len(area) else "nothing")
        seen.add(label)
    assert seen == set(data.label_classes)


def test_there_is_everything(samples):
    counts = [len(sample.targets["boxes"]) for sample in samples]
    assert set(counts) == {0, 1, 2, 3, 4}
    assert 2 <= counts.count(0) <= 25
    assert {k for sample in samples for k in sample.targets["classes"].tolist()} == {0, 1, 2}
    for sample in samples:
        assert sample.image.shape == (80, 100, 3)
        shapes = sample.targets["mask"] > 0
        if shapes.any():  # shapes can be told from the ground
            ground = sample.image[~shapes].astype(int).mean(axis=0)
            assert np.abs(sample.image[shapes].astype(int) - ground).max(axis=1).min() > 20


def test_index_seed_and_split_decide_alone(samples):
    again = Shapes(7, size=(80, 100))
    np.testing.assert_array_equal(again[6].image, samples[6].image)
    for other in (Shapes(7, (80, 100), seed=1), Shapes(7, (80, 100), split="val")):
        assert (other[6].image != samples[6].image).any()
    assert Shapes(split="val").id_of(3) == "val-000003"


def test_ends_and_settings():
    data = Shapes(3)
    with pytest.raises(IndexError):
        data[3]
    assert len(list(data)) == 3
    assert all(len(Shapes(5, empty=1.0)[i].targets["boxes"]) == 0 for i in range(5))
    assert all(
        len(Shapes(20, empty=0.0, max_objects=1)[i].targets["boxes"]) == 1 for i in range(20)
    )
    assert Shapes(2, size=(24, 200))[1].image.shape == (24, 200, 3)
    with pytest.raises(ConfigError, match="cannot be drawn"):
        Shapes(size=(8, 8))


def test_boxes_are_the_extents_of_their_instances(samples):
    for sample in samples:
        targets = sample.targets
        ids, boxes = extents(targets["instances"])
        np.testing.assert_array_equal(ids, targets["instance_ids"])
        np.testing.assert_array_equal(boxes, targets["boxes"])
        kinds = np.append(0, targets["classes"] + 1)
        np.testing.assert_array_equal(kinds[targets["instances"]], targets["mask"])


def test_faces_are_where_their_keypoints_say():
    data, plain = Shapes(30, (80, 100), keypoints=True), Shapes(30, (80, 100))
    assert len(data.keypoint_names) == 3
    seen = 0
    for index in range(30):
        sample, bare = data[index], plain[index]
        points = sample.targets["keypoints"]
        assert points.shape == (len(sample.targets["boxes"]), 3, 3)
        assert (points[..., 2] == 2).all()
        for name, value in bare.targets.items():
            np.testing.assert_array_equal(sample.targets[name], value)
        for face, box in zip(points, sample.targets["boxes"]):
            assert (face[:, :2] >= box[:2]).all()
            assert (face[:, :2] <= box[2:]).all()
            nose, left, right = face[:, :2].astype(int)
            assert left[0] > right[0]  # as of somebody who looks at us
            assert nose[1] > max(left[1], right[1])
            before, after = (one.image.astype(int) for one in (bare, sample))
            for x, y in (nose, left, right):  # told from the shape around
                assert np.abs(after[y, x] - before[y, x]).max() > 50
            assert np.abs(after[nose[1], nose[0]] - after[left[1], left[0]]).max() > 50
            seen += 1
        changed = (sample.image != bare.image).any(axis=2)
        assert (bare.targets["mask"][changed] > 0).all()
    assert seen > 30


def test_labels_name_the_classes_that_are_in_the_picture():
    data = Shapes(20, (80, 100), labels=True)
    for index in range(20):
        targets = data[index].targets
        assert targets["labels"].shape == (3,)
        assert set(np.flatnonzero(targets["labels"])) == set(targets["classes"])
    assert "labels" in data.targets_of(0)
    assert "labels" not in Shapes().targets_of(0)


def test_relief_changes_no_shape():
    data, flat = Shapes(20, (80, 100), relief=True), Shapes(20, (80, 100))
    for index in range(20):
        sample = data[index]
        for name, value in flat[index].targets.items():
            np.testing.assert_array_equal(sample.targets[name], value)
        assert (sample.image != flat[index].image).mean() > 0.5
        assert set(sample.targets) == set(data.targets_of(index))
        np.testing.assert_array_equal(sample.image, data[index].image)


def test_depths_and_normals_of_relief_agree():
    data = Shapes(20, (80, 100), relief=True)
    for index in range(20):
        targets = data[index].targets
        depth, normals = targets["depth"].astype(np.float64), targets["normals"]
        ground = targets["mask"] == 0
        assert depth.shape == (80, 100)
        assert 0.5 < depth.min() < depth.max() < 5.01
        rows = [row[line] for row, line in zip(depth, ground) if line.any()]
        assert all(np.ptp(row) < 1e-6 for row in rows)  # the ground is a tilted plane
        for instance, box in zip(targets["instance_ids"], targets["boxes"]):
            inside = targets["instances"] == instance
            row = int(np.argwhere(inside)[0][0])
            assert depth[inside].min() < depth[row][ground[row]].min()  # it stands out of it
            assert box[0] >= 0
        np.testing.assert_allclose(np.linalg.norm(normals, axis=2), 1, rtol=1e-5)
        pixel = 2 / 80  # metres
        right = (depth[:, 2:] - depth[:, :-2]) / (2 * pixel)
        slope = normals[:, 1:-1, 0] / normals[:, 1:-1, 2]
        np.testing.assert_allclose(slope, right, atol=1e-4)
    kinds = data[0].targets["classes"]
    assert len(kinds)


def test_what_faces_the_light_is_brighter():
    """Of a half sphere the upper left is, and what is farther is darker."""
    data = Shapes(40, (96, 96), relief=True, empty=0)
    for index in range(40):
        sample = data[index]
        targets, gray = sample.targets, sample.image.mean(axis=2)
        for number, (kind, box) in enumerate(zip(targets["classes"], targets["boxes"]), 1):
            if kind != 0 or box[2] - box[0] < 12:
                continue
            inside = targets["instances"] == number
            normals = targets["normals"]
            lit = inside & (normals[..., :2].sum(axis=2) < -0.6)
            away = inside & (normals[..., :2].sum(axis=2) > 0.6)
            assert gray[lit].mean() > gray[away].mean()
