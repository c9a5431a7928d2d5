"""Every registered backbone with every head and decoder: each pair trains and scores.

    python benchmarks/all_pairs.py --out pairs.jsonl [--backbones "resnet*"]
        [--heads "segmentation*"] [--engine torch]

A pair is narrow, and is checked on generated shapes of 64x64: the eval graph computes with
parameters of the train graph, two updates leave all parameters finite and move the backbone and the
head, and the head's primary score is a number. Each result is a line of `--out`; pairs that passed
before are not made again. At the end a table has a row for each backbone and a column for each
head: seconds, or ERROR. The exit code is 1 if any pair failed.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from narrow_parts import SIZE, head_settings, narrow_network
from parity_networks import Pictures
from quiet import errors_only

import densefit as df
from densefit.engine import engine_name
from densefit.model.backbones import backbones

Pair = tuple[str, str, str]  # backbone, head, engine


def main(arguments: Sequence[str] | None = None) -> int:
    """Check pairs, print a table, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="file of the results; none by default")
    parser.add_argument("--backbones", default="*", help="pattern of names")
    parser.add_argument("--heads", default="*", help="pattern of names")
    parser.add_argument("--engine", help="mxnet or torch; by default the one in use")
    parser.add_argument("--smallest", action="store_true", help="one pair, in seconds")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.backbones, options.heads = "mobilenetv2", "classification"
    engine = engine_name(options.engine)
    results = read(options.out)
    with errors_only():
        for backbone, head in pairs(options.backbones, options.heads):
            key = backbone, head, engine
            if key not in results or results[key]["error"]:
                results[key] = result(*key)
                if options.out is not None:
                    append(options.out, results[key])
                print(line(results[key]), flush=True)
    chosen = {
        (backbone, head): results[backbone, head, engine]
        for backbone, head in pairs(options.backbones, options.heads)
    }
    print(table(chosen))
    return int(any(entry["error"] for entry in chosen.values()))


def pairs(backbone: str, head: str) -> Iterator[tuple[str, str]]:
    """(backbone, head) of all names that match the patterns."""
    for name in backbones.names():
        for other in head_settings():
            if fnmatch(name, backbone) and fnmatch(other, head):
                yield name, other


def read(path: Path | None) -> dict[Pair, dict[str, Any]]:
    """Results of a file by pair, the last of each; a line that was cut off is left out."""
    results: dict[Pair, dict[str, Any]] = {}
    if path is None or not path.exists():
        return results
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(text)
        except ValueError:
            continue
        results[entry["backbone"], entry["head"], entry["engine"]] = entry
    return results


def append(path: Path, entry: Mapping[str, Any]) -> None:
    """Append a result; behind a line that was cut off it begins a new one."""
    is_cut = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")
    with open(path, "a", encoding="utf-8") as file:
        file.write(("\n" if is_cut else "") + json.dumps(entry) + "\n")


def result(backbone: str, head: str, engine: str) -> dict[str, Any]:
    """Check a pair; its error is text in the result."""
    began = time.process_time()
    entry: dict[str, Any] = {"backbone": backbone, "head": head, "engine": engine, "error": ""}
    try:
        entry.update(check(narrow_network(backbone, head), engine))
    except Exception as error:
        entry["error"] = f"{type(error).__name__}: {error}"
    return {**entry, "seconds": round(time.process_time() - began, 2)}


def check(network: df.Network, engine: str) -> dict[str, float]:
    """Train two updates and score; returns the loss and the primary score.

    Raises:
        ValueError: a promise of the module's docstring is broken.
    """
    train, evaluate = (network.graph(mode, SIZE) for mode in ("train", "evaluate"))
    untrained = {*evaluate.list_arguments()} - {*train.list_arguments()}
    if untrained:
        raise ValueError(f"the eval graph has parameters of its own: {sorted(untrained)}")
    start: dict[str, np.ndarray] = {}

    class Start(df.Callback):
        def fit_started(self, state: Any, control: Any) -> None:
            start.update(network.parameters)

    settings: dict[str, Any] = {"batch_size": 2, "workers": 0}
    loader = df.Loader(Pictures(4), heads=network.heads, **settings)
    history = df.fit(
        network, loader, updates=2, optimizer="adam", lr=1e-3, callbacks=[Start()],
        progress=False, engine=engine,
    )  # fmt: skip
    after = dict(network.parameters)
    bad = [name for name, value in after.items() if not np.isfinite(value).all()]
    if bad:
        raise ValueError(f"not finite after two updates: {bad}")
    for prefix in ("head_", f"{network.backbone.name}_"):
        moved = [
            name
            for name, value in after.items()
            if name.startswith(prefix) and (value != start[name]).any()
        ]
        if not moved:
            raise ValueError(f"no parameter {prefix}* has moved")
    (adapter,) = network.adapters.values()
    primary = adapter.metrics("evaluate")[0].primary
    scores = df.score(network, df.Loader(Pictures(4), **settings), engine=engine)
    score = scores[f"head/{primary}"]
    if not math.isfinite(score):
        raise ValueError(f"{primary} is {score}")
    losses = history.epochs[-1]["train"].values()
    return {"loss": float(sum(losses)), "score": float(score)}


def line(entry: Mapping[str, Any]) -> str:
    """A result as a line."""
    said = entry["error"] or f"loss {entry['loss']:.4g}, score {entry['score']:.4g}"
    return f"{entry['backbone']} with {entry['head']}: {said}, {entry['seconds']:.1f} s"


def table(results: Mapping[tuple[str, str], Mapping[str, Any]]) -> str:
    """A row for each backbone, a column for each head; columns are numbered."""
    rows = list(dict.fromkeys(backbone for backbone, _ in results))
    columns = list(dict.fromkeys(head for _, head in results))
    width = max(map(len, rows), default=0)
    lines = [f"{number:2} {head}" for number, head in enumerate(columns, 1)]
    lines += [" " * width + "".join(f"{n:6}" for n in range(1, len(columns) + 1))]
    for row in rows:
        entries = [results[row, column] for column in columns]
        cells = (f"{'ERROR' if e['error'] else format(e['seconds'], '.1f'):>6}" for e in entries)
        lines.append(f"{row:{width}}" + "".join(cells))
    failed = [entry for entry in results.values() if entry["error"]]
    lines.append(f"{len(results) - len(failed)} of {len(results)} pairs train and score")
    return "\n".join([*lines, *(f"  {line(entry)}" for entry in failed)])


if __name__ == "__main__":
    sys.exit(main())
