"""Sentences from logs whose numbers are set: who gains, who loses, and from which layer on."""

import numpy as np
import pytest

from densefit.tools.page.affinity_section import affinity_section
from densefit.tools.report.task_affinity import read_affinity, sentences

LAYERS = ("stage1", "stage2", "stage3", "stage4", "all")


def log(gains, cosines, count=6, noise=0.01):
    """Lines of a training that measures every second line."""
    rng, lines, numbers = np.random.default_rng(0), [], {}
    for update in range(2 * count):
        if update % 2 == 0:
            numbers = {
                f"affinity/gain/{pair}": mean + noise * rng.normal() for pair, mean in gains.items()
            }
            for pair, values in cosines.items():
                for layer, value in zip(LAYERS, values):
                    numbers[f"affinity/cosine/{layer}/{pair}"] = value + 1e-3 * rng.normal()
        lines.append({"kind": "update", "update": 50 * update, "a/loss": 1.0, **numbers})
    return lines


def test_repeated_lines_count_once():
    affinity = read_affinity(log({"a~b": 0.5}, {"a~b": [0.1] * 5}, count=4))
    assert affinity.gains["a", "b"].count == 4
    updates, values = affinity.cosines["a", "b"]["stage3"]
    assert updates == [0, 100, 200, 300]
    assert len(values) == 4
    assert affinity.gains["a", "b"].mean == pytest.approx(0.5, abs=0.02)


def test_a_gain_and_a_loss_say_what_to_do():
    lines = log(
        {"segmentation~depth": 0.21, "depth~segmentation": 0.001, "modality~instance": -0.12},
        {"segmentation~depth": [0.2] * 5, "instance~modality": [0.1, 0.05, -0.1, -0.3, -0.1]},
        noise=0.004,
    )
    said = sentences(read_affinity(lines))
    assert said == [
        "depth gains from segmentation (21% of what its step does).",
        "instance loses to modality (12% of what its step does), from stage3 on: share until "
        "stage2.",
    ]


@pytest.mark.parametrize(
    ("cosines", "advice"),
    [
        ([-0.1, -0.1, -0.1, -0.1, -0.1], "in all layers: train apart."),
        ([-0.1, 0.2, -0.1, 0.1, -0.1], "in stage1, stage3: a balancer of gradients may help."),
        ([0.1, 0.2, 0.1, 0.1, 0.1], "in no layer on average: a balancer"),
        ([-0.1, 0.2, 0.1, -0.1, -0.1], "from stage4 on: share until stage3."),
    ],
)
def test_the_layer_is_where_the_rest_of_the_network_conflicts(cosines, advice):
    (said,) = sentences(read_affinity(log({"a~b": -0.3}, {"a~b": cosines})))
    assert advice in said


def test_chance_is_not_an_effect():
    affinity = read_affinity(log({"a~b": 0.1}, {}, noise=1.0))
    assert sentences(affinity) == [
        "No head clearly helps or harms another: sharing costs nothing here."
    ]
    few = read_affinity(log({"a~b": 0.5}, {}, count=2))
    assert "2 measurements, 5 or more are needed" in sentences(few)[0]


def test_without_measurements_there_is_no_section():
    assert affinity_section([{"kind": "update", "update": 1, "a/loss": 1.0}]) is None


def test_the_section_has_a_row_for_each_head_and_a_chart_for_each_pair():
    lines = log({"a~b": 0.5, "b~a": -0.25}, {"a~b": [0.1] * 5})
    section = affinity_section(lines)
    (of_a, of_b) = section.matrix.rows
    assert section.matrix.head == ("", "step for a", "step for b")
    assert of_a[:2] == ("a", "1")
    assert of_a[2].startswith("-0.2")
    assert of_b[1].startswith("+0.5")
    assert "±" in of_b[1]
    (drawn,) = section.charts
    assert [line.line.name for line in drawn.lines] == [
        "all",
        "stage1",
        "stage2",
        "stage3",
        "stage4",
    ]
    assert section.count == 6
