"""Write the page of a training: `densefit report runs/NAME`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from densefit.checkpoint.storage import store
from densefit.config import parse
from densefit.errors import ConfigError
from densefit.tools.analysis.rescore import rescore
from densefit.tools.analysis.settings import AnalysisSettings
from densefit.tools.analysis.write import FOLDER, write_analysis
from densefit.tools.page.write import write_page
from densefit.tools.recipes.checkpoint_settings import checkpoint_path, settings
from densefit.tools.recipes.program import program
from densefit.tools.recipes.recipe import Data
from densefit.tools.recipes.words.command_line import completed
from densefit.yaml_files.paths import files_field

_TEXT = "Write report.html: one page with all that is known of a training."
_FLAGS = ("rescore",)


@dataclass
class Reporting:
    """Settings of a report.

    Args:
        checkpoint: folder of the run; may come first, without the option.
        out: file of the page; by default report.html in the run's folder.
        split: split to analyse; by default the recipe's test split, else its validation split.
        score_threshold: least score of the detections in the confusion matrix and the kinds of
            errors; by default where the mean F1 is highest.
        iou: overlap that a match of a detection with a true box exceeds.
        samples: number of samples of each head that are drawn.
        rescore: whether the best checkpoint is scored again; it is, if the run has no analysis yet
            or one of the settings above is given.
        input_size: height and width of the network's input; as trained by default.
        resize: letterbox or stretch, as trained by default.
        score_batch_size: samples per batch; changes no result.
        engine: mxnet or torch, which computes.
        devices: devices of the engine, e.g. [cuda:0]; the CPU by default.
        data: as trained by default.
        plugins: the Python files that the checkpoint was trained with (docs/plugins.md).
    """

    checkpoint: str | None = None
    out: str | None = None
    split: str | None = None
    score_threshold: float | None = None
    iou: float = 0.5
    samples: int = 48
    rescore: bool = False
    input_size: tuple[int, int] = (96, 96)
    resize: str = "letterbox"
    score_batch_size: int = 8
    engine: str | None = None
    devices: list[str] = field(default_factory=list)
    data: Data = field(default_factory=Data)
    plugins: list[str] = files_field()

    def find_checkpoint(self) -> Path:
        """Path of the run's checkpoint."""
        paths = {self.checkpoint} if self.checkpoint is not None else set()
        return checkpoint_path(paths, "densefit report runs/NAME")


_NEW = ("split", "score_threshold", "iou", "samples", "rescore")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    words = completed(sys.argv[1:] if arguments is None else arguments, "checkpoint", _FLAGS)
    return program(lambda: run(words))


def run(words: Sequence[str]) -> None:
    """Analyse the run if it has no analysis yet, or with other settings; write its page.

    Raises:
        ConfigError: no run, or settings out of range.
    """
    first, _ = parse(Reporting, words, description=_TEXT)
    if first.checkpoint is None:
        raise ConfigError("Which run?", fix="densefit report runs/NAME")
    folder = Path(first.checkpoint)
    analysis_settings = AnalysisSettings(first.score_threshold, first.iou, first.samples)
    is_asked = any(getattr(first, name) != getattr(Reporting, name) for name in _NEW)
    if is_asked or not any((folder / FOLDER).glob("*.json")):
        if is_asked or store.names(folder / "checkpoints"):
            chosen, checkpoint = settings(Reporting, _TEXT, words)
            network, passes, splits = rescore(chosen, checkpoint)
            write_analysis(folder, network, passes, splits, analysis_settings)
        else:
            print("no checkpoint: the page has no confusion matrices, curves and samples")
    path = write_page(folder, None if first.out is None else Path(first.out))
    print(f"wrote {path}")


if __name__ == "__main__":
    sys.exit(main())
