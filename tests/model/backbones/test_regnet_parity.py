"""RegNetY-400MF computes what torchvision's does with the same weights."""

import torch  # noqa: F401

from tests.model.backbones.parity import compare, last_of_stride
from tests.references.torchvision_cpu import torchvision

RULES = (
    (r"^\w+?_stem_bn", "stem.1"),
    (r"^\w+?_stem", "stem.0"),
    (r"^\w+?_stage(\d)_(\d)_", r"trunk_output.block\1.block\1-\2."),
    (r"shortcut_bn", "proj.1"),
    (r"shortcut", "proj.0"),
    (r"conv1_bn", "f.a.1"),
    (r"conv2_bn", "f.b.1"),
    (r"conv3_bn", "f.c.1"),
    (r"conv1", "f.a.0"),
    (r"conv2", "f.b.0"),
    (r"conv3", "f.c.0"),
    (r"se_reduce", "f.se.fc1"),
    (r"se_expand", "f.se.fc2"),
)


def test_regnety_400mf():
    net = torchvision.models.regnet_y_400mf()
    compare(
        *("regnety_400mf", net, RULES),
        lambda net, x: last_of_stride([net.stem, *net.trunk_output], x),
        unused="^fc",
    )
