"""Check by object counts that training has objects to learn from."""

from __future__ import annotations

import logging

from densefit.data.loader.object_counts import ANNOTATED, CROWDS, LEFT, Counts, learnable, positives
from densefit.errors import DataError

_log = logging.getLogger("densefit")

#: Share of remaining objects below which an epoch's transforms get a warning.
FEW = 1 / 3
#: Number of objects from which it is no coincidence that none remains.
ENOUGH = 8


class ObjectCheck:
    """Warn of missing objects at the end of an epoch, once for each kind of warning."""

    def __init__(self) -> None:
        self._warned: set[str] = set()

    def epoch(self, counts: Counts, total: Counts, where: str) -> None:
        """Check a whole epoch.

        Args:
            counts: counts of the epoch.
            total: counts since training began.
            where: epoch and data, named in messages.

        Raises:
            DataError: there were objects since training began, and the transforms left none, or
                no anchor or cell of a head learned any.
        """
        if ANNOTATED not in counts:
            return
        self._none_left(total, where)
        for name, number in positives(total).items():
            self._none_learned(name, number, total, where)
        before, left = counts[ANNOTATED], counts[LEFT]
        if before and left < FEW * before:
            self._warn(
                "few",
                f"{where}: the transforms of training left only {left} of {before} objects in an "
                "epoch; are the crops' scales meant for photographs of this size? (see "
                "`relative_to`; train_batch.png of a tool's run shows what is trained on)",
            )
        for name, number in positives(counts).items():
            objects = learnable(counts, name)
            if 0 < number < objects / 2:
                self._warn(
                    f"positives {name}",
                    f"{where}, head {name!r}: only {number} anchors or cells learned one of "
                    f"{objects} objects in an epoch; do their sizes fit the head's anchors?",
                )

    def _none_left(self, total: Counts, where: str) -> None:
        before, left, crowds = total[ANNOTATED], total[LEFT], total[CROWDS]
        if not before and crowds:
            self._warn(
                "crowds",
                f"{where}: all {crowds} objects are crowds, which are not learned",
            )
        elif not before:
            self._warn("none", f"{where}: not one object in an epoch: all is background")
        elif not left and before >= ENOUGH:
            raise DataError(
                "No object is left by the transforms of training: nothing is learned from them",
                expected=f"some of the {before} objects of the epoch",
                received="none",
                where=where,
                fix="look at the scales of the crops: random_scale_crop's are relative to "
                "input_size unless it says relative_to: photograph; random_crop's windows are of "
                "the photograph's own pixels",
            )

    def _none_learned(self, name: str, number: int, total: Counts, where: str) -> None:
        objects = learnable(total, name)
        if number == 0 and objects >= ENOUGH:
            raise DataError(
                f"No anchor or cell of the head {name!r} learns an object",
                expected=f"some of the {objects} objects of its classes that the transforms left",
                received="none",
                where=f"{where}, head {name!r}",
                fix="let the sizes of its anchors fit the objects at input size, or lower "
                "iou_positive; are the objects' classes those of the head?",
            )

    def _warn(self, key: str, text: str) -> None:
        if key not in self._warned:
            self._warned.add(key)
            _log.warning("%s", text)
