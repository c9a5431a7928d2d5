"""Products of matrices."""

from __future__ import annotations

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor, product


@converts("FullyConnected")
def fully_connected(layer: Layer) -> Tensor:
    data, weight = layer.inputs[:2]
    bias = None if layer.flag("no_bias") else layer.inputs[2]
    if layer.flag("flatten", True) or data.rank == 2:
        if data.rank != 2:
            data = layer.build.reshape(data, (data.sizes[0], product(data.sizes[1:])))
        return layer.emit("Gemm", data, weight, bias, transB=1)
    result = layer.emit("MatMul", data, layer.emit("Transpose", weight, perm=[1, 0]))
    return result if bias is None else layer.emit("Add", result, bias)


@converts("dot")
def dot(layer: Layer) -> Tensor:
    """Contract the last axis of the left with the first of the right."""
    left, right = layer.inputs
    if layer.flag("transpose_a"):
        left = layer.emit("Transpose", left, perm=[*range(1, left.rank), 0])
    if layer.flag("transpose_b"):
        right = layer.emit("Transpose", right, perm=[right.rank - 1, *range(right.rank - 1)])
    if right.rank > 2:
        inner, *rest = right.sizes
        flat = layer.build.reshape(right, (inner, product(rest)))
        shape = (*left.sizes[:-1], *rest)
        return layer.build.reshape(layer.emit("MatMul", left, flat), shape)
    result = layer.emit("MatMul", left, right)
    return result if result.rank else layer.emit("Reshape", result, layer.constant([1], np.int64))


@converts("batch_dot", "_linalg_gemm2", "_linalg_gemm")
def batch_dot(layer: Layer) -> Tensor:
    left, right = layer.inputs[:2]
    if layer.integer("axis", -2) != -2:
        raise layer.refusal("matrices in the last two axes are supported (axis=-2)")
    if layer.flag("transpose_a"):
        left = _turned(layer, left)
    if layer.flag("transpose_b"):
        right = _turned(layer, right)
    result = layer.emit("MatMul", left, right)
    alpha = layer.number("alpha", 1.0)
    if alpha != 1:
        result = layer.emit("Mul", result, layer.scalar(alpha, result))
    if layer.node.op != "_linalg_gemm":
        return result
    more = layer.emit("Mul", layer.inputs[2], layer.scalar(layer.number("beta", 1.0), result))
    return layer.emit("Add", result, more)


def _turned(layer: Layer, data: Tensor) -> Tensor:
    """Transpose the last two axes."""
    last = data.rank - 1
    return layer.emit("Transpose", data, perm=[*range(last - 1), last, last - 1])


@converts("_linalg_syrk")
def syrk(layer: Layer) -> Tensor:
    turned = _turned(layer, layer.data)
    pair = (turned, layer.data) if layer.flag("transpose") else (layer.data, turned)
    result = layer.emit("MatMul", *pair)
    return layer.emit("Mul", result, layer.scalar(layer.number("alpha", 1.0), result))
