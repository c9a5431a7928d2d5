"""Summaries of networks: totals are those of the graph, and of publications."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.model.complexity import multiply_adds
from tests.model.backbones.narrow import KINDS, NARROW

SIZE = (64, 96)


def counts(network, size):
    """(trained parameters, multiply-adds) of the graphs, without the summary."""
    train, evaluate = network.graph("train", size), network.graph("evaluate", size)
    inputs = {"data"}
    for adapter in network.adapters.values():
        inputs |= {*adapter.labels, *adapter.weights}
    shapes, _, _ = train.infer_shape_partial(data=(1, 3, *size))
    sizes = [
        int(np.prod(shape))
        for name, shape in zip(train.list_arguments(), shapes)
        if name not in inputs
    ]
    return sum(sizes), sum(multiply_adds(evaluate, data=(1, 3, *size)).values())


@pytest.mark.parametrize("name", KINDS)
def test_totals_are_those_of_the_graphs(name):
    heads = [
        df.head("segmentation", classes=4, channels=8, auxiliary=0.4),
        df.head("classification", classes=3),
    ]
    network = df.Network(name, heads, settings=NARROW[name])
    costs = df.summary(network, SIZE)
    assert (costs.parameters, costs.multiply_adds) == counts(network, SIZE)
    names = [stage.name for stage in costs.stages]
    assert names[-3:] == ["segmentation", "segmentation, in training", "classification"]
    strides = [int(name.removeprefix("stride ")) for name in names[:-3]]
    assert strides == sorted(strides)
    assert {4, 8, 16} <= {*strides} <= {1, 2, 4, 8, 16, 32}
    training_only = costs.stages[-2]
    assert training_only.parameters > 0
    assert training_only.multiply_adds == 0


def test_stages_of_resnet18():
    """Published: 11.69 M parameters, 1.814 G multiply-adds; the rest by hand."""
    network = df.Network("resnet18", [df.head("classification", classes=1000)])
    costs = df.summary(network, (224, 224))
    by_name = {stage.name: stage for stage in costs.stages}
    assert costs.parameters == 11_689_512
    assert costs.multiply_adds / 1e9 == pytest.approx(1.814, rel=0.005)
    assert by_name["stride 2"].parameters == 64 * 3 * 49 + 128
    assert by_name["stride 4"].parameters == 4 * (64 * 64 * 9 + 128)
    assert by_name["stride 4"].shape == (64, 56, 56)
    assert by_name["stride 32"].shape == (512, 7, 7)
    assert by_name["classification"].parameters == 513_000
    assert by_name["classification"].multiply_adds == 512_000


def test_an_auxiliary_head_costs_parameters_in_training_only():
    whole, alone = (
        df.summary(df.Network("resnet18", [df.head("segmentation", classes=19, **more)]), SIZE)
        for more in ({"auxiliary": 0.4}, {})
    )
    assert whole.stages[:-1] == alone.stages
    assert whole.stages[-1].name == "segmentation, in training"
    assert whole.multiply_adds == alone.multiply_adds


def test_the_table_fits_a_terminal():
    heads = [df.head("segmentation", classes=19, auxiliary=0.4), df.head("detection", classes=20)]
    text = str(df.summary(df.Network("resnet50", heads), (1024, 2048)))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["stage", "output", "parameters", "share", "multiply-adds", "share"]
    assert len({*map(len, lines)}) == 1
    assert lines[-1].split()[0] == "total"
    (row,) = [line for line in lines if line.startswith("stride 8")]
    assert row.split()[2:7] == ["512", "x", "128", "x", "256"]
    shares = [float(line.split(" %")[0].split()[-1]) for line in lines[2:-2]]
    assert sum(shares) == pytest.approx(100, abs=0.5)


def test_a_users_symbol_has_no_stages(tiny):
    with pytest.raises(ConfigError, match="backbone with heads"):
        df.summary(df.Network(symbol=tiny.kind()), (4, 4))
