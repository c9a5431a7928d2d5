"""What a training gives back to its network, and how many copies of it there are."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.engine.batch_reader import BatchReader
from densefit.engine.mxnet.learner import Learner
from densefit.engine.mxnet.ndarrays import host_view
from densefit.errors import CheckpointError, ConfigError, TrainingDiverged


def bound(tiny, network, devices=None):
    learner = Learner(network, devices)
    learner.bind(BatchReader(tiny.images(12), list(network.adapters.values()), "train"))
    return learner


@pytest.fixture
def network(tiny):
    return df.Network(symbol=tiny.conv_bn(), routes=tiny.kind_route())


def test_parameters_that_were_asked_for_stay_as_they_were(tiny, network):
    seen = []

    def keep(state, control):
        arrays = tiny.values(state.network)
        seen.append((arrays, {name: array.copy() for name, array in arrays.items()}))

    callbacks = [tiny.Recorder("update_ended", keep)]
    settings = {"optimizer_params": {"learning_rate": 0.5}}
    df.fit(network, tiny.images(12), epochs=2, callbacks=callbacks, **settings)
    values = [copied for _, copied in seen]
    assert len(values) > 2
    assert any((values[0][name] != values[-1][name]).any() for name in values[0])
    for arrays, copied in seen:
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, copied[name], err_msg=name)
            with pytest.raises(ValueError, match="read-only"):
                array[:] = 0


@pytest.mark.parametrize("devices", [[mx.cpu()], [mx.cpu(0), mx.cpu(1)]], ids=["one", "two"])
def test_checkpointed_parameters_reach_the_devices(tiny, network, devices):
    learner = bound(tiny, network, devices)
    first = dict(network.parameters), dict(network.statistics)
    other = [{name: array * 2 + 1 for name, array in part.items()} for part in first]
    learner.parameters.load(*other, where="here")
    learner.parameters.version += 1  # what is on the devices is read back
    for part, current in zip(other, (network.parameters, network.statistics)):
        assert part.keys() == current.keys()
        for name, array in current.items():
            np.testing.assert_array_equal(array, part[name], err_msg=name)
    for part, unchanged in zip(other, first):
        assert all((array != part[name]).any() for name, array in unchanged.items())
    learner.release()


def test_there_is_one_copy_beside_the_device_s(tiny):
    symbol = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=300, name="large")
    symbol = mx.sym.FullyConnected(symbol, num_hidden=3, name="small")
    symbol = mx.sym.SoftmaxOutput(symbol, name="kind")
    network = df.Network(symbol=symbol, routes=tiny.kind_route())
    learner = bound(tiny, network)
    for _ in range(2):
        aliased = {**learner.module._arg_params, **learner.module._aux_params}
        held = tiny.values(network)
        assert aliased.keys() == held.keys()
        large, weight = aliased["large_weight"], held["large_weight"]
        assert host_view(large).ctypes.data == weight.ctypes.data
        learner.parameters.version += 1
        learner.parameters.refresh()
    learner.release()


def test_parameters_of_another_network_are_refused(tiny, network):
    learner = bound(tiny, network)
    before = tiny.values(network)
    with pytest.raises(CheckpointError, match="kind_fc_weight"):
        learner.parameters.load({**network.parameters, "kind_fc_weight": np.ones(3)}, {}, "here")
    assert all(array is before[name] for name, array in tiny.values(network).items())
    learner.release()


def test_statistics_that_are_not_finite_are_mended(tiny, network):
    learner = bound(tiny, network)
    last = dict(network.statistics)
    name = "conv_bn_moving_mean"
    learner.parameters.on_device()[f"aux:{name}"][:] = np.nan
    learner.parameters.mend_statistics()
    learner.parameters.version += 1
    np.testing.assert_array_equal(network.statistics[name], last[name])
    learner.parameters.on_device()[f"aux:{name}"][:] = np.inf
    learner.parameters.version += 1
    with pytest.raises(TrainingDiverged, match=name):
        learner.parameters.check_finite()
    learner.release()


def test_the_network_is_lent_until_it_is_released(tiny, network):
    values = {}
    learner = bound(tiny, network)
    with pytest.raises(ConfigError, match="while the network is being trained"):
        network.set_params(values)
    learner.release()
    network.set_params(values)
    assert not network.initialized
