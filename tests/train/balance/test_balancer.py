import numpy as np
import pytest

from densefit.errors import CheckpointError, ConfigError, TrainingDiverged
from densefit.train.balance import DWA, Fixed, PCGrad


def begun(balancer, heads=("det", "seg"), **lengths):
    balancer.begin(heads, **lengths)
    return balancer


@pytest.mark.parametrize("heads", [[], ["det", "det"]])
def test_heads_must_be_there_and_differ(heads):
    with pytest.raises(ConfigError, match="different names"):
        Fixed().begin(heads)


@pytest.mark.parametrize("loss", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_names_its_head(loss):
    with pytest.raises(TrainingDiverged, match="loss of the head 'seg' is not finite"):
        begun(DWA()).observe({"det": 1.0, "seg": loss})


def test_a_loss_of_no_head_is_refused():
    with pytest.raises(ConfigError, match=r"no head 'sge'[^|]*did you mean 'seg'"):
        begun(DWA()).observe({"sge": 1.0})
    with pytest.raises(ConfigError, match="begin"):
        DWA().observe({"seg": 1.0})


def test_by_default_gradients_are_added_up():
    gradients = np.random.default_rng(0).normal(size=(2, 500)).astype(np.float32)
    combined = begun(Fixed()).combine(gradients)
    assert (combined.shape, combined.dtype) == ((500,), np.float32)
    np.testing.assert_allclose(combined, gradients[0] + gradients[1], rtol=1e-6)


@pytest.mark.parametrize("shape", [(3, 5), (5,), (2, 5, 1)])
def test_gradients_of_another_shape_are_refused(shape):
    with pytest.raises(ConfigError, match=r"shape \(2, P\)"):
        begun(Fixed()).combine(np.zeros(shape, np.float32))


def test_a_gradient_that_is_not_finite_names_its_head_and_is_not_counted():
    balancer = begun(PCGrad())
    gradients = np.ones((2, 4), np.float32)
    gradients[1, 2] = np.nan
    before = balancer.state_dict()
    with pytest.raises(TrainingDiverged, match="head seg"):
        balancer.combine(gradients)
    assert balancer.state_dict() == before


def test_a_state_of_another_balancer_or_of_other_heads_is_refused():
    dwa = begun(DWA())
    dwa.observe({"det": 1.0})
    with pytest.raises(CheckpointError, match="PCGrad"):
        begun(PCGrad()).load_state_dict(dwa.state_dict())
    with pytest.raises(CheckpointError, match="head 'det'"):
        begun(DWA(), ["seg", "age"]).load_state_dict(dwa.state_dict())
