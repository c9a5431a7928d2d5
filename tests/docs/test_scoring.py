"""What docs/scoring.md says, by trying it."""

import inspect
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

import densefit as df
from densefit.data.loader.views import Views
from densefit.symbol import sym
from densefit.tools import score
from densefit.tools.report import worst
from densefit.tools.scoring.score_masks import MaskScoring
from tests.rows import iterator_of_arrays

ROOT = Path(__file__).parents[2]
TEXT = " ".join((ROOT / "docs" / "scoring.md").read_text().split())


def default(function, name):
    return inspect.signature(function).parameters[name].default


def test_the_figures_are_those_of_the_code():
    shown = re.search(r"(\d+) by default; up to (\d+) are drawn", TEXT)
    assert shown.groups() == (str(MaskScoring.worst), str(worst._DRAWN))
    multiple = default(df.Loader.original_size, "multiple")
    assert f"to a multiple of {multiple} pixels" in TEXT
    windows = Views(fit="original", overlap=0.999).of(
        df.Sample("a", np.zeros((512, 515, 3), np.uint8), {}), (512, 512)
    )
    assert "above 1 - 1/512 of windows of 512 pixels" in TEXT
    assert [view.corner[1] for _, view in windows] == [0, 1, 2, 3]


def test_an_earlier_report_is_overwritten_and_not_removed(tmp_path, capsys):
    for folder in ("t", "p"):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "a.png"), np.eye(4, dtype=np.uint8))
    out = tmp_path / "out"
    out.mkdir()
    for name in ("detection_classes.csv", "scores.json"):
        (out / name).write_text("earlier")
    arguments = ["--truth", str(tmp_path / "t"), "--predicted", str(tmp_path / "p")]
    arguments += ["--classes", "2", "--out", str(out), "--worst", "0"]
    assert score.main(["masks", *arguments]) == 0
    assert (out / "detection_classes.csv").read_text() == "earlier"
    assert '"mIoU": 1.0' in (out / "scores.json").read_text()
    assert "absent_classes" in (out / "scores.json").read_text()
    assert "absent_classes" not in capsys.readouterr().out


@pytest.mark.mxnet
def test_the_number_of_cached_executors_is_that_of_the_code():
    from densefit.engine.mxnet.evaluation.evaluator import ExecutorEvaluator

    assert f"The last {default(ExecutorEvaluator, 'limit')} are cached" in TEXT


@pytest.mark.parametrize(
    "splits",
    [((1, 1), (53, 1)), pytest.param(((16, 2), (8, 4)), marks=pytest.mark.mxnet)],
    ids=["batches", "devices"],
)
def test_scores_of_other_batches_and_devices_differ_by_rounding_alone(splits):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(53, 3, 16, 16)), rng.integers(0, 10, 53)
    symbol = sym.Convolution(sym.Variable("data"), num_filter=24, kernel=(3, 3), name="c")
    symbol = sym.FullyConnected(sym.Activation(symbol, act_type="relu"), num_hidden=10)
    symbol = sym.SoftmaxOutput(symbol, name="softmax")
    shapes = symbol.infer_shape(data=(1, 3, 16, 16))[0]
    values = {
        name: rng.normal(scale=0.05, size=shape)
        for name, shape in zip(symbol.list_arguments(), shapes)
        if name not in ("data", "softmax_label")
    }
    routes = {"kind": df.Route(["softmax"], ["softmax_label"], ["ce", "accuracy"])}
    network = df.Network(symbol=symbol, routes=routes)
    network.set_params(values)

    def scored(size, devices):
        data = iterator_of_arrays(x.astype(np.float32), y.astype(np.float32), size)
        return df.score(network, data, devices=[f"cpu:{number}" for number in range(devices)])

    first = scored(8, 1)
    assert scored(8, 1) == first
    for size, devices in splits:
        other = scored(size, devices)
        assert other["kind/accuracy"] == first["kind/accuracy"]
        assert other["kind/cross_entropy"] == pytest.approx(first["kind/cross_entropy"], abs=1e-6)
