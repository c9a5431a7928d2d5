import numpy as np
import pytest

import densefit as df
from densefit.model.heads.head import Features
from densefit.symbol import sym
from densefit.tasks.keypoints.maps import cell_corner, cell_index, gather_cells, gather_each, maps
from tests.executor import Executor, compute


def shapes(size, strides=(4, 8, 16, 32), heat=True):
    given = {stride: sym.Variable(f"map{stride}") for stride in strides}
    features = Features(given, dict.fromkeys(strides, 6), size)
    made = maps("own", features, channels=8, classes=2, keypoints=3, heat=heat)
    known = {f"map{s}": (2, 6, *features.size(s)) for s in strides}
    return {name: symbol.infer_shape(**known)[1][0] for name, symbol in made.items()}


@pytest.mark.parametrize("size", [(64, 64), (33, 70), (90, 49)])
@pytest.mark.parametrize("strides", [(4, 8, 16, 32), (4, 8, 16)])
def test_all_maps_are_of_stride_4(size, strides):
    small = (-(-size[0] // 4), -(-size[1] // 4))
    found = shapes(size, strides)
    channels = {"centre": 2, "box": 4, "place": 6, "joint": 3, "rest": 6}
    assert found == {name: (2, count, *small) for name, count in channels.items()}
    assert set(shapes(size, strides, heat=False)) == {"centre", "box", "place"}


def test_background_starts_out_likely():
    head = df.head("keypoints", name="own", channels=8)
    network = df.Network("resnet18", [head], settings={"width": 8})
    executor = Executor(network.graph("evaluate", (64, 64)), data=(1, 3, 64, 64))
    variables = network.graph("evaluate", (64, 64)).attr_dict()
    for name in ("own_centre_bias", "own_joint_bias"):
        assert '"constant", {"value": -2.19}' in variables[name]["__init__"]
        assert executor.arg_dict[name].shape == ({"own_centre_bias": 1}.get(name, 17),)


def test_values_are_picked_by_image_cell_and_channel():
    rng = np.random.default_rng(0)
    data, cell = rng.normal(size=(3, 4, 5, 7)), rng.integers(0, 35, (3, 6))
    each = rng.integers(0, 35, (3, 2, 4))
    named = sym.Variable("data")
    for function, index in ((gather_cells, cell), (gather_each, each)):
        symbol = function(named, sym.Variable("cell"))
        (found,) = compute(symbol, {"data": data, "cell": index})
        flat = data.reshape(3, 4, 35)
        if function is gather_cells:
            expected = np.stack([flat[b][:, cell[b]].T for b in range(3)])
        else:
            expected = np.stack([flat[b][np.arange(4), each[b]] for b in range(3)])
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("size", [(3, 7), (250, 333)])
def test_cells_and_their_corners(size):
    height, width = size
    index = np.arange(height * width, dtype=np.float32)
    x, y = (part for part in corner_of(index, width))
    np.testing.assert_array_equal(x, index % width)
    np.testing.assert_array_equal(y, index // width)
    variables = [sym.Variable("x"), sym.Variable("y")]
    (back,) = compute(cell_index(*variables, size), {"x": x + 0.99, "y": y})
    np.testing.assert_array_equal(back, index)
    outside = {"x": [-5, width + 3], "y": [-0.1, height]}
    (back,) = compute(cell_index(*variables, size), outside)
    np.testing.assert_array_equal(back, [0, height * width - 1])


def corner_of(index, width):
    symbol = sym.Group(list(cell_corner(sym.Variable("cell"), width)))
    return compute(symbol, {"cell": index})
