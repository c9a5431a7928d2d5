import json

import pytest

from densefit.datasets.coco.annotation_file import Files, find_files
from densefit.datasets.coco.content import category_names, read_file
from densefit.datasets.coco.table_collector import TableSettings
from densefit.datasets.coco.table_reader import TableReader
from densefit.errors import ConfigError, DataError


def write(root, kind, names, split="val"):
    path = root / f"annotations/{kind}_{split}.json"
    path.parent.mkdir(exist_ok=True)
    categories = [{"id": key, "name": name} for key, name in enumerate(names, 1)]
    path.write_text(json.dumps({"images": [], "annotations": [], "categories": categories}))
    return path


def layout(root, **settings):
    return find_files(None, None, root, "val", **settings)


def test_the_usual_layout(tmp_path):
    instances = write(tmp_path, "instances", ["person", "car"])
    assert layout(tmp_path) == Files(instances, tmp_path / "val")
    (tmp_path / "images/val").mkdir(parents=True)
    assert layout(tmp_path) == Files(instances, tmp_path / "images/val")
    with pytest.raises(DataError, match=r"no split 'val'[\s\S]*person_keypoints_val"):
        layout(tmp_path, keypoints=True)
    points = write(tmp_path, "person_keypoints", ["person"])
    both = Files(instances, tmp_path / "images/val", points, spare=True)
    assert layout(tmp_path, keypoints=True) == both
    assert layout(tmp_path).keypoints is None
    instances.unlink()
    assert layout(tmp_path, keypoints=True) == Files(points, tmp_path / "images/val")
    with pytest.raises(DataError, match=r"no split 'val'[\s\S]*instances_val"):
        layout(tmp_path)


def test_files_by_name():
    assert find_files("a.json", "i", None, None, keypoints=True).keypoints is None
    files = find_files("a.json", "i", None, None, keypoints=True, keypoints_path="b.json")
    assert [str(path) for path in (files.annotations, files.images, files.keypoints)] == [
        "a.json",
        "i",
        "b.json",
    ]
    assert not files.spare


def test_a_further_file_for_the_usual_layout(tmp_path):
    instances = write(tmp_path, "instances", ["person"])
    own = tmp_path / "own.json"
    assert layout(tmp_path, keypoints=True, keypoints_path=own) == Files(
        instances, tmp_path / "val", own
    )
    with pytest.raises(ConfigError, match=r"no keypoints are wanted[\s\S]*keypoints=True"):
        layout(tmp_path, keypoints_path=own)


@pytest.mark.parametrize(
    ("classes", "alone"),
    [(["person"], True), (["person", "car"], False), (["car"], False), (None, False)],
)
def test_the_larger_file_is_read_where_it_is_needed(tmp_path, classes, alone):
    instances = write(tmp_path, "instances", ["person", "car"])
    points = write(tmp_path, "person_keypoints", ["person"])
    path, joined = sources(layout(tmp_path, keypoints=True), classes)
    assert path == (points if alone else instances)
    assert (joined is None) == alone
    stated = find_files(instances, tmp_path, None, None, True, points)
    assert sources(stated, classes)[0] == instances  # a file that is named is read


def sources(files, classes):
    return TableReader(TableSettings(files, classes, keypoints=True)).sources()


def test_what_is_read_is_checked(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"images": [{"id": 1}], "annotations": [], "categories": []}')
    assert category_names({"categories": [{"id": 3, "name": "a"}]}) == {3: "a"}
    with pytest.raises(DataError, match=r"lacks file_name[\s\S]*images\[0\]"):
        read_file(path)
    path.write_text('{"images": []}')
    with pytest.raises(DataError, match=r"not those of COCO[\s\S]*'images'"):
        read_file(path)
