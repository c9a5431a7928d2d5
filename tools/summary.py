"""Print a network's stages and their costs: `densefit summary runs/NAME --image_size 512x512`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from densefit.checkpoint.weights.load import load
from densefit.model.summary import summary
from densefit.tools.recipes.checkpoint_settings import checkpoint_path, recipe_of, settings
from densefit.tools.recipes.program import program
from densefit.tools.recipes.words.command_line import completed
from densefit.tools.recipes.words.image_size import image_size
from densefit.yaml_files.paths import files_field


@dataclass
class Summarizing:
    """Settings of a summary.

    Args:
        checkpoint: a checkpoint, or a run's folder (its best checkpoint, else its newest); may
            come first, without the option.
        image_size: HEIGHTxWIDTH of the image; as trained by default.
        plugins: the Python files that the checkpoint was trained with (docs/plugins.md).
    """

    checkpoint: str | None = None
    image_size: str | None = None
    plugins: list[str] = files_field()

    def find_checkpoint(self) -> Path:
        """Path of the checkpoint that the settings name."""
        paths = {self.checkpoint} if self.checkpoint is not None else set()
        return checkpoint_path(paths, "densefit summary runs/NAME")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Print the parameters and multiply-adds of each stage and head of a network."
    words = completed(sys.argv[1:] if arguments is None else arguments, "checkpoint", ())
    return program(lambda: run(*settings(Summarizing, text, words, needs_recipe=False)))


def run(chosen: Summarizing, checkpoint: Path) -> None:
    """Print the summary of a checkpoint's network.

    Raises:
        ConfigError: no size of the image, or a network without a backbone.
    """
    network = load(checkpoint)
    size = image_size(chosen.image_size, recipe_of(checkpoint, is_needed=False))
    heads = ", ".join(network.adapters)
    name = getattr(getattr(network, "backbone", None), "name", "network")
    costs = summary(network, size)
    print(f"{name} with {heads}, of an image {size[0]} pixels high and {size[1]} wide\n\n{costs}")


if __name__ == "__main__":
    sys.exit(main())
