import pytest

from densefit.errors import ConfigError
from densefit.train.schedules import (
    Constant,
    Cosine,
    Exponential,
    Joined,
    Linear,
    Plateau,
    Step,
    schedules,
)


def test_it_is_torch_s_sequential(rates, torch_rates):
    pieces = [Constant(0.3), Exponential(0.3, factor=0.8, every=1), Linear(0.3)]
    got = rates(Joined(pieces, at=[8, 20]))
    assert got == pytest.approx(torch_rates("joined"), rel=1e-12)


def test_a_piece_is_a_training_of_its_own(rates):
    pieces = [Cosine(0.3, warmup="10%"), Step(0.2, at=["50%", "1ep"], factor=0.5)]
    joined = rates(Joined(pieces, at=["60%"]), total=100, updates_per_epoch=30)
    assert joined[:60] == rates(pieces[0], total=60, updates_per_epoch=30)
    assert joined[60:] == rates(pieces[1], total=40, updates_per_epoch=30)
    assert joined[80] == 0.1
    assert joined[90] == 0.05


def test_the_last_piece_may_be_of_unknown_length():
    resolved = Joined([Cosine(0.3), Constant(0.1)], at=[10]).resolve(None)
    assert [resolved(t) for t in (0, 10, 10**9)] == [0.3, 0.1, 0.1]
    with pytest.raises(ConfigError, match="piece 2 of Joined"):
        Joined([Constant(0.1), Cosine(0.3)], at=[10]).resolve(None)


def test_pieces_of_pieces():
    inner = Joined([Constant(0.1), Constant(0.2)], at=["50%"])
    resolved = Joined([inner, Constant(0.3)], at=["50%"]).resolve(40)
    assert [resolved(t) for t in (9, 10, 19, 20, 40)] == [0.1, 0.2, 0.2, 0.3, 0.3]


def test_a_recipe_names_its_pieces():
    pieces = [{"name": "constant", "lr": 0.1}, {"name": "cosine", "lr": 0.3}]
    made = schedules.create("joined", pieces=pieces, at=["5ep"])
    assert made == Joined([Constant(0.1), Cosine(0.3)], at=["5ep"])
    assert made.lr == 0.3
    with pytest.raises(ConfigError, match=r"Joined\(pieces=...\)[^|]*did you mean 'final'"):
        Joined([{"name": "cosine", "lr": 0.1, "fina": 0}], at=[])


def test_beginnings_and_what_happens_within_are_marked():
    schedule = Joined([Constant(0.1, warmup=5), Step(0.1, at=["50%"])], at=["50%"])
    marks = schedule.resolve(40).moments
    assert marks == ((5, "warm-up ends"), (20, "Step begins"), (30, "drops"))


@pytest.mark.parametrize("at", [[0], [40], [41], ["100%"]])
def test_every_piece_has_an_update(at):
    with pytest.raises(ConfigError, match="Piece [12] of the joined schedules has no update"):
        Joined([Constant(0.1), Constant(0.2)], at=at).resolve(40)


def test_moments_rise():
    three = [Constant(0.1)] * 3
    with pytest.raises(ConfigError, match="must rise"):
        Joined(three, at=[20, 10]).resolve(40)
    with pytest.raises(ConfigError, match="Piece 2 [^|]* has no update"):
        Joined(three, at=[20, 20]).resolve(None)


@pytest.mark.parametrize(
    ("pieces", "at", "said"),
    [
        ([], [], "0 moments for 0 schedules"),
        ([Constant(0.1)], [10], "0 moments for 1 schedules"),
        ([Constant(0.1), Constant(0.1)], "50%", r"Joined\(at=...\)"),
        ([Constant(0.1), "cosine"], [10], "received: 'cosine'"),
        ([Constant(0.1), {"lr": 0.1}], [10], "not a schedule"),
        ({"name": "constant", "lr": 0.1}, [], "a list of schedules"),
        ([Constant(0.1), Plateau(0.1, "a/b")], [10], "follows scores"),
    ],
)
def test_wrong_settings_are_refused_when_made(pieces, at, said):
    with pytest.raises(ConfigError, match=said):
        Joined(pieces, at)
