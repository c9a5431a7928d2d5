"""Class masks in colours: each class has a colour, or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.io.color_image import read_color_codes
from densefit.errors import ConfigError, DataError
from densefit.registry import nearest

from .color_table import Color, Colors, color_table, color_text, parse_color
from .masks import IGNORE
from .names import Names, class_names
from .picture_size import check_map_size

UNLISTED = "unlisted"
_NO_CLASS = 254  # in the table, of colours that no class has
_LISTED = 5  # colours in an error
_MANY = 40  # colours of no class: more come of smooth edges


class ColorMaskReader:
    """Reads masks whose colours are classes.

    A table of all 2^24 colours is made once a process: a mask of 2048 x 1024 takes 15 ms.

    Args:
        colors: see `color_table`.
        classes: names in index order, all of the table; None: the table's order. With
            `ignore_colors="unlisted"` they may be some of the table.
        ignore_colors: colours, or names of the table, that become 255; or "unlisted": all
            colours that no class has.
        root: folder of the table's file.

    Attributes:
        classes: names, in index order.

    Raises:
        ConfigError: no table, colours of two classes, unknown names, or more than 254 classes.
        DataError: the file of the table is missing or broken.
    """

    def __init__(
        self,
        colors: Colors,
        classes: Names = None,
        ignore_colors: str | Sequence[Any] = (),
        root: Path = Path(),
    ) -> None:
        table = color_table(colors, root)
        is_open = ignore_colors == UNLISTED
        ignored: dict[Color, int] = {}
        for entry in () if is_open else ignored_entries(ignore_colors):
            named = table.pop(entry, None) if isinstance(entry, str) else None
            for color in named or [parse_color(entry, "ignore_colors")]:
                ignored[color] = IGNORE
        names = list(table) if classes is None else class_names(classes, root) or []
        unknown = [name for name in names if name not in table]
        extra = [name for name in table if name not in names]
        if unknown or (extra and not is_open):
            raise ConfigError(
                f"The class {unknown[0]!r} has no colour"
                if unknown
                else "The table has colours of names that are no classes",
                expected=", ".join(table) if unknown else ", ".join(names),
                received=", ".join(unknown or extra),
                where="colors",
                fix=nearest(unknown[0], table)
                if unknown
                else f"ignore_colors={extra[:3]} makes their pixels void, "
                f'ignore_colors="{UNLISTED}" those of all other colours',
            )
        if not 0 < len(names) <= _NO_CLASS:
            raise ConfigError(
                "A table of colours cannot have so many classes",
                expected=f"1 to {_NO_CLASS}",
                received=len(names),
                where=f"colors={colors!r}" if isinstance(colors, str) else "colors",
            )
        self.classes = names
        self._pairs: dict[Color, int] = {
            color: index for index, name in enumerate(names) for color in table[name]
        }
        for color in ignored:
            if color in self._pairs:
                raise ConfigError(
                    f"The colour {color_text(color)} is ignored, and the one of a class",
                    received=names[self._pairs[color]],
                    where="ignore_colors",
                )
        self._fill = IGNORE if is_open else _NO_CLASS
        self._codes = tuple((_code(c), i) for c, i in {**self._pairs, **ignored}.items())

    def __call__(self, path: Path, image_path: Path, size: tuple[int, int]) -> np.ndarray:
        """(H, W) uint8 class indices, 255 for void.

        Args:
            path: the mask.
            image_path: its image, for the message.
            size: (height, width) of the image.

        Raises:
            DataError: the mask is broken, of another size, or has colours of no class.
        """
        codes = read_color_codes(path)
        check_map_size("A mask", codes.shape, size, path, image_path)
        mask = _table(self._codes, self._fill).take(codes)
        if self._fill == _NO_CLASS:
            is_unknown = mask == _NO_CLASS
            if is_unknown.any():
                raise self._error(codes[is_unknown], codes.size, path)
        return mask

    def _error(self, codes: np.ndarray, pixels: int, path: Path) -> DataError:
        """The error of colours that no class has."""
        values, counts = np.unique(codes, return_counts=True)
        order = np.argsort(-counts, kind="stable")[:_LISTED]
        texts = [f"{counts[i]} x {self._described(int(values[i]))}" for i in order]
        more = f" and {len(values) - len(order)} more colours" if len(values) > len(order) else ""
        fix = f'give them a class in `colors`, or ignore_colors=[...] or "{UNLISTED}" (void, 255)'
        if len(values) > _MANY:
            fix = (
                "so many colours come of smooth (anti-aliased) edges, of resizing or of JPEG: "
                f'write the masks without; or ignore_colors="{UNLISTED}" makes these pixels void'
            )
        return DataError(
            f"A mask has {len(codes)} of {pixels} pixels in colours of no class",
            expected=f"the colours of {', '.join(self.classes[:10])}",
            received="; ".join(texts) + more,
            where=path,
            fix=fix,
        )

    def _described(self, code: int) -> str:
        color = (code >> 16, code >> 8 & 255, code & 255)
        closest = min(self._pairs, key=lambda c: sum((a - b) ** 2 for a, b in zip(c, color)))
        name = self.classes[self._pairs[closest]]
        return f"{color_text(color)}, nearest {name!r} {color_text(closest)}"


def ignored_entries(ignore_colors: str | Sequence[Any]) -> list[Any]:
    """The entries of a setting `ignore_colors`, which may be one colour or several.

    Raises:
        ConfigError: neither.
    """
    if isinstance(ignore_colors, str):
        return [ignore_colors]
    if isinstance(ignore_colors, Mapping) or not isinstance(ignore_colors, (list, tuple)):
        raise ConfigError(
            "The ignored colours are no list",
            expected=f'[[0, 0, 0], "#ffffff", "Void"], or "{UNLISTED}"',
            received=f"{ignore_colors!r:.100}",
            where="ignore_colors",
        )
    if len(ignore_colors) == 3 and all(type(part) is int for part in ignore_colors):
        return [tuple(ignore_colors)]
    return [tuple(entry) if isinstance(entry, list) else entry for entry in ignore_colors]


def _code(color: Color) -> int:
    return color[0] << 16 | color[1] << 8 | color[2]


@lru_cache(maxsize=4)
def _table(codes: tuple[tuple[int, int], ...], fill: int) -> np.ndarray:
    """(2^24,) uint8: colour -> class index; of all datasets of a process with these colours."""
    table = np.full(1 << 24, fill, np.uint8)
    for code, index in codes:
        table[code] = index
    return table
