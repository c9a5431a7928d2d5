"""Write a dataset as labelImg leaves it: an XML file beside each image, and classes.txt."""

from __future__ import annotations

from typing import Any

from densefit.data.sample import Dataset, Sample
from densefit.datasets.labelimg import LabelImg

from .voc_writer import VOCWriter
from .writer import ImageFile

#: Split of a dataset that is written as a whole: its files lie in the folder itself.
WHOLE = "all"


class LabelImgWriter(VOCWriter):
    """Images and PASCAL VOC's XML in one folder, or in a folder for each split."""

    name = "labelimg"
    holds = frozenset(("boxes", "classes", "difficult"))
    has_split_folders = True

    def begin(self, split: str) -> None:
        (self.folder / "classes.txt").write_text("".join(f"{name}\n" for name in self.classes))

    def add(self, split: str, sample: Sample, image: ImageFile) -> None:
        name = self.file_name(split, sample)
        path = name if split == WHOLE else f"{split}/{name}"
        self._write(f"{path}{image.extension}", image.data)
        self._write(f"{path}.xml", self._xml(sample, f"{name.split('/')[-1]}{image.extension}"))

    def finish(self, split: str) -> None:
        """Nothing: the layout has no lists."""

    def settings(self) -> dict[str, Any]:
        return {}

    def reader(self, split: str) -> Dataset:
        dataset: Dataset = LabelImg(self.folder, None if split == WHOLE else split)
        return dataset
