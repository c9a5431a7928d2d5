"""Prototype maps of any input size, and the masks that are made of them."""

import numpy as np
import pytest

from densefit.model.heads.head import Features
from densefit.symbol import sym
from densefit.tasks.instance.prototypes import assemble_masks, prototypes
from tests.executor import Executor

CHANNELS = {4: 5, 8: 6, 16: 7}


@pytest.mark.parametrize("size", [(64, 64), (75, 101)])
@pytest.mark.parametrize("stride", [4, 8, 16])
@pytest.mark.parametrize("out", [2, 4])
def test_one_map_a_cell_and_nothing_negative(size, stride, out):
    maps = {s: sym.Variable(f"map{s}") for s in CHANNELS}
    features = Features(maps, CHANNELS, size)
    symbol = prototypes("own", features, maps[stride], stride, 8, 3, out)
    assert all(name.startswith(("own_mask", "own_proto", "map")) for name in symbol.list_inputs())
    shapes = {f"map{s}": (2, CHANNELS[s], *features.size(s)) for s in CHANNELS}
    shapes = {name: shape for name, shape in shapes.items() if name in symbol.list_inputs()}
    executor = Executor(symbol, gradients=False, **shapes)
    rng = np.random.default_rng(0)
    for array in executor.arg_dict.values():
        array[:] = rng.normal(0, 1, array.shape)
    for name, array in executor.aux_dict.items():
        array[:] = 1.0 if name.endswith("_var") else 0.0
    made = executor.forward()[0]
    assert made.shape == (2, 3, -(-size[0] // out), -(-size[1] // out))
    assert made.min() == 0 < made.max()


def test_masks_are_sums_of_prototypes_by_the_anchors_coefficients():
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(3, 4, 5, 6)).astype(np.float32)
    coefficients = rng.normal(size=(3, 9, 4)).astype(np.float32)
    anchor = rng.integers(0, 9, (3, 7)).astype(np.float32)
    symbol = assemble_masks(
        sym.Variable("maps"), sym.Variable("coefficients"), sym.Variable("anchor"), (5, 6)
    )
    given = {"maps": maps, "coefficients": coefficients, "anchor": anchor}
    executor = Executor(symbol, gradients=False, **{k: v.shape for k, v in given.items()})
    made = executor.forward(**given)[0]
    for picture in range(3):
        selected = coefficients[picture][anchor[picture].astype(int)]
        expected = np.einsum("nk,khw->nhw", selected, maps[picture])
        np.testing.assert_allclose(made[picture], expected, rtol=1e-4, atol=1e-5)
