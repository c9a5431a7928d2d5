import numpy as np
import pytest

from densefit.errors import ConfigError, DataError
from densefit.evaluation.update_metrics import compute_metrics, update_metrics
from densefit.metrics import MAE, MSE


class Adapter:
    """Reads a head's rows of the batch: its output, its label, and the ids of labelled samples."""

    def __init__(self, name, labelled=True):
        self.name, self.labelled = name, labelled

    def read(self, mode, outputs, batch):
        if outputs.get(self.name) is None:
            raise DataError(f"The output of {self.name!r} is not finite")
        ids = batch["ids"] if self.labelled else []
        return outputs[self.name][: len(ids)], batch["label"][: len(ids)], ids


BATCH = {"ids": ["a", "b"], "label": np.array([1.0, 2.0])}
OUTPUT = np.array([1.0, 4.0])


def test_labelled_heads_are_updated_and_returned():
    adapters = {"age": Adapter("age"), "height": Adapter("height", labelled=False)}
    metrics = {"age": [MAE(), MSE()], "height": [MAE()]}
    outputs = {"age": OUTPUT, "height": OUTPUT}
    assert update_metrics(metrics, adapters, "evaluate", outputs, BATCH) == {"age"}
    scores = compute_metrics(metrics)
    assert scores.pop("height/mae") != scores["age/mae"]  # nan: nothing was counted
    assert scores == {"age/mae": 1.0, "age/mse": 2.0}


def test_a_head_that_cannot_be_read_leaves_all_metrics_unchanged():
    adapters = {"age": Adapter("age"), "height": Adapter("height")}
    metrics = {"age": [MAE()], "height": [MAE()]}
    with pytest.raises(DataError, match="'height' is not finite"):
        update_metrics(metrics, adapters, "train", {"age": OUTPUT, "height": None}, BATCH)
    assert metrics["age"][0].count == 0


def test_an_error_of_a_metric_names_the_head():
    outputs = {"age": np.zeros((2, 3))}
    with pytest.raises(DataError, match="head age, metric MAE"):
        update_metrics({"age": [MAE()]}, {"age": Adapter("age")}, "train", outputs, BATCH)


def test_names_of_a_head_must_differ():
    with pytest.raises(ConfigError, match="Two metrics of the head 'age' are called 'mae'"):
        compute_metrics({"age": [MAE(), MAE()]})
    assert set(compute_metrics({"age": [MAE()], "height": [MAE()]})) == {"age/mae", "height/mae"}
