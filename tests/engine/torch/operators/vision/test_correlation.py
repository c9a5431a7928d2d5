"""Correlations and deformable convolutions equal MXNet's."""

import numpy as np
import pytest

from densefit.backend import mx

V = mx.sym.Variable


def normal(*shape, seed=0, scale=1.0):
    return np.random.RandomState(seed).normal(0, scale, shape)


@pytest.mark.parametrize(
    "settings",
    [
        {"pad_size": 1},
        {"kernel_size": 3, "max_displacement": 2, "pad_size": 3},
        {"kernel_size": 1, "max_displacement": 4, "stride1": 2, "stride2": 2, "pad_size": 4},
        {"max_displacement": 2, "stride2": 3, "pad_size": 2},
        {"pad_size": 2, "is_multiply": False, "max_displacement": 2},
    ],
    ids=str,
)
def test_correlation(compare, settings):
    symbol = mx.sym.Correlation(V("one"), V("other"), **settings)
    arrays = {"one": normal(2, 3, 8, 10), "other": normal(2, 3, 8, 10, seed=1)}
    compare(symbol, arrays, ["one", "other"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"pad": (1, 1)},
        {"stride": (2, 1), "dilate": (1, 2), "pad": (2, 2)},
        {"num_group": 2, "num_deformable_group": 2, "pad": (1, 1)},
        {"no_bias": True},
    ],
    ids=str,
)
def test_deformable_convolution(compare, settings):
    symbol = mx.sym.contrib.DeformableConvolution(
        V("data"), V("offset"), kernel=(3, 3), num_filter=6, name="conv", **settings
    )
    parts = settings.get("num_deformable_group", 1)
    shapes = {"data": (2, 4, 7, 8)}
    plain = mx.sym.Convolution(
        V("data"), kernel=(3, 3), num_filter=6,
        **{k: v for k, v in settings.items() if k not in ("num_deformable_group",)},
    )  # fmt: skip
    size = plain.infer_shape(**shapes)[1][0][2:]
    shapes["offset"] = (2, parts * 18, *size)
    names = symbol.list_arguments()
    shapes.update(zip(names, symbol.infer_shape(**shapes)[0]))
    arrays = {name: normal(*shape, seed=k) for k, (name, shape) in enumerate(shapes.items())}
    # Places off whole numbers, where the slope is not defined.
    arrays["offset"] = np.round(arrays["offset"] * 2) / 2 + 0.23
    compare(symbol, arrays, names, rtol=1e-4, atol=1e-4)
