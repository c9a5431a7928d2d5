"""What is measured equals numpy's numbers, and a training with it is the training without it."""

import numpy as np
import pytest

import densefit as df
from densefit.callbacks.jsonl import read_lines
from densefit.errors import ConfigError
from densefit.train.affinity.layers import stages_of
from densefit.train.affinity.measured_step import affinity_spacing
from densefit.train.affinity.meter import relations

ENGINES = [pytest.param("mxnet", marks=pytest.mark.mxnet), "torch"]


def test_relations_are_those_of_the_gradients():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3, 10))
    parts = {"stem": rows[:, :4], "layer1": rows[:, 4:]}
    numbers = relations({layer: part @ part.T for layer, part in parts.items()}, ["a", "b", "c"])
    assert len(numbers) == 6 + 3 * 3
    assert numbers["affinity/gain/a~c"] == pytest.approx(rows[0] @ rows[2] / (rows[2] @ rows[2]))
    for layer, part in {**parts, "all": rows}.items():
        cosine = part[0] @ part[1] / np.linalg.norm(part[0]) / np.linalg.norm(part[1])
        assert numbers[f"affinity/cosine/{layer}/a~b"] == pytest.approx(cosine)


def test_gain_is_what_a_small_step_does():
    """On quadratic losses: the decrease of c's loss by a's step over that by c's step."""
    rng = np.random.default_rng(1)
    theta, goals = rng.normal(size=6), rng.normal(size=(2, 6))
    gradients = 2 * (theta - goals)

    def fall(by):
        loss = [np.sum((at - goals[1]) ** 2) for at in (theta, theta - 1e-7 * gradients[by])]
        return loss[0] - loss[1]

    numbers = relations({"all of it": gradients @ gradients.T}, ["a", "c"])
    assert numbers["affinity/gain/a~c"] == pytest.approx(fall(0) / fall(1), rel=1e-4)


def test_degenerate_gradients():
    assert relations({"stem": np.array([[1.0, np.nan], [np.nan, 1.0]])}, ["a", "b"]) == {}
    assert relations({"stem": np.array([[1.0, 0.0], [0.0, 0.0]])}, ["a", "b"]) == {}
    opposite = relations({"stem": np.array([[4.0, -2.0], [-2.0, 1.0]])}, ["a", "b"])
    assert opposite["affinity/cosine/all/a~b"] == -1.0
    assert opposite["affinity/gain/a~b"] == -2.0


@pytest.mark.parametrize("backbone", ["resnet18", "mobilenetv2", "efficientnet_lite0"])
def test_layers_are_the_stages_at_which_heads_can_part(backbone):
    heads = [df.head("segmentation", classes=["x", "y"]), df.head("depth")]
    network = df.Network(backbone, heads)
    stages = stages_of(network)
    assert list(dict.fromkeys(stages.values())) == ["stage1", "stage2", "stage3", "stage4"]
    if backbone == "resnet18":
        assert (
            stages["resnet18_stem_weight"] == stages["resnet18_layer1_1_conv2_weight"] == "stage1"
        )
        assert stages["resnet18_layer2_0_conv1_weight"] == "stage2"
        assert stages["resnet18_layer4_1_conv2_weight"] == "stage4"


def trained(tiny, path, engine, until, resume=None, **settings):
    seen = []

    class Note(df.Callback):
        def update_ended(self, state, control):
            seen.append(dict(state.affinity))

    heads = [tiny.Brightness("a", dropout=0.5), tiny.Brightness("b", weight=0.5, dropout=0.5)]
    network = df.Network(tiny.Backbone(), heads)
    history = df.fit(
        network,
        tiny.loader(network, 8, 2, workers=0),
        accumulate=2,
        updates=until,
        engine=engine,
        checkpoint=df.Saver(path, every="1st"),
        resume=resume,
        optimizer="adam",
        progress=False,
        callbacks=[Note(), df.callbacks.JSONLines(path / "scalars.jsonl")],
        schedule=df.Constant(0.01),
        **settings,
    )
    return network, seen, history


@pytest.mark.parametrize("engine", ENGINES)
def test_a_training_is_as_without_it_and_its_numbers_resume(tiny, tmp_path, engine):
    plain, nothing, _ = trained(tiny, tmp_path / "plain", engine, 3)
    measured, seen, history = trained(tiny, tmp_path / "cut", engine, 3, task_affinity=2)
    tiny.assert_equal(plain, measured)
    assert nothing == [{}, {}, {}]
    assert seen[0] == seen[1] != seen[2]
    assert -1 <= seen[0]["affinity/cosine/all/a~b"] <= 1
    assert {"affinity/gain/a~b", "affinity/gain/b~a"} <= set(seen[0])
    assert history.epochs[-1]["train"]["affinity/gain/a~b"] == seen[2]["affinity/gain/a~b"]
    lines = read_lines(tmp_path / "cut" / "scalars.jsonl")
    assert [(line["kind"], line["update"]) for line in lines] == [
        ("update", 1),
        ("epoch", 2),
        ("update", 3),
        ("epoch", 3),
    ]
    assert lines[2]["affinity/gain/a~b"] == seen[2]["affinity/gain/a~b"]
    _, resumed, _ = trained(tiny, tmp_path / "cut", engine, 4, resume="auto", task_affinity=2)
    assert resumed == [seen[2]]


def test_the_spacing_costs_a_pass_for_each_head_in_30_updates(tiny):
    network = df.Network(tiny.Backbone(), [tiny.Brightness("a"), tiny.Brightness("b")])
    assert affinity_spacing("auto", network.adapters) == 60
    assert affinity_spacing(7, network.adapters) == 7
    assert affinity_spacing(None, {}) is None


def test_what_cannot_be_measured_is_refused(tiny):
    network = df.Network(tiny.Backbone(), [tiny.Brightness("a")])
    with pytest.raises(ConfigError, match="two or more[^|]*the head a"):
        affinity_spacing("auto", network.adapters)
    two = df.Network(tiny.Backbone(), [tiny.Brightness("a"), tiny.Brightness("b")])
    with pytest.raises(ConfigError, match="within one process[^|]*2 ranks"):
        affinity_spacing(5, two.adapters, 2)
    with pytest.raises(ConfigError, match="routes x"):
        affinity_spacing(5, {"x": object(), "y": object()})
    for wrong in ("often", 0):
        with pytest.raises(ConfigError, match="task_affinity"):
            df.fit(two, tiny.loader(two, 4, 2, workers=0), updates=1, task_affinity=wrong)
