"""Whole segmenters of torchvision and segmentation_models_pytorch compute the same here."""

import numpy as np
import pytest
import torch
from torch.nn import functional

import densefit as df
from densefit.checkpoint.weights.maps.class_lists import VOC
from densefit.errors import ConfigError
from densefit.symbol import sym
from tests.executor import Executor
from tests.references.smp_parts import part
from tests.references.torchvision_cpu import torchvision

SIZE = (64, 96)
PARTS = ("weight", "bias")


def with_values(model):
    """A model in evaluation mode whose layers differ, and whose features do not vanish."""
    generator = torch.Generator().manual_seed(0)
    for name, value in model.state_dict().items():
        if name.endswith(("running_var", "weight")) and value.ndim == 1:
            value.copy_(torch.rand(value.shape, generator=generator) / 2 + 0.5)
        elif value.ndim == 1:
            value.copy_(torch.randn(value.shape, generator=generator) / 10)
        elif value.ndim > 1:
            fan = value[0].numel()
            value.copy_(torch.randn(value.shape, generator=generator) * (1.5 / fan) ** 0.5)
    return model.eval()


def saved(model, folder):
    torch.save(model.state_dict(), folder / "whole.pth")
    return folder / "whole.pth"


def network_of(backbone, classes, output_stride=None, **settings):
    head = df.head("segmentation", classes=classes, name="parts", **settings)
    return df.Network(backbone, [head], output_stride=output_stride)


def image(network):
    """A normalised image, and one in [0, 255] that the network normalises to it."""
    normal = np.random.default_rng(0).normal(0, 1, (2, 3, *SIZE)).astype(np.float32)
    mean, std = (
        np.array(part, np.float32).reshape(3, 1, 1)
        for part in (network.backbone.mean, network.backbone.std)
    )
    return torch.tensor(normal), normal * std + mean


def logits(network, data):
    (result,) = computed(network, network.peek("raw", SIZE), data)
    return result


def computed(network, symbol, data):
    """Outputs of a Symbol with the network's values."""
    executor = Executor(symbol, gradients=False, data=data.shape)
    values = {**network.parameters, **network.statistics}
    for arrays in (executor.arg_dict, executor.aux_dict):
        for name in arrays:
            if name != "data":
                arrays[name][:] = values[name]
    executor.forward(data=data)
    return [np.asarray(output) for output in executor.outputs]


def assert_close(result, expected):
    expected = expected.numpy()
    assert result.shape == expected.shape
    assert expected.std() > 1e-3
    assert np.abs(result - expected).max() <= 1e-4 * np.abs(expected).max()


def test_fcn_of_resnet50(tmp_path):
    """The published architecture, at output stride 8."""
    models = torchvision.models.segmentation
    model = with_values(models.fcn_resnet50(weights=None, weights_backbone=None, aux_loss=True))
    network = network_of("resnet50", VOC, 8, decoder="fcn", channels=512)
    report = df.load_weights(network, saved(model, tmp_path))
    assert (report.missing, report.unexpected, report.left_out) == ([], [], {})
    assert report.heads == {"parts": "torchvision's FCN"}
    assert report.matched_classes == {"parts": list(VOC)}
    assert report.new_classes == {}
    assert set(report.unused) >= {"aux_classifier.0.weight", "aux_classifier.4.bias"}
    normal, data = image(network)
    with torch.no_grad():
        coarse = model.classifier(model.backbone(normal)["out"])
    expected = functional.interpolate(coarse, scale_factor=2, mode="bilinear")
    assert_close(logits(network, data), expected)


def test_lraspp(tmp_path):
    """Every layer is loaded; torchvision reads other maps of the backbone.

    Its map of stride 8 is the first block's there, and one block more is dilated.
    """
    models = torchvision.models.segmentation
    model = with_values(
        models.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=21)
    )
    network = network_of("mobilenetv3_large", VOC, decoder="lraspp")
    report = df.load_weights(network, saved(model, tmp_path))
    assert (report.missing, report.unexpected, report.left_out) == ([], [], {})
    assert report.layout == "torchvision, in a whole model"
    assert report.matched_classes == {"parts": list(VOC)}
    _, data = image(network)
    maps = network.backbone.features(sym.Variable("data"), SIZE, 16).maps
    low, high = map(torch.tensor, computed(network, sym.Group([maps[8], maps[16]]), data))
    with torch.no_grad():
        coarse = model.classifier({"low": low, "high": high})
    expected = functional.interpolate(coarse, scale_factor=2, mode="bilinear")
    assert_close(logits(network, data), expected)


class Encoder(torch.nn.Module):
    """smp's ResNet encoder is torchvision's ResNet without its classifier."""

    def __init__(self, name):
        super().__init__()
        net = getattr(torchvision.models, name)()
        del net.fc
        self.__dict__.update(net.__dict__)

    def forward(self, x):
        maps = [x, torch.relu(self.bn1(self.conv1(x)))]
        x = self.maxpool(maps[1])
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            maps.append(x)
        return maps


class Segmenter(torch.nn.Module):
    """torchvision's segmenter with a small backbone."""

    def __init__(self, classifier):
        super().__init__()
        self.backbone, self.classifier = Encoder("resnet18"), classifier

    def forward(self, x):
        scores = self.classifier(self.backbone(x)[-1])
        for _ in range(3):  # ours stretches from map to map
            scores = functional.interpolate(scores, scale_factor=2, mode="bilinear")
        return scores


@pytest.fixture(scope="module")
def fcn():
    head = torchvision.models.segmentation.fcn.FCNHead(512, len(VOC))
    return with_values(Segmenter(head))


def test_classes_in_another_order_and_new_classes(fcn, tmp_path):
    """Rows go by name; those of a class that the file lacks begin as the layer does."""
    file = saved(fcn, tmp_path)
    network = network_of("resnet18", ["lamp", *reversed(VOC)], decoder="fcn")
    report = df.load_weights(network, file)
    assert (report.matched_classes, report.new_classes) == (
        {"parts": [*reversed(VOC)]},
        {"parts": ["lamp"]},
    )
    assert "1 new classes: lamp" in str(report)
    normal, data = image(network)
    with torch.no_grad():
        assert_close(logits(network, data)[:, 1:], fcn(normal).flip(1))
    assert 0 < np.abs(network.parameters["parts_score32_weight"][0]).max() < 1
    # A head that has values keeps those of its new classes.
    changed = {name: np.array(value) for name, value in network.parameters.items()}
    changed["parts_score32_weight"][:] = 7
    network.set_params(changed, network.statistics)
    df.load_weights(network, file)
    assert (network.parameters["parts_score32_weight"][0] == 7).all()
    assert (network.parameters["parts_score32_weight"][1:] != 7).all()


def test_numbered_classes_take_the_names_of_the_file(fcn, tmp_path):
    file = saved(fcn, tmp_path)
    network = network_of("resnet18", 21, decoder="fcn")
    report = df.load_weights(network, file)
    assert report.missing == []
    assert network.heads[0].names("mask") == list(VOC)
    network = network_of("resnet18", 5, decoder="fcn")
    report = df.load_weights(network, file)
    assert "make it with class names" in report.left_out["parts"]
    assert report.heads == {"parts": "torchvision's FCN"}
    layers = [f"parts_score{stride}" for stride in (32, 16, 8, 4)]
    assert {*report.missing} == {f"{layer}_{part}" for layer in layers for part in PARTS}


def test_another_width_leaves_the_head_as_it_was(fcn, tmp_path):
    network = network_of("resnet18", VOC, decoder="fcn", channels=64)
    report = df.load_weights(network, saved(fcn, tmp_path))
    assert "classifier.0.weight is (128, 512, 3, 3), not (64, 512, 3, 3)" in str(report)
    assert report.heads == {}
    assert "parts_fcn_weight" in report.missing
    assert "parts_fcn_weight" not in network.parameters
    assert "classifier.0.weight" in report.unexpected


def test_torchvisions_deeplab_is_another(tmp_path):
    model = Segmenter(torchvision.models.segmentation.deeplabv3.DeepLabHead(512, 21))
    network = network_of("resnet18", VOC)
    report = df.load_weights(network, saved(model, tmp_path))
    assert report.heads == {}
    assert "classifier.0.convs.0.0.weight" in report.unexpected


class Whole(torch.nn.Module):
    """A model of smp, whose package needs more than PyTorch: its decoder and head on an encoder."""

    def __init__(self, encoder, decoder, channels, classes=3, kernel=3):
        super().__init__()
        self.encoder, self.decoder = Encoder(encoder), decoder
        self.segmentation_head = part("base.heads").SegmentationHead(channels, classes, kernel)

    def forward(self, x):
        return self.segmentation_head(self.decoder(self.encoder(x)))


CHANNELS = [3, 64, 64, 128, 256, 512]


def test_unet(tmp_path):
    """Its last two blocks lie beyond our last map; those before compute the same."""
    unet = part("decoders.unet.decoder").UnetDecoder
    decoder = unet(CHANNELS, (256, 128, 64, 32, 16), 5)
    model = with_values(Whole("resnet18", decoder, 16))
    network = network_of("resnet18", ["a", "b", "c"], decoder="unet")
    report = df.load_weights(network, saved(model, tmp_path))
    assert report.missing == ["parts_logits_weight", "parts_logits_bias"]
    assert (report.unexpected, report.left_out) == ([], {})
    assert "segmentation_head.0.weight" in report.unused
    normal, data = image(network)
    maps = {}
    model.decoder.blocks[2].register_forward_hook(lambda m, i, result: maps.update(out=result))
    last = torch.nn.Conv2d(64, 3, 3, padding=1)
    network.set_params(
        {
            **network.parameters,
            "parts_logits_weight": last.weight.detach().numpy(),
            "parts_logits_bias": last.bias.detach().numpy(),
        },
        network.statistics,
    )
    with torch.no_grad():
        model(normal)
        assert_close(logits(network, data), last(maps["out"]))


def pspnet(depth, width):
    decoder = part("decoders.pspnet.decoder").PSPDecoder(
        CHANNELS[: depth + 1], out_channels=width, dropout=0
    )
    return with_values(Whole("resnet18", decoder, width))


def test_pspnet(tmp_path):
    """With all stages of the encoder; smp stretches the logits with other edges."""
    model = pspnet(5, 64)
    names = ["a", "b", "c"]
    settings = {"channels": 64, "decoder_settings": {"output_stride": 32}}
    network = network_of("resnet18", names, decoder="pspnet", **settings)
    file = saved(model, tmp_path)
    assert "state classes=" in str(df.load_weights(network, file))
    with pytest.raises(ConfigError, match="another number of classes"):
        df.load_weights(network, file, classes=["a", "b"])
    with pytest.raises(ConfigError, match="no head 'masks'"):
        df.load_weights(network, file, classes={"masks": names})
    report = df.load_weights(network, file, classes={"parts": names[::-1]})
    assert (report.missing, report.unexpected, report.left_out) == ([], [], {})
    normal, data = image(network)
    with torch.no_grad():
        coarse = model(normal).flip(1)
    factor = {"scale_factor": 8, "mode": "bilinear"}
    assert_close(logits(network, data), functional.interpolate(coarse, **factor))


def test_pspnet_of_three_stages_is_another(tmp_path):
    """smp's default: the pyramid lies on the map of stride 8, not on that of a dilated encoder."""
    network = network_of("resnet18", ["a", "b", "c"], decoder="pspnet")
    file = saved(pspnet(3, 512), tmp_path)
    report = df.load_weights(network, file, classes=["a", "b", "c"])
    assert report.heads == {}
    assert "smp's PSPNet" in report.left_out["parts"]
