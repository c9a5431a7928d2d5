"""Files of pretrained weights: PyTorch's two forms, safetensors, MXNet's and ONNX models."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from fuzz.byte_changes import Change
from fuzz.kind import Kind, unlike
from fuzz.text_changes import change_json

import densefit as df
from densefit.checkpoint.storage import tensors
from densefit.checkpoint.weights.files import mxnet_params, torch_file
from densefit.checkpoint.weights.files.weight_file import read
from densefit.checkpoint.weights.maps import layouts_of
from densefit.checkpoint.weights.maps.class_lists import VOC
from densefit.checkpoint.weights.maps.head_map import head_layouts_of
from densefit.checkpoint.weights.maps.name_map import names_by_rows
from densefit.model.parameters import owners, shapes

_NUMBERS = np.random.default_rng(0)
ARRAYS = {
    "conv1.weight": _NUMBERS.normal(size=(4, 3, 3, 3)).astype(np.float32),
    "bn1.running_var": np.arange(1, 5, dtype=np.float64),
    "bn1.num_batches_tracked": np.array([7], np.int64),
    "fc.weight": _NUMBERS.normal(size=(2, 4)).astype(np.float16),
}
_KINDS = {"f4": "Float", "f8": "Double", "i8": "Long", "f2": "Half"}
#: A pickle's call of a function with one text, which no reader may make.
_PROGRAM = b"cos\nmkdir\n(X\x07\x00\x00\x00run-it!tR"


def _value(value: Any) -> bytes:
    """A plain value's opcodes, without the pickle's frame."""
    return pickle.dumps(value, 2)[2:-1]


def _state_dict(program: bytes = b"") -> bytes:
    """A pickle of tensors by name, as PyTorch writes them; `program` lies among them."""
    parts = [b"\x80\x02}("]
    for key, (name, array) in enumerate(ARRAYS.items()):
        kind = _KINDS[array.dtype.str[1:]]
        storage = b"(" + _value("storage") + f"ctorch\n{kind}Storage\n".encode()
        storage += _value(str(key)) + _value("cpu") + _value(array.size) + b"tQ"
        strides = tuple(stride // array.itemsize for stride in array.strides)
        parts += [_value(name), b"ctorch._utils\n_rebuild_tensor_v2\n(", storage, _value(0)]
        parts += [_value(array.shape), _value(strides), b"\x89", b"ccollections\nOrderedDict\n)RtR"]
    if program:
        parts += [_value("more"), program]
    return b"".join([*parts, b"u."])


def zipped(pickled: bytes) -> bytes:
    """PyTorch's zip form."""
    parts: dict[str, bytes] = {"data.pkl": pickled, "byteorder": b"little", "version": b"3\n"}
    parts.update({f"data/{key}": array.tobytes() for key, array in enumerate(ARRAYS.values())})
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(f"net/{name}"), content)  # without the time
    return stream.getvalue()


def older(pickled: bytes) -> bytes:
    """PyTorch's form before 1.6."""
    keys = [str(key) for key in range(len(ARRAYS))]
    parts = [torch_file.OLDER + b".", pickle.dumps(1001, 2)]
    parts += [pickle.dumps({"little_endian": True}, 2), pickled, pickle.dumps(keys, 2)]
    for array in ARRAYS.values():
        parts += [array.size.to_bytes(8, "little"), array.tobytes()]
    return b"".join(parts)


def _field(number: int, content: bytes | int) -> bytes:
    """A field of a protobuf message."""
    if isinstance(content, int):
        return _varint(number << 3) + _varint(content)
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    digits = []
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])


def onnx_model() -> bytes:
    """An ONNX model of initializers and a BatchNormalization."""
    codes = {"f4": 1, "i8": 7, "f2": 10, "f8": 11}
    graph = _field(1, _field(4, b"BatchNormalization"))
    for name, array in ARRAYS.items():
        sizes = b"".join(_field(1, size) for size in array.shape)
        content = sizes + _field(2, codes[array.dtype.str[1:]]) + _field(8, name.encode())
        graph += _field(5, content + _field(9, array.tobytes()))
    return _field(1, 8) + _field(7, graph)


def change_pickle(wrap: Callable[[bytes], bytes]) -> Change:
    """A number or a name in the pickle is another one, or it runs a program."""

    def change(data: bytes, rng: Random) -> bytes:
        pickled = _state_dict(_PROGRAM if rng.random() < 0.2 else b"")
        opcodes = b"()}]t.u0aQRboicq\x80\x85\x86\x87\x88\x89\x8a\x93N"
        for _ in range(rng.choice((1, 1, 2, 3))):
            index = rng.randrange(2, len(pickled))
            new = rng.choice((rng.choice(opcodes), rng.randrange(256)))
            pickled = pickled[:index] + bytes([new]) + pickled[index + rng.randrange(2) :]
        return wrap(pickled)

    return change


def change_header(data: bytes, rng: Random) -> bytes:
    """A value of safetensors' header is another one."""
    length = int.from_bytes(data[:8], "little")
    header = change_json(data[8 : 8 + length], rng)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def change_sizes(data: bytes, rng: Random) -> bytes:
    """A number of 4 bytes is another one, such as MXNet's counts, sizes and dtypes."""
    changed = bytearray(data)
    number = rng.choice((0, 1, 2, 3, 7, 12, 255, 1 << 20, 1 << 31, (1 << 32) - 1))
    struct.pack_into("<I", changed, 4 * rng.randrange(len(data) // 4), number)
    return bytes(changed)


class Weights(Kind):
    """A file that `read_weights` reads.

    Args:
        name: of the kind.
        target: the file.
        content: its content.
        structural: changes of it.
        reader: another reader: content -> arrays by name.
    """

    def __init__(
        self,
        name: str,
        target: str,
        content: bytes,
        structural: Change | None = None,
        reader: Callable[[bytes], Mapping[str, np.ndarray]] | None = None,
    ) -> None:
        self.name, self.target = name, target
        self._content, self._structural, self._reader = content, structural, reader

    def clean(self) -> list[bytes]:
        return [self._content]

    def structural(self) -> Change | None:
        return self._structural

    def open(self, root: Path) -> Any:
        arrays = list(read(root / self.target).arrays.items())
        for _, array in arrays:
            array.sum()  # all of its memory is there
        if Path("run-it!").exists():
            raise RuntimeError("a program in the file was run")
        return arrays

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        if self._reader is None:
            return None
        try:
            expected = self._reader(data)
        except Exception:  # whatever it is, it does not read the file
            return None
        arrays = dict(samples.values())
        if arrays.keys() != expected.keys():
            return unlike("names", sorted(arrays), sorted(expected))
        for name, array in arrays.items():
            if not np.array_equal(array, expected[name], equal_nan=array.dtype.kind == "f"):
                return unlike(name, array, np.asarray(expected[name])) or f"{name}: other numbers"
        return ""


class LoadedWeights(Weights):
    """A file that is loaded into a network."""

    def __init__(self) -> None:
        super().__init__("weights, loaded", "loaded.safetensors", b"", change_header)

    def clean(self) -> list[bytes]:
        return [_loadable()]

    def open(self, root: Path) -> Any:
        network = _network()
        network.set_params({})
        report = df.load_weights(network, root / self.target)
        values = {**network.parameters, **network.statistics}
        return [(name, values[name]) for name in report.loaded]

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        bad = [name for name, array in samples.values() if not np.isfinite(array).all()]
        return f"not finite: {bad[0]}" if bad else ""


@cache
def _network() -> Any:
    head = df.head("segmentation", classes=["cat", "lamp"], decoder="fcn", channels=4, name="kind")
    return df.Network("resnet18", [head], settings={"width": 2})


@cache
def _loadable() -> bytes:
    """All parameters of torchvision's FCN by its names: a backbone and a head of VOC's classes."""
    network = _network()
    sizes, owner_of = shapes(network), owners(network)
    trunk = [name for name in sizes if owner_of[name] is None]
    table = layouts_of(network.backbone)["torchvision, timm"]
    there = table.names(trunk, network.backbone.name)
    arrays = {f"backbone.{theirs}": sizes[ours] for ours, theirs in there.items()}
    bare = [name.removeprefix("kind_") for name in sizes if owner_of[name] == "kind"]
    (head,) = head_layouts_of(network.heads[0], bare).values()
    for ours, theirs in names_by_rows(bare, head.rows, head.ends).items():
        size = sizes[f"kind_{ours}"]
        arrays[theirs] = (len(VOC), *size[1:]) if ours.startswith("score") else size
    return b"".join(
        tensors.pieces({name: np.ones(size, np.float32) for name, size in arrays.items()})
    )


def _safetensors(data: bytes) -> Mapping[str, np.ndarray]:
    from safetensors.numpy import load

    arrays: Mapping[str, np.ndarray] = load(data)
    return arrays


def _onnx(data: bytes) -> Mapping[str, np.ndarray]:
    from onnx import load_from_string, numpy_helper

    tensors_of = load_from_string(data).graph.initializer
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in tensors_of}


WEIGHTS: tuple[Kind, ...] = (
    Weights("weights, zip", "zip.pth", zipped(_state_dict()), change_pickle(zipped)),
    Weights("weights, older", "older.pth", older(_state_dict()), change_pickle(older)),
    Weights(
        "weights, safetensors",
        "net.safetensors",
        b"".join(tensors.pieces(ARRAYS)),
        change_header,
        _safetensors,
    ),
    Weights("weights, MXNet", "net.params", b"".join(mxnet_params.pieces(ARRAYS)), change_sizes),
    Weights("weights, ONNX", "net.onnx", onnx_model(), None, _onnx),
    LoadedWeights(),
)
