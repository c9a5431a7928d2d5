import json

import pytest

from densefit.callbacks import Control, EarlyStopping, TrainState
from densefit.errors import ConfigError

NAN = float("nan")


def validate(callback, *scores):
    """The number of the validation (from 1) that stopped training; None if none did."""
    callback.fit_started(TrainState(None, directions={"seg/mIoU": True}), Control())
    for number, score in enumerate(scores, 1):
        control = Control()
        callback.validated(TrainState(None, validation={"seg/mIoU": score}), control)
        if control.stop_reason is not None:
            return number
    return None


@pytest.mark.parametrize(
    ("settings", "scores", "stopped"),
    [
        ({}, [0.1, 0.2, 0.3, 0.4], None),
        ({}, [0.5, 0.4, 0.4, 0.4], 4),
        ({}, [0.5, 0.4, 0.6, 0.4, 0.4, 0.4], 6),  # improvement begins the count anew
        ({}, [0.5, 0.5, 0.5, 0.5], 4),  # equal is not better
        ({"patience": 1}, [0.5, 0.4], 2),
        ({"patience": 2, "higher_is_better": False}, [0.5, 0.4, 0.45, 0.41], 4),
        ({"patience": 2, "min_delta": 0.1}, [0.5, 0.55, 0.58], 3),
        ({"patience": 2, "min_delta": 0.1}, [0.5, 0.55, 0.61, 0.62], None),
        ({"patience": 2}, [NAN, NAN], 2),  # nan is never an improvement
        ({"patience": 2}, [NAN, 0.1, NAN, 0.2], None),
    ],
)
def test_when_it_stops(settings, scores, stopped):
    assert validate(EarlyStopping("seg/mIoU", **settings), *scores) == stopped


def test_the_reason_is_told():
    callback, control = EarlyStopping("seg/mIoU", patience=1), Control()
    state = TrainState(None, validation={"seg/mIoU": 0.5}, directions={"seg/mIoU": True})
    callback.fit_started(state, control)
    callback.validated(state, control)
    callback.validated(state, control)
    assert control.stop_reason == "seg/mIoU has not improved in 1 validations (best: 0.5)"


def test_a_resumed_training_waits_no_longer():
    first = EarlyStopping("seg/mIoU")
    assert validate(first, 0.5, 0.4, 0.4) is None
    second = EarlyStopping("seg/mIoU")
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert validate(second, 0.4) == 1


def test_the_direction_is_the_metric_s_unless_it_is_given():
    for settings, expected in (({}, False), ({"higher_is_better": True}, True)):
        callback = EarlyStopping("age/mae", **settings)
        callback.fit_started(TrainState(None, directions={"age/mae": False}), Control())
        assert callback.higher_is_better is expected


def test_a_score_that_does_not_exist_is_an_error():
    with pytest.raises(ConfigError, match="did you mean 'seg/mIoU'"):
        validate(EarlyStopping("seg/miou"), 0.5)


@pytest.mark.parametrize("settings", [{"patience": 0}, {"min_delta": -1.0}, {"min_delta": NAN}])
def test_wrong_settings(settings):
    with pytest.raises(ConfigError, match="out of range"):
        EarlyStopping("seg/mIoU", **settings)


def test_scores_of_fewer_samples_count_neither_way():
    callback = EarlyStopping("seg/mIoU", patience=2)
    callback.fit_started(TrainState(None, directions={"seg/mIoU": True}), Control())

    def after(score, unreadable):
        scores = {"seg/mIoU": score, "samples/unreadable": float(unreadable)}
        callback.validated(TrainState(None, validation=scores), Control())
        return callback.best, callback.waited

    assert after(0.5, 1) == (0.5, 0)
    assert after(0.4, 1) == (0.5, 1)
    assert after(0.9, 2) == (0.5, 1)
    assert after(0.3, 0) == (0.3, 0)  # the first of all samples
    assert after(0.9, 1) == (0.3, 0)
    assert after(0.2, 0) == (0.3, 1)
