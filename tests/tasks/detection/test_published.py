"""Whole detectors of torchvision compute the same here, and YOLOX's files have all layers."""

import numpy as np
import pytest
import torch

import densefit as df
from densefit.checkpoint.weights.maps.class_lists import COCO, COCO_80
from tests.references.torchvision_operators import by_place, torchvision
from tests.references.yolox import CSPDarknet
from tests.references.yolox_detector import Head, Neck

detection = torchvision.models.detection
pyramids = torchvision.ops.feature_pyramid_network
SIZE, CHANNELS = (64, 96), 64
CLASSES = ["dog", "person", "lamp", "toothbrush"]  # in another order, and a new one


def with_values(model):
    """A model in evaluation mode whose layers differ; rows of no category score nothing."""
    generator = torch.Generator().manual_seed(0)
    for name, value in model.state_dict().items():
        if name.endswith(("running_var", "weight")) and value.ndim == 1:
            value.copy_(torch.rand(value.shape, generator=generator) / 2 + 0.5)
        elif value.ndim == 1:
            value.copy_(torch.randn(value.shape, generator=generator) / 10)
        elif value.ndim > 1:
            fan = value[0].numel()
            value.copy_(torch.randn(value.shape, generator=generator) * (1.2 / fan) ** 0.5)
    scores = model.head.classification_head.cls_logits
    for row in range(len(scores.bias)):
        if COCO[row % 91] not in CLASSES:
            scores.bias.data[row] -= 30
    return model.eval()


def body(of_backbone=False):
    """torchvision's ResNet-18 with a narrow pyramid."""
    net = torchvision.models.resnet18(norm_layer=torchvision.ops.FrozenBatchNorm2d)
    extra = pyramids.LastLevelP6P7(512 if of_backbone else CHANNELS, CHANNELS)
    maps = {"layer2": "0", "layer3": "1", "layer4": "2"}
    return detection.backbone_utils.BackboneWithFPN(net, maps, [128, 256, 512], CHANNELS, extra)


def retinanet():
    return detection.RetinaNet(body(), 91, min_size=64, max_size=96)


def retinanet_v2():
    anchors = detection.retinanet._default_anchorgen()
    head = detection.retinanet.RetinaNetHead(
        CHANNELS, 9, 91, norm_layer=lambda channels: torch.nn.GroupNorm(32, channels)
    )
    settings = {"min_size": 64, "max_size": 96, "anchor_generator": anchors, "head": head}
    return detection.RetinaNet(body(of_backbone=True), 91, **settings)


def fcos():
    return detection.FCOS(body(), 91, min_size=64, max_size=96)


#: Model, task, its settings; few scores are above the threshold.
MODELS = {
    "torchvision's RetinaNet": (retinanet, "retinanet", {"score_threshold": 0.75}),
    "torchvision's RetinaNet, second": (
        retinanet_v2,
        "retinanet",
        {"normalization": "group", "extra_levels": "backbone", "score_threshold": 0.72},
    ),
    "torchvision's FCOS": (fcos, "fcos", {"score_threshold": 0.6}),
}


def older(name, is_fcos):
    """Name of a layer before torchvision 0.13."""
    parts = name.split(".")
    if parts[1] == "fpn" and parts[2] != "extra_blocks":
        del parts[4]
    elif not is_fcos and parts[2] == "conv":
        parts[3:5] = [str(2 * int(parts[3]))]
    return ".".join(parts)


def network_of(task, settings):
    head = df.head(task, name="detection", classes=CLASSES, channels=CHANNELS, **settings)
    return df.Network("resnet18", [head], settings={"normalization": "frozen_batch"})


def with_area(prediction):
    """The boxes with an area, as arrays."""
    parts = {name: np.asarray(part) for name, part in prediction.items()}
    rows = (parts["boxes"][:, 2:] > parts["boxes"][:, :2]).all(axis=1)
    return {name: part[rows] for name, part in parts.items()}


@pytest.mark.parametrize("name", MODELS)
def test_a_whole_detector_of_torchvision(name, tmp_path):
    make, task, settings = MODELS[name]
    torch.manual_seed(0)
    model = with_values(make())
    model.score_thresh = settings["score_threshold"]
    torch.save(model.state_dict(), tmp_path / "whole.pth")
    network = network_of(task, settings)
    report = df.load_weights(network, tmp_path / "whole.pth")
    assert (report.missing, report.unexpected, report.left_out) == ([], [], {})
    assert report.heads == {"detection": name.split(",")[0]}
    assert report.matched_classes == {"detection": ["dog", "person", "toothbrush"]}
    assert report.new_classes == {"detection": ["lamp"]}

    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    found = df.predict(network, image, transform=df.transform("resize", height=64, width=96))
    with torch.no_grad():
        (expected,) = model([torch.from_numpy(image).permute(2, 0, 1) / 255])
    # Boxes outside of the image are clipped to nothing there, and dropped here.
    found, expected = with_area(found["detection"]), with_area(expected)
    labels = np.array([COCO[label] for label in expected["labels"]])
    assert 5 < len(labels) < 100
    assert len(set(labels)) > 1
    kinds = [CLASSES.index(label) for label in labels]
    wanted = by_place(kinds, expected["scores"], expected["boxes"])
    found = by_place(found["classes"], found["scores"], found["boxes"])
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=0.01)


@pytest.mark.parametrize(("make", "task"), [(retinanet, "retinanet"), (fcos, "fcos")])
def test_files_of_before_torchvision_0_13(make, task, tmp_path):
    model = with_values(make())
    state = {older(name, task == "fcos"): value for name, value in model.state_dict().items()}
    assert set(state) != set(model.state_dict())
    torch.save(state, tmp_path / "whole.pth")
    network = network_of(task, {})
    report = df.load_weights(network, tmp_path / "whole.pth")
    assert (report.missing, report.unexpected, report.left_out) == ([], [], {})
    assert report.heads["detection"].endswith("before 0.13")
    tower = "conv.6" if task == "retinanet" else "conv.9"
    np.testing.assert_array_equal(
        network.parameters["detection_class_tower3_weight"],
        state[f"head.classification_head.{tower}.weight"],
    )


def test_yolox(tmp_path):
    """All layers of a file of the authors have a place."""
    model = torch.nn.Module()
    model.backbone = Neck([32, 64, 128])
    model.backbone.backbone = CSPDarknet(8)
    model.head = Head([32, 64, 128], 24, 80)
    torch.save({"model": model.state_dict()}, tmp_path / "yolox.pth")
    head = df.head("yolox", name="detection", classes=CLASSES, channels=24)
    network = df.Network("cspdarknet_s", [head], settings={"width": 8})
    report = df.load_weights(network, tmp_path / "yolox.pth")
    assert (report.missing, report.unexpected, report.left_out) == ([], [], {})
    assert report.heads == {"detection": "YOLOX"}
    assert report.new_classes == {"detection": ["lamp"]}
    np.testing.assert_array_equal(
        network.parameters["detection_level16_class_bias"][[0, 3]],
        model.head.cls_preds[1].bias.detach()[[COCO_80.index("dog"), 79]],
    )
