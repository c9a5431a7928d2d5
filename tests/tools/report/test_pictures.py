"""Truth and prediction in the size in which they are drawn."""

import tracemalloc
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

import densefit as df
from densefit.metrics import VOCAveragePrecision
from densefit.tools.report.pictures import (
    choose_thresholds,
    draws_any_size,
    resized,
    truth_and_prediction,
    write_image,
)


class Painter:
    """Paints truth green and predictions red."""

    def ground_truth(self, targets):
        return targets.get("known")

    def draw_truth(self, image, truth):
        return np.full_like(image, (0, 255, 0))

    def draw(self, image, prediction):
        return np.full_like(image, (255, 0, 0))

    draw_both = df.Head.draw_both


def test_the_truth_comes_first_and_is_bare_where_unknown():
    image = np.full((4, 6, 3), 7, np.uint8)
    left, right = truth_and_prediction(Painter(), image, {"known": 1}, None, 4, 9)
    assert (left == (0, 255, 0)).all()
    assert (right == (255, 0, 0)).all()
    left, right = truth_and_prediction(Painter(), image, {}, None, 4, 9)
    assert (left == 7).all()
    assert (right == (255, 0, 0)).all()


class Sized(Painter):
    """Draws what it is given."""

    resizable = True

    def draw(self, image, prediction):
        return np.where(prediction[..., None] > 0, 255, image).astype(np.uint8)


class Changed(Sized):
    def draw(self, image, prediction):
        return image


def test_who_draws_otherwise_says_anew_whether_any_size_will_do():
    assert [draws_any_size(kind()) for kind in (Painter, Sized, Changed)] == [False, True, False]


@pytest.mark.parametrize("size", [(2000, 3000), (8, 8), (3, 4000), (100, 120)])
def test_heads_draw_in_the_size_that_is_shown(size):
    image, mask = np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8)
    mask[:, : size[1] // 2] = 1
    left, right = truth_and_prediction(Sized(), image, {}, mask)
    assert left.shape == right.shape == resized(image, 320, 480).shape
    assert 16 <= max(right.shape) <= 480
    assert right.mean() == pytest.approx(127.5, rel=0.02)
    np.testing.assert_array_equal(right, truth_and_prediction(Changed(), right, {}, 0)[1])


def test_a_drawing_costs_what_it_shows():
    """A picture that is lent, not copied: what is drawn of it is as large as what is shown."""
    image = np.broadcast_to(np.uint8(7), (20000, 20000, 3))
    mask = np.broadcast_to(np.uint8(1), (20000, 20000))
    fitted_image = np.full((480, 480, 3), 7, np.uint8)
    tracemalloc.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cv2, "resize", lambda *given, **named: fitted_image)
            _, right = truth_and_prediction(Sized(), image, {}, mask)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (right == 255).all()
    assert peak < 20 << 20


def test_a_file_is_no_larger_than_asked_for(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    for most in (None, 1 << 20, 100_000, 20_000):
        write_image(tmp_path / "a" / "noise.png", noise, most)
        size = (tmp_path / "a" / "noise.png").stat().st_size
        assert most is None or size <= most
        shape = cv2.imread(str(tmp_path / "a" / "noise.png")).shape
        assert (shape == noise.shape) is (most in (None, 1 << 20))
        assert shape[1] / shape[0] == pytest.approx(4 / 3, rel=0.02)


def test_heads_draw_from_the_score_of_the_highest_f1_unless_told():
    heads = [
        df.head("detection", classes=["a"], name="chosen"),
        df.head("detection", classes=["a"], name="told", draw_threshold=0.4),
        df.head("keypoints", classes=["a"], keypoints=["x", "y"], name="other"),
        df.head("classification", classes=2, name="kind"),
        df.head("instance", classes=["a"], name="masks"),
        df.head("instance", classes=["a"], name="mine", detection={"draw_threshold": 0.5}),
    ]
    metric = VOCAveragePrecision(["a"])
    true = {"boxes": [[0, 0, 9, 9], [20, 0, 29, 9]], "classes": [0, 0]}
    wrong = [[50, 50, 60, 60]] * 9
    found = {
        "boxes": [*true["boxes"], *wrong],
        "classes": [0] * 11,
        "scores": [0.25, 0.125, *np.linspace(0.1, 0.01, 9)],
    }
    metric.update([found], [true], ["1"])
    network = SimpleNamespace(heads=heads)
    metrics = {head.name: [metric] for head in (*heads[:2], *heads[4:])}
    assert choose_thresholds(network, metrics) == {"chosen": 0.125, "masks": 0.125}
    assert [head.detector.draw_threshold for head in heads[4:]] == [0.125, 0.5]
    assert [head.draw_threshold for head in heads[:3]] == [0.125, 0.4, 0.3]


@pytest.mark.parametrize("task", ["detection", "keypoints"])
def test_a_picture_without_sure_detections_says_how_sure_they_are(task):
    more = {"keypoints": ["x", "y"]} if task == "keypoints" else {}
    head = df.head(task, classes=["a"], draw_threshold=0.4, **more)
    image = np.full((200, 300, 3), 128, np.uint8)
    found = {
        "boxes": np.tile(np.float32([10, 100, 90, 190]), (100, 1)),
        "scores": np.linspace(0.39, 0, 100),
        "classes": np.zeros(100, int),
        "keypoints": np.ones((100, 2, 3)),
    }
    drawn = head.draw(image, found)
    assert (drawn[:20] != 128).any()
    assert (drawn[60:] == 128).all()
    none = {key: value[:0] for key, value in found.items()}
    np.testing.assert_array_equal(head.draw(image, none), image)
