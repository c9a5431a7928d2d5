"""Matrix products and decompositions."""

from __future__ import annotations

from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


@operator("dot")
def dot(attrs: Attributes) -> Compute:
    """Product over the last axis of the first and the first axis of the second.

    `transpose_a` moves the first axis of the first to its end, `transpose_b` the last of the second
    to its front.
    """
    left, right = attrs.flag("transpose_a"), attrs.flag("transpose_b")

    def compute(run: Any, a: Any, b: Any) -> Any:
        if left and a.ndim > 1:
            a = a.movedim(0, -1)
        if right and b.ndim > 1:
            b = b.movedim(-1, 0)
        if b.ndim == 2 and a.ndim > 1:
            return torch.matmul(a, b)
        result = torch.tensordot(a, b, 1)
        return result if result.ndim else result.reshape(1)

    return compute


@operator("batch_dot")
def batch_dot(attrs: Attributes) -> Compute:
    """Product of the matrices of two batches."""
    left, right = attrs.flag("transpose_a"), attrs.flag("transpose_b")
    return lambda run, a, b: torch.matmul(_turned(a, left), _turned(b, right))


def _turned(x: Any, transposed: bool) -> Any:
    return x.transpose(-1, -2) if transposed else x


@operator("_linalg_gemm", "linalg_gemm")
def gemm(attrs: Attributes) -> Compute:
    """alpha a b + beta c."""
    left, right = attrs.flag("transpose_a"), attrs.flag("transpose_b")
    alpha, beta = attrs.number("alpha", 1.0), attrs.number("beta", 1.0)
    axis = attrs.whole("axis", -2)

    def compute(run: Any, a: Any, b: Any, c: Any) -> Any:
        a, b, c = (x.movedim(axis, -2) for x in (a, b, c))
        product = alpha * torch.matmul(_turned(a, left), _turned(b, right)) + beta * c
        return product.movedim(-2, axis)

    return compute


@operator("_linalg_gemm2", "linalg_gemm2")
def gemm2(attrs: Attributes) -> Compute:
    """alpha a b."""
    left, right = attrs.flag("transpose_a"), attrs.flag("transpose_b")
    alpha, axis = attrs.number("alpha", 1.0), attrs.whole("axis", -2)

    def compute(run: Any, a: Any, b: Any) -> Any:
        a, b = a.movedim(axis, -2), b.movedim(axis, -2)
        return (alpha * torch.matmul(_turned(a, left), _turned(b, right))).movedim(-2, axis)

    return compute


@operator("_linalg_syrk", "linalg_syrk")
def syrk(attrs: Attributes) -> Compute:
    """alpha a a^T, or alpha a^T a."""
    turned, alpha = attrs.flag("transpose"), attrs.number("alpha", 1.0)
    return lambda run, a: alpha * torch.matmul(_turned(a, turned), _turned(a, not turned))


@operator("_linalg_trmm", "linalg_trmm")
def trmm(attrs: Attributes) -> Compute:
    """alpha a b or alpha b a for a triangular a."""
    turned, right, lower, alpha = _triangular(attrs)

    def compute(run: Any, a: Any, b: Any) -> Any:
        a = _turned(torch.tril(a) if lower else torch.triu(a), turned)
        return alpha * (torch.matmul(b, a) if right else torch.matmul(a, b))

    return compute


@operator("_linalg_trsm", "linalg_trsm")
def trsm(attrs: Attributes) -> Compute:
    """Solve a x = alpha b or x a = alpha b for a triangular a."""
    turned, right, lower, alpha = _triangular(attrs)

    def compute(run: Any, a: Any, b: Any) -> Any:
        a = _turned(a, turned)
        return torch.linalg.solve_triangular(a, alpha * b, upper=lower == turned, left=not right)

    return compute


def _triangular(attrs: Attributes) -> tuple[bool, bool, bool, float]:
    flags = attrs.flag("transpose"), attrs.flag("rightside"), attrs.flag("lower", True)
    return (*flags, attrs.number("alpha", 1.0))


@operator("_linalg_potrf", "linalg_potrf")
def potrf(attrs: Attributes) -> Compute:
    """Cholesky factor."""
    lower = attrs.flag("lower", True)
    return lambda run, a: torch.linalg.cholesky(a, upper=not lower)


@operator("_linalg_potri", "linalg_potri")
def potri(attrs: Attributes) -> Compute:
    """Inverse of the matrix whose Cholesky factor is given."""
    lower = attrs.flag("lower", True)
    return lambda run, a: torch.cholesky_inverse(a, upper=not lower)


@operator("_linalg_sumlogdiag", "linalg_sumlogdiag")
def sumlogdiag(attrs: Attributes) -> Compute:
    """Sum of the logarithms of the diagonal."""

    def compute(run: Any, a: Any) -> Any:
        result = torch.diagonal(a, dim1=-2, dim2=-1).log().sum(-1)
        return result if result.ndim else result.reshape(1)

    return compute


@operator("_linalg_extractdiag", "linalg_extractdiag")
def extractdiag(attrs: Attributes) -> Compute:
    """Diagonal of each matrix."""
    offset = attrs.whole("offset", 0)
    return lambda run, a: torch.diagonal(a, offset, -2, -1)


@operator("_linalg_makediag", "linalg_makediag")
def makediag(attrs: Attributes) -> Compute:
    """Matrices with the given diagonals."""
    offset = attrs.whole("offset", 0)
    return lambda run, a: torch.diag_embed(a, offset)


@operator("_linalg_inverse", "linalg_inverse")
def inverse(attrs: Attributes) -> Compute:
    """Inverse of each matrix."""
    return lambda run, a: torch.linalg.inv(a)


@operator("_linalg_det", "linalg_det")
def det(attrs: Attributes) -> Compute:
    """Determinant of each matrix."""
    return lambda run, a: torch.linalg.det(a).reshape(a.shape[:-2] or (1,))


@operator("_linalg_slogdet", "linalg_slogdet")
def slogdet(attrs: Attributes) -> Compute:
    """Sign and logarithm of the size of each determinant."""
    return lambda run, a: tuple(
        part.reshape(a.shape[:-2] or (1,)) for part in torch.linalg.slogdet(a)
    )


@operator("khatri_rao")
def khatri_rao(attrs: Attributes) -> Compute:
    """Column-wise Kronecker product."""

    def compute(run: Any, first: Any, *rest: Any) -> Any:
        for x in rest:
            first = (first[:, None] * x[None]).reshape(-1, x.shape[1])
        return first

    return compute
