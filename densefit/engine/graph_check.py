"""Check that an iterator announces the arrays that a graph and its heads read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from densefit.errors import BindError
from densefit.model.heads.adapter import HeadAdapter
from densefit.registry import nearest

if TYPE_CHECKING:
    from densefit.engine.batch_reader import BatchReader


def heads_of(reader: BatchReader, labels: Sequence[str]) -> list[str]:
    """Names of the heads that use one of the labels."""
    return [adapter.name for adapter in reader.adapters if set(labels) & set(adapter.labels)]


def where_of(reader: BatchReader, labels: Sequence[str]) -> str:
    """Heads that use one of the labels, for error messages; empty if there are none."""
    heads = heads_of(reader, labels)
    return f"head {', '.join(heads)}" if heads else ""


def check_data(reader: BatchReader, symbol: Any) -> None:
    """Check that every provided input is an argument of the symbol.

    Raises:
        BindError: an input is not an argument.
    """
    arguments = symbol.list_arguments()
    for desc in reader.data_specs:
        if desc.name not in arguments:
            raise BindError(
                f"The {reader.where} data provide the input {desc.name!r}, which the symbol "
                "does not have",
                expected="an input of the symbol",
                received=f"provide_data {[d.name for d in reader.data_specs]}",
                where=f"heads {', '.join(adapter.name for adapter in reader.adapters)}",
                fix=f"rename it in the iterator; the symbol begins with {arguments[:3]}",
            )


def check_compared(reader: BatchReader) -> None:
    """Check that every label that a metric reads is provided, or may come with the samples.

    Raises:
        BindError: a label is missing.
    """
    provided = [desc.name for desc in reader.specs]  # an input may be what is compared with
    for adapter in reader.adapters:
        for label in adapter.metric_labels:
            # A Loader's batches carry the samples' targets: `HeadAdapter.check_batch` looks there.
            if label not in provided and not hasattr(reader.iterator, "dataset"):
                raise _absent(reader, adapter, label, provided)


def check_labels(reader: BatchReader, symbol: Any, losses: Sequence[str]) -> None:
    """Check that every label that training needs is provided, and that all labels are used.

    Args:
        reader: reader of the data.
        symbol: the train graph.
        losses: labels of its loss layers.

    Raises:
        BindError: a label is missing or unused.
    """
    check_compared(reader)
    provided = {desc.name: desc for desc in reader.label_specs}
    arguments = set(symbol.list_arguments())
    for adapter in reader.adapters:
        for label in adapter.labels:
            if label in arguments and label not in {d.name for d in reader.specs}:
                raise _absent(reader, adapter, label, list(provided))
    for label in losses:
        if label not in provided and label not in [desc.name for desc in reader.data_specs]:
            raise BindError(
                f"The symbol's loss needs the label {label!r}, which the {reader.where} data "
                "do not provide",
                received=f"provide_label {list(provided)}",
                where=where_of(reader, [label]) or "no head names it",
                fix=nearest(label, provided),
            )
    used = {label for adapter in reader.adapters for label in adapter.labels} | arguments
    for label, desc in provided.items():
        if label not in used:
            heads = "; ".join(
                f"head {adapter.name}: {adapter.labels}" for adapter in reader.adapters
            )
            raise BindError(
                f"The {reader.where} data provide the label {label!r}, which no head uses",
                expected=heads or "no label",
                received=f"provide_label {list(provided)}",
                fix=nearest(label, used & {name for w in reader.adapters for name in w.labels}),
            )
        if label in arguments and desc.shape[0] != reader.batch_size:
            raise BindError(
                f"The label {label!r}, which the symbol reads, has another number of rows "
                "than the batch",
                expected=f"({reader.batch_size}, ...)",
                received=tuple(desc.shape),
                where=where_of(reader, [label]) or "no head names it",
                fix="provide one row per sample, and reshape it in the symbol",
            )


def _absent(
    reader: BatchReader, adapter: HeadAdapter, label: str, provided: Sequence[str]
) -> BindError:
    return BindError(
        f"The head {adapter.name!r} needs the label {label!r}, which the {reader.where} data do "
        "not provide",
        expected=adapter.labels,
        received=f"provide_label {list(provided)}",
        where=f"head {adapter.name}",
        fix=nearest(label, provided),
    )
