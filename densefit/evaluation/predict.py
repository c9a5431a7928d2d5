"""Predict with heads in original image coordinates, or return a Symbol's outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from densefit.data.loader.sample_task import SampleTransform
from densefit.engine import inputs_read
from densefit.engine.batch_reader import BatchReader
from densefit.engine.engine import Engine
from densefit.engine.finite import check_parameters
from densefit.engine.model_input import batches_of, make_engine, model_input
from densefit.engine.types import Data, Devices, Model
from densefit.errors import BindError, ConfigError, DataError
from densefit.evaluation.images import Images, image_loader, is_images, is_single
from densefit.evaluation.tta import has_views, merge_views
from densefit.model.heads.network_head import NetworkHead
from densefit.model.heads.raw_outputs import RawOutputHead
from densefit.model.network import Network
from densefit.model.output_names import short_name


def predict(
    network: Model,
    data: Images | Data,
    *,
    transform: SampleTransform | None = None,
    batch_size: int = 8,
    arg_params: Mapping[str, Any] | None = None,
    aux_params: Mapping[str, Any] | None = None,
    devices: Devices | None = None,
    engine: str | None = None,
) -> Any:
    """Predict on images, or on the samples of a loader.

        df.predict(network, "photo.jpg")["detection"]
        for id, prediction in df.predict(network, "folder/"): ...

    Broken samples that a loader skips (`on_error="skip"`) have no prediction; a loader that drops
    or repeats samples is refused.

    Args:
        network: a Network with parameters; an MXNet Module, or a gluon HybridBlock; or a Symbol
            with `arg_params`.
        data: for a network of heads an image file, a folder of images, an array (H, W, 3) uint8
            RGB, a list of files or of arrays, or a densefit loader. For any other network the same
            as for `fit`, or an array (N, ...) of its input `data`; labels are needed only if an
            output is computed from them.
        transform: resizes an image to the network's input, as in training but without augmentation:
            `df.transform("letterbox", height=300, width=300)`. By default images keep their size,
            padded to a multiple of 64; for an exported model they are fitted to its input size.
        batch_size: images, or rows of an array, per batch.
        arg_params: values of parameters, which replace the model's.
        aux_params: values of auxiliary states, which replace the model's.
        devices: devices of the engine; the CPU by default.
        engine: "mxnet", "torch" or "onnx", see `fit`; an exported model has its own.

    Returns:
        For a network of heads and a single image, {head: prediction}; for several, an iterator of
        (id, {head: prediction}) in the order of the loader's batches. The id is the path of a file
        (below the folder, if `data` is a folder), or the number of an array. Without `transform`,
        images are grouped by size. Predictions are in original image coordinates.

        For any other network a dict "<name>_output" -> array (N, ...) of the real rows of all
        batches, for all outputs that can be computed from the data; an output with a single number
        per batch has a row per batch. Arrays of different sizes are a list, an array per batch.

    Raises:
        BindError: the data do not fit the network.
        ConfigError: a transform, or image files, for a network without heads.
        TrainingDiverged: a parameter is not finite. (Outputs that are not finite are logged.)
        DataError: the data leave out or repeat samples or lack their geometries, or an image cannot
            be read.
    """
    source: Any = data
    has_images = is_images(source)
    adapted = model_input(
        network, None, arg_params, aux_params, train=None if has_images else source
    )
    _check_images(adapted.network, source, has_images, transform)
    is_one_image = has_images and is_single(source)
    if has_images and adapted.network.heads:
        source = image_loader(source, transform or adapted.network.fitting, batch_size)
    elif has_images:
        starts = range(0, len(source), batch_size)
        source = [{"data": source[start : start + batch_size]} for start in starts]
    source = batches_of(source, adapted, "prediction")
    check_parameters(adapted.network)
    learner = make_engine(adapted, devices, engine)
    if not adapted.network.heads:
        return _of_symbol(learner, source)
    _check_complete(source)
    predictions = _of_heads(learner, source)
    return next(predictions)[1] if is_one_image else predictions


def _check_images(network: Network, data: Any, has_images: bool, transform: Any) -> None:
    """Raise ConfigError for settings of images if the data are not images."""
    if transform is not None and not (has_images and network.heads):
        raise ConfigError(
            "A transform is for images that are given to predict themselves",
            fix="give it to the loader" if network.heads else None,
        )
    if has_images and not network.heads and not isinstance(data, np.ndarray):
        raise ConfigError(
            "A network without heads of densefit does not say how images become its input",
            expected="an array (N, ...) of its input, or an iterator of batches",
            received=type(data).__name__,
        )


def _check_complete(data: Any) -> None:
    """Refuse a loader that silently drops samples, or repeats some.

    Raises:
        DataError: it drops a last, smaller batch, or its dataset repeats or leaves out samples.
    """
    skips = getattr(data, "on_error", "raise") != "raise"  # skipped samples are logged
    drops = getattr(data, "last", "keep") == "drop"
    if getattr(data, "exact", True) is False and (drops or not skips):
        raise DataError(
            "The prediction data do not give every sample exactly once",
            received=f"a {type(data).__name__} that drops or repeats samples",
            fix="for a Loader: last='keep'; for a Mixture: no ratio, temperature or length",
        )


def _of_heads(learner: Engine, data: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (id, {head: prediction}) of every sample."""
    adapters = [
        adapter for adapter in learner.network.adapters.values() if isinstance(adapter, NetworkHead)
    ]
    reader = BatchReader(data, adapters, "prediction")
    if has_views(data, adapters):
        for sample in merge_views(learner, reader):
            yield sample.id, sample.predictions
        return
    for batch, outputs in learner.evaluate(reader):
        if batch.geometries is None:
            raise DataError(
                "The batches have no geometries to map predictions to the original images",
                received=f"{type(data).__name__}",
                fix="predict with a densefit Loader",
            )
        by_head = {
            adapter.name: adapter.decode(outputs, batch.geometries, batch.ids)
            for adapter in adapters
        }
        for row, key in enumerate(batch.ids):
            yield key, {name: predictions[row] for name, predictions in by_head.items()}


def _of_symbol(learner: Engine, data: Any) -> dict[str, Any]:
    """Outputs by name, with the rows of all samples."""
    network = learner.network
    names = {short_name(name): name for name in network.output_names}
    inputs = {name: _inputs_read(network, name) for name in names}
    provided = {desc[0] for desc in [*data.provide_data, *(data.provide_label or ())]}
    available = {*provided, *network.value_shapes}
    chosen = [name for name in names if inputs[name] <= available]
    if not chosen:
        raise BindError(
            "No output can be computed from the data",
            expected={name: sorted(inputs[name] - available) for name in names},
            received=sorted(provided),
            fix="let the iterator provide these inputs; are the network's parameters set?",
        )
    reader = BatchReader(data, [RawOutputHead(chosen)], "prediction")
    learner.check_evaluation(reader, values=True)
    batches: dict[str, list[np.ndarray]] = {name: [] for name in chosen}
    for _, outputs in learner.evaluate(reader):
        for name in chosen:
            batches[name].append(np.atleast_1d(outputs[name]))
    return {names[name]: _joined(arrays) for name, arrays in batches.items()}


def _inputs_read(network: Network, output: str) -> set[str]:
    """Inputs and parameters that an output of a network is computed from."""
    if network.input_names is not None:
        return set(network.input_names)
    return inputs_read(network.symbol, output)


def _joined(arrays: list[np.ndarray]) -> Any:
    """Concatenate the batches, or return a list of arrays if their sizes differ."""
    same = len({array.shape[1:] for array in arrays}) == 1
    return np.concatenate(arrays) if same else arrays
