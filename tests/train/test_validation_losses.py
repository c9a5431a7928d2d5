"""Losses on validation data: those of the scored weights, in evaluation mode."""

import io

import numpy as np
import pytest

import densefit as df
from densefit.callbacks import Progress
from densefit.errors import ConfigError

FIT = df.transform("resize", height=32, width=32)


def data(network, length, batch_size, **settings):
    dataset = df.dataset("shapes", length=length, size=(40, 40), split="val")
    loader = {"transform": FIT, "workers": 0, **settings}
    return df.Loader(dataset, batch_size=batch_size, heads=network.heads, **loader)


def train(batch_size=4, losses=True, **settings):
    head = df.head(
        "classification", name="kind", classes=["circle", "square", "triangle", "nothing"]
    )
    network = df.Network("resnet18", [head], settings={"width": 8})
    seen = {} if not losses else {"validation_losses": data(network, 6, batch_size)}
    history = df.fit(
        network,
        data(network, 8, 4, shuffle=True),
        validation=data(network, 6, 4),
        lr=0.05,
        **{"epochs": 2, "progress": False, **seen, **settings},
    )
    return network, history


@pytest.fixture(scope="module")
def trained():
    return train()


def test_a_loss_equals_the_cross_entropy_of_the_scores(trained):
    """Which the eval graph computes, and numpy; the last batch has two real rows."""
    scores = trained[1].last_validation
    assert scores["kind/loss"] == pytest.approx(scores["kind/cross_entropy"], rel=1e-5)


def test_it_does_not_depend_on_the_size_of_batches(trained):
    alone = train(batch_size=1)[1].last_validation
    assert alone["kind/loss"] == pytest.approx(trained[1].last_validation["kind/loss"], rel=1e-5)


def test_a_training_is_the_same_without_it(trained):
    network, history = train(losses=False)
    assert "kind/loss" not in history.last_validation
    for name, values in network.parameters.items():
        assert np.array_equal(values, trained[0].parameters[name]), name
    for name, values in network.statistics.items():
        assert np.array_equal(values, trained[0].statistics[name]), name


def test_a_low_loss_is_the_best_and_its_cost_is_shown(tmp_path):
    text = io.StringIO()
    saver = df.Saver(tmp_path, keep=df.Keep(best="kind/loss"))
    train(epochs=1, checkpoint=saver, callbacks=[Progress(stream=text)])
    assert not saver.keep.higher_is_better
    assert (tmp_path / "best").is_dir()
    lines = text.getvalue().splitlines()
    assert lines[1].startswith("  kind/loss  ")
    assert sum(line.startswith("  validation loss ") for line in lines) == 1
    assert sum("; the losses took " in line for line in lines) == 1


def test_there_must_be_a_validation():
    network = df.Network("resnet18", [df.head("classification", classes=4)], settings={"width": 8})
    loader = data(network, 4, 4)
    with pytest.raises(ConfigError, match="Validation losses come with a validation"):
        df.fit(network, loader, epochs=1, lr=0.1, validation_losses=data(network, 4, 4))
