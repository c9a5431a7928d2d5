"""Batches of any iterator, each checked before the network sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from densefit.data.batch import ArraySpec, Batch
from densefit.data.classes.class_matching import ClassMatcher
from densefit.data.classes.target_mapping import TargetMapping
from densefit.engine.batch_check import BatchCheck
from densefit.engine.epochs import Epochs
from densefit.engine.iterator_info import check_iterator, last_real, specs
from densefit.engine.repeats import Repeats
from densefit.engine.sources import source_of
from densefit.errors import BindError, DataError, located
from densefit.model.heads.adapter import HeadAdapter
from densefit.model.heads.network_head import NetworkHead


class BatchReader:
    """Reads and checks the batches of one iterator.

    Args:
        iterator: a densefit Loader, an `mx.io.DataIter`, or what a source is registered for.
        adapters: the heads that its batches are for.
        where: what the iterator is for, to be named in errors ("train", "validation").

    Attributes:
        data_specs, label_specs: specs of the arrays that the iterator announces.
        batch_size: rows of a full batch.
        source: says which rows of the iterator's batches are samples.
        epochs: of training.
        length: batches an epoch; None if the iterator does not say.
        keeps_padding: whether padding is trained as samples, because the symbol cannot do without.
        last_real: samples in the last batch of an epoch; None if the iterator does not say.
        is_sliced: whether its epochs are slices of the data, too short to have labels for all.
        covering: epochs after which every sample has come.
        sizes_vary: whether the images of each batch have a size of their own, and batches as
            many rows as they need; the first axes are then as announced.
        shapes_vary: whether batches may have any shapes that the symbol can compute with.
        matches: head -> how the data's class numbers become the head's, as `match` read it.
        has_compared: whether outputs of one number a batch were compared with their halves'.
        repeats: looks for samples that come twice in a scoring pass; None: nobody does.

    Raises:
        DataError: it is no iterator of batches, or the batch is not the first axis.
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
        self.label_specs = specs(iterator.provide_label)
        self.batch_size = batch_size_of(self.data_specs, self.label_specs, where)
        self.sizes_vary = bool(getattr(iterator, "sizes_vary", False))
        # Batches of a user's Symbol may have any shapes that it can compute with, as in Module.
        self.shapes_vary = bool(self.adapters) and not any(
            adapter.fixed_shapes for adapter in self.adapters
        )
        heads = [adapter.head for adapter in self.adapters if isinstance(adapter, NetworkHead)]
        self._matcher = ClassMatcher(getattr(iterator, "dataset", None), heads)
        self.matches: Mapping[str, TargetMapping] = {}
        self.last_real = last_real(iterator, self.length, self.source.samples, self.batch_size)
        self._check = BatchCheck(self)

    def match(self) -> None:
        """Match the class numbers of the data with the heads' by their names, as these are now.

        Raises:
            ConfigError: the data have a class that a head lacks.
        """
        with located(f"{self.where} data"):
            self.matches = self._matcher()

    @property
    def specs(self) -> list[ArraySpec]:
        """Specs of all arrays that are announced, data first."""
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
        """The batches of an epoch past its first `skip`.

        Args:
            epoch: its number.
            skip: batches.
            position: `Batch.position` of the last of these, if it had one.
            scoring: each sample once, in place of an epoch of training.

        Raises:
            DataError: there is no batch, or one is not as announced.
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
            yield checked
        if not scoring and seen:
            self.epochs.describe(seen, number + 1 + (skip if unread == 0 else 0))
        if seen == 0 and skip == 0:
            raise DataError(
                f"The {self.where} data yielded no batch",
                received=f"{type(self.iterator).__name__} with batch size {self.batch_size}",
                where=f"heads {', '.join(adapter.name for adapter in self.adapters)}",
                fix="is the dataset empty, or smaller than one batch with the last one dropped?",
            )


def batch_size_of(data: Sequence[ArraySpec], labels: Sequence[ArraySpec], where: str) -> int:
    """Rows of a full batch, by the specs of its arrays.

    Raises:
        DataError: there is no input, or the batch is not the first axis of an array.
        BindError: the inputs have different numbers of rows.
    """
    if not data:
        raise DataError(f"The {where} data provide no input", received="provide_data []")
    for spec in [*data, *labels]:
        if spec.batch_axis not in (0, -1):
            raise DataError(
                f"The array {spec.name!r} of the {where} data has its samples on another "
                "axis than the first",
                expected="a layout that begins with N",
                received=f"layout {spec.layout}",
                fix="give samples first, and turn the axes in the symbol: "
                "mx.sym.swapaxes(data, dim1=0, dim2=1)",
            )
    rows = int(data[0].shape[0])
    for spec in data:
        if spec.shape[0] != rows:
            raise BindError(
                f"The inputs of the {where} data have different numbers of rows",
                expected="one row a sample in each",
                received=[f"{spec.name}: {tuple(spec.shape)}" for spec in data],
                where=f"input {spec.name!r}",
                fix="let the symbol reshape what has several rows a sample",
            )
    return rows
