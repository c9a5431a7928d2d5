"""What MXNet's iterators give, what they say of it, and what densefit makes of it, as markdown.

python benchmarks/mxnet_iterators.py [--counts 90] [--repeats 50] [--smallest]

A sample's number is in its data, so that every row can be told: a sample, or one that an epoch had
already, or memory. Each iterator is made and read `--repeats` times; where the repeats differ, all
results are named. Batches have 4 rows. The buffer of the iterators in C++ has 4 batches, and their
thread reads 16 more ahead.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from iterator_cases import Makers, stop

from densefit.backend import mx
from densefit.engine.sources import source_of
from densefit.errors import DataError

SIZE = 4
EPOCHS = 3
CASES = [
    *(
        f"{kind}{ending}"
        for kind in (
            "ImageRecordIter",
            "ImageRecordIter ctx=cpu",
            "ImageRecordUInt8Iter",
            "ImageRecordInt8Iter",
            "ImageRecordIter_v1",
            "ImageRecordUInt8Iter_v1",
            "ImageDetRecordIter",
            "CSVIter",
        )
        for ending in ("", " round_batch=False")
    ),
    "ImageRecordIter shuffle=True",
    "ImageDetRecordIter shuffle=True",
    "LibSVMIter",
    "MNISTIter",
    *(
        f"{kind} handling={handling}"
        for kind in ("NDArrayIter", "ImageIter", "ImageDetIter")
        for handling in ("pad", "discard", "roll_over")
    ),
]
WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "": lambda iterator: iterator,
    "PrefetchingIter of ": mx.io.PrefetchingIter,
    "ResizeIter(5) of ": lambda iterator: mx.io.ResizeIter(iterator, 5),
}
WRAPPED = ("ImageRecordIter", "ImageRecordIter round_batch=False", "NDArrayIter handling=pad")


def epochs(iterator: Any) -> Iterator[list[Any]]:
    """Batches of each epoch, as Module.fit reads them: a reset after each."""
    for _ in range(EPOCHS):
        yield list(copies(iterator))
        iterator.reset()


def copies(iterator: Any) -> Iterator[Any]:
    """Batches as (samples, pad), read before the iterator fills its arrays again."""
    for batch in iterator:
        yield Makers.numbers(batch), int(batch.pad or 0)


def real(batches: Sequence[Any], count: int, is_stream: bool) -> int:
    """Rows of an epoch that are samples; but in a stream, none comes twice in a pass."""
    step = len(batches) if is_stream else -(-count // SIZE)
    rows = 0
    for start in range(0, len(batches), step):
        numbers = [n for given, _ in batches[start : start + step] for n in given]
        samples = [n for n in numbers if n in range(count)]
        rows += len(samples) if is_stream else len(set(samples))
    return rows


def measure(makers: Makers, case: str, wrap: Callable[[Any], Any], count: int) -> tuple[str, ...]:
    """One row of the table, without the first columns."""
    made = [wrap(makers.make(case, count, SIZE)) for _ in range(3)]
    is_stream = "round_batch=False" not in case and "handling=pad" not in case
    there, said = [], []
    for batches in epochs(made[0]):
        there.append(real(batches, count, is_stream))
        said.append(sum(len(numbers) - pad for numbers, pad in batches))
    trained: list[int] = []
    scored: list[object] = []
    source = source_of(made[1])
    for _ in range(EPOCHS):
        trained.append(len(makers.read(source.train_epoch())))
    source = source_of(made[2])
    for _ in range(EPOCHS):
        try:
            numbers = makers.read(source.score_pass())
        except DataError:
            scored.append("refused")
            continue
        scored.append(len(numbers) if sorted(numbers) == list(range(count)) else "WRONG")
    for iterator in made:
        if isinstance(iterator, mx.io.PrefetchingIter):
            stop(iterator)
    return tuple(", ".join(map(str, cells)) for cells in (there, said, trained, scored))


def first_after_resets(makers: Makers, case: str, resets: int, repeats: int) -> str:
    """First samples that came after resets of a fresh iterator, and how often."""
    found: Counter[float] = Counter()
    for _ in range(repeats):
        iterator = makers.make(case, 10, SIZE)
        for _ in range(resets):
            iterator.reset()
        found[makers.numbers(next(iterator))[0]] += 1
    return ", ".join(f"{first:g} ({often}x)" for first, often in sorted(found.items()))


def print_table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A markdown table."""
    for row in [titles, ["---"] * len(titles), *rows]:
        print("| " + " | ".join(map(str, row)) + " |")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 14, 16, 88, 90])
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--smallest", action="store_true", help="a few seconds, to try the program")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.counts, options.repeats = [10], 1
    print(f"{os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}, {options.repeats} repeats\n")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        makers = Makers(Path(folder))
        for count in options.counts:
            for name, wrap in WRAPPERS.items():
                for case in WRAPPED if name else CASES:
                    found = [measure(makers, case, wrap, count) for _ in range(options.repeats)]
                    cells = [" or ".join(sorted(set(column))) for column in zip(*found)]
                    rows.append([f"{name}{case}", count, *cells])
        print_table(
            [
                "iterator",
                "samples",
                "rows that are samples",
                "by pad",
                "densefit trains on",
                "densefit scores",
            ],
            rows,
        )
        print()
        resets = [
            [case, *(first_after_resets(makers, case, n, options.repeats) for n in (0, 1, 2))]
            for case in ("ImageRecordIter", "ImageDetRecordIter", "CSVIter")
        ]
        print_table(["first of 10 samples after", "no reset", "1 reset", "2 resets"], resets)


if __name__ == "__main__":
    main()
