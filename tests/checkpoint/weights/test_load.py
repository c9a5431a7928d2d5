import numpy as np
import pytest

import densefit as df
from densefit.checkpoint.storage import store
from densefit.errors import CheckpointError, DensefitError

MODEL = {"model": {"arg:w": np.ones(2, np.float32), "aux:m": np.zeros(3, np.float64)}}
SPEC = {
    "backbone": "resnet18",
    "settings": {"width": 4},
    "output_stride": None,
    "heads": [{"task": "classification", "settings": {"classes": ["a", "b"]}}],
}


def test_parameters_and_network(tmp_path):
    network = df.load(store.write(tmp_path, "a", MODEL, {"network": SPEC}))
    np.testing.assert_array_equal(network.parameters["w"], [1, 1])
    assert network.statistics["m"].dtype == np.float64
    assert network.spec["settings"] == {"width": 4}


def test_only_the_weights_are_read(tmp_path):
    path = store.write(tmp_path, "a", {**MODEL, "optimizer": {}}, {"network": SPEC})
    (path / "optimizer.safetensors").unlink()
    assert df.load(path).initialized


def test_the_newest_good_one_of_a_folder(tmp_path, caplog):
    store.write(tmp_path, "a", MODEL, {"network": SPEC})
    path = store.write(tmp_path, "b", MODEL, {"network": SPEC}) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    assert df.load(tmp_path).initialized
    assert "b/model.safetensors" in caplog.text
    with pytest.raises(CheckpointError, match="SHA-256"):
        df.load(path.parent)


@pytest.mark.parametrize("state", [{}, [], None, {"update": 1}])
def test_a_checkpoint_of_something_else(tmp_path, state):
    with pytest.raises(CheckpointError, match="not written by a training"):
        df.load(store.write(tmp_path, "a", MODEL, state))


def test_a_checkpoint_without_weights(tmp_path):
    with pytest.raises(CheckpointError, match="no part 'model'"):
        df.load(store.write(tmp_path, "a", {}, {"network": SPEC}))


@pytest.mark.parametrize(
    "spec",
    [
        [], "resnet18", 3, {}, {**SPEC, "heads": None}, {**SPEC, "heads": [3]},
        {**SPEC, "heads": [{"task": "classification"}]}, {**SPEC, "heads": []},
        {**SPEC, "backbone": "resnet19"}, {**SPEC, "backbone": None}, {**SPEC, "backbone": []},
        {**SPEC, "settings": {"depth": 3}}, {**SPEC, "settings": 3}, {**SPEC, "output_stride": "8"},
        {**SPEC, "heads": [{"task": "classification", "settings": {"classes": None}}]},
        {**SPEC, "heads": [{"task": [], "settings": {}}]},
    ],
    ids=str,
)  # fmt: skip
def test_a_network_that_cannot_be_built(tmp_path, spec):
    with pytest.raises(DensefitError):
        df.load(store.write(tmp_path, "a", MODEL, {"network": spec}))
