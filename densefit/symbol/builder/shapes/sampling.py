"""Random numbers, and operators on images (height, width, channels)."""

from __future__ import annotations

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, rule

_KINDS = (
    "exponential gamma generalized_negative_binomial negative_binomial normal poisson uniform"
).split()


@rule(*(f"_random_{kind}" for kind in _KINDS), "_random_randint")
def draw(shapes: NodeShapes) -> None:
    """Draws of a shape."""
    shapes.set_output(shapes.numbers("shape") or None)


@rule(*(f"_sample_{kind}" for kind in _KINDS))
def draw_each(shapes: NodeShapes) -> None:
    """Draws for each entry of the parameters."""
    for shape in list(shapes.inputs):
        for position in range(len(shapes.inputs)):
            shapes.set_input(position, shape)
    first = shapes.inputs[0]
    if first is not None:
        shapes.set_output((*first, *shapes.numbers("shape")))


@rule("_sample_multinomial")
def multinomial(shapes: NodeShapes) -> None:
    """Draws of classes for each row of probabilities."""
    shape = shapes.whole(0)
    if shape is None:
        return
    out = (*shape[:-1], *shapes.numbers("shape"))
    for position in range(len(shapes.outputs)):
        shapes.set_output(out or (1,), position)


@rule(
    "_image_normalize",
    "_image_flip_left_right",
    "_image_random_flip_left_right",
    "_image_flip_top_bottom",
    "_image_random_flip_top_bottom",
    "_image_adjust_lighting",
    "_image_random_brightness",
    "_image_random_contrast",
    "_image_random_hue",
    "_image_random_saturation",
    "_image_random_lighting",
    "_image_random_color_jitter",
)
def as_input(shapes: NodeShapes) -> None:
    """The output has the shape of the image."""
    shapes.set_output(shapes.inputs[0])


@rule("_image_to_tensor")
def to_tensor(shapes: NodeShapes) -> None:
    """Channels come before height and width."""
    shape = shapes.inputs[0]
    if shape is not None:
        shapes.set_output((*shape[:-3], shape[-1], *shape[-3:-1]))


@rule("_image_crop")
def image_crop(shapes: NodeShapes) -> None:
    """A window of the image."""
    shape = shapes.inputs[0]
    if shape is not None:
        size = shapes.number("height"), shapes.number("width")
        shapes.set_output((*shape[:-3], *size, shape[-1]))


@rule("_image_resize")
def image_resize(shapes: NodeShapes) -> None:
    """Another height and width."""
    shape = shapes.whole(0)
    if shape is None:
        return
    sizes = shapes.numbers("size")
    width, height = sizes[0], sizes[-1]
    if len(sizes) == 1 and shapes.flag("keep_ratio"):
        rows, columns = shape[-3:-1]
        if rows > columns:
            height = int(rows * width / columns)
        else:
            width = int(columns * height / rows)
    shapes.set_output((*shape[:-3], height, width, shape[-1]))
