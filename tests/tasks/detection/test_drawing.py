import numpy as np

from densefit.tasks.detection.drawing import draw_true_boxes
from densefit.visualize.drawing import draw_boxes


def test_crowds_and_difficult_boxes_say_so():
    image = np.zeros((80, 200, 3), np.uint8)
    boxes = np.array([[5, 30, 50, 70], [70, 30, 110, 70], [130, 30, 170, 70]], np.float32)
    truth = {
        "boxes": boxes,
        "classes": np.array([0, 1, 0]),
        "crowd": np.array([True, False, False]),
        "difficult": np.array([True, True, False]),  # a crowd is called a crowd
    }
    expected = draw_boxes(image, boxes[:1], np.array([0]), ["a crowd", "b crowd"])
    expected = draw_boxes(expected, boxes[1:2], np.array([1]), ["a difficult", "b difficult"])
    expected = draw_boxes(expected, boxes[2:], np.array([0]), ["a", "b"])
    np.testing.assert_array_equal(draw_true_boxes(image, truth, ["a", "b"]), expected)
    assert not image.any()
