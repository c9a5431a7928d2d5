import logging

import numpy as np
import pytest
from PIL import Image

import densefit as df
from densefit.datasets import YOLO
from densefit.errors import ConfigError, DataError, MissingSplitError

SIZE = (40, 80)  # height, width
BOX = "1 0.5 0.5 0.25 0.5\n"  # 30..50 by 10..30
PIXELS = [30, 10, 50, 30]


def write(root, files):
    """Write label files and images; an image is a path with None."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            Image.fromarray(np.full((*SIZE, 3), 90, np.uint8)).save(path)
        else:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


ULTRALYTICS = {
    "data.yaml": "path: coco8\ntrain: images/train\nval: images/val\ntest:\n"
    "names:\n  0: cat\n  1: dog\n",
    "images/train/a.jpg": None,
    "images/train/b.jpg": None,
    "labels/train/a.txt": BOX,
    "images/val/c.jpg": None,
    "labels/val/c.txt": BOX + BOX.replace("1", "0", 1),
}
ROBOFLOW = {
    "data.yaml": "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 2\n"
    "names: ['cat', 'dog']\n\nroboflow:\n  workspace: w\n  version: 1\n",
    "train/images/a_jpg.rf.0a1b.jpg": None,
    "train/labels/a_jpg.rf.0a1b.txt": BOX,
    "valid/images/c.jpg": None,
    "valid/labels/c.txt": BOX,
}
CVAT_DARKNET = {
    "obj.data": "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\n"
    "names = data/obj.names\nbackup = backup/\n",
    "obj.names": "cat\ndog\n",
    "train.txt": "data/obj_train_data/a.jpg\n",
    "valid.txt": "data/obj_valid_data/c.jpg\n",
    "obj_train_data/a.jpg": None,
    "obj_train_data/a.txt": BOX,
    "obj_valid_data/c.jpg": None,
    "obj_valid_data/c.txt": BOX,
}
CVAT_LIST = {
    "data.yaml": "path: ./\ntrain: train.txt\nval: val.txt\nnames:\n  0: cat\n  1: dog\n",
    "train.txt": "images/train/a.jpg\n",
    "val.txt": "./images/val/c.jpg\n",
    "images/train/a.jpg": None,
    "labels/train/a.txt": BOX,
    "images/val/c.jpg": None,
    "labels/val/c.txt": BOX,
}
LABEL_STUDIO = {
    "classes.txt": "cat\ndog\n",
    "notes.json": "{}",
    "images/train/a.jpg": None,
    "labels/train/a.txt": BOX,
    "images/val/c.jpg": None,
    "labels/val/c.txt": BOX,
}
BESIDE = {  # labelImg, Roboflow's Darknet export
    "train/a.jpg": None,
    "train/a.txt": BOX,
    "train/_darknet.labels": "cat\ndog",
    "val/c.jpg": None,
    "val/c.txt": BOX,
    "val/classes.txt": "cat\ndog\n",
}
ABSOLUTE = {
    "coco8.yaml": "path: /content/datasets/coco8\ntrain: /content/datasets/coco8/images/train\n"
    "val: [coco8/images/val]\nnc: 2\n",
    "images/train/a.jpg": None,
    "labels/train/a.txt": BOX,
    "images/val/c.jpg": None,
    "labels/val/c.txt": BOX,
}


@pytest.mark.parametrize(
    "files", [ULTRALYTICS, ROBOFLOW, CVAT_DARKNET, CVAT_LIST, LABEL_STUDIO, BESIDE, ABSOLUTE]
)
def test_layouts_of_the_tools(tmp_path, files):
    root = write(tmp_path, files)
    names = ["class_0", "class_1"] if files is ABSOLUTE else ["cat", "dog"]
    for split, stem in (("train", "a"), ("val", "c")):
        data = YOLO(root, split)
        sample = data[0]
        assert data.classes == names
        assert sample.id.rpartition("/")[2].startswith(stem)
        np.testing.assert_allclose(sample.targets["boxes"][0], PIXELS, atol=1e-5)
        assert sample.targets["classes"][0] == 1
        assert not data.faults
    assert df.dataset("yolo", root=root, split="valid").id_of(0) == data.id_of(0)
    with pytest.raises(MissingSplitError, match="no split 'minival'"):
        YOLO(root, "minival")


def test_all_images_without_a_split(tmp_path):
    files = {"images/a.jpg": None, "images/b.png": None, "labels/a.txt": BOX, "labels/b.txt": ""}
    data = YOLO(write(tmp_path, files), classes=["cat", "dog"])
    assert [sample.id for sample in data] == ["images/a", "images/b"]
    assert [len(sample.targets["boxes"]) for sample in data] == [1, 0]
    with pytest.raises(DataError, match=r"no split 'train'[\s\S]*labels/train/a.txt"):
        YOLO(tmp_path, "train", classes=["cat", "dog"])


def test_the_description_is_the_root_or_elsewhere(tmp_path):
    write(tmp_path / "data", ULTRALYTICS)
    moved = (tmp_path / "data/data.yaml").rename(tmp_path / "other.yaml")
    data = YOLO(tmp_path / "data", "train", data_yaml=moved)
    assert data.classes == ["cat", "dog"]
    moved.rename(tmp_path / "data/data.yaml")
    assert YOLO(tmp_path / "data/data.yaml", "train").id_of(0) == data.id_of(0)


def test_folders_of_other_names(tmp_path):
    files = {"JPEGImages/a.jpg": None, "yolo/a.txt": BOX, "classes.txt": "cat\ndog"}
    data = YOLO(write(tmp_path, files), image_folder="JPEGImages", label_folder="yolo")
    assert len(data[0].targets["boxes"]) == 1


@pytest.mark.parametrize(
    ("text", "boxes"),
    [
        (BOX.encode("utf-8-sig").replace(b"\n", b"  \r\n\r\n"), [PIXELS]),
        ("1.0 5e-1\t.5 2.5E-01 0.5", [PIXELS]),
        (BOX + BOX, [PIXELS]),
        ("1 1.0 1.001 0.5 0.5", [[60, 30.04, 80, 40]]),
        ("0 0.25 0.25 0.75 0.25 0.75 0.5\n" + BOX, [[20, 10, 60, 20], PIXELS]),
        ("", np.zeros((0, 4))),
        ("1 0.5 0.5 0 0.5\n1 nan 0.5 0.1 0.1\n1 1.4 0.5 0.1 0.1", np.zeros((0, 4))),
        ("0 0.1 0.1 nan 0.1 0.2 0.2\n" + BOX, [PIXELS]),
    ],
)
def test_spellings_of_labels(tmp_path, text, boxes):
    data = YOLO(write(tmp_path, {**ULTRALYTICS, "labels/train/a.txt": text}), "train")
    np.testing.assert_allclose(data[0].targets["boxes"], boxes, atol=1e-4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("names: [cat, dog]\ntrian: images/train\nval: images/val\n", "correct the key 'trian'"),
        ("name: [cat, dog]\ntrain: images/train\n", r"received: keys name, train[\s\S]*'name'"),
    ],
)
def test_misspelt_keys_are_named(tmp_path, text, message):
    write(tmp_path, {**ULTRALYTICS, "data.yaml": text})
    with pytest.raises(DataError, match=message):
        YOLO(tmp_path, "train")


def test_endings_in_capital_letters(tmp_path):
    files = {"images/a.JPG": None, "images/b.jpg": None, "labels/a.TXT": BOX, "labels/b.txt": BOX}
    data = YOLO(write(tmp_path, files), classes=["cat", "dog"])
    assert [len(sample.targets["boxes"]) for sample in data] == [1, 1]


@pytest.mark.parametrize("text", ["\ncat\ndog\n", "cat\n \ndog"])
def test_an_empty_line_before_a_class_name_is_an_error(tmp_path, text):
    files = {"images/a.jpg": None, "labels/a.txt": BOX, "classes.txt": text}
    with pytest.raises(DataError, match=r"empty line[\s\S]*classes.txt, line [12]"):
        YOLO(write(tmp_path, files))
    with pytest.raises(DataError, match="empty line"):
        YOLO(tmp_path, classes=tmp_path / "classes.txt")
    (tmp_path / "classes.txt").write_text("cat\ndog\n\n")
    assert YOLO(tmp_path).classes == ["cat", "dog"]


def test_corners_in_place_of_centres_are_counted(tmp_path):
    corners = "1 0.5 0.3 0.9 0.8\n1 0.7 0.2 0.9 0.9\n"
    data = YOLO(write(tmp_path, {**ULTRALYTICS, "labels/train/a.txt": corners}), "train")
    assert data.boxes_outside == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("7 0.5 0.5 0.1 0.1", r"class number without a name: 7[\s\S]*0 to 1[\s\S]*a.txt, line 1"),
        ("0.5 0.5 0.5 0.1 0.1", "class number without a name: 0.5"),
        ("nan 0.5 0.5 0.1 0.1", "class number without a name: nan"),
        (BOX + "1 0,5 0,5 0,1 0,1", r"'0,5' is no number[\s\S]*line 2"),
        ("cat 0.5 0.5 0.1 0.1", "'cat' is no number"),
        ("1 30 10 50 30", r"not in parts[\s\S]*received: 30"),
        ("1 0.5 0.5 0.1", "received: 4 values"),
        ("1 0.5 0.5 0.1 0.1 0.93", r"6 values[\s\S]*predictions"),
        ("1 0.5 0.5 0.1 0.1 0.1 0.1 0.1", "8 values"),
        (b"1 0.5 0.5 \xff", "cannot be read"),
    ],
)
def test_a_broken_label_is_a_fault_of_its_image_alone(tmp_path, text, message):
    files = {**ULTRALYTICS, "labels/train/a.txt": text, "labels/train/b.txt": BOX}
    data = YOLO(write(tmp_path, files), "train")
    assert list(data.faults) == [0]
    with pytest.raises(DataError, match=message):
        data[0]
    assert len(data[1].targets["boxes"]) == 1


def test_repeated_labels_and_missing_files_are_counted(tmp_path, caplog):
    root = write(tmp_path, {**ULTRALYTICS, "labels/train/a.txt": BOX * 3})
    data = YOLO(root, "train")
    assert data.dropped == 2
    assert "2 bad boxes were dropped" in caplog.text
    assert "line 2, which repeats an earlier line" in caplog.text
    assert "1 of 2 images have no label file" in caplog.text
    assert data[1].targets["boxes"].shape == (0, 4)
    few = {f"images/train/{i}.jpg": None for i in range(20)}
    few.update({f"labels/train/{i}.txt": "" for i in range(19)})
    caplog.clear()
    YOLO(write(tmp_path / "few", {"classes.txt": "cat", **few}), "train")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_labels_without_their_images_ask_for_these(tmp_path):
    """CVAT's export without images."""
    files = {
        "obj.data": "classes = 1\nnames = data/obj.names\ntrain = data/train.txt",
        "obj.names": "cat",
        "train.txt": "data/obj_train_data/a.jpg",
        "obj_train_data/a.txt": "0 0.5 0.5 0.2 0.2",
    }
    with pytest.raises(DataError, match=r"No image has a label file[\s\S]*export with images"):
        YOLO(write(tmp_path, files), "train")


def test_no_label_file_at_all_says_where_they_should_be(tmp_path):
    files = {"images/train/a.jpg": None, "classes.txt": "cat"}
    with pytest.raises(DataError, match=r"No image has a label file[\s\S]*labels/train/a\.txt"):
        YOLO(write(tmp_path, files), "train")


def test_bad_boxes_raise_if_asked(tmp_path):
    root = write(tmp_path, {**ULTRALYTICS, "labels/train/a.txt": "1 0.5 0.5 0 0.5"})
    assert YOLO(root, "train").dropped == 1
    with pytest.raises(DataError, match=r"has no area[\s\S]*line 1"):
        YOLO(root, "train", bad_boxes="raise")[0]


def test_masks_and_instances_of_polygons(tmp_path):
    polygon = "0 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75\n"
    root = write(tmp_path, {**ULTRALYTICS, "labels/train/a.txt": polygon})
    targets = YOLO(root, "train", masks=True, instances=True, labels=True)[0].targets
    np.testing.assert_array_equal(targets["mask"][10:30, 20:60], 1)
    assert np.count_nonzero(targets["mask"]) == 20 * 40
    np.testing.assert_allclose(targets["area"], [800])
    assert targets["labels"].tolist() == [1, 0]
    assert len(targets["instance_masks"]) == 1
    (root / "labels/train/a.txt").write_text(polygon + BOX)
    data = YOLO(root, "train", masks=True)
    assert data.dropped == 1  # a box has no outline
    assert len(data[0].targets["boxes"]) == 1
    assert len(YOLO(root, "train")[0].targets["boxes"]) == 2


POSE = (
    "train: images/train\nnames: [person]\nkpt_shape: [3, {values}]\nflip_idx: [0, 2, 1]\n{names}"
)


@pytest.mark.parametrize(
    ("values", "points", "expected"),
    [
        (3, "0.5 0.5 2 0.25 0.25 1.0 0 0 0", [[40, 20, 2], [20, 10, 1], [0, 0, 0]]),
        (2, "0.5 0.5 0.25 0.25 0 0", [[40, 20, 2], [20, 10, 2], [0, 0, 0]]),
        (3, "1.2 0.5 2 1 1 2 nan 0.2 2", [[0, 0, 0], [80, 40, 2], [0, 0, 0]]),
    ],
)
def test_keypoints(tmp_path, values, points, expected):
    yaml = POSE.format(values=values, names="kpt_names:\n  0: [nose, left_eye, right_eye]\n")
    label = f"0 0.5 0.5 0.5 0.5 {points}\n0 0.5 0.5 0.25 0.25\n"
    files = {"data.yaml": yaml, "images/train/a.jpg": None, "labels/train/a.txt": label}
    data = YOLO(write(tmp_path, files), "train", keypoints=True)
    targets = data[0].targets
    np.testing.assert_allclose(targets["keypoints"], [expected, np.zeros((3, 3))])
    assert targets["keypoint_flip"].tolist() == [0, 2, 1]
    assert data.keypoint_names == ["nose", "left_eye", "right_eye"]
    assert set(data.targets_of(0)) == set(targets)
    assert "keypoints" not in YOLO(tmp_path, "train")[0].targets


def test_keypoints_without_names_or_order_are_warned_of(tmp_path, caplog):
    yaml = POSE.format(values=2, names="")
    label = "0 0.5 0.5 0.5 0.5 0.5 0.5 0.25 0.25 0 0\n"
    files = {"data.yaml": yaml, "images/train/a.jpg": None, "labels/train/a.txt": label}
    data = YOLO(write(tmp_path, files), "train", keypoints=True)
    assert data.flip_pairs == [["1", "2"]]
    assert "flip_idx" not in caplog.text
    (tmp_path / "data.yaml").write_text(yaml.replace("flip_idx: [0, 2, 1]\n", ""))
    assert YOLO(tmp_path, "train", keypoints=True).flip_pairs == []
    assert "without flip_idx" in caplog.text
    data = YOLO(tmp_path, "train", keypoints=True, flip_pairs=[["0", "1"]])
    assert data[0].targets["keypoint_flip"].tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[3, 2]", "[3, 4]", "shape of the keypoints"),
        ("[0, 2, 1]", "[1, 2, 0]", "order of mirrored keypoints"),
        ("kpt_shape: [3, 2]\n", "", "number is unknown"),
        ("[person]", "[person, person]", "twice: person"),
        ("[person]", "[person]\nnc: 2", "nc: 1"),
        ("[person]", "{x: person}", "neither a list nor a map"),
        ("names: [person]", "name: [person]", "no class names"),
        ("images/train", "[1, 2]", "neither a folder nor a list"),
        ("images/train", "images/gone", "is not there"),
        ("images/train", "../images", "is not there"),
        ("images/train", "../../etc", "is not there"),
    ],
)
def test_a_description_that_cannot_be_used(tmp_path, old, new, message):
    yaml = POSE.format(values=2, names="")
    assert old in yaml
    files = {"data.yaml": yaml.replace(old, new), "images/train/a.jpg": None}
    with pytest.raises(DataError, match=message) as error:
        YOLO(write(tmp_path, {**files, "labels/train/a.txt": ""}), "train", keypoints=True)
    assert "data.yaml" in str(error.value)


def test_classes_have_the_order_that_is_asked_for(tmp_path):
    root = write(tmp_path, ULTRALYTICS)
    data = YOLO(root, "val", classes=["dog", "cat"])
    assert data[0].targets["classes"].tolist() == [0, 1]
    with pytest.raises(DataError, match="Unknown class 'emu'"):
        YOLO(root, "val", classes=["emu", "cat"])
    (root / "data.yaml").unlink()
    with pytest.raises(DataError, match="class numbers have no names"):
        YOLO(root, "val")
    assert YOLO(root, "val", classes=["dog", "cat"])[0].targets["classes"].tolist() == [1, 0]


def test_paths_of_a_list_stay_below_the_root(tmp_path):
    files = {**CVAT_LIST, "train.txt": "images/train/a.jpg\n../../etc/passwd\nimages/train/a.jpg\n"}
    data = YOLO(write(tmp_path, files), "train")
    assert len(data) == 2
    assert list(data.faults) == [1]
    with pytest.raises(DataError, match="leads out of the folder"):
        data[1]


def test_images_that_share_a_stem_keep_their_endings(tmp_path):
    files = {"images/a.jpg": None, "images/a.png": None, "labels/a.txt": BOX, "classes.txt": "a\nb"}
    data = YOLO(write(tmp_path, files))
    assert [data.id_of(i) for i in range(2)] == ["images/a.jpg", "images/a.png"]


def test_the_repr_has_what_decides_samples(tmp_path):
    root = write(tmp_path, ULTRALYTICS)
    data = YOLO(root, "train", labels=True)
    assert repr(data) == f"YOLO({str(root)!r}, split='train', labels=True)"


def test_an_empty_folder_shows_the_layout(tmp_path):
    for split in ("train", None):
        with pytest.raises(DataError, match=r"expected: \n +data.yaml[\s\S]*an empty folder"):
            YOLO(tmp_path, split)
    with pytest.raises(DataError, match="no such folder"):
        YOLO(tmp_path / "gone", "train")
    with pytest.raises(ConfigError, match="No targets"):
        YOLO(write(tmp_path, ULTRALYTICS), "train", boxes=False)


def test_the_table_of_objects_is_stored_for_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setattr("densefit.datasets.objects.table_cache.SMALLEST_BYTES", 0)
    monkeypatch.setattr("densefit.datasets.objects.table_cache._JUST_NOW", 0)
    monkeypatch.setenv("DENSEFIT_CACHE", str(tmp_path / "cache"))
    root = write(tmp_path / "data", {**ULTRALYTICS, "labels/train/a.txt": BOX * 2})
    first = YOLO(root, "train")
    assert list((tmp_path / "cache").iterdir())
    with monkeypatch.context() as patch:
        patch.setattr("densefit.datasets.yolo.yolo.read_labels", None)
        again = YOLO(root, "train")
        assert again.dropped == first.dropped == 1
        np.testing.assert_array_equal(again[0].targets["boxes"], first[0].targets["boxes"])
    write(root, {"labels/train/b.txt": BOX})
    assert len(YOLO(root, "train")[1].targets["boxes"]) == 1
    (root / "images/train/b.jpg").unlink()
    assert len(YOLO(root, "train")) == 1
    yaml = ULTRALYTICS["data.yaml"].replace("cat", "dog").replace("1: dog", "1: cat")
    write(root, {"data.yaml": yaml})
    data = YOLO(root, "train")
    assert data.classes[data[0].targets["classes"][0]] == "cat"
