"""Check that a loader's heads encode the labels that the network's heads learn."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from densefit.data.checks.sample import read_sample
from densefit.data.classes.class_matching import ClassMatcher
from densefit.data.loader.label_encoder import labelled
from densefit.data.sample import Sample
from densefit.data.sampler import sample_rng
from densefit.data.stable_repr import stable_repr
from densefit.data.targets_present import probe_indices
from densefit.data.transforms.extra_samples import apply_transform, draw_from
from densefit.errors import ConfigError
from densefit.model.heads.adapter import HeadAdapter
from densefit.model.heads.network_head import NetworkHead

_NO_SETTINGS = ("spec", "learned_names")  # attributes of a head other than settings
_log = logging.getLogger("densefit")


def check_same_heads(iterator: Any, adapters: Sequence[HeadAdapter], where: str) -> None:
    """Compare a loader's heads with the network's, if they are different objects.

    Heads with different settings (another decoder, another weight) may encode the same labels. Up
    to 8 samples are compared; if their labels are equal, the settings are logged.

    Args:
        iterator: a densefit Loader, or an iterator with one as `data_iter`; others are ignored.
        adapters: heads of the network.
        where: purpose of the data, named in messages.

    Raises:
        ConfigError: the labels of a sample differ.
    """
    loader = getattr(iterator, "data_iter", iterator)
    theirs = {head.name: head for head in getattr(loader, "heads", ())}
    for adapter in adapters:
        if isinstance(adapter, NetworkHead) and adapter.name in theirs:
            differing = _differing(adapter.head, theirs[adapter.name])
            if differing:
                _compare(loader, adapter.head, theirs[adapter.name], differing, where)


def _differing(head: Any, other: Any) -> dict[str, tuple[str, str]]:
    """Return setting -> its values in both heads, for settings that differ."""
    if head is other:
        return {}
    if type(head) is not type(other):
        return {"head": (stable_repr(type(head)), stable_repr(type(other)))}
    ours, theirs = (
        {name: stable_repr(value) for name, value in vars(each).items() if name not in _NO_SETTINGS}
        for each in (head, other)
    )
    return {
        name: (ours.get(name, "none"), theirs.get(name, "none"))
        for name in sorted(set(ours) | set(theirs))
        if ours.get(name) != theirs.get(name)
    }


def _compare(
    loader: Any, head: Any, other: Any, differing: Mapping[str, tuple[str, str]], where: str
) -> None:
    """Compare the labels that both heads encode of some samples."""
    named = {name.lstrip("_"): values for name, values in differing.items()}
    ours, theirs = (
        ", ".join(f"{name}={values[side][:80]}" for name, values in named.items())
        for side in (0, 1)
    )
    encode, encode_theirs = _encoding(loader, head), _encoding(loader, other)
    for sample in _samples(loader, head):
        labels, other_labels = encode(sample), encode_theirs(sample)
        if set(labels) != set(other_labels) or any(
            not np.array_equal(labels[name], other_labels[name], equal_nan=True) for name in labels
        ):
            raise ConfigError(
                f"The {where} data make other labels for the head {head.name!r} than it learns",
                expected=f"those of the network's head: {ours}",
                received=f"those of a head with {theirs}",
                where=f"head {head.name}, sample {sample.id}",
                fix="df.Loader(..., heads=network.heads)",
            )
    _log.warning(
        "The %s data have a head %r of other settings than the network's (%s; the network's: %s). "
        "The labels of the samples that were looked at are the same, and the network's loss counts",
        *(where, head.name, theirs, ours),
    )


def _encoding(loader: Any, head: Any) -> Callable[[Sample], Mapping[str, Any]]:
    """Return the head's `encode`, with the dataset's class numbers mapped to the head's."""
    match = ClassMatcher(loader.dataset, [head])().get(head.name)
    if match is None:
        return head.encode  # type: ignore[no-any-return]
    return lambda sample: head.encode(replace(sample, targets=match(sample.targets)))  # type: ignore[no-any-return]


def _samples(loader: Any, head: Any) -> list[Sample]:
    """Return up to 8 transformed samples that are labelled for the head."""
    samples = []
    for index in probe_indices(loader.dataset):
        try:
            sample = read_sample(loader.dataset, index, [])
            if loader.transform is not None:
                rng = sample_rng(loader.seed, 0, index)
                draw = draw_from(loader.dataset, index, rng, skips=True)
                sample = apply_transform(loader.transform, sample, rng, draw)
        except Exception:
            continue  # a broken sample is an error, or skipped, in the epoch
        if labelled(head, sample):
            samples.append(sample)
    return samples
