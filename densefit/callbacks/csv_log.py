"""Log a training as a CSV table: one row per epoch."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from densefit.callbacks.callback import Callback, Control, TrainState, callbacks
from densefit.callbacks.earlier_log import set_aside
from densefit.errors import DataError, writing

_FIRST = ("epoch", "update", "seconds", "lr")
_ORDER = ("train", "validation")


@callbacks.register("csv")
class CSVLog(Callback):
    """Write a row at each epoch's end, and for each validation in between.

    The columns are `epoch` (from 0), `update`, `seconds`, `lr`, then `train/<head>/<metric>` and
    `validation/<head>/<metric>`. Undefined values are `nan`, values that were not measured are
    empty; all digits are written. A metric that appears later gets a column, empty in earlier rows.
    The file is replaced atomically at each row, so that it is always complete.

    A resumed training appends to the same file, after removing the rows of repeated updates.
    A new training starts a new file; the file of an earlier training is
    renamed to `<name>-1.csv`, `<name>-2.csv` and so on.

    Args:
        path: the file; its directory is created if needed.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._rows: list[dict[str, str]] = []
        self._epoch = 0  # between epochs, the state is in the next already

    def reset(self) -> None:
        """Forget the rows."""
        self._rows, self._epoch = [], 0

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Keep the rows up to this update; rename the file of an earlier training."""
        self._begin(state, read_rows(self.path))

    def _begin(self, state: TrainState, rows: list[dict[str, str]], is_same: bool = False) -> None:
        if rows and state.update == 0 and not is_same:
            set_aside(self.path)
        done = [row for row in rows if int(row["update"]) <= state.update]
        self._rows = done if state.update > 0 else []
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._write()

    def rolled_back(self, state: TrainState, control: Control) -> None:
        """Remove the rows of updates that will be repeated."""
        self._begin(state, read_rows(self.path), is_same=True)

    def epoch_started(self, state: TrainState, control: Control) -> None:
        """Remember the epoch's number."""
        self._epoch = state.epoch

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Write the epoch's row, replacing the partial row of an interrupted epoch."""
        rows = []
        for row in self._rows:
            if int(row["epoch"]) == self._epoch and int(row["update"]) != state.update:
                row = {name: cell for name, cell in row.items() if not name.startswith("train/")}
                if set(row) == {*_FIRST}:
                    continue
            rows.append(row)
        self._rows = rows
        self._add(state, "train", state.train())

    def validated(self, state: TrainState, control: Control) -> None:
        """Write the scores, in the epoch's row if it has just ended."""
        self._add(state, "validation", state.validation)

    def state_dict(self) -> dict[str, Any]:
        """Return the epoch of the next row."""
        return {"epoch": self._epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the epoch of the next row."""
        self._epoch = state.get("epoch", 0)

    def _add(self, state: TrainState, kind: str, numbers: Mapping[str, Any]) -> None:
        if not self._rows or int(self._rows[-1]["update"]) != state.update:
            about = (self._epoch, state.update, round(state.seconds, 3), float(state.lr))
            self._rows.append({name: str(value) for name, value in zip(_FIRST, about)})
        row = self._rows[-1]
        for key, value in numbers.items():
            if value is not None:
                row[f"{kind}/{key}"] = repr(float(value))  # all digits, "nan" or "inf"
        self._write()

    def _write(self) -> None:
        columns = {name: None for row in self._rows for name in row}
        metrics = [name for name in columns if name not in _FIRST]
        metrics.sort(key=lambda name: _ORDER.index(name.split("/")[0]))
        temporary = self.path.with_name(f"{self.path.name}.tmp")
        with writing(self.path), open(temporary, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*_FIRST, *metrics], restval="")
            writer.writeheader()
            writer.writerows(self._rows)
        os.replace(temporary, self.path)


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """Read the rows of a log, without empty cells; no rows if there is no file.

    Raises:
        DataError: the file was not written by CSVLog.
    """
    path = Path(path)
    if not path.exists():
        return []
    rows = []
    # What is not UTF-8 fits no column.
    with open(path, newline="", encoding="utf-8", errors="replace") as file:
        reader = csv.DictReader(file)
        header = list(reader.fieldnames or ())
        fits = header[: len(_FIRST)] == list(_FIRST) and all(
            name.split("/")[0] in _ORDER for name in header[len(_FIRST) :]
        )
        for row in reader if fits else ():
            whole = None not in row and None not in row.values()
            fits = whole and row["update"].isdigit() and row["epoch"].isdigit()
            if not fits:
                break
            rows.append({name: cell for name, cell in row.items() if cell})
    if not fits:
        raise DataError(
            "This file is not a training's history",
            expected=f"a table with the columns {', '.join(_FIRST)}, train/... and validation/...",
            received=f"the columns {', '.join(header[:6]) or 'none'}",
            where=f"{path}, line {max(1, reader.line_num)}",
            fix="move the file away",
        )
    return rows
