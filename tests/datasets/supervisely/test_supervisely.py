"""Projects as Supervisely's SDK downloads them, and as old versions did."""

import base64
import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image

from densefit.data.geometry import rle
from densefit.datasets.supervisely.supervisely import Supervisely
from densefit.errors import ConfigError, DataError, MissingSplitError

HEIGHT, WIDTH = 40, 60
GRAPH = {
    "nodes": {
        "k1": {"label": "nose", "loc": [5, 5], "color": "#fff"},
        "k2": {"label": "left_ear", "loc": [1, 1]},
        "k3": {"label": "right_ear", "loc": [9, 1]},
    },
    "edges": [{"src": "k1", "dst": "k3", "color": "#fff"}],
}
META = {
    "classes": [
        {"title": "dog", "shape": "any", "color": "#F00", "geometry_config": {}, "id": 3},
        {"title": "cat", "shape": "polygon", "color": "#0F0", "geometry_config": {}, "id": 4},
        {"title": "pose", "shape": "graph", "color": "#00F", "geometry_config": GRAPH, "id": 5},
    ],
    "tags": [{"name": "train", "value_type": "none", "color": "#000"}],
    "projectType": "images",
}


def entry(name, kind, **more):
    return {"id": 1, "classTitle": name, "geometryType": kind, "tags": [], **more}


def points(exterior, *interior):
    return {"points": {"exterior": exterior, "interior": list(interior)}}


def content(*objects, tags=()):
    return {
        "description": "",
        "tags": list(tags),
        "size": {"height": HEIGHT, "width": WIDTH},
        "objects": list(objects),
    }


def bitmap(mask, left, top):
    image = Image.fromarray(mask.astype(np.uint8))
    image.putpalette([0, 0, 0, 255, 255, 255])
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", transparency=0, optimize=0)
    data = base64.b64encode(zlib.compress(buffer.getvalue())).decode()
    return {"bitmap": {"data": data, "origin": [left, top]}}


def write(folder, annotations, meta=META):
    """Write a project: path of an image below `folder`, with `img` in it -> its annotation."""
    folder.mkdir(parents=True, exist_ok=True)
    if meta is not None:
        (folder / "meta.json").write_text(json.dumps(meta))
    for name, annotation in annotations.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), 90, np.uint8)).save(path)
        if annotation is not None:
            target = path.parent.parent / "ann" / f"{path.name}.json"
            target.parent.mkdir(exist_ok=True)
            text = annotation if isinstance(annotation, str) else json.dumps(annotation)
            target.write_text(text)
    return folder


def one(folder, *objects, tags=(), **settings):
    return Supervisely(write(folder, {"ds/img/a.png": content(*objects, tags=tags)}), **settings)


SQUARE = [[10, 5], [20, 5], [20, 15], [10, 15]]
HOLE = [[13, 8], [16, 8], [16, 11], [13, 11]]
MASK = np.array([[0, 0, 1, 1], [1, 0, 1, 0], [1, 1, 1, 0]], bool)


def test_each_kind_of_shape(tmp_path, caplog):
    objects = [
        entry("cat", "polygon", **points(SQUARE, HOLE)),
        entry("dog", "rectangle", **points([[50, 30], [40, 10]])),
        entry("dog", "bitmap", **bitmap(MASK, 3, 30)),
        entry("cat", "line", **points([[1, 1], [9, 9]])),
        entry("cat", "point", **points([[1, 1]])),
        entry("cat", "multipolygon", parts=[{"exterior": SQUARE[:3], "interior": []}]),
        entry("dog", "oriented_bbox", points=[[30, 20], [39, 23]], angle=np.pi / 2),
        entry("dog", "cuboid", points=[[1, 1]], faces=[]),
    ]
    data = one(tmp_path, *objects, masks=True, instances=True, labels=True)
    assert data.classes == ["dog", "cat", "pose"]
    assert data.left_out == {"line": 1, "point": 1, "cuboid": 1}
    assert "3 shapes are left out" in caplog.text
    targets = data[0].targets
    expected = [[10, 5, 21, 16], [40, 10, 51, 31], [3, 30, 7, 33], [10, 5, 21, 16]]
    np.testing.assert_allclose(targets["boxes"], [*expected, [33, 17, 37, 27]])
    np.testing.assert_array_equal(targets["classes"], [1, 0, 0, 1, 0])
    masks = [rle.decode(mask) for mask in targets["instance_masks"]]
    square = np.zeros((HEIGHT, WIDTH), np.uint8)
    square[5:16, 10:21] = 1
    square[8:12, 13:17] = 0  # with the outline of the hole, as the SDK draws it
    np.testing.assert_array_equal(masks[0], square)
    np.testing.assert_array_equal(masks[2][30:33, 3:7], MASK)
    np.testing.assert_allclose(targets["area"], [121 - 16, 11 * 21, 7, 66, 40], rtol=1e-5)
    assert [mask.sum() for mask in masks] == targets["area"].tolist()
    assert set(data.targets_of(0)) == set(targets)


def test_graphs_are_objects_with_keypoints(tmp_path):
    nodes = {"k2": {"loc": [12, 20], "disabled": True}, "k1": {"loc": [10, 25]}}
    data = one(tmp_path, entry("pose", "graph", nodes=nodes), keypoints=True)
    assert data.keypoint_names == ["nose", "left_ear", "right_ear"]
    assert data.limbs == [["nose", "right_ear"]]
    targets = data[0].targets
    np.testing.assert_array_equal(targets["boxes"], [[10, 20, 13, 26]])
    np.testing.assert_array_equal(
        targets["keypoints"], [[[10.5, 25.5, 2], [12.5, 20.5, 1], [0, 0, 0]]]
    )


def test_parts_of_one_instance_are_one_object(tmp_path):
    objects = [
        entry("cat", "rectangle", **points([[1, 1], [4, 4]]), instance="x1"),
        entry("dog", "rectangle", **points([[1, 1], [4, 4]]), instance="x1"),
        entry("cat", "bitmap", **bitmap(MASK, 10, 10), instance="x1"),
        entry("cat", "rectangle", **points([[1, 1], [9, 4]]), tags=[{"name": "difficult"}]),
    ]
    targets = one(tmp_path, *objects, instances=True)[0].targets
    np.testing.assert_array_equal(targets["boxes"], [[1, 1, 14, 13], [1, 1, 5, 5], [1, 1, 10, 5]])
    np.testing.assert_array_equal(targets["difficult"], [False, False, True])
    assert rle.decode(targets["instance_masks"][0]).sum() == 16 + 7


def test_later_objects_are_painted_over_earlier_ones(tmp_path):
    small = entry("dog", "rectangle", **points([[5, 5], [9, 9]]))
    large = entry("cat", "rectangle", **points([[1, 1], [30, 30]]))
    assert one(tmp_path, small, large, masks=True)[0].targets["mask"][7, 7] == 2


def test_datasets_and_tags_are_splits(tmp_path):
    box = entry("cat", "rectangle", **points([[1, 1], [4, 4]]))
    tagged = {"name": "test", "value": None}
    valued = {"name": "part", "value": "holdout"}
    folder = write(
        tmp_path / "p",
        {
            "train/img/a.png": content(box),
            "val/img/a.png": content(box, tags=[tagged]),
            "val/datasets/far/img/b.png": content(tags=["old", valued]),
        },
    )
    data = Supervisely(folder)
    assert [data.id_of(i) for i in range(3)] == ["train/a", "val/a", "val/far/b"]
    assert data[2].targets["boxes"].shape == (0, 4)
    for split, ids in {
        "train": ["train/a"],
        "val": ["val/a", "val/far/b"],
        "val/far": ["val/far/b"],
        "test": ["val/a"],
        "old": ["val/far/b"],
        "holdout": ["val/far/b"],
    }.items():
        data = Supervisely(folder, split)
        assert [data.id_of(i) for i in range(len(data))] == ids
    with pytest.raises(MissingSplitError, match=r"(?s)'tran'.*train"):
        Supervisely(folder, "tran")


def test_an_image_whose_tags_cannot_be_read_is_in_each_split_of_tags(tmp_path):
    files = {"ds/img/a.png": content(tags=["x"]), "ds/img/b.png": "{", "ds/img/c.png": content()}
    data = Supervisely(write(tmp_path / "p", files), "x")
    assert [data.id_of(i) for i in range(len(data))] == ["ds/a", "ds/b"]
    with pytest.raises(DataError, match=r"b\.png\.json"):
        data[1]


def test_a_dataset_of_an_old_version_by_itself(tmp_path):
    old = {
        "tags": [],
        "size": {"width": WIDTH, "height": HEIGHT},
        "objects": [
            {"classTitle": "cat", "tags": [], "bitmap": None, **points(SQUARE)},
            {"classTitle": "bird", "tags": [], **points([]), **bitmap(MASK, 1, 1)},
        ],
    }
    folder = write(tmp_path / "p", {"img/a.png": None}, meta=None)
    (folder / "ann").mkdir()
    (folder / "ann/a.json").write_text(json.dumps(old))
    data = Supervisely(folder)
    assert data.classes == ["bird", "cat"]
    assert data.id_of(0) == "a"
    np.testing.assert_array_equal(data[0].targets["boxes"], [[10, 5, 21, 16], [1, 1, 5, 4]])


def test_classes_of_some(tmp_path):
    boxes = [entry(name, "rectangle", **points([[1, 1], [4, 4]])) for name in ("cat", "dog")]
    data = one(tmp_path, *boxes, classes=["dog"])
    assert data[0].targets["classes"].tolist() == [0]
    with pytest.raises(DataError, match="Unknown class 'bird'"):
        one(tmp_path, *boxes, classes=["bird"])


@pytest.mark.parametrize("missing_json", ["raise", "background"])
def test_an_image_without_annotation_file(tmp_path, caplog, missing_json):
    folder = write(tmp_path / "p", {"ds/img/a.png": content(), "ds/img/b.png": None})
    data = Supervisely(folder, missing_json=missing_json)
    assert "1 of 2 images have no annotation file" in caplog.text
    if missing_json == "background":
        assert data[1].targets["boxes"].shape == (0, 4)
    else:
        with pytest.raises(DataError, match="no annotation file"):
            data[1]


def test_an_annotation_file_without_image_is_a_fault(tmp_path):
    folder = write(tmp_path / "p", {"ds/img/a.png": content(), "ds/img/b.png": content()})
    (folder / "ds/img/b.png").unlink()
    data = Supervisely(folder)
    assert data[0].id == "ds/a"
    with pytest.raises(DataError, match=r"b\.png"):
        data[1]


BOMB = base64.b64encode(zlib.compress(bytes(60 << 20), 9)).decode()


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (entry("bird", "rectangle", **points([[1, 1], [4, 4]])), "Unknown class 'bird'"),
        ({"geometryType": "rectangle"}, "classTitle"),
        (entry("cat", "rectangle", **points([[1, 1]])), "two corners"),
        (entry("cat", "rectangle"), "points"),
        (entry("cat", "polygon", **points([["a", 1], [2, 2], [3, 3]])), "no position"),
        (entry("cat", "polygon", **points([[1e9, 1], [2, 2], [3, 3]])), "no position"),
        (entry("cat", "polygon", **points([])), "a point of an outline"),
        (entry("cat", "polygon", points={"exterior": SQUARE, "interior": 3}), "interior"),
        (entry("cat", "multipolygon"), "parts"),
        (entry("cat", "bitmap"), "bitmap"),
        (entry("cat", "bitmap", bitmap={"data": BOMB, "origin": [0, 0]}), "larger than the image"),
        (entry("cat", "bitmap", bitmap={"data": "eJw=", "origin": [0, 0]}), "uncompressed"),
        (entry("cat", "bitmap", **bitmap(np.ones((50, 50)), 0, 0)), "larger than its image"),
        (entry("cat", "oriented_bbox", points=[[1, 1], [5, 5]], angle="x"), "radians"),
        (entry("pose", "graph", nodes={}), "nodes"),
        (entry("pose", "graph", nodes={"k9": {"loc": [1, 1]}}), "nodes of the class 'pose'"),
        (entry("cat", "rectangle", **{**points([[1, 1], [4, 4]]), "tags": 5}), "tags"),
    ],
)
def test_a_broken_object_is_a_fault_of_its_image(tmp_path, thing, message):
    files = {"ds/img/a.png": content(thing), "ds/img/b.png": content()}
    data = Supervisely(write(tmp_path / "p", files))
    assert data[1].id == "ds/b"
    with pytest.raises(DataError, match=message) as error:
        data[0]
    assert "a.png.json, object 0" in str(error.value)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"objects": 3}', '{"objects": [], "size": {"height": 0, "width": 3}}']
)
def test_a_broken_file_is_a_fault_of_its_image(tmp_path, text):
    files = {"ds/img/a.png": text, "ds/img/b.png": content()}
    data = Supervisely(write(tmp_path / "p", files))
    assert data[1].id == "ds/b"
    with pytest.raises(DataError, match=r"a\.png\.json"):
        data[0]


@pytest.mark.parametrize(
    "meta",
    [[], {"classes": [{"title": ""}]}, {"classes": META["classes"][:1] * 2}]
    + [{"classes": [{"title": "a", "geometry_config": {"nodes": [3]}}]}],
)
def test_a_broken_meta_is_refused_by_name(tmp_path, meta):
    folder = write(tmp_path / "p", {"ds/img/a.png": content()}, meta)
    with pytest.raises(DataError, match=r"meta\.json"):
        Supervisely(folder)


def test_a_folder_of_another_kind_shows_the_tree(tmp_path):
    with pytest.raises(DataError, match=r"(?s)no image.*street/ann/1\.jpg\.json"):
        Supervisely(tmp_path)
    assert not Supervisely.looks_like(tmp_path)
    folder = write(tmp_path / "p", {"ds/img/a.png": content()})
    assert Supervisely.looks_like(folder)
    with pytest.raises(ConfigError, match="background"):
        Supervisely(folder, missing_json="no")
    text = f"Supervisely({str(folder)!r}, split='ds', masks=True)"
    assert repr(Supervisely(folder, "ds", masks=True)) == text


def test_the_next_start_reads_no_annotation(tmp_path, monkeypatch):
    monkeypatch.setattr("densefit.datasets.objects.table_cache.SMALLEST_BYTES", 0)
    monkeypatch.setattr("densefit.datasets.objects.table_cache._JUST_NOW", 0)
    monkeypatch.setenv("DENSEFIT_CACHE", str(tmp_path / "cache"))
    polygon = entry("cat", "polygon", **points([[1, 1], [20, 1], [20, 20]]))
    annotation = content(polygon, entry("dog", "line", **points([[1, 1], [9, 9]])))
    write(tmp_path / "data", {"street/img/1.png": annotation})
    first = Supervisely(tmp_path / "data", masks=True)
    with monkeypatch.context() as patch:
        patch.setattr("densefit.datasets.supervisely.project.read_json", None)
        again = Supervisely(tmp_path / "data", masks=True)
    assert (again.classes, again.left_out) == (first.classes, {"line": 1})
    np.testing.assert_array_equal(again[0].targets["mask"], first[0].targets["mask"])
    write(tmp_path / "data", {"street/img/1.png": content()})
    assert len(Supervisely(tmp_path / "data")[0].targets["boxes"]) == 0
