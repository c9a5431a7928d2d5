"""Continue a training that the launcher has started again."""

from __future__ import annotations

from pathlib import Path

from densefit.checkpoint.storage import store
from densefit.distributed.environment import settings_of


def resume_after_restart(resume: str, directory: Path) -> str:
    """The checkpoint to continue from: the newest one, if the launcher has started again.

    Args:
        resume: "none", "auto" or a path, as `fit` got it.
        directory: directory of the training's checkpoints.
    """
    if settings_of().restart and (resume == "none" or store.names(directory)):
        return "auto"
    return resume
