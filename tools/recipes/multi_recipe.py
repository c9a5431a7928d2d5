"""A training of several tasks on one or several datasets, as typed settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from densefit.tools.recipes.recipe import Recipe


@dataclass
class Part:
    """One of several datasets.

    Args:
        dataset: a registered dataset: voc, coco, mask_folder, ...
        root: its folder; generated datasets have none.
        train: name of the split to train on.
        validation: name of the split to validate on while training; null for none.
        test: name of the split to score at the end; null for the validation split.
        splits: fractions of splits that are made, as data.splits.
        group_by: what stays together in one of these splits, as data.group_by.
        settings: further settings of the dataset.
        augment: random transforms of its own, in place of training.augment.
        resize: its own way to the input size, letterbox or stretch, in place of the recipe's.
    """

    dataset: str = "shapes"
    root: str | None = None
    train: str = "train"
    validation: str | None = "val"
    test: str | None = "test"
    splits: dict[str, Any] | None = None
    group_by: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    augment: list[dict[str, Any]] | None = None
    resize: str | None = None


@dataclass
class Shares:
    """How several datasets make one stream; see `densefit.data.mixture.mixture`.

    Args:
        ratio: dataset -> its share; null for their sizes.
        temperature: shares by size^(1 / temperature); null for their sizes.
        length: samples per epoch; null for as many as there are.
        batches: mixed (every batch has samples of all), in_turn or at_random (of one each).
        classes: target -> the common class names; null for all names, as they come.
        targets: dataset -> its target -> a new name, where datasets call different things alike.
        rename: dataset -> its class name -> the common one, or null to drop it.
        unknown: what happens to classes that the common names lack: refuse or drop.
        lacking: what a dataset tells of common classes that it lacks: unknown or background.
    """

    ratio: dict[str, float] | None = None
    temperature: float | None = None
    length: int | None = None
    batches: str = "mixed"
    classes: dict[str, list[str]] | None = None
    targets: dict[str, dict[str, str]] = field(default_factory=dict)
    rename: dict[str, dict[str, str | None]] = field(default_factory=dict)
    unknown: str = "refuse"
    lacking: str = "unknown"


@dataclass
class MultiRecipe(Recipe):
    __doc__ = f"""{str(Recipe.__doc__).rstrip()}
        datasets: name -> what it is, for several at once: --datasets.NAME.root DIR. In place of
            `data`, whose workers, worker_kind, on_error, score_on_error and check count for
            all. All batches have one input size.
        mixture: how these datasets share an epoch.
        only: names of the heads to train; all by default. Datasets that have labels for none of
            them are left out, and of the others come as many samples an epoch as before: so each
            task can be trained alone, to compare. One that is not there is left out with a
            warning, if the others have labels for these heads; an epoch is then that of the others.
    """

    datasets: dict[str, Part] = field(default_factory=dict)
    mixture: Shares = field(default_factory=Shares)
    only: list[str] = field(default_factory=list)

    def balance_of(self, heads: Collection[str]) -> dict[str, Any] | None:
        """Settings of the balancer of the heads that are trained.

        Of some heads, without what is set for the others; none for one alone, or for one that is
        left of those that are balanced.
        """
        balance = super().balance_of(heads)
        if balance is None or not self.only:
            return balance
        if len(heads) == 1:
            return None
        left_out = set(self.model.heads) - set(heads)
        rest = {key: _without(value, left_out) for key, value in balance.items()}
        if isinstance(members := balance.get("heads"), list):
            rest["heads"] = [name for name in members if name not in left_out]
            if len(rest["heads"]) < min(2, len(members)):
                return None
        return rest

    def distill_of(self, heads: Collection[str]) -> dict[str, Any]:
        """Teachers of the heads that are trained; of some heads, without those of the others."""
        distill = super().distill_of(heads)
        left_out = set(self.model.heads) - set(heads) if self.only else set()
        return {name: teacher for name, teacher in distill.items() if name not in left_out}


def _without(value: Any, names: Collection[str]) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {key: setting for key, setting in value.items() if key not in names}
