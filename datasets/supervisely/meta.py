"""The classes that a Supervisely project declares in its meta.json."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from densefit.datasets.files.json_file import read_json
from densefit.errors import DataError


@dataclass
class Meta:
    """Declared classes.

    Attributes:
        kinds: class -> its kind of geometry, in order.
        nodes: class -> id of a keypoint -> its name, in order.
        limbs: class -> pairs of indices of keypoints, from 1 on.
    """

    kinds: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, dict[str, str]] = field(default_factory=dict)
    limbs: dict[str, list[list[int]]] = field(default_factory=dict)

    def keypoints(self) -> dict[str, list[str]]:
        """Class -> names of its keypoints."""
        return {name: list(nodes.values()) for name, nodes in self.nodes.items()}

    def categories(self, classes: Collection[str]) -> list[dict[str, Any]]:
        """Categories as `read_skeleton` takes them, of the classes."""
        names = self.keypoints()
        return [
            {
                "name": name,
                "keypoints": names.get(name, []),
                "skeleton": self.limbs.get(name, []),
            }
            for name in classes
        ]


def read_meta(path: Path) -> Meta:
    """Read a meta.json.

    Raises:
        DataError: it cannot be read, or its classes are not usable.
    """
    content = read_json(path, "classes of the project")
    classes = content.get("classes") if isinstance(content, dict) else None
    if not isinstance(classes, list):
        raise _unusable('{"classes": [...]}', content, path)
    meta = Meta()
    for entry in classes:
        name = entry.get("title") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name or name in meta.kinds:
            raise _unusable('{"title": a name of its own, "shape": ...} of each class', entry, path)
        meta.kinds[name] = str(entry.get("shape", ""))
        config = entry.get("geometry_config")
        if isinstance(config, dict) and config.get("nodes"):
            _add_keypoints(meta, name, config, path)
    return meta


def _add_keypoints(meta: Meta, name: str, config: Mapping[str, Any], path: Path) -> None:
    nodes, edges = config["nodes"], config.get("edges") or []
    if not isinstance(nodes, dict) or not all(isinstance(node, dict) for node in nodes.values()):
        raise _unusable('"nodes": {id: {"label": ...}}', nodes, path)
    labels = {key: str(node.get("label") or key) for key, node in nodes.items()}
    if len(set(labels.values())) < len(labels):
        raise _unusable(f"different labels of the nodes of {name!r}", labels, path)
    meta.nodes[name] = labels
    order = list(labels)
    try:
        ends = [(order.index(edge["src"]) + 1, order.index(edge["dst"]) + 1) for edge in edges]
    except (TypeError, KeyError, ValueError):
        raise _unusable('"edges": [{"src": id, "dst": id}]', edges, path) from None
    meta.limbs[name] = [list(pair) for pair in ends]


def _unusable(expected: str, received: object, path: Path) -> DataError:
    return DataError(
        "The classes of the project are not usable",
        expected=expected,
        received=f"{received!r:.120}",
        where=path,
    )
