"""Batches in, arrays by name out: every batch is checked before the network sees it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.data.batch import Batch
from densefit.data.classes.class_matching import Matcher
from densefit.data.classes.target_mapping import Match
from densefit.engine.iterator_info import check_iterator, descs, last_real
from densefit.engine.mxnet.mxnet_prefetching_iter import watch
from densefit.engine.repeats import Repeats
from densefit.engine.sources import source_of, stated_pad
from densefit.errors import BindError, ConfigError, DataError, located
from densefit.model.heads.adapter import Wire
from densefit.model.heads.network_head import HeadWire
from densefit.registry import nearest

_log = logging.getLogger("densefit")


@dataclass
class Fed:
    """A batch by name.

    Attributes:
        data, label: name -> NDArray with all rows, padding included.
        rows: rows of the data arrays.
        real: rows that are samples; the others are padding at the end.
        ids: of the real rows.
        targets, geometries: of the real rows, if the loader carries them.
        labelled: head -> (real,) bool, which of the real rows have labels for it; the same by
            `<head>/<term>` for heads whose loss terms learn from different targets.
        position: in the epoch's order behind the batch, if the loader tells.
        counts: of objects in the samples, if the loader tells; see
            `densefit.data.loader.object_counts`.
        own: whether nobody else writes to its arrays. An iterator that is not of ours may fill
            them again for its next batch.
        matches: head -> how the targets' class numbers become its own; see `Matcher`.
    """

    data: dict[str, Any]
    label: dict[str, Any]
    rows: int
    real: int
    ids: list[str]
    targets: list[dict[str, Any]] | None
    geometries: list[Any] | None
    labelled: dict[str, np.ndarray]
    position: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    own: bool = False
    matches: Mapping[str, Match] = field(default_factory=dict)

    def held(self) -> Fed:
        """The batch as it is now, whatever becomes of the iterator's arrays."""
        if self.own:
            return self
        data = {name: array.copy() for name, array in self.data.items()}
        return replace(self.labels_held(), data=data, own=True)

    def labels_held(self) -> Fed:
        """The batch whose labels are as they are now; its data may be used for something else."""
        if self.own:
            return self
        return replace(self, label={name: array.copy() for name, array in self.label.items()})


def real_rows(array: Any, fed: Fed) -> Any:
    """The rows of an array of a batch that belong to samples."""
    if fed.real == fed.rows:
        return array
    return array[: array.shape[0] // fed.rows * fed.real]


class Feeder:
    """Names and checks the batches of one iterator.

    Args:
        iterator: a densefit Loader or any `mx.io.DataIter`.
        wires: the heads that its batches are for.
        where: what the iterator is for, to be named in errors ("train", "validation").

    Attributes:
        data_descs, label_descs: what the iterator announces, as DataDescs.
        batch_size: rows of a full batch.
        length: batches an epoch; None if the iterator does not tell.
        source: says which rows of the iterator's batches are samples.
        limit: batches an epoch, as the user states them for an iterator without a length or end:
            the next epoch goes on where one was cut. None: an epoch is the iterator's.
        keeps_padding: whether padding is trained as samples, because the symbol cannot do without.
        first_epoch: number of the epoch that the iterator's first is.
        last_real: samples in the last batch of an epoch; None if the iterator does not tell.
        is_sliced: whether its epochs are slices of the data, too short to have labels for all.
        covering: epochs after which every sample has come.
        sizes_vary: whether the pictures of each batch have a size of their own, and batches as
            many rows as they need; the first axes are then as announced.
        shapes_vary: whether batches may have any shapes that the symbol can compute with.
        matches: head -> how the data's class numbers become its own, as `match` found it.
        has_compared: whether outputs of one number a batch were compared with their halves'.
        repeats: looks for samples that come twice in a scoring pass; None: nobody does.

    Raises:
        DataError: it is no iterator of batches, or the batch is not the first axis.
        BindError: the inputs have different numbers of rows.
    """

    def __init__(self, iterator: Any, wires: Sequence[Wire], where: str) -> None:
        check_iterator(iterator, where)
        watch(iterator)
        self.iterator = iterator
        self.source = source_of(iterator)
        self.limit: int | None = None
        self.keeps_padding = False
        self.first_epoch = 0
        self.is_sliced = bool(getattr(iterator, "is_sliced", False))
        self.covering = int(getattr(iterator, "covering", 1))
        self.repeats: Repeats | None = None
        self.has_compared = False
        self._is_begun = False
        self._open: Iterator[tuple[Any, int]] | None = None  # an epoch that was cut
        self._is_told = False  # of an epoch with another number of rows than there are samples
        self.wires = list(wires)
        self.where = where
        self.data_descs = descs(iterator.provide_data)
        self.label_descs = descs(iterator.provide_label)
        if not self.data_descs:
            raise DataError(f"The {where} data provide no input", received="provide_data []")
        for desc in self.descs:
            if mx.io.DataDesc.get_batch_axis(desc.layout) not in (0, -1):
                raise DataError(
                    f"The array {desc.name!r} of the {where} data has its samples on another "
                    "axis than the first",
                    expected="a layout that begins with N",
                    received=f"layout {desc.layout}",
                    fix="give samples first, and turn the axes in the symbol: "
                    "mx.sym.swapaxes(data, dim1=0, dim2=1)",
                )
        self.batch_size = int(self.data_descs[0].shape[0])
        for desc in self.data_descs:
            if desc.shape[0] != self.batch_size:
                raise BindError(
                    f"The inputs of the {where} data have different numbers of rows",
                    expected="one row a sample in each",
                    received=[f"{desc.name}: {tuple(desc.shape)}" for desc in self.data_descs],
                    where=f"input {desc.name!r}",
                    fix="let the symbol reshape what has several rows a sample",
                )
        self.sizes_vary = bool(getattr(iterator, "sizes_vary", False))
        # Batches of a user's Symbol may have any shapes that it can compute with, as in Module.
        self.shapes_vary = bool(self.wires) and not any(wire.fixed_shapes for wire in self.wires)
        heads = [wire.head for wire in self.wires if isinstance(wire, HeadWire)]
        self._matcher = Matcher(getattr(iterator, "dataset", None), heads)
        self.matches: Mapping[str, Match] = {}
        self.length = self.source.length()
        self.last_real = last_real(iterator, self.length, self.source.samples, self.batch_size)

    def match(self) -> None:
        """Match the class numbers of the data with the heads' by their names, as these are now.

        Raises:
            ConfigError: the data have a class that a head lacks.
        """
        with located(f"{self.where} data"):
            self.matches = self._matcher()

    @property
    def descs(self) -> list[Any]:
        """All arrays that are announced, data first."""
        return self.data_descs + self.label_descs

    @property
    def input_size(self) -> tuple[int, int] | None:
        """(height, width) of a (B, C, H, W) input; None for anything else."""
        shape = self.data_descs[0].shape
        return (int(shape[2]), int(shape[3])) if len(shape) == 4 else None

    def batches(
        self,
        epoch: int = 0,
        skip: int = 0,
        position: int | None = None,
        scoring: bool = False,
    ) -> Iterator[Fed]:
        """The batches of an epoch past its first `skip`.

        Args:
            epoch: its number.
            skip: batches.
            position: what the last of these told, if it did.
            scoring: each sample once, in place of an epoch of training.

        Raises:
            DataError: there is no batch, or one is not as announced.
        """
        if hasattr(self.iterator, "set_epoch"):
            if position is None:
                self.iterator.set_epoch(epoch, skip)
            else:
                self.iterator.set_epoch(epoch, skip, position)
            unread = 0
            given: Iterator[tuple[Any, int]] = (
                (batch, stated_pad(batch)) for batch in self.iterator
            )
        else:
            if not scoring:
                self._catch_up(epoch)
            given = self.source.score_pass() if scoring else self._epoch()
            unread = skip
        repeats = self.repeats if scoring and self.source.index_counts else None
        if repeats is not None:
            repeats.begin()
        seen, number = 0, -1
        for number, (batch, pad) in enumerate(given):
            if number < unread:
                seen += (batch.data[0].shape[0] if batch.data else 0) - pad
                continue
            fed = self.feed(batch, seen, 0 if self.keeps_padding and not scoring else pad)
            seen += fed.real
            if repeats is not None:
                repeats.look(batch, fed)
            yield fed
        if not scoring and seen:
            self._tell_epoch(seen, number + 1 + (skip if unread == 0 else 0))
        if seen == 0 and skip == 0:
            raise DataError(
                f"The {self.where} data yielded no batch",
                received=f"{type(self.iterator).__name__} with batch size {self.batch_size}",
                where=f"heads {', '.join(wire.name for wire in self.wires)}",
                fix="is the dataset empty, or smaller than one batch with the last one dropped?",
            )

    def updates_per_epoch(self, stated: int | None, accumulate: int) -> int | None:
        """Updates an epoch; None if neither the data nor the user say.

        Where epochs differ by a batch, as those of MXNet's iterators do that go on behind the
        samples that filled up the last one, it is that of the first.

        Args:
            stated: by the user.
            accumulate: micro-batches an update.

        Raises:
            ConfigError: it is stated, and the data say something else.
        """
        batches = self.source.total(1) if self.length is None else self.length
        known = None if batches is None else -(-batches // accumulate)
        if stated is None:
            return known
        if stated < 1 or (known is not None and known != stated):
            raise ConfigError(
                "The updates of an epoch are stated otherwise than the data say",
                expected="1 or more" if known is None else f"{known}, or leave it out",
                received=f"updates_per_epoch={stated!r}",
                where=f"{self.where} data",
            )
        self.limit = stated * accumulate if known is None else None
        return stated

    def total(self, epochs: int, updates_per_epoch: int | None, accumulate: int) -> int | None:
        """Updates of so many epochs; None if that is not known.

        Args:
            epochs: from the first.
            updates_per_epoch: if known.
            accumulate: micro-batches an update.
        """
        exact = self.source.total(epochs) if self.limit is None and accumulate == 1 else None
        if exact is not None:
            return exact
        return None if updates_per_epoch is None else epochs * updates_per_epoch

    def _catch_up(self, epoch: int) -> None:
        """Read past earlier epochs, where this one depends on where they ended (a resume)."""
        missed = 0 if self._is_begun else epoch - self.first_epoch
        self._is_begun = True
        if missed < 1 or (self.limit is None and not self.source.goes_on):
            return
        if not self.source.is_at_start():
            _log.warning(
                "The %s data go on in each epoch where the last one ended, and they were read from "
                "before: the training does not go on exactly. Make the iterator anew to resume",
                self.where,
            )
            return
        _log.info(
            "The %s data of %d epochs are read again, to go on behind them", self.where, missed
        )
        for _ in range(missed):
            for _ in self._epoch():
                pass

    def _epoch(self) -> Iterator[tuple[Any, int]]:
        """An epoch of training: (batch, rows at its end that are no samples)."""
        if self.limit is None:
            yield from self.source.train_epoch()
            return
        for done in range(self.limit):
            if self._open is None:
                self._open = self.source.train_epoch()
            found = next(self._open, None)
            if found is None and not done:  # the epoch before was cut at the data's end
                self._open = self.source.train_epoch()
                found = next(self._open, None)
            if found is None:
                self._open = None
                _log.warning(
                    "The %s data ended after %d updates, and updates_per_epoch says %d: the epoch "
                    "ends there",
                    self.where,
                    done,
                    self.limit,
                )
                return
            yield found

    def _tell_epoch(self, rows: int, batches: int) -> None:
        """Log what an epoch held, where that is not each sample once or not as announced."""
        if self.limit is not None:
            return
        told, level = self.source.describe_epoch(rows), logging.WARNING
        if told is not None and self.source.makes_up:  # in training nothing is wrong with it
            level = logging.INFO
        if told is None and self.length is not None and batches != self.length:
            told = f"{batches} batches, and {self.length} were announced: a schedule ends elsewhere"
        if told is not None:
            _log.log(
                logging.DEBUG if self._is_told else level,
                "An epoch of the %s data had %s",
                self.where,
                told,
            )
            self._is_told = True

    def feed(self, batch: Any, first: int, pad: int | None = None) -> Fed:
        """Name and check one batch.

        Args:
            batch: of the iterator.
            first: numbers its first row when it carries no ids.
            pad: rows at its end that are no samples; None: what it says.

        Raises:
            BindError: arrays are missing, superfluous or misshaped; names the head.
            DataError: it consists of padding, has fewer ids than samples, or other arrays than
                NDArrays.
        """
        data = self._named("data", batch.data, batch, self.data_descs)
        label = self._named("label", batch.label, batch, self.label_descs)
        rows = int(next(iter(data.values())).shape[0])
        for desc in self.descs:
            array = data[desc.name] if desc.name in data else label[desc.name]
            # A last batch may be smaller: all arrays then shrink alike.
            if array.shape[0] * self.batch_size != rows * desc.shape[0]:
                raise self._misshaped(desc, array, rows)
        pad = stated_pad(batch) if pad is None else pad
        real = rows - pad
        ids, targets, geometries = (
            None if found is None else list(found)[:real]
            for found in (getattr(batch, name, None) for name in ("ids", "targets", "geometries"))
        )
        if not 0 < real <= rows or any(
            found is not None and len(found) != real for found in (ids, targets, geometries)
        ):
            raise DataError(
                f"A batch of the {self.where} data does not say rightly which rows are samples",
                expected="0 <= pad < rows; an id, targets and a geometry for each other row",
                received=f"pad={pad!r} of {rows} rows, ids {ids}",
            )
        if ids is None:
            ids = [str(number) for number in range(first, first + real)]
        told = getattr(batch, "labelled", None) or {}
        labelled = {
            key: np.asarray(told.get(key, told.get(wire.name, np.ones(real))), bool)[:real]
            for wire in self.wires
            for key in wire.counted
        }
        fed = Fed(data, label, rows, real, ids, targets, geometries, labelled)
        fed.position = getattr(batch, "position", None)
        fed.counts = getattr(batch, "counts", None) or {}
        fed.own = isinstance(batch, Batch)
        fed.matches = self.matches
        for wire in self.wires:
            wire.check_batch(fed)
        return fed

    def _named(self, kind: str, arrays: Any, batch: Any, announced: Sequence[Any]) -> Any:
        arrays = list(arrays or [])
        wanted = {desc.name: desc for desc in announced}
        own = getattr(batch, f"provide_{kind}", None)  # names and order; shapes are announced
        names = [desc[0] for desc in own] if own else list(wanted)
        if len(arrays) != len(names) or set(names) != set(wanted):
            absent = [name for name in wanted if name not in names[: len(arrays)]]
            raise BindError(
                f"A batch of the {self.where} data has {len(arrays)} {kind} arrays"
                + (f", called {names}" if own else ""),
                expected=list(wanted),
                received=[np.shape(array) for array in arrays],
                where=self._where(absent) or "no head uses the surplus",
                fix=f"yield one array for each entry of provide_{kind}, in its order",
            )
        for name, array in zip(names, arrays):
            desc = wanted[name]
            if not isinstance(array, mx.nd.NDArray):
                raise DataError(
                    f"The array {name!r} of a batch of the {self.where} data is no NDArray",
                    received=f"{type(array).__module__}.{type(array).__name__}",
                    where=self._where([name]) or "network input",
                    fix="wrap it: mx.nd.array(...)",
                )
            # MXNet would copy floats into an array of bytes without a word.
            fits = np.can_cast(array.dtype, desc.dtype, "same_kind")
            fixed = slice(1, 2) if self.sizes_vary else slice(1, None)
            same = tuple(array.shape[fixed]) == tuple(desc.shape[fixed]) or self.shapes_vary
            if not same or array.ndim != len(desc.shape) or not fits:
                raise self._misshaped(desc, array, array.shape[0])
        return dict(zip(names, arrays))

    def _misshaped(self, desc: Any, array: Any, rows: int) -> BindError:
        return BindError(
            f"The array {desc.name!r} of a batch of the {self.where} data is not as announced",
            expected=f"{tuple(desc.shape)} {np.dtype(desc.dtype).name}",
            received=f"{tuple(array.shape)} {np.dtype(array.dtype).name}, in a batch of {rows} "
            "rows",
            where=self._where([desc.name]) or "network input",
        )

    def heads_of(self, labels: Sequence[str]) -> list[str]:
        """Names of the heads that use one of the labels."""
        return [wire.name for wire in self.wires if set(labels) & set(wire.labels)]

    def _where(self, labels: Sequence[str]) -> str:
        heads = self.heads_of(labels)
        return f"head {', '.join(heads)}" if heads else ""

    def check_data(self, symbol: Any) -> None:
        """Every input that is provided is an argument of the symbol.

        Raises:
            BindError: one is not.
        """
        arguments = symbol.list_arguments()
        for desc in self.data_descs:
            if desc.name not in arguments:
                raise BindError(
                    f"The {self.where} data provide the input {desc.name!r}, which the symbol "
                    "does not have",
                    expected="an input of the symbol",
                    received=f"provide_data {[d.name for d in self.data_descs]}",
                    where=f"heads {', '.join(wire.name for wire in self.wires)}",
                    fix=f"rename it in the iterator; the symbol begins with {arguments[:3]}",
                )

    def check_compared(self) -> None:
        """Every label that a metric compares with is provided, or may come with the samples.

        Raises:
            BindError: naming the head.
        """
        provided = [desc.name for desc in self.descs]  # an input may be what is compared with
        for wire in self.wires:
            for label in wire.compared:
                # A Loader's batches carry the samples' targets: `Wire.check_batch` looks there.
                if label not in provided and not hasattr(self.iterator, "dataset"):
                    raise self._absent(wire, label, provided)

    def check_labels(self, symbol: Any, losses: Sequence[str]) -> None:
        """Every label that training needs is provided, and none that nothing uses.

        Args:
            symbol: the train graph.
            losses: labels of its loss layers.

        Raises:
            BindError: naming the head.
        """
        self.check_compared()
        provided = {desc.name: desc for desc in self.label_descs}
        arguments = set(symbol.list_arguments())
        for wire in self.wires:
            for label in wire.labels:
                if label in arguments and label not in {d.name for d in self.descs}:
                    raise self._absent(wire, label, list(provided))
        for label in losses:
            if label not in provided and label not in [desc.name for desc in self.data_descs]:
                raise BindError(
                    f"The symbol's loss needs the label {label!r}, which the {self.where} data "
                    "do not provide",
                    received=f"provide_label {list(provided)}",
                    where=self._where([label]) or "no head names it",
                    fix=nearest(label, provided),
                )
        used = {label for wire in self.wires for label in wire.labels} | arguments
        for label, desc in provided.items():
            if label not in used:
                heads = "; ".join(f"head {wire.name}: {wire.labels}" for wire in self.wires)
                raise BindError(
                    f"The {self.where} data provide the label {label!r}, which no head uses",
                    expected=heads or "no label",
                    received=f"provide_label {list(provided)}",
                    fix=nearest(label, used & {name for w in self.wires for name in w.labels}),
                )
            if label in arguments and desc.shape[0] != self.batch_size:
                raise BindError(
                    f"The label {label!r}, which the symbol reads, has another number of rows "
                    "than the batch",
                    expected=f"({self.batch_size}, ...)",
                    received=tuple(desc.shape),
                    where=self._where([label]) or "no head names it",
                    fix="give it one row a sample, and let the symbol reshape it",
                )

    def _absent(self, wire: Wire, label: str, provided: Sequence[str]) -> BindError:
        return BindError(
            f"The head {wire.name!r} needs the label {label!r}, which the {self.where} data do "
            "not provide",
            expected=wire.labels,
            received=f"provide_label {list(provided)}",
            where=f"head {wire.name}",
            fix=nearest(label, provided),
        )
