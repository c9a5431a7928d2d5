"""Check that a dataset has the heads' targets; labels of samples without targets."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
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
    dataset: Dataset,
    transform: SampleTransform | None,
    heads: Sequence[Encoder],
    seed: int,
    taught: Collection[str] = (),
) -> dict[str, list[Sample]]:
    """Raise DataError if no sample has a target that a head declares in `targets`.

    Single samples may lack a target. If the dataset declares its targets, one sample that has them
    is read. Otherwise up to 64 samples are read, spread over the dataset (over each dataset of a
    mixture); usually the first is enough. A target that none of these has may still occur later,
    which is logged as a warning. Broken samples are skipped. Heads in `taught` need no targets.

    Returns:
        Head -> transformed samples, for heads that declare targets: one that trains the head, or,
        for a head with several `terms`, as few samples as cover the targets of all terms.

    Raises:
        DataError: names the head, the missing target, and the targets that samples have.
    """
    examples: dict[str, list[Sample]] = {}
    sought = {
        head.name: set(terms_of(head)) or {""} for head in heads if getattr(head, "targets", ())
    }
    missing = [
        (head.name, target)
        for head in heads
        if head.name not in taught
        for target in getattr(head, "targets", ())
    ]
    targets_seen: set[str] = set()
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
        targets_seen.update(sample.targets)
        for head in heads:
            if sought.get(head.name) and labelled(head, sample):
                trained_terms = {
                    name for name, has in labelled_terms(head, sample).items() if has
                } or {""}
                if sought[head.name] & trained_terms:
                    examples.setdefault(head.name, []).append(sample)
                    sought[head.name] -= trained_terms
        missing = [(name, target) for name, target in missing if target not in sample.targets]
    if annotated is not None:  # a random transform may have removed a target from all of them
        declared = frozenset().union(*set(annotated))
        missing = [(name, target) for name, target in missing if target not in declared]
    if missing and read:
        name, target = missing[0]
        close = difflib.get_close_matches(target, targets_seen, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        if annotated is None and looked < len(dataset):
            if first_time("not seen", name, target, dataset_key(dataset)):
                _log.warning(
                    "the head %r learns the target %r, and none of the %d samples that were looked "
                    "at has it, of %d; they have %s. What comes later is learned; %smethod "
                    "targets_of(index) of a dataset says what each sample has (%s)",
                    *(name, target, read, len(dataset), sorted(targets_seen)),
                    f"{hint}a " if hint else "a ",
                    dataset_name(dataset),
                )
            return examples
        raise DataError(
            f"The head {name!r} learns the target {target!r}, and none of {read} samples has it",
            expected=f"the target {target!r}",
            received=f"the targets {sorted(targets_seen)}",
            where=repr(dataset),
            fix=f"{hint}let the dataset give it (see its settings, e.g. masks=True), mix in one "
            "that does, or leave the head out; or name a teacher, Loader(..., taught=[HEAD]) and "
            "fit(..., distill={HEAD: TEACHER})",
        )
    return examples


def _labelled_first(
    annotated: Sequence[frozenset[str]] | None, heads: Sequence[Encoder], order: Sequence[int]
) -> list[int]:
    """Indices to probe; samples with the targets of the heads and their terms go first."""
    if annotated is None:
        return list(order)
    required = [set(getattr(head, "targets", ())) for head in heads]
    required += [set(term.targets) for head in heads for term in terms_of(head).values()]
    chosen: list[int] = []
    for targets in required:
        matching = [index for index in order if targets <= annotated[index]]
        if not matching:
            all_matching = (n for n, names in enumerate(annotated) if targets <= names)
            matching = list(islice(all_matching, LOOKED_AT))
        chosen += matching[:LOOKED_AT]
    chosen.sort(key=lambda index: -sum(targets <= annotated[index] for targets in required))
    return [*chosen, *order]


def stand_ins(
    heads: Sequence[Encoder],
    examples: Mapping[str, Sequence[Sample]],
    input_size: tuple[int, int],
    matches: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = MappingProxyType({}),
) -> dict[str, Mapping[str, Any]]:
    """Placeholder labels for samples without a head's targets; their losses have weight 0.

    The labels are encoded from samples that have the targets of each term: at zeros, a loss may
    have no finite derivative, and a weight of 0 does not cancel nan. If samples differ, the one
    that trains most terms is used. Zeros if no probed sample has the targets; see
    `SampleStream.bind_first_labels`.
    """
    labels_by_head: dict[str, Mapping[str, Any]] = {}
    for head in heads:
        labels: dict[str, Any] = dict(blank(head, input_size))
        ranked = [(sum(labelled_terms(head, s).values()), s) for s in examples.get(head.name, ())]
        for _, sample in sorted(ranked, key=itemgetter(0)):
            try:
                match = matches.get(head.name)
                if match is not None:
                    sample = replace(sample, targets=match(sample.targets))
                labels.update(head.encode(sample))
            except Exception:  # a broken sample is reported in the epoch
                continue
        labels_by_head[head.name] = labels
    return labels_by_head
