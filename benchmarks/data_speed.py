"""How fast training data come: decoding, augmentation, targets and batches, beside others.

    python benchmarks/data_speed.py [--bccd DIR] [--camvid DIR] [--rounds 7] [--epochs 2]
        [--workers 2] [--torch PYTHON] [--gluoncv PYTHON]
    python benchmarks/data_speed.py --smallest

The training data of the recipes ssd_resnet18_bccd and deeplab_resnet18_camvid. `--torch` is a
Python with torch and densefit, `--gluoncv` one with gluoncv and mxnet and without torch; without
them these are left out. PyTorch's DataLoader runs the same code for a picture as densefit's loader.
"shards" are the same samples packed into shards of 4 MB, "remote shards" those at an address of
fsspec (its local files), through a cache that holds all of them after the first epoch.
The limit is cv2.imdecode alone, with as many threads. Nothing is trained meanwhile.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from drawn_folders import WRITERS
from side_by_side import FOLDER, Contender, in_turn, machine, ratio

HERE = Path(FOLDER) / "contenders"
LIMIT = "cv2.imdecode alone"
LOOSE_FILES = ("densefit, threads", "densefit, processes")


def commands(case: str, root: str, options: argparse.Namespace) -> dict[str, list[str]]:
    """Command line of each contender."""
    workers = ["--workers", str(options.workers)]
    ours = [sys.executable, str(HERE / "data_densefit.py"), case, root, *workers]
    by_name = {"densefit, threads": ours}
    if not options.smallest:  # they take seconds to start
        by_name["densefit, processes"] = [*ours, "--kind", "processes"]
    by_name["densefit, shards"] = [*ours, "--shards", "local"]
    if not options.smallest:
        by_name["densefit, remote shards"] = [*ours, "--shards", "remote"]
    if options.torch:
        script = [options.torch, str(HERE / "data_torch.py"), case, root, *workers]
        by_name["torch DataLoader"] = script
    if case == "bccd":
        by_name["mx.image.ImageDetIter"] = [sys.executable, str(HERE / "data_mxnet.py"), root]
        if options.gluoncv:
            script = [options.gluoncv, str(HERE / "data_gluoncv.py"), root, *workers]
            by_name["GluonCV DataLoader, SSD"] = script
    by_name[LIMIT] = [sys.executable, str(HERE / "data_limit.py"), case, root, *workers]
    return by_name


def measure(case: str, root: str, options: argparse.Namespace) -> None:
    """Measure one dataset, and print its table."""
    contenders = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name, command in commands(case, root, options).items():
                log = Path(folder) / f"{name}.log"
                contenders.append(Contender(name, command, {}, log))
            seconds = in_turn(contenders, options.rounds, options.epochs)
        finally:
            for contender in contenders:
                contender.close()
    for contender in contenders:  # seconds an image: contenders read different numbers of images
        images = contender.facts["images"] * options.epochs
        seconds[contender.name] = [run / images for run in seconds[contender.name]]
    best = min(
        (contender.name for contender in contenders if contender.name in LOOSE_FILES),
        key=lambda name: statistics.median(seconds[name]),
    )
    print(
        f"\n{case}, {machine()}, {options.workers} workers; {options.rounds} rounds of "
        f"{options.epochs} epochs"
    )
    print(f"{'':26} {'images/s':>9} {'ms/image':>9} {f'{best} is':>28}")
    for contender in contenders:
        each = statistics.median(seconds[contender.name])
        times = ratio(seconds, contender.name, best)
        print(f"{contender.name:26} {1 / each:9.0f} {1e3 * each:9.2f} {times:27.2f}x")
    share = statistics.median(a / b for a, b in zip(seconds[LIMIT], seconds[best]))
    print(f"share of the limit: {100 * share:.0f} %")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bccd")
    parser.add_argument("--camvid")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=2, help="in a round")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--torch", help="a Python with torch and densefit")
    parser.add_argument("--gluoncv", help="a Python with gluoncv")
    parser.add_argument("--smallest", action="store_true", help="generated pictures, to try it")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.rounds = options.epochs = options.workers = 1
        with tempfile.TemporaryDirectory() as root:
            WRITERS["bccd"](Path(root), 8)
            measure("bccd", root, options)
        return
    for case in ("bccd", "camvid"):
        root = getattr(options, case)
        if root:
            measure(case, str(Path(root).resolve()), options)


if __name__ == "__main__":
    main()
