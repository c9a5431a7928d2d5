"""Train a keypoint net: `python tools/train_keypoints.py --config configs/NAME.yaml --out DIR`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from densefit.tools.recipes.recipe import Model, Recipe
from densefit.tools.recipes.run.train import main as train


@dataclass
class KeypointRecipe(Recipe):
    __doc__ = Recipe.__doc__

    model: Model = field(default_factory=lambda: Model(heads={"keypoints": {"task": "keypoints"}}))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    return train(KeypointRecipe, "Train a network for keypoints.", arguments)


if __name__ == "__main__":
    sys.exit(main())
