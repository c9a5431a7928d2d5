"""Loss layers, which give their predictions in evaluation, and layers that only training needs."""

from __future__ import annotations

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.operators.activation import flat_softmax
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor


@converts(
    *("_copy", "BlockGrad", "MakeLoss", "make_loss", "LinearRegressionOutput"),
    *("MAERegressionOutput", "SVMOutput", "IdentityAttachKLSparseReg"),
    *("_identity_with_attr_like_rhs", "_contrib_gradientmultiplier"),
)
def identity(layer: Layer) -> Tensor:
    return layer.data


@converts("Dropout")
def dropout(layer: Layer) -> Tensor:
    if layer.text("mode", "training") == "always":
        raise layer.refusal("it draws random numbers in evaluation, too (mode='always')")
    return layer.data


@converts("LogisticRegressionOutput")
def logistic(layer: Layer) -> Tensor:
    return layer.emit("Sigmoid", layer.data)


@converts("SoftmaxOutput", "Softmax")
def softmax_output(layer: Layer) -> Tensor:
    if layer.flag("multi_output"):
        return layer.emit("Softmax", layer.data, axis=1)
    # MXNet's own flattens a sample, oneDNN's, which takes 4 axes, does not.
    if layer.flag("preserve_shape") or layer.data.rank == 4:
        return layer.emit("Softmax", layer.data, axis=layer.data.rank - 1)
    return flat_softmax(layer)


@converts("softmax_cross_entropy")
def cross_entropy(layer: Layer) -> Tensor:
    data, label = layer.inputs
    column = layer.unsqueeze(layer.cast(label, np.int64), 1)
    picked = layer.emit("GatherElements", layer.emit("LogSoftmax", data, axis=1), column, axis=1)
    total = layer.emit("Neg", layer.build.reduce("ReduceSum", picked, [0, 1]))
    return layer.emit("Reshape", total, layer.constant([1], np.int64))
