"""Check the splits of a run, in steps of rising cost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from densefit.data.sample import Dataset
from densefit.tools.data_check.comparisons import class_findings, group_findings
from densefit.tools.data_check.equal_images import Group, bytes_to_hash, equal_images
from densefit.tools.data_check.file_cache import FileCache
from densefit.tools.data_check.findings import Finding
from densefit.tools.data_check.problems import split_findings
from densefit.tools.data_check.split import Progress, SplitCheck


@dataclass
class DataCheck:
    """Checks of all splits.

    Attributes:
        train: names of the splits to train on.
        splits: name -> check of the split.
        groups: samples whose image files are equal, after `compare_images`.
        has_compared: whether all files of equal size were compared.
        seconds: spent so far.
    """

    train: list[str]
    splits: dict[str, SplitCheck]
    groups: list[Group] = field(default_factory=list)
    has_compared: bool = False
    seconds: float = 0.0

    @classmethod
    def of(cls, data: Mapping[str, Dataset], train: Sequence[str]) -> DataCheck:
        """Look at the annotations and files of all splits.

        Args:
            data: name of the split -> dataset.
            train: names of the splits to train on.
        """
        caches: dict[str, FileCache] = {}
        check = cls(list(train), {})
        with _Stopwatch(check):
            for split, dataset in data.items():
                folder = os.path.abspath(data_folder(dataset))
                if folder not in caches:
                    caches[folder] = FileCache(Path(folder))
                check.splits[split] = SplitCheck(dataset, caches[folder])
                check.splits[split].look()
        return check

    @property
    def missing_headers(self) -> int:
        """Number of images whose header is not in the cache."""
        return sum(len(split.uncached) for split in self.splits.values())

    @property
    def missing_bytes(self) -> int:
        """Bytes of the files whose hash is needed and not in the cache."""
        return bytes_to_hash(self._files, self._caches)

    def read_headers(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Read the headers of all images."""
        with _Stopwatch(self):
            for split in self.splits.values():
                split.read_headers(stopped)

    def read_labels(self) -> None:
        """Read the labels that need no decoding."""
        with _Stopwatch(self):
            for split in self.splits.values():
                split.read_labels()

    def decode(self, progress: Progress = lambda index: None) -> None:
        """Decode every sample."""
        with _Stopwatch(self):
            for split in self.splits.values():
                split.decode(progress)

    def compare_images(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Find equal image files."""
        with _Stopwatch(self):
            for group in equal_images(self._files, self._caches, stopped):
                self.groups.append(group)
            self.has_compared = not stopped()

    def save_cache(self) -> None:
        """Keep headers and hashes for the next check."""
        with _Stopwatch(self):
            for cache in {id(cache): cache for cache in self._caches.values()}.values():
                cache.save()

    def findings(self) -> list[Finding]:
        """All findings, errors first."""
        findings = [
            finding
            for split, check in self.splits.items()
            for finding in split_findings(split, check)
        ]
        findings += group_findings(self.groups, self.splits)
        findings += class_findings(self.train, self.splits)
        order = ("error", "warning", "note")
        return sorted(findings, key=lambda finding: order.index(finding.severity))

    @property
    def _files(self) -> dict[str, Any]:
        return {name: split.files for name, split in self.splits.items()}

    @property
    def _caches(self) -> dict[str, FileCache]:
        return {name: split.cache for name, split in self.splits.items()}


def data_folder(dataset: Any) -> Path:
    """Folder of a dataset: its root, else the folder of its annotations, else of its images."""
    root, annotations = getattr(dataset, "root", None), getattr(dataset, "json_path", None)
    if isinstance(root, (str, os.PathLike)) and os.path.isdir(root):
        return Path(root)
    if isinstance(annotations, (str, os.PathLike)):
        return Path(annotations).parent
    images = getattr(dataset, "image_root", None)
    if isinstance(images, (str, os.PathLike)):
        return Path(images)
    try:
        return Path(dataset.picture_file(0)).parent
    except Exception:
        return Path.cwd()  # nothing is cached without files


class _Stopwatch:
    """Adds the seconds of a block to a check."""

    def __init__(self, check: DataCheck) -> None:
        self._check = check

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self._check.seconds += time.perf_counter() - self._start
