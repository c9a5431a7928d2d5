"""Read and check batches of any iterator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from densefit.data.batch import ArraySpec, Batch
from densefit.data.classes.class_matching import ClassMatcher
from densefit.data.classes.target_mapping import TargetMapping
from densefit.engine.batch_check import BatchCheck
from densefit.engine.epochs import Epochs
from densefit.engine.iterator_info import (
    batch_size_of,
    check_iterator,
    is_part,
    last_real,
    specs,
)
from densefit.engine.repeats import Repeats
from densefit.engine.sources import source_of
from densefit.errors import DataError, located
from densefit.model.heads.adapter import HeadAdapter
from densefit.model.heads.network_head import NetworkHead


class BatchReader:
    """Read and check the batches of one iterator.

    Args:
        iterator: a densefit Loader, an `mx.io.DataIter`, or another iterator with a source.
        adapters: adapters of the heads that use the batches.
        where: purpose of the data, for error messages ("train", "validation").

    Attributes:
        data_specs: specs of the inputs that the iterator announces.
        read_specs: specs of the labels that the iterator announces.
        label_specs: these, and those of the labels that `extend` adds.
        batch_size: rows of a full batch.
        source: finds the samples among the rows of the iterator's batches.
        epochs: epochs of training.
        length: batches per epoch; None if unknown.
        keeps_padding: whether padding is trained as samples, because the symbol needs full batches.
        last_real: samples in the last batch of an epoch; None if unknown.
        is_sliced: whether epochs are slices of the data, which may lack labels for some heads.
        covering: number of epochs that cover all samples.
        sizes_vary: whether image size and number of rows vary between batches; the first axes are
            then as announced.
        shapes_vary: whether batches may have any shapes that the symbol can compute with.
        matches: head -> mapping of the data's class indices to the head's, set by `match`.
        has_compared: whether outputs of one number per batch were compared with those of halves.
        repeats: finds repeated samples in a scoring pass; None if not needed.

    Raises:
        DataError: not an iterator of batches, or the batch is not the first axis.
        BindError: the inputs have different numbers of rows.
    """

    def __init__(self, iterator: Any, adapters: Sequence[HeadAdapter], where: str) -> None:
        check_iterator(iterator, where)
        self.iterator, self.adapters, self.where = iterator, list(adapters), where
        self.source = source_of(iterator)
        self.epochs = Epochs(self.source, where)
        self.length = self.epochs.length
        self.keeps_padding = False
        self.is_sliced = bool(getattr(iterator, "is_sliced", False))
        self.covering = int(getattr(iterator, "covering", 1))
        self.repeats: Repeats | None = None
        self.has_compared = False
        self.data_specs = specs(iterator.provide_data)
        self.read_specs = self.label_specs = specs(iterator.provide_label)
        self._extension: Callable[[Batch, int], Batch] | None = None
        self.batch_size = batch_size_of(self.data_specs, self.label_specs, where)
        self.sizes_vary = bool(getattr(iterator, "sizes_vary", False))
        # Batches of a user's Symbol may have any shapes that it can compute with, as in Module.
        self.shapes_vary = bool(self.adapters) and not any(
            adapter.fixed_shapes for adapter in self.adapters
        )
        heads = [adapter.head for adapter in self.adapters if isinstance(adapter, NetworkHead)]
        self._matcher = ClassMatcher(getattr(iterator, "dataset", None), heads)
        self.matches: Mapping[str, TargetMapping] = {}
        self.last_real = (
            None
            if is_part(iterator)
            else last_real(iterator, self.length, self.source.samples, self.batch_size)
        )
        self._check = BatchCheck(self)

    def match(self) -> None:
        """Match the class indices of the data with the heads' by the current class names.

        Raises:
            ConfigError: the data have a class that a head lacks.
        """
        with located(f"{self.where} data"):
            self.matches = self._matcher()

    def extend(self, specs: Sequence[ArraySpec], extension: Callable[[Batch, int], Batch]) -> None:
        """Add labels to each batch of training that are computed from what was read.

        Args:
            specs: specs of the labels.
            extension: (checked batch, number of batches of the training before it) -> batch.
        """
        self.label_specs, self._extension = [*self.read_specs, *specs], extension

    @property
    def per_epoch(self) -> int | None:
        """Batches per epoch of training; None if neither the data nor the user state it."""
        return self.epochs.limit if self.length is None else self.length

    @property
    def specs(self) -> list[ArraySpec]:
        """Specs of all announced arrays, data first."""
        return self.data_specs + self.label_specs

    @property
    def input_size(self) -> tuple[int, int] | None:
        """(height, width) of a (B, C, H, W) input; None for anything else."""
        shape = self.data_specs[0].shape
        return (int(shape[2]), int(shape[3])) if len(shape) == 4 else None

    def batches(
        self,
        epoch: int = 0,
        skip: int = 0,
        position: int | None = None,
        scoring: bool = False,
    ) -> Iterator[Batch]:
        """Yield the batches of an epoch after the first `skip`.

        Args:
            epoch: number of the epoch.
            skip: number of batches to skip.
            position: `Batch.position` of the last skipped batch, if it has one.
            scoring: whether to yield each sample once, instead of an epoch of training.

        Raises:
            DataError: there is no batch, or a batch differs from the announced specs.
        """
        unread = 0
        if hasattr(self.iterator, "set_epoch"):
            if position is None:
                self.iterator.set_epoch(epoch, skip)
            else:
                self.iterator.set_epoch(epoch, skip, position)
            stream = self.source.read()
        else:
            stream = self.source.score_pass() if scoring else self.epochs.read(epoch)
            unread = skip
        repeats = self.repeats if scoring and self.source.index_counts else None
        if repeats is not None:
            repeats.begin()
        seen, number = 0, -1
        for number, batch in enumerate(stream):
            if number < unread:
                seen += batch.real
                continue
            checked = self._check(batch, seen, self.keeps_padding and not scoring)
            seen += checked.real
            if repeats is not None and not batch.ids:
                repeats.look(checked)
            if self._extension is not None:
                before = number if unread or not skip else number + skip
                checked = self._extension(checked, epoch * (self.per_epoch or 0) + before)
            yield checked
        if not scoring and seen:
            self.epochs.describe(seen, number + 1 + (skip if unread == 0 else 0))
        if seen == 0 and skip == 0 and not is_part(self.iterator):
            raise DataError(
                f"The {self.where} data yielded no batch",
                received=f"{type(self.iterator).__name__} with batch size {self.batch_size}",
                where=f"heads {', '.join(adapter.name for adapter in self.adapters)}",
                fix="is the dataset empty, or smaller than one batch with the last one dropped?",
            )
