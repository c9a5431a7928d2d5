"""Whatever happens to a checkpoint's bytes: what was written comes back, or a CheckpointError."""

import hashlib
import json
import random
import time
import tracemalloc

import numpy as np
import pytest
from safetensors import deserialize

from densefit.checkpoint.storage import manifest, store, strict_json, tensors
from densefit.errors import CheckpointError

PARTS = {
    "model": {
        "arg:w": np.arange(6, dtype=np.float32).reshape(2, 3),
        "aux:n": np.array(3, np.int64),
        "arg:empty": np.zeros((0, 4), np.float16),
    },
    "optimizer": {"w/0": np.ones((2, 3)), "w/none": np.zeros(0, np.float32)},
}
STATE = {"update": 3, "best": float("nan"), "names": ["a", None, True], "x": np.arange(3)}
FILES = ("model.safetensors", "optimizer.safetensors", "state.json", "manifest.json")


def same(found):
    parts, state = found
    assert parts.keys() == PARTS.keys()
    for part, arrays in PARTS.items():
        assert parts[part].keys() == arrays.keys()
        for name, array in arrays.items():
            assert parts[part][name].dtype == array.dtype
            assert parts[part][name].shape == array.shape
            assert parts[part][name].tobytes() == array.tobytes()
    assert strict_json.dumps(state) == strict_json.dumps(STATE)


def mutated(data, rng):
    """One of the things that happen to files."""
    data = bytearray(data)
    place = rng.randrange(len(data))
    kind = rng.randrange(7)
    if kind == 0:
        data[place] ^= 1 << rng.randrange(8)
    elif kind == 1:
        data[place] = rng.randrange(256)
    elif kind == 2:
        del data[place:]
    elif kind == 3:
        del data[place : place + rng.randrange(1, 9)]
    elif kind == 4:
        data[place:place] = rng.randbytes(rng.randrange(1, 9))
    elif kind == 5:  # a block that never reached the disk
        data[place : place + 64] = bytes(len(data[place : place + 64]))
    else:
        other = rng.randrange(len(data))
        data[place : place + 8] = data[other : other + 8]
    return bytes(data)


@pytest.mark.parametrize("file", FILES)
def test_damage_at_random(tmp_path, file):
    path = store.write(tmp_path, "a", PARTS, STATE)
    data = (path / file).read_bytes()
    rng = random.Random(file)
    refused = changed = 0
    for _ in range(250):
        damaged = mutated(data, rng)
        changed += damaged != data
        (path / file).write_bytes(damaged)
        try:
            same(store.read(path))
        except CheckpointError:
            refused += 1
    (path / file).write_bytes(data)
    same(store.read(path))
    if file == "manifest.json":  # a blank that became another one does no harm
        assert refused > 0.9 * changed
    else:
        assert refused == changed


def resigned(path):
    """Let the manifest fit the files, as whoever makes a hostile checkpoint would."""
    files = {file: (path / file).read_bytes() for file in FILES[:3]}
    sums = {file: (len(data), hashlib.sha256(data).hexdigest()) for file, data in files.items()}
    (path / "manifest.json").write_bytes(manifest.Manifest(1, sums).dumps())


@pytest.mark.parametrize("file", FILES[:3])
def test_hostile_at_random(tmp_path, file):
    """With the right sums every change reaches the readers."""
    path = store.write(tmp_path, "a", PARTS, STATE)
    data = (path / file).read_bytes()
    if file.endswith("safetensors"):  # spare the numbers: any is good
        data = data[: 8 + int.from_bytes(data[:8], "little") + 4]
    rest = (path / file).read_bytes()[len(data) :]
    rng = random.Random(file)
    read, refused = 0, []
    for _ in range(250):
        (path / file).write_bytes(mutated(data, rng) + rest)
        resigned(path)
        try:
            parts, _ = store.read(path)
            read += 1
            assert all(type(one) is np.ndarray for part in parts.values() for one in part.values())
        except CheckpointError as error:
            refused.append(str(error))
    assert read > 5
    assert len(refused) > 100
    assert all(file in text for text in refused)


def test_headers_at_random():
    """Headers of the right form with wrong content: never more is taken than by the library."""
    rng = random.Random(0)
    likely = [0, 1, 2, 4, 8, 16] * 10
    numbers = [*likely, 3, 24, -1, 2**31, 2**47, 2**63, 2**64, 1.0, True, None, "1", []]
    read = 0
    for _ in range(3000):
        header, begin = {}, 0
        for name in "xy"[: rng.randrange(1, 3)]:
            offsets = [rng.choice([begin, begin, begin, rng.choice(numbers)]), rng.choice(numbers)]
            shape = [rng.choice(numbers) for _ in range(rng.randrange(3))]
            dtype = rng.choice(["F32", "F64", "BF16", "U8", "BOOL", "U8", "F4", None])
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
            begin = offsets[1]
        text = json.dumps(header).encode()
        size = begin if type(begin) is int and 0 <= begin < 99 and rng.random() < 0.9 else 4
        data = len(text).to_bytes(8, "little") + text + bytes(size)
        try:
            found = tensors.load(data)
        except ValueError:
            continue
        read += 1
        assert {name: one["shape"] for name, one in deserialize(data)} == {
            name: list(array.shape) for name, array in found.items()
        }
    assert read > 20


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        '{"a":' * 200_000,
        "[" * 500 + "]" * 500,
        "9" * 1_000_000,
        "1." + "9" * 1_000_000,
        "[" + "[]," * (strict_json.MAX_VALUES // 2) + "[]]",
        '{"$array": "", "dtype": "<f4", "shape": [0, ' + "9" * 900 + "]}",
        '{"$array": "", "dtype": "<f4", "shape": [0' + ", 1099511627775" * 30 + "]}",
        '{"$array": "", "dtype": "O", "shape": [0]}',
    ],
    ids=lambda text: text[:20],
)
def test_hostile_states_take_little_time_and_memory(text):
    tracemalloc.start()
    started = time.perf_counter()
    with pytest.raises(CheckpointError):
        strict_json.loads(text)
    seconds, peak = time.perf_counter() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 2
    assert peak < 10 * len(text) + 2**20
