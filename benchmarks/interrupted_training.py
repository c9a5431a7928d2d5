"""Trainings that are ended or killed at random moments, over and over, until they are done.

python benchmarks/interrupted_training.py [--times 20] [--smallest]

Each must end with the parameters, optimizer states and log lines of the training that nobody
disturbed, bit for bit. Every other one is as long as so many updates, and ends in mid-epoch.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit.checkpoint.storage import store

LENGTHS = ({"epochs": 4}, {"updates": 21})  # of 6 updates an epoch


def train(folder: Path, slow_disk: bool, length: int) -> None:
    """Train, or go on; the work of the child process."""
    import densefit as df
    from densefit.callbacks import JSONLines
    from densefit.train.signals import TrainingInterrupted

    if slow_disk:  # so that a kill falls between the writing and the renaming more often
        rename = os.rename

        def later(*arguments: Any, **settings: Any) -> None:
            time.sleep(0.05)
            rename(*arguments, **settings)

        os.rename = os.replace = later

    class Begun(df.Callback):
        """Says that training begins: what comes before takes longer than it."""

        def fit_started(self, state: Any, control: Any) -> None:
            print("begun", flush=True)

    data = df.dataset("shapes", length=24, size=(32, 32))
    head = df.head("classification", classes=data.label_classes, dropout=0.2)
    network = df.Network("resnet18", [head], settings={"width": 4})
    try:
        df.fit(
            network,
            df.Loader(data, batch_size=2, heads=network.heads, shuffle=True),
            validation=df.Loader(data, batch_size=8),
            **LENGTHS[length],
            schedule=df.Cosine(0.01, warmup="2st"),
            optimizer="adam",
            ema=0.99,
            clip_norm=5.0,
            accumulate=2,
            checkpoint=df.Saver(folder / "checkpoints", every="2st"),
            resume="auto",
            callbacks=[JSONLines(folder / "log.jsonl", every=1), Begun()],
        )
    except TrainingInterrupted as interruption:
        sys.exit(128 + interruption.signum)


def start(folder: Path, slow_disk: bool, length: int) -> Any:
    """The child process, when its training has begun."""
    command = [sys.executable, __file__, "--train", str(folder), "--length", str(length)]
    command += ["--slow_disk"] if slow_disk else []
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, env=environment, text=True, **pipes)
    process.stdout.readline()  # it has begun, or ended
    return process


def outcome(folder: Path) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    """(arrays of the last checkpoint, log lines without wall-clock times)."""
    parts, _ = store.read(folder / "checkpoints" / "last")
    arrays = {f"{part}/{name}": array for part in parts for name, array in parts[part].items()}
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return arrays, [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


def same(one: Any, other: Any) -> bool:
    """Whether two outcomes are equal, bit for bit."""
    return (
        one[1] == other[1]
        and one[0].keys() == other[0].keys()
        and all(np.array_equal(array, other[0][name]) for name, array in one[0].items())
    )


def disturbed(
    signum: int, seconds: float, seed: int, slow_disk: bool, most: int | None
) -> tuple[int, int, Any]:
    """Train to the end, with at most `most` signals sent in between; None for no limit.

    Returns:
        (signals sent, of them while a checkpoint was being written, outcome).
    """
    rng = random.Random(seed)
    sent = writing = 0
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        while True:
            process = start(folder, slow_disk, seed % 2)
            try:
                undisturbed = most is not None and sent >= most
                process.wait(timeout=None if undisturbed else rng.uniform(0.0, 0.6) * seconds)
            except subprocess.TimeoutExpired:
                names = list((folder / "checkpoints").glob("*")) if sent else []
                known = store.names(folder / "checkpoints")
                writing += any(path.name not in known for path in names)
                process.send_signal(signum)
                sent += 1
                process.wait()
                if process.returncode not in (-signum, 128 + signum, 0):
                    raise RuntimeError(process.stderr.read()) from None
            if process.returncode == 0:
                return sent, writing, outcome(folder)
            if process.returncode not in (-signum, 128 + signum):
                raise RuntimeError(process.stderr.read())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20, help="trainings of each kind")
    parser.add_argument("--train", type=Path)
    parser.add_argument("--slow_disk", action="store_true")
    parser.add_argument("--length", type=int, default=0)
    parser.add_argument("--smallest", action="store_true", help="a few seconds, to try the program")
    options = parser.parse_args(arguments)
    if options.train is not None:
        train(options.train, options.slow_disk, options.length)
        return
    straight, seconds = [], float("inf")
    if options.smallest:
        options.times = 1
    for length in range(1 if options.smallest else len(LENGTHS)):
        with tempfile.TemporaryDirectory() as text:
            process = start(Path(text), False, length)
            began = time.perf_counter()
            if process.wait() != 0:
                raise RuntimeError("the undisturbed training failed")
            seconds = min(seconds, time.perf_counter() - began)
            straight.append(outcome(Path(text)))
    print(f"undisturbed, once begun: {seconds:.1f} s, {os.cpu_count()} cores", flush=True)
    kinds = (
        ("SIGTERM", signal.SIGTERM, False),
        ("SIGKILL", signal.SIGKILL, False),
        ("SIGKILL, slow renames", signal.SIGKILL, True),
    )
    for name, signum, slow_disk in kinds[1:2] if options.smallest else kinds:
        sent = writing = equal = 0
        for seed in range(options.times):
            most = 1 if options.smallest else None
            more, during, ended = disturbed(signum, seconds, seed, slow_disk, most)
            sent, writing, equal = (
                sent + more,
                writing + during,
                equal + same(ended, straight[seed % 2]),
            )
        print(
            f"{name:22} {options.times} trainings, {sent} signals ({writing} with a checkpoint "
            f"half written), {equal} ended as the undisturbed one",
            flush=True,
        )


if __name__ == "__main__":
    main()
