"""Crops and samples of feature maps equal MXNet's."""

import numpy as np
import pytest

from densefit.backend import mx
from densefit.errors import EngineError

V = mx.sym.Variable


def normal(*shape, seed=0, scale=1.0):
    return np.random.RandomState(seed).normal(0, scale, shape)


@pytest.mark.parametrize(
    "settings", [{}, {"offset": (1, 2)}, {"center_crop": True}], ids=str
)  # fmt: skip
def test_crops(compare, settings):
    arrays = {"data": normal(2, 3, 7, 8), "like": normal(1, 5, 4, 5)}
    symbol = mx.sym.Crop(V("data"), V("like"), num_args=2, **settings)
    compare(symbol, arrays, ["data", "like"])
    symbol = mx.sym.Crop(V("data"), num_args=1, h_w=(3, 6), **settings)
    compare(symbol, {"data": arrays["data"]}, ["data"])


def test_a_crop_beyond_its_input_is_refused(run_torch):
    symbol = mx.sym.Crop(V("data"), num_args=1, h_w=(3, 6), offset=(5, 0), name="cut")
    with pytest.raises(EngineError, match="(?s)beyond its input.*'cut'"):
        run_torch(symbol, data=normal(2, 3, 7, 8))


def test_samples_at_a_grid(compare):
    symbol = mx.sym.BilinearSampler(V("data"), V("grid"))
    arrays = {"data": normal(2, 3, 5, 7), "grid": normal(2, 2, 4, 6, seed=1, scale=0.8)}
    compare(symbol, arrays, ["data", "grid"], rtol=1e-4, atol=1e-5)


def test_grids(compare):
    symbol = mx.sym.GridGenerator(V("data"), transform_type="affine", target_shape=(4, 6))
    compare(symbol, {"data": normal(2, 6)}, ["data"], rtol=1e-4, atol=1e-5)
    symbol = mx.sym.GridGenerator(V("data"), transform_type="warp")
    compare(symbol, {"data": normal(2, 2, 4, 6)}, ["data"], rtol=1e-4, atol=1e-5)


def test_spatial_transformers(compare):
    symbol = mx.sym.SpatialTransformer(
        V("data"), V("loc"), target_shape=(4, 6), transform_type="affine", sampler_type="bilinear"
    )
    identity = np.array([1, 0, 0, 0, 1, 0]) + normal(2, 6, scale=0.3)
    arrays = {"data": normal(2, 3, 5, 7), "loc": identity}
    compare(symbol, arrays, ["data", "loc"], rtol=1e-4, atol=1e-4)
