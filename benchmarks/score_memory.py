"""Peak memory of scoring a few and many pictures of 512x1024: it must not grow with their number.

python benchmarks/score_memory.py

Each count runs in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence

SIZE = (512, 1024)


def peak(count: int, size: tuple[int, int]) -> float:
    """Score `count` pictures with a small network; return the peak resident memory in MiB."""
    from score_cost import CLASSES, Streets

    import densefit as df

    head = df.head("segmentation", classes=CLASSES, decoder="fcn", channels=8)
    network = df.Network("resnet18", [head], settings={"width": 4})
    loader = df.Loader(Streets(4, size), batch_size=4, heads=network.heads)
    df.fit(network, loader, epochs=1, schedule=df.Constant(0.001), callbacks=[])
    loader.close()
    with df.Loader(Streets(count, size), batch_size=4) as pictures:
        df.score(network, pictures)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[200, 2000])
    parser.add_argument("--size", type=int, nargs=2, default=SIZE, help="height and width")
    parser.add_argument("--smallest", action="store_true", help="a few seconds, to try the program")
    parser.add_argument("--one", type=int, help="measure this count in this process")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.counts, options.size = [2, 4], (32, 32)
    size = (options.size[0], options.size[1])
    if options.one is not None:
        print(peak(options.one, size))
        return
    print(f"{size[0]}x{size[1]}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}")
    first = None
    for count in options.counts:
        command = [sys.executable, __file__, "--one", str(count), "--size", *map(str, size)]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        memory = float(done.stdout.split()[-1])
        first = first or memory
        print(
            f"{count:6} pictures: {memory:8.1f} MiB, {memory / first:.3f} of the first, "
            f"{time.perf_counter() - started:.0f} s"
        )


if __name__ == "__main__":
    main()
