"""The same elements in other axes."""

from __future__ import annotations

from collections.abc import Sequence

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor, product, shape_text


@converts("Reshape")
def reshape(layer: Layer) -> Tensor:
    target = [int(size) for size in layer.sizes("shape")]
    if not target:
        raise layer.refusal("it has no setting `shape`")
    sizes = layer.data.sizes
    try:
        if layer.flag("reverse"):
            shape = reshaped(sizes[::-1], target[::-1])[::-1]
        else:
            shape = reshaped(sizes, target)
    except ValueError as error:
        raise layer.refusal(
            f"the shape {tuple(target)} does not suit {shape_text(sizes)}: {error}",
            "a shape with a fixed batch needs df.export(..., batch=...)",
        ) from error
    return layer.build.reshape(layer.data, shape)


def reshaped(sizes: Sequence[int], target: Sequence[int]) -> tuple[int, ...]:
    """The shape that MXNet's codes stand for.

    >>> reshaped((2, 3, 4), (-3, -2)), reshaped((2, 12), (0, -4, 3, -1)), reshaped((6, 2), (-1, 3))
    ((6, 4), (2, 3, 4), (4, 3))

    Args:
        sizes: shape of the data.
        target: sizes, or 0 (keep the axis), -1 (the rest), -2 (keep all further axes), -3 (join
            two axes), -4 (split an axis into the two sizes that follow).

    Raises:
        ValueError: they do not suit the data.
    """
    shape: list[int] = []
    axis, codes = 0, list(target)
    while codes:
        code = codes.pop(0)
        if code == -2:
            shape += sizes[axis:]
            axis = len(sizes)
        elif code == -3:
            shape.append(sizes[axis] * sizes[axis + 1])
            axis += 2
        elif code == -4:
            pair = [codes.pop(0), codes.pop(0)]
            if -1 in pair:
                other = pair[1 - pair.index(-1)]
                pair[pair.index(-1)] = sizes[axis] // other
            shape += pair
            axis += 1
        else:
            if code == 0 and axis >= len(sizes):
                raise ValueError(f"there is no axis {axis} to keep")
            shape.append(sizes[axis] if code == 0 else code)
            axis += 1
    if -1 in shape:
        rest = product([size for size in shape if size != -1])
        if not rest or product(sizes) % rest:
            raise ValueError(f"{rest} does not divide the number of elements")
        shape[shape.index(-1)] = product(sizes) // rest
    if product(shape) != product(sizes):
        raise ValueError("the number of elements differs")
    return tuple(shape)


@converts("reshape_like")
def reshape_like(layer: Layer) -> Tensor:
    data, like = layer.inputs
    ranges = []
    for name, tensor in (("lhs", data), ("rhs", like)):
        begin, end = (layer.setting(f"{name}_{side}") for side in ("begin", "end"))
        begin, end = (0 if begin is None else begin), (tensor.rank if end is None else end)
        ranges.append([bound + tensor.rank if bound < 0 else bound for bound in (begin, end)])
    (start, stop), (first, last) = ranges
    shape = (*data.sizes[:start], *like.sizes[first:last], *data.sizes[stop:])
    return layer.build.reshape(data, shape)


@converts("Flatten")
def flatten(layer: Layer) -> Tensor:
    rows, *rest = layer.data.sizes
    return layer.build.reshape(layer.data, (rows, product(rest)))


@converts("expand_dims")
def expand_dims(layer: Layer) -> Tensor:
    return layer.unsqueeze(layer.data, layer.axis(rank=layer.data.rank + 1))


@converts("squeeze")
def squeeze(layer: Layer) -> Tensor:
    axes = [int(axis) % layer.data.rank for axis in layer.sizes("axis")]
    axes = axes or [axis for axis, size in enumerate(layer.data.shape) if size == 1]
    return layer.squeeze(layer.data, *axes) if axes else layer.data


@converts("transpose")
def transpose(layer: Layer) -> Tensor:
    rank = layer.data.rank
    axes = [int(axis) % rank for axis in layer.sizes("axes")] or list(range(rank))[::-1]
    return layer.emit("Transpose", layer.data, perm=axes)


@converts("SwapAxis")
def swap_axis(layer: Layer) -> Tensor:
    order = list(range(layer.data.rank))
    first, second = layer.axis(0, "dim1"), layer.axis(0, "dim2")
    order[first], order[second] = second, first
    return layer.emit("Transpose", layer.data, perm=order)


@converts("depth_to_space")
def depth_to_space(layer: Layer) -> Tensor:
    return layer.emit("DepthToSpace", layer.data, blocksize=layer.integer("block_size"), mode="DCR")


@converts("space_to_depth")
def space_to_depth(layer: Layer) -> Tensor:
    return layer.emit("SpaceToDepth", layer.data, blocksize=layer.integer("block_size"))
