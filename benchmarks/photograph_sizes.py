"""Whether one recipe trains alike whatever the resolution of the photographs.

    python benchmarks/photograph_sizes.py --bccd DIR [--sizes 300 1000 4000 mixed] [--seeds 0 1 2]
    python benchmarks/photograph_sizes.py --smallest

BCCD's photographs (640 x 480) are resized, with their boxes, to a longer side of each size; of
"mixed", one in four has 4,000 pixels. The recipe ssd_resnet18_bccd, at a smaller input, trains on
each as `tools/train_det.py` does, once for each seed. Printed are the share of boxes that survive
the transforms of training, and AP50 on the test photographs. What is done already in `--work` is
not done again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import yaml
from drawn_folders import WRITERS
from side_by_side import machine

from densefit.config import read
from densefit.data.sample import datasets
from densefit.data.sampler import sample_rng
from densefit.data.transforms.extra_samples import apply_transform
from densefit.tools.recipes.data.loaders import augmenting
from densefit.tools.recipes.recipe import Recipe

CONFIG = Path(__file__).parents[1] / "configs" / "ssd_resnet18_bccd.yaml"
LARGE = 4000  # pixels of the longer side
MIXED = "mixed"


def resized_copy(source: Path, target: Path, size: str) -> None:
    """Write a VOC folder whose photographs have another size."""
    if (target / "done").exists():
        return
    shutil.rmtree(target, ignore_errors=True)
    for folder in ("JPEGImages", "Annotations"):
        (target / folder).mkdir(parents=True)
    shutil.copytree(source / "ImageSets", target / "ImageSets")
    for number, path in enumerate(sorted((source / "Annotations").glob("*.xml"))):
        photograph = cv2.imread(str(source / "JPEGImages" / f"{path.stem}.jpg"))
        height, width = photograph.shape[:2]
        longer = int(size) if size != MIXED else (LARGE if number % 4 == 0 else width)
        factor = longer / max(height, width)
        new = round(width * factor), round(height * factor)
        if factor != 1:
            how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
            photograph = cv2.resize(photograph, new, interpolation=how)
        cv2.imwrite(str(target / "JPEGImages" / f"{path.stem}.jpg"), photograph)
        tree = ET.parse(path)
        for name, side in zip(("width", "height"), new):
            tree.find(f"size/{name}").text = str(side)  # type: ignore[union-attr]
        for box in tree.iter("bndbox"):  # corners are pixels from 1, the last one included
            for name, before in (("xmin", 1), ("ymin", 1), ("xmax", 0), ("ymax", 0)):
                corner = box.find(name)
                assert corner is not None
                assert corner.text is not None
                corner.text = str(round((float(corner.text) - before) * factor) + before)
        tree.write(target / "Annotations" / path.name)
    (target / "done").touch()


def write_recipe(root: Path, path: Path, epochs: int, input_size: Sequence[int]) -> Recipe:
    """Write the recipe at another input size; anchors keep their share of it."""
    content = yaml.safe_load(CONFIG.read_text())
    factor = input_size[0] / content["input_size"][0]
    head = content["model"]["heads"]["detection"]
    head["sizes"] = [round(size * factor, 3) for size in head["sizes"]]
    content["data"]["root"] = str(root)
    content["training"].update(epochs=epochs, validate_every=f"{epochs}ep")
    if epochs < 4:  # shorter than the warm-up of the recipe allows
        content["training"]["schedule"]["warmup"] = 0
    content["input_size"] = list(input_size)
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return read(Recipe, path)


def survivors(recipe: Recipe, epochs: int = 3) -> tuple[int, int]:
    """Count (boxes of the training photographs, boxes after the transforms) over some epochs."""
    data = datasets.create(recipe.data.dataset, root=recipe.data.root, split=recipe.data.train)
    transform = augmenting(recipe.training.augment, recipe)
    before = after = 0
    for index in range(len(data)):
        sample = data[index]
        for epoch in range(epochs):
            made = apply_transform(transform, sample, sample_rng(0, epoch, index), None)
            before += len(sample.targets["boxes"])
            after += len(made.targets["boxes"])
    return before, after


def trained(recipe: Path, out: Path, seed: int) -> float:
    """Train a recipe, unless it is done; AP50 on the test photographs."""
    scores = out / "scores.json"
    if not scores.exists():
        program = Path(__file__).parents[1] / "tools" / "train_det.py"
        command = [sys.executable, str(program), "--config", str(recipe), "--out", str(out)]
        resume = "auto" if (out / "checkpoints").exists() else "none"
        command += ["--seed", str(seed), "--resume", resume]
        out.mkdir(parents=True, exist_ok=True)
        with open(out / "log.txt", "a") as log:
            subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT)
    return float(json.loads(scores.read_text())["detection/AP50"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--bccd", type=Path)
    data.add_argument("--smallest", action="store_true", help="generated pictures, to try it")
    parser.add_argument("--sizes", nargs="+", default=["300", "1000", str(LARGE), MIXED])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--input-size", nargs=2, type=int, default=[192, 256])
    parser.add_argument("--work", type=Path, default=Path("runs/photograph_sizes"))
    options = parser.parse_args(arguments)
    if options.smallest:
        options.sizes, options.seeds, options.epochs = ["96"], [0], 1
        options.input_size = [64, 64]
        with tempfile.TemporaryDirectory() as folder:
            options.bccd, options.work = Path(folder) / "bccd", Path(folder) / "runs"
            WRITERS["bccd"](options.bccd, 8)
            measure(options)
    else:
        measure(options)
    return 0


def measure(options: argparse.Namespace) -> None:
    """Train on each size, and print the table."""
    options.work.mkdir(parents=True, exist_ok=True)
    print(f"{machine()}; {options.epochs} epochs, input {options.input_size}")
    print(f"{'pixels':>7}  {'boxes survive':>20}  AP50 of each seed; mean, standard deviation")
    for size in options.sizes:
        root = options.work / f"photographs_{size}"
        resized_copy(options.bccd, root, size)
        path = options.work / f"recipe_{size}.yaml"
        before, after = survivors(write_recipe(root, path, options.epochs, options.input_size))
        scores = [trained(path, options.work / f"{size}_{seed}", seed) for seed in options.seeds]
        spread = statistics.stdev(scores) if len(scores) > 1 else float("nan")
        each = " ".join(f"{ap:.4f}" for ap in scores)
        print(
            f"{size:>7}  {after / before:6.1%} of {before:>6}    "
            f"{each}; {np.mean(scores):.4f}, {spread:.4f}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
