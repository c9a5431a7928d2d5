import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.metrics import MAE, MSE, Accuracy, CrossEntropy, FunctionMetric, Mean, TopK, as_metric

SCORES = np.float32([[0.7, 0.3], [0.2, 0.8], [0.6, 0.4], [0.1, 0.9], [0.9, 0.1]])
LABELS = np.float32([0, 1, 1, 0, 0])
IDS = list("abcde")


def batch(metric, cuts=()):
    edges = [0, *cuts, 5]
    for first, last in zip(edges, edges[1:]):
        metric.update(SCORES[first:last], LABELS[first:last], IDS[first:last])
    return metric


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        ("accuracy", Accuracy),
        ("acc", Accuracy),
        ("mae", MAE),
        ("MSE", MSE),
        ("top_k_accuracy", TopK),
        ("ce", CrossEntropy),
        ("loss", Mean),
        (Accuracy(), Accuracy),
        (Accuracy, Accuracy),
        (lambda label, pred: 0.0, FunctionMetric),
    ],
)
def test_as_metric(thing, kind):
    metric = as_metric(thing)
    assert type(metric) is kind
    assert metric.primary in metric.compute()


@pytest.mark.parametrize(
    "make",
    [
        *(lambda mx, name=name: name for name in ("f1", "mcc", "pcc", "perplexity")),
        lambda mx: mx.metric.Accuracy(),
        lambda mx: mx.metric.Accuracy,
        lambda mx: mx.metric.np(lambda label, pred: 0.0),
    ],
)
def test_metrics_of_mxnet(mx, make):
    metric = as_metric(make(mx))
    assert type(metric) is df.interop.LegacyMetric
    assert metric.primary in metric.compute()


@pytest.mark.mxnet
def test_f1_by_name_is_of_the_whole_dataset():
    whole, parts = batch(as_metric("f1")), batch(as_metric("f1"), cuts=(1, 4))
    assert whole.compute() == parts.compute()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("acuracy", "'accuracy'"),
        ("maee", "'mae'"),
        pytest.param("perplexty", "'perplexity'", marks=pytest.mark.mxnet),
    ],
)
def test_an_unknown_name_gets_the_nearest(name, hint):
    with pytest.raises(ConfigError, match=f"did you mean {hint}"):
        as_metric(name)


def test_what_is_no_metric():
    with pytest.raises(ConfigError, match="not a metric"):
        as_metric(3)


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("mIoU", "ConfusionMatrix(classes=...)"),
        ("MIOU", "ConfusionMatrix(classes=...)"),
        ("miou", "ConfusionMatrix(classes=...)"),
        ("voc_ap", "VOCAveragePrecision(classes=...)"),
        ("COCO_AP", "COCOAveragePrecision(classes=...)"),
    ],
)
def test_a_name_that_needs_settings(name, fix):
    with pytest.raises(ConfigError, match="needs settings") as caught:
        as_metric(name)
    assert caught.value.fix == f"give the object: {fix}"
