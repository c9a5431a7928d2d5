"""Lists of ids in ImageSets, in the spellings that the devkit and other tools write."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from densefit.datasets.files.names import doubled, read_lines
from densefit.datasets.files.pictures import is_picture
from densefit.errors import DataError
from densefit.once import first_time

logger = logging.getLogger(__name__)

_FLAGGED = re.compile(r"(.*\S)\s+(-1|0|1)")
#: The devkit's lists of one class, dog_train.txt, whose flag says whether a picture shows it.
_OF_A_CLASS = re.compile(r".+_(train|val|trainval|test)")


def listed_ids(path: Path, annotations: Path) -> list[str]:
    """The ids in a list, one a line.

    Lines may have a flag behind the id, 1, 0 or -1. In a list of one class, dog_train.txt, -1 means
    that the picture does not show it: the line is left out. An id may have a picture's ending.
    Where an annotation is called as the whole line is, the line is the id.

    Args:
        path: the list.
        annotations: folder of the XML files.

    Raises:
        DataError: the list is missing, broken or empty, or an id comes twice.
    """
    names = read_lines(path)
    flagged = [_FLAGGED.fullmatch(name) for name in names]
    if all(flagged) and not (annotations / f"{names[0]}.xml").is_file():
        names = _without_flags(path, [(match[1], match[2]) for match in flagged if match])
    endings = [name for name in names if is_picture(os.path.basename(name))]
    if endings and not (annotations / f"{endings[0]}.xml").is_file():
        names = [os.path.splitext(n)[0] if is_picture(os.path.basename(n)) else n for n in names]
    for double in doubled(names):
        raise DataError(f"{double!r} is listed twice", where=path)
    return names


def _without_flags(path: Path, lines: list[tuple[str, str]]) -> list[str]:
    """The ids of lines with a flag; tells, once, which are taken."""
    of_a_class = _OF_A_CLASS.fullmatch(path.stem) is not None
    names = [name for name, flag in lines if flag != "-1" or not of_a_class]
    if not names:
        raise DataError(
            "The list has no picture of its class", received="-1 in all lines", where=path
        )
    if first_time("flags of a list", str(path)):
        rule = "those with -1 are left out" if of_a_class else "all ids are taken"
        logger.warning(
            "%s: each line is an id and a flag, the first %r; %s (%d of %d)",
            *(path, " ".join(lines[0]), rule, len(names), len(lines)),
        )
    return names
