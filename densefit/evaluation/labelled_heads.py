"""Find the heads that a dataset has labels for, before it is scored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.data.targets_present import targets_present
from densefit.errors import DataError
from densefit.evaluation.labels_seen import no_label
from densefit.model.network import Network


def labelled_heads(
    network: Network, heads: Sequence[str], loader: Any, perhaps: bool = False
) -> list[str]:
    """Names of the heads whose declared targets are in a loader's dataset.

    Args:
        network: network with the heads.
        heads: names of the heads.
        loader: loader of the dataset.
        perhaps: whether to include heads whose targets may be in samples that were not probed.
    """
    certain, possible = certain_and_possible(network, heads, loader)
    return possible if perhaps else certain


def certain_and_possible(
    network: Network, heads: Sequence[str], loader: Any
) -> tuple[list[str], list[str]]:
    """Heads that a dataset is known to have labels for, and heads that it may have labels for."""
    declared = {head.name: set(head.targets) for head in network.heads}
    if not hasattr(loader, "dataset") or not any(declared.get(name) for name in heads):
        return list(heads), list(heads)
    target_names = set().union(*(declared.get(name, set()) for name in heads))
    # Targets before transforms, which are the ones that are scored.
    present = targets_present(loader.dataset, target_names)
    certain = [name for name in heads if declared.get(name, set()) <= present.names]
    return certain, certain if present.are_all else list(heads)


def unlabelled_error(network: Network, heads: Sequence[str], where: str) -> DataError:
    """Make the error for data without labels for `heads`, with the targets that they declare."""
    targets = {head.name: list(head.targets) for head in network.heads if head.name in heads}
    return no_label(heads, where, expected=f"the targets {targets}")
