import numpy as np
import pytest

from densefit.tools.report.schedule_views import (
    NamedSchedule,
    moments,
    plot_rates,
    print_rates,
    sampled,
    sparkline,
)
from densefit.train.schedules import Constant, CosineRestarts, Exponential, Linear, Step


def shown(schedule, total, label="x"):
    return NamedSchedule(label, schedule.resolve(total, 10))


def test_a_line_of_characters_is_as_high_as_the_rates():
    assert sparkline(Constant(0.3).resolve(100), 100, width=5) == "█████"
    assert sparkline(Step(1.0, at=["50%"], factor=0.5).resolve(100), 100, 4) == "██▄▄"
    cut = CosineRestarts(1.0, period=5, cycles=2).resolve(20)
    assert sparkline(cut, 20, width=4)[2:] == "  "
    assert len(sparkline(Linear(1.0).resolve(10**6), 10**6)) == 64
    assert len(sparkline(Linear(1.0).resolve(3), 3)) == 3


def test_samples_have_each_jump_and_both_ends():
    resolved = Step(1.0, at=[333_333]).resolve(10**6)
    times, rates = sampled(resolved, 10**6)
    assert len(times) <= 2002
    assert (times[0], times[-1]) == (0, 10**6 - 1)
    place = times.index(333_333)
    assert times[place - 1] == 333_332
    assert rates[place - 1 : place + 1] == pytest.approx([1.0, 0.1])


def test_moments_are_told_once_and_not_without_end():
    many = shown(Exponential(1.0, every=5, staircase=True), 100)
    rows, left_out = moments([(1, many), (2, shown(Step(1.0, at=[25, 60]), 100))], 100)
    assert rows[25] == ["25 %", "1: drops", "2: drops"]
    assert list(rows) == sorted(rows)
    assert left_out == 19 - 8
    rows, _ = moments([(None, shown(Step(1.0, at=[25]), 100))], 100)
    assert rows[25] == ["25 %", "drops"]


def test_more_columns_than_fit_are_told_below(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_rates([shown(Constant(0.1 * n), 50) for n in (1, 2, 3)], 50, 10)
    out = capsys.readouterr().out
    assert out.count("after the end") == 2
    assert [name in out for name in ("rate 1", "rate 2", "rate 3")] == [True] * 3
    assert "…" not in out
    monkeypatch.setenv("COLUMNS", "100")
    print_rates([shown(Constant(0.1 * n), 50) for n in (1, 2, 3)], 50, 10)
    assert capsys.readouterr().out.count("after the end") == 1


@pytest.mark.parametrize("total", [1, 2, 500])
def test_any_length_and_name_can_be_drawn(tmp_path, total):
    names = ["cost $1 and $2", "_x", "a" * 300]
    group = [shown(Exponential(1.0, 0.5, every=7), total, name) for name in names]
    print_rates(group, total, 10)
    plot_rates(tmp_path / "a.png", group, total, 10)
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_a_rate_of_0_is_drawn(tmp_path, recwarn):
    zero = NamedSchedule("0", Exponential(1e-300, 1e-300, every=1).resolve(50))
    assert 0.0 in sampled(zero.rate, 50)[1]
    plot_rates(tmp_path / "a.png", [zero], 50, 10)
    assert not [w for w in recwarn if issubclass(w.category, (RuntimeWarning, UserWarning))]
    assert np.isfinite(zero.rate(0))
