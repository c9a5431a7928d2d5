import math
import sys

import pytest

import densefit as df
from densefit.callbacks import Control, TensorBoard, TrainState
from densefit.callbacks.tensorboard import read_events
from densefit.errors import ConfigError


def shown(directory):
    """tag -> [(update, value)] as TensorBoard shows them, read independently of our own reader.

    TensorBoard takes the files in the order of their names, and at each start of a session drops
    the points from its step on.
    """
    from tensorboardX.proto import event_pb2

    points = {}
    for path in sorted(directory.iterdir()):
        content = path.read_bytes()
        while content:
            length = int.from_bytes(content[:8], "little")
            if len(content) < length + 16:
                break
            event = event_pb2.Event.FromString(content[12 : 12 + length])
            content = content[16 + length :]
            if event.WhichOneof("what") == "session_log":
                for tag, found in points.items():
                    points[tag] = [point for point in found if point[0] < event.step]
            for value in event.summary.value:
                points.setdefault(value.tag, []).append((event.step, value.simple_value))
    return points


class Die(df.Callback):
    def __init__(self, update):
        self.update = update

    def update_ended(self, state, control):
        if state.update == self.update:
            raise RuntimeError("power cut")


def train(tiny, directory, last=(), epochs=4, **settings):
    """Epochs of 3 updates, validated every 2 updates and at the end."""
    network = tiny.network()
    return df.fit(
        network,
        tiny.loader(network, length=12, shuffle=True),
        validation=tiny.loader(network, length=5),
        validate_every="2st",
        epochs=epochs,
        schedule=df.Cosine(0.05),
        callbacks=[TensorBoard(directory, every=2), *last],
        **settings,
    )


def test_the_curves(tiny, tmp_path):
    history = train(tiny, tmp_path / "runs" / "a")
    curves = shown(tmp_path / "runs" / "a")
    updates = {tag: [update for update, _ in points] for tag, points in curves.items()}
    assert updates == {
        "train/bright/loss": [2, 4, 6, 8, 10, 12],
        "optimizer/lr": [2, 4, 6, 8, 10, 12],
        "optimizer/gradient_norm": [2, 4, 6, 8, 10, 12],
        "epoch/bright/loss": [3, 6, 9, 12],
        "validation/bright/mae": [2, 4, 6, 8, 10, 12],
    }
    assert curves["validation/bright/mae"][-1][1] == pytest.approx(
        history.last_validation["bright/mae"]
    )
    losses = [value for _, value in curves["epoch/bright/loss"]]
    assert losses == pytest.approx([epoch["train"]["bright/loss"] for epoch in history.epochs])
    rate = df.Cosine(0.05).resolve(12)
    rates = [value for _, value in curves["optimizer/lr"]]
    assert rates == pytest.approx([rate(t - 1) for t in (2, 4, 6, 8, 10, 12)])


@pytest.mark.parametrize(("died", "every"), [(5, "1ep"), (7, "2st"), (8, "3st")])
def test_a_resumed_training_goes_on_in_the_same_curves(tiny, tmp_path, died, every):
    train(tiny, tmp_path / "whole")
    saver = {"checkpoint": df.Saver(tmp_path / "checkpoints", every=every)}
    with pytest.raises(RuntimeError, match="power cut"):
        train(tiny, tmp_path / "cut", last=[Die(died)], **saver)
    train(tiny, tmp_path / "cut", resume="auto", **saver)
    assert len(list((tmp_path / "cut").iterdir())) == 2
    assert shown(tmp_path / "cut") == shown(tmp_path / "whole")


def point(callback, update, validation=None, train=None):
    state = TrainState(None, update=update, lr=0.5, train=lambda: train or {})
    callback.update_ended(state, Control())
    if validation:
        state.validation = validation
        callback.validated(state, Control())


def begun(directory, update=0, **settings):
    callback = TensorBoard(directory, **{"every": 1, **settings})
    callback.fit_started(TrainState(None, update=update), Control())
    return callback


def test_a_validation_after_the_checkpoint_is_not_written_twice(tmp_path):
    first = begun(tmp_path)
    point(first, 4, {"a/score": 0.5})  # the checkpoint of update 4 was written before these scores
    point(first, 5)
    second = begun(tmp_path, update=4)  # the first was killed: it closed nothing
    second.validated(TrainState(None, update=4, validation={"a/score": 0.5}), Control())
    point(second, 5, {"a/score": 0.75})
    curves = shown(tmp_path)
    assert curves["validation/a/score"] == [(4, 0.5), (5, 0.75)]
    assert curves["optimizer/lr"] == [(4, 0.5), (5, 0.5)]


def test_a_new_training_drops_the_old_curves(tmp_path):
    point(begun(tmp_path), 7, {"a/score": 0.5})
    point(begun(tmp_path), 3, {"a/score": 0.25})
    point(begun(tmp_path, update=3), 7, {"a/score": 0.75})
    assert shown(tmp_path)["validation/a/score"] == [(3, 0.25), (7, 0.75)]


def test_a_rollback_drops_what_is_made_again(tmp_path):
    callback = begun(tmp_path)
    for update in (1, 2, 3):
        point(callback, update, train={"a/loss": update})
    callback.rolled_back(TrainState(None, update=1), Control())
    point(callback, 2, train={"a/loss": 9})
    assert shown(tmp_path)["train/a/loss"] == [(1, 1.0), (2, 9.0)]


def test_classes_have_a_place_of_their_own_and_the_undefined_none(tmp_path):
    callback = begun(tmp_path)
    scores = {"seg/mIoU": 0.5, "seg/IoU/traffic light": 0.25, "seg/IoU/cat": math.nan}
    point(callback, 1, scores, train={"seg/loss": math.nan})
    curves = shown(tmp_path)
    assert curves["validation_classes/seg/IoU/traffic_light"] == [(1, 0.25)]
    assert not [tag for tag in curves if "cat" in tag]
    assert math.isnan(curves["train/seg/loss"][0][1])  # a loss that breaks is seen


def test_a_file_that_was_cut_off_is_read_up_to_there(tmp_path):
    callback = begun(tmp_path)
    for update in (1, 2):
        point(callback, update)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    whole = len(list(read_events(path)))
    for cut in (1, 5, 20):
        path.write_bytes(content[:-cut])
        assert len(list(read_events(path))) == whole - 1
    point(begun(tmp_path, update=1), 2)
    assert shown(tmp_path)["optimizer/lr"] == [(1, 0.5), (2, 0.5)]
    path.write_bytes(content[:12] + b"\xff" * (len(content) - 12))
    assert list(read_events(path)) == []


def test_without_tensorboardx_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX.event_file_writer", None)
    with pytest.raises(ConfigError, match=r"pip install densefit\[tb\]"):
        TensorBoard(tmp_path)


def test_wrong_settings(tmp_path):
    with pytest.raises(ConfigError, match="every=0"):
        TensorBoard(tmp_path, every=0)
