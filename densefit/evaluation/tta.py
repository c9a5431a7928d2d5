"""Views of samples through the eval graph, merged into one prediction for each sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from densefit.backend import mx
from densefit.data.loader.views import View, Views
from densefit.engine.batch_reader import Feeder
from densefit.engine.finite import OutputCheck
from densefit.engine.mxnet.learner import Learner
from densefit.errors import ConfigError, DataError
from densefit.model.heads.adapter import Wire
from densefit.model.heads.network_head import HeadWire
from densefit.model.tta.view_merger import Merger


@dataclass
class Viewed:
    """A sample that was looked at.

    Attributes:
        id: of the sample.
        targets: its original targets.
        predictions: head -> prediction, in original image coordinates.
    """

    id: str
    targets: Mapping[str, Any]
    predictions: dict[str, Any]


class _Open:
    """A sample whose views are coming in."""

    def __init__(self, key: str, targets: Mapping[str, Any], mergers: dict[str, Merger]) -> None:
        self.key, self.targets, self.mergers = key, targets, mergers

    def close(self) -> Viewed:
        found = {name: merger.result() for name, merger in self.mergers.items()}
        return Viewed(self.key, self.targets, found)


def views_of(data: Any, wires: Iterable[Wire]) -> bool:
    """Whether the batches of `data` hold views of samples.

    Raises:
        ConfigError: they do, and a wire is no head's: nobody knows how to merge its outputs.
    """
    if not isinstance(getattr(data, "views", None), Views):
        return False
    for wire in wires:
        if not isinstance(wire, HeadWire):
            raise ConfigError(
                "Views are merged by heads, and this output belongs to none",
                received=f"the route {wire.name!r} of a symbol",
                fix="score with a Loader, or make a Head of it",
            )
    return True


def viewed(learner: Learner, feeder: Feeder, nonfinite: str = "warn") -> Iterator[Viewed]:
    """Every sample of a ViewLoader once, in its order, with predictions merged from its views.

    Args:
        learner: that computes the outputs of the mode "views".
        feeder: of a ViewLoader, for heads only.
        nonfinite: what happens to outputs that are not finite: "warn" or "raise".
    """
    check = OutputCheck(feeder.wires, "views", feeder.where, nonfinite)
    with check.whole():
        yield from _viewed(learner, feeder, check)


def _viewed(learner: Learner, feeder: Feeder, check: OutputCheck) -> Iterator[Viewed]:
    wires = [wire for wire in feeder.wires if isinstance(wire, HeadWire)]
    complete: list[_Open] = []
    open_: _Open | None = None
    ids: list[str] = []
    sums: dict[str, Any] = {}
    for fed in feeder.batches(scoring=True):
        pending = learner.start_views(fed, feeder)
        # Those of the batch before, while this one is being computed.
        check.look(ids, {name: array.asnumpy() for name, array in sums.items()})
        ids, sums = fed.ids, _sums(wires, pending.arrays, fed.real)
        for sample in complete:
            yield sample.close()
        complete = []
        if fed.targets is None or fed.geometries is None:
            raise DataError("The batches are no views", received=type(feeder.iterator).__name__)
        for row, (key, view) in enumerate(zip(fed.ids, fed.geometries)):
            if open_ is None or open_.key != key:
                if open_ is not None:
                    complete.append(open_)
                mergers = {wire.name: wire.head.view_merger(view.size) for wire in wires}
                open_ = _Open(key, fed.targets[row], mergers)
            for wire in wires:
                _add(wire, open_.mergers[wire.name], pending.arrays, row, view)
    check.look(ids, {name: array.asnumpy() for name, array in sums.items()})
    if open_ is not None:
        complete.append(open_)
    for sample in complete:
        yield sample.close()


def _sums(wires: list[HeadWire], arrays: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """The sum of each sample's numbers, which is not finite if one of these is not.

    The maps themselves stay on the device.
    """
    names = [name for wire in wires for name in wire.outputs("views")]
    return {name: mx.nd.sum(arrays[name].reshape((rows, -1)), axis=1) for name in names}


def _add(wire: HeadWire, merger: Merger, arrays: Mapping[str, Any], row: int, view: View) -> None:
    """Give a merger one row of the head's outputs, under the head's own names for them."""
    own = {}
    for name in wire.outputs("views"):
        rows = wire.rows(name)
        own[name[len(wire.name) + 1 :]] = arrays[name][row * rows : (row + 1) * rows]
    merger.add(own, view)
