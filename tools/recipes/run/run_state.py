"""State of a run's folder: new, unfinished, finished, or in use by another process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from densefit.checkpoint.storage import store
from densefit.checkpoint.storage.claim import check_free
from densefit.errors import CheckpointError, ConfigError
from densefit.tools.recipes.recipe import Recipe
from densefit.tools.recipes.run.setting_differences import ABSENT, differing_settings
from densefit.yaml_files.document import read_document

#: Settings that change nothing that a finished run has computed.
_WITHOUT_EFFECT = (
    *("out", "resume", "data.workers", "data.worker_kind", "data.cache", "data.check"),
    *("model.weights_sha256", "plugins"),
)
#: Settings that a training writes into its record, if they are not set.
_RECORDED = ("model.settings.mean", "model.settings.std")


def finished_run(recipe: Recipe) -> str | None:
    """Say that the run of a recipe is finished already, with its score; None: there is work.

    Args:
        recipe: settings of the run, with its folder.

    Raises:
        CheckpointError: another process trains into the folder; or, without `resume`, the folder
            holds an unfinished run, or a finished one with other settings.
    """
    out = Path(recipe.out)
    checkpoints = out / "checkpoints"
    check_free(checkpoints)
    names = store.names(checkpoints)
    if not names or recipe.resume not in ("none", "auto"):
        return None
    ended = end_of(out)
    if ended is None:
        if recipe.resume == "auto":
            return None
        raise CheckpointError(
            "The folder holds a training that is not finished",
            received=f"its newest checkpoint is {max(names)}",
            where=out,
            fix="--resume auto continues it; --out another folder begins a new one",
        )
    changed = changed_settings(recipe)
    if not changed:
        return done_text(out, ended)
    if recipe.resume == "auto":
        return None  # more epochs, for instance
    listed = [f"{key} {before!r}, now {now!r}" for key, (before, now) in changed.items()]
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    raise CheckpointError(
        "The folder holds a finished training with other settings",
        received="; ".join(listed[:3]) + more,
        where=out,
        fix="--out another folder; --resume auto continues it with the new settings",
    )


def end_of(out: Path) -> Mapping[str, Any] | None:
    """Return the record of a finished run's end: `time`, `update`, `stop_reason`; else None."""
    starts = _json(out / "environment.json")
    last = starts[-1] if isinstance(starts, list) and starts else {}
    ended = last.get("ended") if isinstance(last, Mapping) else None
    return ended if isinstance(ended, Mapping) else None


def done_text(out: Path, ended: Mapping[str, Any]) -> str:
    """Describe a finished run in a line: its folder, updates and main score."""
    scores, about = _json(out / "scores.json"), _json(out / "scored.json")
    key = next(iter(about.get("primary", {})), None) if isinstance(about, Mapping) else None
    text = f"already done: {out}, {ended.get('update', '?')} updates"
    if ended.get("stop_reason"):
        text += f" (stopped early: {ended['stop_reason']})"
    if isinstance(scores, Mapping) and scores.get(key) is not None:
        text += f", {key} {scores[key]:.4f} on {about['split']!r}"
    return text


def changed_settings(recipe: Recipe) -> dict[str, list[Any]]:
    """Return what differs between a run's recorded settings and a recipe: key -> [before, now]."""
    from densefit.tools.recipes.data.paths import with_absolute_paths  # imports the datasets

    path = Path(recipe.out) / "config.yaml"
    try:
        recorded = read_document(path, "settings of the run").value
    except ConfigError:
        return {"config.yaml": [ABSENT, "this recipe"]}
    now = json.loads(json.dumps(asdict(with_absolute_paths(recipe)), default=str))
    changed = differing_settings([recorded, now], _WITHOUT_EFFECT)
    return {
        key: values
        for key, values in changed.items()
        if values[1] != "auto" and not (key in _RECORDED and values[1] == ABSENT)
    }


def _json(path: Path) -> Any:
    """Read a JSON file; an empty mapping if there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
