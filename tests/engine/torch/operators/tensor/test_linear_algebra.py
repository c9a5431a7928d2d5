"""Matrix products equal MXNet's, with their gradients."""

import numpy as np
import pytest

from densefit.backend import mx
from tests.engine.torch.compare import same

A, B, C = (mx.sym.Variable(name) for name in "abc")


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def turned(shape, flag, batch=0):
    head, rest = shape[:batch], shape[batch:]
    return (*head, *rest[::-1]) if flag else shape


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("right", [False, True])
def test_products_of_matrices(left, right):
    flags = {"transpose_a": left, "transpose_b": right}
    values = {"a": random(*turned((3, 4), left)), "b": random(*turned((4, 5), right), seed=1)}
    same(mx.sym.dot(A, B, **flags), values, 1e-6)
    values = {
        "a": random(*turned((2, 3, 4), left, 1)),
        "b": random(*turned((2, 4, 5), right, 1), seed=1),
    }
    same(mx.sym.batch_dot(A, B, **flags), values, 1e-6)
    same(mx.sym.linalg.gemm2(A, B, alpha=0.5, **flags), values, 1e-6)
    values["c"] = random(2, 3, 5)
    same(mx.sym.linalg.gemm(A, B, C, alpha=0.5, beta=2, **flags), values, 1e-6)


@pytest.mark.parametrize(
    "shapes", [((4,), (4,)), ((3, 4), (4,)), ((2, 3, 4), (4, 5)), ((3, 4), (4, 2, 5))]
)
def test_products_of_other_tensors(shapes):
    same(mx.sym.dot(A, B), {"a": random(*shapes[0]), "b": random(*shapes[1], seed=1)}, 1e-6)


def test_transposed_products_of_tensors():
    values = {"a": random(4, 2, 3), "b": random(4, 5, seed=1)}
    same(mx.sym.dot(A, B, transpose_a=True), values, 1e-6)
    values = {"a": random(2, 3, 4), "b": random(5, 4, seed=1)}
    same(mx.sym.dot(A, B, transpose_b=True), values, 1e-6)


@pytest.mark.parametrize("flag", [False, True])
def test_symmetric_products(flag):
    same(mx.sym.linalg.syrk(A, transpose=flag, alpha=2), {"a": random(2, 3, 4)}, 1e-6)


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("lower", [False, True])
def test_triangular(right, transpose, lower):
    a = random(2, 3, 3) + 4 * np.eye(3, dtype=np.float32)
    a = np.tril(a) if lower else np.triu(a)
    values = {"a": a, "b": random(2, 3, 3, seed=1)}
    settings = {"rightside": right, "transpose": transpose, "lower": lower, "alpha": 0.5}
    same(mx.sym.linalg.trmm(A, B, **settings), values, 1e-6, gradients=False)
    same(mx.sym.linalg.trsm(A, B, **settings), values, 1e-5, gradients=False)


def test_decompositions():
    x = random(2, 3, 3)
    positive = (x @ x.transpose(0, 2, 1) + np.eye(3)).astype(np.float32)
    factor = np.linalg.cholesky(positive).astype(np.float32)
    linalg = mx.sym.linalg
    same(linalg.potrf(A), {"a": positive}, 1e-5, gradients=False)
    same(linalg.potri(A), {"a": factor}, 1e-4, gradients=False)
    for symbol in (linalg.sumlogdiag(A), linalg.extractdiag(A), linalg.inverse(A), linalg.det(A)):
        same(symbol, {"a": positive}, 1e-4)
    same(mx.sym.Group(list(linalg.slogdet(A))), {"a": positive}, 1e-4, gradients=False)
    same(linalg.makediag(A), {"a": random(2, 3)}, 0)


def test_khatri_rao():
    values = {"a": random(2, 3), "b": random(4, 3, seed=1), "c": random(2, 3, seed=2)}
    same(mx.sym.khatri_rao(A, B, C), values, 1e-6, gradients=False)
