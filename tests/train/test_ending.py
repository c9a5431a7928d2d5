"""The end of a training reaches everybody, whatever fails."""

import pytest

import densefit as df
from densefit.callbacks.callback import TrainState
from densefit.checkpoint.training.session import Session
from densefit.train.ending import ending


class Learner:
    def __init__(self):
        self.released = 0

    def release(self):
        self.released += 1


class Ended(df.Callback):
    def __init__(self, failure=None):
        self.errors, self.failure = [], failure

    def fit_ended(self, state, error):
        self.errors.append(error)
        if self.failure is not None:
            raise self.failure


def test_callbacks_learn_of_a_good_end():
    session, callback = Session(Learner(), TrainState(None), None), Ended()
    begun = []
    with ending(session, begun, lambda: pytest.fail("nothing has failed")):
        begun.append(callback)
    assert callback.errors == [None]
    assert session.learner.released == 1


def test_an_end_that_fails_is_raised_after_all_others():
    session = Session(Learner(), TrainState(None), None)
    first, second = Ended(OSError("no disk")), Ended()
    with pytest.raises(OSError, match="no disk"), ending(session, [first, second], lambda: None):
        pass
    assert second.errors == [None]


def test_a_failed_training_is_abandoned_first_and_its_error_stays(caplog):
    session, callback = Session(Learner(), TrainState(None), None), Ended(OSError("no disk"))
    order = []
    failure = ValueError("no data")
    with pytest.raises(ValueError, match="no data"):
        with ending(session, [callback], lambda: order.append(list(callback.errors))):
            raise failure
    assert order == [[]]
    assert callback.errors == [failure]
    assert "its end failed too: no disk" in caplog.text
