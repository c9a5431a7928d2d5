"""Train a small detector on generated pictures (`densefit demo`), or write such pictures."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from densefit.config import parse
from densefit.errors import ConfigError
from densefit.tools.recipes.program import program
from densefit.tools.recipes.words.plain_words import with_dotted
from densefit.yaml_files.document import read_document

RECIPE, OUT = "ssd_resnet18_shapes", "runs/demo"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = {word.partition("=")[0] for word in words}
    if "--pictures" in options:
        return program(lambda: print(_write_pictures(words)))
    from densefit.tools import train_det  # with numpy

    if not options & {"--out", "--resume"}:
        remove_former(Path(OUT))
    return train_det.main(["--config", RECIPE, *words])


def _write_pictures(words: Sequence[str]) -> str:
    """Write a folder of generated pictures by the options of a command line."""
    from densefit.tools.conversion.generated_folder import GeneratedFolder, write_folder

    text = "Write generated pictures with labels, to try densefit without your own."
    dotted = with_dotted(words, GeneratedFolder)
    return write_folder(parse(GeneratedFolder, dotted, description=text)[0])


def remove_former(out: Path) -> None:
    """Remove the folder of an earlier demo; another training's stays."""
    try:
        recipe = read_document(out / "config.yaml").value
    except ConfigError:
        return
    data = recipe.get("data") if isinstance(recipe, dict) else None
    if isinstance(data, dict) and data.get("dataset") == "shapes" and recipe.get("out") == OUT:
        shutil.rmtree(out)


if __name__ == "__main__":
    sys.exit(main())
