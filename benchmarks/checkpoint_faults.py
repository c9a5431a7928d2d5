"""Checkpoints that are damaged, hostile or cut off in every way that came to mind, counted.

python benchmarks/checkpoint_faults.py [--times 200] [--smallest]

Two checkpoints lie in a directory, and something happens to the newer one. Reading it must be a
CheckpointError, and `resume="auto"` must find the older one, bit for bit what it was. What cannot
be told from a good checkpoint, because nothing has changed, is not counted.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from densefit.checkpoint.storage import space, store
from densefit.errors import CheckpointError

OLD, NEW = "update-00000001", "update-00000002"


def write(directory: Path, number: int) -> Path:
    """A checkpoint of three parts, all numbers `number`."""
    rng = np.random.default_rng(number)
    parts = {
        part: {f"w{k}": rng.normal(size=(16, 8 + k)).astype(np.float32) for k in range(6)}
        for part in ("model", "optimizer", "training")
    }
    return store.write(directory, f"update-{number:08d}", parts, {"update": number, "ids": [1, 2]})


def files(place: Path) -> list[Path]:
    """The files of a checkpoint."""
    return sorted(place.iterdir())


def cut(place: Path, rng: random.Random) -> None:
    """A file ends early, as after a crash of the machine without fsync."""
    file = rng.choice(files(place))
    os.truncate(file, rng.randrange(file.stat().st_size))


def flip(place: Path, rng: random.Random) -> None:
    """One bit of a file is another."""
    file = rng.choice(files(place))
    data = bytearray(file.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    file.write_bytes(data)


def zeros(place: Path, rng: random.Random) -> None:
    """A block of a file is zeros, as a disk may give it back after a loss of power."""
    file = rng.choice(files(place))
    data = bytearray(file.read_bytes())
    begin = rng.randrange(len(data))
    data[begin : begin + 512] = bytes(len(data[begin : begin + 512]))
    file.write_bytes(data)


def missing(place: Path, rng: random.Random) -> None:
    """A file is gone."""
    rng.choice(files(place)).unlink()


def swapped(place: Path, rng: random.Random) -> None:
    """A file is that of another checkpoint."""
    file = rng.choice([file for file in files(place) if file.name != "manifest.json"])
    shutil.copy(place.parent / OLD / file.name, file)


def grown(place: Path, rng: random.Random) -> None:
    """A file has something behind its end."""
    with open(rng.choice(files(place)), "ab") as stream:
        stream.write(rng.randbytes(rng.randrange(1, 4096)))


def outside(place: Path, rng: random.Random) -> None:
    """The manifest names a file elsewhere."""
    path = place / "manifest.json"
    text = json.loads(path.read_text())
    name = rng.choice(["../secret", "/etc/passwd", "a/../../b", "..", "model\\..\\x", "\u0000"])
    names = text.get("files", text)
    names[name] = next(iter(names.values()))
    path.write_text(json.dumps(text))


def linked(place: Path, rng: random.Random) -> None:
    """A file is a link to elsewhere, or a device or pipe without an end."""
    file = rng.choice(files(place))
    file.unlink()
    kind = rng.choice(["/dev/zero", "/etc/passwd", "pipe"])
    os.mkfifo(file) if kind == "pipe" else file.symlink_to(kind)


def huge(place: Path, rng: random.Random) -> None:
    """A safetensors header says that it, or an array, is larger than any memory."""
    file = rng.choice([file for file in files(place) if file.suffix == ".safetensors"])
    data = bytearray(file.read_bytes())
    if rng.random() < 0.5:
        data[:8] = rng.randrange(2**40, 2**63).to_bytes(8, "little")
    else:
        header = {"w": {"dtype": "F32", "shape": [2**31, 2**31], "data_offsets": [0, 2**62]}}
        text = json.dumps(header).encode()
        data = bytearray(len(text).to_bytes(8, "little") + text)
    file.write_bytes(data)


def pickled(place: Path, rng: random.Random) -> None:
    """A file is a pickle that would run a program."""
    rng.choice(files(place)).write_bytes(b"cos\nsystem\n(S'touch /tmp/owned'\ntR.")


FAULTS: tuple[Callable[[Path, random.Random], None], ...] = (
    *(cut, flip, zeros, missing, swapped, grown, outside, linked, huge, pickled),
)


def damage(fault: Callable[[Path, random.Random], None], times: int) -> dict[str, int]:
    """How often a fault was tried, was an error of ours, and led to the older checkpoint."""
    found = {"tried": 0, "told": 0, "older one used": 0, "wrong": 0}
    for number in range(times):
        rng = random.Random(number)
        with tempfile.TemporaryDirectory() as text:
            root = Path(text)
            old, new = write(root, 1), write(root, 2)
            before = store.read(old), {file.name: file.read_bytes() for file in files(new)}
            fault(new, rng)
            if {file.name: _bytes(file) for file in files(new)} == before[1]:
                continue
            found["tried"] += 1
            try:
                store.read(new)
                found["wrong"] += 1
            except CheckpointError:
                found["told"] += 1
            same = store.resolve("auto", root) == old and _equal(store.read(old), before[0])
            found["older one used"] += same
    return found


def _bytes(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() and not file.is_symlink() else b""


def _equal(one: Any, other: Any) -> bool:
    return one[1] == other[1] and all(
        np.array_equal(array, other[0][part][name])
        for part, arrays in one[0].items()
        for name, array in arrays.items()
    )


def killed(times: int) -> dict[str, int]:
    """Processes that write one checkpoint after another, and are killed at a random moment."""
    found = {"tried": 0, "told": 0, "older one used": 0, "wrong": 0}
    script = (
        "import sys, benchmarks_faults as b, pathlib\n"
        "for n in range(1, 10**6): b.write(pathlib.Path(sys.argv[1]), n); print(n, flush=True)"
    )
    for number in range(times):
        rng = random.Random(number)
        with tempfile.TemporaryDirectory() as text:
            root = Path(text) / "run"
            shutil.copy(__file__, Path(text) / "benchmarks_faults.py")
            process = subprocess.Popen(
                [sys.executable, "-c", script, str(root)],
                cwd=text,
                stdout=subprocess.PIPE,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            for _ in range(rng.randrange(1, 6)):
                process.stdout.readline()
            time.sleep(rng.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
            done = [line for line in process.communicate()[0].split(b"\n") if line]
            found["tried"] += 1
            path = store.resolve("auto", root)
            _, state = store.read(path)
            at_least = int(done[-1]) if done else 1
            found["older one used"] += state["update"] >= at_least
            found["wrong"] += state["update"] < at_least
            write(root, 10**6)  # the next process puts everything in order
            found["wrong"] += any(path.name.startswith(".") for path in root.iterdir())
    return found


def full(times: int) -> dict[str, int]:
    """A disk of 1 MiB that is filled up to a random byte, and then written to."""
    found = {"tried": 0, "told": 0, "older one used": 0, "wrong": 0}
    with tempfile.TemporaryDirectory() as text:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", text], capture_output=True
        )
        if mounted.returncode:
            return found  # only root may
        try:
            for number in range(times):
                rng, root = random.Random(number), Path(text)
                old = write(root, 1)
                before = store.read(old)
                state = os.statvfs(text)
                room = rng.randrange(0, 40_000)
                (root / "filler").write_bytes(bytes(max(0, state.f_bavail * state.f_frsize - room)))
                try:
                    # What is asked before writing says that there is room: the disk fills later.
                    space.check_room = lambda *_: None
                    write(root, 2)  # if it fits, nothing was tried
                except CheckpointError:
                    found["tried"] += 1
                    found["told"] += 1
                    found["older one used"] += store.resolve("auto", root) == old
                found["wrong"] += not _equal(store.read(old), before)
                for path in root.iterdir():
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        finally:
            subprocess.run(["umount", text], check=True)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Try all, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=200, help="of each fault")
    parser.add_argument("--smallest", action="store_true", help="a few seconds, to try the program")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.times = 1
    logging.disable(logging.WARNING)
    table = Table(title=f"{time.strftime('%Y-%m-%d')}, Python {sys.version.split()[0]}")
    for column in ("fault", "tried", "told", "good one used", "wrong"):
        table.add_column(column, justify="left" if column == "fault" else "right")
    for fault in FAULTS:
        found = damage(fault, options.times)
        table.add_row(fault.__doc__.rstrip("."), *map(str, found.values()))
    for name, work in (
        ("The disk is full at a random byte", full),
        ("SIGKILL while writing one after another", killed),
    ):
        found: dict[str, Any] = work(options.times)
        if not found["told"]:
            found["told"] = ""  # there is nobody to tell
        table.add_row(name, *map(str, found.values()))
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
