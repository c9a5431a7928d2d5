"""Where MXNET_EXEC_INPLACE_GRAD_SUM_CAP is in reach, wrong gradients are an error, not silent."""

import os
import sys

import pytest

import densefit as df
from densefit.backend import GRADIENT_SUM_CAP, mx
from densefit.engine.mxnet.graph.gradient_probe import (
    adds_in_place,
    check_gradient_sums,
    gradients_meeting,
)
from densefit.model.symbol_graph import SymbolGraph
from tests import forked

TRAIN = """
import sys
import numpy as np
import densefit as df
from densefit.backend import mx
x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, name="fc")
read = [mx.sym.clip(x, a_min=-number, a_max=9) for number in range({count})]
loss = mx.sym.MakeLoss(mx.sym.sum(mx.sym.add_n(*read), axis=1), name="loss")
data = mx.io.NDArrayIter(np.ones((4, 2), np.float32), batch_size=2)
for _ in range(2):
    df.fit(loss, data, heads={{"a": df.Route(["loss"], [])}}, epochs=1)
print("trained")
"""
BIND_FIRST = """
import numpy
numpy.bool = numpy.bool_
import mxnet as mx
x = mx.sym.Variable("x")
mx.sym.add_n(mx.sym.sin(x), mx.sym.cos(x)).simple_bind(mx.cpu(), x=(1,))
"""


def python(code, **environment):
    """What a fresh process writes to (stdout, stderr), without this one's settings of MXNet."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MXNET_")}
    kept.update(OMP_NUM_THREADS="1", PYTHONPATH=os.pathsep.join(sys.path))
    done = forked.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300,
        env={**kept, **environment}, forget=["densefit"],
    )  # fmt: skip
    return done.stdout, done.stderr


def test_many_meeting_gradients_are_trained_by_default():
    out, log = python(TRAIN.format(count=20))
    assert out == "trained\n"
    assert "gradients" not in log


def test_a_user_s_setting_that_trains_wrongly_is_an_error():
    out, log = python(TRAIN.format(count=8), **{GRADIENT_SUM_CAP: "8"})
    assert out == ""
    assert "EngineError: MXNet would compute wrong gradients" in log
    assert "expected: fewer than 8 gradients" in log
    assert "received: up to 8" in log
    assert "where:    the output of 'fc'" in log
    assert f"fix:      unset {GRADIENT_SUM_CAP}, which is 8, and start a new process" in log


def test_so_is_a_graph_that_was_bound_before_densefit_was_imported():
    out, log = python(BIND_FIRST + TRAIN.format(count=8))
    assert out == ""
    assert "EngineError: MXNet would compute wrong gradients" in log
    assert "fix:      import densefit before MXNet binds the first graph with gradients" in log


@pytest.mark.parametrize(
    ("before", "change", "environment"),
    [
        ("", "", {GRADIENT_SUM_CAP: "8"}),
        (BIND_FIRST, "", {}),
        ("", "read = [mx.sym.sin(x)] * 9", {GRADIENT_SUM_CAP: "2"}),
    ],
)
def test_a_network_that_is_trained_rightly_all_the_same_is_warned_of_once(
    before, change, environment
):
    code = TRAIN.format(count=7).replace("loss =", f"{change}\nloss =")
    out, log = python(before + code, **environment)
    assert out == "trained\n"
    assert log.count("This network is not affected") == 1


def test_the_setting_is_out_of_reach_in_this_process():
    assert not any(adds_in_place(count) for count in (2, 8, 100))


def two_heads():
    heads = [df.head("segmentation", classes=3), df.head("depth")]
    return df.Network("resnet18", heads, settings={"width": 8}).graph("train", (64, 64))


def meeting(symbol, names):
    return gradients_meeting(SymbolGraph.of(symbol), names)


def test_two_deeplab_heads_send_ten_gradients_to_the_trunk():
    symbol = two_heads()
    assert meeting(symbol, symbol.list_arguments()) == {"resnet18_layer4_1_out": 10}
    trained = [name for name in symbol.list_arguments() if name.startswith("segmentation")]
    assert meeting(symbol, trained) == {}  # the trunk is frozen


def test_what_sends_no_gradient_does_not_count():
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, name="fc")
    sent = mx.sym.MakeLoss(mx.sym.mean(x) + mx.sym.BlockGrad(mx.sym.clip(x, 0, 1)).mean())
    symbol = mx.sym.Group([sent, mx.sym.BlockGrad(mx.sym.mean(x, axis=0))])
    assert meeting(symbol, ["fc_weight"]) == {"fc": 1}
    check_gradient_sums(SymbolGraph.of(symbol), ["fc_weight"])
