"""Write a dataset as PASCAL VOC: JPEGImages, Annotations, ImageSets/Main, Segmentation*."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np

from densefit.data.classes.class_lists import dataset_list
from densefit.data.sample import Dataset, Sample
from densefit.datasets.voc.voc import VOC
from densefit.errors import DataError
from densefit.tools.formats.image_files import encode_png

from .writer import ImageFile, Writer, number_text

_BACKGROUND, _VOID = "background", 255


class VOCWriter(Writer):
    """The layout of PASCAL VOC; corners count from 1 and include the last pixel."""

    name = "voc"
    holds = frozenset(
        ("boxes", "classes", "difficult", "mask", "instances", "instance_ids", "label", "labels")
    )

    def begin(self, split: str) -> None:
        self._ids: list[str] = []
        self._labels: list[tuple[str, str]] = []
        lines = self.mask_names() or self.classes
        if lines:
            (self.folder / "classes.txt").write_text("".join(f"{name}\n" for name in lines))

    def mask_names(self) -> list[str]:
        """Names of the classes of masks without the background."""
        names = dataset_list(self.dataset, "mask") or []
        return names[1:] if names[:1] == [_BACKGROUND] else names

    def _mask(self, sample: Sample) -> np.ndarray:
        """The mask as VOC has it: 0 is background, also where the dataset has no such class.

        Raises:
            DataError: more classes than a mask holds, or masks and boxes of different classes.
        """
        names = dataset_list(self.dataset, "mask") or []
        mask = np.asarray(sample.targets["mask"], np.uint8)
        if "boxes" in sample.targets and self.mask_names() != self.classes:
            raise DataError(
                "VOC has one list of classes, for masks and boxes",
                expected=f"masks of {_BACKGROUND}, {', '.join(self.classes)}"[:200],
                received=", ".join(names)[:200],
                fix='convert each alone: --data.settings "{masks: false}" or "{boxes: false}"',
            )
        if names[:1] == [_BACKGROUND]:
            return mask
        if len(names) >= _VOID:
            raise DataError(f"A VOC mask holds {_VOID - 1} classes", received=len(names))
        return np.where(mask == _VOID, _VOID, mask + 1).astype(np.uint8)

    def add(self, split: str, sample: Sample, image: ImageFile) -> None:
        targets, name = sample.targets, self.file_name(split, sample)
        self._ids.append(name)
        self._write(f"JPEGImages/{name}{image.extension}", image.data)
        if "boxes" in targets:
            self._write(f"Annotations/{name}.xml", self._xml(sample, f"{name}{image.extension}"))
        if "mask" in targets:
            mask = encode_png(self._mask(sample), sample.id)
            self._write(f"SegmentationClass/{name}.png", mask)
        if "instances" in targets:
            kept_ids = targets["instance_ids"][self.kept_objects(sample)]
            ids = _numbered(targets["instances"], kept_ids, sample.id)
            self._write(f"SegmentationObject/{name}.png", encode_png(ids, sample.id))
        if "label" in targets:
            label = self.dataset.label_classes[int(targets["label"])]  # type: ignore[attr-defined]
            self._labels.append((name, str(label)))

    def finish(self, split: str) -> None:
        text = "".join(f"{name}\n" for name in self._ids).encode()
        for kind in ("Main", "Segmentation"):
            if kind == "Main" or self.targets & {"mask", "instances"}:
                self._write(f"ImageSets/{kind}/{split}.txt", text)
        if self._labels:
            path = self.folder / "labels.csv"
            lines = path.read_text() if path.is_file() else "id,label\n"
            lines += "".join(f'"{name}","{label}"\n' for name, label in self._labels)
            path.write_text(lines)

    def settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        if "boxes" not in self.targets:
            settings["boxes"] = False
        for target, setting in (("mask", "masks"), ("instances", "instances"), ("labels",) * 2):
            if target in self.targets:
                settings[setting] = True
        if "label" in self.targets:
            settings["labels_csv"] = "labels.csv"
        return settings

    def reader(self, split: str) -> Dataset:
        dataset: Dataset = VOC(self.folder, split, **self.settings())
        return dataset

    def kept_objects(self, sample: Sample) -> np.ndarray:
        """All but boxes within a pixel, which cannot be told from stray clicks."""
        corners = np.round(_corners(sample), 4)
        extent = corners[:, 2:] - corners[:, :2]
        return np.asarray((extent >= 0).all(axis=1) & (extent > 0).any(axis=1))

    def _write(self, name: str, data: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def _xml(self, sample: Sample, file_name: str) -> bytes:
        """Make an annotation file."""
        root = ElementTree.Element("annotation")
        ElementTree.SubElement(root, "filename").text = file_name
        height, width = sample.image.shape[:2]
        size = ElementTree.SubElement(root, "size")
        for tag, value in (("width", width), ("height", height), ("depth", 3)):
            ElementTree.SubElement(size, tag).text = str(value)
        targets = sample.targets
        difficult = targets.get("difficult", np.zeros(len(targets["boxes"]), bool))
        usable = self.kept_objects(sample)
        for corners, label, is_difficult in zip(
            _corners(sample)[usable].tolist(), targets["classes"][usable], difficult[usable]
        ):
            entry = ElementTree.SubElement(root, "object")
            ElementTree.SubElement(entry, "name").text = self.classes[int(label)]
            ElementTree.SubElement(entry, "difficult").text = str(int(is_difficult))
            bounds = ElementTree.SubElement(entry, "bndbox")
            for tag, text in zip(("xmin", "ymin", "xmax", "ymax"), map(number_text, corners)):
                ElementTree.SubElement(bounds, tag).text = text
        ElementTree.indent(root)
        return ElementTree.tostring(root, encoding="utf-8")


def _corners(sample: Sample) -> np.ndarray:
    """(n, 4) float64 corners as VOC has them: they count from 1 and include the last pixel."""
    boxes = np.asarray(sample.targets.get("boxes", np.zeros((0, 4))), np.float64)
    return boxes.reshape(-1, 4) + np.array([1.0, 1.0, 0.0, 0.0])


def _numbered(instances: np.ndarray, ids: np.ndarray, sample_id: str) -> np.ndarray:
    """Number a map of instances by the objects from 1, (H, W) uint16.

    Raises:
        DataError: there are more objects than a map of 16 bits has ids.
    """
    if len(ids) >= 2**16 - 1:
        raise DataError(
            "There are more objects than ids", received=len(ids), where=f"sample {sample_id!r}"
        )
    table = np.zeros(int(max(instances.max(initial=0), ids.max(initial=0))) + 1, np.uint16)
    table[ids] = np.arange(1, len(ids) + 1)
    return np.asarray(table[instances])
