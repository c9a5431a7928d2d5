"""Arrays of a batch as the inputs of an exported model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.engine.batch_reader import BatchReader
from densefit.engine.onnx.exported_network import ExportedNetwork
from densefit.engine.onnx.model_file import Port
from densefit.errors import BindError, DataError
from densefit.registry import nearest

_TO_NHWC = (0, 2, 3, 1)


def check_inputs(network: ExportedNetwork, reader: BatchReader) -> None:
    """Check that a reader's batches fit the inputs of an exported model.

    Raises:
        BindError: they do not.
    """
    if network.image_size is not None:
        _check_images(network, reader)
        return
    specs = {spec.name: spec for spec in reader.specs}
    for name, port in network.file.inputs.items():
        if name not in specs:
            raise BindError(
                f"The exported model needs the input {name!r}, which the {reader.where} data do "
                "not provide",
                expected=f"{name} {port.text}",
                received=list(specs),
                where=network.file.path,
                fix=nearest(name, specs),
            )
        shape = tuple(specs[name].shape)
        if not _fits(shape, port):
            raise BindError(
                f"The input {name!r} of the {reader.where} data has a shape that the exported "
                "model does not take",
                expected=port.text,
                received=shape,
                where=network.file.path,
                fix="export the network for this shape: df.export(..., inputs=...)",
            )


def _fits(shape: tuple[int, ...], port: Port) -> bool:
    return len(shape) == len(port.shape) and all(
        fixed is None or fixed == length for fixed, length in zip(port.shape[1:], shape[1:])
    )


def _check_images(network: ExportedNetwork, reader: BatchReader) -> None:
    """Check that the only input is images of the model's size, as bytes."""
    height, width = network.image_size or (0, 0)
    spec = reader.data_specs[0]
    received = f"{spec.name} {tuple(spec.shape)} {np.dtype(spec.dtype).name}"
    if reader.sizes_vary:
        received = "images of many sizes, each at its own"
    elif (
        len(reader.data_specs) == 1
        and tuple(spec.shape[1:]) == (3, height, width)
        and np.dtype(spec.dtype) == np.uint8
    ):
        return
    raise BindError(
        "The exported model takes images of one size",
        expected=f"(N, 3, {height}, {width}) uint8, RGB",
        received=received,
        where=f"{network.file.path}, {reader.where} data",
        fix=f"resize them by the transform {network.fitting!r}, or export the network for their "
        "size (--image-size HEIGHTxWIDTH)",
    )


def feeds_of(network: ExportedNetwork, arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Convert the arrays of a batch to the inputs of the model, with the same rows.

    Images stay bytes: the graph normalises them.

    Args:
        network: network of the exported model.
        arrays: inputs and labels of a batch, by name.
    """
    inputs = network.file.inputs
    if network.image_size is not None:
        (name,) = inputs
        (images,) = arrays.values()
        return {name: np.ascontiguousarray(images.transpose(_TO_NHWC))}
    return {name: _converted(arrays[name], port) for name, port in inputs.items()}


def _converted(array: Any, port: Port) -> np.ndarray:
    """An array in the type of an input."""
    dtype = np.dtype(port.dtype)
    converted = np.ascontiguousarray(array, dtype)
    if dtype.kind in "iu" and array.dtype.kind == "f" and not np.array_equal(converted, array):
        raise DataError(
            f"The input {port.name!r} is of whole numbers",
            expected=port.text,
            received=f"{array.dtype} with fractions",
        )
    return converted
