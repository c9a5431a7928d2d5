"""DDRNet's branches compute what a plain statement of the paper does with the same weights."""

import re

import torch

from tests.model.backbones.parity import compare
from tests.references.ddrnet import Branches

RULES = (
    (r"^ddrnet23_slim_", ""),
    (r"_(weight|bias)$", r".0_\1"),  # of convolutions; BatchNorm has gamma and beta
    (r"_bn_", ".1_"),
    (r"^exchange(\d)_down(\d)", r"down\1.\2"),
    (r"^exchange(\d)_up", r"up\1"),
    (r"^(stage5_high)_", r"\1."),
    (r"^(stage\d_high|stage\d)_(\d)_", r"\1.\2."),
    (r"conv(\d)", lambda match: f"layers.{int(match[1]) - 1}"),
    (r"_(gamma|weight)$", ".weight"),
    (r"_(beta|bias)$", ".bias"),
    (r"_moving_(mean|var)$", r".running_\1"),
)


def name_in_reference(name):
    for pattern, replacement in RULES:
        name = re.sub(pattern, replacement, name)
    return name


def test_ddrnet23_slim():
    with torch.device("meta"):
        reference = Branches(4)
    compare(
        "ddrnet23_slim", reference, name_in_reference, lambda net, x: net(x)[0],
        settings={"width": 4},
    )  # fmt: skip
