"""HRNet-W18 computes what timm's does with the same weights."""

import torch

from tests.model.backbones.parity import compare
from tests.references.timm_models import timm

HEAD = "^(incre_modules|downsamp_modules|final_layer|classifier)"


def maps_of(net, x):
    """The branches of the last stage."""
    x = torch.relu(net.bn1(net.conv1(x)))
    x = torch.relu(net.bn2(net.conv2(x)))
    return dict(zip((4, 8, 16, 32), net.stages(x)))


def test_hrnet_w18():
    with torch.device("meta"):
        net = timm.create_model("hrnet_w18")
    compare("hrnet_w18", net, "the authors, timm", maps_of, unused=HEAD)
