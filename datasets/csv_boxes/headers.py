"""Columns of tables as well-known tools write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.datasets.files.pictures import is_picture

_IMAGE: tuple[str, ...] = (
    *("image", "image_path", "path", "filename", "file_name", "filepath", "file_path", "file"),
    *("image_name", "image_id", "imageid", "img", "img_path", "frame"),
)
_CLASS: tuple[str, ...] = (
    *("class", "label", "class_name", "label_name", "labelname", "category", "category_name"),
    *("class_id", "name"),
)
_BOXES = (
    ("xmin ymin xmax ymax", "xyxy"),
    ("x_min y_min x_max y_max", "xyxy"),
    ("x0 y0 x1 y1", "xyxy"),
    ("x1 y1 x2 y2", "xyxy"),
    ("left top right bottom", "xyxy"),
    ("bbox_x bbox_y bbox_width bbox_height", "xywh"),
    ("x y width height", "xywh"),
    ("x y w h", "xywh"),
    ("left top width height", "xywh"),
    ("xmin ymin width height", "xywh"),
    ("x_min y_min width height", "xywh"),
    ("x_center y_center width height", "cxcywh"),
    ("cx cy w h", "cxcywh"),
)
_SIZES = ("image_width image_height", "img_width img_height", "width height")
_RELATIVE = {"imageid", "labelname", "xmin"}  # Open Images
_FLAGS = {
    "image": _IMAGE,
    "class": _CLASS,
    "split": ("split", "set", "subset"),
    "difficult": ("difficult",),
    "crowd": ("isgroupof", "iscrowd", "crowd"),
}
#: Tables without a header: number of columns, their indices, and the order of the box's numbers.
_WITHOUT_HEADER: tuple[tuple[int, dict[str, tuple[int, ...]], str], ...] = (
    # keras-retinanet
    (6, {"image": (0,), "box": (1, 2, 3, 4), "class": (5,)}, "xyxy"),
    # SKU-110K
    (8, {"image": (0,), "box": (1, 2, 3, 4), "class": (5,), "size": (6, 7)}, "xyxy"),
    # makesense.ai
    (8, {"class": (0,), "box": (1, 2, 3, 4), "image": (5,), "size": (6, 7)}, "xywh"),
    # Google's AutoML and Vertex AI
    (11, {"split": (0,), "image": (1,), "class": (2,), "box": (3, 4, 7, 8)}, "xyxy"),
)
_AUTOML = 11  # its boxes are relative


def fill_by_header(names: Sequence[str], indices: dict[str, Any]) -> str | None:
    """Look for columns that the user does not name, by the usual names of a header.

    Args:
        names: of the columns.
        indices: what -> indices of its columns; what is missing is entered.

    Returns:
        The order of the box's numbers; None if the names do not say it.
    """
    header = [_plain(name) for name in names]
    if "box" in indices:
        named = " ".join(header[index] for index in indices["box"])
        order = next((order for text, order in _BOXES if text == named), None)
    else:
        indices["box"], order = _box_of(header)
    for key, usual in _FLAGS.items():
        columns = tuple(header.index(name) for name in usual if header.count(name) == 1)
        indices.setdefault(key, columns[:1])
    indices.setdefault("size", _size_of(header, indices["box"]))
    return order


def fill_by_row(cells: Sequence[str], indices: dict[str, Any]) -> str | None:
    """Look for the columns of a table without a header, if the user names none.

    They are those of a tool that writes so many, and has the name of the image where this row does.

    Args:
        cells: a row of the table.
        indices: see `fill_by_header`.

    Returns:
        The order of the box's numbers; None if no tool is known.
    """
    for count, columns, order in _WITHOUT_HEADER:
        if not indices and count == len(cells) and is_picture(_last(cells[columns["image"][0]])):
            indices.update(columns)
            return order
    return None


def is_automl(cells: Sequence[str]) -> bool:
    """Whether a row without a header is of Google's AutoML, whose boxes are relative."""
    return len(cells) == _AUTOML and is_picture(_last(cells[1]))


def is_open_images(names: Sequence[str]) -> bool:
    """Whether a header is that of Open Images, whose boxes are relative."""
    return {_plain(name) for name in names} >= _RELATIVE


def _last(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _box_of(header: Sequence[str]) -> tuple[tuple[int, ...], str | None]:
    """Indices of a box's columns, and the order of its numbers."""
    for text, order in _BOXES:
        names = text.split()
        if all(header.count(name) == 1 for name in names):
            return tuple(header.index(name) for name in names), order
    for name in ("bbox", "box"):
        if header.count(name) == 1:
            return (header.index(name),), None
    return (), None


def _size_of(header: Sequence[str], box: tuple[int, ...]) -> tuple[int, ...]:
    for text in _SIZES:
        names = text.split()
        if all(header.count(name) == 1 for name in names):
            indices = tuple(header.index(name) for name in names)
            if not set(indices) & set(box):
                return indices
    return ()
