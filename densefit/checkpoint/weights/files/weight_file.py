"""A file of weights: its format, found by its first bytes, its sha256 and its arrays."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from densefit.checkpoint.storage import plain_file, tensors
from densefit.checkpoint.weights.files import mxnet_params, onnx_initializers, torch_file
from densefit.checkpoint.weights.files.pickle_values import RefusedPickleError
from densefit.errors import CheckpointError

FORMATS = "safetensors, PyTorch (.pth), MXNet (.params), ONNX, or a checkpoint of densefit"
_MXNET = (0x112).to_bytes(8, "little")
_TAR = (257, b"ustar")
_HDF5 = b"\x89HDF"


@dataclass(frozen=True)
class WeightFile:
    """Weights as a file has them.

    Attributes:
        path: path of the file.
        format: "torch", "safetensors", "mxnet" or "onnx".
        sha256: of the file, in hexadecimal.
        arrays: name in the file -> array; bfloat16 is converted to float32. The `arg:` and `aux:`
            of MXNet's names are left out.
        operators: operators of an ONNX model.
    """

    path: Path
    format: str
    sha256: str
    arrays: dict[str, np.ndarray]
    operators: frozenset[str] = frozenset()

    @property
    def is_folded(self) -> bool:
        """Whether an exporter has merged BatchNorm into convolutions, and dropped their names."""
        return self.format == "onnx" and "BatchNormalization" not in self.operators


def read_weights(path: str | Path, sha256: str | None = None) -> dict[str, np.ndarray]:
    """Read the arrays of a file of weights by their names there, without running code in it.

    Args:
        path: a file: safetensors, PyTorch's `.pth` (a state dict, or a training's checkpoint with
            one), MXNet's `.params`, or an ONNX model.
        sha256: what its sha256 must begin with, in hexadecimal.

    Raises:
        CheckpointError: there is no such file, it is damaged, not of these formats, a pickle of
            more than tensors, or has another sha256.

    Example:
        df.surgery.transfer(df.surgery.read_weights("net.pth"), network, rename={"fc.*": None})
    """
    return read(path, sha256).arrays


def read(path: str | Path, sha256: str | None = None) -> WeightFile:
    """Read a file of weights like `read_weights`, with its format and sha256."""
    file = Path(path)
    if not file.is_file():
        raise CheckpointError(
            "There is no file of weights", expected=FORMATS, where=path, fix="densefit weights list"
        )
    data = plain_file.read(Path(os.path.realpath(file)))
    digest = hashlib.sha256(data).hexdigest()
    if sha256 is not None and not digest.startswith(sha256.lower()):
        raise CheckpointError(
            "The file of weights is another one: its sha256 differs",
            expected=sha256,
            received=digest,
            where=path,
            fix="was its download interrupted? Fetch it again",
        )
    try:
        kind, arrays, operators = _load(data, file)
    except RefusedPickleError as error:
        raise CheckpointError(
            f"The pickle in this file is refused, and nothing of it was run: {error}",
            expected="a state dict: tensors by name",
            where=path,
            fix="where you trust the file, in PyTorch: torch.save(model.state_dict(), 'new.pth'), "
            "or safetensors.torch.save_file",
        ) from error
    except ValueError as error:
        raise CheckpointError(
            f"The weights cannot be read: {error}", expected=FORMATS, where=path
        ) from error
    return WeightFile(file, kind, digest, arrays, frozenset(operators))


def _load(data: bytearray, path: Path) -> tuple[str, dict[str, np.ndarray], set[str]]:
    """Parse a file: (format, arrays, operators)."""
    if data.startswith((torch_file.ZIP, torch_file.OLDER)):
        return "torch", _plain(torch_file.load(data)), set()
    if data.startswith(_MXNET):
        arrays = mxnet_params.load(data)
        return "mxnet", _plain({_bare(name): value for name, value in arrays.items()}), set()
    if data.startswith(_HDF5):
        raise ValueError("it is of HDF5, as Keras writes it")
    if data[_TAR[0] : _TAR[0] + len(_TAR[1])] == _TAR[1]:
        raise ValueError("it is a tar file, as PyTorch before 0.2 wrote it")
    if path.suffix.lower() == ".onnx":
        initializers, operators = onnx_initializers.load(data)
        return "onnx", _plain(initializers), operators
    if path.suffix.lower() == ".safetensors" or data[8:9] == b"{":
        return "safetensors", _plain(tensors.load(data)), set()
    if data.startswith(b"\x80"):
        raise RefusedPickleError("it is a pickle, but not a file of PyTorch")
    raise ValueError("its first bytes are of none of the formats")


def _bare(name: str) -> str:
    kind, colon, rest = name.partition(":")
    return rest if colon and kind in ("arg", "aux") else name


def _plain(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Convert bfloat16, which numpy lacks, to float32, exactly."""
    return {
        name: (array["bfloat16"].astype("<u4") << 16).view("<f4") if array.dtype.names else array
        for name, array in arrays.items()
    }
