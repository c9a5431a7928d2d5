"""All built-in backbones are exported, and compute what the network computes.

All heads: tests/engine/onnx/test_heads.py.
"""

import numpy as np
import pytest

import densefit as df
from tests.exporting.conftest import SETTINGS, SIZE, with_values
from tests.model.backbones.narrow import KINDS


def test_a_comparison_without_detections_is_said(network_of, tmp_path, caplog):
    network = network_of("resnet18", "detection")
    background = np.array([99, 0, 0, 0], np.float32)  # before the three classes of each anchor
    values = {
        name: array + np.resize(background, array.shape) if name.endswith("class_bias") else array
        for name, array in network.parameters.items()
    }
    network.set_params(values, network.statistics)
    exported = df.export(network, tmp_path / "m.onnx", image_size=SIZE)
    assert exported.parity["detection_boxes"].is_empty
    assert "no detections in the samples" in str(exported)
    assert "detection_boxes: no detections" in caplog.text


@pytest.mark.parametrize("bias", [0, 40])
def test_networks_whose_scores_are_all_equal(network_of, tmp_path, bias):
    """One that has learned nothing, and one that is sure of everything."""
    network = network_of("resnet18", "detection", "keypoints", "depth")
    values = {
        name: array * (0 if name.endswith("weight") and name.split("_")[0] in SETTINGS else 1)
        + (bias if name.endswith(("class_bias", "centre_bias")) else 0)
        for name, array in network.parameters.items()
    }
    network.set_params(values, network.statistics)
    exported = df.export(network, tmp_path / "m.onnx", image_size=SIZE)
    assert not any(parity.differing for parity in exported.parity.values())


@pytest.mark.parametrize("backbone", KINDS)
def test_backbones(network_of, tmp_path, backbone):
    network = network_of(backbone, "segmentation")
    exported = df.export(network, tmp_path / "model.onnx", image_size=SIZE)
    assert all(parity.differing < 0.01 for parity in exported.parity.values())


def test_the_decoder_of_ddrnet(tmp_path):
    head = df.head("segmentation", classes=4, decoder="ddrnet", channels=8)
    network = df.Network("ddrnet23_slim", [head], settings={"width": 4})
    with_values(network)
    exported = df.export(network, tmp_path / "model.onnx", image_size=SIZE)
    assert exported.parity["segmentation_mask"].differing < 0.01
