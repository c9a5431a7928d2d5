import json

import numpy as np
import pytest
from PIL import Image
from pycocotools.mask import decode

from densefit.datasets import COCO
from densefit.errors import ConfigError, DataError


def content():
    return {
        "categories": [
            {"id": 7, "name": "dog"},
            {"id": 3, "name": "cat"},
            {"id": 90, "name": "emu"},
        ],
        "images": [
            {"id": 42, "file_name": "b.jpg", "height": 40, "width": 60},
            {"id": 5, "file_name": "a.png", "height": 20, "width": 30},
        ],
        "annotations": [
            annotation(1, 42, 7, [10.5, 5, 20, 10], area=150.0),
            annotation(2, 42, 3, [50, 30, 20, 20], iscrowd=1),
            annotation(3, 42, 90, [0, 0, 4, 4]),
        ],
    }


def annotation(key, image, category, box, **more):
    x, y, w, h = box
    polygon = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    one = {"id": key, "image_id": image, "category_id": category, "bbox": box}
    return {**one, "segmentation": polygon, **more}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "images/val").mkdir(parents=True)
    for name, size in (("b.jpg", (40, 60)), ("a.png", (20, 30))):
        Image.fromarray(np.zeros(size, np.uint8)).save(tmp_path / "images/val" / name)
    write(tmp_path, content())
    return tmp_path


def write(root, what):
    text = what if isinstance(what, str) else json.dumps(what)
    (root / "annotations/instances_val.json").write_text(text)


def test_boxes_classes_and_flags(root):
    data = COCO(root=root, split="val")
    assert data.classes == ["cat", "dog", "emu"]
    assert data.category_ids == [3, 7, 90]
    assert [data.id_of(i) for i in range(len(data))] == ["42", "5"]
    targets = data[0].targets
    np.testing.assert_array_equal(
        targets["boxes"], [[10.5, 5, 30.5, 15], [50, 30, 60, 40], [0, 0, 4, 4]]
    )
    np.testing.assert_array_equal(targets["classes"], [1, 0, 2])
    np.testing.assert_array_equal(targets["crowd"], [False, True, False])
    np.testing.assert_array_equal(targets["area"], [150, 400, 16])
    np.testing.assert_array_equal(targets["difficult"], [False] * 3)


def test_a_picture_without_annotations_is_kept(root):
    sample = COCO(root=root, split="val")[1]
    assert sample.id == "5"
    assert sample.targets["boxes"].shape == (0, 4)


def test_by_file_and_folder(root):
    data = COCO(root / "annotations/instances_val.json", root / "images/val")
    assert data[0].image.shape == (40, 60, 3)
    for wrong in ({}, {"root": root}, {"json_path": "a", "root": root, "split": "val"}):
        with pytest.raises(ConfigError, match="either by its file or by its layout"):
            COCO(**wrong)


def test_a_choice_of_classes_in_its_order(root):
    data = COCO(root=root, split="val", classes=["emu", "dog"])
    np.testing.assert_array_equal(data[0].targets["classes"], [1, 0])
    assert data.category_ids == [90, 7]
    with pytest.raises(DataError, match=r"class 'dogs'[\s\S]*did you mean 'dog'"):
        COCO(root=root, split="val", classes=["dogs"])


def test_masks_put_small_objects_on_top(root):
    what = content()
    what["annotations"] = [
        annotation(1, 42, 7, [2, 2, 4, 4], area=16.0),
        annotation(2, 42, 90, [0, 0, 30, 30], area=900.0),
        annotation(3, 42, 3, [0, 0, 60, 40], area=2400.0, iscrowd=1),
    ]
    runs = {"size": [40, 60], "counts": [0, 2400]}
    what["annotations"][2]["segmentation"] = runs
    write(root, what)
    data = COCO(root=root, split="val", masks=True)
    mask = data[0].targets["mask"]
    assert mask.dtype == np.uint8
    assert (mask[2:6, 2:6] == 2).all()
    assert (mask[:2, :30] == 3).all()
    assert (mask[30:] == 255).all()
    assert (data[1].targets["mask"] == 0).all()
    assert data.mask_classes[2] == "dog"


@pytest.mark.parametrize(
    "box", [[5, 5, 0, 4], [5, 5, 4, -2], [70, 5, 4, 4], [float("nan"), 5, 4, 4]]
)
def test_bad_boxes_are_counted_or_raised(root, box):
    what = content()
    what["annotations"].append(annotation(77, 5, 7, box))
    write(root, what)
    data = COCO(root=root, split="val")
    assert data.dropped == 1
    assert len(data[1].targets["boxes"]) == 0
    with pytest.raises(DataError, match=r"no area[\s\S]*annotation 77"):
        COCO(root=root, split="val", bad_boxes="raise")[1]


def test_broken_files(root):
    write(root, "{not json")
    with pytest.raises(DataError, match=r"not valid JSON[\s\S]*instances_val\.json"):
        COCO(root=root, split="val")
    write(root, [{"image_id": 1}])
    with pytest.raises(DataError, match=r"not those of COCO[\s\S]*list"):
        COCO(root=root, split="val")
    for change, message in (
        (lambda c: c["images"][1].pop("height"), r"lacks height[\s\S]*images\[1\]"),
        (lambda c: c["images"].append(c["images"][0]), "different ids"),
        (lambda c: c["annotations"][1].update(image_id=99), r"no picture[\s\S]*annotation 2"),
        (lambda c: c["categories"][0].update(name="cat"), "different names"),
    ):
        what = content()
        change(what)
        write(root, what)
        with pytest.raises(DataError, match=message):
            COCO(root=root, split="val")
    with pytest.raises(DataError, match=r"no split 'vall'[\s\S]*did you mean 'val'"):
        COCO(root=root, split="vall")
    with pytest.raises(DataError, match="cannot be read"):
        COCO(root / "gone.json", root)


def test_another_size_than_stated_and_a_missing_picture(root):
    what = content()
    what["images"][0]["height"] = 41
    what["images"][1]["file_name"] = "gone.png"
    write(root, what)
    data = COCO(root=root, split="val")
    with pytest.raises(DataError, match=r"size that its annotation states[\s\S]*image 42"):
        data[0]
    with pytest.raises(DataError, match=r"gone\.png"):
        data[1]


@pytest.mark.parametrize("change", [{"category_id": 99}, {"bbox": [1, 2]}, {"area": None}])
def test_a_broken_annotation_spoils_its_own_picture_only(root, change):
    what = content()
    what["annotations"][1].update(change)
    write(root, what)
    data = COCO(root=root, split="val")
    assert [data.id_of(i) for i in range(2)] == ["42", "5"]
    for _ in range(2):
        with pytest.raises(DataError, match=r"not usable[\s\S]*annotation 2"):
            data[0]
    assert data[1].image.shape == (20, 30, 3)


def test_instances_are_painted_and_kept_whole(root):
    what = content()
    what["annotations"][0]["bbox"] = [0, 0, 30, 20]
    what["annotations"][0]["segmentation"] = [[0, 0, 30, 0, 30, 20, 0, 20]]
    what["annotations"][0]["area"] = 600.0
    what["annotations"][2]["area"] = 16.0
    write(root, what)
    targets = COCO(root=root, split="val", instances=True)[0].targets
    np.testing.assert_array_equal(targets["instance_ids"], [1, 2, 3])
    whole = decode(targets["instance_masks"][0])
    assert whole.sum() == 600
    assert whole[2, 2]
    assert targets["instances"][2, 2] == 3  # the small one lies on top
    assert targets["instances"][10, 10] == 1
    assert targets["instances"][35, 55] == 2  # the crowd
    assert "mask" not in targets
    empty = COCO(root=root, split="val", instances=True)[1].targets
    assert empty["instance_masks"].shape == empty["instance_ids"].shape == (0,)
    assert not empty["instances"].any()


def test_labels_say_which_classes_are_shown(root):
    data = COCO(root=root, split="val", labels=True)
    assert data.classes == ["cat", "dog", "emu"]
    np.testing.assert_array_equal(data[0].targets["labels"], [1, 1, 1])  # the cats are a crowd
    np.testing.assert_array_equal(data[1].targets["labels"], [0, 0, 0])
    some = COCO(root=root, split="val", labels=True, classes=["emu", "cat"])
    np.testing.assert_array_equal(some[0].targets["labels"], [1, 1])
    assert "labels" not in COCO(root=root, split="val")[0].targets
