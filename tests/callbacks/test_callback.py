import inspect

import pytest

import densefit as df
import densefit.callbacks as callbacks
from densefit.callbacks import Callback, Control, TrainState
from densefit.callbacks.run_tracker import RunTracker

EVENTS = ["fit_started", "epoch_started", "update_ended", "epoch_ended", "validated"]


def test_every_method_may_be_left_out():
    callback, state, control = Callback(), TrainState(None), Control()
    for event in EVENTS:
        getattr(callback, event)(state, control)
    callback.saved(state, control, "path")
    callback.fit_ended(state, None)
    callback.load_state_dict(callback.state_dict())
    assert callback.state_dict() == {}
    assert (control.stop_reason, control.save_requested) == (None, False)


def test_control_notes_what_was_asked():
    control = Control()
    control.stop("enough")
    control.save_now()
    control.validate_now()
    assert control.stop_reason == "enough"
    assert control.save_requested
    assert control.validation_requested


@pytest.mark.parametrize(
    "kind",
    [one for one in vars(callbacks).values() if inspect.isclass(one) and issubclass(one, Callback)],
)
def test_callbacks_add_no_events_of_their_own(kind):
    """A misspelt event would never be called; all public methods are the contract's."""
    public = {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if name[0] != "_"}
    contract = {name for name, _ in inspect.getmembers(Callback, inspect.isfunction)}
    if issubclass(kind, RunTracker):  # what recipes call behind the training
        public -= {"end", "log_results"}
    assert public <= contract
    for name in public:
        ours, theirs = (
            inspect.signature(getattr(kind, name)),
            inspect.signature(getattr(Callback, name)),
        )
        assert list(ours.parameters) == list(theirs.parameters)


@pytest.mark.mxnet
def test_which_updates_and_epochs_are_told(tiny, tmp_path):
    """An update that is left out counts as one; an epoch that is resumed is started again."""
    numbers = iter(range(100))

    def take(iterator):
        batch = iterator.next()
        if next(numbers) == 1:
            batch.data = [df.backend.mx.nd.full(one.shape, float("nan")) for one in batch.data]
        return batch

    def run(data, **settings):
        log = tiny.Log()
        network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
        df.fit(
            network, data, checkpoint=df.Saver(tmp_path, every="9ep", background=False),
            resume="auto", on_nonfinite="skip", callbacks=[log], **settings,
        )  # fmt: skip
        return log.events

    first = run(tiny.Changed(tiny.iterator(12, 4), take), updates=2)
    assert first == ["fit", "epoch", 1, 2, "end", "saved", "done"]
    second = run(tiny.iterator(12, 4), epochs=1)
    assert second == ["fit", "epoch", 3, "end", "saved", "done"]
