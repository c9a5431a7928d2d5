import numpy as np
import pytest

from densefit.errors import CheckpointError
from densefit.metrics import MAE


def test_total_over_count():
    metric = MAE()
    metric.add(6.0, 3)
    metric.add(np.float32(2.0), np.int64(1))
    assert metric.mean() == 2.0
    state = metric.state_dict()
    assert (state["total"], state["count"]) == (8.0, 4)
    assert type(metric.total) is float
    assert type(metric.count) is int


def test_a_state_without_its_keys():
    with pytest.raises(CheckpointError, match="'count'") as error:
        MAE().load_state_dict({"total": 1.0})
    assert "'mae'" in str(error.value)
