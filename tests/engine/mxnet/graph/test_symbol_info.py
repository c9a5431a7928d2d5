"""What symbols say of themselves."""

import pytest

from densefit.backend import mx
from densefit.engine.mxnet.graph.symbol_info import forward_graph, infer_shapes, loss_labels
from densefit.errors import BindError


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


def test_a_label_may_be_reshaped_on_its_way_and_a_teacher_is_none():
    """What a loss layer's label is computed from by other parameters is no label."""
    x, y = mx.sym.Variable("data"), mx.sym.Variable("y")
    teacher = mx.sym.FullyConnected(x, num_hidden=3, name="teacher")
    symbol = mx.sym.Group(
        [
            mx.sym.SoftmaxOutput(x, mx.sym.Reshape(mx.sym.cast(y, "float32"), shape=(-1,))),
            mx.sym.LinearRegressionOutput(x, teacher),
            mx.sym.softmax_cross_entropy(x, mx.sym.Variable("z")),
        ]
    )
    assert loss_labels(symbol) == ["y", "z"]


def test_a_forward_graph_reads_labels_only_where_they_compute():
    x, label = mx.sym.Variable("data"), mx.sym.Variable("label")
    symbol = mx.sym.Group(
        [
            mx.sym.SoftmaxOutput(x, label, name="softmax"),
            mx.sym.make_loss(mx.sym.square(x - mx.sym.Variable("other")), name="loss"),
            mx.sym.SVMOutput(x, label, name="svm"),
            mx.sym.BlockGrad(label, name="seen"),
        ]
    )
    own = forward_graph(symbol, ["svm", "softmax"])
    assert own.list_arguments() == ["data", "svm_unread_label", "softmax_unread_label"]
    assert own.list_outputs() == ["svm_output", "softmax_output"]
    assert forward_graph(symbol, ["loss_loss", "softmax"]).list_arguments() == [
        *("data", "other", "softmax_unread_label")
    ]
    assert forward_graph(symbol, ["seen"]).list_arguments() == ["label"]
    _, (shape,), _ = forward_graph(symbol, ["svm"]).infer_shape(data=(4, 3))
    assert shape == (4, 3)


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
