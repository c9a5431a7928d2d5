"""Run the network and its exported model on the same samples."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from densefit import engine as engines
from densefit.data.transforms import Resize
from densefit.engine.batch_reader import BatchReader
from densefit.errors import DensefitError, EngineError, ExportError, first_line
from densefit.evaluation.images import image_loader
from densefit.evaluation.predict import predict
from densefit.exporting.onnx.build import IMAGE, ModelSettings, view_names
from densefit.exporting.parity import Parity, compare_all
from densefit.exporting.row_inputs import with_equal_rows
from densefit.model.host_arrays import to_numpy
from densefit.model.network import Network
from densefit.model.output_names import short_name


def onnx_runtime() -> Any:
    """Import ONNX Runtime.

    Raises:
        EngineError: it is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError(
            "An exported model is run by ONNX Runtime, which cannot be imported",
            received=str(error),
            fix='pip install "densefit[onnx]"',
        ) from error
    return onnxruntime


@contextmanager
def refusal_of_runtime(text: str, fix: str) -> Iterator[None]:
    """Turn an error of ONNX Runtime into an ExportError with this text."""
    try:
        yield
    except (DensefitError, MemoryError, OSError):
        raise
    except Exception as error:  # ONNX Runtime's errors have no common base of their own
        raise ExportError(text, received=first_line(error), fix=fix) from error


def session(model: bytes | str) -> Any:
    """An ONNX Runtime session on the CPU.

    Raises:
        EngineError: ONNX Runtime is not installed.
    """
    onnxruntime = onnx_runtime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run_model(model: bytes | str, feeds: Mapping[str, np.ndarray], batch: int | None) -> Any:
    """Outputs of a model by name.

    Args:
        model: bytes, or a path.
        feeds: input -> array.
        batch: number of rows that the model takes at once; None for any.
    """
    with refusal_of_runtime(
        "ONNX Runtime cannot compute the exported model",
        fix="build the layer from other operators, or fix the batch: df.export(..., batch=1)",
    ):
        return _run(session(model), feeds, batch)


def _run(runner: Any, feeds: Mapping[str, np.ndarray], batch: int | None) -> Any:
    names = [output.name for output in runner.get_outputs()]
    if batch is None:
        return dict(zip(names, runner.run(names, dict(feeds))))
    rows = len(next(iter(feeds.values())))
    parts = []
    for start in range(0, rows - rows % batch, batch):
        part = {name: array[start : start + batch] for name, array in feeds.items()}
        parts.append(runner.run(names, part))
    return {name: np.concatenate(arrays) for name, arrays in zip(names, zip(*parts))}


def check_heads(
    network: Network,
    model: bytes | str,
    images: Sequence[np.ndarray],
    settings: ModelSettings,
    entries: Mapping[str, str],
    engine: str | None = None,
) -> dict[str, Parity]:
    """Compare the outputs of all heads.

    Args:
        network: network with parameters.
        model: its exported model.
        images: (H, W, 3) uint8 of the size of the input.
        settings: what the model computes.
        entries: metadata of the model.
        engine: engine of the network.

    Raises:
        ExportError: an output is off.
    """
    rows, mode = settings.batch or 1, settings.mode
    images = [*images, *[images[0]] * (-len(images) % rows)]
    received = run_model(model, {IMAGE: np.stack(images)}, settings.batch)
    left_out = json.loads(entries.get("densefit.nms", "{}"))
    size = (int(images[0].shape[0]), int(images[0].shape[1]))
    finished: dict[str, np.ndarray] = {}
    for adapter in network.adapters.values():
        outputs = {name: received[name] for name in adapter.outputs(mode)}
        if adapter.name in left_out:
            outputs = _suppressed(adapter.name, outputs, **left_out[adapter.name])
        finished.update(adapter.finish(mode, outputs, size))
    expected = _network_outputs(network, images, engine)
    if settings.views:
        names = view_names(network)
        maps = _network_outputs(network, images, engine, views=True)
        expected.update({in_file: maps[name] for name, in_file in names.items()})
        finished.update({in_file: received[in_file] for in_file in names.values()})
    return compare_all(expected, finished, entries["densefit.precision"], may_tie=True)


def _suppressed(
    head: str, outputs: Mapping[str, np.ndarray], output: str, **settings: Any
) -> dict[str, np.ndarray]:
    """Outputs of a head after the suppression that its model leaves to the reader.

    Args:
        head: name of the head.
        outputs: candidates, and what else the head has.
        output: name of the candidates, without the head's.
        settings: see `suppressed`.
    """
    from densefit.engine.onnx.suppress import suppressed

    rows = f"{head}_{output}"
    prefix = rows.rpartition("_")[0]
    candidates = {name: array for name, array in outputs.items() if name.startswith(prefix)}
    return {**outputs, **suppressed(candidates, rows, **settings)}


def _network_outputs(
    network: Network, images: Sequence[np.ndarray], engine: str | None, views: bool = False
) -> dict[str, np.ndarray]:
    """The network's outputs in the form that heads decode, or those that views are merged from."""
    height, width = images[0].shape[:2]
    loader = image_loader(list(images), Resize(height, width), min(len(images), 4))
    reader = BatchReader(loader, list(network.adapters.values()), "export")
    learner = engines.make(network, None, engine)
    if views:
        computed = (learner.compute_views(batch, reader) for batch in reader.batches(scoring=True))
        parts = [{n: to_numpy(a) for n, a in views.arrays.items()} for views in computed]
    else:
        parts = [outputs for _, outputs in learner.evaluate(reader)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def check_symbol(
    network: Network,
    model: bytes | str,
    inputs: Mapping[str, np.ndarray],
    outputs: Sequence[str],
    precision: str,
    engine: str | None = None,
) -> dict[str, Parity]:
    """Compare the outputs of a user's Symbol; see `check_heads`."""
    received = run_model(model, inputs, None)
    if len({array.shape[:1] for array in inputs.values()}) > 1:
        network, inputs = with_equal_rows(network, inputs)
    predicted = predict(network, [dict(inputs)], engine=engine)
    expected = {short_name(name): np.asarray(array) for name, array in predicted.items()}
    return compare_all({name: expected[name] for name in outputs}, received, precision)
