"""How long one waits: for `import densefit`, and from a command to its first update.

    python benchmarks/start_up.py [--rounds 9] [--smallest]

`import densefit` beside `import mxnet`, in pairs of fresh processes; and the demo's recipe, from
the start of its process to the end of its first update. The first round fills the disk's cache and
does not count.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from side_by_side import machine

ROOT = Path(__file__).resolve().parents[1]
IMPORTS = {
    # MXNet 1.9.1 reads an alias that numpy no longer has.
    "import mxnet": "import numpy; numpy.bool = numpy.bool_; import mxnet",
    "import densefit": "import densefit",
}
COMMAND = """
import sys, time
import densefit as df
from densefit.callbacks.callback import callbacks
from densefit.tools.train_det import main

@callbacks.register("first_update")
class FirstUpdate(df.Callback):
    def update_ended(self, state, control):
        print("first update:", time.time(), flush=True)
        raise SystemExit

main(sys.argv[1:])
"""


def seconds_of(code: str) -> float:
    """Wall seconds of a fresh process that runs the code."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
    return time.perf_counter() - begun


SMALL = ("--data.settings.length=16", "--training.batch_size=4", "--model.settings.width=8")


def first_update(changes: Sequence[str]) -> float:
    """Seconds from the start of the process to its first update, with changes of the recipe."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = str(ROOT / "configs" / "ssd_resnet18_shapes.yaml")
        settings = ["--config", recipe, "--out", f"{folder}/run"]
        settings += ["--training.callbacks", "[{name: first_update}]", *changes]
        begun = time.time()
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *settings],
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
    lines = [line for line in done.stdout.splitlines() if line.startswith("first update:")]
    if not lines:
        raise SystemExit(f"There was no update:\n{done.stderr[-3000:]}")
    return float(lines[0].split()[-1]) - begun


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--smallest", action="store_true", help="a few seconds, to try the program")
    options = parser.parse_args(arguments)
    warm = 0 if options.smallest else 1
    if options.smallest:
        options.rounds = 1
    seconds: dict[str, list[float]] = {name: [] for name in [*IMPORTS, "first update"]}
    for turn in range(warm + options.rounds):
        names = list(IMPORTS)
        for name in names if turn % 2 else names[::-1]:
            seconds[name].append(seconds_of(IMPORTS[name]))
        seconds["first update"].append(first_update(SMALL if options.smallest else ()))
    seconds = {name: runs[warm:] for name, runs in seconds.items()}
    print(f"{machine()}, {options.rounds} rounds")
    for name, runs in seconds.items():
        print(f"{name:16} {statistics.median(runs):6.2f} s ({min(runs):.2f} to {max(runs):.2f})")
    ratios = [a / b for a, b in zip(seconds["import densefit"], seconds["import mxnet"])]
    print(f"import densefit takes {statistics.median(ratios):.2f} times import mxnet")


if __name__ == "__main__":
    main()
