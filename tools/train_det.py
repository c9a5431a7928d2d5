"""Train an SSD detector: `python tools/train_det.py --config configs/NAME.yaml --out DIR`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from densefit.tools.recipes.recipe import Model, Recipe
from densefit.tools.recipes.run.train import main as train


@dataclass
class DetectionRecipe(Recipe):
    __doc__ = Recipe.__doc__

    model: Model = field(default_factory=lambda: Model(heads={"detection": {"task": "detection"}}))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    return train(DetectionRecipe, "Train an SSD detector.", arguments)


if __name__ == "__main__":
    sys.exit(main())
