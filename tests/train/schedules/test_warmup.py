import pytest

from densefit.errors import ConfigError
from densefit.train.schedules import Constant, Cosine, Step

T = 100


def test_it_rises_to_the_full_rate_and_wastes_no_update(rates):
    got = rates(Constant(1.0, warmup="5st"), total=10)
    assert got == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    got = rates(Constant(1.0, warmup=4, warmup_start=0.2), total=6)
    assert got == pytest.approx([0.4, 0.6, 0.8, 1.0, 1.0, 1.0])


def test_a_linear_one_is_torch_s_one_update_later(rates, torch_rates):
    theirs = torch_rates("linear_warmup")
    got = rates(Constant(0.3, warmup=10, warmup_start=0.03))
    assert got[:-1] == pytest.approx(theirs[1:], rel=1e-12)


def test_a_constant_one_is_torch_s(rates, torch_rates):
    schedule = Constant(0.3, warmup=10, warmup_start=0.075, warmup_kind="constant")
    assert rates(schedule) == pytest.approx(torch_rates("constant_warmup"), rel=1e-12)


def test_decay_after_it_is_mxnet_s(mx):
    theirs = mx.lr_scheduler.CosineScheduler(T, 0.3, 0.01, warmup_steps=10)
    ours = Cosine(0.3, final=0.01, warmup=10).resolve(T)
    for t in range(10, T):
        assert ours(t) == pytest.approx(theirs(t), rel=1e-12)


def test_decay_begins_at_the_full_rate_after_it():
    got = Cosine(0.3, warmup="10%").resolve(T)
    assert got(9) == got(10) == 0.3
    assert got(11) < 0.3
    assert got(T) == 0.0


def test_in_epochs():
    resolved = Step(1.0, at=["2ep", "3ep"], warmup="1ep").resolve(40, updates_per_epoch=10)
    assert [resolved(t) for t in (0, 9, 10, 19)] == [0.1, 1.0, 1.0, 1.0]
    assert resolved.moments == ((10, "warm-up ends"), (20, "drops"), (30, "drops"))


def test_epochs_of_unknown_length():
    with pytest.raises(ConfigError, match=r"Cosine\(warmup=...\)"):
        Cosine(0.1, warmup="1ep").resolve(T, None)


@pytest.mark.parametrize("updates", [1, 2, 3])
def test_a_share_leaves_an_update_of_the_shortest_training(updates):
    resolved = Cosine(1.0, warmup="5%").resolve(updates)
    assert resolved(updates - 1) > 0
    assert len(resolved.moments) == (updates > 1)


@pytest.mark.parametrize("warmup", [T, T + 1, "100%"])
def test_it_must_leave_something(warmup):
    with pytest.raises(ConfigError, match="Warm-up takes the whole training"):
        Cosine(0.1, warmup=warmup).resolve(T)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"warmup_start": 0.2}, "warmup_start=0.2"),
        ({"warmup_start": -0.1}, "warmup_start=-0.1"),
        ({"warmup": "soon"}, "not a duration"),
        ({"warmup_kind": "cubic"}, "linear or constant"),
        ({"warmup": 5, "warmup_kind": "constant"}, "trains nothing"),
    ],
)
def test_wrong_settings_are_refused_when_made(settings, said):
    with pytest.raises(ConfigError, match=said):
        Constant(0.1, **settings)


def test_mxnet_s_filling_the_training_divides_by_zero(mx):
    with pytest.raises(ZeroDivisionError):
        mx.lr_scheduler.CosineScheduler(10, warmup_steps=10)(10)
