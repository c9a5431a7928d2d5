"""Open a dataset of COCO's size: time, memory, and how both grow.

python benchmarks/open_dataset.py [--folder DIR] [--outlines] [--smallest] [--layouts coco yolo]

Writes 118,287 images (links to a few) and 860,001 annotations, 332 MB of JSON, and measures, each
in a process of its own: `json.load` of the annotations; the first opening, which writes the cache;
the second, which maps it; a loader with two worker processes: the first batch of an epoch, and the
memory of all processes (PSS, where a shared page counts once) above that of the same processes on
a dataset of 64 images without annotations. Then the same at a thousandth, a hundredth and a tenth
of the size, with the exponent of the time. Of the other `--layouts` (yolo, mask_folder,
image_folder, record), both openings and the memory of all processes are measured. Times of the
processor are less disturbed by others than those of the clock.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from generated_coco import IMAGES, OBJECTS, write_dataset
from generated_folders import WRITERS, make_old
from rich.console import Console
from rich.table import Table

import densefit as df
from densefit.datasets import COCO, YOLO, ImageFolder, MaskFolder, Record

_BATCHES = 40
_EMPTY = 64  # images
_CLASSES: dict[str, Any] = {
    "yolo": YOLO,
    "mask_folder": MaskFolder,
    "image_folder": ImageFolder,
    "record": Record,
}


def opened(root: Path, outlines: bool, layout: str = "coco") -> Any:
    """The dataset in a folder."""
    if layout != "coco":
        return _CLASSES[layout](root, "train")
    path = root / "annotations" / "instances_train.json"
    return COCO(path, root / "images" / "train", instances=outlines)


def measure(
    what: str, root: Path, outlines: bool, workers: int, layout: str = "coco"
) -> dict[str, float]:
    """Measure one thing in this process: seconds, and MB."""
    begun, cpu = time.perf_counter(), time.process_time()
    if what == "json":
        with open(root / "annotations" / "instances_train.json") as file:
            json.load(file)
    dataset = None if what == "json" else opened(root, outlines, layout)
    numbers = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu}
    numbers["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if what == "load" and dataset is not None:
        numbers.update(loaded(dataset, workers))
    return numbers


def loaded(dataset: Any, workers: int) -> dict[str, float]:
    """Read batches of two epochs: seconds to the first one of each, and MB of all processes."""
    transform = df.transforms.Compose([df.transforms.Resize(64, 64)])
    loader = df.Loader(
        dataset,
        batch_size=8,
        transform=transform,
        workers=workers,
        worker_kind="processes",
        shuffle=True,
    )
    numbers = {}
    for name in ("started", "first batch"):
        loader.set_epoch(loader.epoch + 1)
        begun = time.perf_counter()
        next(loader)
        numbers[name] = time.perf_counter() - begun
        for _ in range(min(_BATCHES, len(loader) - 1)):
            next(loader)
    numbers["pss"] = sum(pss(pid) for pid in [os.getpid(), *children()])
    loader.close()
    return numbers


def children() -> list[int]:
    """Processes of the workers."""
    return [child.pid for child in multiprocessing.active_children() if child.pid is not None]


def pss(pid: int) -> float:
    """MB that a process holds; a page shared by n processes counts 1/n in each."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("Pss:"))


def in_process(
    what: str, root: Path, options: argparse.Namespace, layout: str = "coco"
) -> dict[str, Any]:
    """Measure in a process of its own."""
    command = [sys.executable, os.path.abspath(__file__), "--measure", what, "--folder", str(root)]
    command += ["--workers", str(options.workers), *["--outlines"] * options.outlines]
    command += ["--layouts", layout]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def data(folder: Path, images: int, objects: int) -> Path:
    """The generated dataset of a size, written unless it is there."""
    root = folder / f"{images}-{objects}"
    if not root.exists():
        write_dataset(root, images, objects)
    for cache in root.glob("annotations/.densefit/*"):
        cache.unlink()
    return root


def full_size(folder: Path, options: argparse.Namespace) -> Table:
    """Measure the largest dataset."""
    root = data(folder, options.images, options.objects)
    empty = data(folder, _EMPTY, 0)
    size = (root / "annotations" / "instances_train.json").stat().st_size / 1e6
    table = Table(title=f"{options.images:,} images, {options.objects:,} objects, {size:.0f} MB")
    for title in ("", "s", "s of the processor", "peak MB"):
        table.add_column(title, justify="right" if title else "left")
    names = {"json": "json.load", "open": "first opening", "load": "second opening"}
    results = {what: in_process(what, root, options) for what in names}
    for what, result in results.items():
        row = (result["seconds"], result["cpu"], result["peak"])
        table.add_row(names[what], *(f"{value:.2f}" for value in row[:2]), f"{row[2]:.0f}")
    in_process("open", empty, options)
    result, base = results["load"], in_process("load", empty, options)
    table.add_row("first batch, with the start of workers", f"{result['started']:.2f}")
    table.add_row("first batch of the next epoch", f"{result['first batch']:.2f}")
    processes = f"{options.workers + 1} processes"
    table.add_row(f"{processes}, MB in all", "", "", f"{result['pss']:.0f}")
    table.add_row(f"{processes}, MB above 64 images", "", "", f"{result['pss'] - base['pss']:.0f}")
    return table


def other_layouts(folder: Path, options: argparse.Namespace, layouts: Sequence[str]) -> Table:
    """Measure openings and memory of layouts with a file an image."""
    table = Table(title=f"{options.images:,} images")
    titles = ("first opening, s of the processor", "second", f"{options.workers + 1} processes, MB")
    for title in ("layout", *titles):
        table.add_column(title, justify="left" if title == "layout" else "right")
    for layout in layouts:
        root = folder / f"{layout}-{options.images}-{options.objects}"
        if not root.exists():
            WRITERS[layout](root, options.images, options.objects)
            make_old(root)
        for cache in root.rglob(".densefit/*"):
            cache.unlink()
        first, second = (in_process(what, root, options, layout) for what in ("open", "load"))
        times = (f"{first['cpu']:.2f}", f"{second['cpu']:.2f}")
        table.add_row(layout, *times, f"{second['pss']:.0f}")
    return table


def growth(folder: Path, options: argparse.Namespace) -> Table:
    """Measure openings of datasets that grow by 10 three times."""
    table = Table(title="growth")
    for title in ("images", "objects", "first opening, s of the processor", "second", "peak MB"):
        table.add_column(title, justify="right")
    rows = []
    for part in options.parts:
        root = data(folder, max(1, options.images // part), max(1, options.objects // part))
        first, second = (in_process("open", root, options) for _ in range(2))
        images, objects = root.name.split("-")
        rows.append((int(objects), first["cpu"], second["cpu"]))
        times = (f"{first['cpu']:.3f}", f"{second['cpu']:.3f}")
        table.add_row(images, objects, *times, f"{first['peak']:.0f}")
    counts, *times_of = np.log(np.array(rows).T)
    exponents = [np.polyfit(counts[-2:], column[-2:], 1)[0] for column in times_of]
    table.add_row("", "exponent of the last step", *(f"{value:.2f}" for value in exponents), "")
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add: Any = parser.add_argument
    add("--images", type=int, default=IMAGES)
    add("--objects", type=int, default=OBJECTS)
    add("--workers", type=int, default=2, help="processes")
    add("--outlines", action="store_true", help="read segmentations, too")
    add("--layouts", nargs="+", choices=("coco", *WRITERS), default=["coco", *WRITERS])
    add("--folder", type=Path, help="where the datasets are, or are written and kept")
    add("--measure", choices=("json", "open", "load"), help=argparse.SUPPRESS)
    add("--smallest", action="store_true", help="seconds instead of minutes")
    options = parser.parse_args(arguments)
    options.parts = (1000, 100, 10, 1)
    if options.measure:
        settings = (options.folder, options.outlines, options.workers, options.layouts[0])
        numbers = measure(options.measure, *settings)
        print(json.dumps(numbers))
        return
    if options.smallest:
        options.images, options.objects, options.workers = 100, 2000, 0
        options.parts = (10, 1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        console = Console(width=110)
        if "coco" in options.layouts:
            console.print(full_size(folder, options))
            console.print(growth(folder, options))
        others = [layout for layout in options.layouts if layout != "coco"]
        if others:
            console.print(other_layouts(folder, options, others))


if __name__ == "__main__":
    main()
