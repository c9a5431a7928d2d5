"""Labels and randomness by the operators of a graph."""

from densefit.engine.graph.symbol_info import draws_at_random, forward_graph, loss_labels
from densefit.model.symbol_graph import SymbolGraph
from densefit.symbol import sym


def forward(symbol, outputs):
    return forward_graph(SymbolGraph.of(symbol), outputs).symbol


def every_loss():
    x = sym.Variable("data")
    return sym.Group(
        [
            sym.SoftmaxOutput(x, name="softmax", normalization="valid"),
            sym.LinearRegressionOutput(x, name="linear"),
            sym.LogisticRegressionOutput(x, sym.Variable("mine"), name="logistic"),
            sym.MAERegressionOutput(x, name="mae"),
            sym.SVMOutput(x, name="svm"),
            sym.MakeLoss(x, name="loss", normalization="batch"),
            sym.make_loss(x, name="small"),
            sym.BlockGrad(x, name="seen"),
            sym.SoftmaxOutput(x, label=sym.identity(x), name="made"),
        ]
    )


def test_labels_that_only_losses_read():
    expected = ["softmax_label", "linear_label", "mine", "mae_label", "svm_label"]
    assert sorted(loss_labels(SymbolGraph.of(every_loss()))) == sorted(expected)


def test_a_label_may_be_reshaped_on_its_way_and_a_teacher_is_none():
    """What a loss layer's label is computed from by other parameters is no label."""
    x, y = sym.Variable("data"), sym.Variable("y")
    teacher = sym.FullyConnected(x, num_hidden=3, name="teacher")
    symbol = sym.Group(
        [
            sym.SoftmaxOutput(x, sym.Reshape(sym.cast(y, "float32"), shape=(-1,))),
            sym.LinearRegressionOutput(x, teacher),
            sym.softmax_cross_entropy(x, sym.Variable("z")),
        ]
    )
    assert loss_labels(SymbolGraph.of(symbol)) == ["y", "z"]


def test_a_forward_graph_reads_labels_only_where_they_compute():
    x, label = sym.Variable("data"), sym.Variable("label")
    symbol = sym.Group(
        [
            sym.SoftmaxOutput(x, label, name="softmax"),
            sym.make_loss(sym.square(x - sym.Variable("other")), name="loss"),
            sym.SVMOutput(x, label, name="svm"),
            sym.BlockGrad(label, name="seen"),
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
    x = sym.FullyConnected(sym.Variable("data"), num_hidden=3)
    fixed = [x, sym.Dropout(x, p=0), sym.LeakyReLU(x)]
    drawn = [
        *(sym.Dropout(x), sym.Dropout(x, p=0.1), sym.LeakyReLU(x, act_type="rrelu")),
        x + sym.random_normal(shape=(1, 3)),
    ]
    assert [draws_at_random(SymbolGraph.of(symbol)) for symbol in fixed] == [False] * 3
    assert [draws_at_random(SymbolGraph.of(symbol)) for symbol in drawn] == [True] * 4
