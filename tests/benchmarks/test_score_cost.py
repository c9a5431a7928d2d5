"""What metrics_speed.py times of scoring starts, on pictures of a few pixels."""

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.mxnet
def test_the_forward_pass_and_the_score_are_timed(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import score_cost

    forward, score, about = score_cost.forward_and_score(2, (32, 32), 3)
    assert len(forward) == len(score) == 2
    assert min(forward + score) > 0
    assert about.startswith("Scoring 3 pictures of 32x32")
