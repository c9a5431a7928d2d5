"""The levels: sizes and names, with all of the backbone's maps and with few."""

import pytest

from densefit.model.heads.head import Features
from densefit.symbol import sym
from densefit.tasks.detection.pyramid import feature_levels, predictions


def features(strides, size):
    maps = {stride: sym.Variable(f"map{stride}") for stride in strides}
    return Features(maps, {stride: 4 * stride for stride in strides}, size)


def shapes_of(symbol, given, batch=2):
    inputs = {
        f"map{stride}": (batch, given.channels[stride], *given.size(stride))
        for stride in given.maps
    }
    inputs = {name: shape for name, shape in inputs.items() if name in symbol.list_arguments()}
    return symbol.infer_shape(**inputs)[1]


@pytest.mark.parametrize("top_down", [True, False])
@pytest.mark.parametrize("size", [(96, 128), (75, 101), (33, 64)])
@pytest.mark.parametrize("strides", [(4, 8, 16, 32), (4, 8, 16), (4, 8)])
def test_sizes_at_every_level(strides, size, top_down):
    given = features(strides, size)
    levels = feature_levels("det", given, (8, 16, 32, 64), 12, top_down)
    for level, stride in zip(levels, (8, 16, 32, 64)):
        ((_, channels, height, width),) = shapes_of(level, given)
        assert (height, width) == given.size(stride)
        if top_down or stride not in strides:
            assert channels == 12


def test_levels_far_below_the_backbone():
    given = features((4, 8), (75, 101))
    levels = feature_levels("det", given, (32, 64), 12, True)
    assert [shapes_of(level, given)[0][2:] for level in levels] == [(3, 4), (2, 2)]


def test_predictions_have_one_row_an_anchor_and_prefixed_names():
    given = features((4, 8, 16, 32), (75, 101))
    strides = (8, 16, 32, 64)
    levels = feature_levels("det", given, strides, 12, True)
    scores, offsets = predictions("det", levels, strides, [4, 4, 3, 2], 6)
    rows = sum(
        given.size(stride)[0] * given.size(stride)[1] * count
        for stride, count in zip(strides, [4, 4, 3, 2])
    )
    assert shapes_of(scores, given) == [(2, rows, 6)]
    assert shapes_of(offsets, given) == [(2, rows, 4)]
    names = [name for name in scores.list_arguments() if not name.startswith("map")]
    assert "det_level8_class_weight" in names
    assert all(name.startswith("det_") for name in names)
