"""Continue a training that the launcher has started again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from densefit.checkpoint.storage import store
from densefit.distributed.environment import settings_of


def resume_after_restart(resume: str, directory: Path) -> str:
    """The checkpoint to continue from: the newest one, if the launcher has started again.

    Only in a directory that an earlier start of this launch has begun with: one that it refused,
    since it holds another training's checkpoints, is refused again.

    Args:
        resume: "none", "auto" or a path, as `fit` got it.
        directory: directory of the training's checkpoints.
    """
    settings = settings_of()
    if not settings.restart or not (resume == "none" or store.names(directory)):
        return resume
    return "auto" if not settings.folder or _mark(settings.folder, directory).exists() else resume


def mark_begun(directory: Path) -> None:
    """Let a restart continue from this directory, which is free or is continued already.

    Args:
        directory: directory of the training's checkpoints.
    """
    folder = settings_of().folder
    if folder and Path(folder).is_dir():
        _mark(folder, directory).write_text(str(directory.parent.resolve()), encoding="utf-8")


def begun_folder() -> Path | None:
    """Return the folder of the run that an earlier start of this launch has begun; None: none."""
    settings = settings_of()
    if not settings.restart or not settings.folder:
        return None
    marks = sorted(Path(settings.folder).glob("begun-*"), key=lambda path: path.stat().st_mtime)
    text = marks[-1].read_text(encoding="utf-8") if marks else ""
    return Path(text) if text else None


def _mark(folder: str, directory: Path) -> Path:
    """File in the launcher's folder that stands for a directory of checkpoints."""
    name = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()
    return Path(folder) / f"begun-{name[:32]}"
