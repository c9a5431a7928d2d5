"""Loss layers: the shape of a label follows from the predictions."""

from __future__ import annotations

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, is_known, rule, size


@rule("SoftmaxOutput")
def softmax_output(shapes: NodeShapes) -> None:
    """Classes as labels, or probabilities of the shape of the output."""
    shape, label = shapes.inputs
    if shape is None:
        return
    shapes.set_output(shape)
    if label == shape:
        return
    if not shapes.flag("multi_output"):
        shapes.set_input(1, shape[:-1])
    elif label is None:
        if is_known(shape):
            shapes.set_input(1, (shape[0], size(shape) // shape[0] // shape[1]))
    elif is_known(shape):
        flat = (shape[0], size(shape[2:]))
        choices = (flat, (shape[0], *shape[2:]), (shape[0], 1, *shape[2:]))
        shapes.require(label in choices, f"a label {label} for predictions {shape}")


@rule("LinearRegressionOutput", "LogisticRegressionOutput", "MAERegressionOutput")
def regression_output(shapes: NodeShapes) -> None:
    """Labels like the predictions; of one column, a vector."""
    shape, label = shapes.inputs
    if shape is None:
        return
    if label is None:
        is_column = len(shape) == 2 and shape[1] == 1
        shapes.set_input(1, shape[:1] if is_column else shape)
    elif is_known(shape) and is_known(label):
        same = label[0] == shape[0] and size(label) == size(shape)
        shapes.require(same, f"a label {label} for predictions {shape}")
    shapes.set_output(shape)


@rule("SVMOutput")
def svm_output(shapes: NodeShapes) -> None:
    """One class a row."""
    shape = shapes.inputs[0]
    if shape is not None:
        shapes.set_input(1, shape[:-1])
        shapes.set_output(shape)


@rule("CTCLoss")
def ctc_loss(shapes: NodeShapes) -> None:
    """A loss for each sequence of scores (length, batch, classes)."""
    shape, label = shapes.inputs[:2]
    if shape is None or label is None:
        return
    shapes.require(shape[1] == label[0] or 0 in (shape[1], label[0]), f"{label} for {shape}")
    names = list(shapes.node.form.inputs)
    for position in range(2, len(names)):
        shapes.set_input(position, shape[1:2])
    shapes.set_output(shape[1:2])
    shapes.set_output(shape, 1)
