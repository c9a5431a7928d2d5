"""What pretrained weights bring on a dataset, and that it is the weights which bring it.

    python benchmarks/pretrained_gain.py --config configs/finetune_ssd_mobilenetv2.yaml \
      --root BCCD --score detection/AP --epochs 12 --out runs/gain -- --data.dataset voc ...
    python benchmarks/pretrained_gain.py --smallest

Trainings by one recipe, four for each seed, each a command of its own: with the weights, from
scratch, with the weights in a quarter of the epochs, and with the elements of each loaded array in
a random order, which keeps their distribution. What the recipe freezes is trained where the weights
are not the pretrained ones. Scores are those of the test split. Settings behind `--` go to all
trainings. A second call with the same `--out` goes on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from drawn_folders import write_bccd
from rich.console import Console
from rich.table import Table

import densefit as df
from densefit.checkpoint.storage import tensors
from densefit.checkpoint.weights.library.search import find_imagenet
from densefit.config import read
from densefit.model.backbones import backbones
from densefit.tools.recipes.recipe import Recipe

PRETRAINED, SCRATCH, QUARTER, PERMUTED = (
    "with weights",
    "from scratch",
    "with weights, a quarter of the updates",
    "with permuted weights",
)
ROOT = Path(__file__).resolve().parents[1]
TINY = [
    *("--input_size", "[64, 64]", "--training.batch_size", "2", "--training.augment", "[]"),
    *("--model.settings", "{multiplier: 0.25}", "--training.freeze", "[]"),
    *("--model.heads.detection.channels", "8", "--data.dataset", "voc", "--data.splits", "null"),
    *("--data.train", "train", "--data.validation", "val", "--data.test", "test"),
]


def permuted(source: Path, target: Path) -> Path:
    """Write the arrays of a file of weights with the elements of each in a random order."""
    rng = np.random.default_rng(0)
    arrays = {
        name: rng.permutation(array.ravel()).reshape(array.shape)
        for name, array in df.surgery.read_weights(source).items()
    }
    target.write_bytes(b"".join(tensors.pieces(arrays)))
    return target


def settings(kind: str, epochs: int, weights: Path, shuffled: Path) -> list[str]:
    """Return the settings by which the training of a kind differs from the recipe."""
    count = max(1, epochs // 4) if kind == QUARTER else epochs
    given = ["--training.epochs", str(count), "--training.validate_every", f"{count}ep"]
    if kind in (PRETRAINED, QUARTER):
        return [*given, "--model.weights", str(weights)]
    from_file = str(shuffled) if kind == PERMUTED else "null"
    return [*given, "--model.weights", from_file, "--training.freeze", "[]"]


def score_of(kind: str, seed: int, options: argparse.Namespace, files: tuple[Path, Path]) -> float:
    """Train, unless the run is there, and return the score of the test split."""
    run = options.out / f"{kind.replace(',', '').replace(' ', '_')}_{seed}"
    if not (run / "scores.json").exists():
        script = ROOT / "tools" / f"train_{options.tool}.py"
        command = [sys.executable, str(script), "--config", options.config]
        command += ["--data.root", options.root, "--seed", str(seed), "--out", str(run)]
        command += [*options.settings, *settings(kind, options.epochs, *files)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    scores: dict[str, Any] = json.loads((run / "scores.json").read_text())
    return float(scores[options.score])


def table(results: dict[str, list[float]], options: argparse.Namespace) -> Table:
    """Return the scores of all kinds, seed after seed, with mean and standard deviation."""
    shown = Table(title=f"{options.score}, test split, {options.epochs} epochs")
    for column in ("training", *(f"seed {seed}" for seed in options.seeds), "mean", "deviation"):
        shown.add_column(column, justify="left" if column == "training" else "right")
    for kind, scores in results.items():
        spread = statistics.stdev(scores) if len(scores) > 1 else float("nan")
        numbers = [*scores, statistics.mean(scores), spread]
        shown.add_row(kind, *(f"{number:.3f}" for number in numbers))
    return shown


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tool", default="det", help="det or seg")
    parser.add_argument("--config", default=str(ROOT / "configs/finetune_ssd_mobilenetv2.yaml"))
    parser.add_argument("--root", help="folder of the data")
    parser.add_argument("--score", default="detection/AP")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--smallest", action="store_true", help="tiny drawn data and network")
    parser.add_argument("settings", nargs="*", help="settings of all trainings, behind --")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        options.out = options.out or Path(folder) / "runs"
        options.out.mkdir(parents=True, exist_ok=True)
        if options.smallest:
            write_bccd(Path(folder) / "data", 4)
            options.root, options.settings = f"{folder}/data", [*TINY, *options.settings]
            options.epochs, options.seeds = 1, [0]
            weights = _weights_of_run(options)
        else:
            model = read(Recipe, options.config).model
            weights = find_imagenet(backbones.create(model.backbone, **model.settings))
        files = weights, permuted(weights, options.out / "permuted.safetensors")
        results: dict[str, list[float]] = {}
        for seed in options.seeds:
            for kind in (PRETRAINED, SCRATCH, QUARTER, PERMUTED):
                results.setdefault(kind, []).append(score_of(kind, seed, options, files))
    Console(width=100).print(table(results, options))


def _weights_of_run(options: argparse.Namespace) -> Path:
    """Train from scratch, and write the backbone's weights as a file."""
    nothing = Path()
    score_of(SCRATCH, options.seeds[0], options, (nothing, nothing))
    network = df.load(options.out / f"from_scratch_{options.seeds[0]}")
    arrays = {**network.parameters, **network.statistics}
    trunk = {name: array for name, array in arrays.items() if name.startswith("mobilenetv2_")}
    target = options.out / "weights.safetensors"
    target.write_bytes(b"".join(tensors.pieces(trunk)))
    return target


if __name__ == "__main__":
    main()
