"""An mx.mon.Monitor prints what it prints under Module.fit."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx


def symbol():
    """With a BatchNorm and a ReLU that densefit joins where nobody looks inside."""
    x = mx.sym.Variable("data")
    for name in ("conv1", "conv2"):
        x = mx.sym.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=16, name=name)
    x = mx.sym.BatchNorm(x, fix_gamma=False, name="bn")
    x = mx.sym.Activation(x, act_type="relu", name="act")
    x = mx.sym.FullyConnected(x, num_hidden=3, name="fc")
    return mx.sym.SoftmaxOutput(x, name="kind")


def data(length=12):
    x = np.random.default_rng(1).normal(size=(length, 3, 8, 8)).astype(np.float32)
    return mx.io.NDArrayIter({"data": x}, {"kind_label": np.arange(length) % 3}, 4)


def known(lines):
    # The gradient of the label is never computed: what is read there is any memory.
    return [line for line in lines if "kind_backward_output1" not in line]


@pytest.mark.parametrize(
    "settings",
    [
        {"interval": 1, "sort": True},
        {"interval": 2, "pattern": ".*weight|.*output"},
        {"interval": 3, "stat_func": lambda x: x.max()},
        {"interval": 1, "monitor_all": True},
    ],
)
def test_lines_are_those_of_module_fit(train_both, settings):
    theirs, ours = train_both(
        symbol(), data, {"kind": df.Route(["kind"], ["kind_label"])},
        lambda: {"monitor": mx.mon.Monitor(**settings), "eval_metric": "acc"}, validate=False,
    )  # fmt: skip
    assert any("act_output" in line for line in ours.lines)
    assert known(ours.lines) == known(theirs.lines)


def test_one_print_an_update_of_several_micro_batches(logged):
    monitor = mx.mon.Monitor(1, pattern="fc_output")
    with logged() as log:
        df.fit(
            symbol(), data(16), heads={"kind": df.Route(["kind"], ["kind_label"])}, epochs=1,
            accumulate=2, monitor=monitor,
        )  # fmt: skip
    assert [line.split()[:3] for line in log.lines if line.startswith("Batch")] == [
        ["Batch:", number, "fc_output"] for number in "1122"
    ]
