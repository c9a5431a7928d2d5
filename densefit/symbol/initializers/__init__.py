"""MXNet's initializers without MXNet: the same names, texts and distributions."""

from densefit.symbol.initializers.descriptions import (
    Constant,
    InitDesc,
    Initializer,
    Normal,
    One,
    Uniform,
    Zero,
    alias,
    create,
    register,
)
from densefit.symbol.initializers.layers import (
    Bilinear,
    FusedRNN,
    He,
    LSTMBias,
    MSRAPrelu,
    Orthogonal,
    Xavier,
)
from densefit.symbol.initializers.patterns import Load, Mixed
from densefit.symbol.initializers.values import values

__all__ = [
    "Bilinear",
    "Constant",
    "FusedRNN",
    "He",
    "InitDesc",
    "Initializer",
    "LSTMBias",
    "Load",
    "MSRAPrelu",
    "Mixed",
    "Normal",
    "One",
    "Orthogonal",
    "Uniform",
    "Xavier",
    "Zero",
    "alias",
    "create",
    "register",
    "values",
]
