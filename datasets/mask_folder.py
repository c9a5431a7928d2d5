"""Pictures and class masks in folders: CamVid, Cityscapes, ADE20K and the like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from densefit.data.io.image import read_image
from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.mask_values import value_map
from densefit.datasets.files.masks import IGNORE, MaskReader
from densefit.datasets.files.missing_files import warn_of_absent
from densefit.datasets.files.names import Names, class_names, doubled, missing_split, read_lines
from densefit.datasets.files.paths import names_below
from densefit.datasets.files.pictures import SPLITS, check_apart, folders_in, pictures_by_stem
from densefit.errors import ConfigError, DataError, MissingSplitError

TREE = """
    {images}/a.png
    {masks}/a.png   class indices; or
    {split}.txt   an image and its mask a line: {images}/a.png {masks}/a.png
"""


@datasets.register("mask_folder")
class MaskFolder:
    """Semantic segmentation: a picture of class indices beside each picture.

    The list `<root>/<split>.txt` has an image and its mask a line, paths below `root`, with a
    blank between. Without it, the pictures of two folders, and of the folders below these, are
    matched by their paths without extension.

    Args:
        root: the folder.
        split: name of the list, and of the folders.
        classes: class names: a list, or a file with one a line; None: `<root>/classes.txt`.
        ignore_value: a value of the files, behind those of the classes, that means "no class"; it
            becomes 255. If the last name is that value's ("Unlabelled"), the name is left out of
            `classes`. Where it comes before a class, as 0 often does, give `values`.
        values: file value -> class index (or 255), where files number their classes otherwise
            (Cityscapes' label ids), or 255 is one of them ({255: 1}); values may be text, "255". A
            value that is not named keeps its number, if that is a class which no named value
            becomes. Excludes `ignore_value`.
        images: folder of the pictures, without a list.
        masks: folder of the masks, without a list.
        exif: turn pictures as their EXIF orientation says.

    Raises:
        ConfigError: settings that contradict each other, or one folder for images and masks.
        DataError: missing lists or folders, or no picture has a mask; when read: missing or
            broken files, a mask of another size than its picture, values of no class.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        classes: Names = None,
        ignore_value: int | None = None,
        values: Mapping[int, int] | None = None,
        images: str = "{split}",
        masks: str = "{split}annot",
        exif: bool = True,
    ) -> None:
        values = value_map(values)
        self._unusual = unusual(MaskFolder, locals(), ("root", "split"))
        self.root, self.split, self.exif = Path(root), split, exif
        names = class_names(classes, self.root)
        if names is None:
            raise DataError(
                "The classes of the masks have no names",
                where=self.root / "classes.txt",
                fix="write one name a line into that file, or pass classes=",
            )
        self.classes, table = _value_table(names, ignore_value, values)
        self._read_mask = MaskReader(len(self.classes), table)
        self._broken: dict[str, DataError] = {}  # by picture, raised when it is read
        if (self.root / f"{split}.txt").is_file():
            self._pairs = self._listed(self.root / f"{split}.txt")
        else:
            self._pairs = self._matched(images.format(split=split), masks.format(split=split))

    def __repr__(self) -> str:
        return f"MaskFolder({str(self.root)!r}, split={self.split!r}{self._unusual})"

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        names = folders_in(root)
        return "masks" in names or any(f"{name}annot" in names for name in names)

    def __len__(self) -> int:
        return len(self._pairs)

    def id_of(self, index: int) -> str:
        """The picture's path below `root`, without extension."""
        return Path(self._pairs[index][0]).with_suffix("").as_posix()

    def picture_file(self, index: int) -> Path:
        """The file of the picture."""
        return self._files_of(index)[0]

    def _files_of(self, index: int) -> list[Path]:
        """The files of the picture and of the mask."""
        if self._pairs[index][0] in self._broken:
            raise self._broken[self._pairs[index][0]].with_traceback(None)
        return [self.root / name for name in self._pairs[index]]

    def targets_of(self, index: int) -> tuple[str, ...]:
        """Names of a sample's targets."""
        return ("mask",)

    def __getitem__(self, index: int) -> Sample:
        image_path, mask_path = self._files_of(index)
        image = read_image(image_path, self.exif)
        mask = self._read_mask(mask_path, image_path, (image.shape[0], image.shape[1]))
        return Sample(self.id_of(index), image, {"mask": mask})

    def _listed(self, path: Path) -> list[tuple[str, str]]:
        lines = [(line, line.split()) for line in read_lines(path)]
        for number, (line, words) in enumerate(lines, 1):
            if len(words) != 2:
                raise DataError(
                    "A line of the list is not an image and a mask",
                    expected="two paths with a blank between",
                    received=f"{line!r:.200}",
                    where=f"{path}, entry {number}",
                )
        pairs = [(words[0], words[1]) for _, words in lines]
        images, masks = (names_below([pair[i] for pair in pairs], self.root, path) for i in (0, 1))
        warn_of_absent(self, images, self.root, "pictures")
        warn_of_absent(self, masks, self.root, "masks")
        for place, (image, mask) in enumerate(zip(images, masks)):
            if isinstance(image, DataError):
                self._broken[pairs[place][0]] = image
            elif isinstance(mask, DataError):
                self._broken[pairs[place][0]] = mask
            else:
                pairs[place] = (image, mask)
        for double in doubled(Path(image).with_suffix("") for image, _ in pairs):
            raise DataError(f"The picture {double} is listed twice", where=path)
        return pairs

    def _matched(self, images: str, masks: str) -> list[tuple[str, str]]:
        if not (self.root / images).is_dir():
            lists = [path.stem for path in self.root.glob("*.txt") if path.stem != "classes"]
            folders = [path.name for path in self.root.glob("*") if path.is_dir()]
            hint = (
                f"write {self.root / str(self.split)}.txt, a picture and its mask a line; or put "
            )
            hint += f"them into {self.root / images} and {self.root / masks}"
            if isinstance(self.split, str) and not {*lists, *folders} & SPLITS:
                raise missing_layout(
                    self.root,
                    TREE.format(images=images, masks=masks, split=self.split),
                    f"There is no folder {images!r}, and no list {self.split}.txt",
                    layout="mask_folder",
                    fix=f"{hint}; or name the folders by the settings `images` and `masks`",
                    kind=MissingSplitError,
                )
            raise missing_split(self.split, self.root, lists + folders, hint)
        both = (self.root / images, self.root / masks)
        check_apart(
            {"images": both[0], "masks": both[1]},
            f"move them apart, or list an image and its mask a line in "
            f"{self.root / f'{self.split}.txt'}",
        )
        found, found_masks = (pictures_by_stem(folder, but=both) for folder in both)
        pairs = []
        for stem, names in found.items():
            own = found_masks.get(stem, [])
            if len(names) > 1 or len(own) != 1:
                self._broken[f"{images}/{names[0]}"] = DataError(
                    f"The picture {stem!r} does not have exactly one mask",
                    received=f"pictures {names}, masks {own}",
                    where=self.root / masks,
                )
            pairs.append((f"{images}/{names[0]}", f"{masks}/{own[0]}" if own else ""))
        if not pairs:
            raise DataError("There are no pictures", where=self.root / images)
        if len(self._broken) == len(pairs):
            raise next(iter(self._broken.values()))
        return pairs


def _value_table(
    names: list[str], ignore_value: int | None, values: Mapping[int, int] | None
) -> tuple[list[str], Mapping[int, int] | None]:
    """The names that are classes, and the map from file values to their indices."""
    if values is not None:
        wrong = [v for v in values.values() if not (0 <= v < len(names) or v == IGNORE)]
        wrong += [v for v in values if not 0 <= v <= 255]
        if ignore_value is not None or wrong:
            raise ConfigError(
                "The map of mask values is not usable",
                expected=f"0..255 -> 0..{len(names) - 1} or {IGNORE}, and no ignore_value",
                received=f"ignore_value={ignore_value}" if not wrong else f"among it {wrong[:5]}",
                where="MaskFolder",
            )
        return names, values
    if ignore_value is None:
        return names, None
    if not 0 <= ignore_value <= 255 or ignore_value < len(names) - 1:
        raise ConfigError(
            "The value to ignore must come after the classes",
            expected=f"{len(names) - 1} (the last name) to 255",
            received=ignore_value,
            where="MaskFolder",
            fix="for another order, map the values: values={file value: class index or 255}",
        )
    names = names[:ignore_value]
    return names, {**{i: i for i in range(len(names))}, ignore_value: IGNORE}
