"""The plain feature pyramid against torchvision's FeaturePyramidNetwork."""

from collections import OrderedDict

import numpy as np
import pytest
import torch

from densefit.errors import ConfigError
from densefit.model.heads.head import Features
from densefit.symbol import sym
from densefit.tasks.detection.fpn import pyramid_levels
from tests.executor import Executor
from tests.references.torchvision_cpu import torchvision

pyramids = torchvision.ops.feature_pyramid_network
CHANNELS = {4: 3, 8: 4, 16: 5, 32: 6}
OURS = 6  # as many as the deepest map, where torchvision computes P6 from P5


def features(strides, size):
    return Features({s: sym.Variable(f"map{s}") for s in strides}, CHANNELS, size)


def name_there(name, strides):
    """torchvision's name of a parameter."""
    level, layer, kind = name.removeprefix("det_level").split("_")
    if layer == "conv":
        return f"extra_blocks.p{int(np.log2(int(level)))}.{kind}"
    block = {"lateral": "inner_blocks", "smooth": "layer_blocks"}[layer]
    return f"{block}.{strides.index(int(level))}.0.{kind}"


@pytest.mark.parametrize("size", [(96, 160), (75, 101), (33, 64)])
@pytest.mark.parametrize("kind", ["plain", "pooled", "pyramid", "backbone"])
def test_equals_torchvision(each_engine, kind, size):
    strides, further = (4, 8, 16, 32), {"plain": (), "pooled": (64,)}.get(kind, (64, 128))
    blocks = {
        "plain": None,
        "pooled": pyramids.LastLevelMaxPool(),
        "pyramid": pyramids.LastLevelP6P7(OURS, OURS),
    }
    if kind == "backbone":
        blocks[kind] = pyramids.LastLevelP6P7(OURS, OURS)
        blocks[kind].use_P5 = False
    theirs = torchvision.ops.FeaturePyramidNetwork(list(CHANNELS.values()), OURS, blocks[kind])
    made = features(strides, size)
    levels = pyramid_levels(
        "det",
        made,
        strides + further,
        OURS,
        pooled=kind == "pooled",
        of_backbone=kind == "backbone",
    )
    shapes = {f"map{s}": (2, CHANNELS[s], *made.size(s)) for s in strides}
    executor = Executor(sym.Group(levels), **shapes)
    rng = np.random.default_rng(0)
    state = theirs.state_dict()
    for name, array in executor.arg_dict.items():
        array[:] = rng.normal(0, 0.5, array.shape)
        if name not in shapes:
            state.pop(name_there(name, strides)).copy_(torch.from_numpy(array))
    assert not state
    maps = OrderedDict((n, torch.from_numpy(executor.arg_dict[n].copy())) for n in shapes)
    outputs = executor.forward(is_train=False)
    with torch.no_grad():
        expected = list(theirs(maps).values())
    assert len(outputs) == len(expected) == len(strides + further)
    for output, level, stride in zip(outputs, expected, strides + further):
        assert output.shape[2:] == made.size(stride)
        np.testing.assert_allclose(output, level, rtol=1e-4, atol=1e-4)


def test_levels_that_the_backbone_lacks_follow_those_it_has():
    made = features((8, 16), (75, 101))  # a dilated backbone
    levels = pyramid_levels("det", made, (8, 16, 32, 64), OURS)
    shapes = {f"map{s}": (1, CHANNELS[s], *made.size(s)) for s in (8, 16)}
    found = sym.Group(levels).infer_shape(**shapes)[1]
    assert found == [(1, OURS, *made.size(stride)) for stride in (8, 16, 32, 64)]


def test_a_first_stride_that_the_backbone_lacks_is_an_error():
    with pytest.raises(ConfigError, match=r"(?s)first stride.*4, 8.*received: 16.*head 'det'"):
        pyramid_levels("det", features((4, 8), (64, 64)), (16, 32), 8)
