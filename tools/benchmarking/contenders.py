"""The engines and formats that can compute a network, and why others cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from densefit import engine as engines
from densefit.checkpoint.weights.load import load
from densefit.data.transforms import Resize
from densefit.engine.batch_reader import BatchReader
from densefit.engine.selection import TRAINING
from densefit.errors import DensefitError
from densefit.evaluation.images import image_loader
from densefit.model.network import Network

ENGINES = {"mxnet": "MXNet", "torch": "PyTorch"}
ONNX = "ONNX Runtime"
INT8 = f"{ONNX} int8"

#: Output -> a `densefit.exporting.parity.Parity`.
Differences = Mapping[str, Any]


@dataclass(frozen=True)
class Contender:
    """A way to compute the network.

    Attributes:
        name: name in the table.
        network: the network, of the checkpoint or of an exported model.
        engine: engine that computes it.
        size: bytes of the parameters, or of the model's file.
        differences: by output, from the run's own engine; empty for that one.
    """

    name: str
    network: Network
    engine: str
    size: int
    differences: Differences = field(default_factory=dict)


@dataclass(frozen=True)
class Exports:
    """How models are exported to be compared.

    Args:
        folder: folder of the models.
        image_size: (height, width).
        resize: "letterbox" or "resize".
        samples: loader of samples to compare the outputs on.
        calibration: function that makes a loader of samples for int8.
    """

    folder: Path
    image_size: tuple[int, int]
    resize: str
    samples: Any
    calibration: Any


def contenders(
    network: Network, reference: str, images: Sequence[np.ndarray], exports: Exports
) -> tuple[list[Contender], dict[str, str]]:
    """Make all ways to compute a checkpoint's network that this installation has.

    Args:
        network: network with parameters.
        reference: the run's own engine, which comes first and which the outputs are compared with.
        images: (H, W, 3) uint8 of the size of the network's input, RGB.
        exports: settings of the exported models.

    Returns:
        (contenders, name -> reason of those that are left out).
    """
    names = [reference, *(name for name in TRAINING if name != reference)]
    arrays = [*network.parameters.values(), *network.statistics.values()]
    size = sum(np.asarray(array).nbytes for array in arrays)
    working: list[Contender] = []
    left_out: dict[str, str] = {}
    expected: dict[str, np.ndarray] = {}
    for name in names:
        try:
            outputs = _outputs(network, images, name)
            differences = _compared(expected, outputs) if expected else {}
        except DensefitError as error:
            if name == reference:
                raise
            left_out[ENGINES[name]] = str(error.what)
            continue
        expected = expected or outputs
        working.append(Contender(ENGINES[name], network, name, size, differences))
    for name, settings in ((ONNX, {}), (INT8, {"int8": True})):
        try:
            working.append(_exported(name, network, reference, exports, settings))
        except DensefitError as error:
            left_out[name] = str(error.what)
    return working, left_out


def exported_alone(path: Path) -> tuple[list[Contender], dict[str, str]]:
    """The way to compute an exported model, and why there is no other; see `contenders`."""
    network = load(path)
    precision = engines.read_exported(path).metadata.precision
    name = ONNX if precision == "float32" else f"{ONNX} {precision}"
    reason = "an exported model is computed by ONNX Runtime alone; --checkpoint compares"
    rest = dict.fromkeys([*ENGINES.values(), INT8], reason)
    rest.pop(name, None)
    return [Contender(name, network, "onnx", path.stat().st_size)], rest


def _exported(
    name: str, network: Network, reference: str, exports: Exports, settings: Mapping[str, Any]
) -> Contender:
    """Export the network, which compares it with the network."""
    from densefit.exporting.export import export

    more = {"calibrate": exports.calibration()} if settings else {}
    exported = export(
        network,
        exports.folder / f"{'int8' if settings else 'float32'}.onnx",
        exports.samples,
        image_size=exports.image_size,
        resize=exports.resize,
        engine=reference,
        **settings,
        **more,
    )
    return Contender(name, load(exported.path), "onnx", exported.size, exported.parity)


def _outputs(network: Network, images: Sequence[np.ndarray], engine: str) -> dict[str, np.ndarray]:
    """Outputs of a network for images, in the form that heads decode."""
    learner = engines.make(network, None, engine)
    loader = image_loader(list(images), Resize(*images[0].shape[:2]), min(len(images), 8))
    reader = BatchReader(loader, list(network.adapters.values()), "benchmark")
    parts = [outputs for _, outputs in learner.evaluate(reader)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _compared(expected: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]) -> Differences:
    from densefit.exporting.parity import compare_all

    return compare_all(expected, outputs, "float32", may_tie=True)
