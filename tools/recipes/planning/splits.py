"""Which splits of a folder are trained on, validated and scored."""

from __future__ import annotations

from typing import Any

from densefit.tools.recipes.data.split_dataset import existing_splits

_WHOLE = {"train": 0.7, "val": 0.15, "test": 0.15}
_WITH_TEST = {"train": 0.85, "val": 0.15}


def plan_splits(data: Any, where: str = "data") -> str:
    """Set the splits of a dataset to its own, and divide what they lack; says what was decided.

    Args:
        data: settings of the dataset, which are changed: `splits`, `validation`, `test`.
        where: name of the settings, for errors.
    """
    existing = existing_splits(data, where)
    if data.train not in existing:
        data.splits = dict(_WHOLE)
        return "divided by their names: 70 % train, 15 % validation, 15 % test"
    if data.validation in existing:
        if data.test not in existing:
            data.test = None
            return "the folder's own splits; without a test split, the validation split is scored"
        return "the folder's own splits"
    if data.test in existing:
        data.splits = {**_WITH_TEST, "of": data.train}
        return "the folder's own splits; 15 % of the training split are for validation"
    data.splits = {**_WHOLE, "of": data.train}
    return "the training split, divided by names: 70 % train, 15 % validation, 15 % test"
