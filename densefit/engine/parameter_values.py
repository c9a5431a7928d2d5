"""Checks of parameters in host memory: loaded from a checkpoint, or read during a training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.errors import CheckpointError, TrainingDiverged


def check_loaded(present: Mapping[str, np.ndarray], loaded: Mapping[str, Any], where: str) -> None:
    """Raise CheckpointError if a loaded parameter is missing or has another shape.

    Args:
        present: values of the network.
        loaded: values of the checkpoint.
        where: path of the checkpoint.
    """
    for name, value in present.items():
        if name not in loaded or tuple(loaded[name].shape) != value.shape:
            raise CheckpointError(
                f"The checkpoint does not fit the network at parameter {name!r}",
                expected=value.shape,
                received=loaded[name].shape if name in loaded else "nothing",
                where=where,
                fix="is it a checkpoint of another recipe?",
            )


def check_finite(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise TrainingDiverged if a parameter is nan or infinite.

    Outputs do not show it: a ReLU turns nan into 0.
    """
    bad = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if bad:
        more = f", ... ({len(bad)} of {len(arrays)})" if len(bad) > 5 else ""
        raise TrainingDiverged(
            "Parameters are no longer finite",
            received=f"nan or infinity in {', '.join(bad[:5])}{more}",
            fix="lower the learning rate, or lengthen the warm-up; are all images and labels "
            "finite numbers? The last checkpoint is from before",
        )
