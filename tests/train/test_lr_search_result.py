import cv2
import numpy as np
import pytest

from densefit.train.lr_search_result import RateSearch

RATES = np.geomspace(1e-6, 10, 100)


def valley(noise=0.0, fall=1.0, seed=0):
    """2 before 1e-3, falling to a minimum at 0.1, and exploding behind 1."""
    x = np.log10(RATES)
    losses = 2 - fall * np.clip((x + 3) / 2, 0, 1) ** 2 * (3 - 2 * np.clip((x + 3) / 2, 0, 1))
    losses = losses + np.where(x > -1, 0.3 * (x + 1) ** 2, 0) + np.where(x > 0, 10 ** (2 * x), 0)
    losses = losses + np.random.default_rng(seed).normal(0, noise, len(x))
    return RateSearch(RATES.tolist(), losses.tolist(), True)


def test_the_suggestions_of_a_smooth_curve():
    found = valley()
    # The smooth step between 1e-3 and 1e-1 is steepest in its middle.
    assert found.steepest == pytest.approx(1e-2, rel=0.2)
    assert found.tenth == pytest.approx(1e-2, rel=0.3)


@pytest.mark.parametrize("seed", range(5))
def test_the_suggestions_of_a_noisy_curve_are_of_the_same_magnitude(seed):
    found = valley(noise=0.15, seed=seed)
    assert 3e-3 < found.steepest < 3e-2
    assert 5e-3 < found.tenth < 5e-2


@pytest.mark.parametrize("seed", range(10))
def test_noise_alone_suggests_nothing(seed):
    found = valley(noise=0.15, fall=0.0, seed=seed)
    assert found.steepest is None
    assert found.tenth is None


def test_losses_below_zero():
    shifted = RateSearch(RATES.tolist(), [loss - 10 for loss in valley().losses], True)
    assert shifted.tenth == pytest.approx(valley().tenth, rel=0.1)
    assert shifted.steepest == pytest.approx(valley().steepest, rel=0.1)


def test_an_explosion_does_not_hide_the_minimum_before_it():
    losses = [2.0 - 0.01 * place for place in range(99)] + [1e30]
    found = RateSearch(RATES.tolist(), losses, True)
    assert found.smooth.max() <= 4.0
    assert RATES[85] / 10 < found.tenth <= RATES[98] / 10


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_too_few_updates_suggest_nothing(tmp_path, count):
    found = RateSearch(RATES[:count].tolist(), [2.0] * count, True)
    assert (found.steepest, found.tenth) == (None, None)
    found.plot(tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()


def test_the_picture(tmp_path):
    valley(noise=0.1).plot(tmp_path / "a.png")
    picture = cv2.imread(str(tmp_path / "a.png"))
    blue, orange, green = (np.array(bgr) for bgr in ((180, 119, 31), (14, 127, 255), (44, 160, 44)))
    for colour in (blue, orange, green):  # the curve and both suggestions
        assert (np.abs(picture.astype(int) - colour).max(axis=2) < 30).sum() > 100
