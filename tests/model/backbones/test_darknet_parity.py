"""DarkNet-53 computes what timm's does with the same weights."""

import torch

from tests.model.backbones.parity import compare, last_of_stride
from tests.references.timm_models import timm

RULES = (
    (r"^\w+?_stem", "stem.conv1"),
    *((rf"^\w+?_stage{stage}_down", f"stages.{stage - 1}.conv_down") for stage in range(1, 6)),
    *((rf"^\w+?_stage{stage}_(\d)_", rf"stages.{stage - 1}.blocks.\1.") for stage in range(1, 6)),
    (r"_bn", ".bn"),
    (r"_weight", ".conv_weight"),
)


def test_darknet53():
    with torch.device("meta"):
        net = timm.create_model("darknet53")
    compare(
        *("darknet53", net, RULES),
        lambda net, x: last_of_stride([net.stem, *net.stages], x),
        settings={"slope": 0.01},
        unused="^head",
        size=(64, 32),
    )
