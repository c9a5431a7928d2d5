import sys
from dataclasses import replace

import numpy as np
import pytest

import densefit as df
from densefit.distributed import World
from densefit.errors import ConfigError, DataError
from densefit.train.find_lr import Rising, Slices, find_lr


def test_the_loss_falls_and_then_diverges(tiny):
    network = tiny.network()
    found = find_lr(network, tiny.loader(network, length=32, batch_size=8, shuffle=True))
    assert found.diverged
    assert 60 < len(found.losses) < 100
    assert found.rates == pytest.approx(np.geomspace(1e-7, 10, 100)[: len(found.rates)].tolist())
    assert 1e-4 < found.steepest < 0.1
    assert 1e-4 < found.tenth < 0.1
    # What it says is true: such a rate trains, and one beyond the end does not.
    loader = tiny.loader(network, length=32, batch_size=8)
    trained = df.fit(network, loader, epochs=10, schedule=df.Constant(found.steepest))
    assert trained.epochs[-1]["train"]["bright/loss"] < 0.5 * np.mean(found.losses[:20])


def test_several_ranks_do_not_search(tiny, monkeypatch):
    several = World()
    several.size = 2
    monkeypatch.setattr(sys.modules[find_lr.__module__], "world", lambda: several)
    network = tiny.network()
    with pytest.raises(ConfigError, match="in one process"):
        find_lr(network, tiny.loader(network))


def test_a_network_with_parameters_is_left_as_it_was(tiny):
    network = tiny.network()
    loader = tiny.loader(network)
    df.fit(network, loader, epochs=1, optimizer_params={"learning_rate": 0.01})
    before = {name: array.copy() for name, array in tiny.values(network).items()}
    found = find_lr(network, loader, updates=20)
    after = tiny.values(network)
    assert before.keys() == after.keys()
    for name, value in before.items():  # BatchNorm's statistics too
        np.testing.assert_array_equal(value, after[name], err_msg=name)
    # The first updates are at no rate: their losses are those of the trained network.
    kept = df.fit(network, loader, updates=1, optimizer_params={"learning_rate": 1e-9})
    assert found.losses[0] == pytest.approx(kept.epochs[0]["train"]["bright/loss"])


def test_a_network_without_parameters_has_none_afterwards_and_trains_as_without(tiny):
    settings = {"epochs": 2, "optimizer_params": {"learning_rate": 0.01}, "seed": 3}
    searched, plain = tiny.network(), tiny.network()
    loader = tiny.loader(searched, shuffle=True)
    find_lr(searched, loader, updates=10, end=1e-3)
    assert not searched.initialized
    df.fit(searched, loader, **settings)
    df.fit(plain, tiny.loader(plain, shuffle=True), **settings)
    tiny.assert_equal(searched, plain)


def test_it_trains_with_the_settings_of_fit(tiny):
    network = tiny.network()
    loader = tiny.loader(network, length=12, batch_size=4, shuffle=True)
    settings = {"updates": 6, "end": 0.1, "start": 0.01, "seed": 1}
    params = {"optimizer": "adam", "optimizer_params": {"wd": 0.1}, "accumulate": 3}
    found = find_lr(network, loader, **settings, **params)
    # One update is one epoch of 12 samples here, and each epoch's numbers are its own.
    history = df.fit(network, loader, epochs=6, schedule=Rising(0.1, 0.01, 6), seed=1, **params)
    losses = [epoch["train"]["bright/loss"] for epoch in history.epochs]
    assert found.losses == pytest.approx(losses)
    assert found.rates == pytest.approx([epoch["lr"] for epoch in history.epochs])


def test_the_heads_losses_are_added_with_their_weights(tiny):
    heads = [tiny.Brightness("a", weight=2.0), tiny.Brightness("b", weight=0.5)]
    network = df.Network(tiny.Backbone(), heads)
    loader = tiny.loader(network)
    quiet = {"updates": 3, "start": 1e-9, "end": 1e-8}
    both, a, b = (
        find_lr(network, loader, loss=loss, **quiet).losses for loss in (None, "a/loss", "b/loss")
    )
    assert both == pytest.approx([2 * one + 0.5 * other for one, other in zip(a, b)])


def test_a_symbol_with_routes(tiny):
    found = find_lr(
        tiny.kind(),
        tiny.iterator(labels=["kind_label"]),
        heads={"kind": df.Route(["kind"], ["kind_label"], ["cross_entropy"])},
        loss="kind/cross_entropy",
        updates=30,
        start=1e-3,
    )
    assert len(found.losses) == 30
    assert found.losses[-1] < found.losses[0]


def test_what_is_not_finite_is_the_end_and_no_error(tiny):
    network = tiny.network()
    found = find_lr(network, tiny.loader(network), start=1.0, end=1e30, updates=30, diverge=1e300)
    assert found.diverged
    assert 0 < len(found.losses) < 30
    assert np.isfinite(found.losses).all()


def test_data_that_fail_are_an_error_and_the_parameters_are_as_before(tiny):
    network = tiny.network()
    good = tiny.loader(network)
    df.fit(network, good, epochs=1, optimizer_params={"learning_rate": 0.01})
    before = tiny.values(network)
    broken = tiny.loader(network, dataset=tiny.Pictures(10, broken=6), workers=0)
    with pytest.raises(DataError, match="p6"):
        find_lr(network, broken, updates=10)
    for name, value in tiny.values(network).items():
        np.testing.assert_array_equal(value, before[name])


def test_slices_of_an_iterator(tiny):
    slices = Slices(tiny.iterator(length=10, batch_size=4), 2)
    assert len(slices) == 2

    def rows():
        slices.reset()
        return [batch.data["data"][0, 0] for batch in slices]

    x = tiny.arrays(10)[0]
    assert rows() == [x[0, 0], x[4, 0]]
    assert rows() == [x[8, 0], x[0, 0]]  # begins anew at its end
    assert list(slices) == []  # until it is reset

    no_batches = type("NoBatches", (tiny.Changed,), {"__iter__": lambda self: iter(())})
    iterator = no_batches(tiny.iterator(), None)
    empty = Slices(iterator, 1)
    with pytest.raises(DataError, match="no batch"):
        next(empty)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"start": 0.0}, "start=0.0"),
        ({"start": 1.0, "end": 0.1}, "start=1.0"),
        ({"end": float("inf")}, "lr=inf"),
        ({"updates": 2}, "updates=2"),
        ({"diverge": 1}, "diverge=1"),
        ({"epochs": 3}, "no use for 'epochs'"),
        ({"loss": "bright/los"}, "did you mean 'bright/loss'"),
        ({"optimizer_params": {"learning_rate": 0.1}}, "given twice"),
    ],
)
def test_wrong_settings(tiny, settings, said):
    network = tiny.network()
    with pytest.raises(ConfigError, match=said):
        find_lr(network, tiny.loader(network), **settings)


def test_routes_must_say_what_their_loss_is(tiny):
    with pytest.raises(ConfigError, match=r"(?s)loss=.*kind/accuracy"):
        find_lr(tiny.kind(), tiny.iterator(labels=["kind_label"]), heads=tiny.kind_route())


def test_heads_that_an_update_lacks_count_as_last_seen(tiny):
    """Batches of one dataset at a time: the search begins when each head has been seen."""

    class Own(tiny.Brightness):
        def __init__(self, name):
            super().__init__(name)
            self.targets = (name,)

        def encode(self, sample):
            return {"value": np.float32(sample.targets[self.name])}

    class Alternating(tiny.Pictures):
        period = 2

        def __getitem__(self, index):
            sample = super().__getitem__(index)
            value = sample.targets.pop("value")
            return replace(sample, targets={("one", "two")[index // self.period % 2]: value})

    network = df.Network(tiny.Backbone(), [Own("one"), Own("two")])
    loader = tiny.loader(network, dataset=Alternating(16), batch_size=2, workers=0)
    numbers = []
    seen = tiny.Recorder("update_ended", lambda state, control: numbers.append(state.train()))
    found = find_lr(network, loader, updates=8, end=1e-3, callbacks=[seen])
    expected = []
    for before, now in zip(numbers, numbers[1:]):
        pairs = [(before[f"{name}/loss"], now[f"{name}/loss"]) for name in ("one", "two")]
        expected.append(sum(old if np.isnan(new) else new for old, new in pairs))
    assert found.losses == pytest.approx(expected)
    assert len(found.losses) == len(found.rates) == 7
    loader.dataset.period = 8
    with pytest.raises(DataError, match="labels for every head"):
        find_lr(network, loader, updates=3)
