"""HRNet-W18 computes what timm's does with the same weights."""

import torch

from tests.model.backbones.parity import compare
from tests.references.timm_models import timm

RULES = (
    (r"^\w+?_stem(\d)_bn", r"bn\1"),
    (r"^\w+?_stem(\d)", r"conv\1"),
    (r"^\w+?_layer1_(\d)_", r"layer1.\1."),
    (r"^\w+?_transition1_0_bn", "transition1.0.1"),
    (r"^\w+?_transition1_0", "transition1.0.0"),
    (r"^\w+?_transition(\d)_(\d)_bn", r"transition\1.\2.0.1"),
    (r"^\w+?_transition(\d)_(\d)", r"transition\1.\2.0.0"),
    (r"^\w+?_stage(\d)_(\d)_branch(\d)_(\d)_", r"stage\1.\2.branches.\3.\4."),
    (r"^\w+?_stage(\d)_(\d)_fuse(\d)_(\d)_(\d)_bn", r"stage\1.\2.fuse_layers.\3.\4.\5.1"),
    (r"^\w+?_stage(\d)_(\d)_fuse(\d)_(\d)_(\d)", r"stage\1.\2.fuse_layers.\3.\4.\5.0"),
    (r"^\w+?_stage(\d)_(\d)_fuse(\d)_(\d)_bn", r"stage\1.\2.fuse_layers.\3.\4.1"),
    (r"^\w+?_stage(\d)_(\d)_fuse(\d)_(\d)", r"stage\1.\2.fuse_layers.\3.\4.0"),
    (r"shortcut_bn", "downsample.1"),
    (r"shortcut", "downsample.0"),
    (r"conv(\d)_bn", r"bn\1"),
)
HEAD = "^(incre_modules|downsamp_modules|final_layer|classifier)"


def maps_of(net, x):
    """The branches of the last stage."""
    x = torch.relu(net.bn1(net.conv1(x)))
    x = torch.relu(net.bn2(net.conv2(x)))
    return dict(zip((4, 8, 16, 32), net.stages(x)))


def test_hrnet_w18():
    with torch.device("meta"):
        net = timm.create_model("hrnet_w18")
    compare("hrnet_w18", net, RULES, maps_of, unused=HEAD)
