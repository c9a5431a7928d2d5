"""BDD100K as it is published, and as YOLOP arranges it, in generated files of both."""

import json

import cv2
import numpy as np
import pytest

from densefit.data.classes.renamed_classes import RenamedClasses
from densefit.data.transforms import Compose, RandomFlip
from densefit.datasets import BDD100K
from densefit.errors import ConfigError, DataError, MissingSplitError

SIZE = (24, 40)
CAR = {"category": "car", "box2d": {"x1": 2, "y1": 3, "x2": 12.5, "y2": 9}}
PERSON = {"category": "person", "box2d": {"x1": 20, "y1": 3, "x2": 24, "y2": 19}}
LANE = {"category": "lane", "poly2d": [{"vertices": [[1, 2], [3, 4]]}]}
OTHER = {"category": "trailer", "box2d": {"x1": 1, "y1": 1, "x2": 9, "y2": 9}}


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), array)


def drivable():
    mask = np.full(SIZE, 2, np.uint8)
    mask[15:], mask[15:, 30:] = 0, 1
    return mask


def lanes():
    mask = np.full(SIZE, 255, np.uint8)
    mask[16:, 5], mask[16:, 9], mask[16:, 20] = 7, 6 | 1 << 4 | 1 << 5, 8 | 6
    return mask


@pytest.fixture
def published(tmp_path):
    frames = [
        {"name": "b.jpg", "labels": [CAR, OTHER, LANE]},
        {"name": "a.jpg", "labels": [PERSON]},
        {"name": "c.jpg"},
        {"name": "gone.jpg", "labels": [CAR]},
    ]
    path = tmp_path / "labels/det_20/det_train.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(frames))
    for name in "abcd":
        write(tmp_path / f"images/100k/train/{name}.jpg", np.zeros((*SIZE, 3), np.uint8))
        write(tmp_path / f"labels/drivable/masks/train/{name}.png", drivable())
        write(tmp_path / f"labels/lane/masks/train/{name}.png", lanes())
    return tmp_path


@pytest.fixture
def yolop(tmp_path):
    for name, objects in (("a", [CAR, LANE]), ("b", [PERSON, CAR])):
        write(tmp_path / f"images/val/{name}.jpg", np.zeros((*SIZE, 3), np.uint8))
        path = tmp_path / f"det_annotations/val/{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"name": name, "frames": [{"objects": objects}]}))
        mask = np.where(drivable() < 2, 127, 0).astype(np.uint8)
        write(tmp_path / f"da_seg_annotations/val/{name}.png", mask)
        mask = np.where(lanes() & 8, 0, 255).astype(np.uint8)
        write(tmp_path / f"ll_seg_annotations/val/{name}.png", mask)
    return tmp_path


def test_the_published_files(published, caplog):
    data = BDD100K(published)
    assert [data.id_of(i) for i in range(len(data))] == ["a", "b", "c"]
    assert "1 of 4 pictures lack boxes or drivable or lanes" in caplog.text
    assert "1 trailer" in caplog.text
    targets = data[1].targets
    np.testing.assert_array_equal(targets["boxes"], [[2, 3, 12.5, 9]])
    assert [data.classes[i] for i in targets["classes"]] == ["car"]
    assert [data.classes[i] for i in data[0].targets["classes"]] == ["pedestrian"]
    assert data[2].targets["boxes"].shape == (0, 4)
    np.testing.assert_array_equal(targets["drivable"], drivable() < 2)
    marked = np.zeros(SIZE, bool)
    marked[16:, [5, 9]] = True
    np.testing.assert_array_equal(targets["lanes"], marked)
    assert data.drivable_classes == ["background", "drivable"]
    assert data.lanes_classes == ["background", "lane"]


def test_direct_and_alternative_area_apart(published):
    data = BDD100K(published, lanes=False, alternative=True)
    assert data.drivable_classes == ["background", "direct", "alternative"]
    np.testing.assert_array_equal(data[0].targets["drivable"], np.array([1, 2, 0])[drivable()])
    assert "lanes" not in data[0].targets


def test_the_files_of_yolop_are_the_same(yolop):
    data = BDD100K(yolop, "val")
    targets = data[1].targets
    assert [data.classes[i] for i in targets["classes"]] == ["pedestrian", "car"]
    np.testing.assert_array_equal(targets["drivable"], drivable() < 2)
    np.testing.assert_array_equal(targets["lanes"], (lanes() & 8) == 0)
    with pytest.raises(ConfigError, match="(?s)alternative drivable.*da_seg_annotations"):
        BDD100K(yolop, "val", alternative=True)


def test_vehicles_are_one_class_by_their_names(yolop):
    rename = {"car": "vehicle", "bus": "vehicle"}
    rest = {name: None for name in BDD100K(yolop, "val").classes if name not in rename}
    data = RenamedClasses(BDD100K(yolop, "val"), {**rename, **rest})
    assert data.classes == ["vehicle"]
    assert data[1].targets["classes"].tolist() == [0]
    assert data.drivable_classes == ["background", "drivable"]


def test_masks_are_mirrored_with_the_picture(yolop):
    sample = BDD100K(yolop, "val")[0]
    flipped = Compose([RandomFlip(1.0)])(sample, np.random.default_rng(0))
    for name in ("drivable", "lanes"):
        np.testing.assert_array_equal(flipped.targets[name], sample.targets[name][:, ::-1])


def test_the_second_start_reads_the_table(published):
    first = BDD100K(published)
    (published / "labels/det_20/det_train.json").touch()
    second = BDD100K(published)
    assert repr(first) == repr(second) == f"BDD100K({str(published)!r}, split='train')"
    np.testing.assert_array_equal(first[1].targets["boxes"], second[1].targets["boxes"])


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{}", r"no list of frames[\s\S]*det_train.json"),
        ("[", r"not valid JSON[\s\S]*det_train.json"),
        ('[{"labels": []}]', r"A frame has no name[\s\S]*det_train.json, frame 0"),
    ],
)
def test_a_broken_file_of_a_split_is_named(published, text, error):
    (published / "labels/det_20/det_train.json").write_text(text)
    with pytest.raises(DataError, match=error):
        BDD100K(published)


@pytest.mark.parametrize(
    ("label", "error"),
    [
        ({"box2d": {"x1": 1}, "category": "car"}, "corners that are numbers"),
        ({"box2d": {"x1": 1, "y1": float("nan"), "x2": 3, "y2": 4}, "category": "car"}, "corners"),
        ({"box2d": CAR["box2d"]}, "no category"),
        (3, "no list of objects"),
    ],
)
def test_a_broken_label_is_an_error_of_its_picture(yolop, label, error):
    path = yolop / "det_annotations/val/a.json"
    path.write_text(json.dumps({"frames": [{"objects": [CAR, label]}]}))
    data = BDD100K(yolop, "val")
    assert len(data[1].targets["boxes"]) == 2
    with pytest.raises(DataError, match=f"(?s){error}.*a.json"):
        data[0]


def test_wrong_masks_are_named(published):
    mask = published / "labels/drivable/masks/train/a.png"
    write(mask, np.full(SIZE, 3, np.uint8))
    with pytest.raises(DataError, match="(?s)0 direct, 1 alternative.*up to 3.*colormaps"):
        BDD100K(published)[0]
    write(mask, np.zeros((24, 41), np.uint8))
    with pytest.raises(DataError, match=r"(?s)\(24, 40\).*\(24, 41\).*masks/train/a.png"):
        BDD100K(published)[0]


def test_missing_folders_show_both_layouts(published):
    with pytest.raises(
        MissingSplitError, match="(?s)no images of the split 'test'.*det_annotations"
    ):
        BDD100K(published, "test")
    for path in (published / "labels/lane/masks/train").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="(?s)No picture has all labels.*labels/lane/masks/train"):
        BDD100K(published)
    (published / "labels/lane/masks/train").rmdir()
    with pytest.raises(DataError, match="(?s)no lanes of the split 'train'.*lanes: false"):
        BDD100K(published)


def test_it_is_recognised(published, tmp_path):
    assert BDD100K.looks_like(published)
    assert not BDD100K.looks_like(published / "images")
