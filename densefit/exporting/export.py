"""Export a network to ONNX, checked against the network."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from densefit.engine.types import Model
from densefit.errors import ConfigError, EngineError, ExportError
from densefit.exporting import check, samples
from densefit.exporting.arguments import (
    ImageSize,
    check_applicable,
    check_views,
    image_size_of,
    network_of,
    precision_of,
    symbol_settings,
)
from densefit.exporting.candidates import Suppression, without_suppression
from densefit.exporting.files import checked_path, write
from densefit.exporting.metadata import metadata_of
from densefit.exporting.onnx.build import IMAGE, ModelSettings, build_model, check_opset, eval_graph
from densefit.exporting.program import program
from densefit.exporting.quantize import quantize
from densefit.exporting.result import Exported
from densefit.model.network import Network

_log = logging.getLogger("densefit")
CALIBRATED = 128  # samples that ranges of activations are measured with


def export(
    network: Model,
    path: str | Path,
    data: Any = None,
    *,
    image_size: ImageSize = None,
    batch: int | None = None,
    opset: int = 18,
    raw: bool = False,
    views: bool = False,
    half: bool = False,
    int8: bool = False,
    calibrate: Any = None,
    resize: str | None = None,
    inputs: Mapping[str, Sequence[int | None]] | None = None,
    outputs: Sequence[str] | None = None,
    arg_params: Mapping[str, Any] | None = None,
    aux_params: Mapping[str, Any] | None = None,
    metadata: Mapping[str, str] | None = None,
    engine: str | None = None,
) -> Exported:
    """Write a network as an ONNX model, and beside it a program that runs the model.

        df.export(network, "model.onnx", image_size=(300, 300))

    The model takes images (N, height, width, 3) uint8 RGB; normalisation, decoding and suppression
    are inside. Its outputs are `<head>_<output>`, as the heads decode them. The model is compared
    with the network on samples before it is written.

    Args:
        network: a Network with parameters, or the path of a checkpoint; an MXNet Module, or a
            gluon HybridBlock; or a Symbol with `arg_params`.
        path: file of the model, "model.onnx"; the program is "model.py".
        data: a loader, or a dataset, of samples to compare on; by default images are generated.
            For a Symbol an iterator of batches, or its inputs as arrays by name.
        image_size: (height, width) of the images, or one number for both; by default the loader's.
        batch: number of images that the model takes at once; by default any.
        opset: version of ONNX's operators, 13 to 22.
        raw: leave out non-maximum suppression, and what heads finish on the host: for TensorRT and
            OpenVINO.
        views: add the outputs that several views of an image are merged from, where they are
            others than those of a single one, as the probabilities of a mask: for flips, scales
            and windows of `df.Views`. They cost time in every run.
        half: convolutions with float16 weights; scores, boxes and suppression stay float32.
        int8: convolutions with int8 weights and activations, whose ranges are measured with
            `calibrate`.
        calibrate: a loader or a dataset, of samples like those that the model will see; for a
            Symbol an iterator of batches, or its inputs as arrays by name.
        resize: how the program brings an image to the input, "letterbox" or "resize"; by default as
            the loader does, else "letterbox".
        inputs: for a Symbol, input -> shape, with None for the batch: {"data": (None, 3, 224,
            224)}; by default those of `data`.
        outputs: for a Symbol, the names of the exported outputs; by default all that its inputs and
            parameters suffice for.
        arg_params: values of parameters, which replace the model's.
        aux_params: values of auxiliary states, which replace the model's.
        metadata: further entries `densefit.<key>` of the model.
        engine: engine that computes the network for the comparison, as for `score`. Where none is
            installed the model is not compared, which is logged.

    Raises:
        ConfigError: settings that contradict each other, or a missing size.
        BindError: the network has no parameters.
        ExportError: the graph has no counterpart in ONNX, or the model is off.
        TrainingDiverged: a parameter is not finite.
    """
    check_opset(opset)
    precision = precision_of(half, int8, calibrate)
    network = network_of(network, arg_params, aux_params, data)
    preprocessing = {"image_size": image_size, "raw": raw, "views": views, "resize": resize}
    check_applicable(network, {**preprocessing, "inputs": inputs, "outputs": outputs})
    has_program = bool(network.heads) and not raw
    path = checked_path(path, has_program)
    settings = ModelSettings(None, "raw" if raw else "evaluate", batch, opset, half)
    if network.heads:
        size = image_size_of(image_size, data, calibrate)
        settings = replace(settings, image_size=size, views=check_views(views, raw))
    else:
        settings = symbol_settings(network, settings, inputs, outputs, data)
    graph = eval_graph(network, settings)
    if not network.heads:  # labels that the outputs do not read are no inputs
        read = {node.name for node in graph.nodes if node.is_variable}
        named = {n: shape for n, shape in settings.inputs.items() if n in read}
        settings = replace(settings, inputs=named)
    suppressions: list[Suppression] = []
    if raw:
        graph, suppressions = without_suppression(graph)
    geometry = samples.resize_of(data, resize)
    entries = metadata_of(network, settings, suppressions, geometry, precision)
    entries.update({f"densefit.{key}": text for key, text in (metadata or {}).items()})
    text = program(network, path, entries) if has_program else None
    model = build_model(network, graph, settings, entries)
    if int8:
        model = _quantized(network, model, calibrate, settings, geometry["kind"])
    content = model.SerializeToString()
    try:
        parity, count = _compare(
            network, content, data, settings, entries, engine, geometry["kind"]
        )
    except EngineError as error:
        if engine is not None:
            raise
        _log.warning("%s: the model is not compared with the network: %s", path, error.what)
        parity, count = {}, 0
    for compared in parity.values():
        if compared.is_empty:
            _log.warning("%s: %s; data=samples with objects compare it", path, compared)
    return Exported(
        path,
        write(path, content, text),
        len(content),
        len(model.graph.node),
        opset,
        settings.image_size,
        samples.fixed_rows(settings),
        precision,
        {output.name: _shape(output) for output in model.graph.output},
        parity,
        count,
        data is None,
    )


def _quantized(
    network: Network, model: onnx.ModelProto, calibrate: Any, settings: ModelSettings, kind: str
) -> onnx.ModelProto:
    """The model with int8 convolutions.

    Raises:
        ConfigError: there are too few samples.
        ExportError: no layer can be quantised.
    """
    size = settings.batch or 1
    if network.heads:
        transform = samples.transform_of(kind, settings.image_size or (0, 0))
        images = samples.images_of(calibrate, transform, CALIBRATED)
        groups = [images[start : start + size] for start in range(0, len(images) - size + 1, size)]
        feeds = [{IMAGE: np.stack(group)} for group in groups]
    else:
        feeds = samples.calibration_feeds(network, calibrate, settings, CALIBRATED)
    if not feeds:
        raise ConfigError(
            "There are too few samples to measure activations with",
            expected=f"at least {size}, the batch of the model",
            received="fewer in calibrate=",
        )
    check.onnx_runtime()
    with check.refusal_of_runtime(
        "ONNX Runtime cannot quantise the model", fix="half=True, or leave int8 out"
    ):
        quantized = quantize(model, feeds)
    if not any(node.op_type == "QuantizeLinear" for node in quantized.graph.node):
        raise ExportError(
            "No layer can be quantised: those of 8 bits are the convolutions before the last ones",
            received=", ".join(sorted({node.op_type for node in model.graph.node})),
            fix="half=True, or leave int8 out",
        )
    return quantized


def _compare(
    network: Network,
    content: bytes,
    data: Any,
    settings: ModelSettings,
    entries: Mapping[str, str],
    engine: str | None,
    kind: str,
) -> tuple[dict[str, Any], int]:
    """(parity of each output, number of compared samples)."""
    precision = entries["densefit.precision"]
    if not network.heads:
        feeds = samples.symbol_inputs(network, data, settings)
        parity = check.check_symbol(network, content, feeds, settings.outputs, precision, engine)
        return parity, len(next(iter(feeds.values())))
    transform = samples.transform_of(kind, settings.image_size or (0, 0))
    images = samples.images_of(data, transform, max(samples.CHECKED, settings.batch or 1))
    parity = check.check_heads(network, content, images, settings, entries, engine)
    return parity, len(images)


def _shape(output: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    dims = output.type.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in dims)
