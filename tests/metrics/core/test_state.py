import numpy as np
import pytest

from densefit.errors import CheckpointError, ConfigError
from densefit.metrics import (
    COCOAveragePrecision,
    COCOKeypointAveragePrecision,
    Depth,
    Mean,
    Metric,
    PanopticQuality,
    PerSample,
    TopK,
    VOCAveragePrecision,
)
from densefit.metrics.coco.oks import COCO_SIGMAS
from densefit.metrics.core.state import SETTINGS, differing, plain


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Depth(0, 10), Depth(0.0, np.float32(10))),
        (TopK(np.int64(3)), TopK(k=3)),
        (VOCAveragePrecision(3), VOCAveragePrecision(("0", "1", "2"))),
        (COCOAveragePrecision(2), COCOAveragePrecision(2, backend="pycocotools")),
        (COCOKeypointAveragePrecision(), COCOKeypointAveragePrecision(sigmas=COCO_SIGMAS)),
        (PanopticQuality(3, ["0", "1"]), PanopticQuality(3, ("1", "0"))),
        (PerSample(VOCAveragePrecision(3)), PerSample(VOCAveragePrecision(3), keep_states=True)),
    ],
    ids=lambda metric: metric.name,
)
def test_what_means_the_same_goes_together(one, other):
    one.merge(other)
    one.load_state_dict(other.state_dict())


def test_both_values_are_named():
    with pytest.raises(CheckpointError) as error:
        Depth(0, 10).load_state_dict(Depth(0, 80).state_dict())
    assert (error.value.expected, error.value.received) == ("max_depth=10", "max_depth=80")


class Shares(Mean):
    """A metric of a user's, with a constructor and a state of its own."""

    name = "shares"

    def __init__(self, limit, *more, weight=1.0, **named):
        super().__init__(key="share")
        self.limit = limit

    def state_dict(self):
        return {**super().state_dict(), "limit": self.limit}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.limit = state["limit"]


def test_a_users_metric_needs_no_word_for_it():
    assert Shares(3, "a", why=1).settings() == {
        "name": "shares",
        "limit": 3,
        "more": ["a"],
        "weight": 1.0,
        "named": {"why": 1},
    }
    with pytest.raises(ConfigError, match="other settings"):
        Shares(3).merge(Shares(3, weight=2.0))
    with pytest.raises(CheckpointError, match="other settings"):
        Shares(3, weight=2.0).load_state_dict(Shares(3).state_dict())
    Shares(3).fresh().load_state_dict(Shares(3).state_dict())


def test_what_cannot_be_compared_is_left_out():
    assert plain({"a": [1, object()], "b": {"c": print}, "d": None}) == {"b": {}, "d": None}


def test_settings_of_other_versions():
    assert differing({"k": 1, "new": True}, {"k": 1, "gone": 0}) == {}
    assert differing({"k": float("nan")}, {"k": float("nan")}) == {}


def test_a_wrong_constructor_call_stays_an_error_of_python():
    with pytest.raises(TypeError, match="unexpected keyword"):
        Depth(depth=3)


def test_the_state_has_one_text_more():
    state = TopK(2).state_dict()
    assert {key: type(value) for key, value in state.items()} == {
        "total": float,
        "count": int,
        SETTINGS: str,
    }
    assert isinstance(TopK(2), Metric)
