"""Progress of a pass over a loader: a bar on a terminal, else a line at intervals."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from typing_extensions import Self

from densefit.callbacks.clock import Clock
from densefit.data.loader.loader import Loader
from densefit.data.loader.original_size_loader import OriginalSizeLoader
from densefit.data.loader.view_loader import ViewLoader


class WithProgress:
    """Wrap a loader and show on standard error how many samples it has given.

    All attributes are the loader's. Use it as a context manager, which closes the bar.

    Args:
        loader: loader to iterate over.
        title: description of the work, such as "scoring".
        every: seconds between two lines without a terminal.

    Attributes:
        clock: charged with waiting for batches ("data").
    """

    def __init__(
        self, loader: Loader | OriginalSizeLoader | ViewLoader, title: str, every: float = 30.0
    ) -> None:
        self._loader, self._title, self._every = loader, title, every
        self._bar: Bar | None = None
        self.clock = Clock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def __len__(self) -> int:
        return len(self._loader)  # type: ignore[arg-type] # views are not counted: TypeError

    def __iter__(self) -> Iterator[Any]:
        total, done, printed_at = len(self._loader.dataset), 0, time.monotonic()
        task = None if self._bar is None else self._bar.add_task(self._title, total=total)
        last = None
        batches = iter(self._loader)
        while True:
            with self.clock("data"):
                batch = next(batches, None)
            if batch is None:
                return
            for key in batch.ids:  # views of a sample follow one another
                done += key != last
                last = key
            if self._bar is not None and task is not None:
                self._bar.update(task, completed=done)
            elif time.monotonic() - printed_at >= self._every:
                printed_at = time.monotonic()
                print(f"{self._title}: {done}/{total} samples", file=sys.stderr, flush=True)
            yield batch

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Bar(
                TextColumn("{task.description}"),
                *columns,
                console=Console(file=sys.stderr),
                transient=True,
            )
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        self._loader.close()
