"""BatchNorm and ReLU as one operator: the same numbers, bit for bit."""

from __future__ import annotations

import json

import numpy as np
import pytest

from densefit.backend import mx
from densefit.model.backbones import backbones
from densefit.train.fused import fuse_relu, fusion_works

CPU = [mx.cpu()]
SHAPES = {"data": (2, 3, 64, 64)}

pytestmark = pytest.mark.skipif(not fusion_works(), reason="this MXNet has no fused operator")


def operators(symbol):
    return [node["op"] for node in json.loads(symbol.tojson())["nodes"] if node["op"] != "null"]


def convolved(x, channels=16, **settings):
    return mx.sym.Convolution(x, kernel=(1, 1), num_filter=channels, no_bias=True, **settings)


def dense(x):
    return mx.sym.FullyConnected(x, num_hidden=16)


def followed(x, kind="relu"):
    return mx.sym.Activation(x, act_type=kind)


def network(name="resnet18"):
    x = backbones.create(name, width=16).features(mx.sym.Variable("data"), (64, 64), 32).maps[32]
    return mx.sym.MakeLoss(mx.sym.sum(x * x), name="loss")


def computed(symbol, updates=2, grad_req="write", **shapes):
    """Everything that two passes give."""
    executor = symbol.simple_bind(mx.cpu(), grad_req=grad_req, **(shapes or SHAPES))
    rng = np.random.default_rng(0)
    for array in executor.arg_dict.values():
        array[:] = rng.normal(size=array.shape)
    for name, array in executor.aux_dict.items():
        array[:] = 1.0 if name.endswith("var") else 0.1
    for _ in range(updates):
        outputs = executor.forward(is_train=True)
        executor.backward()
    arrays = {f"output{i}": array for i, array in enumerate(outputs)}
    arrays.update({f"{name}_gradient": a for name, a in executor.grad_dict.items()})
    arrays.update(executor.aux_dict)
    return {name: array.asnumpy() for name, array in arrays.items() if array is not None}


@pytest.mark.parametrize("grad_req", ["write", "add"])
@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_a_resnet_stays_bit_equal(name, grad_req):
    symbol = network(name)
    fused = fuse_relu(symbol, SHAPES, CPU)
    expected, found = computed(symbol, grad_req=grad_req), computed(fused, grad_req=grad_req)
    assert operators(fused).count("_contrib_BatchNormWithReLU") > 5
    assert set(found) == set(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


def test_names_do_not_change():
    symbol = network()
    fused = fuse_relu(symbol, SHAPES, CPU)
    assert fused.list_arguments() == symbol.list_arguments()
    assert fused.list_auxiliary_states() == symbol.list_auxiliary_states()
    assert fused.list_outputs() == symbol.list_outputs()


@pytest.mark.parametrize(
    "settings",
    [
        {"use_global_stats": True},
        {"fix_gamma": True},
        {"fix_gamma": False, "eps": 1e-2, "momentum": 0.5},
        {"fix_gamma": False, "use_global_stats": True},
    ],
)
def test_settings_are_kept(settings):
    x = mx.sym.BatchNorm(convolved(mx.sym.Variable("data")), name="bn", **settings)
    symbol = mx.sym.MakeLoss(mx.sym.Activation(x, act_type="relu"))
    fused = fuse_relu(symbol, SHAPES, CPU)
    assert operators(fused) == ["Convolution", "_contrib_BatchNormWithReLU", "MakeLoss"]
    expected, found = computed(symbol), computed(fused)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda x: followed(mx.sym.BatchNorm(dense(x))), (4, 6)),
        (lambda x: followed(mx.sym.BatchNorm(convolved(x), axis=3)), (2, 3, 4, 16)),
        (lambda x: followed(mx.sym.BatchNorm(convolved(x)), "sigmoid"), (2, 3, 4, 4)),
        (lambda x: (lambda y: y + followed(y))(mx.sym.BatchNorm(convolved(x))), (2, 3, 4, 4)),
        (lambda x: followed(mx.sym.BatchNorm(convolved(x), output_mean_var=True)[0]), (2, 3, 4, 4)),
        (lambda x: followed(mx.sym.BatchNorm(x)), (2, 16, 4, 4)),
        (lambda x: followed(mx.sym.BatchNorm(convolved(x))), (2, 24, 4, 4)),
        (lambda x: followed(mx.sym.BatchNorm(convolved(x, 24))), (2, 16, 4, 4)),
        (lambda x: followed(mx.sym.BatchNorm(convolved(x, num_group=2))), (2, 32, 4, 4)),
    ],
    ids=[
        "no map",
        "other axis",
        "other activation",
        "used twice",
        "statistics wanted",
        "no convolution",
        "blocks of 8",
        "blocks of 8 out",
        "groups",
    ],
)
def test_what_cannot_be_fused_stays(make, shape):
    symbol = make(mx.sym.Variable("data"))
    assert operators(fuse_relu(symbol, {"data": shape}, CPU)) == operators(symbol)


@pytest.mark.parametrize("width", [8, 16, 24, 40])
def test_any_width_can_be_trained(width):
    x = backbones.create("resnet18", width=width).features(mx.sym.Variable("data"), (32, 32), 32)
    symbol = mx.sym.MakeLoss(mx.sym.sum(x.maps[32]))
    shapes = {"data": (2, 3, 32, 32)}
    computed(fuse_relu(symbol, shapes, CPU), updates=1, **shapes)


def test_a_head_that_shows_what_is_before_the_relu_keeps_it():
    x = mx.sym.BatchNorm(convolved(mx.sym.Variable("data")))
    symbol = mx.sym.Group([x, followed(x)])
    assert "Activation" in operators(fuse_relu(symbol, {"data": (2, 3, 4, 4)}, CPU))


def test_casts_to_bfloat16_stay():
    x = mx.sym.amp_cast(mx.sym.Variable("data"), dtype="float32", name="cast")
    fused = fuse_relu(followed(mx.sym.BatchNorm(convolved(x))), {"data": (2, 3, 4, 4)}, CPU)
    text = fused.tojson(remove_amp_cast=False)
    assert [node["op"] for node in json.loads(text)["nodes"] if node["op"] != "null"] == [
        "amp_cast",
        "Convolution",
        "_contrib_BatchNormWithReLU",
    ]


def test_other_devices_keep_their_operators():
    symbol = network()
    assert operators(fuse_relu(symbol, SHAPES, [mx.gpu(0)])) == operators(symbol)
