"""Read thousands of damaged and hostile files, each in a process with limits, and count.

python benchmarks/fuzz_files.py [--files 10000] [--seed 0] [--workers 2]
python benchmarks/fuzz_files.py --only 4711    # one of them again, with the whole error
python benchmarks/fuzz_files.py --kinds "YOLO labels" "boxes CSV"

Annotations (VOC's XML, COCO's JSON, YOLO's labels and data.yaml, boxes in tables and text files,
lists, tables, recipes, records and their indices), masks, depths, pictures and files of weights
are changed at random: bits, bytes and chunks, and, knowing what they are, values, elements, headers
and sizes. Each is read as part of a dataset. It must be read, as another reader reads it
(ElementTree, json and pycocotools, csv, struct, Pillow, safetensors, onnx), or be refused by an
error of densefit that names it. Whatever else happens is a failure, listed by its number: an
exception of another kind, an error without the name, a crash, too much time or memory, another
content. Files that are not changed are all read.
Ends with 1 if there is a failure.
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from fuzz.kinds import KINDS
from fuzz.worker import READ, REFUSED, Case, Outcome, case_of, read, serve
from rich.console import Console
from rich.table import Table

_WAITING = 6  # times longer than the computing: the machine may be busy
_FORK = multiprocessing.get_context("fork")


class Worker:
    """A process that reads files, and is replaced when it dies or takes too long."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self._folder, self._options = folder, options
        self.case: Case | None = None
        self._begin()

    def _begin(self) -> None:
        self.connection, theirs = _FORK.Pipe()
        options = self._options
        arguments = (theirs, self._folder, options.seed, options.memory << 20, options.seconds)
        self._process = _FORK.Process(target=serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, case: Case) -> None:
        """Begin with a file."""
        self.case, self._asked = case, time.monotonic()
        self.connection.send(case)

    def answer(self) -> Outcome | None:
        """What became of the file; None as long as it is being read."""
        if self.connection.poll():
            try:
                outcome, seconds = self.connection.recv()
            except EOFError:
                self._process.join()
                code = self._process.exitcode
                self._begin()
                if code == -signal.SIGXCPU:
                    return Outcome(
                        "too slow", f"more than {self._options.seconds:g} s of computing"
                    )
                return Outcome("crash", f"exit code {code}")
            return Outcome(outcome.what, outcome.said, outcome.compared, seconds)
        if time.monotonic() - self._asked > _WAITING * self._options.seconds:
            self.end()
            self._begin()
            return Outcome("hangs", f"more than {_WAITING * self._options.seconds:g} s")
        return None

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()


def outcomes(
    cases: Iterable[Case], options: argparse.Namespace, folder: Path
) -> Iterator[tuple[Case, Outcome]]:
    """Each file with what became of it, in the order in which they are done."""
    waiting = iter(cases)
    workers = [Worker(folder / str(i), options) for i in range(options.workers)]
    busy: list[Worker] = []
    for worker in workers:
        _next(worker, waiting, busy)
    while busy:
        wait([worker.connection for worker in busy], timeout=0.1)
        for worker in list(busy):
            found = worker.answer()
            if found is not None and worker.case is not None:
                yield worker.case, found
                busy.remove(worker)
                _next(worker, waiting, busy)
    for worker in workers:
        worker.end()


def _next(worker: Worker, waiting: Iterator[Case], busy: list[Worker]) -> None:
    case = next(waiting, None)
    if case is not None:
        worker.ask(case)
        busy.append(worker)


def table(found: Sequence[tuple[Case, Outcome]]) -> Table:
    """A row a kind."""
    shown = Table(title="changed files")
    for title in (
        "kind",
        "files",
        "read",
        "refused",
        "failures",
        "compared",
        "slowest, ms",
    ):
        shown.add_column(title, justify="left" if title == "kind" else "right")
    rows = [(kind.name, [o for c, o in found if c.kind == i]) for i, kind in enumerate(KINDS)]
    for name, own in [*((n, o) for n, o in rows if o), ("all", [o for _, o in found])]:
        count = Counter(outcome.what for outcome in own)
        total = max(1, len(own))
        shown.add_row(
            name,
            str(len(own)),
            f"{count[READ]} ({100 * count[READ] / total:.0f} %)",
            f"{count[REFUSED]} ({100 * count[REFUSED] / total:.0f} %)",
            str(sum(outcome.is_failure for outcome in own)),
            str(sum(outcome.compared for outcome in own if outcome.what == READ)),
            f"{1000 * max((outcome.seconds for outcome in own), default=0):.0f}",
            end_section=name == rows[-1][0],
        )
    return shown


def failures(found: Sequence[tuple[Case, Outcome]], every: bool) -> list[str]:
    """Failures, those of one kind and message together unless all are wanted."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for case, outcome in found:
        if outcome.is_failure:
            number = str(case.number) if case.clean is None else f"unchanged {case.clean}"
            said = outcome.said.splitlines()[0] if outcome.said else ""
            alike = number if every else "".join(c for c in said if not c.isdigit())[:40]
            key = (KINDS[case.kind].name, outcome.what, alike)
            groups.setdefault(key, []).append(f"{number}\0{said}")
    lines = []
    for (name, what, _), own in sorted(
        groups.items(), key=lambda item: (item[0][0], -len(item[1]))
    ):
        numbers = ", ".join(one.split("\0")[0] for one in own[:4]) + (
            ", ..." if len(own) > 4 else ""
        )
        lines.append(f"{name}: {what}, {len(own)} x ({numbers}): {own[0].split(chr(0))[1][:160]}")
    return lines


def once(number: int, options: argparse.Namespace) -> int:
    """Read one changed file in this process, without limits; 1 if it is a failure."""
    case = case_of(number, _chosen(options))
    kind, data = KINDS[case.kind], case.content(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        if options.keep:
            Path(options.keep).write_bytes(data)
        print(f"{number}: {kind.name}, {len(data)} bytes, {data[:400]!r}", flush=True)
        outcome = read(case, Path(folder) / "dataset", data)
    print(f"{outcome.what}\n{outcome.said}")
    return int(outcome.is_failure)


def _chosen(options: argparse.Namespace) -> list[int]:
    """Indices of the kinds that are wanted."""
    return [i for i, kind in enumerate(KINDS) if not options.kinds or kind.name in options.kinds]


def main(arguments: Sequence[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add: Any = parser.add_argument
    add("--files", type=int, default=10_000, help="changed files")
    add("--first", type=int, default=0, help="number of the first of them")
    add("--seed", type=int, default=0)
    names = [kind.name for kind in KINDS]
    add("--kinds", nargs="+", choices=names, metavar="KIND", help=f"of {', '.join(names)}")
    add("--workers", type=int, default=2, help="processes")
    add("--seconds", type=float, default=10.0, help="of computing that a file may take")
    add("--memory", type=int, default=1024, help="MiB that a file may take")
    add("--only", type=int, help="read this one alone")
    add("--keep", help="with --only: write the file there")
    add("--all", action="store_true", help="list each failure, not one of those that are alike")
    options = parser.parse_args(arguments)
    if options.only is not None:
        return once(options.only, options)
    contents = [len(kind.clean()) for kind in KINDS]  # made once, before the processes
    chosen = _chosen(options)
    clean = [Case(i, -1, j) for i in chosen for j in range(contents[i])]
    changed = [case_of(options.first + number, chosen) for number in range(options.files)]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = list(outcomes([*clean, *changed], options, Path(folder)))
    unchanged = [(case, outcome) for case, outcome in found if case.clean is not None]
    good = [outcome.compared for _, outcome in unchanged if outcome.what == READ]
    console = Console(width=110)
    console.print(table([(case, outcome) for case, outcome in found if case.clean is None]))
    print(
        f"{len(good)} of {len(unchanged)} unchanged files are read, {sum(good)} of them as another "
        f"reader reads them; seed {options.seed}, {time.monotonic() - begun:.0f} s"
    )
    refused = [
        (case, Outcome("refused, unchanged", outcome.said))
        for case, outcome in unchanged
        if outcome.what == REFUSED
    ]
    bad = [*refused, *((case, outcome) for case, outcome in found if outcome.is_failure)]
    for line in failures(bad, options.all):
        print(line)
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
