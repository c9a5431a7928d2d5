"""A network's parameters as NDArrays, and the attributes that gave them before."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.errors import BindError


@pytest.fixture
def network(tiny):
    network = df.Network(symbol=tiny.conv_bn(), routes=tiny.kind_route())
    network.set_params(
        {"weight": np.arange(6.0, dtype=np.float16), "count": mx.nd.array([3], dtype=np.int32)},
        {"mean": np.ones((2, 2), np.float32)},
    )
    return network


def test_they_are_copies_of_the_same_types(network):
    arguments = df.interop.arg_params(network)
    arguments["weight"][:] = 7
    assert network.parameters["weight"].tolist() == [0, 1, 2, 3, 4, 5]
    assert {n: a.dtype for n, a in arguments.items()} == {"weight": np.float16, "count": np.int32}
    assert df.interop.aux_params(network)["mean"].asnumpy().tolist() == [[1, 1], [1, 1]]


def test_what_the_network_holds_is_nobody_else_s(network):
    weight = np.zeros(3, np.float32)
    network.set_params({"weight": weight})
    weight[:] = 1
    assert network.parameters["weight"].tolist() == [0, 0, 0]
    assert not network.statistics
    with pytest.raises(TypeError):
        network.parameters["weight"] = weight


def test_old_attributes_warn_and_give_ndarrays(network):
    with pytest.warns(DeprecationWarning, match=r"Network\.parameters .*interop\.arg_params"):
        assert network.arg_params["count"].asnumpy().tolist() == [3]
    with pytest.warns(DeprecationWarning, match=r"Network\.statistics .*interop\.aux_params"):
        assert network.aux_params["mean"].shape == (2, 2)
    with pytest.warns(DeprecationWarning, match=r"get_params\(\)") as warned:
        arguments, auxiliary = network.get_params()
    assert len([one for one in warned if "Network" in str(one.message)]) == 1
    assert set(arguments) == {"weight", "count"}
    assert set(auxiliary) == {"mean"}
    network.set_params({})
    with pytest.raises(BindError, match="no parameters yet"):
        network.check_initialized()
