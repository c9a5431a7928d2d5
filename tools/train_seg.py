"""Train a segmentation net: `python tools/train_seg.py --config configs/NAME.yaml --out DIR`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from densefit.tools.recipes.recipe import Model, Recipe
from densefit.tools.recipes.run.train import main as train


@dataclass
class SegmentationRecipe(Recipe):
    __doc__ = Recipe.__doc__

    model: Model = field(
        default_factory=lambda: Model(heads={"segmentation": {"task": "segmentation"}})
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    return train(SegmentationRecipe, "Train a segmentation network.", arguments)


if __name__ == "__main__":
    sys.exit(main())
