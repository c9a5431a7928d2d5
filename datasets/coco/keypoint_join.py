"""Keypoints of one COCO file for the annotations of another.

COCO itself has all 80 categories in `instances_*.json` and the keypoints of persons in
`person_keypoints_*.json`; an annotation that is in both has the same id there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from densefit.errors import DataError

from .content import category_names
from .ids import Id, read_id


def keypoints_by_id(
    content: Mapping[str, Any], path: Path, further: Mapping[str, Any], further_path: Path
) -> dict[Id, Any]:
    """Annotation id -> the keypoints, as the further file has them.

    Annotations that the further file lacks are not among them: nobody has labelled their
    keypoints. Pictures that only it has do not count.

    Args:
        content: of the file with all categories.
        path: of that file, for errors.
        further: of the file with keypoints.
        further_path: the same.

    Raises:
        DataError: the files disagree: a category of another name, an annotation of another
            picture or category, or one that the first file lacks in a picture that it has; or
            ids that are missing or there twice.
    """
    own_names = category_names(dict(content))
    for key, name in category_names(dict(further)).items():
        if own_names.get(key) != name:
            raise DataError(
                "The file of keypoints has another category",
                expected=f"{own_names.get(key)!r}, as {path} has it",
                received=repr(name),
                where=f"{further_path}, category {key}",
            )
    shared = {entry["id"] for entry in content["images"]} & {
        entry["id"] for entry in further["images"]
    }
    belongings = {
        key: _belongs(entry, path) for key, entry in _by_id(content["annotations"], path).items()
    }
    joined = {}
    for key, entry in _by_id(further["annotations"], further_path).items():
        owner, other = belongings.get(key), _belongs(entry, further_path)
        if owner == other:
            joined[key] = entry.get("keypoints")
        elif owner is not None or other[0] in shared:
            raise DataError(
                "The file of keypoints has an annotation that is not that of the other file",
                expected=f"{_text(owner)}, as {path} has it",
                received=_text(other),
                where=f"{further_path}, annotation {key}",
                fix="take both files of one release; annotations in both have the same id",
            )
    return joined


def _by_id(annotations: Iterable[Mapping[str, Any]], path: Path) -> dict[Id, Mapping[str, Any]]:
    joined: dict[Id, Mapping[str, Any]] = {}
    for number, entry in enumerate(annotations):
        where = f"{path}, annotations[{number}]"
        key = read_id(entry.get("id"), where, "id (by which annotations of two files are joined)")
        if key in joined:
            raise DataError(
                "Annotations of two files belong together by their ids, which must differ",
                received=f"{key!r}, once more",
                where=where,
            )
        joined[key] = entry
    return joined


def _belongs(entry: Mapping[str, Any], path: Path) -> tuple[Id, Id]:
    """The picture and the category of an annotation."""
    where = f"{path}, annotation {entry.get('id')}"
    return (
        read_id(entry.get("image_id"), where, "image_id"),
        read_id(entry.get("category_id"), where, "category_id"),
    )


def _text(belongs: tuple[Id, Id] | None) -> str:
    return "none" if belongs is None else f"image {belongs[0]}, category {belongs[1]}"
