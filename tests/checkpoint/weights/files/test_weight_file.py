"""Files of weights by their first bytes; bad ones are refused in a sentence each."""

import hashlib
import os
import pickle
import tarfile

import numpy as np
import pytest

from densefit.checkpoint.storage import tensors
from densefit.checkpoint.weights.files import mxnet_params
from densefit.checkpoint.weights.files.weight_file import read, read_weights
from densefit.errors import CheckpointError

ARRAYS = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(2, np.float16)}


def written(path, content):
    path.write_bytes(b"".join(content) if isinstance(content, list) else content)
    return path


def test_safetensors_and_mxnet(tmp_path):
    first = written(tmp_path / "a.safetensors", tensors.pieces(ARRAYS))
    named = {f"arg:{name}": array for name, array in ARRAYS.items()}
    second = written(tmp_path / "a-0000.params", mxnet_params.pieces(named))
    for path, kind in ((first, "safetensors"), (second, "mxnet")):
        file = read(path)
        assert (file.format, file.sha256) == (kind, hashlib.sha256(path.read_bytes()).hexdigest())
        assert file.arrays.keys() == ARRAYS.keys()
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(file.arrays[name], array)
    os.symlink(first, tmp_path / "link.safetensors")
    assert read_weights(tmp_path / "link.safetensors").keys() == ARRAYS.keys()


def test_bfloat16_is_converted_exactly(tmp_path):
    bits = np.array([0x3FC0, 0xC000], np.uint16)  # 1.5, -2
    array = bits.view(np.dtype([("bfloat16", "<u2")]))
    path = written(tmp_path / "a.safetensors", tensors.pieces({"w": array}))
    np.testing.assert_array_equal(read_weights(path)["w"], np.array([1.5, -2], np.float32))


def refused(path, *texts, **settings):
    with pytest.raises(CheckpointError) as caught:
        read_weights(path, **settings)
    for text in (*texts, str(path)):
        assert text in str(caught.value)


def test_each_bad_file_has_its_sentence(tmp_path):
    refused(tmp_path / "none.pth", "There is no file of weights")
    refused(tmp_path, "There is no file of weights")
    refused(written(tmp_path / "a.pth", b"hello"), "its first bytes are of none of the formats")
    refused(written(tmp_path / "b.pth", b""), "its first bytes are of none")
    refused(written(tmp_path / "c.h5", b"\x89HDF\r\n"), "Keras")
    refused(written(tmp_path / "d.pth", pickle.dumps({"w": 1}, 4)), "refused", "not a file of PyT")
    refused(written(tmp_path / "e.onnx", b"\x3a\x05ab"), "it ends at 4")
    with tarfile.open(tmp_path / "f.pth", "w", format=tarfile.USTAR_FORMAT) as archive:
        archive.add(tmp_path / "a.pth", "storages")
    refused(tmp_path / "f.pth", "PyTorch before 0.2")
    whole = b"".join(tensors.pieces(ARRAYS))
    refused(written(tmp_path / "g.safetensors", whole[:-3]), "cannot be read")


def test_another_sha256(tmp_path):
    path = written(tmp_path / "a.safetensors", tensors.pieces(ARRAYS))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read(path, digest[:8].upper()).sha256 == digest
    refused(path, "its sha256 differs", digest, "deadbeef", sha256="deadbeef")
