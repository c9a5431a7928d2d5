"""Trainings of several ranks beside the training of one process with the same global batch.

python benchmarks/distributed_parity.py [--engine mxnet torch] [--ranks 2 4] [--kills 20]
    [--updates 24] [--only-kills] [--smallest]

A network for detection and segmentation trains on generated pictures, on this machine's loopback.
Parameters are compared with those of one process: with BatchNorm frozen, and on PyTorch with
synchronized BatchNorm in training; and among the ranks, bit by bit. Beside it stands what rounding
alone does: the difference that one process has from itself if the rows of each batch are reversed
(small batches through BatchNorm and ReLU amplify it from update to update). Then ranks are killed
(SIGKILL) at random updates of a training that may restart, or that another launch continues: it
must end with the parameters of a training that nobody disturbed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

GLOBAL_BATCH = 8
COLUMNS = (
    *("engine", "BatchNorm", "ranks", "parameters", "rows reversed", "among ranks", "scores"),
    "seconds",
)


def train(settings: dict[str, Any]) -> None:
    """Train as one rank; the work of the child processes."""
    import densefit as df

    rank = int(os.environ.get("RANK", 0))
    lengths = {"size": (64, 64), "max_objects": 3}
    train_data = df.dataset("shapes", length=37, **lengths)
    test_data = df.dataset("shapes", length=11, split="test", **lengths)
    heads = [
        df.head("detection", classes=train_data.classes),
        df.head("segmentation", classes=train_data.mask_classes),
    ]
    network = df.Network("resnet18", heads, settings={"width": 8})

    class Killed(df.Callback):
        """Ends a rank like the machine does."""

        every_rank = True

        def update_ended(self, state: Any, control: Any) -> None:
            restart = int(os.environ.get("DENSEFIT_RESTART", 0))
            if restart == 0 and [rank, state.update] == settings.get("kill"):
                Path(f"{settings['out']}-killed").write_text(str(time.time()))
                os.kill(os.getpid(), signal.SIGKILL)

    class Reversed(df.Loader):
        """Batches whose rows come in reverse order."""

        def __next__(self) -> Any:
            batch = super().__next__()
            batch.data = {name: array[::-1].copy() for name, array in batch.data.items()}
            batch.labels = {name: array[::-1].copy() for name, array in batch.labels.items()}
            batch.labelled = {name: array[::-1] for name, array in batch.labelled.items()}
            for rows in (batch.ids, batch.targets, batch.geometries):
                rows.reverse()
            return batch

    common = {"heads": heads, "workers": 0}
    kind = Reversed if settings.get("reversed") else df.Loader
    validation = df.Loader(test_data, batch_size=4, **common)
    saved = settings.get("checkpoint")
    df.fit(
        network,
        kind(train_data, batch_size=settings["batch_size"], shuffle=True, **common),
        updates=settings["updates"],
        optimizer="sgd",
        optimizer_params={"momentum": 0.9, "wd": 1e-4},
        schedule=df.Cosine(lr=0.01, warmup="1st"),
        clip_norm=10.0,
        freeze=["*_gamma"] if settings["frozen"] else [],
        checkpoint=None if saved is None else df.Saver(saved, every="2st"),
        resume=settings.get("resume"),
        callbacks=[Killed()],
        progress=False,
        engine=settings["engine"],
        **({"sync_batchnorm": True} if settings["synchronized"] else {}),
    )
    scores = df.score(network, validation)
    np.savez(f"{settings['out']}-{rank}.npz", **network.parameters, **network.statistics)
    Path(f"{settings['out']}-{rank}.json").write_text(json.dumps(scores))


def run(folder: Path, ranks: int, restarts: int = 0, **settings: Any) -> tuple[Any, Any, str]:
    """Train in several ranks: (parameters of each, scores of each, messages)."""
    out = folder / "result"
    status, messages = launch(out, ranks, restarts, **settings)
    if status:
        raise SystemExit(f"{settings} ended with {status}:\n{messages}")
    parameters = [dict(np.load(f"{out}-{rank}.npz")) for rank in range(ranks)]
    scores = [json.loads(Path(f"{out}-{rank}.json").read_text()) for rank in range(ranks)]
    return parameters, scores, messages


def launch(out: Path, ranks: int, restarts: int, **settings: Any) -> tuple[int, str]:
    """Train in several ranks: (status of the launcher, messages)."""
    settings = {**settings, "batch_size": GLOBAL_BATCH // ranks, "out": str(out)}
    command = [sys.executable, "-m", "densefit.tools.launch", "--nproc", str(ranks)]
    command += ["--restarts", str(restarts), "--", __file__, "--rank", json.dumps(settings)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=1800,
    )
    return done.returncode, done.stderr


def difference(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> float:
    """Norm of the difference of all parameters and statistics, relative to their norm."""
    apart = sum(np.square(first[n].astype(float) - second[n]).sum() for n in first)
    return float(np.sqrt(apart / sum(np.square(first[n].astype(float)).sum() for n in first)))


def are_equal(several: Sequence[dict[str, np.ndarray]]) -> bool:
    """Whether all ranks have the same parameters, bit by bit."""
    return all(np.array_equal(several[0][n], rank[n]) for rank in several for n in several[0])


def compare(engine: str, ranks: Sequence[int], updates: int, kinds: Sequence[str]) -> None:
    """Print a row for each number of ranks, and for BatchNorm frozen and synchronized."""
    for kind in kinds:
        settings = {
            "engine": engine,
            "updates": updates,
            "frozen": kind == "frozen",
            "synchronized": kind == "synchronized",
        }
        with tempfile.TemporaryDirectory() as folder:
            (alone,), (scores,), _ = run(Path(folder), 1, **settings)
            (turned,), _, _ = run(Path(folder), 1, reversed=True, **settings)
            rounding = difference(alone, turned)
            for size in ranks:
                begun = time.monotonic()
                parameters, of_ranks, _ = run(Path(folder), size, **settings)
                gap = max(abs(scores[key] - of_ranks[0][key]) for key in scores)
                among = "bit-equal" if are_equal(parameters) else "DIFFERENT"
                print(
                    f"| {engine} | {kind} | {size} | {difference(alone, parameters[0]):.1e} "
                    f"| {rounding:.1e} | {among} | {gap:.1e} "
                    f"| {time.monotonic() - begun:.0f} |",
                    flush=True,
                )
                assert are_equal(parameters)
                assert difference(alone, parameters[0]) < 10 * rounding
                assert all(other == of_ranks[0] for other in of_ranks)


def kill(engine: str, ranks: int, updates: int, times: int, kind: str, restarts: int) -> None:
    """Kill a random rank at a random update, over and over, and compare the ends.

    Without restarts all ranks must end, and another launch continues.
    """
    settings = {
        "engine": engine,
        "updates": updates,
        "frozen": False,
        "synchronized": kind == "synchronized",
    }
    draws = random.Random(0)
    longest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        expected, _, _ = run(path, ranks, checkpoint=str(path / "undisturbed"), **settings)
        equal = named = 0
        for number in range(times):
            settings["checkpoint"] = str(path / f"killed{number}")
            rank, update = draws.randrange(ranks), draws.randrange(1, updates)
            if restarts:
                parameters, _, messages = run(path, ranks, 1, kill=[rank, update], **settings)
            else:
                out = path / "killed"
                status, messages = launch(out, ranks, 0, kill=[rank, update], **settings)
                longest = max(longest, time.time() - float(Path(f"{out}-killed").read_text()))
                assert status == 128 + signal.SIGKILL, messages
                parameters, _, _ = run(path, ranks, resume="auto", **settings)
            named += bool(re.search(rf"rank {rank} \(process \d+\) was ended by SIGKILL", messages))
            equal += all(are_equal(pair) for pair in zip(expected, parameters))
    how = "restarted" if restarts else f"all ended within {longest:.1f} s; continued by a launch"
    print(
        f"{engine}, {ranks} ranks, {how}: {named} of {times} kills were named, and {equal} "
        "trainings ended with the parameters of the undisturbed one, bit by bit",
        flush=True,
    )
    assert equal == named == times


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", nargs="+", default=["mxnet", "torch"])
    parser.add_argument("--ranks", nargs="+", type=int, default=[2, 4])
    parser.add_argument("--updates", type=int, default=24)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--only-kills", action="store_true", help="no comparison")
    parser.add_argument("--smallest", action="store_true", help="one short comparison")
    parser.add_argument("--rank", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.rank is not None:
        train(json.loads(chosen.rank))
        return
    if chosen.smallest:
        chosen.engine, chosen.ranks = chosen.engine[:1], [2]
        chosen.updates, chosen.kills = 2, 0
    print("|" + "|".join(f" {name} " for name in COLUMNS) + "|\n" + "|---" * len(COLUMNS) + "|")
    for engine in () if chosen.only_kills else chosen.engine:
        has_both = engine == "torch" and not chosen.smallest
        synchronized = ["synchronized"] if has_both else []
        compare(engine, chosen.ranks, chosen.updates, ["frozen", *synchronized])
    for engine in chosen.engine if chosen.kills else ():
        kind = "synchronized" if engine == "torch" else "of each rank"
        for restarts in (1, 0):
            kill(engine, min(chosen.ranks), chosen.updates, chosen.kills, kind, restarts)


if __name__ == "__main__":
    main()
