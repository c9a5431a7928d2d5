"""The files that one update enters, by a trace of a small training.

python tests/docs/batch_trace.py    # prints them, as docs/architecture.md lists them
"""

from __future__ import annotations

import ast
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import densefit as df

ROOT = Path(__file__).resolve().parents[2]
TRACED_UPDATE = 3


class Trace:
    """Files of the repository that are entered while one update runs.

    Attributes:
        main: file -> the functions called there, by the main thread within the update.
        workers: the same of the loader's threads, for any samples.
        is_open: whether the update runs.
    """

    def __init__(self) -> None:
        self.main: dict[str, set[str]] = {}
        self.workers: dict[str, set[str]] = {}
        self.is_open = False
        self._names: dict[str, str | None] = {}

    def __call__(self, frame, event, argument):
        name = self._name(frame.f_code.co_filename)
        if event == "call" and name is not None:
            if threading.current_thread() is not threading.main_thread():
                self.workers.setdefault(name, set()).add(frame.f_code.co_name)
            elif self.is_open:
                self.main.setdefault(name, set()).add(frame.f_code.co_name)

    def _name(self, file: str) -> str | None:
        """Path below the repository; None for other files and for tests."""
        if file not in self._names:
            path = os.path.relpath(os.path.realpath(file), ROOT)
            is_ours = path.split(os.sep)[0] in ("densefit", "tasks", "datasets")
            self._names[file] = path if is_ours else None
        return self._names[file]


class Window(df.Callback):
    """Opens the trace for one update, without any callback of its own in it."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def update_ended(self, state, control) -> None:
        self.trace.is_open = state.update == TRACED_UPDATE - 1


def trace_update() -> Trace:
    """Train a network of two heads for a few updates, and trace one of them."""
    shapes = df.dataset("shapes", length=32, size=(64, 64))
    heads = [
        df.head("detection", classes=shapes.classes, strides=[16, 32]),
        df.head("segmentation", classes=shapes.mask_classes, channels=8),
    ]
    network = df.Network("resnet18", heads, settings={"width": 8})
    transform = df.transforms.Compose(
        [df.transform("random_flip"), df.transform("resize", height=64, width=64)]
    )
    loader = df.Loader(shapes, batch_size=4, transform=transform, heads=heads, workers=1)
    trace, before = Trace(), sys.gettrace()
    threading.settrace(trace)
    sys.settrace(trace)
    try:
        with loader:
            df.fit(network, loader, updates=TRACED_UPDATE + 1, lr=0.01, callbacks=[Window(trace)])
    finally:
        sys.settrace(before)
        threading.settrace(before)
    return trace


def functions(file: str) -> Iterator[tuple[str, int]]:
    """(name, lines) of the functions of a file, without their docstrings."""
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            yield node.name, 1 + node.end_lineno - body[0].lineno if body else 0


if __name__ == "__main__":
    result = trace_update()
    for title, files in (("main thread", result.main), ("loader's threads", result.workers)):
        print(f"{title}: {len(files)} files")
        for file, names in files.items():
            print(f"| `{file}` | {', '.join(sorted(n for n in names if n[0] != '<'))} |")
