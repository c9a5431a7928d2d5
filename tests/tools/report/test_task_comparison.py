"""One network against several, with numbers worked out by hand."""

import math

import pytest

from densefit.errors import ConfigError
from densefit.tools.report.task_comparison import Spread, compare, matching
from densefit.tools.report.task_runs import Group, TaskRun

HIGHER = {"cells/boxes/AP": True, "streets/mask/mIoU": True, "streets/depth/rmse": False}


def run(name, conflict=None, cost=None, **scores):
    """Scores by the last parts of their names."""
    found = {key: scores[key.split("/")[1]] for key in HIGHER if key.split("/")[1] in scores}
    return TaskRun(name, name, found, {k: HIGHER[k] for k in found}, cost or {}, conflict or {})


def groups():
    cost = {"parameters": 1000, "ms_per_update": 300.0, "peak_memory_mib": 900.0}
    small = {"parameters": 700, "ms_per_update": 200.0, "peak_memory_mib": 500.0}
    together = [
        run("t0", {"boxes~mask": 0.2}, cost, boxes=0.44, mask=0.57, depth=0.9),
        run("t1", {"boxes~mask": 0.0}, cost, boxes=0.36, mask=0.63, depth=1.1),
    ]
    return [
        Group("together", together),
        Group("b", [run("b0", cost=small, boxes=0.3), run("b1", cost=small, boxes=0.5)]),
        Group("m", [run("m0", cost=small, mask=0.5)]),
        Group("d", [run("d0", cost={**small, "peak_memory_mib": 600.0}, depth=0.8)]),
    ]


def test_delta_m_of_each_seed_against_the_mean_baselines():
    """Against 0.4, 0.5 and 0.8: +10, +14 and -12.5 %; then -10, +26 and -37.5 %."""
    found = compare(groups())
    by_key = {task.key: task for task in found.tasks}
    assert by_key["cells/boxes/AP"].alone == Spread.of([0.3, 0.5])
    assert by_key["cells/boxes/AP"].change["together"] == pytest.approx(0.0)
    assert by_key["streets/mask/mIoU"].change["together"] == pytest.approx(0.2)
    assert by_key["streets/depth/rmse"].change["together"] == pytest.approx(-0.25)
    assert by_key["streets/mask/mIoU"].together["together"].std == pytest.approx(0.06 / 2**0.5)
    first, second = (0.10 + 0.14 - 0.125) / 3, (-0.10 + 0.26 - 0.375) / 3
    delta = found.delta_m["together"]
    assert delta.mean == pytest.approx((first + second) / 2)
    assert delta.std == pytest.approx(abs(first - second) / 2**0.5)
    assert delta.count == 2


def test_cost_of_one_network_and_of_all_of_them():
    cost = compare(groups()).cost
    assert cost["together"]["parameters"] == 1000
    assert cost["boxes alone"]["ms_per_update"] == 200.0
    added = {"parameters": 2100, "ms_per_update": 600.0, "peak_memory_mib": 600.0}
    assert cost["all of these"] == added


def test_cosines_are_averaged_over_seeds():
    assert compare(groups()).conflict == {"together": {"boxes~mask": pytest.approx(0.1)}}


def test_a_task_without_a_baseline_is_left_out_of_delta_m():
    found = compare(groups()[:2])
    assert [task.alone is None for task in found.tasks] == [False, True, True]
    assert found.delta_m["together"].mean == pytest.approx(0.0)  # +10 and -10 %
    assert "all of these" not in found.cost


def test_a_task_whose_baseline_is_0_is_left_out_of_delta_m_and_named():
    """AP 0 alone; +14 and -12.5 %, then +26 and -37.5 %."""
    known = groups()
    known[1] = Group("b", [run("b0", boxes=0.0), run("b1", boxes=0.0)])
    found = compare(known)
    assert list(found.without) == ["cells/boxes/AP"]
    assert math.isnan(found.tasks[0].change["together"])
    first, second = (0.14 - 0.125) / 2, (0.26 - 0.375) / 2
    assert found.delta_m["together"].mean == pytest.approx((first + second) / 2)
    assert compare(groups()).without == []


def test_several_ways_to_train_together_stand_side_by_side():
    other = Group("other", [run("o", boxes=0.8, mask=0.5)])
    found = compare([*groups(), other])
    assert found.delta_m["other"].mean == pytest.approx(0.5)  # +100 and 0 %
    assert set(found.tasks[2].together) == {"together"}


def test_numbers_are_matched_by_name_or_by_head():
    alone = TaskRun("a", "a", {"boxes/AP": 0.5}, {"boxes/AP": True})
    assert matching("cells/boxes/AP", alone) == "boxes/AP"
    assert matching("boxes/AP", alone) == "boxes/AP"
    assert matching("cells/boxes/AP50", alone) is None
    two = TaskRun("a", "a", {"x/boxes/AP": 0.5, "y/boxes/AP": 0.4}, {})
    assert matching("y/boxes/AP", two) == "y/boxes/AP"
    assert matching("boxes/AP", two) is None
    assert matching("z/boxes/AP", two) is None  # of another dataset


def test_what_cannot_be_compared_is_told():
    with pytest.raises(ConfigError, match="several tasks"):
        compare(groups()[1:])
    with pytest.raises(ConfigError, match="'boxes' alone"):
        compare([*groups(), Group("again", [run("b2", boxes=0.1)])])


def test_spreads():
    assert math.isnan(Spread.of([]).mean)
    assert math.isnan(Spread.of([0.5, math.nan]).mean)
    assert math.isnan(Spread.of([0.5]).std)
