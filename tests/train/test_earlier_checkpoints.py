"""Checkpoints of an earlier version: a resume is exact where nothing was mended, or told."""

import logging

import numpy as np
import pytest

import densefit as df
from densefit.checkpoint.storage import store
from densefit.errors import CheckpointError


def training(tiny, sizes, batches="mixed", heads=("a", "b")):
    """A network, and a loader of several datasets without a text of their own."""
    network = df.Network(tiny.Backbone(), [tiny.Brightness(name) for name in heads])
    parts = {name: tiny.Pictures(size) for name, size in sizes.items()}
    mixture = df.Mixture(parts, batches=batches)
    return network, tiny.loader(network, dataset=mixture, workers=0, shuffle=True)


def fit(made, folder, **settings):
    network, loader = made
    df.fit(network, loader, checkpoint=df.Saver(folder, background=False), epochs=2, **settings)
    return store.read(store.latest(folder))


def as_earlier(path, folder, loader, labelled=None):
    """A checkpoint as versions wrote it that had a mixture's public settings as its text."""
    parts, content = store.read(path)
    text = loader.identity_as_before()
    assert "dataset: Mixture{batches: " in text
    assert " object" not in text
    # What rounds remainders has told so only since they are carried.
    content["identity"]["loader"] = text.replace("order: 'remainders are carried', ", "")
    content["identity"]["heads"] = dict.fromkeys(content["identity"]["heads"], "Brightness")
    for name in ("labels", "backbone", "updates_per_epoch", "validation"):
        del content["identity"][name]
    del content["loss_weights"]
    content["labelled"] = labelled or content["labelled"]
    store.write(folder, path.name, parts, content)
    return folder / path.name


class Stop(df.Callback):
    def update_ended(self, state, control):
        if state.update == 2:
            control.stop("cut")


@pytest.fixture(scope="module")
def stopped(tiny, tmp_path_factory):
    """Batches -> (the training, its whole run, the checkpoint of its second update)."""
    found = {}

    def make(batches):
        if batches not in found:
            own = {"one": 6, "two": 4}, batches
            cut, whole = tmp_path_factory.mktemp("cut"), tmp_path_factory.mktemp("whole")
            run = fit(training(tiny, *own), whole)
            fit(training(tiny, *own), cut, callbacks=[Stop()])
            found[batches] = own, run, store.latest(cut)
        return found[batches]

    return make


def test_a_mixture_of_datasets_without_a_text_goes_on_in_mid_epoch(tiny, stopped, tmp_path, caplog):
    own, (whole, _), cut = stopped("mixed")
    made = training(tiny, *own)
    path = as_earlier(cut, tmp_path / "earlier", made[1])
    with caplog.at_level(logging.WARNING, "densefit"):
        parts, _ = fit(made, tmp_path / "new", resume=path)
    assert not caplog.messages
    for part, arrays in whole.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(parts[part][name], array, err_msg=name)


def test_an_order_that_is_another_now_is_refused_and_names_it(tiny, stopped, tmp_path):
    own, _, cut = stopped("in_turn")
    made = training(tiny, *own)
    path = as_earlier(cut, tmp_path / "earlier", made[1])
    with pytest.raises(CheckpointError, match=r"(?s)received: .*order: 'remainders are carried'"):
        fit(made, tmp_path / "new", resume=path)


def test_heads_that_moved_without_labels_are_told(tiny, stopped, tmp_path, caplog):
    own, _, cut = stopped("mixed")
    made = training(tiny, *own)
    path = as_earlier(cut, tmp_path / "earlier", made[1], labelled={"a": 8, "b": 3})
    with caplog.at_level(logging.WARNING, "densefit"):
        fit(made, tmp_path / "new", resume=path)
    assert "updates without its labels" in caplog.text
    caplog.clear()
    fit(made, tmp_path / "new", resume="auto")
    assert "updates without its labels" not in caplog.text


def test_settings_of_a_head_that_no_name_makes_are_told(tiny, tmp_path, caplog):
    for rate in (0.0, 0.5):
        network = tiny.network(dropout=rate)
        loader = tiny.loader(network, 4, workers=0)
        with caplog.at_level(logging.WARNING, "densefit"):
            df.fit(network, loader, checkpoint=tmp_path, resume="auto", epochs=1 + (rate > 0))
    assert "goes on with another head bright: " in caplog.text
    assert "dropout: 0.5" in caplog.text
