"""How fast a dataset is scored: decoding, the network, mIoU, beside PyTorch with torchmetrics.

    python benchmarks/score_speed.py --torch PYTHON [--camvid DIR] [--coco DIR] [--rounds 5]
        [--images 64]

DeepLabV3+ with ResNet-18 as in the recipe of CamVid, with drawn parameters, the same for all, on
CamVid's test pictures at their full size and on COCO's at theirs, of which there are many.
`--torch` is a Python with torch, torchmetrics and densefit, whose datasets both read with. On
CamVid both must find the same mIoU. densefit pads pictures of many sizes to buckets and computes
those of a bucket together; PyTorch computes one at a time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from side_by_side import FOLDER, Contender, in_turn, machine, ratio

HERE = Path(FOLDER) / "contenders"
OURS = "densefit"
TORCH = {
    "torch, NCHW": [],
    "torch, channels_last": ["--channels-last"],
    "torch, channels_last, compiled": ["--channels-last", "--compile"],
}


def measure(case: str, root: str, options: argparse.Namespace) -> None:
    """One dataset's table."""
    environment = {"OMP_NUM_THREADS": str(options.threads)}
    common = [case, root, "--images", str(options.images), "--workers", str(options.workers)]
    contenders: list[Contender] = []
    with tempfile.TemporaryDirectory() as name:
        given = Path(name) / "given.npz"
        commands = {
            OURS: [sys.executable, str(HERE / "score_densefit.py"), *common, "--export", str(given)]
        }
        for key, flags in TORCH.items():
            if case == "coco" and "--compile" in flags:
                continue  # it would compile anew for every size, and give up
            script = [options.torch, str(HERE / "score_torch.py"), *common, "--given", str(given)]
            commands[key] = [*script, *flags]
        try:
            for key, command in commands.items():
                contenders.append(Contender(key, command, environment, Path(name) / f"{key}.log"))
            seconds = in_turn(contenders, options.rounds, 1)
        finally:
            for one in contenders:
                one.close()
    images = contenders[0].facts["images"]
    print(f"\n{case}, {images} pictures, {machine()}, {options.rounds} rounds")
    print(f"{'':32} {'images/s':>9} {'mIoU':>9} {'densefit is':>12}")
    for one in contenders:
        each = statistics.median(seconds[one.name]) / images
        times = ratio(seconds, one.name, OURS)
        print(f"{one.name:32} {1 / each:9.2f} {one.facts['mIoU']:9.5f} {times:11.2f}x")
    if case == "camvid":
        for one in contenders[1:]:
            if abs(one.facts["mIoU"] - contenders[0].facts["mIoU"]) > 1e-3:
                raise SystemExit(f"{one.name} finds another mIoU")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print tables."""
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--torch", required=True, help="a Python with torch, torchmetrics, densefit"
    )
    parser.add_argument("--camvid")
    parser.add_argument("--coco")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=64, help="of a dataset at most")
    parser.add_argument("--threads", type=int, default=cores)
    parser.add_argument("--workers", type=int, default=cores)
    options = parser.parse_args(arguments)
    for case in ("camvid", "coco"):
        root = getattr(options, case)
        if root:
            measure(case, str(Path(root).resolve()), options)


if __name__ == "__main__":
    main()
