"""What a training gives back to its network, and how many copies of it there are."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.engine.batch_reader import Feeder
from densefit.engine.mxnet.learner import Learner


def arrays(parameters):
    return {name: array for part in parameters for name, array in part.items()}


def test_parameters_that_were_asked_for_stay_as_they_were(tiny):
    network = df.Network(symbol=tiny.conv_bn(), routes=tiny.kind_route())
    seen = []

    def keep(state, control):
        given = arrays(state.network.get_params())
        seen.append((given, {name: array.asnumpy() for name, array in given.items()}))

    callbacks = [tiny.Recorder("update_ended", keep)]
    settings = {"optimizer_params": {"learning_rate": 0.5}}
    df.fit(network, tiny.images(12), epochs=2, callbacks=callbacks, **settings)
    values = [copied for _, copied in seen]
    assert len(values) > 2
    assert any((values[0][name] != values[-1][name]).any() for name in values[0])
    for given, copied in seen:
        for name, array in given.items():
            np.testing.assert_array_equal(array.asnumpy(), copied[name], err_msg=name)


@pytest.mark.parametrize("devices", [[mx.cpu()], [mx.cpu(0), mx.cpu(1)]], ids=["one", "two"])
def test_checkpointed_parameters_reach_the_devices(tiny, devices):
    network = df.Network(symbol=tiny.conv_bn(), routes=tiny.kind_route())
    learner = Learner(network, devices)
    learner.bind(Feeder(tiny.images(12), list(network.wires.values()), "train"))
    first = [dict(part) for part in network.get_params()]
    other = [{name: array * 2 + 1 for name, array in part.items()} for part in first]
    learner.load_params(*other, where="here")
    learner._version += 1  # as behind an update: what is on the devices is read back
    for name, array in arrays(network.get_params()).items():
        np.testing.assert_array_equal(array.asnumpy(), arrays(other)[name].asnumpy(), err_msg=name)
    for name, array in arrays(first).items():
        assert (array.asnumpy() != arrays(other)[name].asnumpy()).any()
    learner.release()


def test_there_is_one_copy_beside_the_device_s(tiny):
    network = df.Network(symbol=tiny.conv_bn(), routes=tiny.kind_route())
    learner = Learner(network)
    learner.bind(Feeder(tiny.images(12), list(network.wires.values()), "train"))
    for _ in range(2):
        own, auxiliary = learner._train._arg_params, learner._train._aux_params
        assert all(network.arg_params[name] is array for name, array in own.items())
        assert all(network.aux_params[name] is array for name, array in auxiliary.items())
        assert set(own) | set(auxiliary) == set(arrays(network.get_params()))
        learner._version += 1
        learner.pull()
    learner.release()
