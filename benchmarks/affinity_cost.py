"""CPU time that `task_affinity: auto` adds to a training.

    python benchmarks/affinity_cost.py --engine torch --updates 6

Prints the CPU milliseconds of a plain update, those that a measurement adds, and the share of the
training that a measurement in each 30th update for each head takes.
"""

from __future__ import annotations

import argparse
import time

import densefit as df
from densefit.train.affinity.measured_step import SPACING

HEADS = ("detection", "segmentation", "kind")


def seconds(
    engine: str, updates: int, every: int | None, batch: int, width: int, size: tuple[int, int]
) -> float:
    """CPU seconds of an update, without the first, which binds and warms up."""
    rooms = df.dataset("rooms", split="train", length=batch * (updates + 1), size=size)
    heads = [
        df.head("detection", classes=rooms.classes, strides=(8, 16), channels=32),
        df.head("segmentation", classes=rooms.mask_classes, decoder="fcn", channels=32),
        df.head("classification", name="kind", classes=rooms.label_classes),
    ]
    network = df.Network("resnet18", heads, settings={"width": width})
    loader = df.Loader(rooms, batch_size=batch, heads=heads, workers=0)
    marks = []

    class Clock(df.Callback):
        def update_ended(self, state: object, control: object) -> None:
            marks.append(time.process_time())

    df.fit(
        network,
        loader,
        updates=updates + 1,
        task_affinity=every,
        engine=engine,
        callbacks=[Clock()],
        progress=False,
        schedule=df.Constant(1e-3),
    )
    return (marks[-1] - marks[0]) / updates


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", default="torch")
    parser.add_argument("--updates", type=int, default=6)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--size", type=int, nargs=2, default=(128, 128))
    parser.add_argument("--smallest", action="store_true", help="seconds, to try the program")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.updates, options.width, options.size, options.batch = 1, 4, (64, 64), 2
    rest = (options.batch, options.width, tuple(options.size))
    plain = seconds(options.engine, options.updates, None, *rest)
    added = seconds(options.engine, options.updates, 1, *rest) - plain
    share = added / (SPACING * len(HEADS) * plain)
    print(
        f"{options.engine}: an update {1e3 * plain:.0f} ms, a measurement {1e3 * added:.0f} ms; "
        f"auto adds {100 * share:.1f} %"
    )


if __name__ == "__main__":
    main()
