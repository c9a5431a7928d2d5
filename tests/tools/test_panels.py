"""Truth and prediction side by side."""

import numpy as np

from densefit.tools.panels import pair, spread


class Painter:
    """Paints truth green and predictions red."""

    def truth(self, targets):
        return targets.get("known")

    def draw_truth(self, image, truth):
        return np.full_like(image, (0, 255, 0))

    def draw(self, image, prediction):
        return np.full_like(image, (255, 0, 0))


def test_the_truth_comes_first_and_is_bare_where_unknown():
    image = np.full((4, 6, 3), 7, np.uint8)
    left, right = pair(Painter(), image, {"known": 1}, None)
    assert (left == (0, 255, 0)).all()
    assert (right == (255, 0, 0)).all()
    left, right = pair(Painter(), image, {}, None)
    assert (left == 7).all()
    assert (right == (255, 0, 0)).all()


def test_samples_are_spread_over_a_dataset():
    assert spread(101, 3) == [0, 50, 100]
    assert spread(1, 6) == [0]
    assert len(spread(5, 3)) == 3
