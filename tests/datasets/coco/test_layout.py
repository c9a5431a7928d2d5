import json

import numpy as np
import pytest
from PIL import Image

from densefit.datasets import COCO
from densefit.datasets.coco.layout import Files, Layout
from densefit.datasets.files.layout_error import look_alikes
from densefit.errors import ConfigError, DataError, MissingSplitError

# As Roboflow exports it: the first category is the project's group, ids count from 0.
ROBOFLOW = {
    "info": {"year": "2024", "description": "Exported from roboflow.com", "url": "https://x.y"},
    "licenses": [{"id": 1, "url": "https://x.y", "name": "Public Domain"}],
    "categories": [
        {"id": 0, "name": "cells", "supercategory": "none"},
        {"id": 1, "name": "Platelets", "supercategory": "cells"},
        {"id": 2, "name": "RBC", "supercategory": "cells"},
    ],
    "images": [
        {
            "id": 0,
            "license": 1,
            "file_name": "a_png.rf.0123.jpg",
            "height": 40,
            "width": 60,
            "date_captured": "2024-01-01T00:00:00+00:00",
        }
    ],
    "annotations": [
        {
            "id": 0,
            "image_id": 0,
            "category_id": 2,
            "bbox": [10, 5, 20.5, 10],
            "area": 205,
            "segmentation": [],
            "iscrowd": 0,
        }
    ],
}
# As CVAT exports it: empty licenses, ids from 1, attributes of each annotation.
CVAT = {
    "licenses": [{"name": "", "id": 0, "url": ""}],
    "info": {"contributor": "", "date_created": "", "description": "", "url": "", "version": ""},
    "categories": [
        {"id": 1, "name": "cat", "supercategory": ""},
        {"id": 2, "name": "dog", "supercategory": ""},
    ],
    "images": [
        {
            "id": 1,
            "width": 60,
            "height": 40,
            "file_name": "frame_000000.png",
            "license": 0,
            "flickr_url": "",
            "coco_url": "",
            "date_captured": 0,
        }
    ],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 2,
            "segmentation": [],
            "area": 200.0,
            "bbox": [10.0, 5.0, 20.0, 10.0],
            "iscrowd": 0,
            "attributes": {"occluded": False, "rotation": 0.0},
        }
    ],
}


def write(path, content, folder):
    for file in (path, folder / content["images"][0]["file_name"]):
        file.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    image = Image.fromarray(np.zeros((40, 60, 3), np.uint8))
    image.save(folder / content["images"][0]["file_name"])


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("{}")


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_roboflow_export(tmp_path, split, caplog):
    for name in ("train", "valid", "test"):
        write(tmp_path / name / "_annotations.coco.json", ROBOFLOW, tmp_path / name)
    data = COCO(root=tmp_path, split=split)
    assert data.classes == ["Platelets", "RBC"]
    assert "the category 'cells' has no annotations and is the group" in caplog.text
    np.testing.assert_array_equal(data[0].targets["boxes"], [[10, 5, 30.5, 15]])
    np.testing.assert_array_equal(data[0].targets["classes"], [1])
    assert data.category_ids == [1, 2]
    assert look_alikes(tmp_path) == ["coco"]
    assert COCO(root=tmp_path, split=split, classes=["cells", "RBC"]).classes == ["cells", "RBC"]


def test_a_group_with_annotations_is_a_class(tmp_path):
    content = json.loads(json.dumps(ROBOFLOW))
    content["annotations"][0]["category_id"] = "0"
    write(tmp_path / "train/_annotations.coco.json", content, tmp_path / "train")
    assert COCO(root=tmp_path, split="train").classes == ["cells", "Platelets", "RBC"]


@pytest.mark.parametrize("images", ["images", "images/default"])
def test_cvat_export_has_one_file_and_may_be_divided(tmp_path, images):
    write(tmp_path / "annotations/instances_default.json", CVAT, tmp_path / images)
    for split in (None, "default"):
        data = COCO(root=tmp_path, split=split)
        np.testing.assert_array_equal(data[0].targets["boxes"], [[10, 5, 30, 15]])
    with pytest.raises(MissingSplitError, match=r"no split 'train'[\s\S]*default"):
        COCO(root=tmp_path, split="train")


def test_any_file_and_folder_for_each_split(tmp_path):
    for split in ("a", "b"):
        write(tmp_path / f"labels/{split}.json", CVAT, tmp_path / f"pictures {split}")
    annotations = {"train": "labels/a.json", "val": "labels/b.json"}
    images = {"train": "pictures a", "val": "pictures b"}
    data = COCO(root=tmp_path, split="val", annotations=annotations, images=images)
    assert repr(data) == f"COCO({str(tmp_path / 'labels/b.json')!r})"
    assert data.picture_file(0) == tmp_path / "pictures b/frame_000000.png"
    with pytest.raises(MissingSplitError, match=r"no split 'test'[\s\S]*known: train, val"):
        COCO(root=tmp_path, split="test", annotations=annotations)
    with pytest.raises(DataError, match=r"no folder of images[\s\S]*gone/"):
        COCO(root=tmp_path, split="val", annotations=annotations, images={"val": "gone"})


def files(root, split=None, **settings):
    return Layout(root, split, **settings).files()


def test_names_with_the_split_in_them(tmp_path):
    touch(tmp_path, "x/a.txt", "train_set/a.txt", "images/a.txt")
    settings = {"annotations": "{split}.json", "images": "{split}_set"}
    assert files(tmp_path, "train", **settings) == Files(
        tmp_path / "train.json", tmp_path / "train_set"
    )
    settings["images"] = "x"
    assert files(tmp_path, "train", **settings).images == tmp_path / "x"
    one_file = {"annotations": "all.json"}
    assert files(tmp_path, None, **one_file) == Files(tmp_path / "all.json", tmp_path / "images")
    with pytest.raises(MissingSplitError, match=r"no split 'val'[\s\S]*leave `split` out"):
        files(tmp_path, "val", **one_file)
    with pytest.raises(ConfigError, match="names files below `root`"):
        files(tmp_path, "val", annotations=3)


def test_files_of_a_split_in_usual_places(tmp_path):
    touch(tmp_path, "images/a.jpg", "annotations/train.json", "val.json", "val/a.jpg")
    assert files(tmp_path, "train") == Files(
        tmp_path / "annotations/train.json", tmp_path / "images"
    )
    assert files(tmp_path, "val") == Files(tmp_path / "val.json", tmp_path / "val")


def test_the_only_file(tmp_path):
    with pytest.raises(DataError, match=r"no annotations[\s\S]*instances_default\.json"):
        files(tmp_path)
    touch(tmp_path, "labels.json", "data/a.jpg")
    assert files(tmp_path) == Files(tmp_path / "labels.json", tmp_path / "data")
    touch(tmp_path, "annotations/instances_all.json", "images/all/a.jpg")
    assert files(tmp_path) == Files(
        tmp_path / "annotations/instances_all.json", tmp_path / "images/all"
    )
    touch(tmp_path, "annotations/instances_val.json")
    with pytest.raises(ConfigError, match=r"several files[\s\S]*instances_val\.json"):
        files(tmp_path)


def test_keypoints_of_other_tools(tmp_path):
    touch(tmp_path, "annotations/person_keypoints_default.json", "train/_annotations.coco.json")
    layout = Layout(tmp_path, None)
    path = tmp_path / "annotations/person_keypoints_default.json"
    assert layout.files(keypoints=True).annotations == path
    exported = Files(tmp_path / "train/_annotations.coco.json", tmp_path / "train")
    assert Layout(tmp_path, "train").files(keypoints=True) == exported
    with pytest.raises(MissingSplitError, match=r"person_keypoints_val\.json[\s\S]*train"):
        Layout(tmp_path, "val").files(keypoints=True)


@pytest.mark.parametrize(
    ("annotations", "images"),
    [
        ("annotations/custom_train.json", "train2017"),
        ("annotations/instances_train2017.json", "images/train2017"),
        ("annotations/train_annotations.json", "images"),
        ("coco-train.json", "images/training"),
    ],
)
def test_a_file_whose_name_has_the_split_in_it(tmp_path, annotations, images):
    for name in (images, "annotations", images.replace("train", "valid")):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    other = annotations.replace("train", "val")
    for name in (annotations, other, "annotations/person_keypoints_train2017.json"):
        (tmp_path / name).write_text("{}")
    files = Layout(tmp_path, "train").files()
    assert files == Files(tmp_path / annotations, tmp_path / images)


def test_two_files_of_a_split_are_not_guessed(tmp_path):
    (tmp_path / "annotations").mkdir()
    for name in ("a_train", "b_train"):
        (tmp_path / f"annotations/{name}.json").write_text("{}")
    with pytest.raises(MissingSplitError, match="annotations"):
        Layout(tmp_path, "train").files()


def test_a_roboflow_file_above_its_images(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "_annotations.coco.json").write_text("{}")
    assert Layout(tmp_path, None).files().images == tmp_path / "images"


@pytest.mark.parametrize(
    ("text", "is_coco"),
    [
        ('{"images": [], "annotations": [], "categories": []}', True),
        ('{"shapes": [], "imagePath": "a.jpg"}', False),
    ],
)
def test_a_file_of_any_name_is_told_by_its_keys(tmp_path, text, is_coco):
    (tmp_path / "labels.json").write_text(text)
    assert COCO.looks_like(tmp_path) is is_coco
