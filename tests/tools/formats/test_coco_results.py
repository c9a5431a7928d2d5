import json

import pytest

from densefit.errors import DataError
from densefit.tools.formats.coco_results import read_results
from densefit.tools.formats.coco_truth import read_truth

GT = {
    "images": [{"id": 9, "height": 40, "width": 50}, {"id": 7, "height": 40, "width": 50}],
    "annotations": [],
    "categories": [{"id": 3, "name": "cat", "keypoints": ["nose", "tail"]}],
}
MASK = {"size": [40, 50], "counts": [100, 30, 1870]}
SHAPES = {
    "bbox": {"bbox": [1, 2, 30.5, 10]},
    "segm": {"segmentation": MASK},
    "keypoints": {"keypoints": [1, 2, 0.9, 5, 8, 0.1]},
}


def found(kind="bbox", **changes):
    own = {"image_id": 7, "category_id": 3, "score": 0.5, **SHAPES[kind], **changes}
    return {key: value for key, value in own.items() if value != "left out"}


@pytest.fixture
def read(tmp_path):
    def parse(what, kind="bbox"):
        (tmp_path / "gt.json").write_text(json.dumps(GT))
        (tmp_path / "dt.json").write_text(json.dumps(what))
        return read_results(tmp_path / "dt.json", read_truth(tmp_path / "gt.json", kind), kind)

    return parse


def test_rows_go_to_their_pictures_in_order(read):
    results = read([found(score=0.1), found(image_id=9), found(score=1)])
    assert results.count == 3
    assert [one["scores"].tolist() for one in results.predictions] == [[0.5], [0.1, 1.0]]
    assert results.predictions[0]["bbox"].tolist() == [[1, 2, 30.5, 10]]
    assert read([]).predictions[0]["bbox"].shape == (0, 4)


def test_a_list_may_be_in_an_object(read):
    assert read({"annotations": [found()], "info": {}}).count == 1


def test_masks_and_keypoints(read):
    (mask,) = read([found("segm")], "segm").predictions[1]["masks"]
    assert mask["size"] == [40, 50]
    points = read([found("keypoints")], "keypoints").predictions[1]["keypoints"]
    assert points.tolist() == [[[1, 2, 0.9], [5, 8, 0.1]]]


@pytest.mark.parametrize("kind", ["segm", "keypoints"])
def test_the_area_of_a_bbox_counts_where_there_is_one(read, kind):
    results = read([found(kind, bbox=[0, 0, 4, 5])], kind)
    assert results.predictions[1]["area"].tolist() == [20]
    assert "as in pycocotools" in results.notes[0]
    plain = read([found(kind)], kind)
    assert "area" not in plain.predictions[1]
    assert plain.notes == []


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"image_id": 8}, "bbox", r"no image of .*gt\.json[\s\S]*1 of 2 records"),
        ({"image_id": "7"}, "bbox", "'7' is not 7"),
        ({"image_id": 7.5}, "bbox", "image_id is not usable"),
        ({"category_id": 1}, "bbox", r"no category of .*gt\.json"),
        ({"category_id": "left out"}, "bbox", "no category_id"),
        ({"score": "left out"}, "bbox", "no score"),
        ({"score": "0.5"}, "bbox", "score is not usable"),
        ({"score": float("nan")}, "bbox", "score is not usable"),
        ({"bbox": "left out"}, "bbox", "no bbox"),
        ({"bbox": [1, 2, 3, -1]}, "bbox", "negative size"),
        ({"bbox": [1, 2, 3, float("inf")]}, "bbox", "4 finite numbers"),
        ({"segmentation": {"size": [50, 40], "counts": [2000]}}, "segm", "size of its image"),
        ({"segmentation": "left out"}, "segm", "no segmentation"),
        ({"keypoints": [1, 2, 3]}, "keypoints", "6 finite numbers"),
    ],
)
def test_a_broken_record_is_named(read, changes, kind, said):
    with pytest.raises(DataError, match=said) as caught:
        read([found(kind), found(kind, **changes)], kind)
    assert str(caught.value.where).endswith("dt.json, results[1]")


def test_results_of_another_kind_are_told(read):
    with pytest.raises(DataError, match=r"no segmentation[\s\S]*results\[0\][\s\S]*type bbox"):
        read([found("bbox")], "segm")
    with pytest.raises(DataError, match=r"no bbox[\s\S]*--iou-type segm"):
        read([found("segm")], "bbox")
    with pytest.raises(DataError, match="no keypoints"):
        read([{}], "keypoints")


@pytest.mark.parametrize("what", [{}, {"annotations": 3}, 5, [[1]]])
def test_a_file_of_something_else_is_told(read, what):
    with pytest.raises(DataError, match=r"dt\.json"):
        read(what)


@pytest.mark.parametrize("empty", [None, []])
def test_an_empty_mask_in_the_first_record_is_its_own_mistake(read, empty):
    with pytest.raises(DataError, match=r"(?s)A record has no segmentation.*dt\.json.*\[0\]"):
        read([found("segm", segmentation=empty), found("segm")], "segm")
