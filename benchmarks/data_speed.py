"""How fast training data come: decoding, augmentation, targets and batches, beside others.

    python benchmarks/data_speed.py [--bccd DIR] [--camvid DIR] [--rounds 7] [--epochs 2]
        [--workers 2] [--torch PYTHON] [--gluoncv PYTHON]

The training data of the recipes ssd_resnet18_bccd and deeplab_resnet18_camvid. `--torch` is a
Python with torch and densefit, `--gluoncv` one with gluoncv and mxnet and without torch; without
them these are left out. PyTorch's DataLoader runs the same code for a picture as densefit's loader.
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

from side_by_side import BESIDE, FOLDER, Contender, in_turn, machine, ratio

HERE = Path(FOLDER) / "contenders"
LIMIT = "cv2.imdecode alone"


def commands(case: str, root: str, options: argparse.Namespace) -> dict[str, list[str]]:
    """Contender -> its command line."""
    workers = ["--workers", str(options.workers)]
    ours = [sys.executable, str(HERE / "data_densefit.py"), case, root, *workers]
    found = {
        "densefit, threads": ours,
        "densefit, processes": [*ours, "--kind", "processes"],
    }
    if options.torch:
        script = [options.torch, str(HERE / "data_torch.py"), case, root, *workers]
        found["torch DataLoader"] = script
    if case == "bccd":
        found["mx.image.ImageDetIter"] = [sys.executable, str(HERE / "data_mxnet.py"), root]
        if options.gluoncv:
            script = [options.gluoncv, str(HERE / "data_gluoncv.py"), root, *workers]
            found["GluonCV DataLoader, SSD"] = script
    found[LIMIT] = [sys.executable, str(HERE / "data_limit.py"), case, root, *workers]
    return found


def measure(case: str, root: str, options: argparse.Namespace) -> None:
    """One dataset's table."""
    contenders = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name, command in commands(case, root, options).items():
                environment = BESIDE if name.startswith("GluonCV") else {}
                log = Path(folder) / f"{name}.log"
                contenders.append(Contender(name, command, environment, log))
            seconds = in_turn(contenders, options.rounds, options.epochs)
        finally:
            for one in contenders:
                one.close()
    for one in contenders:  # an image's, since not all read as many
        images = one.facts["images"] * options.epochs
        seconds[one.name] = [own / images for own in seconds[one.name]]
    best = min(
        (one.name for one in contenders if one.name.startswith("densefit")),
        key=lambda name: statistics.median(seconds[name]),
    )
    print(
        f"\n{case}, {machine()}, {options.workers} workers; {options.rounds} rounds of "
        f"{options.epochs} epochs"
    )
    print(f"{'':26} {'images/s':>9} {'ms/image':>9} {f'{best} is':>28}")
    for one in contenders:
        each = statistics.median(seconds[one.name])
        times = ratio(seconds, one.name, best)
        print(f"{one.name:26} {1 / each:9.0f} {1e3 * each:9.2f} {times:27.2f}x")
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
    options = parser.parse_args(arguments)
    for case in ("bccd", "camvid"):
        root = getattr(options, case)
        if root:
            measure(case, str(Path(root).resolve()), options)


if __name__ == "__main__":
    main()
