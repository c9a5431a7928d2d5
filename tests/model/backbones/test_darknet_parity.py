"""DarkNet-53 computes what timm's does with the same weights."""

import torch

from tests.model.backbones.parity import compare, last_of_stride
from tests.references.timm_models import timm


def test_darknet53():
    with torch.device("meta"):
        net = timm.create_model("darknet53")
    compare(
        *("darknet53", net, "timm"),
        lambda net, x: last_of_stride([net.stem, *net.stages], x),
        settings={"slope": 0.01},
        unused="^head",
        size=(64, 32),
    )
