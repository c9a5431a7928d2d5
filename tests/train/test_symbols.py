"""What symbols say of themselves."""

import pytest

from densefit.backend import mx
from densefit.errors import BindError
from densefit.train.symbols import (
    GRADIENT_OPERATORS,
    infer_shapes,
    loss_labels,
    outputs_of,
    own_normalizations,
)


def every_loss():
    x = mx.sym.Variable("data")
    return mx.sym.Group(
        [
            mx.sym.SoftmaxOutput(x, name="softmax", normalization="valid"),
            mx.sym.LinearRegressionOutput(x, name="linear"),
            mx.sym.LogisticRegressionOutput(x, mx.sym.Variable("mine"), name="logistic"),
            mx.sym.MAERegressionOutput(x, name="mae"),
            mx.sym.SVMOutput(x, name="svm"),
            mx.sym.MakeLoss(x, name="loss", normalization="batch"),
            mx.sym.make_loss(x, name="small"),
            mx.sym.BlockGrad(x, name="seen"),
            mx.sym.SoftmaxOutput(x, label=mx.sym.identity(x), name="made"),
        ]
    )


def test_labels_that_only_losses_read():
    expected = ["softmax_label", "linear_label", "mine", "mae_label", "svm_label"]
    assert sorted(loss_labels(every_loss())) == sorted(expected)


def test_outputs_that_are_losses():
    found = outputs_of(every_loss(), GRADIENT_OPERATORS)
    losses = ["softmax", "linear", "logistic", "mae", "svm", "loss", "small_loss", "made"]
    assert found == losses


def test_own_normalizations():
    found = own_normalizations(every_loss())
    assert {name for name, kind in found.items() if kind == "mean"} == {"softmax", "loss"}


def test_shapes(tiny):
    known, outputs = infer_shapes(tiny.conv_bn(), {"data": (4, 2, 6, 6)}, ["kind"])
    assert known["conv_weight"] == (4, 2, 3, 3)
    assert known["conv_bn_moving_mean"] == (4,)
    assert known["kind_label"] == (4,)
    assert outputs == {"kind": (4, 3)}


def test_shapes_that_contradict_or_are_missing(tiny):
    with pytest.raises(BindError, match="(?s)do not fit.*head kind.*kind"):
        infer_shapes(tiny.kind(), {"data": (4, 6), "kind_label": (4, 9)}, ["kind"])
    with pytest.raises(BindError, match=r"(?s)Not every shape.*\['data'"):
        infer_shapes(tiny.kind(), {}, ["kind"])
