"""PyTorch's files (`.pth`, `.pt`), in the zip form and in the older form, without PyTorch.

A zip file holds NAME/data.pkl, and NAME/data/KEY with the bytes of each storage. Before PyTorch 1.6
a file held pickles (a magic number, the version, the machine, the value, the keys of the storages),
and behind them each storage: its number of elements (int64) and its bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.checkpoint.weights.files.pickle_values import evaluate
from densefit.checkpoint.weights.files.torch_tensors import MEANINGS, Storage, Tensor, storage_of

ZIP = b"PK\x03\x04"
_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
OLDER = b"\x80\x02\x8a\x0a" + _MAGIC.to_bytes(10, "little")
#: Keys under which training programs store the state dict of the model.
NESTED = ("state_dict", "model", "model_state", "model_state_dict", "state_dict_ema", "model_ema")


def load(data: bytes | bytearray) -> dict[str, np.ndarray]:
    """Parse the tensors of a state dict; most share the memory of `data`.

    Raises:
        ValueError: the file is damaged, or holds more than tensors.
    """
    value, stored = (_zip if data.startswith(ZIP) else _older)(data)
    return {name: tensor.array(stored) for name, tensor in _state_dict(value).items()}


def _state_dict(value: Any) -> dict[str, Tensor]:
    """Return the tensors by name of a state dict, or of the one inside a training's checkpoint.

    Raises:
        ValueError: there are no tensors.
    """
    if isinstance(value, dict):
        nested = [value[key] for key in NESTED if isinstance(value.get(key), dict)]
        for entries in (value, *nested):
            tensors = {str(key): item for key, item in entries.items() if isinstance(item, Tensor)}
            if tensors:
                return tensors
    raise ValueError("it holds no state dict: tensors by name")


def _zip(data: bytes | bytearray) -> tuple[Any, Mapping[str, bytes]]:
    """Return the value and the bytes of its storages."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {info.filename: info for info in archive.infolist()}
            pickles = [name for name in files if name.split("/")[1:] == ["data.pkl"]]
            if len(pickles) != 1:
                raise ValueError("it is a zip file, but not one of PyTorch: data.pkl is missing")
            # PyTorch does not compress, so that a file never gives more bytes than it has.
            if any(info.compress_type != zipfile.ZIP_STORED for info in files.values()):
                raise ValueError("the zip file is compressed, which PyTorch's are not")
            if sum(info.file_size for info in files.values()) > len(data):
                raise ValueError("the files in the zip file are larger than the zip file")
            prefix = pickles[0].removesuffix("data.pkl")
            order = f"{prefix}byteorder"
            if order in files and archive.read(order) != b"little":
                raise ValueError("it was written by a big-endian machine")
            needed: set[str] = set()
            value = evaluate(
                io.BytesIO(archive.read(pickles[0])), MEANINGS, lambda i: _noted(i, needed)
            )
            names = {key: f"{prefix}data/{key}" for key in needed}
            return value, {key: archive.read(name) for key, name in names.items() if name in files}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"the zip file is damaged: {error}") from error


def _noted(identity: Any, needed: set[str]) -> Storage:
    storage = storage_of(identity)
    needed.add(storage.key)
    return storage


def _older(data: bytes | bytearray) -> tuple[Any, Mapping[str, memoryview]]:
    """Return the value and the bytes of its storages, of a file before PyTorch 1.6."""
    stream = io.BytesIO(data)
    dtypes: dict[str, np.dtype[Any]] = {}

    def storage(identity: Any) -> Storage:
        described = storage_of(identity)
        dtypes[described.key] = described.dtype
        return described

    magic, version, machine, value, keys = (evaluate(stream, MEANINGS, storage) for _ in range(5))
    if magic != _MAGIC or version != _VERSION or not isinstance(machine, dict):
        raise ValueError("it does not begin as a file of PyTorch does")
    if not machine.get("little_endian", True):
        raise ValueError("it was written by a big-endian machine")
    view, position, stored = memoryview(data), stream.tell(), {}
    for key in keys if isinstance(keys, list) else ():
        count = int.from_bytes(view[position : position + 8], "little")
        size = count * dtypes[key].itemsize if key in dtypes else -1
        if size < 0 or position + 8 + size > len(data):
            raise ValueError(f"it ends at {len(data)}, within the storage {key!r:.40}")
        stored[key] = view[position + 8 : position + 8 + size]
        position += 8 + size
    return value, stored
