"""Write a dataset as records of im2rec, with all targets behind the image: <split>.rec."""

from __future__ import annotations

from densefit.data.sample import Dataset
from densefit.datasets.record.record import Record
from densefit.tools.formats.packed_records import pack

from .writer import Writer


class RecordWriter(Writer):
    """One file of records a split, which keeps everything; see `pack`."""

    name = "record"
    holds = frozenset()
    has_one_class_list = False

    def write(self, split: str, dataset: Dataset) -> int:
        """Pack a split; return the number of image files that were copied unchanged."""
        self.dataset = dataset
        return pack(dataset, self.folder / f"{split}.rec")

    def keeps(self, target: str) -> bool:
        """Whether a target is kept: each is, whatever it is called."""
        return True

    def reader(self, split: str) -> Dataset:
        """Open what was written."""
        dataset: Dataset = Record(self.folder, split)
        return dataset
