"""Operators that resample images."""

from __future__ import annotations

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, rule


@rule("_contrib_BilinearResize2D")
def bilinear_resize(shapes: NodeShapes) -> None:
    """An image of another height and width."""
    shape, mode = shapes.whole(0), shapes.text("mode")
    if shape is None:
        return
    height, width = shape[2:]
    if mode == "like":
        other = shapes.inputs[1]
        if other is None:
            return
        height, width = other[2:]
    elif mode == "size":
        vertical, horizontal = shapes.value("scale_height"), shapes.value("scale_width")
        height = int(vertical * height) if vertical is not None else shapes.number("height")
        width = int(horizontal * width) if horizontal is not None else shapes.number("width")
    else:
        height, width = _resized_by_mode(shapes, mode, height, width)
    shapes.set_output((*shape[:2], height, width))


def _resized_by_mode(shapes: NodeShapes, mode: str, height: int, width: int) -> tuple[int, int]:
    if mode == "odd_scale":
        vertical, horizontal = shapes.value("scale_height"), shapes.value("scale_width")
        return _odd(height, vertical), _odd(width, horizontal)
    if mode == "to_even_down":
        return height - height % 2, width - width % 2
    if mode == "to_even_up":
        return height + height % 2, width + width % 2
    if mode == "to_odd_down":
        return height - 1 + height % 2, width - 1 + width % 2
    return height + 1 - height % 2, width + 1 - width % 2


def _odd(length: int, scale: float) -> int:
    return int(length * scale) if length % 2 == 0 else int((length - 1) * scale) + 1


@rule("_contrib_AdaptiveAvgPooling2D")
def adaptive_pooling(shapes: NodeShapes) -> None:
    """A map of fixed height and width."""
    shape = shapes.inputs[0]
    if shape is not None:
        size = shapes.numbers("output_size") or (1,)
        shapes.set_output((*shape[:2], size[0], size[-1]))


@rule("BilinearSampler")
def bilinear_sampler(shapes: NodeShapes) -> None:
    """Pixels at the places of a grid (batch, 2, height, width)."""
    shape, grid = shapes.inputs
    if shape is not None and grid is not None:
        for position in range(len(shapes.outputs)):
            channels = shape[1] if position == 0 else 2
            rest = grid[2:] if position == 0 else grid[2:]
            out = (shape[0], channels, *rest) if position == 0 else (grid[0], *grid[2:], 2)
            shapes.set_output(out, position)


@rule("GridGenerator")
def grid_generator(shapes: NodeShapes) -> None:
    """Places of the pixels of an affine map, or of a flow."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    if shapes.text("transform_type") == "affine":
        shapes.set_input(0, (shape[0], 6))
        height, width = shapes.numbers("target_shape")
        shapes.set_output((shape[0], 2, height, width))
        shapes.set_output((3, height * width), 1)
    else:
        shapes.set_output(shape)
        shapes.set_output((2, *shape[2:]), 1)


@rule("SpatialTransformer")
def spatial_transformer(shapes: NodeShapes) -> None:
    """An image sampled by an affine map."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    target = shapes.numbers("target_shape")
    height, width = target if any(target) else shape[2:]
    shapes.set_input(1, (shape[0], 6))
    outputs = [(*shape[:2], height, width), (shape[0], 2, height * width), (3, height * width)]
    for position, out in enumerate(outputs[: len(shapes.outputs)]):
        shapes.set_output(out, position)


@rule("Correlation")
def correlation(shapes: NodeShapes) -> None:
    """Products of patches of two maps."""
    shape = shapes.whole(0)
    if shape is None:
        return
    shapes.set_input(1, shape)
    pad, kernel = shapes.number("pad_size"), shapes.number("kernel_size")
    reach, step = shapes.number("max_displacement"), shapes.number("stride2")
    border = reach + (kernel - 1) // 2
    padded = [n + 2 * pad for n in shape[2:]]
    sides = [-(-(n - 2 * border) // shapes.number("stride1")) for n in padded]
    channels = (2 * (reach // step) + 1) ** 2
    shapes.set_output((shape[0], channels, *sides))
    for position in (1, 2):
        shapes.set_output((shape[0], *padded, shape[1]), position)
