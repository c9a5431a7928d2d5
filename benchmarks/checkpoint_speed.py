"""What a checkpoint costs over writing the same bytes: the state of a ResNet-50 training.

python benchmarks/checkpoint_speed.py [--directory DIR]

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


def resnet50() -> dict[str, tuple[int, ...]]:
    """Shapes of the parameters of ResNet-50 with 1000 classes, by name."""
    shapes: dict[str, tuple[int, ...]] = {"conv0": (64, 3, 7, 7)}
    inputs = 64
    for stage, (units, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), 1):
        for unit in range(units):
            name = f"stage{stage}_unit{unit}"
            shapes[f"{name}_conv1"] = (width, inputs, 1, 1)
            shapes[f"{name}_conv2"] = (width, width, 3, 3)
            shapes[f"{name}_conv3"] = (4 * width, width, 1, 1)
            if unit == 0:
                shapes[f"{name}_skip"] = (4 * width, inputs, 1, 1)
            inputs = 4 * width
    for name, shape in list(shapes.items()):
        for own in ("gamma", "beta", "mean", "var"):
            shapes[f"{name}_bn_{own}"] = (shape[0],)
    return {**shapes, "fc_weight": (1000, 2048), "fc_bias": (1000,)}


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


def measure(root: Path, rounds: int) -> Table:
    """One table of all."""
    rng = np.random.default_rng(0)
    parts = {
        part: {
            name: rng.normal(size=shape).astype(np.float32) for name, shape in resnet50().items()
        }
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
            own, bare = root / f"{turn}", root / f"{turn}-plain"
            pair = [
                ("plain", lambda bare=bare: plain(bare, blobs)),
                ("write", lambda own=own: store.write(own, "a", parts, state)),
            ]
            for name, work in pair[:: 1 if turn % 2 else -1]:
                times[name].append(seconds(work))
            times["read"].append(seconds(lambda own=own: store.read(own / "a")))
            times["submit"].append(seconds(lambda own=own: writer.submit(own, "b", parts, state)))
            writer.wait()
            shutil.rmtree(own)
            shutil.rmtree(bare)
    times = {name: found[warm:] for name, found in times.items()}
    ratios = [own / base for own, base in zip(times["write"], times["plain"])]
    table = Table(
        title=f"{len(resnet50())} arrays x {len(PARTS)}, {total:.0f} MB, {rounds} rounds",
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
        found = times[name]
        about = ""
        if name == "write":
            about = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        table.add_row(
            label, f"{statistics.median(found):.4f}", f"{min(found):.4f} to {max(found):.4f}", about
        )
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", type=Path, help="on the disk to measure")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args(arguments)
    CONSOLE.print(
        f"Python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} cores, "
        f"{time.strftime('%Y-%m-%d')}"
    )
    with tempfile.TemporaryDirectory(dir=options.directory) as root:
        CONSOLE.print(measure(Path(root), options.rounds))


if __name__ == "__main__":
    main()
