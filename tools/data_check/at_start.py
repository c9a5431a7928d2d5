"""Check the data of a run before its first update; at a large size, finish behind the training."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from densefit.callbacks import Callback, Control, TrainState
from densefit.data.sample import Dataset
from densefit.data.sample_id import sample_id
from densefit.errors import ConfigError, DataError, DensefitError
from densefit.tools.data_check.check import DataCheck
from densefit.tools.data_check.findings import ERROR, WARNING, Finding
from densefit.tools.data_check.mask_files import print_unread, read_masks
from densefit.tools.data_check.report import checked, report
from densefit.tools.data_check.report_text import what_was_checked

_log = logging.getLogger("densefit")

# More headers to read, or bytes to hash, are left to a thread behind the training: 20,000 headers
# take 2 s on one core, 256 MiB half a second.
MOST_HEADERS, MOST_BYTES = 20_000, 256 << 20
_TOLD_BY_DATASETS = "dropped_object"


def check_data(
    data: Mapping[str, Dataset],
    train: Sequence[str],
    level: bool | str,
    skipping: Collection[str] = (),
    keep: Callable[[Mapping[str, Any]], object] | None = None,
) -> tuple[DataCheck | None, Callback | None]:
    """Check all splits of a run, before its first update.

    Args:
        data: name of the split -> dataset.
        train: names of the splits to train on.
        level: True, False (no check) or "deep" (decode every sample).
        skipping: names of splits whose broken samples are skipped: they are warnings.
        keep: called with the report of the check, as JSON values.

    Returns:
        The check, None if nothing was checked; and a callback that finishes it behind the training,
        if files are left to be read.

    Raises:
        ConfigError: another level.
        DataError: a sample of another split cannot be used.
    """
    if level not in (True, False, "deep"):
        raise ConfigError(
            "Unknown way to check the data",
            expected="true, false or deep",
            received=repr(level),
            where="data.check",
        )
    if not level:
        return None, None
    check = DataCheck.of(data, train)
    is_small = level == "deep" or check.missing_headers <= MOST_HEADERS
    if is_small:
        check.read_headers()
    if level == "deep":
        check.decode()
    else:
        check.read_labels()
        print_unread(*read_masks(check))
    raise_broken(check, skipping)
    is_small = is_small and check.missing_bytes <= MOST_BYTES
    if is_small:
        check.compare_images()
        check.save_cache()
    _print_checked(check, is_small)
    findings = check.findings()
    if keep is not None:
        keep(report(check, findings))
    warnings = _to_log(findings)
    _warn(warnings)
    return check, None if is_small else BackgroundCheck(check, warnings)


def raise_broken(check: DataCheck, skipping: Collection[str] = ()) -> None:
    """Raise DataError if a sample of a split that is not skipped cannot be used."""
    broken = {
        split: of_split.broken
        for split, of_split in check.splits.items()
        if of_split.broken and split not in skipping
    }
    if not broken:
        return
    split = next(iter(broken))
    index = min(broken[split])
    error: DensefitError = broken[split][index]
    name = sample_id(check.splits[split].dataset, index)
    count = sum(map(len, broken.values()))
    what = f"The sample {name!r} of the split {split!r} cannot be used: {error.what}"
    if count > 1:
        counts = ", ".join(f"{len(errors)} of {key!r}" for key, errors in broken.items())
        what = f"{count} samples cannot be used ({counts}). {what[:1]}{what[1:]}"
    fixes = [] if error.fix is None else [str(error.fix)]
    if count > 1:
        fixes.append("tools/check_data.py lists all")
    if set(broken) & set(check.train):
        fixes.append("data.on_error: skip leaves broken training samples out")
    if set(broken) - set(check.train):
        fixes.append("data.score_on_error: skip leaves broken samples out of scores")
    raise DataError(
        what,
        expected=error.expected,
        received=error.received,
        where=error.where,
        fix="; or ".join(fixes),
    ) from error


class BackgroundCheck(Callback):
    """Read headers and compare equal files in a thread, and warn of what turns up.

    Args:
        check: whose annotations and files were looked at.
        before: findings that were already told.
    """

    def __init__(self, check: DataCheck, before: Sequence[Finding]) -> None:
        self._check: DataCheck | None = check
        self._before = {(finding.kind, finding.split) for finding in before}
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._finish, name="data_check", daemon=True)
        self._thread.start()

    def fit_ended(self, state: TrainState, error: BaseException | None) -> None:
        """Stop the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _finish(self) -> None:
        check, self._check = self._check, None
        if check is None:  # a second training with the same callbacks
            return
        try:
            check.read_headers(self._stop.is_set)
            check.compare_images(self._stop.is_set)
            check.save_cache()
            findings = [
                finding
                for finding in _to_log(check.findings())
                if (finding.kind, finding.split) not in self._before
            ]
        except Exception as error:  # a failed check must not end a training
            _log.warning("the data are not checked: %s: %s", type(error).__name__, error)
            return
        _warn(findings)


def _to_log(findings: Sequence[Finding]) -> list[Finding]:
    return [
        finding
        for finding in findings
        if finding.severity in (ERROR, WARNING) and finding.kind != _TOLD_BY_DATASETS
    ]


def _warn(findings: Sequence[Finding]) -> None:
    for finding in findings:
        where = f"split {finding.split!r}: " if finding.split else ""
        names = [
            f"{example.id} {example.text}".strip()
            for example in finding.examples[:3]
            if finding.kind != "class_without_training_samples"
        ]
        examples = f"; the first: {'; '.join(names)}" if names else ""
        _log.warning("data: %s%s%s", where, finding.text, examples)


def _print_checked(check: DataCheck, is_complete: bool) -> None:
    """Print what was checked, if anything could be."""
    steps = {split: checked(check, split) for split in check.splits}
    if any(split["annotations"] or split["files"] or split["decoded"] for split in steps.values()):
        rest = "" if is_complete else "; headers and equal images are checked behind the training"
        print(f"checked {what_was_checked(steps)} ({check.seconds:.1f} s){rest}")
