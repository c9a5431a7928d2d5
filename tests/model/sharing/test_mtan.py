"""Masks by head of the maps of one backbone."""

import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.model.backbones import backbones
from densefit.model.parameters import owners, shapes
from densefit.model.sharing.last_block import before_last_block
from densefit.model.symbol_graph import SymbolGraph
from densefit.symbol import sym
from tests.model.sharing.small import CHANNELS, Small, assert_computes

HEADS = ("a", "b")


def network(heads=HEADS, sharing="mtan"):
    made = [df.head("segmentation", name=name, classes=3, channels=4) for name in heads]
    return df.Network(Small(), made, sharing=sharing, output_stride=32)


@pytest.mark.parametrize(("engine", "expansion"), [("mxnet", None), ("torch", None), ("torch", 4)])
def test_it_computes_the_formula(monkeypatch, engine, expansion):
    pytest.importorskip(engine)
    monkeypatch.setenv("DENSEFIT_ENGINE", engine)

    def mask(p, name, x):
        x = p.conv_bn(x, f"{name}_conv1")
        return p.conv_bn(x, f"{name}_conv2", relu=False).sigmoid()

    def block(p, name, x):
        shortcut = p.conv_bn(x, f"{name}_shortcut", relu=False)
        x = p.conv_bn(x, f"{name}_conv1")
        x = p.conv_bn(x, f"{name}_conv2", relu=expansion is not None)
        if expansion:
            x = p.conv_bn(x, f"{name}_conv3", relu=False)
        return p.f.max_pool2d((x + shortcut).relu(), 2)

    def formula(p, x):
        x, handed = p.stem(x), {}
        result = {head: {} for head in HEADS}
        for stage, stride in enumerate(CHANNELS, start=1):
            first = p.first(x, stage)
            x = p.last(first, stage)
            for head in HEADS:
                read = p.torch.cat([first, handed[head]], dim=1) if handed else first
                result[head][stride] = mask(p, f"{head}_mtan_stage{stage}", read) * x
            if stage < 4:
                name = f"mtan_stage{stage}_block"
                handed = {head: block(p, name, result[head][stride]) for head in HEADS}
        return result

    assert_computes({"name": "mtan", "expansion": expansion}, HEADS, formula)


def test_what_is_owned():
    owner_of = owners(network())
    assert owner_of["small_layer4_0_conv1_weight"] is None
    assert owner_of["mtan_stage3_block_conv1_weight"] is None
    assert owner_of["a_mtan_stage3_block_conv1_bn_moving_mean"] == "a"
    assert owner_of["b_mtan_stage1_conv1_weight"] == "b"


def test_masks_are_a_quarter_as_wide_between_bottlenecks():
    heads = [df.head("classification", name=name, classes=3) for name in HEADS]
    sizes = shapes(df.Network("resnet50", heads, sharing="mtan"))
    assert sizes["a_mtan_stage2_conv1_weight"] == (128, 1024, 1, 1)
    assert sizes["mtan_stage1_block_conv2_weight"] == (128, 128, 3, 3)


@pytest.mark.parametrize(
    ("backbone", "expected"),
    [
        ("resnet18", [f"resnet18_layer{stage}_0_out" for stage in (1, 2, 3, 4)]),
        ("mobilenetv2", ["mobilenetv2_block1_project_bn", "_plus", "_plus", "_plus"]),
        ("vgg16", [*(f"vgg16_stage{stage}_1_relu" for stage in (3, 4, 5)), "vgg16_pool5"]),
    ],
)
def test_what_the_last_block_of_a_stage_reads(backbone, expected):
    maps = backbones.create(backbone).features(sym.Variable("data"), (64, 64), 32).maps
    graph = SymbolGraph.of(sym.Group([maps[stride] for stride in CHANNELS]))
    starts = [None, *(output.node for output in graph.heads)]
    read = [before_last_block(graph, end.node, start) for end, start in zip(graph.heads, starts)]
    assert all(map(str.startswith, [node.name for node in read], expected))


def test_a_head_comes_and_goes():
    more = df.surgery.with_head(network(), df.head("classification", name="c", classes=2))
    assert {*owners(df.surgery.without_head(more, "a")).values()} == {None, "b", "c"}
    with pytest.raises(ConfigError, match="depend on which other heads"):
        df.surgery.without_head(network(), "a")  # one head has no masks
    with pytest.raises(ConfigError, match="expected: 1, 4 or null"):
        network(sharing={"name": "mtan", "expansion": 2})
