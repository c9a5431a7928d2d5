"""Folders as labelme leaves them, of several versions."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from densefit.datasets.labelme.labelme import Labelme
from densefit.errors import ConfigError, DataError

HEIGHT, WIDTH = 40, 60


def image_bytes(kind="PNG", value=90, orientation=None):
    buffer = io.BytesIO()
    image = Image.fromarray(np.full((HEIGHT, WIDTH, 3), value, np.uint8))
    exif = Image.Exif()
    if orientation:
        exif[274] = orientation
    image.save(buffer, kind, exif=exif)
    return buffer.getvalue()


def write_image(path, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(image_bytes(**more))


def shape(label, points, kind="polygon", **more):
    return {
        "label": label,
        "points": points,
        "group_id": None,
        "description": "",
        "shape_type": kind,
        "flags": {},
        "mask": None,
        **more,
    }


def write_json(path, shapes, image_path="a.png", **more):
    content = {
        "version": "5.8.3",
        "flags": {},
        "shapes": shapes,
        "imagePath": image_path,
        "imageData": None,
        "imageHeight": HEIGHT,
        "imageWidth": WIDTH,
        **more,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2))


def mask_text(mask):
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


TRIANGLE = [[10.0, 5.0], [30.5, 5.0], [10.0, 25.5]]


@pytest.fixture
def folder(tmp_path):
    write_image(tmp_path / "a.png")
    return tmp_path


def test_each_kind_of_shape(folder, caplog):
    mask = np.array([[0, 0, 0, 0], [0, 1, 0, 1], [0, 1, 1, 1]], bool)
    shapes = [
        shape("cat", TRIANGLE),
        shape("dog", [[50.5, 30.0], [40.0, 10.25]], "rectangle"),
        shape("dog", [[20.0, 20.0], [23.0, 24.0]], "circle"),
        shape("cat", [[3, 30], [6, 32]], "mask", mask=mask_text(mask)),
        shape("cat", [[1.0, 1.0], [9.0, 9.0]], "line"),
        shape("road", [[1.0, 1.0], [9.0, 9.0], [5.0, 7.0]], "linestrip"),
        shape("cat", [[1.0, 1.0]], "point"),
        shape("__ignore__", TRIANGLE),
        shape("cat", [[40, 30], [45, 25], [50, 30], [45, 35]], "oriented_rectangle"),
    ]
    write_json(folder / "a.json", shapes)
    data = Labelme(folder, masks=True, instances=True, labels=True)
    assert data.classes == ["cat", "dog"]
    assert data.left_out == {"line": 1, "linestrip": 1, "point": 1, "__ignore__": 1}
    assert "4 shapes are left out" in caplog.text
    targets = data[0].targets
    np.testing.assert_allclose(
        targets["boxes"],
        [[10, 5, 30.5, 25.5], [40, 10.25, 50.5, 30], [15, 15, 25, 25], [4, 31, 7, 33]]
        + [[40, 25, 50, 35]],
    )
    np.testing.assert_array_equal(targets["classes"], [0, 1, 1, 0, 0])
    np.testing.assert_allclose(targets["area"], [210.125, 207.375, 25 * np.pi, 5, 50], rtol=0.01)
    np.testing.assert_array_equal(targets["mask"][30:33, 3:7], mask)
    assert targets["mask"][20, 45] == targets["mask"][20, 20] == 2
    assert targets["mask"][32, 45] == 1
    assert set(data.targets_of(0)) == set(targets)


def test_later_shapes_are_painted_over_earlier_ones(folder):
    small = [[12.0, 12.0], [20.0, 20.0]]
    large = [[2.0, 2.0], [40.0, 30.0]]
    write_json(folder / "a.json", [shape(n, p, "rectangle") for n, p in zip("ba", (small, large))])
    assert Labelme(folder, masks=True)[0].targets["mask"][15, 15] == 1


def test_one_group_of_one_label_is_one_object(folder):
    left, right = [[2, 2], [8, 9]], [[20, 2], [30, 12]]
    shapes = [
        shape("cat", left, "rectangle", group_id=4),
        shape("dog", left, "rectangle", group_id=4),
        shape("cat", right, "rectangle", group_id=4, flags={"difficult": True}),
        shape("cat", right, "rectangle"),
    ]
    write_json(folder / "a.json", shapes)
    targets = Labelme(folder, instances=True)[0].targets
    np.testing.assert_array_equal(targets["boxes"], [[2, 2, 30, 12], [2, 2, 8, 9], [20, 2, 30, 12]])
    np.testing.assert_array_equal(targets["difficult"], [True, False, False])
    np.testing.assert_array_equal(targets["area"], [142, 42, 100])


def test_points_of_a_group_are_keypoints_of_its_object(folder):
    shapes = [
        shape("left_eye", [[5.5, 6.0]], "point", group_id=1),
        shape("cat", [[2, 2], [18, 19]], "rectangle", group_id=1),
        shape("nose", [[8.0, 9.0]], "point", group_id=1),
        shape("nose", [[8.0, 9.0]], "point", group_id=2),
        shape("tail", [[8.0, 9.0]], "point", group_id=1),
        shape("cat", [[22, 2], [38, 19]], "rectangle"),
    ]
    write_json(folder / "a.json", shapes)
    data = Labelme(folder, keypoints=["nose", "left_eye", "right_eye"])
    expected = [[[8, 9, 2], [5.5, 6, 2], [0, 0, 0]], np.zeros((3, 3))]
    np.testing.assert_array_equal(data[0].targets["keypoints"], expected)
    assert data.flip_pairs == [["left_eye", "right_eye"]]
    assert data.classes == ["cat"]
    assert data.left_out == {"point": 2}
    shapes.append(shape("dog", [[2, 2], [18, 19]], "rectangle", group_id=1))
    write_json(folder / "a.json", shapes)
    with pytest.raises(DataError, match=r"(?s)no single object.*group_id 1 of cat, dog"):
        Labelme(folder, keypoints=["nose", "left_eye", "right_eye"])[0]


def test_files_of_old_versions(folder):
    old = {
        "shapes": [
            {"label": "cat", "line_color": None, "fill_color": None, "points": TRIANGLE},
            {"label": "cat", "points": TRIANGLE[:2], "fill_color": [255, 0, 0, 128]},
        ],
        "lineColor": [0, 255, 0, 128],
        "fillColor": [255, 0, 0, 128],
        "imagePath": "a.png",
        "imageData": "",
    }
    (folder / "a.json").write_text(json.dumps(old))
    data = Labelme(folder)
    np.testing.assert_array_equal(data[0].targets["boxes"], [[10, 5, 30.5, 25.5]])
    assert data.left_out == {"polygon": 1}


@pytest.mark.parametrize(
    ("json_path", "image", "stated"),
    [
        ("a.json", "a.png", "a.png"),
        ("json/a.json", "images/a.png", "..\\images\\a.png"),
        ("json/a.json", "images/a.png", "../images/a.png"),
        ("json/a.json", "images/a.png", "C:\\Users\\somebody\\a.png"),
        ("json/a.json", "images/a.png", "a.png"),
        ("json/x/a.json", "images/x/a.png", "a.png"),
        ("renamed.json", "renamed.png", "IMG_7.PNG"),
        ("json/a.json", "images/a.png", "../../../../etc/passwd"),
        ("json/a.json", "images/a.png", ""),
        ("b.json", "a.png", "a.png"),
    ],
)
def test_a_json_file_finds_its_image(tmp_path, json_path, image, stated):
    write_image(tmp_path / image)
    write_json(tmp_path / json_path, [shape("cat", TRIANGLE)], stated)
    data = Labelme(tmp_path)
    assert [data.id_of(i) for i in range(len(data))] == [image[:-4]]
    assert len(data[0].targets["boxes"]) == 1


def test_json_files_in_a_folder_elsewhere(tmp_path):
    write_image(tmp_path / "images/x/a.png")
    write_json(tmp_path / "json/x/a.json", [shape("cat", TRIANGLE)], "a.png")
    data = Labelme(tmp_path / "images", annotations=tmp_path / "json")
    assert data.id_of(0) == "x/a"
    assert len(data[0].targets["boxes"]) == 1


def test_an_image_of_several_that_may_be_meant_is_a_fault(tmp_path):
    for place in ("x", "y"):
        write_image(tmp_path / place / "a.png")
    write_json(tmp_path / "json/a.json", [shape("cat", TRIANGLE)], "a.png")
    data = Labelme(tmp_path, ["cat"])
    with pytest.raises(DataError, match=r"(?s)Several images.*x/a\.png, y/a\.png"):
        data[[data.id_of(i) for i in range(3)].index("json/a")]


def test_two_files_of_one_image_are_a_fault(folder):
    for name in ("a", "b"):
        write_json(folder / f"{name}.json", [shape("cat", TRIANGLE)])
    with pytest.raises(DataError, match=r"(?s)Two JSON files.*a\.json and .*b\.json"):
        Labelme(folder)[0]


def test_an_image_without_a_file_is_read_from_its_json(tmp_path):
    data = base64.b64encode(image_bytes(value=33)).decode()
    for more in ({}, {"imageHeight": None, "imageWidth": None}):
        write_json(tmp_path / "x/a.json", [shape("cat", TRIANGLE)], "a.png", imageData=data, **more)
        for dataset in (Labelme(tmp_path), Labelme(tmp_path, annotations=tmp_path / "x")):
            sample = dataset[0]
            assert sample.image.shape == (HEIGHT, WIDTH, 3)
            assert (sample.image == 33).all()
            assert dataset.picture_file(0).name == "a.json"
    write_image(tmp_path / "x/a.png", value=44)
    assert (Labelme(tmp_path)[0].image == 44).all()
    write_json(tmp_path / "x/a.json", [shape("cat", TRIANGLE)], "b.png", imageData="???")
    (tmp_path / "x/a.png").unlink()
    with pytest.raises(DataError, match=r"base64|cannot be decoded"):
        Labelme(tmp_path)[0]


def test_a_missing_image_is_a_fault_of_its_own(folder, caplog):
    write_json(folder / "a.json", [shape("cat", TRIANGLE)])
    write_json(folder / "b.json", [shape("cat", TRIANGLE)], "b.png")
    data = Labelme(folder)
    assert len(data[0].targets["boxes"]) == 1
    assert "1 of 2 images are not in" in caplog.text
    with pytest.raises(DataError, match=r"b\.png"):
        data[1]


@pytest.mark.parametrize(
    ("missing_json", "ids"), [("background", ["a", "b"]), ("skip", ["a"]), ("raise", ["a", "b"])]
)
def test_images_without_a_json_file(folder, caplog, missing_json, ids):
    write_image(folder / "b.png")
    write_json(folder / "a.json", [shape("cat", TRIANGLE)])
    data = Labelme(folder, missing_json=missing_json)
    assert [data.id_of(i) for i in range(len(data))] == ids
    assert f"1 of 2 images have no JSON file (missing_json={missing_json!r})" in caplog.text
    if missing_json == "background":
        assert data[1].targets["boxes"].shape == (0, 4)
    if missing_json == "raise":
        with pytest.raises(DataError, match="no JSON file"):
            data[1]


def test_images_are_turned_as_labelme_turns_them(tmp_path):
    write_image(tmp_path / "a.jpg", kind="JPEG", orientation=6)
    size = {"imageHeight": WIDTH, "imageWidth": HEIGHT}
    write_json(
        tmp_path / "a.json", [shape("cat", [[5, 45], [20, 55]], "rectangle")], "a.jpg", **size
    )
    sample = Labelme(tmp_path)[0]
    assert sample.image.shape == (WIDTH, HEIGHT, 3)
    np.testing.assert_array_equal(sample.targets["boxes"], [[5, 45, 20, 55]])
    with pytest.raises(DataError, match="not of the size"):
        Labelme(tmp_path, exif=False)[0]


def test_flags_of_images_are_labels(folder):
    write_image(folder / "b.png")
    write_json(folder / "a.json", [shape("cat", TRIANGLE)], flags={"sunny": True, "wet": False})
    write_json(folder / "b.json", [], "b.png", flags={"wet": True})
    data = Labelme(folder, labels=True, flags=True)
    assert data.classes == ["cat", "sunny", "wet"]
    rows = [data[i].targets["labels"].tolist() for i in range(2)]
    assert rows == [[1, 1, 0], [0, 0, 1]]
    assert Labelme(folder, labels=True).classes == ["cat"]


def test_classes_of_labelmes_own_list(folder):
    (folder / "labels.txt").write_text("__ignore__\n_background_\ndog\ncat\n")
    write_json(folder / "a.json", [shape("cat", TRIANGLE)])
    data = Labelme(folder, folder / "labels.txt")
    assert data.classes == ["dog", "cat"]
    assert data[0].targets["classes"].tolist() == [1]


def test_other_json_files_and_exports_are_left_out(folder, caplog):
    write_json(folder / "a.json", [shape("cat", TRIANGLE)])
    (folder / "meta.json").write_text('{"made": "by hand"}')
    for name in ("img.png", "label.png", "label_viz.png"):
        write_image(folder / "a_json" / name)
        write_image(folder / "a" / name)  # newer versions
    assert len(Labelme(folder)) == 1
    assert "1 JSON files have no `shapes`" in caplog.text


def test_ignored_regions_are_void_in_masks(folder):
    left, whole = ([[0, 0], [right, 0], [right, 40], [0, 40]] for right in (20, 60))
    write_json(folder / "a.json", [shape("cat", left), shape("__ignore__", whole)])
    data = Labelme(folder, masks=True, instances=True)
    targets = data[-1].targets
    assert set(np.unique(targets["mask"][:, :20])) == {1}
    assert set(np.unique(targets["mask"][:, 20:])) == {255}
    assert len(targets["boxes"]) == targets["instances"].max() == 1
    assert "mask" not in Labelme(folder)[0].targets


BOMB = mask_text(np.zeros((3000, 3000), bool))
SMALL = mask_text(np.ones((3, 4), bool))
BROKEN = [
    (shape("", TRIANGLE), "a label"),
    (shape("cat", []), "points"),
    (shape("cat", [[1, "x"], [2, 3], [4, 5]]), "points"),
    (shape("cat", [[1, float("nan")], [2, 3], [4, 5]]), "points"),
    (shape("cat", [[1, 2], [3, 4], [5, 6]], "circle"), "two points of a circle"),
    (shape("cat", TRIANGLE, group_id="a"), "group_id"),
    (shape("cat", TRIANGLE, 3), "shape_type"),
    ("cat", "label"),
    (shape("cat", [[3, 30], [6, 32]], "mask"), "base64"),
    (shape("cat", [[3, 30], [6, 32]], "mask", mask=BOMB), "larger than its image"),
    (shape("cat", [[3, 30], [7, 32]], "mask", mask=SMALL), "corners"),
    (shape("cat", [[3, 30], [6, 32]], "mask", mask=SMALL[:80]), "cut short"),
]


@pytest.mark.parametrize(("entry", "message"), BROKEN)
def test_a_broken_shape_is_a_fault_of_its_image(folder, entry, message):
    write_image(folder / "b.png")
    write_json(folder / "b.json", [shape("cat", TRIANGLE)], "b.png")
    write_json(folder / "a.json", [shape("cat", TRIANGLE), entry])
    data = Labelme(folder)
    assert len(data[1].targets["boxes"]) == 1
    with pytest.raises(DataError, match=message) as error:
        data[0]
    assert "a.json" in str(error.value)


@pytest.mark.parametrize(
    "text", ["{", "", '{"shapes": 5}', '{"shapes": [], "imageHeight": "x", "imageWidth": 5}']
)
def test_a_broken_file_is_a_fault_of_its_image(folder, text):
    write_image(folder / "b.png")
    write_json(folder / "b.json", [shape("cat", TRIANGLE)], "b.png")
    (folder / "a.json").write_text(text)
    data = Labelme(folder)
    assert data.id_of(0) == "a"
    with pytest.raises(DataError, match=r"a\.json"):
        data[0]


def test_a_folder_of_another_kind_shows_the_tree(folder):
    with pytest.raises(DataError, match=r"(?s)no JSON file of labelme.*street/1\.json"):
        Labelme(folder)
    with pytest.raises(DataError, match="no such folder"):
        Labelme(folder / "x")
    with pytest.raises(ConfigError, match="background"):
        Labelme(folder, missing_json="no")
    write_json(folder / "a.json", [])
    with pytest.raises(DataError, match="No shape has a label"):
        Labelme(folder)


def test_a_folder_looks_like_labelme(folder):
    assert not Labelme.looks_like(folder)
    write_json(folder / "json/a.json", [])
    assert Labelme.looks_like(folder)


def test_the_repr_has_the_settings(folder):
    write_json(folder / "a.json", [shape("cat", TRIANGLE)])
    data = Labelme(folder, masks=True, missing_json="skip")
    assert repr(data) == f"Labelme({str(folder)!r}, masks=True, missing_json='skip')"


def test_the_next_start_reads_no_json(folder, monkeypatch):
    monkeypatch.setattr("densefit.datasets.objects.table_cache.SMALLEST_BYTES", 0)
    monkeypatch.setattr("densefit.datasets.objects.table_cache._JUST_NOW", 0)
    monkeypatch.setenv("DENSEFIT_CACHE", str(folder.parent / "cache"))
    shapes = [shape("cat", [[1, 1], [20, 1], [20, 20]]), shape("dog", [[1, 1], [2, 2]], "line")]
    write_json(folder / "a.json", [*shapes, shape("eye", [[3, 3]], "point")])
    settings = {"masks": True, "keypoints": ["eye"]}
    first = Labelme(folder, **settings)
    with monkeypatch.context() as patch:
        patch.setattr("densefit.datasets.labelme.folder.read_label_file", None)
        again = Labelme(folder, **settings)
    assert (again.classes, again.left_out) == (first.classes, first.left_out)
    assert again.keypoint_names == ["eye"]
    np.testing.assert_array_equal(again[0].targets["mask"], first[0].targets["mask"])
    write_json(folder / "a.json", [shape("emu", [[1, 1], [20, 1], [20, 20]])])
    assert Labelme(folder).classes == ["emu"]


def test_the_size_of_an_image_that_the_reader_measured_is_noticed(folder, monkeypatch):
    monkeypatch.setattr("densefit.datasets.objects.table_cache.SMALLEST_BYTES", 0)
    monkeypatch.setattr("densefit.datasets.objects.table_cache._JUST_NOW", 0)
    monkeypatch.setenv("DENSEFIT_CACHE", str(folder.parent / "cache"))
    square = shape("cat", [[1, 1], [50, 1], [50, 35], [1, 35]])
    write_json(folder / "a.json", [square], imageHeight=None, imageWidth=None)
    assert Labelme(folder).size_of(0) == (HEIGHT, WIDTH)
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(folder / "a.png")
    assert Labelme(folder)[0].targets["boxes"].tolist() == [[1, 1, 40, 30]]
