"""The same seed trains the same parameters, bit by bit: again, with other workers, resumed."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import CheckpointError

TWO = ["cpu:0", "cpu:1"]


def noisy(sample, rng):
    """A random transform."""
    noise = rng.integers(0, 40, sample.image.shape, np.uint8)
    sample.image = np.maximum(sample.image, noise)
    return sample


def train(tiny, epochs=4, workers=0, seed=0, **settings):
    network = tiny.network(dropout=0.3)
    loader = tiny.loader(
        network, 14, 4, shuffle=True, transform=noisy, workers=workers, seed=seed, last="drop"
    )
    settings = {"optimizer_params": {"momentum": 0.9}, **settings}
    schedule = settings.pop("schedule", df.schedules.Step(0.05))
    history = df.fit(
        network, loader, epochs=epochs, seed=seed, schedule=schedule,
        validation=tiny.loader(network, 5, 4), **settings,
    )  # fmt: skip
    loader.close()
    return network, numbers(history)


def numbers(history):
    keys = ("epoch", "update", "lr", "samples", "train", "validation")
    return [{key: epoch[key] for key in keys} for epoch in history.epochs]


def test_seed_and_workers(tiny):
    first, numbers = train(tiny, 2)
    for workers in (0, 1, 3):
        again, same = train(tiny, 2, workers)
        tiny.assert_equal(first, again)
        assert numbers == same
    other, _ = train(tiny, 2, seed=1)
    assert (tiny.values(first)["tiny_stem_weight"] != tiny.values(other)["tiny_stem_weight"]).any()


@pytest.mark.parametrize("devices", [None, pytest.param(TWO, marks=pytest.mark.mxnet)])
@pytest.mark.parametrize(
    ("optimizer", "params"), [("sgd", {"momentum": 0.9, "wd": 1e-3}), ("adam", {"wd": 1e-3})]
)
def test_resumed_training_is_the_same_training(tiny, tmp_path, optimizer, params, devices):
    settings = {"optimizer": optimizer, "optimizer_params": params, "devices": devices}
    schedule = df.Cosine(lr=0.01, warmup=5)
    straight, whole = train(tiny, 4, schedule=schedule, **settings)

    def stop(state, control):
        if state.update == 6:
            control.stop("for the night")

    train(
        tiny, 4, schedule=schedule, checkpoint=tmp_path,
        callbacks=[tiny.Recorder("update_ended", stop)], **settings,
    )  # fmt: skip
    resumed, parts = train(
        tiny, 4, workers=2, schedule=schedule, checkpoint=tmp_path, resume="auto", **settings
    )
    if devices is None:
        tiny.assert_equal(straight, resumed)
        assert whole == parts
    else:
        # Each device has BatchNorm statistics of its own; a checkpoint holds their mean.
        found, expected = tiny.values(resumed), tiny.values(straight)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.mxnet
def test_parameters_that_a_kvstore_keeps_are_replaced_by_a_resume(tiny, tmp_path):
    """MXNet's kvstore would go on from the ones that it was initialised with."""
    train(tiny, 3, checkpoint=tmp_path, devices=TWO)
    frozen = {"optimizer_params": {"momentum": 0.0}, "schedule": df.Constant(1e-12)}
    before = tiny.values(df.load(tmp_path, tiny.network()))
    after, _ = train(tiny, 4, checkpoint=tmp_path, resume="auto", devices=TWO, **frozen)
    for name in ("tiny_stem_weight", "bright_fc_weight"):
        np.testing.assert_allclose(tiny.values(after)[name], before[name], atol=1e-6)


@pytest.mark.parametrize("at", [2, 3])  # in the middle, and just before an epoch's end
def test_resume_in_the_middle_of_an_epoch(tiny, tmp_path, at):
    """Dropout, momentum, order, augmentation and the epoch's own numbers go on."""

    def run(folder, **settings):
        network = tiny.network(dropout=0.3)
        history = df.fit(
            network, tiny.loader(network, 12, 4, shuffle=True, transform=noisy), epochs=2,
            schedule=df.Cosine(0.1), optimizer_params={"momentum": 0.9}, checkpoint=folder,
            validation=tiny.loader(network, 5, 4), **settings,
        )  # fmt: skip
        return network, history

    def break_off(state, control, path=None):
        if path is not None:
            raise KeyboardInterrupt
        if state.update == at:
            control.save_now()

    stop = tiny.Recorder("update_ended", break_off)
    stop.saved = break_off
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "a", callbacks=[stop])
    resumed, history = run(
        tmp_path / "a", resume="auto", callbacks=[df.callbacks.StopOnNonFinite()]
    )
    straight, whole = run(tmp_path / "b")
    tiny.assert_equal(resumed, straight)
    assert [epoch["samples"] for epoch in history.epochs] == [12, 12]
    assert all(epoch["validation"] for epoch in history.epochs)
    for one, other in zip(history.epochs, whole.epochs):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_a_finished_training_is_not_trained_further(tiny, tmp_path):
    network, done = train(tiny, 2, checkpoint=tmp_path)
    again, same = train(tiny, 2, checkpoint=tmp_path, resume="auto")
    tiny.assert_equal(network, again)
    assert done == same


def test_resume_auto_without_a_checkpoint_begins(tiny, tmp_path):
    _, numbers = train(tiny, 1, checkpoint=tmp_path, resume="auto")
    assert len(numbers) == 1


def test_the_middle_of_an_epoch_has_a_batch_size(tiny, tmp_path):
    def run(batch_size, updates, **more):
        network = tiny.network()
        df.fit(
            network, tiny.loader(network, 12, batch_size), updates=updates, checkpoint=tmp_path,
            **more,
        )  # fmt: skip

    run(4, 2)
    with pytest.raises(CheckpointError, match="(?s)another batch_size.*expected: batch_size 4"):
        run(3, 9, resume="auto")
    run(4, 3, resume="auto")
    run(3, 9, resume="auto")  # that was an epoch's end


def test_another_network_cannot_continue(tiny, tmp_path):
    train(tiny, 1, checkpoint=tmp_path)
    network = tiny.network(name="other")
    with pytest.raises(CheckpointError, match="of a network with other heads"):
        df.fit(network, tiny.loader(network), epochs=2, checkpoint=tmp_path, resume="auto")
    network.set_params(network.parameters, network.statistics)  # no longer in training
