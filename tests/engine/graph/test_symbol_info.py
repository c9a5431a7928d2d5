"""Labels and randomness by the operators of a graph."""

from densefit.backend import mx
from densefit.engine.graph.symbol_info import draws_at_random, forward_graph, loss_labels
from densefit.model.symbol_graph import SymbolGraph


def forward(symbol, outputs):
    return forward_graph(SymbolGraph.of(symbol), outputs).symbol


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
    assert sorted(loss_labels(SymbolGraph.of(every_loss()))) == sorted(expected)


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
    assert loss_labels(SymbolGraph.of(symbol)) == ["y", "z"]


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
    own = forward(symbol, ["svm", "softmax"])
    assert own.list_arguments() == ["data", "svm_unread_label", "softmax_unread_label"]
    assert own.list_outputs() == ["svm_output", "softmax_output"]
    assert forward(symbol, ["loss_loss", "softmax"]).list_arguments() == [
        *("data", "other", "softmax_unread_label")
    ]
    assert forward(symbol, ["seen"]).list_arguments() == ["label"]
    _, (shape,), _ = forward(symbol, ["svm"]).infer_shape(data=(4, 3))
    assert shape == (4, 3)


def test_randomness():
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3)
    drawn = [mx.sym.Dropout(x), x + mx.sym.random_normal(shape=(1, 3))]
    assert [draws_at_random(SymbolGraph.of(symbol)) for symbol in [x, *drawn]] == [
        *(False, True, True)
    ]
