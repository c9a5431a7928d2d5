"""Tensors of PyTorch's files: what a pickle says of them, and their numbers as numpy arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.checkpoint.weights.files.pickle_values import pairs

#: Storage class -> dtype. numpy has no bfloat16: its bits are read as 16-bit integers.
STORAGES: dict[str, np.dtype[Any]] = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "BFloat16Storage": np.dtype([("bfloat16", "<u2")]),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}
_MOST_DIMENSIONS = 32  # of numpy


@dataclass(frozen=True)
class Storage:
    """Numbers of one or several tensors.

    Attributes:
        key: name of its bytes in the file.
        dtype: of its numbers.
        count: how many numbers there are.
        begin: index of the first one in the bytes; not 0 for a view of another storage.
    """

    key: str
    dtype: np.dtype[Any]
    count: int
    begin: int = 0


@dataclass(frozen=True)
class Tensor:
    """A tensor: a strided view of a storage, in numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self, stored: Mapping[str, bytes | bytearray | memoryview]) -> np.ndarray:
        """Return the tensor's numbers, which share the memory of the storage.

        Raises:
            ValueError: the storage is missing, or of another size.
        """
        storage = self.storage
        if storage.key not in stored:
            raise ValueError(f"the storage {storage.key!r:.40} is missing")
        data, size = stored[storage.key], storage.dtype.itemsize
        if len(data) < (storage.begin + storage.count) * size:
            raise ValueError(
                f"the storage {storage.key!r:.40} has {len(data)} bytes, and "
                f"{(storage.begin + storage.count) * size} are due"
            )
        if 0 in self.shape:
            return np.zeros(self.shape, storage.dtype)
        numbers = np.frombuffer(data, storage.dtype, storage.count, storage.begin * size)
        strides = [stride * size for stride in self.strides]
        return np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, strides)


def storage_of(identity: Any) -> Storage:
    """Return the storage that a persistent id of a pickle names.

    Raises:
        ValueError: the id is not one of PyTorch's.
    """
    if not isinstance(identity, tuple) or len(identity) not in (5, 6) or identity[0] != "storage":
        raise ValueError("a storage is not described as PyTorch does")
    _, kind, key, _, count = identity[:5]
    dtype = getattr(kind, "meaning", None)
    if not isinstance(dtype, np.dtype) or not _is_size(count) or not isinstance(key, str):
        raise ValueError("a storage is not described as PyTorch does")
    view = identity[5] if len(identity) == 6 else None
    if view is None:
        return Storage(key, dtype, count)
    _, begin, length = view
    if not _is_size(begin) or not _is_size(length) or begin + length > count:
        raise ValueError("a view of a storage is larger than the storage")
    return Storage(key, dtype, length, begin)


def tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    """Return a tensor, as `torch._utils._rebuild_tensor_v2` is called.

    Raises:
        ValueError: the tensor has more numbers than its storage, or lies outside of it.
    """
    numbers = (offset, *shape, *strides)
    if (
        not isinstance(storage, Storage)
        or len(shape) != len(strides)
        or len(shape) > _MOST_DIMENSIONS
        or not all(map(_is_size, numbers))
    ):
        raise ValueError("a tensor is not described as PyTorch does")
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides))
    count = math.prod(shape)
    if count > storage.count or (count and last >= storage.count):
        raise ValueError(
            f"a tensor of shape {tuple(shape)} in a storage of {storage.count} numbers"
        )
    return Tensor(storage, offset, tuple(shape), tuple(strides))


def _parameter(data: Any, *_: Any) -> Any:
    return data


def _dict(entries: Any = ()) -> dict[Any, Any]:
    return pairs([item for entry in entries for item in entry])


def _namespace() -> dict[str, Any]:
    return {}  # the arguments of a training program; they are not read


def _size(numbers: Any = ()) -> tuple[Any, ...]:
    return tuple(numbers)


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**48


#: Every name that a pickle of tensors may have.
MEANINGS: dict[str, Any] = {
    "torch._utils._rebuild_tensor": tensor,
    "torch._utils._rebuild_tensor_v2": tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.Size": _size,
    "collections.OrderedDict": _dict,
    "argparse.Namespace": _namespace,
    **{f"torch.{name}": dtype for name, dtype in STORAGES.items()},
}
