import json
import os

import numpy as np
import pytest
from PIL import Image
from pycocotools import coco
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
    for wrong in ({}, {"split": "val"}, {"json_path": "a", "root": root, "split": "val"}):
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
    ("box", "why"),
    [
        ([5, 5, 0, 4], "has no area"),
        ([5, 5, 4, -2], "wrong order"),
        ([70, 5, 4, 4], "outside of its picture"),
        ([float("nan"), 5, 4, 4], "no finite number"),
        ([5, 5, float("inf"), 4], "no finite number"),
        ([0, 0, 1e12, 1e12], "further out than 1000000"),
        ([25, 5, 1e-8, 4], "has no area"),  # in float32
        ([-3, 5, 3 + 1e-50, 4], "outside of its picture"),
    ],
)
def test_bad_boxes_are_counted_or_raised(root, box, why):
    what = content()
    what["annotations"].append(annotation(77, 5, 7, box))
    write(root, what)
    data = COCO(root=root, split="val")
    assert data.dropped == 1
    assert len(data[1].targets["boxes"]) == 0
    with pytest.raises(DataError, match=rf"{why}[\s\S]*annotation 77"):
        COCO(root=root, split="val", bad_boxes="raise")[1]


def test_broken_files(root):
    write(root, "{not json")
    with pytest.raises(DataError, match=r"not valid JSON[\s\S]*instances_val\.json"):
        COCO(root=root, split="val")
    write(root, [{"image_id": 1}])
    with pytest.raises(DataError, match=r"not those of COCO[\s\S]*list"):
        COCO(root=root, split="val")
    for change, message in (
        (lambda c: c["images"][1].pop("file_name"), r"lacks file_name[\s\S]*images\[1\]"),
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


@pytest.mark.parametrize("change", [{"category_id": 99}, {"bbox": [1, 2]}, {"area": -1.0}])
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


def test_more_classes_than_a_mask_holds(root):
    what = content()
    what["categories"] = [{"id": key, "name": f"c{key}"} for key in range(1, 256)]
    what["annotations"] = [annotation(1, 42, 254, [2, 2, 4, 4]), annotation(2, 42, 2, [9, 2, 4, 4])]
    write(root, what)
    with pytest.raises(ConfigError, match=r"cannot hold so many[\s\S]*at most 255[\s\S]*256"):
        COCO(root=root, split="val", masks=True)
    assert len(COCO(root=root, split="val")[0].targets["boxes"]) == 2
    some = COCO(root=root, split="val", masks=True, classes=[f"c{key}" for key in range(1, 255)])
    assert set(np.unique(some[0].targets["mask"])) == {0, 2, 254}


def test_outlines_are_those_of_pycocotools_and_the_broken_are_counted(root, caplog):
    what = content()
    broken = ([[float("nan")] * 6], [[5, 5, 9, 9]], {"size": [40, 60], "counts": [7, 9]}, [])
    what["annotations"] += [
        annotation(10 + i, 5, 7, [1, 1, 5, 5], segmentation=one) for i, one in enumerate(broken)
    ]
    write(root, what)
    assert COCO(root=root, split="val").dropped == 0  # boxes alone are wanted
    data = COCO(root=root, split="val", instances=True)
    assert data.dropped == 4
    assert "4 bad segmentations were dropped, the first" in caplog.text
    assert "annotation 10" in caplog.text
    truth = coco.COCO(root / "annotations/instances_val.json")
    for place in (0, 1):
        own = [one for one in truth.loadAnns(truth.getAnnIds([42, 5][place])) if one["id"] < 10]
        masks = data[place].targets["instance_masks"]
        assert len(masks) == len(own)
        for mask, one in zip(masks, own):
            np.testing.assert_array_equal(decode(mask), truth.annToMask(one))
    strict = COCO(root=root, split="val", instances=True, bad_boxes="raise")
    with pytest.raises(DataError, match=r"far away[\s\S]*annotation 10[\s\S]*bad_boxes"):
        strict[1]


@pytest.mark.parametrize("lacking", [{"height": None}, {"width": 0}, {"height": 0, "width": 0}])
def test_a_size_that_is_not_stated_is_the_pictures(root, lacking):
    what = content()
    for one in what["images"]:
        one.update(lacking)
    del what["images"][1]["height"]
    what["annotations"].append(annotation(8, 5, 7, [28, 18, 9, 9]))
    write(root, what)
    data = COCO(root=root, split="val", masks=True)
    np.testing.assert_array_equal(data[0].targets["boxes"][1], [50, 30, 60, 40])
    np.testing.assert_array_equal(data[1].targets["boxes"], [[28, 18, 30, 20]])
    assert data[1].targets["mask"].shape == (20, 30)
    (root / "images/val/a.png").unlink()
    data = COCO(root=root, split="val")
    assert data[0].image.shape == (40, 60, 3)
    with pytest.raises(DataError, match=r"a\.png[\s\S]*image 5"):
        data[1]


def test_a_size_that_is_none_spoils_its_picture_only(root):
    for size in ("tall", -1, float("nan"), [3], 1.5, 10**9):
        what = content()
        what["images"][0]["height"] = size
        write(root, what)
        data = COCO(root=root, split="val")
        with pytest.raises(DataError, match="(height of a picture|size that its)[\\s\\S]*image 42"):
            data[0]
        assert data[1].id == "5"
    what["images"][0].update(height=40.0, width="60")
    write(root, what)
    assert COCO(root=root, split="val")[0].id == "42"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_encodings_of_unicode(root, encoding):
    what = content()
    what["categories"][0]["name"] = "\u72d7"
    text = json.dumps(what, ensure_ascii=False)
    (root / "annotations/instances_val.json").write_bytes(text.encode(encoding))
    assert COCO(root=root, split="val").classes == ["cat", "\u72d7", "emu"]


def test_ids_and_names_of_categories(root):
    what = content()
    what["categories"].append({"id": "7.0", "name": "fox"})
    what["categories"].append({"id": 7.0, "name": "dog"})  # once more, and the same
    what["categories"].append({"id": 8, "name": 5})
    write(root, what)
    data = COCO(root=root, split="val")
    assert data.classes == ["cat", "dog", "5", "emu", "fox"]
    assert data.category_ids == [3, 7, 8, 90, "7.0"]
    for change, message in (
        ({"id": 7, "name": "wolf"}, r"same id[\s\S]*'dog' and 'wolf'[\s\S]*categories\[6\]"),
        ({"id": True, "name": "wolf"}, r"id is not usable[\s\S]*True"),
        ({"id": 1.5, "name": "wolf"}, r"id is not usable[\s\S]*1\.5"),
        ({"id": 11, "name": None}, "no name"),
        ({"id": 11, "name": ["a"]}, "no name"),
        (5, r"no object[\s\S]*categories\[6\]"),
    ):
        write(root, {**what, "categories": [*what["categories"], change]})
        with pytest.raises(DataError, match=message):
            COCO(root=root, split="val")


def test_ids_of_pictures_that_mean_the_same(root):
    what = content()
    what["images"][0]["id"] = "42"
    write(root, what)
    data = COCO(root=root, split="val")
    assert data.id_of(0) == "42"
    assert len(data[0].targets["boxes"]) == 3
    what["images"].append({**what["images"][0], "id": 42.0})
    write(root, what)
    with pytest.raises(DataError, match=r"different ids[\s\S]*instances_val"):
        COCO(root=root, split="val")


def test_names_of_files_stay_below_the_folder(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.png"
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(outside)
    for name in (str(outside), "../../annotations/x.png", "/dev/zero", "a\0b", "", 5, "\ud800.png"):
        what = content()
        what["images"][1]["file_name"] = name
        write(root, what)
        data = COCO(root=root, split="val")
        assert data[0].id == "42"
        with pytest.raises(DataError, match=r"(leads out|no path)[\s\S]*instances_val"):
            data[1]
    (root / "images/val/linked.png").symlink_to(outside)  # the user's own
    what["images"][1]["file_name"] = "linked.png"
    write(root, what)
    assert COCO(root=root, split="val")[1].image.shape == (20, 30, 3)


@pytest.mark.parametrize("names", [("val/b.jpg", "val/a.png"), ("C:\\x\\b.jpg", "C:\\x\\a.png")])
def test_names_that_begin_elsewhere_are_found(root, names, caplog):
    what = content()
    for one, name in zip(what["images"], names):
        one["file_name"] = name
    write(root, what)
    data = COCO(root=root, split="val")
    assert [data[i].image.shape[0] for i in range(2)] == [40, 20]
    assert "are left out" in caplog.text


def test_a_pipe_is_no_picture(root):
    (root / "images/val/b.jpg").unlink()
    os.mkfifo(root / "images/val/b.jpg")
    with pytest.raises(
        DataError, match=r"no regular file[\s\S]*a named pipe[\s\S]*b\.jpg[\s\S]*image 42"
    ):
        COCO(root=root, split="val")[0]
    path = root / "annotations/instances_val.json"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DataError, match=r"no regular file[\s\S]*a named pipe"):
        COCO(path, root)


@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"a":' * 200_000, "1" * 100_000, '{"images": 1e999}']
)
def test_json_that_is_no_annotation(root, text):
    write(root, text)
    with pytest.raises(DataError, match="instances_val"):
        COCO(root=root, split="val")


def test_absent_pictures_are_counted_at_once(root, caplog):
    COCO(root=root, split="val")
    assert "pictures are not in" not in caplog.text
    caplog.clear()
    (root / "images/val/a.png").unlink()
    for _ in range(2):
        COCO(root=root, split="val")
    (message,) = (record.getMessage() for record in caplog.records)
    assert "1 of 2 pictures are not in" in message
    assert "a.png" in message
