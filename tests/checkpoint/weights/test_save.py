"""Weights alone: written atomically, read by load, never in place of a training's checkpoint."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import BindError, CheckpointError, ConfigError


@pytest.fixture(scope="module")
def network():
    shapes = df.dataset("shapes", length=4, size=(64, 48))
    head = df.head("segmentation", classes=shapes.mask_classes, channels=8)
    network = df.Network("resnet18", [head], settings={"width": 8})
    fit_in = df.transform("resize", height=32, width=32)
    return df.fit(
        network, df.Loader(shapes, batch_size=4, transform=fit_in, heads=[head]), updates=1
    ).network


def assert_equal(first, second):
    for values in ("parameters", "statistics"):
        one, other = getattr(first, values), getattr(second, values)
        assert {*one} == {*other}
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name])


def test_what_is_saved_is_loaded(network, tmp_path):
    path = df.save(network, tmp_path / "weights" / "street.v1")
    assert path == tmp_path / "weights" / "street.v1"
    loaded = df.load(path)
    assert_equal(loaded, network)
    assert list(loaded.heads[0].classes) == list(network.heads[0].classes)
    df.save(loaded, path)  # replaces it
    assert_equal(df.load(path), network)


def test_a_symbol_s_weights_are_loaded_into_it(tiny, tmp_path):
    network = df.fit(tiny.kind(), tiny.iterator(labels=["kind_label"]), updates=1).network
    df.save(network, tmp_path / "kind")
    assert_equal(df.load(tmp_path / "kind", tiny.kind()), network)


def test_nothing_else_is_replaced(network, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="a file or folder"):
        df.save(network, tmp_path / "runs")
    assert (tmp_path / "runs" / "notes.txt").read_text() == "mine"


def test_a_training_s_checkpoint_is_not_replaced(tiny, tmp_path):
    network = tiny.network()
    df.fit(network, tiny.loader(network), updates=1, checkpoint=tmp_path)
    (checkpoint,) = tmp_path.glob("update-*")
    with pytest.raises(CheckpointError, match="checkpoint of a training"):
        df.save(network, checkpoint)


def test_what_has_no_weights(tiny, tmp_path):
    with pytest.raises(BindError, match="no parameters yet"):
        df.save(tiny.network(), tmp_path / "a")
    with pytest.raises(ConfigError, match="cannot be saved"):
        df.save("network", tmp_path / "a")
