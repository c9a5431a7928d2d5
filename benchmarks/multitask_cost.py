"""What three tasks on one trunk cost, beside three networks, and what balancing their losses adds.

    python benchmarks/multitask_cost.py [--rounds 7] [--updates 20] [--side 128] [--batch-size 8]
    python benchmarks/multitask_cost.py --engine torch --only "cagrad" "cagrad at features"
    python benchmarks/multitask_cost.py --smallest

Detection, segmentation and classification on one ResNet-18, and each on one of its own, train on
the same generated pictures. Batches are made beforehand and lie in memory, so that reading does not
count; binding and the first updates do not count either. A round runs each contender once, in
rotating order; medians over rounds are reported. The peak of resident memory is that of a process
that does one contender alone (`--one NAME`); "three networks" train one after the other: their
times and parameters add up, and the largest of their peaks counts. CPU time is that of all threads
of the process: on a busy machine it says more than the time that passes.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from replayed import Replayed

import densefit as df
from densefit.backend import mx
from densefit.datasets import Shapes
from densefit.train.balance import MGDA, CAGrad, Fixed, GradDrop, GradNorm, PCGrad, Uncertainty

WARM_UP = 3
TASKS = ("detection", "segmentation", "classification")
BALANCES: dict[str, Callable[[], Any]] = {
    "fixed": lambda: Fixed(dict.fromkeys(TASKS, 0.5)),
    "uncertainty": Uncertainty,
    "gradnorm": lambda: GradNorm(lr=0.025),
    "pcgrad": PCGrad,
    "cagrad": CAGrad,
    "cagrad every 4": lambda: CAGrad(every=4),
    "cagrad at features": lambda: CAGrad(at="features"),
    "mgda at features": lambda: MGDA(at="features"),
    "graddrop at features": lambda: GradDrop(at="features"),
    "cagrad at features every 4": lambda: CAGrad(at="features", every=4),
}
# What PyTorch's engine alone can do.
SPLIT = {name for name in BALANCES if "features" in name or "every" in name}
SHARED, APART = "one network", "three networks"
# What is run: name -> heads, balance.
CONTENDERS: dict[str, tuple[Sequence[str], str | None]] = {
    SHARED: (TASKS, None),
    **{f"{task} alone": ([task], None) for task in TASKS},
    **{f"{SHARED}, {name}": (TASKS, name) for name in BALANCES},
}

SMALLEST = [SHARED, *(f"{task} alone" for task in TASKS), f"{SHARED}, gradnorm"]


class Timer(df.Callback):
    """Seconds from the end of the warm-up to the end of the last update, and of all threads."""

    def __init__(self, updates: int) -> None:
        self.updates = updates
        self.seconds = self.cpu = 0.0
        self._started = self._started_cpu = 0.0

    def update_ended(self, state: Any, control: Any) -> None:
        """Read the clock where it counts, when the engine is done."""
        if state.update in (WARM_UP, self.updates):
            mx.nd.waitall()
            now, cpu = time.perf_counter(), time.process_time()
            self._started, self.seconds = now, now - self._started
            self._started_cpu, self.cpu = cpu, cpu - self._started_cpu


def network(tasks: Sequence[str], data: Shapes, width: int) -> df.Network:
    """A ResNet-18 with those heads; the output stride is the same for all, to compare trunks."""
    settings: dict[str, dict[str, Any]] = {
        "detection": {"classes": data.classes, "metric": "voc"},
        "segmentation": {"classes": data.mask_classes, "decoder": "fcn"},
        "classification": {"classes": data.label_classes},
    }
    heads = [df.head(task, **settings[task]) for task in tasks]
    return df.Network("resnet18", heads, settings={"width": width}, output_stride=32)


class Contender:
    """One network with its batches; `run` trains it further and gives seconds an update."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        tasks, self.balance = CONTENDERS[name]
        data = Shapes(4 * options.batch_size, size=(options.side, options.side), empty=0.0)
        self.engine = options.engine
        self.network = network(tasks, data, options.width)
        self.updates = options.updates + WARM_UP
        with df.Loader(data, batch_size=options.batch_size, heads=self.network.heads) as loader:
            self.batches = Replayed(loader, self.updates)

    def run(self) -> tuple[float, float]:
        """Seconds an update, passed and of the CPU."""
        timer = Timer(self.updates)
        df.fit(
            self.network,
            self.batches,
            updates=self.updates,
            optimizer="sgd",
            optimizer_params={"momentum": 0.9, "learning_rate": 0.001},
            balance=None if self.balance is None else BALANCES[self.balance](),
            callbacks=[timer],
            engine=self.engine,
            progress=False,
        )
        count = self.updates - WARM_UP
        return timer.seconds / count, timer.cpu / count

    @property
    def parameters(self) -> int:
        """Numbers that are trained."""
        return sum(int(value.size) for value in self.network.parameters.values())


def peak(name: str, options: argparse.Namespace) -> float:
    """MiB of a process that does one contender alone, at their highest."""
    command = [sys.executable, __file__, "--one", name]
    for key in ("updates", "side", "batch_size", "width", "engine"):
        command += [f"--{key.replace('_', '-')}", str(getattr(options, key))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--side", type=int, default=128, help="of the pictures")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--width", type=int, default=64, help="of the ResNet's first stage")
    parser.add_argument("--engine", choices=["mxnet", "torch"], default="mxnet")
    parser.add_argument("--only", nargs="+", choices=BALANCES, help="these balances, by name")
    parser.add_argument("--one", choices=CONTENDERS, help="measure its memory in this process")
    parser.add_argument("--smallest", action="store_true", help="a few seconds, to try the program")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.rounds = options.updates = 1
        options.side, options.batch_size, options.width = 32, 2, 4
    if options.one is not None:
        _, used = Contender(options.one, options).run()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{1e3 * used:.1f} ms of CPU an update, peak MiB {memory:.0f}")
        return
    # First: a process begins with the peak of the one that starts it.
    names = SMALLEST if options.smallest else chosen(options)
    memory = {name: peak(name, options) for name in names}
    contenders = {name: Contender(name, options) for name in names}
    for contender in () if options.smallest else contenders.values():
        contender.run()  # memory pools, thread pools, first values
    seconds: dict[str, list[float]] = {name: [] for name in names}
    cpu: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(options.rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            passed, used = contenders[name].run()
            seconds[name].append(passed)
            cpu[name].append(used)
    parameters = {name: contender.parameters for name, contender in contenders.items()}
    alone = [name for name in names if name.endswith(" alone")]
    rows = names
    if alone:
        rows = [SHARED, APART, *names[1:]]
        for times in (seconds, cpu):
            times[APART] = [sum(each) for each in zip(*(times[name] for name in alone))]
        memory[APART] = max(memory[name] for name in alone)
        parameters[APART] = sum(parameters[name] for name in alone)
    print(
        f"resnet18 of width {options.width}, {options.side}x{options.side}, batch "
        f"{options.batch_size}, {options.updates} updates, {options.rounds} rounds, "
        f"{options.engine}, {os.cpu_count()} cores, "
        f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS')}, {time.strftime('%Y-%m-%d')}"
    )
    print(
        f"{'':40} {'ms/update':>10} {'of one':>7} {'CPU ms':>8} {'of one':>7} {'peak MiB':>9} "
        f"{'M parameters':>13}"
    )
    for name in rows:
        print(
            f"{name:40} {1e3 * statistics.median(seconds[name]):10.1f} "
            f"{ratio(seconds, name):7.2f} {1e3 * statistics.median(cpu[name]):8.1f} "
            f"{ratio(cpu, name):7.2f} {memory[name]:9.0f} {parameters[name] / 1e6:13.2f}"
        )


def chosen(options: argparse.Namespace) -> list[str]:
    """Names of the contenders that the engine can train, or that were asked for."""
    if options.only:
        return [SHARED, *(f"{SHARED}, {name}" for name in options.only)]
    return [
        name
        for name, (_, balance) in CONTENDERS.items()
        if options.engine == "torch" or balance not in SPLIT
    ]


def ratio(times: dict[str, list[float]], name: str) -> float:
    """Median over rounds of a contender's time over that of one plain network."""
    return statistics.median(run / base for run, base in zip(times[name], times[SHARED]))


if __name__ == "__main__":
    main()
