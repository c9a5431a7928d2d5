"""Weights in the files of PyTorch, ONNX and MXNet."""

import os

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import densefit as df
from densefit.errors import BindError, CheckpointError
from tests.checkpoint.weights.layout_files import in_layout, network_of, random_arrays
from tests.checkpoint.weights.test_pretrained import PLAIN, check_loaded


def test_a_trainings_checkpoint_of_pytorch(tmp_path):
    network = network_of("resnet18")
    arrays = random_arrays(network)
    state = in_layout(network, PLAIN, arrays, "module.")
    tensors = {name: torch.from_numpy(array) for name, array in state.items()}
    tensors["module.bn1.num_batches_tracked"] = torch.tensor(7)
    torch.save({"epoch": 3, "state_dict": tensors}, tmp_path / "best.pth")
    report = df.load_weights(network, tmp_path / "best.pth")
    check_loaded(network, arrays)
    assert report.unused == ["module.bn1.num_batches_tracked"]


class Program:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_program_in_a_pickle_is_not_run(is_zip, tmp_path):
    file, made = tmp_path / "a.pth", tmp_path / "made"
    state = {"conv1.weight": torch.ones(2), "z": Program(made)}
    torch.save(state, file, _use_new_zipfile_serialization=is_zip)
    network = network_of("resnet18")
    with pytest.raises(CheckpointError, match=r"nothing of it was run: it names 'posix\.mkdir'"):
        df.load_weights(network, file)
    assert not made.exists()
    assert not network.initialized
    torch.load(file, weights_only=False)
    assert made.exists()


def saved(arrays, path, operator):
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    node = helper.make_node(operator, list(arrays)[:5], ["y"])
    initializers = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    onnx.save(helper.make_model(helper.make_graph([node], "g", [], [out], initializers)), path)


def test_onnx_with_names_and_folded(tmp_path):
    network = network_of("resnet18")
    arrays = random_arrays(network)
    state = in_layout(network, PLAIN, arrays)
    saved(state, tmp_path / "kept.onnx", "BatchNormalization")
    df.load_weights(network, tmp_path / "kept.onnx")
    check_loaded(network, arrays)
    folded = {f"onnx::Conv_{i}": array for i, array in enumerate(state.values())}
    saved(folded, tmp_path / "folded.onnx", "Conv")
    with pytest.raises(BindError, match="folded by its exporter"):
        df.load_weights(network, tmp_path / "folded.onnx")


@pytest.mark.parametrize("backbone", ["resnet18", "resnet34"])
def test_mxnets_model_zoo_computes_the_same(mx, backbone, tmp_path):
    from mxnet.gluon.model_zoo import vision

    from tests.checkpoint.weights.test_pretrained import features

    mx.random.seed(0)
    model = vision.get_model(f"{backbone}_v1")
    model.initialize(mx.init.Xavier())
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 64, 64)).astype(np.float32)
    network = df.Network(backbone, [df.head("classification", classes=2)])
    mean, std = (
        np.array(v).reshape(3, 1, 1) for v in (network.backbone.mean, network.backbone.std)
    )
    normalised = mx.nd.array((image - mean) / std)
    with mx.autograd.record():  # so that the statistics are not the initial ones
        model(normalised)
    model.save_parameters(str(tmp_path / "zoo.params"))
    report = df.load_weights(network, tmp_path / "zoo.params")
    assert report.layout == "MXNet's model zoo v1"
    expected = normalised
    for index, layer in enumerate(model.features):
        expected = layer(expected)
        if index == 4:  # the first stage
            break
    np.testing.assert_allclose(features(network, image), expected.asnumpy(), rtol=1e-4, atol=1e-4)
    assert len(report.unused) == 2  # the classifier
