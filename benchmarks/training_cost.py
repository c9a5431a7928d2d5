"""What a training costs beside its arithmetic: waiting for data, the loader's work, memory.

    python benchmarks/training_cost.py [--bccd DIR] [--camvid DIR] [--rounds 3] [--updates 40]
    python benchmarks/training_cost.py --smallest

The recipes ssd_resnet18_bccd and deeplab_resnet18_camvid, trained as their tools train them, beside
the same `fit` on a batch that lies in memory, and a bare loop over MXNet's Module on that batch
(forward, backward, update; nothing is kept). Each runs in a process of its own, in rotating order;
times are those behind the first updates, memory is the peak of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from data_cases import Case
from drawn_folders import WRITERS
from replayed import Replayed
from side_by_side import machine

import densefit as df
from densefit.backend import mx

WARM_UP = 5
SMALLEST_WARM_UP = 1
KINDS = ("recipe", "recipe, processes", "fit, one batch", "Module, one batch")
MODULE = KINDS[-1]


class Timer(df.Callback):
    """Clock readings behind the warm-up, and at the end."""

    def __init__(self, warm_up: int, updates: int) -> None:
        self.warm_up, self.updates = warm_up, updates
        self.marks: list[tuple[float, float]] = []

    def update_ended(self, state: Any, control: Any) -> None:
        """Read them where they count, when the engine is done."""
        if state.update in (self.warm_up, self.warm_up + self.updates):
            mx.nd.waitall()
            self.marks.append((time.perf_counter(), state.clock.seconds["data"]))


def measure_here(kind: str, name: str, root: str, options: argparse.Namespace) -> dict[str, float]:
    """Train in this process, and measure."""
    case, updates = Case.of(name, root, options.smallest), options.updates
    warm_up = SMALLEST_WARM_UP if options.smallest else WARM_UP
    training = case.recipe.training
    worker_kind = "processes" if kind == KINDS[1] else "threads"
    with case.loader(options.workers, worker_kind) as loader:
        budget = loader.memory_bytes
        if kind in KINDS[:2]:
            batches: Any = loader
        else:
            batches = Replayed(loader, 10**9, most=1)
        if kind == MODULE:
            seconds, waited = bare(case, batches.batches[0], warm_up, updates), 0.0
        else:
            timer = Timer(warm_up, updates)
            df.fit(
                case.network,
                batches,
                updates=warm_up + updates,
                optimizer=training.optimizer,
                optimizer_params={**training.optimizer_params, "learning_rate": 1e-4},
                callbacks=[timer],
            )
            (started, before), (ended, after) = timer.marks
            seconds, waited = ended - started, after - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    each = seconds / updates
    return {"ms": 1e3 * each, "waited": waited / seconds, "peak": peak, "budget": budget / 2**20}


def bare(case: Case, batch: Any, warm_up: int, updates: int) -> float:
    """Seconds of updates by MXNet's Module alone."""
    size = tuple(batch.data["data"].shape[2:])
    symbol = case.network.graph("train", size)
    rows = batch.rows
    weights = [name for adapter in case.network.adapters.values() for name in adapter.weights]
    labels = [mx.io.DataDesc(name, array.shape) for name, array in batch.labels.items()]
    labels += [mx.io.DataDesc(name, (rows,)) for name in weights]
    module = mx.mod.Module(symbol, label_names=[desc.name for desc in labels])
    module.bind([mx.io.DataDesc("data", batch.data["data"].shape, np.uint8)], labels)
    module.init_params(mx.init.Xavier())
    training = case.recipe.training
    module.init_optimizer(
        optimizer=training.optimizer,
        optimizer_params={**training.optimizer_params, "learning_rate": 1e-4},
    )
    ones = [mx.nd.ones((rows,)) for _ in weights]
    arrays = {name: mx.nd.array(a, dtype=a.dtype) for name, a in batch.arrays.items()}
    fed = mx.io.DataBatch([arrays.pop("data")], [*arrays.values(), *ones])
    started = 0.0
    for update in range(warm_up + updates):
        if update == warm_up:
            mx.nd.waitall()
            started = time.perf_counter()
        module.forward_backward(fed)
        module.update()
    mx.nd.waitall()
    return time.perf_counter() - started


def measure(name: str, root: str, options: argparse.Namespace) -> None:
    """Measure one recipe, and print its table."""
    results: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for turn in range(options.rounds):
        first = turn % len(KINDS)
        for kind in [*KINDS[first:], *KINDS[:first]]:
            command = [sys.executable, __file__, "--one", kind, f"--{name}", root]
            command += ["--updates", str(options.updates), "--workers", str(options.workers)]
            command += ["--smallest"] * options.smallest
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(done.stderr[-3000:])
            results[kind].append(json.loads(done.stdout.splitlines()[-1]))
    print(
        f"\n{name}, {machine()}, {options.workers} workers; {options.rounds} rounds of "
        f"{options.updates} updates"
    )
    print(f"{'':20} {'ms/update':>10} {'of the Module':>14} {'waited':>8} {'peak MiB':>9}")

    def middle(kind: str, key: str) -> float:
        return statistics.median(result[key] for result in results[kind])

    for kind in KINDS:
        pairs = zip(results[kind], results[MODULE])
        ratio = statistics.median(a["ms"] / b["ms"] for a, b in pairs)
        print(
            f"{kind:20} {middle(kind, 'ms'):10.1f} {ratio:14.3f} "
            f"{100 * middle(kind, 'waited'):6.1f} % {middle(kind, 'peak'):9.0f}"
        )
    budget = middle(KINDS[0], "budget")
    allowed = 1.1 * middle(MODULE, "peak") + budget
    print(
        f"the loader's budget: {budget:.0f} MiB; peak of the recipe over 1.1 times the Module's "
        f"and that: {middle(KINDS[0], 'peak') / allowed:.2f}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bccd")
    parser.add_argument("--camvid")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--updates", type=int, default=40)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--one", choices=KINDS, help="in this process, and print JSON")
    parser.add_argument("--smallest", action="store_true", help="generated pictures, to try it")
    options = parser.parse_args(arguments)
    if options.smallest and options.one is None:
        options.rounds, options.updates, options.workers = 1, 2, 1
        with tempfile.TemporaryDirectory() as root:
            WRITERS["camvid"](Path(root), 4)
            measure("camvid", root, options)
        return
    for name in ("bccd", "camvid"):
        root = getattr(options, name)
        if root and options.one:
            print(json.dumps(measure_here(options.one, name, root, options)))
        elif root:
            measure(name, root, options)


if __name__ == "__main__":
    main()
