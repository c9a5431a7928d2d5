"""Find images with equal content; only files of equal size are hashed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from densefit.tools.data_check.file_cache import FileCache, FileState
from densefit.tools.data_check.image_files import ImageFiles, digest_of


@dataclass(frozen=True)
class ImageRef:
    """An image of a split."""

    split: str
    index: int
    path: str


Group = list[ImageRef]


def files_by_size(
    files: Mapping[str, ImageFiles],
) -> dict[int, dict[str, tuple[FileState, Group]]]:
    """Files of a size that several have, or that several samples name: path -> samples."""
    by_size: dict[int, dict[str, tuple[FileState, Group]]] = defaultdict(dict)
    for split, of_split in files.items():
        for index, (path, state) in enumerate(zip(of_split.paths, of_split.states)):
            if state is not None:
                _, group = by_size[state.size].setdefault(path, (state, []))
                group.append(ImageRef(split, index, path))
    return {
        size: by_path
        for size, by_path in by_size.items()
        if len(by_path) > 1 or any(len(group) > 1 for _, group in by_path.values())
    }


def bytes_to_hash(files: Mapping[str, ImageFiles], caches: Mapping[str, FileCache]) -> int:
    """Size of all files whose hash is needed and not cached."""
    return sum(
        size
        for size, by_path in files_by_size(files).items()
        if len(by_path) > 1
        for path, (state, group) in by_path.items()
        if caches[group[0].split].get(path, state).digest is None
    )


def equal_images(
    files: Mapping[str, ImageFiles],
    caches: Mapping[str, FileCache],
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Group]:
    """Yield groups of samples whose image files have the same content.

    Args:
        files: split -> its files.
        caches: split -> its cache.
        stopped: asked before each file whether to end early.
    """
    for by_path in files_by_size(files).values():
        by_digest: dict[object, Group] = defaultdict(list)
        for path, (state, group) in by_path.items():
            if stopped():
                return
            digest: object = path
            if len(by_path) > 1:
                digest = digest_of(path, state, caches[group[0].split]) or path
            by_digest[digest] += group
        for group in by_digest.values():
            if len(group) > 1:
                yield group
