"""Test-time augmentation: evaluate views of samples, and merge their predictions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from densefit.data.loader.views import View, Views
from densefit.engine.batch_reader import BatchReader
from densefit.engine.engine import Engine
from densefit.engine.finite import OutputCheck
from densefit.errors import ConfigError, DataError
from densefit.model.heads.adapter import HeadAdapter
from densefit.model.heads.network_head import NetworkHead
from densefit.model.host_arrays import to_numpy
from densefit.model.tta.view_merger import Merger


@dataclass
class MergedSample:
    """A sample with predictions merged from its views.

    Attributes:
        id: id of the sample.
        targets: original targets of the sample.
        predictions: head -> prediction, in original image coordinates.
    """

    id: str
    targets: Mapping[str, Any]
    predictions: dict[str, Any]


class _OpenSample:
    """A sample whose views are being merged."""

    def __init__(self, key: str, targets: Mapping[str, Any], mergers: dict[str, Merger]) -> None:
        self.key, self.targets, self.mergers = key, targets, mergers

    def close(self) -> MergedSample:
        predictions = {name: merger.result() for name, merger in self.mergers.items()}
        return MergedSample(self.key, self.targets, predictions)


def has_views(data: Any, adapters: Iterable[HeadAdapter]) -> bool:
    """Whether the batches of `data` contain views of samples.

    Raises:
        ConfigError: an adapter has no head that could merge the views' outputs.
    """
    if not isinstance(getattr(data, "views", None), Views):
        return False
    for adapter in adapters:
        if not isinstance(adapter, NetworkHead):
            raise ConfigError(
                "Views are merged by heads, and this output belongs to none",
                received=f"the route {adapter.name!r} of a symbol",
                fix="score with a Loader, or make a Head of it",
            )
    return True


def merge_views(
    learner: Engine, reader: BatchReader, nonfinite: str = "warn"
) -> Iterator[MergedSample]:
    """Iterate over the samples of a ViewLoader, with predictions merged from their views.

    Args:
        learner: computes the outputs of the mode "views".
        reader: reader of a ViewLoader, for heads only.
        nonfinite: policy for outputs that are not finite: "warn" or "raise".
    """
    check = OutputCheck(reader.adapters, "views", reader.where, nonfinite)
    with check.whole():
        yield from _merge_views(learner, reader, check)


def _merge_views(
    learner: Engine, reader: BatchReader, check: OutputCheck
) -> Iterator[MergedSample]:
    adapters = [adapter for adapter in reader.adapters if isinstance(adapter, NetworkHead)]
    complete: list[_OpenSample] = []
    open_: _OpenSample | None = None
    ids: list[str] = []
    sums: dict[str, Any] = {}
    for batch in reader.batches(scoring=True):
        pending = learner.compute_views(batch, reader)
        # The last batch is checked while this batch is computed.
        check.look(ids, {name: to_numpy(array) for name, array in sums.items()})
        ids, sums = batch.ids, _sums(adapters, pending.arrays, batch.real)
        for sample in complete:
            yield sample.close()
        complete = []
        if batch.targets is None or batch.geometries is None:
            raise DataError("The batches are no views", received=type(reader.iterator).__name__)
        views = cast("list[View]", batch.geometries)  # of a ViewLoader
        for row, (key, view) in enumerate(zip(batch.ids, views)):
            if open_ is None or open_.key != key:
                if open_ is not None:
                    complete.append(open_)
                mergers = {
                    adapter.name: adapter.head.view_merger(view.size) for adapter in adapters
                }
                open_ = _OpenSample(key, batch.targets[row], mergers)
            for adapter in adapters:
                _add(adapter, open_.mergers[adapter.name], pending.arrays, row, view)
    check.look(ids, {name: to_numpy(array) for name, array in sums.items()})
    if open_ is not None:
        complete.append(open_)
    for sample in complete:
        yield sample.close()


def _sums(adapters: list[NetworkHead], arrays: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Sum the outputs of each sample: the sum is not finite if an output is not.

    The maps stay on the device.
    """
    names = [name for adapter in adapters for name in adapter.outputs("views")]
    return {name: arrays[name].reshape((rows, -1)).sum(axis=1) for name in names}


def _add(
    adapter: NetworkHead, merger: Merger, arrays: Mapping[str, Any], row: int, view: View
) -> None:
    """Add a row of the head's outputs to a merger, by names without the head's prefix."""
    outputs = {}
    for name in adapter.outputs("views"):
        rows = adapter.rows(name)
        outputs[name[len(adapter.name) + 1 :]] = arrays[name][row * rows : (row + 1) * rows]
    merger.add(outputs, view)
