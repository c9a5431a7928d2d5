"""The state of a training into a checkpoint and back."""

import json

import numpy as np
import pytest

import densefit as df
from densefit.callbacks import EarlyStopping
from densefit.checkpoint.storage import store
from densefit.checkpoint.training.saver import check_unmixed
from densefit.errors import CheckpointError, ConfigError


def train(tiny, saver, epochs=2, **settings):
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    settings = {"optimizer": "adam", "validation": tiny.iterator(6, 4), **settings}
    history = df.fit(network, tiny.iterator(8, 4), epochs=epochs, checkpoint=saver, **settings)
    return network, history


def test_what_a_checkpoint_holds(tiny, tmp_path):
    """The keys are a format: what was written once must be read later."""
    network, history = train(tiny, df.Saver(tmp_path, extra={"note": [1, 2]}))
    parts, state = store.read(tmp_path / "last")
    assert set(parts) == {"model", "optimizer"}
    expected = {f"arg:{name}" for name in network.parameters}
    assert set(parts["model"]) == expected
    assert set(parts["optimizer"]) == {f"{name[4:]}/{k}" for name in expected for k in "01"}
    assert set(state) == {
        *("keep", "network", "epoch", "batch", "batch_size", "update", "seconds", "validation"),
        *("validated", "epochs", "optimizer", "rng", "callbacks", "extra", "accumulate"),
        *("samples", "epoch_seconds", "metrics", "refused", "lr", "gradient_norm", "schedule"),
        *("identity", "pending", "labelled", "balance", "position", "rollbacks"),
        *("updates", "updates_per_epoch", "objects", "all_objects", "names", "loss_weights"),
        "affinity",
    }
    assert (state["epoch"], state["batch"], state["update"], state["validated"]) == (2, 0, 4, 4)
    assert state["epochs"] == history.epochs
    assert state["extra"] == {"note": [1, 2]}
    assert state["optimizer"]["num_update"] == 4
    assert state["optimizer"]["kind"] == "Adam"


def test_checkpoints_without_the_newer_keys_are_read(tiny, tmp_path):
    train(tiny, tmp_path)
    parts, state = store.read(tmp_path / "last")
    del state["batch_size"], state["optimizer"]["kind"]
    newer = ("accumulate", "samples", "epoch_seconds", "metrics", "refused", "lr", "gradient_norm")
    newer += ("objects", "all_objects")
    for key in (*newer, "identity", "pending", "labelled", "balance", "position", "rollbacks"):
        del state[key]
    store.write(tmp_path, "update-00000004", parts, state)
    _, history = train(tiny, tmp_path, 3, resume="auto")
    assert [epoch["epoch"] for epoch in history.epochs] == [0, 1, 2]


def test_load(tiny, tmp_path):
    network, history = train(tiny, tmp_path)
    for path in (tmp_path, tmp_path / "last", tmp_path / "update-00000004"):
        again = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
        assert df.load(path, again) is again
        tiny.assert_equal(network, again)
    assert df.score(again, tiny.iterator(6, 4)) == history.last_validation
    with pytest.raises(CheckpointError, match="does not say how its network was built"):
        df.load(tmp_path)
    with pytest.raises(CheckpointError):
        df.load(tmp_path / "none")


def test_load_rebuilds_a_network_made_by_name(tiny, tmp_path):
    class Labelled(tiny.Pictures):
        classes = ("a", "b")

        def __getitem__(self, index):
            sample = super().__getitem__(index)
            sample.targets["label"] = np.array(index % 2)
            return sample

    head = df.head("classification", classes=["a", "b"])
    network = df.Network("resnet18", [head], settings={"width": 4})
    dataset = Labelled(4)
    df.fit(
        network, df.Loader(dataset, batch_size=2, heads=network.heads, workers=0), epochs=1,
        checkpoint=tmp_path,
    )  # fmt: skip
    again = df.load(tmp_path)
    assert again.spec == network.spec
    assert again.heads[0].classes == ["a", "b"]
    tiny.assert_equal(network, again)


def test_best_and_last(tiny, tmp_path):
    keep = df.Keep(last=2, best="size/mae", higher_is_better=False)
    _, history = train(tiny, df.Saver(tmp_path, keep=keep), 5)
    errors = [epoch["validation"]["size/mae"] for epoch in history.epochs]
    _, best = store.read(tmp_path / "best")
    assert best["validation"]["size/mae"] == min(errors)
    assert {"update-00000008", "update-00000010", "best", "last"} <= set(store.names(tmp_path))


def test_a_best_that_no_validation_gives(tiny, tmp_path):
    saver = df.Saver(tmp_path, keep=df.Keep(best="size/mse"))
    with pytest.raises(ConfigError, match="size/mse"):
        train(tiny, saver)


def test_callbacks_continue_by_kind(tiny, tmp_path):
    """Another order, one left out, one added."""

    class Count(df.Callback):
        def __init__(self):
            self.count = 0

        def update_ended(self, state, control):
            self.count += 1

        def state_dict(self):
            return {"count": self.count}

        def load_state_dict(self, state):
            self.count = state["count"]

    first, second = Count(), Count()
    second.count = 100
    stopping = EarlyStopping("size/mae", patience=50, higher_is_better=False)
    train(tiny, tmp_path, callbacks=[stopping, first, second])
    third, fourth, fifth = Count(), Count(), Count()
    train(tiny, tmp_path, 3, callbacks=[third, df.Callback(), fourth, fifth], resume="auto")
    assert (third.count, fourth.count, fifth.count) == (6, 106, 2)


def test_resume_from_another_training_s_checkpoint(tiny, tmp_path):
    """Its files stay its own, and so does its choice of the best."""
    train(tiny, df.Saver(tmp_path / "a", keep=df.Keep(best="size/mae", higher_is_better=False)))
    before = sorted(store.names(tmp_path / "a"))
    saver = df.Saver(tmp_path / "b")
    _, history = train(tiny, saver, 3, resume=tmp_path / "a" / "best")
    assert sorted(store.names(tmp_path / "a")) == before
    assert [record.update for record in saver.keep.records] == [6]
    assert len(history.epochs) == 3


def test_seconds_add_up(tiny, tmp_path):
    train(tiny, tmp_path)
    _, before = store.read(tmp_path / "last")
    seconds = tiny.Recorder("update_ended", lambda state, control: state.seconds)
    train(tiny, tmp_path, 3, callbacks=[seconds], resume="auto")
    assert all(second > before["seconds"] for second in seconds.seen)


def test_state_is_plain_json(tiny, tmp_path):
    train(tiny, tmp_path)
    json.loads((tmp_path / "last" / "state.json").read_text())


def test_who_may_write_into_a_directory(tiny, tmp_path):
    check_unmixed(tmp_path / "new", "none")
    (tmp_path / "notes.txt").write_text("no checkpoint")
    check_unmixed(tmp_path, "none")
    train(tiny, tmp_path)
    for resume in ("auto", str(tmp_path / "last"), tmp_path / "last"):
        check_unmixed(tmp_path, resume)
    with pytest.raises(CheckpointError, match="last, update-00000004(.|\n)*another directory"):
        check_unmixed(tmp_path, "none")


def test_a_checkpoint_that_lost_a_file_does_not_end_each_resume(tiny, tmp_path, caplog):
    train(tiny, tmp_path)
    (tmp_path / "update-00000004" / "optimizer.safetensors").unlink()
    with caplog.at_level("WARNING"):
        _, history = train(tiny, tmp_path, 3, resume="auto")
    assert [epoch["epoch"] for epoch in history.epochs] == [0, 1, 2]
    assert "optimizer.safetensors" in caplog.text
    assert store.latest(tmp_path).name in ("last", "update-00000006")
    train(tiny, tmp_path, 4, resume="auto")


def test_what_a_checkpoint_cannot_keep_is_told_before_the_training(tmp_path):
    with pytest.raises(CheckpointError, match=r"state\['extra'\]\['net'\]"):
        df.Saver(tmp_path, extra={"net": object()})
