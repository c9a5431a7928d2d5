"""Train a small detector on generated pictures, as `make demo` does: `densefit demo --out DIR`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from densefit.errors import ConfigError
from densefit.yaml_files.document import read_document

RECIPE, OUT = "ssd_resnet18_shapes", "runs/demo"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    from densefit.tools import train_det  # with numpy

    words = list(sys.argv[1:] if arguments is None else arguments)
    options = {word.partition("=")[0] for word in words}
    if not options & {"--out", "--resume"}:
        remove_former(Path(OUT))
    return train_det.main(["--config", RECIPE, *words])


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
