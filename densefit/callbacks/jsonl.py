"""Log a training for programs: one JSON object per line."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from densefit.callbacks.callback import Callback, Control, TrainState, callbacks
from densefit.callbacks.earlier_log import set_aside
from densefit.errors import DataError, writing
from densefit.numeric import whole

_log = logging.getLogger("densefit")


@callbacks.register("jsonl")
class JSONLines(Callback):
    """Writes `{"kind": ..., "update": ..., "epoch": ..., "seconds": ..., "lr": ..., metrics}`.

    `kind` is "update" (training metrics of the epoch so far; every few updates, and for each
    measurement of `task_affinity`), "epoch" (training metrics of the
    whole epoch) or "validation" (all scores). `epoch` counts from 0, `seconds` from the start of
    training, resumes included. Values that are not finite are null. A resumed training appends to
    the same file, after removing the lines of updates that are made again. A training that begins
    at update 0 begins a new file; an earlier training's file there is renamed to `<name>-1.jsonl`,
    `<name>-2.jsonl` and so on.

    Args:
        path: the file; its directory is made if needed.
        every: updates between lines of kind "update".

    Raises:
        ConfigError: `every` is less than 1.
    """

    def __init__(self, path: str | Path, every: int = 50) -> None:
        self.path = Path(path)
        self._epoch = 0  # between epochs, the state has the next number already
        self.every = whole(every, "every", 1, where="JSONLines")
        self._stream: TextIO | None = None
        self._seconds_before = 0.0
        self._ended: set[int] = set()  # epochs
        self._affinity: Mapping[str, float] = {}  # as last written
        self._lines = 0  # written, before a resume too
        self._saved: int | None = None  # lines when the checkpoint was written

    def reset(self) -> None:
        """Forget the lines."""
        self._epoch, self._ended, self._lines, self._saved = 0, set(), 0, None
        self._affinity = {}

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Open the file behind the lines up to this update; rename an earlier training's."""
        self._begin(state)

    def _begin(self, state: TrainState, is_same: bool = False) -> None:
        self._affinity = state.affinity
        lines = read_lines(self.path)
        if lines and state.update == 0 and not is_same:
            set_aside(self.path)
        done = [line for line in lines if line["update"] <= state.update]
        done = done if state.update > 0 else []
        # An epoch's and a validation's line may have been written after a checkpoint of the same
        # update, and are written again.
        done = done[: self._saved]
        if self._saved is not None and len(done) < self._saved and state.update > 0:
            _log.warning(
                "%s lacks %d lines of updates that were made: the disk lost them, or somebody "
                "else has written there",
                self.path,
                self._saved - len(done),
            )
        self._saved = None
        # 0 if the loop itself counts seconds over resumes.
        last = max((line["seconds"] for line in done), default=0.0)
        self._seconds_before = max(0.0, last - state.seconds)
        self._rewrite(done)

    def _rewrite(self, lines: list[dict[str, Any]]) -> None:
        """Replace the file by these lines, and append behind them."""
        self.fit_ended(None, None)
        self._lines = len(lines)
        self._ended = {line["epoch"] for line in lines if line["kind"] == "epoch"}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f"{self.path.name}.tmp")
        with writing(self.path), open(temporary, "w", encoding="utf-8") as stream:
            stream.write("".join(f"{json.dumps(line)}\n" for line in lines))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, self.path)
        self._stream = open(self.path, "a", encoding="utf-8")

    def rolled_back(self, state: TrainState, control: Control) -> None:
        """Remove the lines of updates that are made again."""
        self.fit_ended(state, None)
        self._begin(state, is_same=True)

    def epoch_started(self, state: TrainState, control: Control) -> None:
        """Remember the epoch's number."""
        self._epoch = state.epoch

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Write a line every few updates, and for each measurement of `task_affinity`."""
        is_measured = state.affinity != self._affinity
        self._affinity = state.affinity
        if is_measured or state.update % self.every == 0:
            self._write("update", state, state.train())

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Write the epoch's line, replacing the partial line of an interrupted epoch."""
        if self._epoch in self._ended and self._stream is not None:
            ended = ("epoch", self._epoch)
            lines = read_lines(self.path)
            self._rewrite([line for line in lines if (line["kind"], line["epoch"]) != ended])
        self._ended.add(self._epoch)
        self._write("epoch", state, state.train())

    def validated(self, state: TrainState, control: Control) -> None:
        """Write all scores."""
        self._write("validation", state, state.validation)

    def fit_ended(self, state: TrainState | None, error: BaseException | None) -> None:
        """Close the file."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            with writing(self.path):
                stream.close()

    def _write(self, kind: str, state: TrainState, numbers: Mapping[str, Any]) -> None:
        if self._stream is None:
            return
        line = {
            "kind": kind,
            "update": state.update,
            "epoch": self._epoch,
            "seconds": round(self._seconds_before + state.seconds, 3),
            "lr": _finite(state.lr),
            **{key: _finite(value) for key, value in numbers.items()},
        }
        with writing(self.path):
            self._stream.write(f"{json.dumps(line, allow_nan=False)}\n")
            self._stream.flush()
        self._lines += 1

    def state_dict(self) -> dict[str, Any]:
        """Return the number of lines and the epoch of the next one.

        The lines are synchronised to the disk first: a checkpoint counts on them.
        """
        if self._stream is not None:
            with writing(self.path):
                self._stream.flush()
                os.fsync(self._stream.fileno())
        return {"lines": self._lines, "epoch": self._epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the number of lines; `fit_started` removes any behind them."""
        self._saved, self._epoch = state.get("lines"), state.get("epoch", 0)


def read_lines(path: str | Path) -> list[dict[str, Any]]:
    """Read the lines of a log, without a last line that was cut off; none if there is no file.

    Lines at the end that are not text, as a disk may have after a crash, are left out too.

    Raises:
        DataError: a line before the last is not what JSONLines writes.
    """
    path = Path(path)
    if not path.exists():
        return []
    lines: list[dict[str, Any]] = []
    texts = path.read_bytes().split(b"\n")
    ending = len(texts)
    while ending > 1 and (not texts[ending - 1] or not _is_text(texts[ending - 1])):
        ending -= 1
    if any(texts[ending:]):
        _log.warning("%s: what is behind line %d is not text, and is left out", path, ending)
    for number, text in enumerate(texts[:ending], 1):
        try:
            line = json.loads(text)
            lines.append({**line, "update": int(line["update"]), "seconds": line["seconds"]})
        except (ValueError, TypeError, KeyError) as error:
            if number < len(texts):
                raise DataError(
                    "This line is not of a training's history",
                    received=repr(text[:80].decode("utf-8", "replace")),
                    where=f"{path}, line {number}",
                    fix="move the file away",
                ) from error
    return lines


def _is_text(line: bytes) -> bool:
    try:
        return "\0" not in line.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _finite(value: Any) -> float | int | None:
    """Return a finite number, None in place of nan and infinities, which JSON lacks."""
    number: float = value.item() if hasattr(value, "item") else value
    return number if math.isfinite(number) else None
