"""A convolution of stride 2 computes the same from blocks of 2x2 pixels."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from densefit.exporting.check import session
from densefit.exporting.space_to_depth import with_space_to_depth


def model_of(size=(8, 10), channels=3, kernel=(3, 3), strides=(2, 2), **settings):
    weight = np.random.default_rng(0).normal(size=(5, channels, *kernel)).astype(np.float32)
    bias = np.arange(5, dtype=np.float32)
    image, output = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("image", ["N", channels, *size]), ("output", ["N", 5, "H", "W"]))
    )
    nodes = [
        helper.make_node("Neg", ["image"], ["negative"], "negative"),
        helper.make_node(
            "Conv", ["negative", "weight", "bias"], ["output"], "conv", kernel_shape=kernel,
            strides=strides, **settings,
        ),
    ]  # fmt: skip
    values = [numpy_helper.from_array(a, n) for n, a in (("weight", weight), ("bias", bias))]
    graph = helper.make_graph(nodes, "graph", [image], [output], values)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


@pytest.mark.parametrize(
    "settings",
    [
        {"kernel": (7, 7), "pads": [3, 3, 3, 3]},
        {"kernel": (3, 3), "pads": [1, 1, 1, 1]},
        {"kernel": (3, 5), "pads": [0, 2, 1, 3]},
        {"kernel": (2, 2)},
        {"kernel": (1, 4), "pads": [0, 1, 0, 1], "channels": 1},
        {"kernel": (8, 8), "pads": [4, 3, 3, 4]},
    ],
)
def test_sums_are_the_same(settings):
    model = model_of(**settings)
    before = model.SerializeToString()
    rewritten = with_space_to_depth(model)
    assert model.SerializeToString() == before
    onnx.checker.check_model(rewritten)
    assert [node.op_type for node in rewritten.graph.node] == ["Neg", "SpaceToDepth", "Conv"]
    shape = (2, settings.get("channels", 3), 8, 10)
    image = {"image": np.random.default_rng(1).normal(size=shape).astype(np.float32)}
    expected, received = (
        session(m.SerializeToString()).run(None, image)[0] for m in (model, rewritten)
    )
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"size": (7, 10)},
        {"channels": 5},
        {"strides": (1, 1)},
        {"strides": (2, 1)},
        {"dilations": [2, 2]},
        {"auto_pad": "SAME_UPPER"},
        {"channels": 4, "group": 1, "kernel": (1, 1), "size": ("H", "W")},
    ],
)
def test_other_convolutions_stay(settings):
    model = model_of(**settings)
    assert with_space_to_depth(model) == model
