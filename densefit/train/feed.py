"""Batches in, arrays by name out: every batch is checked before the network sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from densefit.backend import mx
from densefit.errors import BindError, DataError
from densefit.model.route import Wire
from densefit.registry import nearest


@dataclass
class Fed:
    """A batch by name.

    Attributes:
        data, label: name -> NDArray with all rows, padding included.
        rows: rows of the data arrays.
        real: rows that are samples; the others are padding at the end.
        ids: of the real rows.
        targets, geometries: of the real rows, if the loader carries them.
    """

    data: dict[str, Any]
    label: dict[str, Any]
    rows: int
    real: int
    ids: list[str]
    targets: list[dict[str, Any]] | None
    geometries: list[Any] | None


def descs(provided: Any) -> list[Any]:
    """`provide_data` or `provide_label` as a list of DataDesc (iterators may give plain pairs)."""
    return [
        desc if isinstance(desc, mx.io.DataDesc) else mx.io.DataDesc(desc[0], desc[1])
        for desc in provided or []
    ]


class Feeder:
    """Names and checks the batches of one iterator.

    Args:
        iterator: a densefit Loader or any `mx.io.DataIter`.
        wires: the heads, to be named in errors.
        where: what the iterator is for, to be named in errors ("train", "validation").
    """

    def __init__(self, iterator: Any, wires: Sequence[Wire], where: str) -> None:
        for wanted in ("provide_data", "provide_label", "reset"):
            if not hasattr(iterator, wanted):
                raise DataError(
                    f"The {where} data are no iterator of batches",
                    expected="a densefit Loader or an mx.io.DataIter",
                    received=f"{type(iterator).__name__} (it has no {wanted})",
                    fix="df.Loader(dataset, ...) or mx.io.NDArrayIter(...)",
                )
        self.iterator = iterator
        self.wires = list(wires)
        self.where = where
        self.data_descs = descs(iterator.provide_data)
        self.label_descs = descs(iterator.provide_label)
        self.batch_size = int(self.data_descs[0].shape[0])

    def batches(self, epoch: int = 0, skip: int = 0) -> Iterator[Fed]:
        """The batches of an epoch past its first `skip`: the iterator is reset first.

        Raises:
            DataError: there is no batch, or one is not as announced.
        """
        if hasattr(self.iterator, "set_epoch"):
            self.iterator.set_epoch(epoch, skip)
            unread = 0
        else:
            self.iterator.reset()
            unread = skip
        seen = 0
        for number, batch in enumerate(self.iterator):
            if number < unread:
                continue
            fed = self.feed(batch, seen)
            seen += fed.real
            yield fed
        if seen == 0 and skip == 0:
            raise DataError(
                f"The {self.where} data yielded no batch",
                received=f"{type(self.iterator).__name__} with batch size {self.batch_size}",
                where=f"heads {', '.join(wire.name for wire in self.wires)}",
                fix="is the dataset empty, or smaller than one batch with the last one dropped?",
            )

    def feed(self, batch: Any, first: int) -> Fed:
        """Name and check one batch; `first` numbers its first row when it carries no ids."""
        data_descs = descs(getattr(batch, "provide_data", None)) or self.data_descs
        label_descs = descs(getattr(batch, "provide_label", None)) or self.label_descs
        labels = list(batch.label or [])
        if len(labels) != len(label_descs):
            missing = [desc.name for desc in label_descs[len(labels) :]]
            raise BindError(
                f"A batch of the {self.where} data has {len(labels)} labels, not "
                f"{len(label_descs)}",
                expected=[desc.name for desc in label_descs],
                received=[array.shape for array in labels],
                where=self._heads_of(missing) or "no head uses the surplus",
                fix="yield one array for each entry of provide_label, in its order",
            )
        data = self._named(batch.data, data_descs, None)
        rows = next(iter(data.values())).shape[0]
        label = self._named(labels, label_descs, rows)
        real = rows - int(getattr(batch, "pad", 0) or 0)
        ids = getattr(batch, "ids", None)
        return Fed(
            data,
            label,
            rows,
            real,
            [str(i) for i in range(first, first + real)] if ids is None else list(ids)[:real],
            getattr(batch, "targets", None),
            getattr(batch, "geometries", None),
        )

    def _named(self, arrays: Sequence[Any], wanted: Sequence[Any], rows: int | None) -> Any:
        if len(arrays) != len(wanted):
            raise BindError(
                f"A batch of the {self.where} data has {len(arrays)} data arrays",
                expected=[desc.name for desc in wanted],
                received=[array.shape for array in arrays],
            )
        for array, desc in zip(arrays, wanted):
            # a last batch may be smaller: all arrays then shrink alike
            scale = desc.shape[0] // self.batch_size if self.batch_size else 1
            fits = rows is None or array.shape[0] == rows * max(1, scale)
            if array.shape[1:] != tuple(desc.shape[1:]) or not fits:
                raise BindError(
                    f"The array {desc.name!r} of a batch of the {self.where} data has another "
                    "shape than announced",
                    expected=tuple(desc.shape),
                    received=f"{array.shape}, in a batch of {rows or array.shape[0]} rows",
                    where=self._heads_of([desc.name]) or "network input",
                )
        return {desc.name: array for desc, array in zip(wanted, arrays)}

    def _heads_of(self, labels: Sequence[str]) -> str:
        heads = [wire.name for wire in self.wires if set(labels) & set(wire.labels)]
        return f"head {', '.join(heads)}" if heads else ""

    def check_labels(self, bound: Sequence[str]) -> None:
        """Every label that a head needs is provided, and none is provided that nothing needs.

        Args:
            bound: labels that the train graph binds.

        Raises:
            BindError: naming the head.
        """
        provided = [desc.name for desc in self.label_descs]
        for wire in self.wires:
            for label in wire.labels:
                if label not in provided:
                    raise BindError(
                        f"The head {wire.name!r} needs the label {label!r}, which the "
                        f"{self.where} data do not provide",
                        expected=wire.labels,
                        received=f"provide_label {provided}",
                        where=f"head {wire.name}",
                        fix=nearest(label, provided),
                    )
        used = {label for wire in self.wires for label in wire.labels} | set(bound)
        for label in provided:
            if label not in used:
                heads = "; ".join(f"head {wire.name}: {wire.labels}" for wire in self.wires)
                raise BindError(
                    f"The {self.where} data provide the label {label!r}, which no head uses",
                    expected=heads or "no label",
                    received=f"provide_label {provided}",
                    fix=nearest(label, used),
                )
        for label in bound:
            if label not in provided:
                raise BindError(
                    f"The symbol's loss needs the label {label!r}, which the {self.where} data "
                    "do not provide",
                    received=f"provide_label {provided}",
                    where=self._heads_of([label]) or "no head names it",
                    fix=nearest(label, provided),
                )
