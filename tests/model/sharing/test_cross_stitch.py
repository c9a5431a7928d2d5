"""A backbone for each head, mixed after each stage."""

import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.model.parameters import owners
from tests.model.sharing.small import CHANNELS, Small, assert_computes

HEADS = ("a", "b", "c")


def network(heads=HEADS, sharing="cross_stitch", **settings):
    made = [df.head("segmentation", name=name, classes=3, channels=4) for name in heads]
    return df.Network(Small(), made, sharing=sharing, output_stride=32, **settings)


@pytest.mark.parametrize(
    "settings", [{}, {"stages": ["stage2", 32], "per_channel": True, "same": 0.9, "other": 0.1}]
)
def test_it_computes_the_formula(each_engine, settings):
    mixed = (4, 8, 16) if not settings else (8, 32)

    def formula(p, x):
        maps = {head: p.stem(x, f"{head}_") for head in HEADS}
        result = {head: {} for head in HEADS}
        for stage, stride in enumerate(CHANNELS, start=1):
            maps = {head: p.stage(maps[head], stage, f"{head}_") for head in HEADS}
            if stride in mixed:
                maps = {
                    head: sum(
                        p[f"{head}_cross_stitch_stage{stage}_{other}_alpha"][:, None, None] * part
                        for other, part in maps.items()
                    )
                    for head in HEADS
                }
            for head in HEADS:
                result[head][stride] = maps[head]
        return result

    assert_computes({"name": "cross_stitch", **settings}, HEADS, formula)


def test_what_is_owned():
    owner_of = owners(network())
    assert owner_of["a_small_layer4_0_conv1_weight"] == "a"
    assert owner_of["b_small_layer3_0_conv1_weight"] is None  # the others read it, mixed
    assert owner_of["c_cross_stitch_stage3_a_alpha"] == "c"
    assert owner_of["c_cross_stitch_stage2_a_alpha"] is None
    assert not [name for name in owner_of if name.startswith("small_")]


def test_no_head_comes_or_goes():
    with pytest.raises(ConfigError, match=r"depend on which other heads(.|\n)*transfer"):
        df.surgery.without_head(network(), "a")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sharing": "cros_stitch"}, "did you mean 'cross_stitch'"),
        ({"sharing": {"stages": []}}, "A sharing has a name"),
        ({"sharing": {"name": "cross_stitch", "stage": 4}}, "no setting 'stage'"),
        ({"sharing": {"name": "cross_stitch", "stages": ["stage5"]}}, "received: 'stage5'"),
        ({"sharing": {"name": "cross_stitch", "other": None}}, "received: None"),
        ({"heads": ("a",)}, "between several heads(.|\n)*received: a"),
        ({"share_until": "stage3"}, "received: sharing 'cross_stitch', share_until"),
        ({"adapt_by_head": True}, "received: sharing 'cross_stitch', normalize_by_head"),
    ],
)
def test_what_is_refused(settings, said):
    with pytest.raises(ConfigError, match=said):
        network(**settings)
