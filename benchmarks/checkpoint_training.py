"""How long a training is held up by its checkpoints, written beside it and by itself.

python benchmarks/checkpoint_training.py

A ResNet-50 with 1000 classes, momentum and averages of the weights: some 300 MB a checkpoint. The
same training with no checkpoints, with `Saver(background=True)` and with `Saver(background=False)`,
in turns. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import densefit as df
from densefit.data.sample import Sample

EVERY = 8
UPDATES = 25
WARM = 1  # updates that are not counted


class Noise:
    """Pictures of noise, in memory."""

    classes = [str(k) for k in range(1000)]

    def __init__(self, length: int, side: int) -> None:
        rng = np.random.default_rng(0)
        self.images = rng.integers(0, 256, (length, side, side, 3), np.uint8)

    def __len__(self) -> int:
        return len(self.images)

    def id_of(self, index: int) -> str:
        return str(index)

    def __getitem__(self, index: int) -> Sample:
        return Sample(str(index), self.images[index], {"label": np.array(index % 1000)})


class Times(df.Callback):
    """Keep the time at which each update ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def update_ended(self, state: Any, control: Any) -> None:
        self.ends.append(time.perf_counter())


def train(saver: Any, side: int, batch_size: int, updates: int, width: int) -> float:
    """Train a ResNet-50; seconds of the counted updates, with the checkpoints between them."""
    data = Noise(batch_size * updates, side)
    head = df.head("classification", classes=data.classes)
    network = df.Network("resnet50", [head], settings={"width": width})
    times = Times()
    df.fit(
        network,
        df.Loader(data, batch_size=batch_size, heads=network.heads),
        updates=updates,
        schedule=df.Constant(0.01),
        optimizer_params={"momentum": 0.9},
        ema=0.999,
        checkpoint=saver,
        callbacks=[times],
    )
    return times.ends[-1] - times.ends[WARM]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--batch_size", type=int, default=8)
    parser.add_argument("--smallest", action="store_true", help="a few seconds, to try the program")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.rounds, options.side, options.batch_size = 1, 32, 2
    updates, every, width = (4, 2, 4) if options.smallest else (UPDATES, EVERY, 64)
    seconds: dict[str, list[float]] = {"none": [], "beside": [], "by itself": []}
    for turn in range(options.rounds):
        for name in list(seconds)[:: 1 if turn % 2 else -1]:
            with tempfile.TemporaryDirectory() as text:
                saver = None
                if name != "none":
                    where = Path(text) / "checkpoints"
                    saver = df.Saver(where, every=f"{every}st", background=name == "beside")
                run = train(saver, options.side, options.batch_size, updates, width)
                seconds[name].append(run)
    console = Console(width=100)
    console.print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}; "
        f"{updates - WARM - 1} updates, a checkpoint after every {every}th, {options.rounds} rounds"
    )
    table = Table()
    for column in ("checkpoints", "seconds, median", "least to most", "held up, s a checkpoint"):
        table.add_column(column, justify="left" if column == "checkpoints" else "right")
    base = statistics.median(seconds["none"])
    count = (updates - 1) // every  # the one at the end is behind the last update
    for name, runs in seconds.items():
        held = (statistics.median(runs) - base) / count
        table.add_row(
            name,
            f"{statistics.median(runs):.2f}",
            f"{min(runs):.2f} to {max(runs):.2f}",
            "" if name == "none" else f"{held:.3f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
