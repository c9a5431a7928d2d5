"""Boxes of several windows become one list."""

from functools import partial

import numpy as np

from densefit.data.loader.views import Views
from densefit.data.sample import Sample
from densefit.model.tta.view_merger import Predictions
from densefit.tasks.detection.merge import cut_off, merge_detections, suppress
from tests.executor import engine_array


def decode(outputs, geometries):
    rows = outputs["boxes"][0]
    return [
        {
            "boxes": geometries[0].boxes_to_original(rows[:, 2:]),
            "scores": rows[:, 1],
            "classes": rows[:, 0].astype(int),
        }
    ]


def seen(view, objects):
    """What a perfect detector finds in a window: the visible parts of at least 4 x 4 pixels."""
    rows = []
    for label, score, *box in objects:
        corners = view.matrix @ np.array([[box[0], box[2]], [box[1], box[3]], [1, 1]])
        x, y = np.sort(corners[0]).clip(0, view.input_size[1]), np.sort(corners[1])
        y = y.clip(0, view.input_size[0])
        if x[1] - x[0] >= 4 and y[1] - y[0] >= 4:
            rows.append([label, score, x[0], y[0], x[1], y[1]])
    return np.float32(rows).reshape(1, -1, 6)


def found(views, objects, size=(60, 90), window=(32, 32), limit=100, score=lambda view, row: row):
    merger = Predictions(decode, partial(merge_detections, iou=0.45, limit=limit))
    for _, view in views.of(Sample("a", np.zeros((*size, 3), np.uint8), {}), window):
        boxes = score(view, seen(view, objects))
        if boxes.size:
            merger.add({"boxes": engine_array(boxes)}, view)
    return merger.result()


OBJECTS = [(0, 0.9, 3, 4, 15, 20), (1, 0.8, 3, 4, 15, 20), (0, 0.7, 26, 30, 40, 44)]


def test_each_object_once_though_windows_cut_it():
    views = Views(fit="original", overlap=0.5, flip=True)
    result = found(views, OBJECTS)
    np.testing.assert_allclose(result["boxes"], [list(box[2:]) for box in OBJECTS], atol=1e-4)
    np.testing.assert_allclose(result["scores"], [0.9, 0.8, 0.7], rtol=1e-6)
    assert result["classes"].tolist() == [0, 1, 0]


def test_a_cut_box_gives_way_to_the_whole_one_even_with_a_higher_score():
    def score(view, rows):
        cut = cut_off(decode({"boxes": rows}, [view])[0]["boxes"], view)
        rows[0, cut, 1] = 0.99
        return rows

    result = found(Views(fit="original", overlap=0.5), OBJECTS[2:], score=score)
    np.testing.assert_allclose(result["boxes"], [OBJECTS[2][2:]], atol=1e-4)


def test_edges_of_the_image_cut_nothing_off():
    views = Views(fit="original", overlap=0.5)
    looks = views.of(Sample("a", np.zeros((32, 60, 3), np.uint8), {}), (32, 32))
    first, last = looks[0][1], looks[-1][1]
    boxes = np.array([[0, 0, 32, 32], [0, 0, 20, 32], [30, 0, 60, 32], [28, 0, 60, 32]])
    assert cut_off(boxes, first).tolist()[:2] == [True, False]
    assert cut_off(boxes, last).tolist()[2:] == [False, True]
    ((_, whole),) = Views().of(Sample("a", np.zeros((9, 9, 3), np.uint8), {}), (32, 32))
    assert not cut_off(np.array([[0, 0, 9, 9]]), whole).any()


def test_scores_decide_among_whole_boxes_within_a_class_only():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 10], [20, 0, 30, 10]])
    kept = suppress(
        boxes, np.array([0.5, 0.9, 0.7, 0.1]), np.array([0, 0, 1, 0]), np.zeros(4, bool), 0.45
    )
    assert kept.tolist() == [1, 2, 3]


def test_no_more_than_wanted():
    assert len(found(Views(fit="original"), OBJECTS, limit=2)["scores"]) == 2
