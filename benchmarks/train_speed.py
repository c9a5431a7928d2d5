"""A training step of densefit beside PyTorch's and GluonCV's, on the same cores.

    python benchmarks/train_speed.py [--cases resnet18 resnet50 ssd deeplab] [--rounds 7]
        [--updates 4] [--torch PYTHON] [--eager] [--gluoncv PYTHON]
    python benchmarks/train_speed.py --smallest

`--torch` is a Python with torch 2.13.0 (and a C++ compiler for torch.compile, which `--eager`
leaves out), `--gluoncv` one with gluoncv and mxnet and without torch, which gluoncv refuses;
without them these contenders are left out. densefit trains by each engine that is installed. All
train with as many threads on a batch that lies in memory. densefit and PyTorch have the same
network, initial parameters, input and labels: their first losses must agree, or nothing is
measured. The last column compares the torch engine with each; "torch, channels_last" is the same
graph written by hand in the same memory layout. GluonCV's SSD is another network of the same
trunk, so its row is one for orientation.

The ceiling is the rate of the fastest single convolution found, forward and backward, on the same
threads; the share of it is that of the convolutions' arithmetic in the time of the whole step.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from side_by_side import FOLDER, Contender, in_turn, machine, ratio
from train_cases import CASES, SMALLEST

HERE = Path(FOLDER) / "contenders"
OURS = "densefit"
ON_TORCH = "densefit, engine torch"
TORCH = {
    "torch, NCHW": [],
    "torch, channels_last": ["--channels-last"],
    "torch, NCHW, compiled": ["--compile"],
    "torch, channels_last, compiled": ["--channels-last", "--compile"],
}
GLUONCV = "GluonCV's SSD"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [name for name in CASES if name != SMALLEST]
    parser.add_argument("--cases", nargs="+", choices=CASES, default=names)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--updates", type=int, default=4, help="in a round")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--torch", help="a Python with torch")
    parser.add_argument("--eager", action="store_true", help="without torch.compile")
    parser.add_argument("--gluoncv", help="a Python with gluoncv")
    parser.add_argument("--smallest", action="store_true", help="a few seconds, to try the program")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.cases, options.rounds, options.updates = [SMALLEST], 1, 1
    environment = {"OMP_NUM_THREADS": str(options.threads)}
    ceiling = float(
        subprocess.run(
            [sys.executable, str(HERE / "ceiling.py"), *["--smallest"] * options.smallest],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()[-1]
    )
    print(f"{machine()}, {options.threads} threads; the fastest convolution: {ceiling:.0f} Gflop/s")
    for name in options.cases:
        with tempfile.TemporaryDirectory() as folder:
            measure(name, Path(folder), options, environment, ceiling)


def measure(
    name: str,
    folder: Path,
    options: argparse.Namespace,
    environment: dict[str, str],
    ceiling: float,
) -> None:
    """Measure one network, and print its table."""
    case, given = CASES[name], folder / "given.npz"
    commands = {
        OURS: [sys.executable, str(HERE / "train_densefit.py"), name, "--export", str(given)]
    }
    if options.torch:
        script = [options.torch, str(HERE / "train_torch.py"), name, "--given", str(given)]
        for key, flags in TORCH.items():
            if not (options.eager and "--compile" in flags):
                commands[key] = [*script, *flags]
    if find_spec("torch") is not None:
        script = [sys.executable, str(HERE / "train_densefit.py"), name, "--engine", "torch"]
        commands[ON_TORCH] = script
    if options.gluoncv and case.task == "detection":
        size = ["--height", str(case.size[0]), "--width", str(case.size[1])]
        commands[GLUONCV] = [options.gluoncv, str(HERE / "train_gluoncv.py"), *size]
    contenders = []
    try:
        for key, command in commands.items():
            contenders.append(Contender(key, command, environment, folder / f"{key}.log"))
        facts = contenders[0].facts
        for other in contenders[1:]:
            loss = other.facts.get("loss")
            if loss is not None and abs(loss - facts["loss"]) > 1e-4 * abs(facts["loss"]):
                raise SystemExit(f"{other.name} begins with a loss of {loss}, not {facts['loss']}")
        seconds = in_turn(contenders, options.rounds, options.updates)
    finally:
        for contender in contenders:
            contender.close()
    print(
        f"\n{name}, {case.size[0]}x{case.size[1]}, batch {case.batch_size}, "
        f"{facts['parameters'] / 1e6:.1f} M parameters, first loss {facts['loss']:.5f}; "
        f"{options.rounds} rounds of {options.updates} updates"
    )
    engines = [name for name in (OURS, ON_TORCH) if name in seconds]
    columns = "".join(f"{f'{name} is':>26}" for name in engines)
    print(f"{'':32} {'ms/image':>9} {'images/s':>9}{columns}")
    for contender in contenders:
        each = statistics.median(seconds[contender.name]) / options.updates / case.batch_size
        times = [ratio(seconds, contender.name, engine) for engine in engines]
        columns = "".join(f"{value:25.2f}x" for value in times)
        print(f"{contender.name:32} {1e3 * each:9.2f} {1 / each:9.1f}{columns}")
    ours = statistics.median(seconds[OURS]) / options.updates
    rate = facts["operations"] / ours / 1e9
    print(f"densefit computes {rate:.0f} Gflop/s, {100 * rate / ceiling:.0f} % of the ceiling")


if __name__ == "__main__":
    main()
