"""Findings of one split: samples that cannot be used, odd boxes, images without labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import numpy as np

from densefit.data.sample_id import sample_id
from densefit.data.wrapped import attribute_of
from densefit.errors import DensefitError
from densefit.tools.data_check.box_statistics import duplicate_boxes
from densefit.tools.data_check.findings import (
    ERROR,
    EXAMPLES,
    NOTE,
    WARNING,
    Example,
    Finding,
)
from densefit.tools.data_check.labels import class_names
from densefit.tools.data_check.split import (
    ANNOTATION,
    EXIF,
    FILE,
    HEADER,
    SAMPLE,
    SIZE,
    SplitCheck,
)
from densefit.tools.recipes.words.counted import counted

_TEXTS = {
    ANNOTATION: "with a broken annotation, or without a file",
    FILE: "without a file",
    HEADER: "whose file is no image that can be read",
    SIZE: "of another size than the annotation states",
    EXIF: "turned by the EXIF orientation, of another size than the annotation states",
    SAMPLE: "that cannot be read",
}


def split_findings(split: str, check: SplitCheck) -> Iterator[Finding]:
    """Yield the findings of a split."""
    count = len(check.dataset)
    for kind, errors in check.errors.items():
        if errors:
            text = f"{len(errors):,} of {counted(count, 'image')} {_TEXTS[kind]}"
            examples = _error_examples(check, errors)
            yield Finding(kind, ERROR, text, len(errors), split, examples)
    yield from _dropped_objects(split, check)
    yield from _boxes_outside(split, check)
    yield from _equal_boxes(split, check)
    turned = [
        index
        for index, header in enumerate(check.files.headers)
        if header is not None and header.orientation > 1
    ]
    if turned:
        read = "turned" if getattr(check.dataset, "exif", True) else "as they are stored"
        text = f"{len(turned):,} of {counted(count, 'image')} with an EXIF orientation, read {read}"
        yield Finding("exif_orientation", NOTE, text, len(turned), split, _samples(check, turned))
    empty = check.labels.empty
    if empty:
        text = f"{len(empty):,} of {counted(count, 'image')} without labels"
        yield Finding("unlabelled_image", NOTE, text, len(empty), split, _samples(check, empty))


def _dropped_objects(split: str, check: SplitCheck) -> Iterator[Finding]:
    """Objects that the reader left out, by reason."""
    dropped = getattr(check.dataset, "dropped", 0) or 0
    reasons: Mapping[str, int] = getattr(check.dataset, "drop_reasons", None) or {}
    whole = _of_all_splits(check)
    for reason, count in Counter(reasons).most_common():
        text = f"{counted(count, 'object')} left out{whole}: {reason[:1].lower()}{reason[1:]}"
        yield Finding("dropped_object", WARNING, text, count, split)
    if dropped and not reasons:
        text = f"{counted(dropped, 'object')} left out: boxes without area or outside of the image"
        yield Finding("dropped_object", WARNING, text, dropped, split)


def _boxes_outside(split: str, check: SplitCheck) -> Iterator[Finding]:
    count = getattr(check.dataset, "boxes_outside", 0) or 0
    if count:
        text = (
            f"{counted(count, 'box', 'boxes')} cut{_of_all_splits(check)}: they reach out of their "
            "image by more than 5 % of its side; are their numbers in the order and the unit of "
            "this layout?"
        )
        yield Finding("box_outside", WARNING, text, count, split)


def _of_all_splits(check: SplitCheck) -> str:
    """A remark for counts of the whole dataset that a recipe divides."""
    return " (of all splits)" if attribute_of(check.dataset, "indices") is not None else ""


def _equal_boxes(split: str, check: SplitCheck) -> Iterator[Finding]:
    labels = check.labels
    rows = duplicate_boxes(labels)
    if not len(rows):
        return
    names = class_names(check.dataset, "classes")

    def example(row: int) -> Example:
        number = int(labels.classes[row])
        name = names[number] if number < len(names) else str(number)
        box = np.round(labels.boxes[row], 2).tolist()
        return Example(sample_id(check.dataset, int(labels.images[row])), f"{name} {box}")

    text = f"{counted(len(rows), 'object')} with the class and box of another one of the image"
    examples = [example(int(row)) for row in rows[:EXAMPLES]]
    yield Finding("duplicate_box", WARNING, text, len(rows), split, examples)


def _error_examples(check: SplitCheck, errors: Mapping[int, DensefitError]) -> list[Example]:
    return [
        Example.of_error(sample_id(check.dataset, index), errors[index])
        for index in sorted(errors)[:EXAMPLES]
    ]


def _samples(check: SplitCheck, indices: Iterable[int]) -> list[Example]:
    return [
        Example(sample_id(check.dataset, index), where=check.files.path(index))
        for index in islice(indices, EXAMPLES)
    ]
