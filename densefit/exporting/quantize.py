"""Static quantisation to int8: ONNX Runtime's, calibrated with real samples."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx

from densefit.exporting.space_to_depth import with_space_to_depth

_QUANTIZED = (
    "Conv",
    "Relu",
    "Clip",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "Add",
    "Concat",
)


def quantize(
    model: onnx.ModelProto, samples: Sequence[Mapping[str, np.ndarray]]
) -> onnx.ModelProto:
    """Quantise the convolutions between the first and the last ones, with a scale per channel.

    What the heads compute of the last convolutions stays float32: scores, boxes, suppression.

    Args:
        model: float32 model.
        samples: inputs that the ranges of activations are measured with.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    model = with_space_to_depth(model)
    with tempfile.TemporaryDirectory() as folder:
        source, target = (os.path.join(folder, name) for name in ("float.onnx", "int8.onnx"))
        onnx.save(model, source)
        level = logging.getLogger().level
        logging.getLogger().setLevel(logging.ERROR)  # it recommends a step that it does not need
        try:
            quantize_static(
                source,
                target,
                _Samples(samples),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(_QUANTIZED),
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=float_nodes(model),
                extra_options={"CalibTensorRangeSymmetric": False},
            )
        finally:
            logging.getLogger().setLevel(level)
        result = onnx.load(Path(target))
    onnx.helper.set_model_props(result, {entry.key: entry.value for entry in model.metadata_props})
    return result


def float_nodes(model: onnx.ModelProto) -> list[str]:
    """Names of nodes that stay float: the last convolutions, and all that is not before one."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    before: dict[str, bool] = {}  # node -> whether a convolution reads what it computes
    for node in reversed(model.graph.node):
        next_nodes = [reader for name in node.output for reader in readers.get(name, ())]
        before[node.name] = any(
            reader.op_type == "Conv" or before[reader.name] for reader in next_nodes
        )
    return [name for name, is_before in before.items() if not is_before]


class _Samples:
    """Inputs for ONNX Runtime's calibration, one after the other."""

    def __init__(self, samples: Sequence[Mapping[str, np.ndarray]]) -> None:
        self._samples: Iterator[Mapping[str, np.ndarray]] = iter(samples)

    def get_next(self) -> Mapping[str, np.ndarray] | None:
        """The next inputs, None at the end."""
        return next(self._samples, None)
