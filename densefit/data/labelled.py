"""Whether a dataset has what the heads learn."""

from __future__ import annotations

from collections.abc import Sequence

from densefit.data.encoder import Encoder
from densefit.data.sample import Dataset
from densefit.data.sampler import sample_rng
from densefit.data.work import SampleTransform
from densefit.errors import DataError

LOOKED_AT = 8


def check_labelled(
    dataset: Dataset, transform: SampleTransform | None, heads: Sequence[Encoder], seed: int
) -> None:
    """Refuse a dataset in which no sample has a target that a head declares in `targets`.

    Single samples may lack one, as in mixtures, so up to 8 samples are looked at, spread over the
    dataset; usually the first is enough. Broken samples tell nothing here.

    Raises:
        DataError: names the head, the target, and what there is instead.
    """
    missing = [(head.name, target) for head in heads for target in getattr(head, "targets", ())]
    found: set[str] = set()
    last, read = len(dataset) - 1, 0
    for index in sorted({round(k * last / (LOOKED_AT - 1)) for k in range(LOOKED_AT)}):
        if not missing:
            return
        try:
            sample = dataset[index]
            if transform is not None:  # it may make targets
                sample = transform(sample, sample_rng(seed, 0, index))
        except Exception:
            continue  # what is broken is told, or skipped, in the epoch
        read += 1
        found.update(sample.targets)
        missing = [(name, target) for name, target in missing if target not in sample.targets]
    if missing and read:
        name, target = missing[0]
        raise DataError(
            f"The head {name!r} learns the target {target!r}, and none of {read} samples has it",
            expected=f"the target {target!r}",
            received=f"the targets {sorted(found)}",
            where=repr(dataset),
            fix="let the dataset give it (see its settings, e.g. masks=True), or leave the head "
            "out; if only few samples have it: head.targets = ()",
        )
