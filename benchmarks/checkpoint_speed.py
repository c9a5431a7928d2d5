"""What a checkpoint costs over writing the same bytes: the state of a ResNet-50 training.

python benchmarks/checkpoint_speed.py [--directory DIR] [--smallest]

Weights, momentum and a moving average of the weights, each in a file of its own. "The same bytes"
are three files that are written and flushed to the disk, with no sums and no renaming. The two are
measured in turns, and ratios are of pairs. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from densefit.checkpoint.storage import store
from densefit.checkpoint.storage.background import BackgroundWriter

CONSOLE = Console(width=100)
PARTS = ("model", "optimizer", "ema")


def resnet50(width: int = 64, classes: int = 1000) -> dict[str, tuple[int, ...]]:
    """Shapes of the parameters of a ResNet-50, by name."""
    shapes: dict[str, tuple[int, ...]] = {"conv0": (width, 3, 7, 7)}
    inputs = width
    for stage, units in enumerate((3, 4, 6, 3)):
        channels = width << stage
        for unit in range(units):
            name = f"stage{stage + 1}_unit{unit}"
            shapes[f"{name}_conv1"] = (channels, inputs, 1, 1)
            shapes[f"{name}_conv2"] = (channels, channels, 3, 3)
            shapes[f"{name}_conv3"] = (4 * channels, channels, 1, 1)
            if unit == 0:
                shapes[f"{name}_skip"] = (4 * channels, inputs, 1, 1)
            inputs = 4 * channels
    for name, shape in list(shapes.items()):
        for kind in ("gamma", "beta", "mean", "var"):
            shapes[f"{name}_bn_{kind}"] = (shape[0],)
    return {**shapes, "fc_weight": (classes, inputs), "fc_bias": (classes,)}


def seconds(work: Callable[[], Any]) -> float:
    """Wall seconds of one call, with nothing of earlier ones on its way to the disk."""
    os.sync()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def plain(directory: Path, blobs: Sequence[bytes]) -> None:
    """Write and flush."""
    directory.mkdir()
    for index, blob in enumerate(blobs):
        with open(directory / str(index), "wb") as stream:
            stream.write(blob)
            stream.flush()
            os.fsync(stream.fileno())


def measure(root: Path, rounds: int, shapes: dict[str, tuple[int, ...]]) -> Table:
    """Measure writing and reading, and make the table."""
    rng = np.random.default_rng(0)
    parts = {
        part: {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
        for part in PARTS
    }
    state = {"update": 1, "seen": list(range(1000))}
    content = store.prepare(parts, state)
    blobs = [b"".join(pieces) for pieces in content.files.values()]
    total = sum(map(len, blobs)) / 1e6
    times: dict[str, list[float]] = {name: [] for name in ("plain", "write", "submit", "read")}
    warm = 3  # rounds that are not counted: the system finds memory for its page cache
    with BackgroundWriter() as writer:
        for turn in range(rounds + warm):
            directory, bare = root / f"{turn}", root / f"{turn}-plain"
            pair = [
                ("plain", lambda bare=bare: plain(bare, blobs)),
                ("write", lambda path=directory: store.write(path, "a", parts, state)),
            ]
            for name, work in pair[:: 1 if turn % 2 else -1]:
                times[name].append(seconds(work))
            times["read"].append(seconds(lambda path=directory: store.read(path / "a")))
            submit = lambda path=directory: writer.submit(path, "b", parts, state)  # noqa: E731
            times["submit"].append(seconds(submit))
            writer.wait()
            shutil.rmtree(directory)
            shutil.rmtree(bare)
    times = {name: runs[warm:] for name, runs in times.items()}
    ratios = [ours / base for ours, base in zip(times["write"], times["plain"])]
    table = Table(
        title=f"{len(shapes)} arrays x {len(PARTS)}, {total:.0f} MB, {rounds} rounds",
        title_justify="left",
    )
    for column in ("", "seconds, median", "least to most", "over the same bytes, by pairs"):
        table.add_column(column, justify="right" if column else "left")
    for name, label in (
        ("plain", "the same bytes, with fsync"),
        ("write", "store.write"),
        ("submit", "BackgroundWriter.submit"),
        ("read", "store.read, all sums checked"),
    ):
        runs = times[name]
        about = ""
        if name == "write":
            about = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        table.add_row(
            label, f"{statistics.median(runs):.4f}", f"{min(runs):.4f} to {max(runs):.4f}", about
        )
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", type=Path, help="on the disk to measure")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--smallest", action="store_true", help="a few seconds, to try the program")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.rounds = 1
    shapes = resnet50(4, 10) if options.smallest else resnet50()
    CONSOLE.print(
        f"Python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} cores, "
        f"{time.strftime('%Y-%m-%d')}"
    )
    with tempfile.TemporaryDirectory(dir=options.directory) as root:
        CONSOLE.print(measure(Path(root), options.rounds, shapes))


if __name__ == "__main__":
    main()
