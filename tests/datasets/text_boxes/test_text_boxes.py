import numpy as np
import pytest
from PIL import Image

import densefit as df
from densefit.datasets import TextBoxes
from densefit.errors import ConfigError, DataError, MissingSplitError

SIZE = (40, 80)  # height, width
BOX = [10, 5, 30, 25]


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


def one_file(root, text, **settings):
    return TextBoxes(write(root, {"images/a.jpg": None, "labels/a.txt": text}), **settings)


QUAD = "x1,y1,x2,y2,x3,y3,x4,y4,text"
TOOLS = {
    "BBox-Label-Tool": (
        {"images/a.jpg": None, "labels/a.txt": "2\n10 5 30 25 dog\n1 1 9 9 cat\n"},
        {"columns": "x1 y1 x2 y2 class", "skip_lines": 1},
    ),
    "ICDAR 2015": (
        {
            "ch4_training_images/img_1.jpg": None,
            "gt/gt_img_1.txt": "\ufeff10,5,30,5,30,25,10,25,100,000 kg\r\n1,1,9,1,9,9,1,9,###\r\n",
        },
        {
            "columns": QUAD,
            "image_folder": "ch4_training_images",
            "label_folder": "gt",
            "file_name": "gt_{stem}.txt",
        },
    ),
    "ICDAR 2013": (
        {"a.jpg": None, "gt_a.txt": '10, 5, 30, 25, "Joy, "\n1, 1, 9, 9, "###"\n'},
        {
            "columns": "x1,y1,x2,y2,text",
            "image_folder": ".",
            "label_folder": ".",
            "file_name": "gt_{stem}.txt",
        },
    ),
    "DOTA": (
        {
            "images/P1.png": None,
            "labelTxt/P1.txt": "imagesource:GoogleEarth\ngsd:0.15\n"
            "10.0 5.0 30.0 5.0 30.0 25.0 10.0 25.0 ship 0\n1 1 9 1 9 9 1 9 plane 1\n",
        },
        {
            "columns": "x1 y1 x2 y2 x3 y3 x4 y4 class difficult",
            "label_folder": "labelTxt",
            "skip_lines": 2,
        },
    ),
    "KITTI": (
        {
            "image_2/000001.png": None,
            "label_2/000001.txt": "Car 0.00 0 -1.57 10 5 30 25 1.5 1.6 3.9 -2.7 1.7 46 -1.5\n"
            "Van 0.00 0 -1.57 1 1 9 9 1.5 1.6 3.9 -2.7 1.7 46 -1.5\n",
        },
        {
            "columns": "class _ _ _ x1 y1 x2 y2 _ _ _ _ _ _ _",
            "image_folder": "image_2",
            "label_folder": "label_2",
        },
    ),
}


@pytest.mark.parametrize("name", TOOLS)
def test_files_of_the_tools(tmp_path, name):
    files, settings = TOOLS[name]
    data = df.dataset("text_boxes", root=write(tmp_path, files), **settings)
    targets = data[0].targets
    np.testing.assert_array_equal(targets["boxes"], [BOX, [1, 1, 9, 9]])
    has_ignored = name in ("ICDAR 2015", "ICDAR 2013", "DOTA")
    assert targets["difficult"].tolist() == [False, has_ignored]
    if name.startswith("ICDAR"):
        assert data.classes == ["text"]
    else:
        assert data.classes == sorted(data.classes)
        assert targets["classes"].tolist() == [1, 0] if name != "KITTI" else [0, 1]


def test_quadrilaterals_are_polygons(tmp_path):
    text = "20,5,30,15,20,25,10,15,a\n"
    data = one_file(tmp_path, text, columns=QUAD, masks=True, instances=True)
    targets = data[0].targets
    np.testing.assert_array_equal(targets["boxes"], [[10, 5, 30, 25]])
    np.testing.assert_array_equal(targets["area"], [200])
    assert 150 < np.count_nonzero(targets["mask"]) < 250
    assert targets["mask"][15, 20] == 1
    assert targets["mask"][6, 11] == 0


@pytest.mark.parametrize(
    ("columns", "text", "settings"),
    [
        ("class x y w h", "dog 10 5 20 20", {}),
        ("class cx cy w h", "dog 20 15 20 20", {}),
        ("class cx cy w h", "dog 0.25 0.375 0.25 0.5", {"relative": True}),
        ("class x1 y1 x2 y2", "dog 11 6 30 25", {"one_based": True}),
        ("class_id x1 y1 x2 y2", "0 10 5 30 25", {"classes": ["dog"]}),
        ("x1 y1 x2 y2", "10\t5  30 25  \r\n\r\n", {"classes": ["dog"]}),
        ("class\tx1\ty1\tx2\ty2", "hot dog\t10\t5\t30\t25", {}),
        ("class x1 y1 x2 y2", "hot dog; 10; 5; 30; 25;", {"separator": ";"}),
        ("x1,y1,x2,y2,text,class", "10,5,30,25,,dog", {}),
        ("x1 y1 x2 y2 text", "10 5 30 25", {}),
    ],
)
def test_declared_columns(tmp_path, columns, text, settings):
    data = one_file(tmp_path, text, columns=columns, **settings)
    np.testing.assert_allclose(data[0].targets["boxes"], [BOX], atol=1e-5)
    assert not data[0].targets["difficult"].any()


@pytest.mark.parametrize(
    "settings",
    [
        {"columns": "class x1 y1 x2"},
        {"columns": "class x1 y1 x1 y1"},
        {"columns": "class name x1 y1 x2 y2"},
        {"columns": "text x1 y1 x2 y2"},
        {"columns": "x1 y1 x2 y2", "classes": ["a", "b"]},
        {"columns": "class_id x1 y1 x2 y2"},
        {"columns": "class cx cy w h", "one_based": True},
        {"separator": ""},
        {"file_name": "labels.txt"},
        {"boxes": False},
    ],
)
def test_settings_that_cannot_be(tmp_path, settings):
    with pytest.raises(ConfigError):
        one_file(tmp_path, "dog 1 1 9 9", **settings)


@pytest.mark.parametrize(
    ("columns", "text", "message"),
    [
        ("class x1 y1 x2 y2", "dog 1 1 9", r"more or fewer columns[\s\S]*a.txt, line 1"),
        ("class x1 y1 x2 y2", "\ndog 1 1 9 9 9", r"received: 6[\s\S]*line 2"),
        ("class x1 y1 x2 y2", "dog 1 1 9 x", "no number: 'x'"),
        ("class,x1,y1,x2,y2", ",1,1,9,9", "no class name"),
        ("class_id x1 y1 x2 y2", "2 1 1 9 9", "class number without a name: '2'"),
        ("class_id x1 y1 x2 y2", "-1 1 1 9 9", "class number without a name: '-1'"),
        ("class x1 y1 x2 y2 crowd", "dog 1 1 9 9 2", "'crowd' is neither 0 nor 1"),
        ("class x1 y1 x2 y2", "mouse 1 1 9 9", "Unknown class 'mouse'"),
        ("class x1 y1 x2 y2", b"dog 1 1 9 9\xff", "cannot be read"),
    ],
)
def test_a_broken_file_is_a_fault_of_its_image_alone(tmp_path, columns, text, message):
    good = "0" if "class_id" in columns else "dog"
    line = columns.replace("class_id", good).replace("class", good).replace("crowd", "0")
    for name, value in zip(("x1", "y1", "x2", "y2"), BOX):
        line = line.replace(name, str(value))
    write(tmp_path, {"images/b.jpg": None, "labels/b.txt": line})
    data = one_file(tmp_path, text, columns=columns, classes=["dog", "cat"])
    with pytest.raises(DataError, match=message):
        data[0]
    np.testing.assert_array_equal(data[1].targets["boxes"], [BOX])


def test_splits_are_folders(tmp_path, caplog):
    files = {
        "images/train/sub/a.jpg": None,
        "labels/train/sub/a.txt": "dog 10 5 30 25",
        "images/valid/b.jpg": None,
        "images/valid/c.jpg": None,
        "labels/valid/c.txt": "cat 1 1 9 9",
    }
    train = TextBoxes(write(tmp_path, files), "train")
    assert train.id_of(0) == "images/train/sub/a"
    assert train.classes == ["cat", "dog"]
    data = TextBoxes(tmp_path, "val")
    assert data[0].targets["boxes"].shape == (0, 4)
    assert "1 of 2 images have no label file" in caplog.text
    both = TextBoxes(tmp_path, "val", image_folder="images/{split}", label_folder="labels/{split}")
    assert (both.id_of(0), both.classes) == (data.id_of(0), data.classes)
    assert repr(data) == f"TextBoxes({str(tmp_path)!r}, split='val')"
    for settings in ({}, {"image_folder": "images/{split}"}):
        with pytest.raises(MissingSplitError, match="no split 'test'"):
            TextBoxes(tmp_path, "test", **settings)


def test_missing_folders_show_the_layout(tmp_path):
    with pytest.raises(DataError, match=r"no images[\s\S]*class x1 y1[\s\S]*`image_folder`"):
        TextBoxes(tmp_path)
    write(tmp_path, {"images/a.jpg": None})
    with pytest.raises(DataError, match=r"No image has a label file[\s\S]*labels/a\.txt"):
        TextBoxes(tmp_path)
    write(tmp_path, {"labels/a.txt": ""})
    with pytest.raises(DataError, match="No class names"):
        TextBoxes(tmp_path)
    write(tmp_path, {"labels/a.txt": "cat 1 2"})
    with pytest.raises(DataError, match=r"labels/a\.txt, line 1"):
        TextBoxes(tmp_path)
    with pytest.raises(DataError, match="leads out of the folder"):
        TextBoxes(tmp_path, label_folder="../labels")


def test_bad_boxes_are_counted(tmp_path):
    data = one_file(tmp_path, "dog 30 5 10 25\ndog 1 1 9 9")
    assert data.dropped == 1
    data = one_file(tmp_path, "dog 30 5 10 25", bad_boxes="raise")
    with pytest.raises(DataError, match=r"wrong order[\s\S]*line 1"):
        data[0]


def test_endings_in_capital_letters(tmp_path):
    files = {"images/a.jpg": None, "labels/a.TXT": "dog 10 5 30 25\n"}
    data = TextBoxes(write(tmp_path, files))
    assert data.classes == ["dog"]
    assert data[0].targets["boxes"].tolist() == [BOX]


def test_numbers_of_a_list_with_an_empty_line_are_unclear(tmp_path):
    text = "1 10 5 30 25\n"
    write(tmp_path, {"classes.txt": "cat\n\ndog\n"})
    with pytest.raises(DataError, match=r"empty line[\s\S]*classes.txt, line 2"):
        one_file(tmp_path, text, columns="class_id x1 y1 x2 y2")
    assert one_file(tmp_path, text.replace("1", "dog", 1)).classes == ["cat", "dog"]
