"""The adapter around a head of ours."""

from types import SimpleNamespace

import numpy as np
import pytest

from densefit.data.sample import Geometry
from densefit.errors import DataError, TrainingDiverged


def batch(real=3, rows=4, label=None, targets=None, geometries=None, unlabelled=-1):
    ids = [f"s{i}" for i in range(real)]
    return SimpleNamespace(
        real=real, rows=rows, ids=ids, label=label or {}, targets=targets, geometries=geometries,
        labelled={"bright": np.arange(real) != unlabelled},
    )  # fmt: skip


def test_a_head_s_wire(tiny):
    network = tiny.network()
    own = network.adapters["bright"]
    assert (own.labels, own.metric_labels) == (["bright_value"], [])
    assert own.outputs("train") == ["bright_loss"]
    assert own.outputs("evaluate") == ["bright_value"]
    terms, targets, ids = own.read("train", {"bright_loss": np.ones(3)}, batch())
    assert terms.shape == (3, 1)
    assert list(targets) == [True] * 3
    given = batch(
        targets=[{"value": k} for k in range(3)], geometries=[Geometry.identity(8, 8)] * 3
    )
    predictions, targets, _ = own.read("evaluate", {"bright_value": np.arange(3)}, given)
    assert predictions == targets == [0, 1, 2]
    with pytest.raises(DataError, match="neither original targets nor geometries"):
        own.read("evaluate", {"bright_value": np.arange(3)}, batch())
    with pytest.raises(TrainingDiverged, match="(?s)loss 'loss' of the head 'bright' is inf.*s2"):
        own.read("train", {"bright_loss": np.array([0, 0, np.inf])}, batch())
    # The loss of an unlabelled sample does not count.
    _, targets, _ = own.read(
        "train", {"bright_loss": np.array([0, 0, np.inf])}, batch(unlabelled=2)
    )
    assert list(targets) == [True, True, False]


def test_samples_of_unknown_truth_are_left_out(tiny):
    network = tiny.network()
    network.heads[0].ground_truth = lambda targets: targets.get("value")
    own = network.adapters["bright"]
    given = batch(
        targets=[{"value": 0}, {}, {"value": 2}], geometries=[Geometry.identity(8, 8)] * 3
    )
    assert own.read("evaluate", {"bright_value": np.arange(3)}, given) == (
        [0, 2],
        [0, 2],
        ["s0", "s2"],
    )
