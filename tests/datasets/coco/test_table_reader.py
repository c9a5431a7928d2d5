"""The same table from a stream, from a file in any order, and from a whole file."""

import json
import random
from dataclasses import fields

import numpy as np
import pytest

from densefit.datasets.coco import table_reader
from densefit.datasets.coco.annotation_file import Files
from densefit.datasets.coco.table_collector import TableSettings
from densefit.datasets.coco.table_reader import TableReader
from densefit.datasets.files import json_lists
from densefit.errors import DataError


def content(rng, odd=True):
    images = [
        {"id": i * 7 % 50, "file_name": f"{i}.jpg", "height": 40 + i, "width": 60}
        for i in range(50)
    ]
    categories = [{"id": i, "name": f"class {i}", "supercategory": "}, {"} for i in (9, 2, 5)]
    annotations = []
    for key in range(400):
        x, y = rng.uniform(0, 40), rng.uniform(0, 20)
        w, h = rng.uniform(1, 19), rng.uniform(1, 19)
        box = [round(v, 2) for v in (x, y, w, h)]
        polygon = [[x, y, x + w, y, x + w, y + h]]
        entry = {"id": key, "image_id": rng.randrange(50), "category_id": rng.choice([9, 2, 5])}
        entry.update(bbox=box, area=w * h, iscrowd=0, segmentation=polygon)
        if odd and key % 10 == 0:
            entry.update(
                rng.choice(
                    [
                        {"bbox": [-3, 2, 30, 30]},
                        {"bbox": [1, 2, 0, 9]},
                        {"area": None},
                        {"iscrowd": 1, "segmentation": {"size": [1, 1], "counts": [1]}},
                        {"segmentation": []},
                        {"image_id": "7", "category_id": 9.0},
                        {"image_id": 7, "area": -1},
                        {"area": float("nan"), "image_id": 14},
                        {"bbox": ["1", 2, 3, 4]},
                        {"attributes": [{"a": 1}, {"b": "},{"}]},
                    ]
                )
            )
        annotations.append(entry)
    return {"images": images, "annotations": annotations, "categories": categories}


def table_of(tmp_path, what, **settings):
    path = tmp_path / "a.json"
    path.write_text(what if isinstance(what, str) else json.dumps(what))
    settings = {"segmentations": True, **settings}
    return TableReader(TableSettings(Files(path, tmp_path), **settings)).read()


def same(table, other):
    assert {i: str(e) for i, e in table.errors.items()} == {
        i: str(e) for i, e in other.errors.items()
    }
    assert table.meta["categories"] == other.meta["categories"]
    assert table.meta["check"] == other.meta["check"]
    for name in ("sizes", "starts", "boxes", "labels", "crowd", "areas"):
        np.testing.assert_array_equal(getattr(table, name), getattr(other, name))
    for name in ("ids", "files"):
        assert list(getattr(table, name)) == list(getattr(other, name))
    if table.segmentations is not None:
        rows = slice(0, len(table.labels))
        assert table.segmentations.of_rows(rows) == other.segmentations.of_rows(rows)


@pytest.fixture
def whole(monkeypatch):
    """Read files as a whole, as if all were unusual."""

    def read(*arguments, **settings):
        with monkeypatch.context() as patch:
            patch.setattr(table_reader, "read_lists", _unusual)
            return table_of(*arguments, **settings)

    return read


def _unusual(*_):
    raise json_lists.UnusualJsonError


@pytest.mark.parametrize("policy", ["drop", "raise"])
@pytest.mark.parametrize("piece", [200, 3000, 1 << 18])
def test_a_stream_is_read_as_a_whole_file(tmp_path, whole, piece, policy, monkeypatch):
    monkeypatch.setattr(json_lists, "_PIECE", piece)
    what = content(random.Random(piece))
    table = table_of(tmp_path, what, bad_boxes=policy)
    same(table, whole(tmp_path, what, bad_boxes=policy))
    assert len(table.errors) > 1
    assert len(table.labels) > 300
    same(
        table_of(tmp_path, what, classes=["class 2"], segmentations=False),
        whole(tmp_path, what, classes=["class 2"], segmentations=False),
    )


@pytest.mark.parametrize("order", [("annotations", "categories", "images"), ("images",), ()])
def test_lists_come_in_any_order(tmp_path, order, whole):
    what = content(random.Random(1), odd=False)
    names = [*order, *(name for name in what if name not in order)]
    ordered = {name: what[name] for name in names}
    expected = whole(tmp_path, what)
    same(table_of(tmp_path, ordered), expected)
    same(
        table_of(tmp_path, {**ordered, "more": {"categories": [{"id": 1, "name": "x"}]}}), expected
    )
    same(table_of(tmp_path, {**ordered, "more": {"categories": 5}}), expected)


@pytest.mark.parametrize("has_objects", [False, True])
def test_the_category_that_names_a_group_is_left_out_if_it_has_no_objects(
    tmp_path, whole, has_objects
):
    what = content(random.Random(5))
    what["categories"].insert(0, {"id": 0, "name": "}, {", "supercategory": "none"})
    if has_objects:
        what["annotations"][-1]["category_id"] = "0"
    table = table_of(tmp_path, what)
    same(table, whole(tmp_path, what))
    assert table.meta["group"] == (None if has_objects else "}, {")
    assert [entry["id"] for entry in table.meta["categories"]] == [0] * has_objects + [9, 2, 5]
    assert table_of(tmp_path, what, classes=["}, {"]).meta["group"] is None


def test_numbers_beyond_64_bits_are_ids(tmp_path):
    what = content(random.Random(2), odd=False)
    key = 10**30 + 1
    what["images"][3]["id"] = key
    what["annotations"][5]["image_id"] = key
    for entry in what["annotations"]:
        if entry["image_id"] == 21:
            entry["image_id"] = 0
    table = table_of(tmp_path, what)
    assert table.ids[3] == str(key)
    assert table.starts[4] - table.starts[3] == 1


def test_errors_are_those_of_a_whole_file(tmp_path):
    what = content(random.Random(3))
    text = json.dumps(what)
    with pytest.raises(DataError, match=r"not valid JSON[\s\S]*a\.json"):
        table_of(tmp_path, text[:-1])
    what["annotations"][0]["image_id"] = 999
    with pytest.raises(DataError, match=r"not valid JSON"):  # though the former comes first
        table_of(tmp_path, json.dumps(what)[:-1])
    what["annotations"][7] = [5]
    with pytest.raises(DataError, match=r"no object[\s\S]*annotations\[7\]"):
        table_of(tmp_path, what)


def test_every_field_of_a_table_is_filled(tmp_path):
    table = table_of(tmp_path, content(random.Random(4)))
    empty = {part.name for part in fields(table) if getattr(table, part.name) is None}
    assert empty == {"numbers", "keypoints", "file"}
