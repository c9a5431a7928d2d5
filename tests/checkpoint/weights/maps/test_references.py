"""Files of torchvision's and timm's models give the features that the models have."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch

import densefit as df
from densefit.errors import BindError
from densefit.symbol import sym
from tests.executor import Executor
from tests.references.yolox import CSPDarknet

models = pytest.importorskip("tests.references.timm_models", exc_type=ImportError)
timm, torchvision = models.timm, models.torchvision


def of_resnet(model, x):
    x = model.maxpool(torch.relu(model.bn1(model.conv1(x))))
    return model.layer4(model.layer3(model.layer2(model.layer1(x))))


def of_timms_mobilenet(model, x):
    return model.blocks(model.bn1(model.conv_stem(x)))


def of_torchvisions_mobilenet(model, x):
    return model.features[:18](x)


def of_stages(model, x):
    """timm's networks of a stem and stages."""
    stages = model.stages if hasattr(model, "stages") else [getattr(model, f"s{n}") for n in "1234"]
    for layer in (model.stem, *stages):
        x = layer(x)
    return x


def of_torchvisions_regnet(model, x):
    return model.trunk_output(model.stem(x))


def of_features(model, x):
    return model.features(x)


def of_torchvisions_efficientnet(model, x):
    return model.features[:8](x)


def of_hrnet(model, x):
    x = torch.relu(model.bn2(model.conv2(torch.relu(model.bn1(model.conv1(x))))))
    return model.stages(x)[3]


class Vgg(torch.nn.Module):
    """torchvision's VGG-16 of an eighth of the channels, without its classifier."""

    def __init__(self, has_bn):
        super().__init__()
        vgg = torchvision.models.vgg
        layers = [entry if entry == "M" else entry // 8 for entry in vgg.cfgs["D"]]
        self.features = vgg.make_layers(layers, batch_norm=has_bn)


class NarrowResNet(torchvision.models.resnet.ResNet):
    """torchvision's ResNet of an eighth of the channels."""

    def _make_layer(self, block, planes, *rest, **more):
        if planes == 64:  # the first stage
            self.inplanes = 8
            self.conv1 = torch.nn.Conv2d(3, 8, 7, stride=2, padding=3, bias=False)
            self.bn1 = torch.nn.BatchNorm2d(8)
        return super()._make_layer(block, planes // 8, *rest, **more)


def narrow_resnet(name, source):
    if source is timm:
        module, widths = timm.models.resnet, {"channels": (8, 16, 32, 64), "stem_width": 4}
        deep = {"stem_type": "deep", "avg_down": True}
        return module.ResNet(module.Bottleneck, (3, 4, 6, 3), **widths, **deep)
    module = torchvision.models.resnet
    if name == "resnet50":
        return NarrowResNet(module.Bottleneck, [3, 4, 6, 3])
    return NarrowResNet(module.BasicBlock, [2, 2, 2, 2])


def narrow_darknet():
    """timm's DarkNet-53 of a quarter of the channels."""
    cspnet = timm.models.cspnet
    whole = cspnet.model_cfgs["darknet53"]
    stages = replace(whole.stages, out_chs=tuple(n // 4 for n in whole.stages.out_chs))
    return cspnet.CspNet(replace(whole, stem=replace(whole.stem, out_chs=8), stages=stages))


def narrow_hrnet():
    """timm's HRNet-W18 of branches of 4, 8, 16 and 32 channels."""
    config = deepcopy(timm.models.hrnet.cfg_cls["hrnet_w18"])
    for stage in ("stage2", "stage3", "stage4"):
        config[stage]["num_channels"] = (4, 8, 16, 32)[: config[stage]["num_branches"]]
    return timm.models.hrnet.HighResolutionNet(config)


def model_of(name, source):
    if name == "resnet50d" or (name.startswith("resnet") and source is not timm):
        return narrow_resnet(name, source)
    if name in ("darknet53", "hrnet_w18"):
        return narrow_darknet() if name == "darknet53" else narrow_hrnet()
    if name == "convnext_tiny" and source is timm:
        return timm.models.convnext.ConvNeXt(depths=(3, 3, 9, 3), dims=(24, 48, 96, 192))
    if name == "convnext_tiny":
        module, widths = torchvision.models.convnext, (24, 48, 96, 192)
        stages = zip(widths, (*widths[1:], None), (3, 3, 9, 3))
        return module.ConvNeXt([module.CNBlockConfig(*stage) for stage in stages])
    if name.startswith("vgg16"):
        return Vgg(name == "vgg16_bn")
    return source.create_model(name) if source is timm else getattr(source, name)()


CASES = [
    ("vgg16", {"width": 8}, torchvision.models, of_features, "torchvision"),
    ("vgg16_bn", {"width": 8}, torchvision.models, of_features, "torchvision"),
    ("mobilenet_v3_large", {}, torchvision.models, of_features, "torchvision"),
    ("mobilenet_v3_small", {}, torchvision.models, of_features, "torchvision"),
    ("mobilenetv3_large_100", {}, timm, of_timms_mobilenet, "timm"),
    ("mobilenetv3_small_100", {}, timm, of_timms_mobilenet, "timm"),
    ("efficientnet_b0", {}, torchvision.models, of_torchvisions_efficientnet, "torchvision"),
    ("regnet_y_400mf", {}, torchvision.models, of_torchvisions_regnet, "torchvision"),
    ("regnety_004", {}, timm, of_stages, "timm"),
    ("convnext_tiny", {"width": 24}, torchvision.models, of_features, "torchvision"),
    ("convnext_tiny", {"width": 24}, timm, of_stages, "timm"),
    ("darknet53", {"slope": 0.01, "width": 8}, timm, of_stages, "timm"),
    ("hrnet_w18", {"width": 4}, timm, of_hrnet, "the authors, timm"),
    ("resnet18", {"width": 8}, torchvision.models, of_resnet, "torchvision, timm"),
    ("resnet50", {"width": 8}, torchvision.models, of_resnet, "torchvision, timm"),
    ("resnet18", {}, timm, of_resnet, "torchvision, timm"),
    ("mobilenet_v2", {}, torchvision.models, of_torchvisions_mobilenet, "torchvision"),
    ("mobilenetv2_050", {"multiplier": 0.5}, timm, of_timms_mobilenet, "timm"),
    ("mobilenetv2_140", {"multiplier": 1.4}, timm, of_timms_mobilenet, "timm"),
    ("tf_efficientnet_lite0", {}, timm, of_timms_mobilenet, "timm"),
    ("efficientnet_b0", {}, timm, of_timms_mobilenet, "timm"),
    ("resnet50d", {"width": 8}, timm, of_resnet, "timm v1d"),
]
NARROW = {"width": 8}
SMALL_VGG = {"width": 8, "reduced": True}
#: Name there -> name here, where they differ.
OURS = {
    "tf_efficientnet_lite0": "efficientnet_lite0",
    **dict.fromkeys(("mobilenet_v3_large", "mobilenetv3_large_100"), "mobilenetv3_large"),
    **dict.fromkeys(("mobilenet_v3_small", "mobilenetv3_small_100"), "mobilenetv3_small"),
    **dict.fromkeys(("regnet_y_400mf", "regnety_004"), "regnety_400mf"),
    **dict.fromkeys(("mobilenet_v2", "mobilenetv2_050", "mobilenetv2_140"), "mobilenetv2"),
}


def set_apart(model, forward):
    """Give layers of equal shapes other values, and norms the statistics of a forward pass."""
    for parameter in model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    with torch.no_grad():
        model.train()
        forward()
        model.eval()
        return forward().numpy()


def assert_deepest(network, image, expected):
    deepest = network.backbone.features(sym.Variable("data"), (64, 64), 32).maps[32]
    executor = Executor(deepest, gradients=False, data=image.shape)
    values = {**network.parameters, **network.statistics}
    for part in (executor.arg_dict, executor.aux_dict):
        for key in part:
            if key != "data":
                part[key][:] = values[key]
    executor.forward(data=image)
    (result,) = map(np.asarray, executor.outputs)
    assert expected.std() > 1e-3
    assert np.abs(result - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize(("name", "settings", "source", "features", "layout"), CASES)
def test_every_layer_is_in_its_place(name, settings, source, features, layout, tmp_path):
    torch.manual_seed(0)
    model = model_of(name, source)
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 64, 64)).astype(np.float32)
    network = df.Network(
        OURS.get(name, name),
        [df.head("classification", classes=2)],
        settings=settings,
    )
    mean, std = (
        torch.tensor(part).view(3, 1, 1) for part in (network.backbone.mean, network.backbone.std)
    )
    normalised = (torch.from_numpy(image) - mean) / std
    expected = set_apart(model, lambda: features(model, normalised))
    torch.save(model.state_dict(), tmp_path / "model.pth")
    report = df.load_weights(network, tmp_path / "model.pth")
    assert (report.layout, report.unexpected) == (layout, [])
    assert report.missing == ["classification_class_weight", "classification_class_bias"]
    assert_deepest(network, image, expected)


def test_yolox_reads_bgr_without_normalisation(tmp_path):
    """A checkpoint as YOLOX writes it, with its pyramid and head beside the backbone."""
    torch.manual_seed(0)
    model = CSPDarknet(8)
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 64, 64)).astype(np.float32)
    turned = torch.from_numpy(np.ascontiguousarray(image[:, ::-1]))
    expected = set_apart(model, lambda: model(turned)[32])
    state = {f"backbone.backbone.{name}": value for name, value in model.state_dict().items()}
    state["backbone.lateral_conv0.conv.weight"] = torch.ones(2, 2, 1, 1)
    torch.save({"start_epoch": 300, "model": state}, tmp_path / "yolox_s.pth")
    network = df.Network("cspdarknet_s", [df.head("classification", classes=2)], settings=NARROW)
    report = df.load_weights(network, tmp_path / "yolox_s.pth")
    assert (report.layout, report.unexpected) == ("YOLOX", ["backbone.lateral_conv0.conv.weight"])
    assert (network.backbone.mean, network.backbone.std) == ((0.0,) * 3, (1.0,) * 3)
    assert_deepest(network, image, expected)


def test_darknet_of_another_slope_is_refused(tmp_path):
    network = df.Network("darknet53", [df.head("classification", classes=2)], settings={"width": 8})
    torch.save(narrow_darknet().state_dict(), tmp_path / "m.pth")
    with pytest.raises(BindError, match="another slope") as caught:
        df.load_weights(network, tmp_path / "m.pth")
    assert "settings={'slope': 0.01}" in str(caught.value)
    assert not network.initialized


def test_reduced_vgg_has_every_third_cell_of_the_classifier(written):
    """The layers that Caffe's SSD was begun with: fc6 of 3x3 of 7x7 cells, fc7 of 1024 channels."""
    network = df.Network("vgg16", [df.head("classification", classes=2)], settings=SMALL_VGG)
    rng = np.random.default_rng(0)
    state = {
        name: rng.normal(0, 0.1, value.shape) for name, value in Vgg(False).state_dict().items()
    }
    fc6 = rng.normal(0, 0.1, (512, 64, 7, 7)).astype(np.float32)
    state.update({"classifier.0.weight": fc6.reshape(512, -1), "classifier.6.bias": np.ones(1)})
    state.update({"classifier.0.bias": np.arange(512.0), "classifier.3.bias": -np.arange(512.0)})
    state["classifier.3.weight"] = rng.normal(0, 0.1, (512, 512))
    state = {name: np.asarray(value, np.float32) for name, value in state.items()}
    report = df.load_weights(network, written(state))
    assert (report.unused, report.unexpected) == (["classifier.6.bias"], [])
    values = network.parameters
    np.testing.assert_array_equal(values["vgg16_fc6_weight"], fc6[::4][..., ::3, ::3])
    np.testing.assert_array_equal(values["vgg16_fc6_bias"], np.arange(0, 512, 4))
    np.testing.assert_array_equal(values["vgg16_fc7_bias"], -np.arange(0, 512, 4))
    expected = state["classifier.3.weight"][::4, ::4]
    np.testing.assert_array_equal(values["vgg16_fc7_weight"][..., 0, 0], expected)
    wrong = {**state, "classifier.0.weight": np.ones((512, 31), np.float32)}
    with pytest.raises(BindError, match="other shapes"):
        df.load_weights(network, written(wrong))
