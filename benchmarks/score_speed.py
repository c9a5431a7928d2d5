"""Speed of scoring a dataset (decoding, network, mIoU) beside PyTorch with torchmetrics.

    python benchmarks/score_speed.py [--torch PYTHON] [--camvid DIR] [--coco DIR] [--rounds 5]
        [--images 64] [--eager]
    python benchmarks/score_speed.py --smallest

DeepLabV3+ with ResNet-18 as in the recipe of CamVid, with random parameters, the same for all, on
CamVid's test pictures at full size and on COCO's at their many sizes. densefit scores by each
engine that is installed. `--torch` is a Python with torch, torchmetrics and densefit, whose
datasets both use (and a C++ compiler for torch.compile, which `--eager` leaves out); without it
densefit is measured alone. On CamVid the mIoU must agree. densefit pads pictures of many sizes to
buckets and computes the pictures of a bucket together; PyTorch computes one picture at a time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from drawn_folders import write_camvid
from side_by_side import FOLDER, Contender, in_turn, machine, ratio

HERE = Path(FOLDER) / "contenders"
OURS = "densefit"
ON_TORCH = "densefit, engine torch"
TORCH = {
    "torch, NCHW": [],
    "torch, channels_last": ["--channels-last"],
    "torch, channels_last, compiled": ["--channels-last", "--compile"],
}


def measure(case: str, root: str, options: argparse.Namespace) -> None:
    """Measure one dataset, and print its table."""
    environment = {"OMP_NUM_THREADS": str(options.threads)}
    common = [case, root, "--images", str(options.images), "--workers", str(options.workers)]
    contenders: list[Contender] = []
    with tempfile.TemporaryDirectory() as name:
        given = Path(name) / "given.npz"
        commands = {
            OURS: [sys.executable, str(HERE / "score_densefit.py"), *common, "--export", str(given)]
        }
        if find_spec("torch") is not None:
            script = [sys.executable, str(HERE / "score_densefit.py"), *common]
            commands[ON_TORCH] = [*script, "--engine", "torch"]
        for key, flags in TORCH.items() if options.torch else ():
            # Of COCO it would compile for every size, and give up.
            if "--compile" in flags and (case == "coco" or options.eager):
                continue
            script = [options.torch, str(HERE / "score_torch.py"), *common, "--given", str(given)]
            commands[key] = [*script, *flags]
        try:
            for key, command in commands.items():
                contenders.append(Contender(key, command, environment, Path(name) / f"{key}.log"))
            seconds = in_turn(contenders, options.rounds, 1)
        finally:
            for contender in contenders:
                contender.close()
    images = contenders[0].facts["images"]
    print(f"\n{case}, {images} pictures, {machine()}, {options.rounds} rounds")
    engines = [name for name in (OURS, ON_TORCH) if name in seconds]
    columns = "".join(f"{f'{name} is':>26}" for name in engines)
    print(f"{'':32} {'images/s':>9} {'mIoU':>9}{columns}")
    for contender in contenders:
        name, miou = contender.name, contender.facts["mIoU"]
        speed = images / statistics.median(seconds[name])
        columns = "".join(f"{ratio(seconds, name, engine):25.2f}x" for engine in engines)
        print(f"{name:32} {speed:9.2f} {miou:9.5f}{columns}")
    if case == "camvid":
        for contender in contenders[1:]:
            if abs(contender.facts["mIoU"] - contenders[0].facts["mIoU"]) > 1e-3:
                raise SystemExit(f"{contender.name} has another mIoU")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print tables."""
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", help="a Python with torch, torchmetrics, densefit")
    parser.add_argument("--eager", action="store_true", help="without torch.compile")
    parser.add_argument("--camvid")
    parser.add_argument("--coco")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=64, help="of a dataset at most")
    parser.add_argument("--threads", type=int, default=cores)
    parser.add_argument("--workers", type=int, default=cores)
    parser.add_argument("--smallest", action="store_true", help="generated pictures, to try it")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.rounds, options.images = 1, 2
        with tempfile.TemporaryDirectory() as root:
            write_camvid(Path(root), options.images)
            measure("camvid", root, options)
        return
    for case in ("camvid", "coco"):
        root = getattr(options, case)
        if root:
            measure(case, str(Path(root).resolve()), options)


if __name__ == "__main__":
    main()
