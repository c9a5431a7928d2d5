"""Settings by which a folder gives the targets of tasks, as far as it has them."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Any

from densefit.data.sample import Dataset
from densefit.data.targets_present import targets_in
from densefit.errors import DataError, DensefitError
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.planning.fingerprint import fingerprint_of
from densefit.tools.recipes.planning.layout import switches
from densefit.tools.recipes.planning.quiet import quiet

_LOOKED_AT = 16  # samples
_KEPT = 0.5  # of the objects, with a setting that reads masks


def reading(part: Any, where: str, needs: Mapping[str, Set[str]]) -> dict[str, Any]:
    """Settings that read the targets of tasks; a task that the folder has no labels for adds none.

    A file of boxes has no masks, whatever is asked for: a setting that loses objects is left out.

    Args:
        part: settings of the dataset, with splits.
        where: name of the settings, for errors.
        needs: task -> its targets.

    Raises:
        DataError: the folder has labels for none of the tasks.
    """
    chosen: dict[str, Any] = {}
    with quiet():
        dataset = _opened(part, where, {})
        for targets in needs.values():
            more = switches(part.dataset, targets - targets_in(dataset))
            if not more:
                continue
            try:
                trial = _opened(part, where, {**chosen, **more})
                is_better = _objects(trial) >= _KEPT * _objects(dataset)
            except DensefitError:
                continue
            if is_better and _has_all(trial, targets):
                chosen, dataset = {**chosen, **more}, trial
        present = targets_in(dataset)
    if not any(targets <= present for targets in needs.values()):
        tasks = ", ".join(needs)
        raise DataError(
            f"The folder has no labels for {tasks}",
            expected=", ".join(sorted(set().union(*needs.values()))),
            received=", ".join(sorted(present)) or "images alone",
            where=part.root,
            fix="another task, or the layout: --data.dataset NAME",
        )
    return chosen


def _opened(part: Any, where: str, settings: Mapping[str, Any]) -> Dataset:
    trial = replace(part, settings={**settings, **part.settings})
    return make_dataset(trial, part.train, where)


def _has_all(dataset: Dataset, targets: Set[str]) -> bool:
    return targets <= targets_in(dataset)


def _objects(dataset: Any) -> int:
    """Number of objects in some samples."""
    return len(fingerprint_of([dataset], _LOOKED_AT).sides)
