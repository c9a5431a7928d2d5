"""Score a checkpoint, or the predictions of another system: `python tools/score.py --help`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from densefit.errors import ConfigError
from densefit.registry import nearest
from densefit.tools.recipes.program import program, program_name
from densefit.tools.recipes.words.command_line import completed

# Subcommand -> module, imported on demand.
_FOLDER = "densefit.tools.scoring"
COMMANDS = {kind: f"{_FOLDER}.score_{kind}" for kind in ("coco", "voc", "masks", "panoptic")}

HELP = """\
Exact scores of a trained network, or of result files of any system.

  score.py --model NAME.onnx   [--split test] [--out DIR]
  score.py --checkpoint runs/NAME [--split test] [--out DIR]
  score.py coco     --annotations GT.json --results DT.json [--iou-type segm] [--out DIR]
  score.py voc      --annotations DIR --results FILE_OR_DIR [--year 2007] [--out DIR]
  score.py masks    --truth DIR --predicted DIR --classes N [--ignore 255] [--out DIR]
  score.py panoptic --annotations GT.json --results DT.json [--out DIR]

All settings of each: score.py coco --help, ..., and score.py --checkpoint runs/NAME --help.
What the numbers mean: docs/scoring.md."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words in (["--help"], ["-h"]):
        print(HELP.replace("score.py", program_name("score")))
        return 0
    words = completed(words)
    kind = words.pop(0) if words and not words[0].startswith("-") else "trained"
    if kind != "trained" and kind not in COMMANDS:
        return program(lambda: _unknown(kind))
    module = import_module(COMMANDS.get(kind, f"{_FOLDER}.score_trained"))
    code: int = module.main(words)
    return code


def _unknown(kind: str) -> None:
    raise ConfigError(f"{kind!r} cannot be scored", fix=nearest(kind, COMMANDS))


if __name__ == "__main__":
    sys.exit(main())
