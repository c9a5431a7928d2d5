import pytest

from densefit.callbacks import Control, StopOnNonFinite, TrainState
from densefit.errors import ConfigError, TrainingDiverged


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_the_head_and_the_place_are_named(bad):
    state = TrainState(None, epoch=2, update=100, lr=0.5)
    state.train = lambda: {"det/loss": 1.0, "seg/loss": bad}
    with pytest.raises(TrainingDiverged) as caught:
        StopOnNonFinite().update_ended(state, Control())
    text = str(caught.value)
    assert "in the head seg\n" in text
    assert f"seg/loss={bad}" in text
    assert "epoch 3, update 100" in text
    assert "lr 0.5" in text
    assert "det" not in text


def test_several_heads():
    state = TrainState(None, update=50)
    state.train = lambda: {"seg/a": float("nan"), "det/b": float("inf"), "seg/c": float("nan")}
    with pytest.raises(TrainingDiverged, match="in the heads det, seg"):
        StopOnNonFinite().update_ended(state, Control())


def test_it_looks_now_and_then_and_at_the_end_of_an_epoch():
    looks = []
    state = TrainState(None)
    state.train = lambda: looks.append(state.update) or {"seg/loss": 1.0}
    callback = StopOnNonFinite(every=10)
    for state.update in range(1, 26):
        callback.update_ended(state, Control())
    callback.epoch_ended(state, Control())
    assert looks == [10, 20, 25]


def test_only_what_is_watched():
    state = TrainState(None, update=50, train=lambda: {"seg/mIoU": float("nan"), "seg/loss": 1.0})
    StopOnNonFinite(watch="*/loss").update_ended(state, Control())


def test_wrong_settings():
    with pytest.raises(ConfigError, match="every=0"):
        StopOnNonFinite(every=0)
