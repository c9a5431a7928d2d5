"""Write a dataset as folders of images and of index masks: <split>/, <split>annot/, classes.txt."""

from __future__ import annotations

import numpy as np

from densefit.data.sample import Dataset, Sample
from densefit.datasets.mask_folder import MaskFolder
from densefit.errors import DataError
from densefit.tools.formats.image_files import encode_png

from .writer import ImageFile, Writer, names_of


class MaskFolderWriter(Writer):
    """Images and PNG masks of class indices, 255 where there is no class."""

    name = "mask_folder"
    holds = frozenset(("mask",))
    has_split_folders = True

    def begin(self, split: str) -> None:
        names = names_of(self.dataset, "mask_classes", self.classes)
        (self.folder / "classes.txt").write_text("".join(f"{name}\n" for name in names))
        for folder in (split, f"{split}annot"):
            (self.folder / folder).mkdir(parents=True)

    def add(self, split: str, sample: Sample, image: ImageFile) -> None:
        if "mask" not in sample.targets:
            raise DataError(
                "A sample has no mask",
                received=f"targets {sorted(sample.targets)}",
                where=f"sample {sample.id!r}",
                fix='--data.settings "{masks: true}" paints one of COCO\'s segmentations, or reads '
                "VOC's",
            )
        name = self.file_name(split, sample)
        mask = encode_png(np.asarray(sample.targets["mask"], np.uint8), sample.id)
        for path, data in (
            (self.folder / split / f"{name}{image.extension}", image.data),
            (self.folder / f"{split}annot" / f"{name}.png", mask),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def written_id(self, split: str, sample: Sample) -> str:
        """Path of the image below the folder, without extension."""
        return f"{split}/{super().written_id(split, sample)}"

    def reader(self, split: str) -> Dataset:
        dataset: Dataset = MaskFolder(self.folder, split)
        return dataset
