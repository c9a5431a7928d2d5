"""Check a batch before it is computed: names, shapes, types, and the number of real rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from densefit.data.batch import ArraySpec, Batch
from densefit.data.csr_array import CSRArray
from densefit.engine.graph_check import where_of
from densefit.errors import BindError, DataError
from densefit.model.heads.adapter import HeadAdapter

if TYPE_CHECKING:
    from densefit.engine.batch_reader import BatchReader


class BatchCheck:
    """Compare the batches of a reader with the specs that its iterator announces.

    Args:
        reader: reader of the iterator.
    """

    def __init__(self, reader: BatchReader) -> None:
        self._reader = reader
        #: What labelled samples are counted for, and its head.
        self._counted = [
            (key, adapter.name) for adapter in reader.adapters for key in adapter.label_groups
        ]
        #: Heads that look for something in each batch.
        self._looking = [
            adapter
            for adapter in reader.adapters
            if type(adapter).check_batch is not HeadAdapter.check_batch
        ]

    def __call__(self, batch: Batch, first: int, is_padding_kept: bool = False) -> Batch:
        """Return the checked batch, with named arrays and an id for each sample.

        Args:
            batch: batch of a source.
            first: number of its first row, used as id if it has no ids.
            is_padding_kept: whether padding counts as samples.

        Raises:
            BindError: arrays are missing, superfluous or misshaped.
            DataError: the batch consists of padding, has fewer ids than samples, or contains
                objects that are not arrays.
        """
        reader = self._reader
        self._check_arrays("data", batch.data, reader.data_specs)
        self._check_arrays("label", batch.labels, reader.read_specs)
        rows = next(iter(batch.data.values())).shape[0]
        real = rows if is_padding_kept else batch.real
        arrays = {**batch.data, **batch.labels}
        for spec in (*reader.data_specs, *reader.read_specs):
            array = arrays[spec.name]
            # The last batch may be smaller; all arrays then have the same number of rows.
            if array.shape[0] * reader.batch_size != rows * spec.shape[0]:
                raise self._misshaped(spec, array, rows)
        ids, targets, geometries = batch.ids, batch.targets, batch.geometries
        if len(ids) > real:
            ids = ids[:real]
        if targets is not None and len(targets) > real:
            targets = targets[:real]
        if geometries is not None and len(geometries) > real:
            geometries = geometries[:real]
        lengths = {
            len(entries) for entries in (ids or None, targets, geometries) if entries is not None
        }
        is_shared = getattr(reader.iterator, "global_batch_size", 0) > reader.batch_size
        least = 0 if is_shared else 1  # a rank may have no sample in an epoch's last batch
        if not least <= real <= rows or lengths - {real}:
            raise DataError(
                f"A batch of the {reader.where} data has a wrong number of padded rows or ids",
                expected="0 <= pad < rows; an id, targets and a geometry for each real row",
                received=f"pad={rows - real} of {rows} rows, ids {ids or None}",
            )
        checked = replace(
            batch,
            real=real,
            ids=ids or [str(number) for number in range(first, first + real)],
            targets=targets,
            geometries=geometries,
            labelled=self._labelled(batch, real),
            matches=reader.matches,
        )
        for adapter in self._looking:
            adapter.check_batch(checked)
        return checked

    def _labelled(self, batch: Batch, real: int) -> dict[str, np.ndarray]:
        """What is counted -> (real,) bool, of all heads."""
        stated = batch.labelled
        return {
            key: np.asarray(stated.get(key, stated.get(head, np.ones(real))), bool)[:real]
            for key, head in self._counted
        }

    def _check_arrays(
        self, kind: str, arrays: dict[str, Any], announced: Sequence[ArraySpec]
    ) -> None:
        """Raise unless there is an array, of a type and shape that fit, for each spec."""
        reader = self._reader
        names = {spec.name for spec in announced}
        if len(arrays) != len(announced) or names != arrays.keys():
            absent = [spec.name for spec in announced if spec.name not in arrays]
            is_renamed = set(arrays) - {spec.name for spec in announced}
            raise BindError(
                f"A batch of the {reader.where} data has {len(arrays)} {kind} arrays"
                + (f", called {list(arrays)}" if is_renamed else ""),
                expected=[spec.name for spec in announced],
                received=[np.shape(array) for array in arrays.values()],
                where=where_of(reader, absent) or "no head uses the surplus",
                fix=f"yield one array for each entry of provide_{kind}, in its order",
            )
        for spec in announced:
            array = arrays[spec.name]
            if not isinstance(array, (np.ndarray, CSRArray)):
                raise DataError(
                    f"The array {spec.name!r} of a batch of the {reader.where} data is no NDArray "
                    "or numpy array",
                    received=f"{type(array).__module__}.{type(array).__name__}",
                    where=where_of(reader, [spec.name]) or "network input",
                    fix="wrap it: mx.nd.array(...)",
                )
            # MXNet would copy floats into an array of bytes without a word.
            fits = np.can_cast(array.dtype, spec.dtype, "same_kind")
            fixed = slice(1, 2) if reader.sizes_vary else slice(1, None)
            same = reader.shapes_vary or array.shape[fixed] == tuple(spec.shape[fixed])
            if not same or array.ndim != len(spec.shape) or not fits:
                raise self._misshaped(spec, array, array.shape[0] if array.ndim else 0)

    def _misshaped(self, spec: ArraySpec, array: Any, rows: int) -> BindError:
        reader = self._reader
        return BindError(
            f"The array {spec.name!r} of a batch of the {reader.where} data is not as announced",
            expected=f"{tuple(spec.shape)} {np.dtype(spec.dtype).name}",
            received=f"{tuple(array.shape)} {np.dtype(array.dtype).name}, in a batch of {rows} "
            "rows",
            where=where_of(reader, [spec.name]) or "network input",
        )
