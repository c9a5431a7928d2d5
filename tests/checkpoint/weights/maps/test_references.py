"""Files of torchvision's and timm's models give the features that the models have."""

import numpy as np
import pytest
import torch

import densefit as df
from densefit.symbol import sym
from tests.executor import Executor

torchvision = pytest.importorskip(
    "tests.references.torchvision_cpu", exc_type=ImportError
).torchvision
timm = pytest.importorskip("timm", exc_type=ImportError)


def of_resnet(model, x):
    x = model.maxpool(torch.relu(model.bn1(model.conv1(x))))
    return model.layer4(model.layer3(model.layer2(model.layer1(x))))


def of_timms_mobilenet(model, x):
    return model.blocks(model.bn1(model.conv_stem(x)))


def of_torchvisions_mobilenet(model, x):
    return model.features[:18](x)


CASES = [
    ("resnet18", {}, torchvision.models, of_resnet, "torchvision, timm"),
    ("resnet50", {}, torchvision.models, of_resnet, "torchvision, timm"),
    ("resnet18", {}, timm, of_resnet, "torchvision, timm"),
    ("mobilenet_v2", {}, torchvision.models, of_torchvisions_mobilenet, "torchvision"),
    ("mobilenetv2_100", {}, timm, of_timms_mobilenet, "timm"),
    ("mobilenetv2_050", {"multiplier": 0.5}, timm, of_timms_mobilenet, "timm"),
    ("mobilenetv2_140", {"multiplier": 1.4}, timm, of_timms_mobilenet, "timm"),
    ("tf_efficientnet_lite0", {}, timm, of_timms_mobilenet, "timm"),
    ("efficientnet_b0", {}, timm, of_timms_mobilenet, "timm"),
    ("resnet50d", {}, timm, of_resnet, "timm v1d"),
]
#: Name there -> name here, where they differ.
OURS = {
    "tf_efficientnet_lite0": "efficientnet_lite0",
    **dict.fromkeys(
        ("mobilenet_v2", "mobilenetv2_100", "mobilenetv2_050", "mobilenetv2_140"), "mobilenetv2"
    ),
}


@pytest.mark.parametrize(("name", "settings", "source", "features", "layout"), CASES)
def test_every_layer_is_in_its_place(name, settings, source, features, layout, tmp_path):
    torch.manual_seed(0)
    model = source.create_model(name) if source is timm else getattr(source, name)()
    image = np.random.default_rng(0).uniform(0, 255, (2, 3, 64, 64)).astype(np.float32)
    network = df.Network(
        OURS.get(name, name),
        [df.head("classification", classes=2)],
        settings=settings,
    )
    mean, std = (
        torch.tensor(part).view(3, 1, 1) for part in (network.backbone.mean, network.backbone.std)
    )
    normalised = (torch.from_numpy(image) - mean) / std
    for parameter in model.parameters():  # so that no two layers of a shape are equal
        if parameter.ndim == 1:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    with torch.no_grad():
        model.train()
        features(model, normalised)
        model.eval()
        expected = features(model, normalised).numpy()
    torch.save(model.state_dict(), tmp_path / "model.pth")
    report = df.load_weights(network, tmp_path / "model.pth")
    assert (report.layout, report.unexpected) == (layout, [])
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
