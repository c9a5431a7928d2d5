"""Truth and prediction side by side."""

from densefit.tools.report.panels import spread


def test_samples_are_spread_over_a_dataset():
    assert spread(101, 3) == [0, 50, 100]
    assert spread(1, 6) == [0]
    assert len(spread(5, 3)) == 3
