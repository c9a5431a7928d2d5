"""Broken samples that are left out of a score, which then says so."""

import logging

import pytest

import densefit as df
from densefit.errors import DataError
from densefit.metrics.core.unreadable import SCORED, UNREADABLE


class Failing:
    """The tiny pictures, of which some cannot be read."""

    classes = ("value",)

    def __init__(self, data, bad):
        self.data, self.bad = data, set(bad)

    def __len__(self):
        return len(self.data)

    def id_of(self, index):
        return self.data.id_of(index)

    def __getitem__(self, index):
        if index in self.bad:
            raise DataError("The picture cannot be decoded", where=f"p{index}")
        return self.data[index]


@pytest.fixture
def network(tiny):
    network = tiny.network()
    df.fit(network, tiny.loader(network), epochs=1)
    return network


def loader(data, size=4, **settings):
    return df.Loader(data, batch_size=size, workers=0, **settings)


@pytest.mark.parametrize("size", [1, 3, 4, 20])
@pytest.mark.parametrize("bad", [[0], [9, 10], [3, 4, 5]])
def test_the_score_is_that_of_the_readable_samples(tiny, network, size, bad, caplog):
    data = tiny.Pictures(11)
    scores = df.score(network, loader(Failing(data, bad), size, on_error="leave_out"))
    rest = [index for index in range(11) if index not in bad]

    class Readable(tiny.Pictures):
        def __len__(self):
            return len(rest)

        def id_of(self, index):
            return data.id_of(rest[index])

        def __getitem__(self, index):
            return data[rest[index]]

    expected = df.score(network, loader(Readable(), size))
    assert scores.pop(SCORED) == 11 - len(bad)
    assert scores.pop(UNREADABLE) == len(bad)
    assert scores == pytest.approx(expected, abs=1e-6)
    assert f"scored {11 - len(bad)} of 11 samples, {len(bad)} unreadable" in caplog.text


def test_a_sound_dataset_says_nothing(tiny, network, caplog):
    scores = df.score(network, loader(tiny.Pictures(11), on_error="leave_out"))
    assert scores == df.score(network, loader(tiny.Pictures(11)))
    assert "unreadable" not in caplog.text


def test_several_datasets(tiny, network):
    data = {
        "a": loader(Failing(tiny.Pictures(11), [2]), on_error="leave_out"),
        "b": loader(tiny.Pictures(7), on_error="leave_out"),
    }
    scores = df.score(network, data)
    assert scores[f"a/{SCORED}"] == 10
    assert scores[f"a/{UNREADABLE}"] == 1
    assert f"b/{SCORED}" not in scores


def test_scoring_skips_only_where_it_is_asked_to(tiny, network):
    data = Failing(tiny.Pictures(11), [2])
    with pytest.raises(DataError, match="cannot be decoded"):
        df.score(network, loader(data))
    with pytest.raises(DataError, match="every sample exactly once") as caught:
        df.score(network, loader(data, on_error="skip"))
    assert "leave_out" in str(caught.value.fix)
    with pytest.raises(DataError, match="So many samples"):
        df.score(network, loader(Failing(tiny.Pictures(30), range(12)), on_error="leave_out"))


def test_a_second_pass_counts_anew(tiny, network, caplog):
    caplog.set_level(logging.WARNING)
    data = Failing(tiny.Pictures(11), [2, 3])
    batches = loader(data, on_error="leave_out")
    assert df.score(network, batches)[UNREADABLE] == 2
    data.bad = {3}
    assert df.score(network, batches)[UNREADABLE] == 1
    data.bad = set()
    assert UNREADABLE not in df.score(network, batches)


def test_the_best_checkpoint_lacks_the_fewest_samples(tiny, tmp_path, caplog):
    """Of three validations the second lacks a sample: its score is compared with none."""
    network = tiny.network()
    data = Failing(tiny.Pictures(11), [])

    class Break(df.Callback):
        def validated(self, state, control):
            data.bad = {3} if state.epoch == 0 or not data.bad else set()

    history = df.fit(
        network,
        tiny.loader(network),
        validation=loader(data, on_error="leave_out"),
        epochs=3,
        callbacks=[Break()],
        checkpoint=df.Saver(tmp_path, keep=df.Keep(3, "bright/mae", higher_is_better=False)),
    )
    lacking = [epoch["validation"].get(UNREADABLE, 0) for epoch in history.epochs]
    assert lacking == [0, 1, 0]
    assert "1 samples of a validation are unreadable, and 0 before" in caplog.text
