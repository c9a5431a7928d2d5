"""Labels of the training data by head and class, in lines of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from densefit.data.annotated import all_targets
from densefit.data.mixture.mixture import Mixture
from densefit.tools.data_check.check import DataCheck
from densefit.tools.data_check.labels import class_names, counts_by_target
from densefit.tools.recipes.data.run_data import RunData

_MOST = 8  # classes of a line: the most frequent ones and the rarest


def label_lines(prepared: RunData, check: DataCheck | None) -> list[str]:
    """Return a line for each head: labelled images, and labels by class as far as known.

    Args:
        prepared: network and data of a run.
        check: check that has read the annotations; None for counts of images alone.
    """
    lines = []
    for head in prepared.network.heads:
        images, total, is_known = 0, 0, True
        counts: Counter[str] = Counter()
        unit = ""
        for split in prepared.training_splits:
            dataset, new_names = prepared.data[split], _new_names(prepared, split)
            total += len(dataset)
            declared = all_targets(dataset)
            if declared is None:
                is_known = False
            else:
                renamed = [{new_names.get(name, name) for name in names} for names in declared]
                images += sum(set(head.targets) <= names for names in renamed)
            old_names = {new: old for old, new in new_names.items()}
            target = old_names.get(head.class_target or "", head.class_target)
            if target in new_names and target == head.class_target:
                continue  # these labels have another name, and are for another head
            of_split, split_unit = _class_counts(head, target, dataset, split, check)
            counts.update(of_split)  # keeps classes without a label, as a sum does not
            unit = unit or split_unit
        text = f"{head.name}: {images:,} of {total:,} images" if is_known else f"{head.name}:"
        if counts:
            text += f"{';' * is_known} {unit} of {listed(counts)}"
        if is_known or counts:
            lines.append(text)
    return lines


def _new_names(prepared: RunData, split: str) -> Mapping[str, str]:
    """New names of the targets of a split's dataset, if a mixture renames them."""
    mixture = getattr(prepared.train, "dataset", None)
    return mixture.new_names(split.split("/")[0]) if isinstance(mixture, Mixture) else {}


def listed(counts: Mapping[str, int], most: int = _MOST) -> str:
    """Format counts by class, the most frequent first; of many classes the middle is left out.

    >>> listed({"cat": 5, "dog": 1200, "emu": 2}), listed({"a": 3, "b": 2, "c": 1, "d": 1}, 2)
    ('dog 1,200, cat 5, emu 2', 'a 3, 2 more classes, d 1')
    """
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])
    texts = [f"{name} {count:,}" for name, count in ranked]
    if len(texts) > most:
        last = most // 2
        rest = len(texts) - (most - last) - last
        plural = "es" if rest != 1 else ""
        texts = [*texts[: most - last], f"{rest} more class{plural}", *texts[-last:]]
    return ", ".join(texts)


def _class_counts(
    head: Any, target: str | None, dataset: Any, split: str, check: DataCheck | None
) -> tuple[Counter[str], str]:
    """Count the labels of a head in a split by class, with their unit; empty if not annotated.

    Args:
        head: head that learns them.
        target: the dataset's name of the target that holds its classes.
        dataset: dataset of the split.
        split: name of the split.
        check: check that has read the annotations.
    """
    if check is None or target is None or split not in check.splits:
        return Counter(), ""
    names = class_names(dataset, target)
    classes = set(map(str, getattr(head, "classes", None) or names))
    for counted, unit, counts in counts_by_target(check.splits[split].labels):
        if counted == target:
            by_name = {
                names[index]: count for index, count in counts.items() if 0 <= index < len(names)
            }
            every = {name: by_name.get(name, 0) for name in names if name in classes}
            return Counter(every), unit
    return Counter(), ""
