"""Which targets the files of a sample are, by their extensions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from densefit.data.io.image import decode_image
from densefit.data.sample import Sample
from densefit.errors import ConfigError, DataError

from .tar_targets import IMAGES, TARGETS, TarTargets

IMAGE = "image"
_FIX = 'say which file is what: fields={"image": "jpg", "mask": "png"}'


class TarFields:
    """Turns the files of a sample into an image and targets.

    Args:
        fields: target, or "image" -> extension, such as {"image": "jpg", "mask": "seg.png"}. None:
            the one image; `cls` is `label`; `mask.png` and other extensions that begin with the
            name of a target are that target; of `json`, what is called like a target, and COCO's
            annotations (a list of objects with bbox and category_id).
        classes: class names, which annotations may have in place of numbers.
        exif: turn images as their EXIF orientation says.

    Attributes:
        are_chosen: whether `fields` say which file is what.

    Raises:
        ConfigError: a field that is no target.
    """

    def __init__(
        self, fields: Mapping[str, str] | None, classes: Sequence[str], exif: bool
    ) -> None:
        unknown = [name for name in fields or () if name not in (IMAGE, *TARGETS)]
        if unknown:
            raise ConfigError(
                "A field of tar shards is no target",
                expected=", ".join((IMAGE, *TARGETS)),
                received=unknown[0],
                where="fields",
            )
        self._fields = None if fields is None else {k: v.lower() for k, v in fields.items()}
        self.are_chosen = fields is not None
        self._values, self._exif = TarTargets(classes), exif

    def targets(self, extensions: Sequence[str]) -> tuple[str, ...] | None:
        """Names of the targets of a sample with these files; None if a json file decides."""
        chosen = self._chosen(extensions)
        return None if "json" in chosen.values() and self._fields is None else tuple(chosen)

    def unread(self, extensions: Iterable[Sequence[str]]) -> list[str]:
        """Extensions that no rule reads, or fields that no sample has."""
        lists = list(extensions)
        present = {extension for entry in lists for extension in entry}
        if self._fields is not None:
            return sorted(f"{e} ({name})" for name, e in self._fields.items() if e not in present)
        read = {e for entry in lists for e in self._chosen(entry).values()}
        return sorted(e for e in present - read if not _is_image(e))

    def read_extensions(self, extensions: Sequence[str], where: str) -> dict[str, str]:
        """Extension of the image and of each target. Raises DataError if there is no image."""
        return {IMAGE: self.image_extension(extensions, where), **self._chosen(extensions)}

    def image_extension(self, extensions: Sequence[str], where: str) -> str:
        """Extension of the image. Raises DataError if there is none, or several."""
        if self._fields is not None and IMAGE in self._fields:
            images = [name for name in extensions if name == self._fields[IMAGE]]
        else:
            taken = () if self._fields is None else self._fields.values()
            images = [name for name in extensions if _is_image(name) and name not in taken]
        if len(images) != 1:
            raise DataError(
                "A sample of a tar file needs one image" if not images else
                "A sample of a tar file has several images",
                expected="one of " + ", ".join(IMAGES),
                received=", ".join(extensions),
                where=where,
                fix=_FIX,
            )  # fmt: skip
        return images[0]

    def sample(self, key: str, files: Mapping[str, bytes], where: str) -> Sample:
        """Decode the files of a sample.

        Args:
            key: of the sample.
            files: extension -> content of the files that `read_extensions` names.
            where: the sample, for errors.

        Raises:
            DataError: a file is broken.
        """
        chosen = self.read_extensions(list(files), where)
        extension = chosen.pop(IMAGE)
        image = decode_image(files[extension], f"{where}.{extension}", self._exif)
        shared = chosen.pop("json", None)
        targets: dict[str, np.ndarray] = {
            target: self._values.decode(target, name, files[name], f"{where}.{name}")
            for target, name in chosen.items()
        }
        if shared is not None:
            targets.update(self._values.decode_json(files[shared], targets, f"{where}.{shared}"))
        return Sample(key, image, targets)

    def _chosen(self, extensions: Sequence[str]) -> dict[str, str]:
        """Target, or "json" -> extension, of the files that a sample has."""
        if self._fields is not None:
            pairs = self._fields.items()
            return {name: end for name, end in pairs if name != IMAGE and end in extensions}
        chosen: dict[str, str] = {}
        for extension in extensions:
            name, _, rest = extension.partition(".")
            target = {"cls": "label", "json": "json"}.get(extension, name if rest else "")
            if target not in (*TARGETS, "json") or (target == "json" and rest):
                continue
            if target in chosen:
                raise DataError(
                    f"Two files of a sample are its {target}",
                    expected="one file for each target",
                    received=f"{chosen[target]}, {extension}",
                    fix=_FIX,
                )
            chosen[target] = extension
        return chosen


def _is_image(extension: str) -> bool:
    """Whether a file is an image by its extension: `jpg`, or `image.jpg`."""
    return extension.removeprefix(f"{IMAGE}.") in IMAGES
