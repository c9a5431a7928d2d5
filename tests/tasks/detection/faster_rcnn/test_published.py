"""Whole detectors of torchvision compute the same here, with masks and without."""

import numpy as np
import pytest
import torch

import densefit as df
from densefit.checkpoint.weights.maps.class_lists import COCO
from tests.references.torchvision_operators import by_place
from tests.references.torchvision_rcnn import detection, torchvision

SIZE, CHANNELS, HIDDEN = (64, 96), 16, 32
CLASSES = ["dog", "person", "lamp", "toothbrush"]  # in another order, and a new one
SETTINGS = {
    "channels": CHANNELS,
    "hidden": HIDDEN,
    "proposals": 50,
    "proposal_candidates": 60,
    "score_threshold": 0.05,
}


def whole(with_masks):
    """torchvision's model over a ResNet-18, with narrow layers whose values differ."""
    torch.manual_seed(0)
    net = torchvision.models.resnet18(norm_layer=torchvision.ops.FrozenBatchNorm2d)
    pyramid = torchvision.ops.feature_pyramid_network
    maps = {f"layer{number}": str(number - 1) for number in range(1, 5)}
    widths, extra = [64, 128, 256, 512], pyramid.LastLevelMaxPool()
    body = detection.backbone_utils.BackboneWithFPN(net, maps, widths, CHANNELS, extra)
    box = {
        "box_head": detection.faster_rcnn.TwoMLPHead(CHANNELS * 49, HIDDEN),
        "box_predictor": detection.faster_rcnn.FastRCNNPredictor(HIDDEN, 91),
    }
    layers = detection.mask_rcnn
    mask = {
        "mask_head": layers.MaskRCNNHeads(CHANNELS, (CHANNELS,) * 4, 1),
        "mask_predictor": layers.MaskRCNNPredictor(CHANNELS, CHANNELS, 91),
    }
    model = (detection.MaskRCNN if with_masks else detection.FasterRCNN)(
        body,
        min_size=64,
        max_size=96,
        rpn_pre_nms_top_n_test=60,
        rpn_post_nms_top_n_test=50,
        **box,
        **(mask if with_masks else {}),
    )
    for name, value in model.state_dict().items():
        if name.endswith(("running_var", "weight")) and value.ndim == 1:
            value.uniform_(0.5, 1.0)
        elif value.ndim == 1:
            value.normal_(0, 0.1)
        elif value.ndim > 1:
            value.normal_(0, (1.2 / value[0].numel()) ** 0.5)
    scores = model.roi_heads.box_predictor.cls_score
    scores.weight.data *= 2
    for row, name in enumerate(COCO):
        if row and name not in CLASSES:
            scores.bias.data[row] -= 30
    return model.eval()


def older(name):
    """Name of a layer before torchvision 0.13."""
    for number in range(4):
        name = name.replace(f"mask_head.{number}.0.", f"mask_head.mask_fcn{number + 1}.")
    name = name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
    parts = name.split(".")
    if parts[:2] == ["backbone", "fpn"]:
        del parts[4]
    return ".".join(parts)


def network_of(task):
    settings = dict(SETTINGS)
    if task == "mask_rcnn":
        settings = {"mask_channels": CHANNELS, "detection": settings}
    head = df.head(task, name="own", classes=CLASSES, **settings)
    return df.Network("resnet18", [head], settings={"normalization": "frozen_batch"})


@pytest.mark.parametrize("task", ["faster_rcnn", "mask_rcnn"])
def test_a_whole_detector(task, tmp_path):
    model = whole(task == "mask_rcnn")
    torch.save(model.state_dict(), tmp_path / "whole.pth")
    network = network_of(task)
    report = df.load_weights(network, tmp_path / "whole.pth")
    assert (report.missing, report.unexpected, report.left_out) == ([], [], {})
    title = {"faster_rcnn": "Faster R-CNN", "mask_rcnn": "Mask R-CNN"}[task]
    assert report.heads == {"own": f"torchvision's {title}"}
    assert report.matched_classes == {"own": ["dog", "person", "toothbrush"]}
    assert report.new_classes == {"own": ["lamp"]}
    # The file has no lamp: its scores are put out of the way.
    values = {name: np.array(value) for name, value in network.parameters.items()}
    values["own_class_bias"][1 + CLASSES.index("lamp")] -= 30
    network.set_params(values, network.statistics)

    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    found = df.predict(network, image, transform=df.transform("resize", height=64, width=96))["own"]
    with torch.no_grad():
        (expected,) = model([torch.from_numpy(image).permute(2, 0, 1) / 255])
    labels = [COCO[label] for label in expected["labels"]]
    assert 5 < len(labels) < 100
    assert len(set(labels)) > 1
    kinds = [CLASSES.index(label) for label in labels]
    wanted = by_place(kinds, expected["scores"], expected["boxes"])
    received = by_place(found["classes"], found["scores"], found["boxes"])
    np.testing.assert_allclose(received, wanted, rtol=1e-3, atol=0.02)
    if task == "mask_rcnn":  # their numbers are compared behind given feature maps
        assert len(found["masks"]) == len(labels)
        layer = model.roi_heads.mask_predictor.mask_fcn_logits.weight.detach()
        rows = [0, *(1 + CLASSES.index(name) for name in report.matched_classes["own"])]
        theirs = layer[[0, *(COCO.index(name) for name in report.matched_classes["own"])]]
        np.testing.assert_array_equal(network.parameters["own_mask_weight"][rows], theirs)


@pytest.mark.parametrize("task", ["faster_rcnn", "mask_rcnn"])
def test_files_of_before_torchvision_0_13(task, tmp_path):
    model = whole(task == "mask_rcnn")
    state = {older(name): value for name, value in model.state_dict().items()}
    assert set(state) != set(model.state_dict())
    torch.save(state, tmp_path / "whole.pth")
    network = network_of(task)
    report = df.load_weights(network, tmp_path / "whole.pth")
    assert (report.missing, report.unexpected, report.left_out) == ([], [], {})
    assert report.heads["own"].endswith("before 0.13")
    np.testing.assert_array_equal(
        network.parameters["own_rpn_weight"], state["rpn.head.conv.weight"]
    )
