"""Findings about several splits: equal images, classes that are not trained, imbalance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from densefit.data.sample_id import sample_id
from densefit.tools.data_check.box_statistics import imbalance
from densefit.tools.data_check.equal_images import Group
from densefit.tools.data_check.findings import EXAMPLES, NOTE, WARNING, Example, Finding
from densefit.tools.data_check.labels import class_names, counts_by_target
from densefit.tools.data_check.split import SplitCheck
from densefit.tools.recipes.words.counted import counted

_IMBALANCED = 20  # ratio of the most frequent class to the rarest from which on it is told


def group_findings(groups: Sequence[Group], splits: Mapping[str, SplitCheck]) -> Iterator[Finding]:
    """Findings of images with equal content: in several splits, and within one."""
    across = [group for group in groups if len({image.split for image in group}) > 1]
    by_pair: dict[tuple[str, ...], list[Group]] = {}
    for group in across:
        by_pair.setdefault(tuple(dict.fromkeys(image.split for image in group)), []).append(group)
    for names, of_pair in by_pair.items():
        text = f"{counted(len(of_pair), 'image')} in each of {_listed(names)}"
        examples = [_example(group, splits) for group in of_pair[:EXAMPLES]]
        yield Finding("image_in_several_splits", WARNING, text, len(of_pair), "", examples)
    for split in splits:
        within = [group for group in groups if {image.split for image in group} == {split}]
        if within:
            count = sum(len(group) - 1 for group in within)
            text = f"{counted(count, 'image')} equal to another one of the split"
            examples = [_example(group, splits) for group in within[:EXAMPLES]]
            yield Finding("duplicate_image", WARNING, text, count, split, examples)


def class_findings(train: Sequence[str], splits: Mapping[str, SplitCheck]) -> Iterator[Finding]:
    """Findings of classes without training samples, and of imbalance among the trained ones.

    Args:
        train: names of the splits to train on.
        splits: all splits by name.
    """
    for split in train:
        if split not in splits:
            continue
        check = splits[split]
        yield from _similar_names(split, class_names(check.dataset, "classes"))
        for target, unit, counts in counts_by_target(check.labels):
            names = class_names(check.dataset, target)
            absent = [index for index in range(len(names)) if not counts.get(index)]
            if absent:
                text = (
                    f"{len(absent)} of {len(names)} classes without a training sample: "
                    f"{', '.join(names[index] for index in absent[:EXAMPLES])}"
                    f"{', ...' if len(absent) > EXAMPLES else ''}"
                )
                examples = [Example(names[index]) for index in absent]
                kind = "class_without_training_samples"
                yield Finding(kind, WARNING, text, len(absent), split, examples)
            ratio = imbalance(counts, len(names))
            if ratio is not None and ratio[0] >= _IMBALANCED:
                times, most, rarest = ratio
                text = (
                    f"the class {names[most]!r} has {times:.0f} times as many {unit} as "
                    f"{names[rarest]!r}"
                )
                yield Finding("imbalance", NOTE, text, 1, split)


def _similar_names(split: str, names: Sequence[str]) -> Iterator[Finding]:
    """A finding of class names that differ in capital letters, blanks, - or _ alone."""
    by_letters: dict[str, list[str]] = {}
    for name in names:
        letters = "".join(name.casefold().replace("_", " ").replace("-", " ").split())
        by_letters.setdefault(letters or name, []).append(name)
    similar = [group for group in by_letters.values() if len(group) > 1]
    if similar:
        examples = [Example(" and ".join(map(repr, group))) for group in similar[:EXAMPLES]]
        text = (
            f"{counted(len(similar), 'class', 'classes')} with several spellings, which count as "
            "different classes"
        )
        yield Finding("similar_class_names", WARNING, text, len(similar), split, examples)


def _example(group: Group, splits: Mapping[str, SplitCheck]) -> Example:
    images = [
        f"{image.split}: {sample_id(splits[image.split].dataset, image.index)}" for image in group
    ]
    return Example(", ".join(images[:4]), where=", ".join(image.path for image in group[:4]))


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
