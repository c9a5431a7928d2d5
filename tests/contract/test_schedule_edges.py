"""The edges of every schedule: nothing, the whole, one update, all warm-up, a resume."""

import pytest

from densefit.errors import ConfigError
from densefit.train.schedules import WarmedUp, schedules
from densefit.train.schedules.deferred import Deferred

HALVES = [{"name": "constant", "lr": 1.0}, {"name": "linear", "lr": 0.5}]
LOW = 1 / 25 / 1e4  # one_cycle's last rate

# Name, settings, updates in all, and the rates of each update and after the end.
TABLE = [
    ("constant", {}, 1, [1, 1]),
    ("constant", {"warmup": "50%"}, 4, [0.5, 1, 1, 1, 1]),
    ("constant", {"warmup": 3}, 4, [1 / 3, 2 / 3, 1, 1, 1]),
    ("constant", {"warmup": "0%"}, 1, [1, 1]),
    ("constant", {"warmup": 1, "warmup_start": 0.5, "warmup_kind": "constant"}, 2, [0.5, 1, 1]),
    ("linear", {}, 1, [1, 0]),
    ("linear", {}, 2, [1, 0.5, 0]),
    ("linear", {"final": 1.0}, 2, [1, 1, 1]),
    ("linear", {"warmup": 1, "final": 0.5}, 2, [1, 1, 0.5]),
    ("poly", {}, 1, [1, 0]),
    ("poly", {"power": 2, "final": 0.2}, 2, [1, 0.4, 0.2]),
    ("poly", {"warmup": 1}, 2, [1, 1, 0]),
    ("cosine", {}, 1, [1, 0]),
    ("cosine", {"final": 0.5}, 2, [1, 0.75, 0.5]),
    ("cosine", {"warmup": "66%"}, 3, [0.5, 1, 1, 0]),
    ("cosine_restarts", {"period": 1}, 1, [1, 0]),
    ("cosine_restarts", {"period": "100%"}, 2, [1, 0.5, 0]),
    ("cosine_restarts", {"period": "50%"}, 4, [1, 0.5, 1, 0.5, 0]),
    ("cosine_restarts", {"period": 8}, 4, [1, 0.9619398, 0.8535534, 0.6913417, 0.5]),
    ("cosine_restarts", {"period": 2, "cycles": 1, "final": 0.2}, 4, [1, 0.6, 0.2, 0.2, 0.2]),
    ("cosine_restarts", {"period": 2, "cycles": 2}, 4, [1, 0.5, 1, 0.5, 0]),
    ("cosine_restarts", {"period": 2, "decay": 0.5}, 4, [1, 0.5, 0.5, 0.25, 0]),
    (  # the third cycle would begin at 0.01
        "cosine_restarts",
        {"period": 2, "decay": 0.1, "final": 0.05},
        6,
        [1, 0.525, 0.1, 0.075, 0.05, 0.05, 0.05],
    ),
    ("exponential", {"factor": 0.25, "every": "100%"}, 1, [1, 0.25]),
    ("exponential", {"factor": 0.25, "every": "100%"}, 2, [1, 0.5, 0.25]),
    ("exponential", {"factor": 0.5, "every": "100%", "staircase": True}, 2, [1, 1, 1]),
    ("exponential", {"factor": 0.5, "every": "50%", "staircase": True}, 4, [1, 1, 0.5, 0.5, 0.5]),
    ("exponential", {"factor": 0.5, "every": 1, "staircase": True, "warmup": 1}, 2, [1, 1, 1]),
    ("inverse_square_root", {"timescale": "100%"}, 1, [1, 0.7071068]),
    (
        "inverse_square_root",
        {"timescale": 1, "warmup": 1},
        5,
        [1, 1, 2**-0.5, 3**-0.5, 0.5, 5**-0.5],
    ),
    ("step", {"at": []}, 2, [1, 1, 1]),
    ("step", {"at": ["0%"]}, 2, [0.1, 0.1, 0.1]),
    ("step", {"at": ["50%"]}, 2, [1, 0.1, 0.1]),
    ("step", {"at": ["50%"]}, 1, [1, 1]),
    ("step", {"at": ["100%"]}, 2, [1, 1, 1]),
    ("step", {"at": [2]}, 2, [1, 1, 1]),
    ("step", {"at": ["50%", "50%"]}, 2, [1, 0.01, 0.01]),
    ("step", {"at": [1], "warmup": 1}, 2, [1, 0.1, 0.1]),
    ("one_cycle", {}, 1, [LOW, LOW]),
    ("one_cycle", {"pct_start": 0}, 2, [(1 + LOW) / 2, LOW, LOW]),
    ("one_cycle", {"pct_start": 1}, 1, [1, 1]),
    ("one_cycle", {"pct_start": 1}, 3, [0.04, 0.52, 1, 1]),
    ("one_cycle", {"pct_start": 0.5}, 4, [0.04, 1, (1 + LOW) / 2, LOW, LOW]),
    ("one_cycle", {"pct_start": 0.5, "three_phase": True}, 4, [0.04, 1, 0.04, LOW, LOW]),
    ("one_cycle", {"pct_start": 0, "three_phase": True}, 1, [LOW, LOW]),
    ("joined", {"pieces": HALVES, "at": ["50%"]}, 4, [1, 1, 0.5, 0.25, 0]),
    ("joined", {"pieces": HALVES, "at": [3]}, 4, [1, 1, 1, 0.5, 0]),
    ("joined", {"pieces": HALVES[1:], "at": []}, 1, [0.5, 0]),
    ("plateau", {"metric": "a/loss", "higher_is_better": False}, 1, [1, 1]),
    ("plateau", {"metric": "a/loss", "higher_is_better": False, "warmup": 1}, 2, [1, 1, 1]),
]
every_row = pytest.mark.parametrize(("name", "settings", "total", "rates"), TABLE)
warmed_up = pytest.mark.parametrize(
    "name", [name for name in schedules.names() if issubclass(schedules.get(name), WarmedUp)]
)
NEEDED = {"cosine_restarts": {"period": 1}, "plateau": TABLE[-1][1]}


def made(name, settings):
    return schedules.create(name, **({} if name == "joined" else {"lr": 1.0}), **settings)


def test_every_registered_schedule_is_in_the_table():
    assert {row[0] for row in TABLE} == set(schedules.names())


@every_row
def test_the_rates_at_the_edges_are_those_of_the_docstrings(name, settings, total, rates):
    rate = made(name, settings).resolve(total, updates_per_epoch=1)
    assert [rate(t) for t in range(total + 1)] == pytest.approx(rates, rel=1e-6)
    assert rate(10 * total) == rate(total)
    assert all(0 <= moment < total for moment, _ in rate.moments)


@every_row
def test_a_training_that_was_resumed_goes_on_at_the_same_rates(name, settings, total, rates):
    for done in range(total + 1):
        once = made(name, settings).resolve(total, updates_per_epoch=1)
        again = Deferred(made(name, settings), total)
        again.set_length(total, updates_per_epoch=1)
        again.load_state_dict({"schedule": once.state_dict()})
        assert [again(t) for t in range(done, total + 1)] == [
            once(t) for t in range(done, total + 1)
        ]


@warmed_up
@pytest.mark.parametrize("warmup", ["100%", 2, 3, "2ep", "9ep"])
def test_a_warmup_of_the_whole_training_or_longer_is_refused(name, warmup):
    schedule = made(name, {**NEEDED.get(name, {}), "warmup": warmup})
    with pytest.raises(ConfigError, match="Warm-up takes the whole training"):
        schedule.resolve(2, updates_per_epoch=1)


@pytest.mark.parametrize("nothing", [0, "0%", "0ep", "0st"])
@pytest.mark.parametrize(
    ("name", "setting"),
    [("cosine_restarts", "period"), ("exponential", "every"), ("inverse_square_root", "timescale")],
)
def test_a_length_of_nothing_is_refused_when_made(name, setting, nothing):
    with pytest.raises(ConfigError, match="at least one update"):
        made(name, {setting: nothing})


@pytest.mark.parametrize("at", ["0%", "100%", 4, 9])
def test_a_piece_without_an_update_is_refused(at):
    with pytest.raises(ConfigError, match="has no update"):
        made("joined", {"pieces": HALVES, "at": [at]}).resolve(4)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("cosine_restarts", {"period": 10, "warmup": "1ep"}),
        ("exponential", {"every": 10, "staircase": True, "warmup": "1ep"}),
        (
            "joined",
            {
                "pieces": [{"name": "cosine_restarts", "lr": 1.0, "period": 10}, HALVES[1]],
                "at": ["50%"],
            },
        ),
    ],
)
def test_a_training_of_unknown_length_begins_at_once_however_short_its_cycles(name, settings):
    rate = Deferred(made(name, settings))  # for which an epoch is endless, until it has ended
    assert len(rate.moments) <= 10_010
    rate.set_length(40, updates_per_epoch=5)
    assert [t for t, _ in rate.moments] == sorted(t for t, _ in rate.moments)
    assert all(0 < t < 40 for t, _ in rate.moments)
