"""Check that each head sees labels: a head without labels is not trained."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from densefit.errors import DataError
from densefit.model.heads.adapter import HeadAdapter

_log = logging.getLogger("densefit")


class LabelCheck:
    """Check the numbers of labelled samples that heads have seen.

    Args:
        adapters: adapters of the heads.
        where: purpose of the data, for messages.
    """

    def __init__(self, adapters: Sequence[HeadAdapter], where: str) -> None:
        self._adapters, self._where = list(adapters), where
        self._warned: set[str] = set()
        self._needed = {key for adapter in adapters for key in adapter.needed_groups}

    def check(self, labelled: Mapping[str, int], updates: int) -> None:
        """Raise DataError if a head, or a term of its loss, has never seen a label.

        Args:
            labelled: head or loss term -> labelled samples since the training began.
            updates: number of updates of the training.
        """
        for key, count in labelled.items():
            if count == 0 and key in self._needed:
                what, head = self._describe(key)
                raise DataError(
                    f"{what} has not seen one labelled sample: it is not trained",
                    expected="samples with the targets that the head declares",
                    received=f"none in {updates} updates",
                    where=f"head {head}, {self._where} data",
                    fix="do samples have the targets? Are these few, or of a dataset with a small "
                    "share of a mixture, none may have come yet: raise it (ratio, temperature), or "
                    "wait longer with fit(label_within=N). Without a shuffle, last='drop' drops "
                    "the same ones for ever. Or all they say is unknown or out of the head's range "
                    "(all void, class -1, depths beyond max_depth: see `scale`). Else let the "
                    "dataset give them (see its settings, e.g. masks=True), mix in one that does, "
                    "or leave the head out",
                )

    def warn_at_end(self, labelled: Mapping[str, int], updates: int) -> None:
        """Warn about heads without labels at the end of a training too short for `check`.

        Args:
            labelled: head or loss term -> labelled samples since the training began.
            updates: number of updates of the training.
        """
        for key in [k for k, count in labelled.items() if count == 0 and k in self._needed]:
            _log.warning(
                "%s has not seen one labelled sample in the %d updates of this training: it is not "
                "trained, and its numbers are nan",
                *(self._describe(key)[0], updates),
            )

    def warn_of_epoch(self, numbers: Mapping[str, float], epoch: int) -> None:
        """Warn once about each head without labels in an epoch, whose numbers are nan.

        Args:
            numbers: logged numbers of the epoch.
            epoch: index of the epoch.
        """
        for adapter in self._adapters:
            for key in adapter.needed_groups:
                if numbers.get(f"{key}/labelled") == 0 and key not in self._warned:
                    self._warned.add(key)
                    _log.warning(
                        "Epoch %d of the %s data had no labelled sample: %s was not trained there, "
                        "and its numbers are nan. Later epochs without one are not told",
                        *(epoch + 1, self._where, self._describe(key)[0]),
                    )

    def _describe(self, key: str) -> tuple[str, str]:
        """Describe a head or loss term, and return its head."""
        (head,) = [adapter.name for adapter in self._adapters if key in adapter.label_groups]
        if key == head:
            return f"The head {head!r}", head
        return f"The loss {key[len(head) + 1 :]!r} of the head {head!r}", head


def warn_unscored(heads: Sequence[str], where: str) -> None:
    """Warn that heads have no scores.

    Args:
        heads: names of the heads; no warning if empty.
        where: description of the data.
    """
    if heads:
        _log.warning(
            "No sample of the %s is labelled for %s: not scored there, the other heads are",
            where,
            ", ".join(f"the head {head!r}" for head in heads),
        )


def no_label(
    heads: Iterable[str], where: str, expected: str | None = None, received: str | None = None
) -> DataError:
    """Make the error for data without any label for heads that should be scored.

    Args:
        heads: names of the heads.
        where: description of the data.
        expected: targets that the heads read.
        received: targets of the data.
    """
    return DataError(
        f"No sample is labelled for the heads {sorted(heads)}",
        expected=expected,
        received=received,
        where=where,
        fix="let the dataset give their targets (see its settings, e.g. masks=True), or score "
        "other heads: score(..., heads=[...]); a fit scores those of its validation that have "
        "labels there",
    )
