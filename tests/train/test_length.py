"""Trainings on iterators that have no length."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.train.schedules.deferred import Deferred
from tests.rows import DataIter, own_batch


class Lengthless(DataIter):
    """Five batches, of which nobody is told beforehand."""

    def __init__(self, count=5, endless=False):
        super().__init__(4)
        self.count, self.at, self.endless, self.given = count, 0, endless, 0
        self.provide_data = [("data", (4, 6))]
        self.provide_label = [("kind_label", (4,))]

    def reset(self):
        self.at = 0

    def next(self):
        if self.at == self.count and not self.endless:
            raise StopIteration
        rng = np.random.default_rng(self.at % self.count)
        self.at += 1
        self.given += 1
        x = rng.normal(size=(4, 6))
        return own_batch(self, [x], [np.arange(4) % 3])


class Rates(df.Callback):
    def __init__(self, stop_at=None):
        self.seen, self.plans, self.stop_at = [], [], stop_at

    def update_ended(self, state, control):
        self.seen.append(state.lr)
        self.plans.append((state.updates_per_epoch, state.updates))
        if state.update == self.stop_at:
            raise KeyboardInterrupt


def run(tiny, data=None, **settings):
    rates = settings.pop("rates", Rates())
    settings = {"epochs": 4, "schedule": df.Cosine(lr=0.1, warmup="2st"), **settings}
    history = df.fit(
        tiny.kind(), data or Lengthless(), heads=tiny.kind_route(), callbacks=[rates], **settings
    )
    return rates, history


def test_a_schedule_waits_for_the_first_epoch_and_then_is_that_of_the_whole(tiny, caplog):
    caplog.set_level("INFO", "densefit")
    rates, history = run(tiny)
    known = df.Cosine(lr=0.1, warmup="2st").resolve(20, 5)
    assert rates.seen[:5] == [0.05, 0.1, 0.1, 0.1, 0.1]
    assert rates.seen[5:] == [known(t) for t in range(5, 20)]
    assert rates.plans[4:6] == [(None, None), (5, 20)]
    assert "An epoch has 5 updates, and the training 20" in caplog.text
    assert history.update == 20


def test_the_length_may_be_stated_and_then_nothing_waits(tiny):
    rates, _ = run(tiny, updates_per_epoch=5)
    known = df.Cosine(lr=0.1, warmup="2st").resolve(20, 5)
    assert rates.seen == [known(t) for t in range(20)]


@pytest.mark.parametrize("warmup", ["10%", "1ep"])
def test_a_warm_up_that_waits_is_told(tiny, warmup, caplog):
    rates, _ = run(tiny, schedule=df.Cosine(lr=0.1, warmup=warmup))
    known = df.Cosine(lr=0.1, warmup=warmup).resolve(20, 5)
    assert rates.seen == [0.1 * 0.1] * 5 + [known(t) for t in range(5, 20)]
    assert "updates_per_epoch=..." in caplog.text


@pytest.mark.parametrize("stop_at", [3, 7, 10])
def test_a_resume_is_exact_in_the_first_epoch_and_later(tiny, tmp_path, stop_at):
    expected, whole = run(tiny)
    saver = {"checkpoint": df.Saver(tmp_path, every="1st"), "resume": "auto"}
    first = Rates(stop_at)
    with pytest.raises(KeyboardInterrupt):
        run(tiny, rates=first, **saver)
    saver["checkpoint"] = df.Saver(tmp_path, every="1st")
    second, history = run(tiny, **saver)
    done = len(expected.seen) - len(second.seen)
    assert done == stop_at - 1
    assert second.seen == expected.seen[done:]
    tiny.assert_equal(whole.network, history.network)


def test_parts_of_an_epoch_are_known_from_the_second(tiny):
    validations = []

    class At(df.Callback):
        def validated(self, state, control):
            validations.append(state.update)

    df.fit(
        tiny.kind(), Lengthless(), heads=tiny.kind_route(), epochs=4, validation=Lengthless(),
        validate_every="25%", callbacks=[At()],
    )  # fmt: skip
    assert validations == [10, 15, 20]


def test_an_endless_iterator_is_told_and_may_be_cut(tiny, monkeypatch, caplog):
    monkeypatch.setattr("densefit.train.length._ENDLESS", 12)
    with pytest.raises(KeyboardInterrupt):
        run(tiny, Lengthless(endless=True), rates=Rates(stop_at=13))
    assert "The first epoch has had 12 updates" in caplog.text
    data = Lengthless(endless=True)
    rates, history = run(tiny, data, updates_per_epoch=7, epochs=2)
    assert history.update == 14
    assert data.given == 14
    assert len(history.epochs) == 2


def test_an_epoch_that_is_shorter_than_stated_is_told(tiny, caplog):
    _, history = run(tiny, updates_per_epoch=8, epochs=2)
    assert history.update == 10
    assert "ended after 5 updates, and updates_per_epoch is 8" in caplog.text


def test_a_schedule_that_needs_no_length_is_resolved_at_once():
    rate = Deferred(df.Constant(0.1))
    assert not rate.provisional
    assert Deferred(df.Cosine(0.1)).provisional
    with pytest.raises(ConfigError, match="Warm-up takes the whole"):
        Deferred(df.Cosine(0.1, warmup="30st")).set_length(20, 5)


class Counted(Lengthless):
    """The same five batches, and a number of samples that it states."""

    def __init__(self, num_data):
        super().__init__()
        self.num_data = num_data


@pytest.mark.parametrize(("num_data", "known"), [(20, True), (19, False)])
def test_a_number_of_samples_tells_the_length_if_batches_are_full(tiny, num_data, known):
    rates, _ = run(tiny, Counted(num_data))
    assert rates.plans[0] == ((5, 20) if known else (None, None))


def test_an_epoch_that_is_not_as_announced_is_told_once(tiny, caplog):
    run(tiny, Counted(40))
    assert caplog.text.count("had 5 batches, and 10 were announced") == 1


class Fatal(df.Callback):
    """Dies at an update."""

    def __init__(self, at):
        self.at = at

    def update_ended(self, state, control):
        if state.update == self.at:
            raise KeyboardInterrupt


def cyclic(folder):
    from densefit.backend import mx

    np.savetxt(folder / "x.csv", np.random.default_rng(0).normal(size=(10, 6)), delimiter=",")
    np.savetxt(folder / "y.csv", np.arange(10) % 3, delimiter=",")
    return mx.io.CSVIter(
        data_csv=str(folder / "x.csv"), data_shape=(6,), label_csv=str(folder / "y.csv"),
        label_shape=(1,), batch_size=4, label_name="kind_label",
    )  # fmt: skip


MAKERS = {
    "endless": (lambda folder: Lengthless(endless=True), {"updates_per_epoch": 3}),
    "longer": (lambda folder: Lengthless(), {"updates_per_epoch": 3}),
    "cyclic": (cyclic, {}),
}


@pytest.mark.parametrize(
    "kind", ["endless", "longer", pytest.param("cyclic", marks=pytest.mark.mxnet)]
)
@pytest.mark.parametrize("stop_at", [2, 5, 7])
def test_a_stream_is_resumed_behind_what_was_read_of_it(tiny, tmp_path, kind, stop_at):
    make, settings = MAKERS[kind]
    settings = {**settings, "epochs": 4, "heads": {"kind": df.Route(["kind"])}}
    whole = df.fit(tiny.kind(), make(tmp_path), **settings)
    saver = {"checkpoint": df.Saver(tmp_path / "run", every="1st"), "resume": "auto"}
    with pytest.raises(KeyboardInterrupt):
        df.fit(tiny.kind(), make(tmp_path), callbacks=[Fatal(stop_at)], **saver, **settings)
    saver["checkpoint"] = df.Saver(tmp_path / "run", every="1st")
    history = df.fit(tiny.kind(), make(tmp_path), **saver, **settings)
    assert history.update == whole.update
    tiny.assert_equal(whole.network, history.network)
