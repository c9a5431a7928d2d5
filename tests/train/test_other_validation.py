"""Scores of other validation data do not compare: what was the best until a resume is forgotten."""

import logging

import pytest

import densefit as df
from densefit.callbacks import EarlyStopping
from densefit.checkpoint.storage import store
from densefit.metrics.core.composite import Composite


def fit(tiny, folder, epochs, length=4, **settings):
    network = tiny.network()
    stopping = EarlyStopping("bright/mae", patience=3)
    keep = df.Keep(best="bright/mae")
    df.fit(
        network,
        tiny.loader(network, 4, workers=0),
        validation=tiny.loader(network, length, workers=0),
        schedule=df.schedules.Plateau(1e-4, metric="bright/mae", patience=5),
        checkpoint=df.Saver(folder, keep=keep, background=False),
        callbacks=[stopping],
        resume="auto",
        epochs=epochs,
        **settings,
    )
    return stopping, keep


@pytest.mark.parametrize(
    ("changes", "forgotten"),
    [
        ({}, False),
        ({"length": 6}, True),
        ({"derived": {"both": Composite({"a": {"bright/mae": False}})}}, True),
    ],
    ids=["the same", "other data", "another derived number"],
)
def test_the_best_of_another_validation_is_forgotten(tiny, tmp_path, caplog, changes, forgotten):
    fit(tiny, tmp_path, 1)
    # A score that nothing to come is better than.
    path = store.latest(tmp_path)
    parts, content = store.read(path)
    content["keep"]["records"][0]["score"] = content["schedule"]["best"] = 1e-9
    (entry,) = [one for one in content["callbacks"] if one["kind"] == "EarlyStopping"]
    entry["state"].update(best=1e-9, waited=1)
    store.write(tmp_path, path.name, parts, content)
    with caplog.at_level(logging.WARNING, "densefit"):
        stopping, keep = fit(tiny, tmp_path, 2, **changes)
    standing = store.read(store.latest(tmp_path))[1]["schedule"]
    if forgotten:
        assert 1e-6 < stopping.best == keep.leader.score == standing["best"]
        assert (stopping.waited, standing["bad"], keep.leader.update) == (0, 0, 2)
    else:
        assert stopping.best == keep.leader.score == standing["best"] == 1e-9
        assert (stopping.waited, keep.leader.update) == (2, 1)
    assert ("do not compare with those of another validation" in caplog.text) == forgotten
