"""Patterns of file names that pair images with their masks or maps."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from densefit.errors import ConfigError

from .pictures import EXTENSIONS, pictures_below

_TRIED = 20  # images whose names are compared
_FIELD = re.compile(r"\{(\w+)\}|(\*)")


class NamePattern:
    """Finds the files of samples by their names, and the key that files of a sample share.

    >>> pattern = NamePattern("labels/{name}_mask.png")
    >>> pattern.key("labels/bonn/7_mask.png")
    'bonn/7'

    Args:
        pattern: path below the dataset's folder with "/". `{name}`, or any word in braces, is text
            that the files of a sample share; `*` is text that differs. Without either it is a
            folder, and `images` means `images/{name}`. A single `{name}` may have slashes in it,
            several fields are parts of one folder's or file's name each. Without the extension of
            a picture at the end, all of them fit.
        suffix: what follows `{name}` in a pattern that is a folder: "_mask" or "_mask.png".

    Attributes:
        folder: the part before the first field.
        fields: words in braces, in order.

    Raises:
        ConfigError: one word twice, or a suffix for a pattern that has fields.
    """

    def __init__(self, pattern: str, suffix: str = "") -> None:
        has_fields = _FIELD.search(pattern) is not None
        if has_fields and suffix:
            raise ConfigError(
                "A suffix belongs to a folder, not to a pattern",
                received=f"{pattern!r} and the suffix {suffix!r}",
                fix="write the suffix into the pattern",
            )
        self.text = pattern if has_fields else f"{pattern.rstrip('/') or '.'}/{{name}}{suffix}"
        self.text = os.path.normpath(self.text)
        self.fields = [field for field, _ in _FIELD.findall(self.text) if field]
        if len(set(self.fields)) < len(self.fields) or not self.fields:
            raise ConfigError(
                "A pattern of file names needs fields of different names",
                expected="such as images/{name}.png or {folder}/rgb_{name}.jpg",
                received=repr(pattern),
            )
        parts = self.text.split("/")
        first = next(i for i, part in enumerate(parts) if _FIELD.search(part))
        self.folder = "/".join(parts[:first])
        self._regex = re.compile(self._expression())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NamePattern) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"NamePattern({self.text!r})"

    @property
    def names(self) -> str:
        """The part behind the folder."""
        return self.text[len(self.folder) + 1 :] if self.folder else self.text

    @property
    def is_plain(self) -> bool:
        """Whether the pattern says nothing but a folder."""
        return re.fullmatch(r"\{\w+\}", self.names) is not None

    @property
    def fixed_length(self) -> int:
        """Number of characters outside of fields: of two patterns that fit, more is the better."""
        return len(_FIELD.sub("", self.text))

    def _expression(self) -> str:
        single = len(_FIELD.findall(self.text)) == 1
        parts, end = [], 0
        for match in _FIELD.finditer(self.text):
            parts.append(re.escape(self.text[end : match.start()]))
            text = ".+" if single else "[^/]+"
            parts.append(f"(?P<{match[1]}>{text})" if match[1] else "[^/]*")
            end = match.end()
        rest = self.text[end:]
        extension = next((e for e in EXTENSIONS if rest.lower().endswith(e)), "")
        if extension:
            rest, extension = rest[: -len(extension)], f"(?i:{re.escape(extension)})"
        return "".join((*parts, re.escape(rest), extension or r"\.[^./]+"))

    def key(self, path: str, fields: Collection[str] = ()) -> str | None:
        """The text that a path shares with other files of its sample; None if it does not fit.

        Args:
            path: below the dataset's folder, with "/".
            fields: order of the fields in the key; by default the pattern's.
        """
        match = self._regex.fullmatch(path)
        return None if match is None else "/".join(match[f] for f in fields or self.fields)

    def files(self, root: Path, but: Collection[Path] = ()) -> list[str]:
        """Paths below `root` of the pictures that fit, sorted.

        Args:
            root: the dataset's folder.
            but: folders that are not searched.

        Raises:
            DataError: the pattern's folder cannot be read.
        """
        below = f"{self.folder}/" if self.folder else ""
        names = pictures_below(root / self.folder, but)
        return [below + name for name in names if self._regex.fullmatch(below + name)]


def files_by_key(patterns: dict[str, NamePattern], root: Path) -> dict[str, dict[str, list[str]]]:
    """Files of each kind, by the key that they share: kind -> key -> paths below `root`.

    Where the patterns of two kinds fit a file, it is one of the kind whose pattern says more.

    Args:
        patterns: kind -> pattern; keys have the fields in the order of the first one.
        root: the dataset's folder.

    Raises:
        ConfigError: patterns of different fields.
        DataError: a folder cannot be read.
    """
    fields = next(iter(patterns.values())).fields
    for kind, pattern in patterns.items():
        if set(pattern.fields) != set(fields):
            raise ConfigError(
                f"The pattern of the {kind} has other fields",
                expected=", ".join(f"{{{field}}}" for field in fields),
                received=repr(pattern.text),
                fix="write * for text that differs",
            )
    folders = [root / pattern.folder for pattern in patterns.values()]
    paths = {kind: pattern.files(root, folders) for kind, pattern in patterns.items()}
    result: dict[str, dict[str, list[str]]] = {}
    for kind, pattern in patterns.items():
        stronger: set[str] = set()
        for other, listed in paths.items():
            if other != kind and patterns[other].fixed_length > pattern.fixed_length:
                stronger.update(listed)
        result[kind] = {}
        for path in paths[kind]:
            key = pattern.key(path, fields)
            if key is not None and path not in stronger:
                result[kind].setdefault(key, []).append(path)
    return result


def suffix_hint(images: Collection[str], masks: Collection[str], setting: str) -> str | None:
    """The setting that would pair images with masks whose names go on: "mask_suffix='_mask'".

    Args:
        images: keys of the images.
        masks: keys of the masks.
        setting: name of the masks' setting.
    """
    pairs = [
        (name, mask)
        for name in sorted(images)[:_TRIED]
        for mask in sorted(masks)
        if mask.startswith(name) and mask != name
    ]
    counts = Counter(mask[len(name) :] for name, mask in pairs)
    if not pairs:
        return None
    suffix = max(counts, key=lambda text: (counts[text], -len(text)))
    name, mask = next(pair for pair in pairs if pair[1] == pair[0] + suffix)
    return f"{setting}={suffix!r}, if {mask!r} is the mask of {name!r}"
