"""Initializers of ONNX models, compared with the package `onnx`."""

import random

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from densefit.checkpoint.weights.files.onnx_initializers import load

ARRAYS = {
    "float": np.arange(6, dtype=np.float32).reshape(2, 3),
    "half": np.arange(6, dtype=np.float16).reshape(2, 3),
    "double": np.arange(3, dtype=np.float64),
    "int": np.array([-1, 2**40], np.int64),
    "int8": np.array([-1, 3], np.int8),
    "scalar": np.array(2.5, np.float32),
}


def model(initializers, operator="Identity"):
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 3])
    node = helper.make_node(operator, ["float"], ["y"])
    graph = helper.make_graph([node], "g", [], [out], initializers)
    return helper.make_model(graph).SerializeToString()


def packed(name, kind, values):
    return helper.make_tensor(name, kind, [len(values)], values)


def test_raw_and_packed_initializers_and_operators():
    raw = [numpy_helper.from_array(array, name) for name, array in ARRAYS.items()]
    few = [
        packed("f", TensorProto.FLOAT, [1.5, -2.0]),
        packed("d", TensorProto.DOUBLE, [1.5]),
        packed("i", TensorProto.INT64, [-7, 3]),
        packed("s", TensorProto.INT32, [9]),
    ]
    arrays, operators = load(model([*raw, *few]))
    expected = {**ARRAYS, **{tensor.name: numpy_helper.to_array(tensor) for tensor in few}}
    assert list(arrays) == list(expected)
    for name, array in expected.items():
        assert arrays[name].dtype == array.dtype, name
        np.testing.assert_array_equal(arrays[name], array)
    assert operators == {"Identity"}


def test_damage_and_numbers_in_another_file():
    raw = [numpy_helper.from_array(array, name) for name, array in ARRAYS.items()]
    data, draw = model(raw), random.Random(0)
    for length in range(0, len(data) - 20, 5):
        with pytest.raises(ValueError, match=r"."):
            load(data[:length])
    for _ in range(500):
        changed = bytearray(data)
        changed[draw.randrange(len(changed))] = draw.randrange(256)
        try:
            load(changed)
        except ValueError:
            pass
    tensor = numpy_helper.from_array(ARRAYS["float"], "w")
    onnx.external_data_helper.set_external_data(tensor, "elsewhere.bin")
    with pytest.raises(ValueError, match="another file"):
        load(model([tensor]))
