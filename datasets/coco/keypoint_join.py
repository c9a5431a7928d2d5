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
    shared = {one["id"] for one in content["images"]} & {one["id"] for one in further["images"]}
    own = {key: _belongs(one, path) for key, one in _by_id(content["annotations"], path).items()}
    found = {}
    for key, one in _by_id(further["annotations"], further_path).items():
        known, other = own.get(key), _belongs(one, further_path)
        if known == other:
            found[key] = one.get("keypoints")
        elif known is not None or other[0] in shared:
            raise DataError(
                "The file of keypoints has an annotation that is not that of the other file",
                expected=f"{_told(known)}, as {path} has it",
                received=_told(other),
                where=f"{further_path}, annotation {key}",
                fix="take both files of one release; annotations in both have the same id",
            )
    return found


def _by_id(annotations: Iterable[Mapping[str, Any]], path: Path) -> dict[Id, Mapping[str, Any]]:
    found: dict[Id, Mapping[str, Any]] = {}
    for number, one in enumerate(annotations):
        where = f"{path}, annotations[{number}]"
        key = read_id(one.get("id"), where, "id (by which annotations of two files are joined)")
        if key in found:
            raise DataError(
                "Annotations of two files belong together by their ids, which must differ",
                received=f"{key!r}, once more",
                where=where,
            )
        found[key] = one
    return found


def _belongs(one: Mapping[str, Any], path: Path) -> tuple[Id, Id]:
    """The picture and the category of an annotation."""
    where = f"{path}, annotation {one.get('id')}"
    return (
        read_id(one.get("image_id"), where, "image_id"),
        read_id(one.get("category_id"), where, "category_id"),
    )


def _told(belongs: tuple[Id, Id] | None) -> str:
    return "none" if belongs is None else f"image {belongs[0]}, category {belongs[1]}"
