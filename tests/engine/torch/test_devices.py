"""Devices of PyTorch, by name."""

import numpy as np
import pytest
import torch

from densefit.backend import mx
from densefit.engine import array_module, mxnet
from densefit.engine import torch as torch_engine
from densefit.engine.torch import argmax, as_devices, flip, take, to_device, zeros
from densefit.engine.torch.process_group import check_devices
from densefit.errors import ConfigError


def test_names_and_objects_are_devices():
    assert as_devices(None) is None
    assert as_devices(["cpu"]) == as_devices([torch.device("cpu")]) == [torch.device("cpu")]


@pytest.mark.parametrize("device", ["no_such", "cuda:99", "meta", 0])
def test_what_is_no_device_here(device):
    with pytest.raises(ConfigError, match="no device of the engine 'torch' on this machine"):
        as_devices([device])


def test_a_context_of_mxnet_is_refused_with_the_engine_that_takes_it():
    with pytest.raises(ConfigError, match="engine='mxnet'"):
        as_devices([mx.cpu()])


@pytest.mark.parametrize("name", ["gpu", "mps", "cpu:x"])
def test_a_device_that_is_not_there_is_refused_in_a_sentence(name):
    with pytest.raises(ConfigError) as error:
        as_devices([name])
    assert name in str(error.value)
    assert "ipu" not in str(error.value)
    assert "This could be" not in str(error.value)


def test_several_devices_are_for_several_processes():
    with pytest.raises(ConfigError, match="densefit launch --nproc 2"):
        as_devices(["cpu", "cpu"])


def test_mxnet_takes_the_same_names():
    assert mxnet.as_devices(["cpu", "cuda:1", "gpu"]) == [mx.cpu(), mx.gpu(1), mx.gpu(0)]
    with pytest.raises(ConfigError, match="no devices of the engine 'mxnet'"):
        mxnet.as_devices(["tpu"])


def test_functions_of_maps_are_those_of_numpy():
    array = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    maps = to_device(array, like=torch.zeros(1))
    assert array_module(maps) is torch_engine
    np.testing.assert_array_equal(flip(maps, 2), array[:, :, ::-1])
    np.testing.assert_array_equal(take(maps, np.array([1.0, 1.0, 3.0]), 1), array[:, [1, 1, 3]])
    np.testing.assert_array_equal(argmax(maps), array.argmax(0).astype(np.uint8))
    assert zeros((2, 3), like=maps).shape == (2, 3)


def test_a_gpu_without_a_number_is_that_of_the_local_rank(monkeypatch):
    empty = torch.empty
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch, "empty", lambda *sizes, device: empty(*sizes))
    assert as_devices(["cuda"]) == [torch.device("cuda")]  # one process
    variables = {"RANK": "7", "LOCAL_RANK": "3", "WORLD_SIZE": "8"}
    for name, value in {**variables, "DENSEFIT_CONTROL": "10.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    assert as_devices(["cuda"]) == [torch.device("cuda:3")]
    assert as_devices(["cuda:0"]) == [torch.device("cuda:0")]
    assert as_devices(["cpu"]) == [torch.device("cpu")]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match="more ranks on this machine than GPUs"):
        as_devices(["cuda"])


def test_ranks_share_no_gpu():
    check_devices([["a", "cpu"], ["a", "cpu"]])
    check_devices([["a", "cuda:0"], ["a", "cuda:1"], ["b", "cuda:0"]])
    for devices in ([["a", "cuda:0"], ["a", "cuda:0"]], [["a", "cpu"], ["a", "cuda:0"]]):
        with pytest.raises(ConfigError, match="rank 1: cuda:0"):
            check_devices(devices)
