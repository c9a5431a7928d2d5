"""SoftmaxOutput equals MXNet's in all its variants."""

import itertools

import numpy as np
import pytest

from densefit.backend import mx
from tests.engine.torch.compare import by_mxnet, by_torch, same

X, L = mx.sym.Variable("x"), mx.sym.Variable("l")
VARIANTS = list(itertools.product(["null", "batch", "valid"], [False, True], [0.0, 0.1]))


def labels(*shape, classes=4):
    drawn = np.random.default_rng(0).integers(-1, classes, shape).astype(np.float32)
    return np.maximum(drawn, 0), drawn


@pytest.mark.parametrize(("normalization", "use_ignore", "smooth"), VARIANTS)
@pytest.mark.parametrize("layout", ["rows", "multi", "multi flat", "preserve"])
def test_variants(normalization, use_ignore, smooth, layout):
    shape = {"rows": (6, 4), "preserve": (2, 3, 4)}.get(layout, (2, 4, 3, 5))
    label = {"rows": (6,), "multi": (2, 3, 5), "multi flat": (2, 15), "preserve": (2, 3)}[layout]
    all_valid, with_void = labels(*label)
    symbol = mx.sym.SoftmaxOutput(
        X, L, normalization=normalization, use_ignore=use_ignore, smooth_alpha=smooth,
        multi_output=layout.startswith("multi"),
        preserve_shape=layout == "preserve", grad_scale=0.7,
    )  # fmt: skip
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    same(symbol, {"x": x, "l": with_void if use_ignore else all_valid}, 2e-6)


@pytest.mark.parametrize("normalization", ["null", "batch", "valid"])
def test_probabilities_as_labels(normalization):
    rng = np.random.default_rng(0)
    target = rng.dirichlet(np.ones(4), 5).astype(np.float32)
    values = {"x": rng.normal(size=(5, 4)).astype(np.float32), "l": target}
    symbol = mx.sym.SoftmaxOutput(X, L, normalization=normalization, grad_scale=2.0)
    same(symbol, values, 2e-6)


@pytest.mark.parametrize("multi", [False, True])
def test_nothing_but_ignored_labels(multi):
    symbol = mx.sym.SoftmaxOutput(
        X, L, normalization="valid", use_ignore=True, ignore_label=255, multi_output=multi
    )
    x = np.random.default_rng(0).normal(size=(2, 4, 6) if multi else (2, 4)).astype(np.float32)
    label = np.full((2, 6) if multi else (2,), 255, np.float32)
    result = same(symbol, {"x": x, "l": label}, 1e-6)
    assert not result.gradients["x"].any()


def test_other_ignored_label():
    label = np.array([[255, 0, 3], [2, 255, 1]], np.float32)
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    for use_ignore in (False, True):
        symbol = mx.sym.SoftmaxOutput(
            X, L, normalization="valid", use_ignore=use_ignore, ignore_label=255, multi_output=True
        )
        same(symbol, {"x": x, "l": label}, 2e-6)


def test_head_gradient():
    """MXNet multiplies by the probabilities, where `out_grad` asks for the head's gradient."""
    rng = np.random.default_rng(0)
    values = {"x": rng.normal(size=(5, 4)), "l": labels(5)[0]}
    values = {name: value.astype(np.float32) for name, value in values.items()}
    head = rng.normal(size=(5, 4)).astype(np.float32)
    plain = by_torch(mx.sym.SoftmaxOutput(X, L), values, [head]).gradients["x"]
    symbol = mx.sym.SoftmaxOutput(X, L, out_grad=True)
    np.testing.assert_allclose(by_torch(symbol, values, [head]).gradients["x"], plain * head, 1e-6)
    faulty = by_mxnet(symbol, values, [head])
    np.testing.assert_allclose(faulty.gradients["x"], plain * faulty.outputs[0], 1e-5)
