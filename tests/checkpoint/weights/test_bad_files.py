"""Bad files of weights leave a network as it was, and nothing in them is run."""

import os

import numpy as np
import pytest
import torch

import densefit as df
from densefit.checkpoint.storage import tensors
from densefit.checkpoint.weights.files import mxnet_params
from densefit.errors import CheckpointError
from tests.checkpoint.weights.layout_files import in_layout, network_of, random_arrays

LAYOUT = "torchvision, timm"


@pytest.fixture(scope="module")
def network():
    return network_of("resnet18")


@pytest.fixture(scope="module")
def arrays(network):
    return in_layout(network, LAYOUT, random_arrays(network))


def refused(network, path, *texts):
    with pytest.raises(CheckpointError) as caught:
        df.load_weights(network, path)
    for text in (*texts, str(path)):
        assert text in str(caught.value)
    assert not network.initialized


class Program:
    """A pickle of it makes a folder."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_program_beside_the_weights_is_not_run(network, arrays, is_zip, is_first, tmp_path):
    state = {name: torch.from_numpy(array) for name, array in arrays.items()}
    program = {"fc.weight": Program(tmp_path / "made")}
    content = {**program, **state} if is_first else {**state, **program}
    torch.save(content, tmp_path / "net.pth", _use_new_zipfile_serialization=is_zip)
    refused(network, tmp_path / "net.pth", "mkdir", "nothing of it was run")
    assert not (tmp_path / "made").exists()
    torch.load(tmp_path / "net.pth", weights_only=False)
    assert (tmp_path / "made").exists()  # so it is a program


def contents(arrays, folder):
    state = {name: torch.from_numpy(array) for name, array in arrays.items()}
    torch.save(state, folder / "net.pth")
    torch.save(state, folder / "older.pth", _use_new_zipfile_serialization=False)
    (folder / "net.safetensors").write_bytes(b"".join(tensors.pieces(arrays)))
    (folder / "net.params").write_bytes(b"".join(mxnet_params.pieces(arrays)))
    return [folder / name for name in ("net.pth", "older.pth", "net.safetensors", "net.params")]


def test_interrupted_downloads(network, arrays, tmp_path):
    for path in contents(arrays, tmp_path):
        whole = path.read_bytes()
        for share in (0.0, 0.01, 0.3, 0.7, 0.99):
            path.write_bytes(whole[: int(share * len(whole))])
            refused(network, path)
        path.write_bytes(whole[:-1])
        refused(network, path)
        path.write_bytes(b"<html>404 Not Found</html>")
        refused(network, path, "cannot be read")


def test_numbers_that_are_no_numbers(network, arrays, written):
    for name in ("layer1.0.conv1.weight", "bn1.running_var"):
        bad = {**arrays, name: np.full_like(arrays[name], np.inf)}
        refused(network, written(bad), "not finite")
    negative = np.full_like(arrays["bn1.running_var"], -0.1)
    refused(network, written({**arrays, "bn1.running_var": negative}), "is negative", "-0.1")
