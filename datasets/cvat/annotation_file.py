"""An annotation file of CVAT, "CVAT for images 1.1" or "CVAT for video 1.1"."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from densefit.data.io.image_limits import check_pixels
from densefit.datasets.files.xml_stream import root_children
from densefit.datasets.objects.left_out import LeftOut
from densefit.datasets.objects.shapes import Shape, memory_error
from densefit.errors import DataError

from .labels import Labels, read_labels
from .shapes import NO_AREA, SHAPES, is_set, read_shape, value

Element = ElementTree.Element
Size = tuple[int, int]


@dataclass
class AnnotatedImage:
    """One image, or frame of a video.

    Attributes:
        name: path as the file has it; of a frame, its number.
        subset: of a project; "".
        size: (height, width); None: not stated.
        is_measured: the size is that of the image's file.
        shapes: from the lowest layer (z_order) to the highest.
        tags: labels of the whole image.
        where: its position in the file, for errors.
        error: why it cannot be used.
    """

    name: str
    subset: str = ""
    size: Size | None = None
    is_measured: bool = False
    shapes: list[Shape] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    where: str = ""
    error: DataError | None = None


@dataclass
class AnnotationFile:
    """Reads a file, an image or track at a time.

    Attributes:
        path: of the file.
        size_of: gives the size of an image whose size the file does not state.
        left_out: counts shapes that are no objects.
        labels: declared labels, once the head is read.
        frames: number -> frame of a video; their shapes are there once the file is read.
    """

    path: Path
    size_of: Callable[[AnnotatedImage], Size]
    left_out: LeftOut
    labels: Labels = field(default_factory=Labels)
    frames: dict[int, AnnotatedImage] = field(default_factory=dict)
    _layers: dict[str, list[tuple[float, Shape]]] = field(default_factory=dict)
    _tasks: set[str] = field(default_factory=set)

    def images(self) -> Iterator[AnnotatedImage]:
        """Yield the images one after another; the frames of a video are in `frames` then.

        Raises:
            DataError: the file is no XML, or a track is not usable. What is wrong with one image is
                its `error`.
        """
        for element in root_children(self.path):
            if element.tag == "meta":
                self.labels = read_labels(element, self.path)
            elif element.tag == "image":
                yield self._image(element)
            elif element.tag == "track":
                self._add_track(element)
        for frame in self.frames.values():
            frame.shapes = self._sorted_shapes(frame)

    def _image(self, element: Element) -> AnnotatedImage:
        name = element.get("name", "").strip()
        where = f"image {name or element.get('id')!s:.200}"
        image = AnnotatedImage(name or where, element.get("subset", "").strip(), where=where)
        try:
            if not name:
                raise DataError("An image has no name", where=f"{self.path}, {where}")
            image.size = _stated_size(element, f"{self.path}, {where}")
            for child in element:
                if child.tag == "tag":
                    image.tags.append(self._label(child, f"{self.path}, {where}"))
                else:
                    self._add_shape(image, child, None)
        except DataError as error:
            image.error = error
        except MemoryError:
            image.error = memory_error(f"{self.path}, {where}")
        image.shapes = self._sorted_shapes(image)
        return image

    def _add_track(self, element: Element) -> None:
        where = f"{self.path}, track {element.get('id')!s:.40}"
        self._tasks.add(element.get("task_id", ""))
        if len(self._tasks) > 1:
            raise DataError(
                "Tracks of several videos have the same frame numbers",
                expected="a video a file",
                received=f"task_id {', '.join(sorted(self._tasks))}",
                where=where,
                fix="export each task by itself",
            )
        label = self._label(element, where)
        for child in element:
            if child.tag not in SHAPES and child.tag not in NO_AREA or is_set(child, "outside"):
                continue
            number = value(child, "frame", where)
            if not (0 <= number < 1 << 31 and number.is_integer()):
                raise DataError("A frame has no number", received=number, where=where)
            frame = self.frames.get(int(number))
            if frame is None:
                frame = AnnotatedImage(f"{int(number)}", size=self.labels.frame_size)
                frame.where = f"frame {frame.name}"
                self.frames[int(number)] = frame
            child.attrib.setdefault("group_id", element.get("group_id", "0"))
            try:
                self._add_shape(frame, child, label)
            except DataError as error:
                frame.error = frame.error or error
            except MemoryError:
                frame.error = memory_error(f"{where}, {frame.where}")

    def _add_shape(self, image: AnnotatedImage, element: Element, label: str | None) -> None:
        layers = self._layers.setdefault(image.where, [])
        where = f"{image.where}, {element.tag} {len(layers) + 1}"
        if element.tag in NO_AREA:
            self.left_out.add(element.tag, f"{self.path}, {image.where}")
        elif element.tag in SHAPES:
            if image.size is None:
                image.size = self.size_of(image)
                image.is_measured = True
            full = f"{self.path}, {where}"
            name = label or self._label(element, full)
            shape = read_shape(element, name, image.size, self.path, where)
            if shape is not None:
                layer = value(element, "z_order", full, "0")
                layers.append((layer, shape))

    def _sorted_shapes(self, image: AnnotatedImage) -> list[Shape]:
        layers = self._layers.pop(image.where, [])
        return [shape for _, shape in sorted(layers, key=lambda entry: entry[0])]

    def _label(self, element: Element, where: str) -> str:
        label = element.get("label", "").strip()
        if not label or (self.labels.names and label not in self.labels.names):
            raise DataError(
                f"An element <{element.tag}> has no label that the file declares",
                expected=", ".join(self.labels.names[:20]) or "a label",
                received=f"{label!r:.80}",
                where=where,
            )
        return label


def _stated_size(element: Element, where: str) -> Size | None:
    if "width" not in element.attrib or "height" not in element.attrib:
        return None
    height, width = (value(element, side, where) for side in ("height", "width"))
    if not all(0 < side < 1 << 24 and side.is_integer() for side in (height, width)):
        raise DataError(
            "An image has a size that none has",
            received=f"width {width:g}, height {height:g}",
            where=where,
        )
    check_pixels((int(height), int(width)), where)
    return int(height), int(width)
