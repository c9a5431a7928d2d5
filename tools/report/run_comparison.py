"""Compare runs side by side: test scores, settings that differ, curves in one picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from densefit.callbacks.curve_series import TRAIN, main_keys
from densefit.callbacks.loss_text import LOSS
from densefit.callbacks.main_number import is_main
from densefit.datasets.files.json_file import read_json
from densefit.errors import ConfigError
from densefit.tools.recipes.run.setting_differences import differing_settings
from densefit.tools.report.run_history import Run, directions, read_runs
from densefit.tools.report.run_plots import draw
from densefit.tools.report.table import format_score
from densefit.tools.report.wide_table import print_rows
from densefit.yaml_files.document import read_document

_IGNORED = ("out", "resume")
_LONG = 32  # letters of a setting's value
_ABSENT = "-"


@dataclass(frozen=True)
class ComparedRun:
    """What a run's folder says about it.

    Attributes:
        history: the history, with the run's name.
        recipe: the settings; empty if they are not recorded.
        scores: test scores, nan where undefined; empty if the run is not finished.
        primary: primary score -> whether higher is better.
        about: what was scored: `split` and `samples`.
    """

    history: Run
    recipe: Mapping[str, Any]
    scores: Mapping[str, float]
    primary: Mapping[str, bool]
    about: Mapping[str, Any]

    @property
    def heads(self) -> frozenset[str]:
        """Names of the trained heads."""
        heads = self.recipe.get("model", {}).get("heads", {})
        only = self.recipe.get("only") or heads
        if heads:
            return frozenset(name for name in heads if name in only)
        trained = [line for line in self.history.lines if line["kind"] in ("update", "epoch")]
        return frozenset(key.split("/")[0] for line in trained for key in line if "/" in key)


def read_compared(folders: Sequence[str]) -> list[ComparedRun]:
    """Read the runs in folders, under the shortest unique names.

    Raises:
        ConfigError: fewer than two folders, or one twice.
        DataError: a folder has no history.
    """
    if len(folders) < 2:
        raise ConfigError(
            "A comparison needs two runs or more",
            received=", ".join(folders) or "none",
            fix="densefit compare runs/a runs/b",
        )
    return [
        _read(Path(folder), run) for folder, run in zip(folders, read_runs(folders), strict=True)
    ]


def _read(folder: Path, history: Run) -> ComparedRun:
    """Read the files beside a history, as far as they are there."""
    folder = folder if folder.is_dir() else folder.parent
    recipe: Any = {}
    if (folder / "config.yaml").is_file():
        recipe = read_document(folder / "config.yaml", "settings of the run").value
    scores, about = (
        read_json(folder / name, "scores of the run") if (folder / name).is_file() else {}
        for name in ("scores.json", "scored.json")
    )
    numbers = {key: math.nan if value is None else float(value) for key, value in scores.items()}
    recipe = recipe if isinstance(recipe, Mapping) else {}
    return ComparedRun(history, recipe, numbers, about.get("primary", {}), about)


def have_equal_heads(runs: Sequence[ComparedRun]) -> bool:
    """Whether all runs train the same heads; else they are tasks alone and together."""
    return len({run.heads for run in runs}) == 1


def compare_runs(runs: Sequence[ComparedRun], path: Path) -> None:
    """Print test scores and settings side by side, and draw all curves in one picture.

    Args:
        runs: two or more.
        path: file of the picture.
    """
    console = Console(soft_wrap=True)
    if any(run.scores for run in runs):
        print_rows(console, _title(runs), score_rows(runs))
    print_rows(console, "best validations", validation_rows(runs))
    settings = setting_rows(runs)
    if len(settings) > 1:
        print_rows(console, "settings that differ", settings)
    else:
        console.print("all settings are equal" if all(run.recipe for run in runs) else "")
    histories = [run.history for run in runs]
    trained = main_keys([line for run in histories for line in run.lines], TRAIN)
    losses = [key for key in trained if key.split("/")[-1] == LOSS] or trained
    left_out = draw(histories, losses, list(_primary(runs)), path)
    if left_out:
        print(f"not plotted, for lack of space: {', '.join(left_out)}")
    print(f"wrote {path}")


def score_rows(runs: Sequence[ComparedRun]) -> list[list[str]]:
    """Return a row for each test score of whole heads, primary scores first.

    The best of a row has a star; for two runs there is a column of differences.
    """
    primary = _primary(runs)
    heads = frozenset().union(*(run.heads for run in runs))
    keys = list(dict.fromkeys([*primary, *(key for run in runs for key in run.scores)]))
    declared = directions()
    rows = [["score", *(run.history.name for run in runs)] + ["change"] * (len(runs) == 2)]
    for key in keys:
        values = [run.scores.get(key, math.nan) for run in runs]
        if is_main(key, heads) and any(value == value for value in values):
            high = primary.get(key, declared.get(key.split("/")[-1]))
            rows.append([key, *_starred(values, high), *_change(values)])
    return rows


def validation_rows(runs: Sequence[ComparedRun]) -> list[list[str]]:
    """Return a row for each primary score: its best validation and the update."""
    histories = [run.history for run in runs]
    rows = [["score", *(run.name for run in histories)]]
    for key, high in _primary(runs).items():
        best = [run.best(key, high) for run in histories]
        values = [math.nan if line is None else float(line[key]) for line in best]
        cells = _starred(values, high)
        rows.append(
            [
                key,
                *(
                    cell if line is None else f"{cell} at {line['update']}"
                    for cell, line in zip(cells, best)
                ),
            ]
        )
    last = [str(run.lines[-1]["update"]) for run in histories]
    return [*rows, ["updates", *last]]


def setting_rows(runs: Sequence[ComparedRun]) -> list[list[str]]:
    """Return a row for each setting that differs; the first row has the runs' names."""
    differing = differing_settings([run.recipe for run in runs], _IGNORED)
    rows = [["setting", *(run.history.name for run in runs)]]
    for key, values in differing.items():
        rows.append([key, *map(_setting_text, values)])
    return rows


def _primary(runs: Sequence[ComparedRun]) -> dict[str, bool]:
    """Primary scores, recorded or as metrics declare: name -> whether higher is better."""
    recorded = {key: high for run in runs for key, high in run.primary.items()}
    if recorded:
        return recorded
    declared = directions()
    keys = dict.fromkeys(
        key for run in runs for line in run.history.validations() for key in line if "/" in key
    )
    return {key: declared[key.split("/")[-1]] for key in keys if key.split("/")[-1] in declared}


def _setting_text(value: Any) -> str:
    """Format a setting's value as a recipe has it; of a long one the begin and the end.

    >>> _setting_text(None), _setting_text("/folder/of/many/weights/mobilenet_v2.pth")
    ('null', '/folder/of/m...mobilenet_v2.pth')
    """
    text = {None: "null", True: "true", False: "false"}.get(value) if _is_word(value) else None
    text = str(value) if text is None else text
    return text if len(text) <= _LONG else f"{text[:12]}...{text[-16:]}"


def _is_word(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _title(runs: Sequence[ComparedRun]) -> str:
    """What the scores are of; runs that were scored on other data say so."""
    scored = [(run.about.get("split"), run.about.get("samples")) for run in runs if run.scores]
    split, samples = scored[0]
    if any(other != scored[0] for other in scored):
        return "test scores, which are of different data: " + "; ".join(
            f"{run.history.name} of {run.about.get('samples')} samples of {run.about.get('split')}"
            for run in runs
            if run.scores
        )
    return f"test scores, on {samples} samples of {split}"


def _starred(values: Sequence[float], high: bool | None) -> list[str]:
    """Format values, the best with a star.

    >>> _starred([0.5, 0.6, float("nan")], True), _starred([0.5, 0.5], False)
    (['0.5000', '*0.6000', '-'], ['0.5000', '0.5000'])
    """
    defined = [value for value in values if not math.isnan(value)]
    best = math.nan
    if high is not None and len(set(defined)) > 1:
        best = max(defined) if high else min(defined)
    return [f"{'*' * (value == best)}{format_score(value)}" for value in values]


def _change(values: Sequence[float]) -> list[str]:
    """Difference between two values; nothing for more."""
    if len(values) != 2:
        return []
    change = values[1] - values[0]
    return [_ABSENT if math.isnan(change) else f"{change:+.4f}"]
