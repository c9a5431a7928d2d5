"""Detectors, or decoders, trained by one recipe for the same processor time.

    python benchmarks/equal_time.py detectors --root BCCD --minutes 10 --out runs/detectors \
      -- --data.dataset voc --input_size '[240, 320]' ...
    python benchmarks/equal_time.py decoders --root CamVid --minutes 10 --out runs/decoders -- ...
    python benchmarks/equal_time.py --smallest

The recipe is that of fine-tuning, with another head in the place of its own. The epochs of each
contender are those that fit into the time, with its schedule over all of them: an epoch's time is
that of a training of two epochs less that of one. Times are those of the processor, with one
thread, without the last validation and the test, so that other work on the machine does not count.
A second call with the same `--out` goes on. Settings behind `--` go to all trainings.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from drawn_folders import write_bccd
from pretrained_gain import TINY
from rich.console import Console
from rich.table import Table

import densefit as df
from densefit.data.io.image import read_image

ROOT = Path(__file__).resolve().parents[1]
_ANCHORS = {"sizes_relative_to": "input", "every_ratio": True, "ratios": [1.0, 1.6, 0.625]}
_SSD_SIZES = [[0.06, 0.09], [0.13, 0.2], [0.28, 0.42], [0.6, 0.85]]

#: Kind -> contender -> settings of the head. The first is what the others are compared with.
CONTENDERS: dict[str, dict[str, dict[str, Any]]] = {
    "detectors": {
        "ssd": {"strides": [8, 16, 32, 64], "sizes": _SSD_SIZES, "channels": 96, **_ANCHORS},
        "retinanet": {
            "task": "retinanet",
            "strides": [8, 16, 32, 64],
            "sizes": [2.0, 2.83],  # from 16 pixels on, as SSD's
            "channels": 96,
            "depth": 2,
            "normalization": "group",
            "box_loss": "giou",
        },
        "fcos": {
            "task": "fcos",
            "strides": [8, 16, 32, 64],
            "channels": 96,
            "depth": 2,
            "score_threshold": 0.02,  # the whole curve of AP
        },
        "yolox": {"task": "yolox", "strides": [8, 16, 32], "channels": 96},
        "faster_rcnn": {
            "task": "faster_rcnn",
            "strides": [8, 16, 32],
            "sizes": [3.0, 5.0],
            "channels": 96,
            "hidden": 256,
            "canonical_size": 112,
            "proposals": 150,
            "proposal_candidates": 300,
            "sampled": 64,
        },
    },
    "decoders": {
        "deeplabv3+": {"decoder": "deeplabv3+", "channels": 96, "rates": [3, 6, 9]},
        "deeplabv3+ separable": {
            "decoder": "deeplabv3+",
            "channels": 96,
            "rates": [3, 6, 9],
            "decoder_settings": {"separable": True},
        },
        "fcn": {"decoder": "fcn", "channels": 96},
        "lraspp": {"decoder": "lraspp"},
        "pspnet": {"decoder": "pspnet", "channels": 96},
        "segformer": {"decoder": "segformer", "channels": 96},
        "unet": {"decoder": "unet", "channels": 32},
    },
}
RECIPES = {"detectors": "finetune_ssd_mobilenetv2", "decoders": "finetune_deeplab_mobilenetv2"}
HEADS = {"detectors": ("detection", "det"), "decoders": ("segmentation", "seg")}
SCORES = {"detectors": "detection/AP", "decoders": "segmentation/mIoU"}
#: Settings of the recipe's own head that all contenders have.
SHARED = {"detectors": {"metric": "both", "nms_iou": 0.5}, "decoders": {}}


def recipe_of(kind: str, name: str, options: argparse.Namespace) -> Path:
    """Write the recipe with a contender's head, and return its path."""
    content = yaml.safe_load((ROOT / f"configs/{RECIPES[kind]}.yaml").read_text())
    head = HEADS[kind][0]
    content["model"]["heads"] = {head: {**SHARED[kind], **CONTENDERS[kind][name]}}
    path = Path(options.out) / f"{_word(name)}.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def train(kind: str, name: str, epochs: int, run: Path, options: argparse.Namespace) -> float:
    """Train, unless the run is there; returns the processor's seconds."""
    record = run / "processor_seconds.json"
    if not record.exists():
        script = ROOT / "tools" / f"train_{HEADS[kind][1]}.py"
        command = [sys.executable, str(script), "--config", str(recipe_of(kind, name, options))]
        command += ["--data.root", options.root, "--seed", str(options.seed), "--out", str(run)]
        command += ["--training.epochs", str(epochs), "--training.validate_every", f"{epochs}ep"]
        before = _children()
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run(
            [*command, *options.settings], check=True, stdout=subprocess.DEVNULL, env=environment
        )
        record.write_text(json.dumps(_children() - before))
    seconds: float = json.loads(record.read_text())
    return seconds


def epochs_within(kind: str, name: str, options: argparse.Namespace) -> int:
    """The epochs that take a contender the time of all, at least one."""
    one, two = (
        train(kind, name, n, Path(options.out) / f"{_word(name)}_probe{n}", options) for n in (1, 2)
    )
    return max(1, round(options.minutes * 60 / max(two - one, 0.1)))


def milliseconds(run: Path, options: argparse.Namespace) -> float:
    """The processor's time of a prediction, for one image at a time that is decoded before."""
    recipe = yaml.safe_load((run / "config.yaml").read_text())
    height, width = recipe["input_size"]
    settings = {"engine": recipe.get("engine"), "batch_size": 1}
    settings["transform"] = df.transform("letterbox", height=height, width=width)
    network = df.load(run)
    files = [p for p in sorted(Path(options.root).rglob("*")) if p.suffix in (".jpg", ".png")]
    images = [read_image(path) for path in files[: options.images + 1]]

    def seconds(count: int) -> float:
        began = time.process_time()
        for _ in df.predict(network, images[:count], **settings):
            pass
        return time.process_time() - began

    seconds(1)
    return 1000 * (seconds(len(images)) - seconds(1)) / (len(images) - 1)


def result(kind: str, name: str, options: argparse.Namespace) -> Mapping[str, float]:
    """Train a contender, and return the figures of its row."""
    epochs = epochs_within(kind, name, options)
    run = Path(options.out) / _word(name)
    seconds = train(kind, name, epochs, run, options)
    scores = json.loads((run / "scores.json").read_text())
    figures = {
        "parameters, M": json.loads((run / "cost.json").read_text())["parameters"] / 1e6,
        "epochs": epochs,
        "minutes": seconds / 60,
        "ms an image": milliseconds(run, options),
        options.score or SCORES[kind]: scores[options.score or SCORES[kind]],
    }
    if kind == "detectors":
        figures["detection/AP50"] = scores["detection/AP50"]
    return figures


def _children() -> float:
    """The processor's seconds of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _word(name: str) -> str:
    """A contender's name as that of a file."""
    return name.replace(" ", "_").replace("+", "plus")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all contenders, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", nargs="?", choices=sorted(CONTENDERS), default="detectors")
    parser.add_argument("--root", help="folder of the data")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the processor, for each")
    parser.add_argument("--only", nargs="+", help="names of contenders")
    parser.add_argument("--score", help="of the test split; AP or mIoU by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=20, help="that are timed")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--smallest", action="store_true", help="tiny drawn data and network")
    words = list(sys.argv[1:] if arguments is None else arguments)
    cut = words.index("--") if "--" in words else len(words)
    options = parser.parse_args(words[:cut])
    options.settings = words[cut + 1 :]
    with tempfile.TemporaryDirectory() as folder:
        options.out = options.out or Path(folder) / "runs"
        options.out.mkdir(parents=True, exist_ok=True)
        if options.smallest:
            write_bccd(Path(folder) / "data", 4)
            options.root, options.only = f"{folder}/data", ["fcos"]
            options.settings = [*TINY, "--model.weights", "null"]
            options.minutes, options.images = 0.001, 1
        names = options.only or list(CONTENDERS[options.kind])
        rows = {name: result(options.kind, name, options) for name in names}
    _print(rows, options.kind)


def _print(rows: Mapping[str, Mapping[str, float]], kind: str) -> None:
    shown = Table(title=f"{kind} in equal time, test split")
    for number, column in enumerate((kind, *next(iter(rows.values())))):
        shown.add_column(column, justify="right" if number else "left")
    for name, figures in rows.items():
        cells = (f"{n}" if isinstance(n, int) else f"{n:.3f}" for n in figures.values())
        shown.add_row(name, *cells)
    Console(width=110).print(shown)


if __name__ == "__main__":
    main()
