"""Memory of a loader of shards with few and with 10 million samples: it must not grow.

python benchmarks/shards_memory.py [--counts 10000 10000000]

One shard of 5,000 small images is written, and listed as often as the count needs: the lists, the
indices and the orders are those of so many samples, the images are not. Each count runs in a
process of its own: a loader with a head is opened, reads some batches of an epoch, resumes in the
middle and near the end of others, and the dataset's fingerprint is taken.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

SUFFIXES = (".rec", ".idx", ".json")
IN_A_SHARD = 5000


class Dots:
    """Images of 8x8 pixels with a class."""

    classes = ("dark", "light")

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def id_of(self, index: int) -> str:
        """Id of a sample."""
        return f"dots/{index:08d}"

    def __getitem__(self, index: int):  # noqa: ANN204
        from densefit.data.sample import Sample

        image = np.full((8, 8, 3), index % 256, np.uint8)
        return Sample(self.id_of(range(self.length)[index]), image, {"label": index % 2})


def write(root: Path, count: int, in_a_shard: int) -> None:
    """Write one shard, and list it so often that there are `count` samples."""
    from densefit.tools.formats.packed_shards import pack_shards

    pack_shards(Dots(in_a_shard), root / "train.rec", 1 << 40)
    path = root / "train.shards.json"
    content = json.loads(path.read_text())
    del content["crc32"]  # of the list as it was packed
    (first,) = content["shards"]
    content["shards"], content["samples"] = [], count
    for number in range(count // in_a_shard):
        name = f"copy-{number:05d}"
        for suffix in SUFFIXES:
            (root / f"{name}{suffix}").symlink_to(f"train-00000{suffix}")
        files = {f"{name}{suffix}": first["files"][f"train-00000{suffix}"] for suffix in SUFFIXES}
        content["shards"].append({**first, "name": name, "files": files})
    path.write_text(json.dumps(content))


def peak(root: str, batches: int) -> tuple[float, float]:
    """Read some batches; return the peak resident memory in MiB and the seconds of all resumes."""
    import densefit as df
    from densefit.data.fingerprint import fingerprint

    data = df.dataset("shards", root=root)
    head = df.head("classification", classes=data.classes)
    seconds = 0.0
    with df.Loader(data, batch_size=32, heads=[head], shuffle=True, workers=2) as loader:
        for epoch, position in enumerate((0, len(data) // 2, len(data) - 32 * batches)):
            begun = time.perf_counter()
            loader.set_epoch(epoch, position=position)
            iterator = iter(loader)
            next(iterator)
            seconds += time.perf_counter() - begun
            for _ in range(batches - 1):
                next(iterator)
    fingerprint(data)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[10_000, 10_000_000])
    parser.add_argument("--smallest", action="store_true", help="a few seconds, to try the program")
    parser.add_argument("--one", help="measure the shards of this folder in this process")
    parser.add_argument("--batches", type=int, default=60)
    options = parser.parse_args(arguments)
    if options.one is not None:
        print(*peak(options.one, options.batches))
        return
    in_a_shard = IN_A_SHARD
    if options.smallest:
        options.counts, options.batches, in_a_shard = [200, 2000], 2, 100
    print(f"{os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}")
    first = None
    for count in options.counts:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), count, in_a_shard)
            size = (Path(folder) / "train.shards.json").stat().st_size / 2**20
            command = [sys.executable, __file__, "--one", folder]
            command += ["--batches", str(options.batches)]
            done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        memory, seconds = map(float, done.stdout.split()[-2:])
        first = first or memory
        print(
            f"{count:10,} samples, {count // in_a_shard:5} shards: {memory:8.1f} MiB "
            f"(+{memory - first:.1f}), a list of {size:.1f} MiB, three starts {seconds:.2f} s"
        )


if __name__ == "__main__":
    main()
