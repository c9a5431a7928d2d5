"""Whether a dataset has what the heads learn, and what stands in where a sample has it not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.data.encoder import Encoder, blank, labelled
from densefit.data.sample import Dataset, Sample
from densefit.data.sampler import sample_rng
from densefit.data.work import SampleTransform
from densefit.errors import DataError

LOOKED_AT = 8
AT_MOST = 64


def check_labelled(
    dataset: Dataset, transform: SampleTransform | None, heads: Sequence[Encoder], seed: int
) -> dict[str, Sample]:
    """Refuse a dataset in which no sample has a target that a head declares in `targets`.

    Single samples may lack one, as in mixtures, so up to 64 samples are looked at, spread over the
    dataset; usually the first is enough. Broken samples tell nothing here.

    Returns:
        Head -> a transformed sample that has its targets, of the heads that declare some.

    Raises:
        DataError: names the head, the target, and what there is instead.
    """
    examples: dict[str, Sample] = {}
    missing = [(head.name, target) for head in heads for target in getattr(head, "targets", ())]
    found: set[str] = set()
    last, read = len(dataset) - 1, 0
    spread = [sorted({round(k * last / (n - 1)) for k in range(n)}) for n in (LOOKED_AT, AT_MOST)]
    for index in dict.fromkeys(spread[0] + spread[1]):
        if not missing:
            break
        try:
            sample = dataset[index]
            if transform is not None:  # it may make targets
                sample = transform(sample, sample_rng(seed, 0, index))
        except Exception:
            continue  # what is broken is told, or skipped, in the epoch
        read += 1
        found.update(sample.targets)
        for head in heads:
            if getattr(head, "targets", ()) and labelled(head, sample):
                examples.setdefault(head.name, sample)
        missing = [(name, target) for name, target in missing if target not in sample.targets]
    if missing and read:
        name, target = missing[0]
        raise DataError(
            f"The head {name!r} learns the target {target!r}, and none of {read} samples has it",
            expected=f"the target {target!r}",
            received=f"the targets {sorted(found)}",
            where=repr(dataset),
            fix="let the dataset give it (see its settings, e.g. masks=True), mix in one that "
            "does, or leave the head out",
        )
    return examples


def stand_ins(
    heads: Sequence[Encoder], examples: Mapping[str, Sample], input_size: tuple[int, int]
) -> dict[str, Mapping[str, Any]]:
    """Head -> labels that are bound for samples without its targets, whose losses have no weight.

    They are those of a sample that has them: of zeros, a loss may have no derivative, and then no
    weight makes it zero.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for head in heads:
        try:
            found[head.name] = head.encode(examples[head.name])
        except Exception:  # no example, or a broken one, which is told in the epoch
            found[head.name] = blank(head, input_size)
    return found
