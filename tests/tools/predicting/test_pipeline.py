import threading

import numpy as np
import pytest

from densefit.evaluation.predictor import Predicted
from densefit.tools.predicting.pipeline import Item, results


class Sums:
    """Predicts the sum of an image."""

    def __init__(self):
        self.batches = []

    def fit(self, image):
        return int(image.sum())

    def compute(self, images):
        self.batches.append(len(images))
        return [Predicted({"sum": image}, 1.0, 2.0) for image in images]


def items(count, broken=(), read=None):
    for number in range(count):
        if read is not None:
            read.append(number)
        image = None if number in broken else np.full((2, 2, 3), number, np.uint8)
        yield Item(f"{number}.jpg", f"{number}.jpg", lambda image=image: image)


@pytest.mark.parametrize("workers", [0, 3])
def test_results_are_in_order_without_what_is_broken(workers):
    predictor = Sums()
    found = list(results(items(11, broken=(0, 4)), predictor, workers, together=4))
    assert [result.predictions["sum"] for result in found] == [
        12 * number for number in range(11) if number not in (0, 4)
    ]
    assert predictor.batches == [4, 4, 1]
    assert found[0].item.key == "1.jpg"
    assert {**found[0].milliseconds, "decoding": 0} == {"decoding": 0, "network": 1, "after": 2}


def test_a_long_input_is_read_a_little_ahead():
    read = []
    stream = results(items(100, read=read), Sums(), workers=2, together=4)
    next(stream)
    assert len(read) <= 4 + (4 + 2) + 1
    stream.close()
    assert threading.active_count() < 50


def test_an_error_of_a_reader_is_raised():
    def broken():
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        list(results([Item("a", "a", broken)], Sums(), 2, 2))
