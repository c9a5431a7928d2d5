"""An ONNX file: its inputs, outputs and metadata, and the sessions that compute it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from densefit.engine.onnx.devices import providers_of, thread_count
from densefit.engine.onnx.metadata import Metadata, read_metadata
from densefit.errors import BindError, CheckpointError, EngineError

_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}
_SILENT = 4  # ONNX Runtime's errors are raised, too


class Port(NamedTuple):
    """An input or output of a graph.

    Attributes:
        name: name in the graph.
        shape: fixed length of each axis, None for a free one.
        dtype: numpy type; None for a type that numpy lacks.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: Any

    @property
    def text(self) -> str:
        """Shape and type, for messages."""
        axes = ", ".join("N" if length is None else str(length) for length in self.shape)
        return f"({axes}) {'?' if self.dtype is None else np.dtype(self.dtype).name}"


def read_model(path: str | Path) -> ModelFile:
    """Read the file of an exported model; one that was just read is not read again.

    Raises:
        CheckpointError: the file is missing, damaged, or no ONNX model.
        EngineError: ONNX Runtime cannot be imported.
    """
    if not Path(path).is_file():
        raise CheckpointError("There is no exported model", where=path, fix="a file NAME.onnx")
    state = os.stat(path)
    return _read(Path(path), (state.st_mtime_ns, state.st_size, state.st_ino))


@lru_cache(maxsize=1)
def _read(path: Path, state: tuple[int, ...]) -> ModelFile:
    return ModelFile(path)


class ModelFile:
    """An exported model in a file, read by ONNX Runtime.

    Args:
        path: path of the file.

    Attributes:
        path: path of the file.
        batch: number of rows that the graph is made for; None for any.
        metadata: what the export wrote beside the graph.
        inputs, outputs: of the graph, by name.

    Raises:
        CheckpointError: the file is damaged, or no ONNX model.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sessions: dict[str, Any] = {}
        session = self.session()
        self.metadata: Metadata = read_metadata(
            session.get_modelmeta().custom_metadata_map, self.path
        )
        self.inputs = _ports(session.get_inputs())
        self.outputs = _ports(session.get_outputs())
        rows = {port.shape[0] if port.shape else None for port in self.inputs.values()}
        self.batch = rows.pop() if len(rows) == 1 else self.metadata.batch

    def session(self, devices: Sequence[Any] | None = None) -> Any:
        """The InferenceSession on a device; see `providers_of`.

        Raises:
            CheckpointError: ONNX Runtime cannot read the file.
            ConfigError: a device that ONNX Runtime lacks.
            EngineError: the device does not work.
        """
        runtime = _onnxruntime()
        providers = providers_of(devices, runtime.get_available_providers())
        key = repr(providers)
        if key not in self._sessions:
            self._sessions[key] = self._new_session(runtime, providers)
        return self._sessions[key]

    def _new_session(self, runtime: Any, providers: Sequence[tuple[str, dict[str, Any]]]) -> Any:
        options = runtime.SessionOptions()
        options.intra_op_num_threads = thread_count()
        options.log_severity_level = _SILENT
        try:
            session = runtime.InferenceSession(
                str(self.path), options, providers=providers, enable_fallback=False
            )
        except Exception as error:  # ONNX Runtime's errors have no common base of their own
            raise self._unreadable(error) from error
        if session.get_providers()[0] != providers[0][0]:
            raise EngineError(
                f"ONNX Runtime does not compute with {providers[0][0]}",
                received=f"{', '.join(session.get_providers())} in its place",
                where=self.path,
                fix="are the libraries of the device installed (CUDA, cuDNN)? devices=['cpu']",
            )
        return session

    def _unreadable(self, error: Exception) -> CheckpointError:
        reason = str(error).partition("failed:")[2] or str(error)
        return CheckpointError(
            "ONNX Runtime cannot read the exported model",
            expected="an ONNX file, complete",
            received=f"{self.path.stat().st_size} bytes: {reason.strip().splitlines()[0]}",
            where=self.path,
            fix="is the file cut off, or does it need a newer onnxruntime? Export it again",
        )

    def run(
        self, session: Any, arrays: Mapping[str, np.ndarray], names: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """Compute outputs by name.

        Raises:
            BindError: an output is no array.
            EngineError: ONNX Runtime fails.
        """
        try:
            outputs = dict(zip(names, session.run(list(names), dict(arrays))))
        except Exception as error:
            shapes = {name: array.shape for name, array in arrays.items()}
            raise EngineError(
                "ONNX Runtime cannot compute the exported model",
                expected=", ".join(f"{port.name} {port.text}" for port in self.inputs.values()),
                received=f"{shapes}: {(str(error).strip().splitlines() or [''])[0]}",
                where=self.path,
            ) from error
        for name, output in outputs.items():
            if not isinstance(output, np.ndarray):
                raise BindError(
                    f"The output {name!r} of the model is no array",
                    received=type(output).__name__,
                    where=self.path,
                    fix="name other outputs in the routes",
                )
        return outputs


def _ports(arguments: Sequence[Any]) -> dict[str, Port]:
    return {
        argument.name: Port(
            argument.name,
            tuple(length if isinstance(length, int) else None for length in argument.shape),
            _DTYPES.get(argument.type),
        )
        for argument in arguments
    }


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except (ImportError, OSError) as error:
        raise EngineError(
            f"ONNX Runtime cannot be imported: {error}",
            expected="onnxruntime 1.18 or later, which runs exported models",
            fix="pip install 'densefit[onnx]'",
        ) from error
    return onnxruntime
