import json

import cv2
import numpy as np
import pytest

from densefit.errors import DataError
from densefit.tools.formats.panoptic_files import (
    read_ids,
    read_panoptic_results,
    read_panoptic_truth,
)

IDS = np.array([[0, 7, 7], [70_000, 300, 300]])
CATEGORIES = [
    {"id": 9, "name": "sky", "isthing": 0},
    {"id": 2, "name": "cat", "isthing": 1},
    {"id": 4, "name": "dog", "isthing": 1},
]


def write_ids(path, ids=IDS):
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), np.dstack([ids >> 16, ids >> 8 & 255, ids & 255]).astype(np.uint8))


def segment(key, category=2, **more):
    return {"id": key, "category_id": category, **more}


def record(image=5, *segments, **changes):
    found = list(segments) or [segment(7), segment(300, 9), segment(70_000, 4, iscrowd=1)]
    return {"image_id": image, "file_name": f"{image}.png", "segments_info": found, **changes}


@pytest.fixture
def read(tmp_path):
    def parse(*records, categories=CATEGORIES, **more):
        (tmp_path / "gt").mkdir(exist_ok=True)
        for one in records:
            write_ids(tmp_path / "gt" / str(one.get("file_name") or "none.png"))
        content = {"annotations": list(records), "categories": categories, **more}
        (tmp_path / "gt.json").write_text(json.dumps(content))
        return read_panoptic_truth(tmp_path / "gt.json")

    return parse


def test_segments_as_the_metric_takes_them(read):
    truth = read(record("a"), record(5))
    assert (truth.classes, truth.things) == (["cat", "dog", "sky"], ["cat", "dog"])
    assert dict(truth.segments.index_by_id) == {"a": 0, 5: 1}
    found = truth.segments.read(1, truth.labels)
    np.testing.assert_array_equal(found["map"], IDS)
    assert found["ids"].tolist() == [7, 300, 70_000]
    assert found["classes"].tolist() == [0, 2, 1]
    assert found["crowd"].tolist() == [False, False, True]


def test_photographs_have_the_names_in_images(read):
    truth = read(record(1), record(2), images=[{"id": 1, "file_name": "x/one.jpg"}])
    assert truth.pictures == {1: "x/one.jpg", 2: "2.png"}


def test_folders_can_be_named(read, tmp_path):
    read(record(1))
    (tmp_path / "gt").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"no folder[\s\S]*--truth-dir"):
        read_panoptic_truth(tmp_path / "gt.json")
    read_panoptic_truth(tmp_path / "gt.json", tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("segments", "said"),
    [
        ([segment(7), segment(7)], r"same id[\s\S]*7"),
        ([segment(7), segment(0)], "1 or more"),
        ([segment(7), segment(1 << 24)], "no usable id"),
        ([segment(7), segment(1.5)], "no usable id"),
        ([segment(7), {"id": 5}], "has no category_id"),
        ([segment(7), segment(5, 3)], "category_id is no category of the annotations"),
    ],
)
def test_a_broken_segment_is_named(read, segments, said):
    truth = read(record(5), record(6, *segments))
    with pytest.raises(DataError, match=said) as caught:
        truth.segments.read(1, truth.labels)
    assert str(caught.value.where).endswith("gt.json, annotations[1].segments_info[1]")


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], "no annotations"),
        ([record(1), record(1)], r"same image[\s\S]*annotations\[1\]"),
        ([record(1), record(None)], r"no image_id[\s\S]*annotations\[1\]"),
        ([record(1), record(2, file_name=None)], r"no path[\s\S]*annotations\[1\]"),
        ([record(1), record(2, file_name="../x.png")], r"leads out[\s\S]*annotations\[1\]"),
    ],
)
def test_a_broken_record_is_named(read, records, said):
    with pytest.raises(DataError, match=said) as caught:
        read(*records)
    assert "gt.json" in str(caught.value)


def test_categories_are_things_or_stuff(read):
    with pytest.raises(DataError, match=r"neither thing nor stuff[\s\S]*categories\[0\]"):
        read(record(1), categories=[{"id": 1, "name": "sky"}])


def test_segments_info_must_be_a_list(read):
    truth = read(record(5, segments_info=None))
    with pytest.raises(DataError, match=r"annotations\[0\]\.segments_info are not a list"):
        truth.segments.read(0, truth.labels)


def test_other_files_are_told(tmp_path):
    path = tmp_path / "gt.json"
    for content, said in (([], "a list"), ({"annotations": []}, "annotations, categories")):
        path.write_text(json.dumps(content))
        with pytest.raises(DataError, match=said):
            read_panoptic_truth(path)


def test_results_must_have_all_images(read, tmp_path):
    truth = read(record(1), record(2))
    (tmp_path / "dt").mkdir()
    (tmp_path / "dt.json").write_text(json.dumps({"annotations": [record(3), record(1)]}))
    with pytest.raises(DataError, match=r"1 of 2 images[\s\S]*image_id 2[\s\S]*dt\.json"):
        read_panoptic_results(tmp_path / "dt.json", truth)
    everything = {"annotations": [record(key) for key in (3, 2, 1)]}
    (tmp_path / "dt.json").write_text(json.dumps(everything))
    found, extra = read_panoptic_results(tmp_path / "dt.json", truth)
    assert (extra, found.png(1)) == (1, tmp_path / "dt" / "2.png")


def test_pictures_that_hold_no_ids(tmp_path):
    path = tmp_path / "a.png"
    write_ids(path)
    np.testing.assert_array_equal(read_ids(path), IDS)
    with pytest.raises(DataError, match=r"gone\.png"):
        read_ids(tmp_path / "gone.png")
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"empty[\s\S]*a\.png"):
        read_ids(path)
    for image, said in (
        (np.zeros((4, 4), np.uint8), "grey one"),
        (np.zeros((4, 4, 3), np.uint16), "no segment ids"),
    ):
        cv2.imwrite(str(path), image)
        with pytest.raises(DataError, match=rf"{said}[\s\S]*a\.png"):
            read_ids(path)
    cv2.imwrite(str(tmp_path / "b.jpg"), np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "b.jpg").rename(path)
    with pytest.raises(DataError, match=r"losses[\s\S]*a\.png"):
        read_ids(path)


def test_results_that_name_categories_are_read_by_these(read, tmp_path):
    truth = read(record(1))
    own = [{"id": 1, "name": "dog"}, {"id": 2, "name": "sky"}, {"id": 3, "name": "cat"}]
    own.append({"id": 4, "name": "cow"})
    segments = [segment(7, 3), segment(300, 2), segment(70_000, 1)]
    write_ids(tmp_path / "dt" / "1.png")
    for categories, wanted in ((own, [0, 2, 1]), (None, None)):
        content = {"annotations": [record(1, *segments)], "categories": categories}
        (tmp_path / "dt.json").write_text(json.dumps(content))
        found, _ = read_panoptic_results(tmp_path / "dt.json", truth)
        if wanted is None:
            with pytest.raises(DataError, match="category of the annotations"):
                found.read(0, truth.labels)
        else:
            assert found.read(0, truth.labels)["classes"].tolist() == wanted
    content = {"annotations": [record(1, segment(7, 4))], "categories": own}
    (tmp_path / "dt.json").write_text(json.dumps(content))
    found, _ = read_panoptic_results(tmp_path / "dt.json", truth)
    with pytest.raises(DataError, match="category of the annotations"):
        found.read(0, truth.labels)
