"""Operators whose output has the shape of their inputs, and those that broadcast."""

from __future__ import annotations

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, Shape, rule

#: All inputs and outputs have one shape, and each tells the others.
_SAME = """
Activation BlockGrad Cast MakeLoss _identity_with_attr_like_rhs
_add _copy _div_scalar _equal _equal_scalar _grad_add _greater _greater_equal
_greater_equal_scalar _greater_scalar _hypot _hypot_scalar _lesser _lesser_equal
_lesser_equal_scalar _lesser_scalar _logical_and _logical_and_scalar _logical_or
_logical_or_scalar _logical_xor _logical_xor_scalar _maximum _maximum_scalar _minimum
_minimum_scalar _minus_scalar _mod _mod_scalar _mul_scalar _not_equal _not_equal_scalar
_plus_scalar _power _power_scalar _rdiv_scalar _rminus_scalar _rmod_scalar _rpower_scalar
_scatter_elemwise_div _scatter_minus_scalar _scatter_plus_scalar _contrib_div_sqrt_dim
_contrib_gradientmultiplier _contrib_quadratic _contrib_round_ste _contrib_sign_ste
_contrib_allclose_same _shuffle abs add_n amp_cast arccos arccosh arcsin arcsinh arctan
arctanh cbrt ceil clip cos cosh degrees elemwise_add elemwise_div elemwise_mul elemwise_sub erf
erfinv exp expm1 fix floor gamma gammaln hard_sigmoid log log10 log1p log2 logical_not
make_loss ones_like radians rcbrt reciprocal relu rint round rsqrt sigmoid sign sin sinh
smooth_l1 softsign sqrt square tan tanh trunc zeros_like digamma _random_exponential_like
_random_gamma_like _random_generalized_negative_binomial_like _random_negative_binomial_like
_random_normal_like _random_poisson_like _random_uniform_like _onehot_like reverse_same
"""


@rule(*_SAME.split())
def same(shapes: NodeShapes) -> None:
    """All inputs and outputs have one shape."""
    for shape in [*shapes.inputs, *shapes.outputs[: len(shapes.node.form.outputs)]]:
        for position in range(len(shapes.inputs)):
            shapes.set_input(position, shape)
        shapes.set_output(shape)


@rule("reverse", "LRN", "SoftmaxActivation", "Dropout", "L2Normalization")
def like_input(shapes: NodeShapes) -> None:
    """Outputs have the shape of the first input."""
    for position in range(len(shapes.outputs)):
        shapes.set_output(shapes.inputs[0], position)


@rule("softmax", "log_softmax", "softmin", "masked_softmax")
def softmax(shapes: NodeShapes) -> None:
    """The output has the shape of the input; lengths have no softmax axis."""
    shapes.set_output(shapes.inputs[0])
    shapes.set_input(0, shapes.outputs[0])
    shape = shapes.inputs[0]
    if shape is not None and len(shapes.inputs) > 1:
        axis = shapes.axis("axis", len(shape))
        shapes.set_input(1, shape[:axis] + shape[axis + 1 :])


def broadcast(shapes: NodeShapes, left: Shape, right: Shape) -> Shape:
    """Shape of two broadcast arrays; dimensions are unknown where one of them is."""
    length = max(len(left), len(right))
    left = (1,) * (length - len(left)) + left
    right = (1,) * (length - len(right)) + right
    for x, y in zip(left, right):
        shapes.require(x == y or 0 in (x, y) or 1 in (x, y), f"{left} against {right}")
    return tuple(max(x, y) if x and y else 0 for x, y in zip(left, right))


_BROADCAST = (
    "add div equal greater greater_equal hypot lesser lesser_equal logical_and logical_or "
    "logical_xor maximum minimum mod mul not_equal power sub"
).split()


@rule(*(f"broadcast_{name}" for name in _BROADCAST))
def broadcast_operators(shapes: NodeShapes) -> None:
    """Two inputs are broadcast against each other."""
    left, right = shapes.inputs
    if left is not None and right is not None:
        shapes.set_output(left if left == right else broadcast(shapes, left, right))


@rule("broadcast_to")
def broadcast_to(shapes: NodeShapes) -> None:
    """The input is broadcast to a shape, 0 for a dimension as it is."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    target = shapes.numbers("shape")
    shapes.require(len(target) == len(shape), f"{shape} to {target}")
    out = tuple(new or old for old, new in zip(shape, target))
    fits = all(old in (0, 1, new) for old, new in zip(shape, out))
    shapes.require(fits, f"{shape} to {out}")
    shapes.set_output(out)


@rule("broadcast_like")
def broadcast_like(shapes: NodeShapes) -> None:
    """The first input is broadcast to the second's shape, or some axes of it."""
    shape, other = shapes.inputs
    if shape is None or other is None:
        return
    left, right = shapes.numbers("lhs_axes"), shapes.numbers("rhs_axes")
    out = other
    if left:
        target = list(shape)
        for axis, source in zip(left, right):
            target[axis] = other[source]
        out = tuple(target)
    shapes.require(len(shape) == len(out), f"{shape} to {out}")
    shapes.require(all(x in (0, 1, y) or not y for x, y in zip(shape, out)), f"{shape} to {out}")
    shapes.set_output(out)


@rule("broadcast_axis")
def broadcast_axis(shapes: NodeShapes) -> None:
    """Axes of size 1 are repeated."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    out = list(shape)
    for axis, new in zip(shapes.numbers("axis"), shapes.numbers("size")):
        shapes.require(shape[axis] == 1, f"axis {axis} of {shape} is not 1")
        out[axis] = new
    shapes.set_output(out)


@rule("where")
def where(shapes: NodeShapes) -> None:
    """A choice between two arrays of one shape, by a condition of it or of its rows."""
    condition, left, right = shapes.inputs
    for shape in (left, right, shapes.outputs[0]):
        shapes.set_input(1, shape)
        shapes.set_input(2, shape)
        shapes.set_output(shape)
    out = shapes.outputs[0]
    if condition is not None and out is not None and len(condition) == 1:
        shapes.require(0 in (condition[0], out[0]) or condition[0] == out[0], f"{condition}, {out}")
    elif condition is not None:
        for position in (1, 2):
            shapes.set_input(position, condition)
        shapes.set_output(condition)


@rule("amp_multicast")
def each(shapes: NodeShapes) -> None:
    """Each output has the shape of its input."""
    for position in range(len(shapes.inputs)):
        shapes.set_output(shapes.inputs[position], position)
        shapes.set_input(position, shapes.outputs[position])
