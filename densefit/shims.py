"""Names that MXNet 1.9.1 uses and that numpy 1.24 and Python 3.12 no longer have.

`_densefit_mxnet_shims.py` runs this file alone, without the package around it: it imports nothing
of densefit.
"""

from __future__ import annotations

import sys
import warnings


def shim_numpy() -> None:
    """Define `numpy.bool` where numpy lacks it: from 1.24 to 1.26."""
    import numpy

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # looking the name up warns of its future meaning
        is_missing = not hasattr(numpy, "bool")
    if is_missing:
        setattr(numpy, "bool", numpy.bool_)  # noqa: B010 - numpy 2 declares it as a type


def shim_distutils() -> None:
    """Import setuptools on Python 3.12 and later: setuptools brings a copy of distutils."""
    if sys.version_info >= (3, 12):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import setuptools  # noqa: F401
