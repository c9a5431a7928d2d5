"""densefit's loader over a recipe's training data; run by data_speed.py."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from data_cases import RECIPES, Case
from side_by_side import serve

from densefit.backend import mx
from densefit.datasets import Shards
from densefit.tools.formats.packed_shards import pack_shards

_SHARD_BYTES, _BUFFER = 4_000_000, 100


def main() -> None:
    """Serve epochs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case", choices=RECIPES)
    parser.add_argument("root")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kind", default="threads")
    parser.add_argument("--shards", choices=("local", "remote"), help="pack the data before")
    options = parser.parse_args()
    case = Case.of(options.case, options.root)
    folder = tempfile.TemporaryDirectory()  # removed at exit
    if options.shards:
        pack_shards(case.dataset, Path(folder.name) / "train.rec", _SHARD_BYTES)
        prefix = "" if options.shards == "local" else "file://"
        cache = Path(folder.name) / "cache"
        case.dataset = Shards(f"{prefix}{folder.name}", buffer=_BUFFER, cache=cache)
    with case.loader(options.workers, options.kind) as loader:

        def work(count: int) -> float:
            begun = time.perf_counter()
            for _ in range(count):
                for _ in loader:
                    pass
            mx.nd.waitall()
            return time.perf_counter() - begun

        work(1)
        serve({"images": len(loader) * loader.batch_size}, work)


if __name__ == "__main__":
    main()
