"""Train several tasks at once: `python tools/train_multi.py --config configs/multi_NAME.yaml`.

A recipe has any heads, and one dataset (`data`) or several (`datasets`). To train one of its tasks
alone: `--only '[NAME]'`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.run.train import main as train


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Train a network of several tasks, on one or several datasets."
    return train(MultiRecipe, text, arguments, _prepare)


def _prepare(recipe: MultiRecipe) -> Any:
    """Make network and data; imported late, as a first line comes before."""
    from densefit.tools.recipes.data.multi_dataset import prepare_datasets

    return prepare_datasets(recipe)


if __name__ == "__main__":
    sys.exit(main())
