"""Whether a dataset has what the heads learn, and what stands in where a sample has it not."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from densefit.data.annotated import all_targets
from densefit.data.checks.sample import read_sample
from densefit.data.loader.label_encoder import Encoder, blank, labelled, labelled_terms, terms_of
from densefit.data.loader.sample_task import SampleTransform
from densefit.data.sample import Dataset, Sample
from densefit.data.sample_id import dataset_key, dataset_name
from densefit.data.sampler import sample_rng
from densefit.data.targets_present import AT_MOST, LOOKED_AT, probe_indices
from densefit.data.transforms.extra_samples import apply_transform, draw_from
from densefit.errors import DataError
from densefit.once import first_time

_log = logging.getLogger("densefit")


def check_labelled(
    dataset: Dataset, transform: SampleTransform | None, heads: Sequence[Encoder], seed: int
) -> dict[str, list[Sample]]:
    """Refuse a dataset in which no sample has a target that a head declares in `targets`.

    Single samples may lack one. Where the dataset says which targets a sample has, one that has
    them is read. Else up to 64 samples are, spread over the dataset (of a mixture, over each of its
    datasets), and usually the first is enough; what none of them has may come later: a warning
    says so. Broken samples tell nothing here.

    Returns:
        Head -> transformed samples, of the heads that declare targets: one that trains it, or, of a
        head of several `terms`, as few as together have the targets of all.

    Raises:
        DataError: names the head, the target, and what there is instead.
    """
    examples: dict[str, list[Sample]] = {}
    sought = {
        head.name: set(terms_of(head)) or {""} for head in heads if getattr(head, "targets", ())
    }
    missing = [(head.name, target) for head in heads for target in getattr(head, "targets", ())]
    found: set[str] = set()
    read, looked = 0, 0
    annotated = all_targets(dataset) if missing or sought else None
    order = probe_indices(dataset) + probe_indices(dataset, AT_MOST)
    for index in dict.fromkeys(_labelled_first(annotated, heads, order)):
        if not missing and not any(sought.values()):
            break
        looked += 1
        try:
            sample = read_sample(dataset, index, [])
            if transform is not None:  # it may make targets
                rng = sample_rng(seed, 0, index)
                draw = draw_from(dataset, index, rng, skips=True)
                sample = apply_transform(transform, sample, rng, draw)
        except Exception:
            continue  # a broken sample is reported, or skipped, in the epoch
        read += 1
        found.update(sample.targets)
        for head in heads:
            if sought.get(head.name) and labelled(head, sample):
                own = {name for name, has in labelled_terms(head, sample).items() if has} or {""}
                if sought[head.name] & own:
                    examples.setdefault(head.name, []).append(sample)
                    sought[head.name] -= own
        missing = [(name, target) for name, target in missing if target not in sample.targets]
    if annotated is not None:  # by chance a transform may leave none in those that were read
        said = frozenset().union(*set(annotated))
        missing = [(name, target) for name, target in missing if target not in said]
    if missing and read:
        name, target = missing[0]
        close = difflib.get_close_matches(target, found, n=1)
        meant = f"did you mean {close[0]!r}? " if close else ""
        if annotated is None and looked < len(dataset):
            if first_time("not seen", name, target, dataset_key(dataset)):
                _log.warning(
                    "the head %r learns the target %r, and none of the %d samples that were looked "
                    "at has it, of %d; they have %s. What comes later is learned; %smethod "
                    "targets_of(index) of a dataset says what each sample has (%s)",
                    *(name, target, read, len(dataset), sorted(found)),
                    f"{meant}a " if meant else "a ",
                    dataset_name(dataset),
                )
            return examples
        raise DataError(
            f"The head {name!r} learns the target {target!r}, and none of {read} samples has it",
            expected=f"the target {target!r}",
            received=f"the targets {sorted(found)}",
            where=repr(dataset),
            fix=f"{meant}let the dataset give it (see its settings, e.g. masks=True), mix in one "
            "that does, or leave the head out",
        )
    return examples


def _labelled_first(
    annotated: Sequence[frozenset[str]] | None, heads: Sequence[Encoder], order: Sequence[int]
) -> list[int]:
    """Places to look at: those that have what the heads, and their terms, learn go first."""
    if annotated is None:
        return list(order)
    wanted = [set(getattr(head, "targets", ())) for head in heads]
    wanted += [set(term.targets) for head in heads for term in terms_of(head).values()]
    chosen: list[int] = []
    for targets in wanted:
        own = [index for index in order if targets <= annotated[index]]
        if not own:
            places = (n for n, names in enumerate(annotated) if targets <= names)
            own = list(islice(places, LOOKED_AT))
        chosen += own[:LOOKED_AT]
    chosen.sort(key=lambda index: -sum(targets <= annotated[index] for targets in wanted))
    return [*chosen, *order]


def stand_ins(
    heads: Sequence[Encoder],
    examples: Mapping[str, Sequence[Sample]],
    input_size: tuple[int, int],
    matches: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = MappingProxyType({}),
) -> dict[str, Mapping[str, Any]]:
    """Head -> labels that are bound for samples without its targets, whose losses have no weight.

    They are those of samples that have them, of each of the head's terms: of zeros, a loss may
    have no derivative, and then no weight makes it zero. Where samples differ, the one that trains
    most terms tells. Zeros where no sample was seen that has them; see
    `SampleStream.bind_first_labels`.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for head in heads:
        own: dict[str, Any] = dict(blank(head, input_size))
        known = [(sum(labelled_terms(head, s).values()), s) for s in examples.get(head.name, ())]
        for _, sample in sorted(known, key=itemgetter(0)):
            try:
                match = matches.get(head.name)
                if match is not None:
                    sample = replace(sample, targets=match(sample.targets))
                own.update(head.encode(sample))
            except Exception:  # a broken one is told in the epoch
                continue
        found[head.name] = own
    return found
