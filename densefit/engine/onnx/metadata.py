"""What an export writes into an ONNX file beside the graph: heads, input size, mode."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from densefit.errors import CheckpointError

MODES = ("evaluate", "raw")
_PREFIX = "densefit."

#: Head -> target -> class names.
Names: TypeAlias = Mapping[str, Mapping[str, list[str]]]


@dataclass(frozen=True)
class Metadata:
    """Metadata of an exported model.

    Attributes:
        version: version of densefit that exported it; "" for a file of another program.
        spec: see `Network.spec`; None if the heads were not created by name.
        image_size: (height, width) of the images; None for a user's Symbol.
        batch: number of rows that the graph is made for; None for any.
        mode: mode of the heads' outputs: "evaluate", or "raw" for those that the host finishes.
        outputs: head -> mode -> names of its outputs, without the head's prefix.
        suppressions: head -> settings of the suppression that is left to the host: "output" with
            the rows of the candidates, "iou", "threshold" and "limit".
        resize: "kind" ("letterbox" or "resize") and "fill" of how images become the input.
        names: names of the heads' classes.
        routes: head of a user's Symbol -> settings of its Route.
        recipe: recipe of the training; empty if unknown.
        thresholds: drawing thresholds of the training: "thresholds" by head, "split" and "samples";
            empty if unknown.
        precision: "float32", "float16" or "int8".
    """

    version: str = ""
    spec: Mapping[str, Any] | None = None
    image_size: tuple[int, int] | None = None
    batch: int | None = None
    mode: str = "evaluate"
    outputs: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)
    suppressions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    resize: Mapping[str, Any] = field(default_factory=dict)
    names: Names = field(default_factory=dict)
    routes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    precision: str = "float32"


def read_metadata(properties: Mapping[str, str], where: object) -> Metadata:
    """Parse the properties of an ONNX file; those of other programs are left out.

    Args:
        properties: the file's properties by name.
        where: the file, for errors.

    Raises:
        CheckpointError: a property is damaged.
    """
    if f"{_PREFIX}version" not in properties:
        return Metadata()
    entries = _Entries(properties, where)
    size = entries.json("image_size", _is_size)
    return Metadata(
        version=properties[f"{_PREFIX}version"],
        spec=entries.json("spec", _is_mapping),
        image_size=None if size is None else (int(size[0]), int(size[1])),
        batch=entries.json("batch", _is_count),
        mode=entries.text("mode", MODES),
        outputs=entries.json("outputs", _are_outputs) or {},
        suppressions=entries.json("nms", _are_suppressions) or {},
        resize=entries.json("resize", _is_resize) or {},
        names=entries.json("names", _are_names) or {},
        routes=entries.json("routes", _are_mappings) or {},
        recipe=entries.json("recipe", _is_mapping) or {},
        thresholds=entries.json("thresholds", _is_mapping) or {},
        precision=entries.text("precision", ("float32", "float16", "int8")),
    )


class _Entries:
    """densefit's entries among the properties of a file."""

    def __init__(self, properties: Mapping[str, str], where: object) -> None:
        self._properties, self._where = properties, where

    def text(self, name: str, values: tuple[str, ...]) -> str:
        """One of several words; the first by default."""
        text = self._properties.get(_PREFIX + name, values[0])
        if text not in values:
            raise self._damaged(name, text, " or ".join(values))
        return text

    def json(self, name: str, fits: Callable[[Any], bool]) -> Any:
        """A JSON value, None if it is missing or null."""
        text = self._properties.get(_PREFIX + name, "null")
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise self._damaged(name, text, "JSON") from None
        if value is not None and not fits(value):
            raise self._damaged(name, text, "what `df.export` writes")
        return value

    def _damaged(self, name: str, text: str, expected: str) -> CheckpointError:
        return CheckpointError(
            f"The metadata {_PREFIX + name!r} of the exported model are damaged",
            expected=expected,
            received=text[:200],
            where=self._where,
            fix="export the network again: df.export(network, path)",
        )


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _are_mappings(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, dict) for entry in value.values())


def _are_suppressions(value: Any) -> bool:
    return _are_mappings(value) and all(
        isinstance(entry.get("output"), str)
        and all(isinstance(entry.get(name), (int, float)) for name in ("iou", "threshold"))
        and (entry.get("limit") is None or _is_count(entry["limit"]))
        for entry in value.values()
    )


def _is_resize(value: Any) -> bool:
    return isinstance(value, dict) and value.get("kind") in ("letterbox", "resize")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_size(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_count, value))


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


def _are_outputs(value: Any) -> bool:
    return _are_mappings(value) and all(
        _are_texts(names) for modes in value.values() for names in modes.values()
    )


_are_names = _are_outputs
