import logging

import numpy as np
import pytest

from densefit.data.classes.label_weights import label_weights
from densefit.data.sample import Sample
from densefit.errors import DataError
from densefit.model.heads.head import head

HEAD = head("classification", classes=["a", "b", "c"])


class Labelled:
    """Samples of the labels given; None: without the target, "broken": unreadable."""

    classes = label_classes = ["a", "b", "c"]

    def __init__(self, *labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        label = self.labels[index]
        if label == "broken":
            raise DataError("no picture", where=str(index))
        targets = {} if label is None else {"label": np.array(label, np.int64)}
        return Sample(str(index), np.zeros((4, 4, 3), np.uint8), targets)


class Annotated(Labelled):
    def annotations_of(self, index, size=None):
        return {"label": np.array(self.labels[index], np.int64)}

    def __getitem__(self, index):
        raise AssertionError("the image is read")


def test_median_over_own_number():
    dataset = Labelled(0, 0, 0, 0, 1, 1, 2, None, -1)
    np.testing.assert_allclose(label_weights(dataset, HEAD), [0.5, 1, 2])


def test_images_are_not_read_if_annotations_can_be():
    np.testing.assert_allclose(label_weights(Annotated(0, 1, 1, 2), HEAD), [1, 0.5, 1])


def test_a_class_without_images_has_no_weight(caplog):
    with caplog.at_level(logging.WARNING, "densefit"):
        weights = label_weights(Labelled(0, 0, 2), HEAD)
    np.testing.assert_allclose(weights, [0.75, 0, 1.5])
    assert "no image of b" in caplog.text


def test_what_is_broken_is_an_error_or_left_out():
    dataset = Labelled(0, 1, 2, "broken")
    with pytest.raises(DataError, match="no picture"):
        label_weights(dataset, HEAD)
    np.testing.assert_allclose(label_weights(dataset, HEAD, on_error="skip"), [1, 1, 1])


def test_without_any_label():
    with pytest.raises(DataError, match="No sample has a label"):
        label_weights(Labelled(None, -1), HEAD)
