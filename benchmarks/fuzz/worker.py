"""The process that reads changed files, within limits of memory; the parent limits its time."""

from __future__ import annotations

import logging
import math
import os
import resource
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import cv2
from fuzz.kinds import KINDS

from densefit.errors import DensefitError

READ, REFUSED = "read", "refused"
_SECRET = "root:x:0:"


@dataclass(frozen=True)
class Case:
    """A file: `number` of the changed ones, or the unchanged content `clean` of a kind."""

    kind: int
    number: int
    clean: int | None = None

    def content(self, seed: int) -> bytes:
        """The file's bytes."""
        kind = KINDS[self.kind]
        if self.clean is not None:
            return kind.clean()[self.clean]
        return kind.changed(Random(f"{seed} {self.number}"))  # noqa: S311


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Attributes:
        what: read, refused, or what went wrong.
        said: the error's text, or what differs.
        compared: whether another reader reads it, too.
        seconds: that it took.
    """

    what: str
    said: str = ""
    compared: bool = False
    seconds: float = 0.0

    @property
    def is_failure(self) -> bool:
        """Whether it is neither read nor refused as it must be."""
        return self.what not in (READ, REFUSED)


def case_of(number: int, kinds: Sequence[int] = range(len(KINDS))) -> Case:
    """The changed file of a number, of one of some kinds."""
    return Case(kinds[number % len(kinds)], number)


def serve(connection: Any, folder: Path, seed: int, memory: int, seconds: float) -> None:
    """Read what is asked for, until None is.

    Args:
        connection: of `Case`s, and back of `Outcome`s.
        folder: for the datasets.
        seed: of all changes.
        memory: bytes that reading a file may take.
        seconds: of computing that it may take; SIGXCPU ends the process then.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries complain of broken pictures there
    logging.disable()
    warnings.simplefilter("ignore")
    cv2.setNumThreads(0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + memory
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for case in iter(connection.recv, None):
        begun = time.process_time()
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(begun + seconds), -1))
        found = read(case, folder / str(case.kind), case.content(seed))
        connection.send((found, time.process_time() - begun))
    os._exit(0)


def read(case: Case, root: Path, data: bytes) -> Outcome:
    """Write the file among the others of its dataset, and read all of this."""
    kind = KINDS[case.kind]
    if not root.is_dir():
        root.mkdir(parents=True)
        kind.write(root)
    path = root / kind.target
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    samples: dict[int, Any] = {}
    try:
        dataset = kind.open(root)
        for index in range(len(dataset)):
            samples[index] = dataset[index]
    except DensefitError as error:
        return _refused(case, root, error)
    except MemoryError as error:
        return Outcome("memory", f"MemoryError {error}")
    except BaseException as error:  # all of them are failures
        return Outcome("raw exception", f"{type(error).__name__}: {error}"[:300])
    try:
        said = kind.differs(data, dataset, samples)
    except Exception as error:  # of this program
        return Outcome("comparison failed", f"{type(error).__name__}: {error}"[:300])
    return Outcome("read wrongly" if said else READ, said or "", said is not None)


def _refused(case: Case, root: Path, error: DensefitError) -> Outcome:
    kind, text = KINDS[case.kind], str(error)
    if _SECRET in text:
        return Outcome("shows another file", text[:300])
    if len(text) > 40_000:
        return Outcome("endless message", text[:300])
    names = Path(kind.target).name in text
    names = names or (str(root) in text and any(told in text for told in kind.told))
    return Outcome(REFUSED if names else "no file's name", text)
