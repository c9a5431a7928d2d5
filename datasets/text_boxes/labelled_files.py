"""Images of a split and their label files, by templates of folders and names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.names import missing_split
from densefit.datasets.files.paths import name_below
from densefit.datasets.files.pictures import folders_in, pictures_below
from densefit.datasets.files.split_names import WITHOUT_SPLITS, split_names
from densefit.errors import ConfigError, DataError, MissingSplitError

_TREE = """
    {images}/a.jpg
    {labels}/{name}   an object a line: {columns}
    classes.txt   a class name a line
"""


@dataclass(frozen=True)
class LabelledFiles:
    """Where images and label files are.

    Attributes:
        root: folder of the dataset.
        split: its name; None if there are no splits.
        image_folder, label_folder: folders below `root`; "{split}" in them becomes the split, or
            a folder of its name is in them.
        file_name: of a label file, with "{stem}" for the image's name without its ending.

    Raises:
        ConfigError: a template lacks its part.
        DataError: a folder is not below the root.
    """

    root: Path
    split: str | None
    image_folder: str
    label_folder: str
    file_name: str

    def __post_init__(self) -> None:
        for key, folder in (
            ("image_folder", self.image_folder),
            ("label_folder", self.label_folder),
        ):
            if folder != ".":
                name_below(folder, f"the setting {key}")
        if "{stem}" not in self.file_name or "/" in self.file_name:
            raise ConfigError(
                "The name of label files is not usable",
                expected="file_name: '{stem}.txt', 'gt_{stem}.txt'",
                received=repr(self.file_name),
            )

    def find(self, columns: str) -> tuple[list[str], list[str | None]]:
        """Paths of the images below the root, and of their label files (None if missing).

        Args:
            columns: of the label files, for the error.

        Raises:
            DataError: there are no images.
        """
        folder = self._of_split(self.image_folder)
        tree = _TREE.format(
            images=folder,
            labels=self._of_split(self.label_folder),
            name=self.file_name.replace("{stem}", "a"),
            columns=columns,
        )
        is_folder = (self.root / folder).is_dir()
        paths = pictures_below(self.root / folder) if is_folder else []
        if not paths:
            splits = [] if self.split is None or is_folder else self._splits()
            if splits:
                raise missing_split(self.split, self.root, splits)
            what = f"There are no images in {folder}" if is_folder else f"There is no {folder}"
            fix, kind = (
                "name the folders by the settings `image_folder` and `label_folder`",
                DataError,
            )
            if self.split is not None:
                fix, kind = f"{WITHOUT_SPLITS}; or {fix}", MissingSplitError
            raise missing_layout(self.root, tree, what, layout="text_boxes", fix=fix, kind=kind)
        images = [os.path.normpath(f"{folder}/{path}") for path in paths]
        return images, [self._existing(file) for file in self.expected(images)]

    def _existing(self, file: str) -> str | None:
        """The file, perhaps with its ending in capital letters; None if there is none."""
        stem, ending = os.path.splitext(file)
        spellings = (file, stem + ending.upper())
        return next((name for name in spellings if os.path.lexists(self.root / name)), None)

    def expected(self, images: Sequence[str]) -> list[str]:
        """Paths of the label files of images, there or not."""
        image_folder, label_folder = map(self._of_split, (self.image_folder, self.label_folder))
        files = []
        for image in images:
            folder, name = os.path.split(os.path.relpath(image, image_folder))
            file = self.file_name.replace("{stem}", os.path.splitext(name)[0])
            files.append(os.path.normpath(os.path.join(label_folder, folder, file)))
        return files

    def all_label_files(self) -> Iterator[Path]:
        """Label files of all splits."""
        before, mark, behind = self.label_folder.partition("{split}")
        folders = [self.root / self.label_folder]
        if mark:
            folders = sorted(self.root.glob(f"{before}*{behind}"))
        for folder in folders:
            stem, ending = os.path.splitext(self.file_name.replace("{stem}", "*"))
            for pattern in dict.fromkeys((stem + ending, stem + ending.upper())):
                yield from sorted(folder.rglob(pattern))

    def _of_split(self, template: str) -> str:
        """Folder of the split, in one of its usual spellings."""
        if self.split is None:
            return template
        pattern = template if "{split}" in template else f"{template}/{{split}}"
        folders = [pattern.replace("{split}", name) for name in split_names(self.split)]
        return next((folder for folder in folders if (self.root / folder).is_dir()), folders[0])

    def _splits(self) -> list[str]:
        """Splits that have images."""
        before, mark, behind = self.image_folder.partition("{split}")
        if not mark:
            folder = self.root / self.image_folder
            return folders_in(folder) if folder.is_dir() else []
        paths = (path.relative_to(self.root) for path in self.root.glob(f"{before}*{behind}"))
        return [path.as_posix()[len(before) :].removesuffix(behind) for path in paths]
