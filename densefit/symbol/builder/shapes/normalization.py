"""Normalization layers, and activations with parameters."""

from __future__ import annotations

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, rule


@rule("BatchNorm", "_contrib_SyncBatchNorm", "_contrib_BatchNormWithReLU", "BatchNorm_v1")
def batch_norm(shapes: NodeShapes) -> None:
    """One scale, shift, mean and variance a channel."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    has_axis = "axis" in getattr(shapes.node.operator, "parameters", {})
    axis = shapes.axis("axis", len(shape)) if has_axis else min(1, len(shape) - 1)
    channels = (shape[axis],)
    for position in range(1, len(shapes.inputs)):
        shapes.set_input(position, channels)
    shapes.set_output(shape)
    for position in range(1, len(shapes.outputs)):
        shapes.set_output(channels, position)


@rule("InstanceNorm")
def instance_norm(shapes: NodeShapes) -> None:
    """One scale and shift a channel."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    for position in (1, 2):
        shapes.set_input(position, shape[1:2])
    shapes.set_output(shape)
    for position in range(1, len(shapes.outputs)):
        shapes.set_output(shape[:2], position)


@rule("LayerNorm")
def layer_norm(shapes: NodeShapes) -> None:
    """One scale and shift for each entry of an axis."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    axis = shapes.axis("axis", len(shape))
    for position in (1, 2):
        shapes.set_input(position, shape[axis : axis + 1])
    shapes.set_output(shape)
    for position in range(1, len(shapes.outputs)):
        shapes.set_output((*shape[:axis], 1, *shape[axis + 1 :]), position)


@rule("GroupNorm")
def group_norm(shapes: NodeShapes) -> None:
    """One scale, shift, mean and variance a group."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    groups = shapes.number("num_groups")
    for position in (1, 2):
        shapes.set_input(position, (groups,))
    shapes.set_output(shape)
    for position in range(1, len(shapes.outputs)):
        shapes.set_output((shape[0], groups), position)


@rule("IdentityAttachKLSparseReg")
def sparse_regularization(shapes: NodeShapes) -> None:
    """One average a column."""
    shape = shapes.inputs[0]
    if shape is not None:
        shapes.set_input(1, shape[1:2])
        shapes.set_output(shape)


@rule("LeakyReLU")
def leaky_relu(shapes: NodeShapes) -> None:
    """Leaky, parametric and other linear units."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    if shapes.text("act_type") == "prelu":
        gamma = shapes.inputs[1]
        if gamma is None:
            shapes.set_input(1, shape[1:2] if len(shape) > 1 else (1,))
    for position in range(len(shapes.outputs)):
        shapes.set_output(shape, position)
