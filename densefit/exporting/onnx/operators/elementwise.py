"""Arithmetic, element by element."""

from __future__ import annotations

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import CONVERTERS, Converter, converts
from densefit.exporting.onnx.tensor import Tensor

#: Operators of one input that ONNX has, too.
_UNARY = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "abs": "Abs",
    "negative": "Neg",
    "floor": "Floor",
    "ceil": "Ceil",
    "sign": "Sign",
    "erf": "Erf",
    "reciprocal": "Reciprocal",
    "softsign": "Softsign",
    **{name: name.title() for name in ("sin", "cos", "tan", "sinh", "cosh")},
    **{f"arc{name}": f"A{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
}
#: Operators of two inputs; those of a scalar have its place in their name.
_BINARY = {
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "div": "Div",
    "power": "Pow",
    "maximum": "Max",
    "minimum": "Min",
}
_NAMES = {
    "add": ("elemwise_add", "broadcast_add", "_plus_scalar", "_grad_add"),
    "sub": ("elemwise_sub", "broadcast_sub", "_minus_scalar"),
    "mul": ("elemwise_mul", "broadcast_mul", "_mul_scalar"),
    "div": ("elemwise_div", "broadcast_div", "_div_scalar"),
    "power": ("_power", "broadcast_power", "_power_scalar"),
    "maximum": ("_maximum", "broadcast_maximum", "_maximum_scalar"),
    "minimum": ("_minimum", "broadcast_minimum", "_minimum_scalar"),
}
_REVERSED = {"_rminus_scalar": "Sub", "_rdiv_scalar": "Div", "_rpower_scalar": "Pow"}


def operands(layer: Layer) -> list[Tensor]:
    """The two operands: inputs, or an input and a scalar."""
    if len(layer.inputs) == 2:
        return layer.inputs
    return [layer.data, layer.scalar(layer.number("scalar", 1.0), layer.data)]


def _unary(op: str) -> Converter:
    return lambda layer: layer.emit(op, layer.data)


def _binary(op: str) -> Converter:
    return lambda layer: layer.emit(op, *operands(layer))


def _reversed(op: str) -> Converter:
    return lambda layer: layer.emit(op, *reversed(operands(layer)))


for _name, _op in _UNARY.items():
    CONVERTERS[_name] = _unary(_op)
for _kind, _op in _BINARY.items():
    for _name in _NAMES[_kind]:
        CONVERTERS[_name] = _binary(_op)
for _name, _op in _REVERSED.items():
    CONVERTERS[_name] = _reversed(_op)


@converts("add_n", "ElementWiseSum")
def add_n(layer: Layer) -> Tensor:
    return layer.emit("Sum", *layer.inputs)


@converts("square")
def square(layer: Layer) -> Tensor:
    return layer.emit("Mul", layer.data, layer.data)


@converts("rsqrt", "rcbrt", "cbrt")
def root(layer: Layer) -> Tensor:
    data = layer.data
    if layer.node.op == "rsqrt":
        return layer.emit("Reciprocal", layer.emit("Sqrt", data))
    power = layer.emit("Pow", layer.emit("Abs", data), layer.scalar(1 / 3, data))
    result = layer.emit("Mul", layer.emit("Sign", data), power)
    return result if layer.node.op == "cbrt" else layer.emit("Reciprocal", result)


@converts("expm1", "log1p", "log2", "log10")
def logarithm(layer: Layer) -> Tensor:
    data, unit = layer.data, layer.scalar(1, layer.data)
    if layer.node.op == "expm1":
        return layer.emit("Sub", layer.emit("Exp", data), unit)
    if layer.node.op == "log1p":
        return layer.emit("Log", layer.emit("Add", data, unit))
    base = layer.scalar(2 if layer.node.op == "log2" else 10, data)
    return layer.emit("Div", layer.emit("Log", data), layer.emit("Log", base))


@converts("round", "rint", "fix", "trunc")
def rounded(layer: Layer) -> Tensor:
    """MXNet's `round` goes away from zero in the middle, its `rint` down."""
    data, half = layer.data, layer.scalar(0.5, layer.data)
    if layer.node.op == "rint":
        return layer.emit("Ceil", layer.emit("Sub", data, half))
    size = layer.emit("Abs", data)
    if layer.node.op == "round":
        size = layer.emit("Add", size, half)
    return layer.emit("Mul", layer.emit("Sign", data), layer.emit("Floor", size))


@converts("broadcast_mod", "_mod", "_mod_scalar", "_rmod_scalar")
def remainder(layer: Layer) -> Tensor:
    """a - floor(a / b) b, as in Python; 0 for a divisor of 0."""
    pair = operands(layer)
    left, right = reversed(pair) if layer.node.op == "_rmod_scalar" else pair
    quotient = layer.emit("Floor", layer.emit("Div", left, right))
    rest = layer.emit("Sub", left, layer.emit("Mul", quotient, right))
    zero = layer.scalar(0, right)
    return layer.emit("Where", layer.emit("Equal", right, zero), zero, rest)


@converts("broadcast_hypot", "_hypot", "_hypot_scalar")
def hypotenuse(layer: Layer) -> Tensor:
    left, right = (layer.emit("Mul", side, side) for side in operands(layer))
    return layer.emit("Sqrt", layer.emit("Add", left, right))


@converts("degrees", "radians")
def angle(layer: Layer) -> Tensor:
    factor = 57.29577951308232
    factor = factor if layer.node.op == "degrees" else 1 / factor
    return layer.emit("Mul", layer.data, layer.scalar(factor, layer.data))


@converts("smooth_l1")
def smooth_l1(layer: Layer) -> Tensor:
    data, sigma = layer.data, layer.number("scalar", 1.0) ** 2
    size = layer.emit("Abs", data)
    parabola = layer.emit("Mul", layer.emit("Mul", data, data), layer.scalar(0.5 * sigma, data))
    line = layer.emit("Sub", size, layer.scalar(0.5 / sigma, data))
    return layer.emit(
        "Where", layer.emit("Less", size, layer.scalar(1 / sigma, data)), parabola, line
    )


@converts("_contrib_div_sqrt_dim")
def div_sqrt_dim(layer: Layer) -> Tensor:
    return layer.emit("Div", layer.data, layer.scalar(layer.data.sizes[-1] ** 0.5, layer.data))


@converts("_contrib_quadratic")
def quadratic(layer: Layer) -> Tensor:
    data = layer.data
    a, b, c = (layer.scalar(layer.number(name, 0.0), data) for name in "abc")
    linear = layer.emit("Add", layer.emit("Mul", data, a), b)
    return layer.emit("Add", layer.emit("Mul", linear, data), c)


@converts("Cast", "amp_cast")
def cast(layer: Layer) -> Tensor:
    return layer.cast(layer.data, layer.text("dtype"))
