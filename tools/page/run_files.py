"""Read the files of a run's folder for its page; each may be missing or damaged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from densefit.callbacks.jsonl import read_lines
from densefit.errors import ConfigError, DataError
from densefit.tools.analysis.write import FOLDER
from densefit.yaml_files.document import load

_LARGEST = 64 << 20  # bytes of a file that is read
DATA_CHECK = "data_check.json"


@dataclass(frozen=True)
class RunFiles:
    """Content of a run's folder.

    Attributes:
        folder: the folder.
        recipe: the recipe, empty without one, and its text.
        lines: records of the training, of which "update", "epoch" and "validation" are known.
        starts: environments of the starts, the first first.
        scores, scored, cost, data_check: content of these JSON files, empty without one.
        decisions: what the program chose itself: {"what", "value", "why"}.
        heads: analyses of the heads.
        unread: files that cannot be read, with the reason.
    """

    folder: Path
    recipe: dict[str, Any] = field(default_factory=dict)
    recipe_text: str = ""
    lines: Sequence[dict[str, Any]] = ()
    starts: Sequence[dict[str, Any]] = ()
    scores: dict[str, Any] = field(default_factory=dict)
    scored: dict[str, Any] = field(default_factory=dict)
    cost: dict[str, Any] = field(default_factory=dict)
    data_check: dict[str, Any] = field(default_factory=dict)
    decisions: Sequence[dict[str, Any]] = ()
    heads: Sequence[dict[str, Any]] = ()
    unread: Sequence[str] = ()

    @classmethod
    def read(cls, folder: Path) -> RunFiles:
        """Read a folder.

        Raises:
            ConfigError: it is no folder, or has nothing of a run.
        """
        if not folder.is_dir():
            raise ConfigError("There is no such run", where=folder)
        reader = _Reader(folder)
        text = reader.text("config.yaml")
        run = cls(
            folder,
            recipe=reader.yaml("config.yaml", text),
            recipe_text=text,
            lines=reader.lines("scalars.jsonl"),
            starts=reader.json("environment.json", list),
            scores=reader.json("scores.json", dict),
            scored=reader.json("scored.json", dict),
            cost=reader.json("cost.json", dict),
            data_check=reader.json(DATA_CHECK, dict),
            decisions=reader.json("decisions.json", list),
            heads=[
                reader.json(f"{FOLDER}/{path.name}", dict)
                for path in sorted((folder / FOLDER).glob("*.json"))
            ],
            unread=reader.unread,
        )
        if not run.recipe_text and not run.lines and not run.scores:
            raise ConfigError(
                "The folder has nothing of a training",
                expected="config.yaml, scalars.jsonl or scores.json, as in --out of a training",
                where=folder,
            )
        return run


class _Reader:
    """Read files of a folder; note those that cannot be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.unread: list[str] = []

    def is_there(self, name: str) -> bool:
        """Whether there is a file, which is no link out of the folder."""
        path = self.folder / name
        if not path.is_file():
            return False
        if not path.resolve().is_relative_to(self.folder.resolve()):
            self._note(name, "a link out of the folder")
            return False
        return True

    def text(self, name: str) -> str:
        """Text of a file; "" if it is missing or cannot be read."""
        path = self.folder / name
        try:
            if not self.is_there(name):
                return ""
            if path.stat().st_size > _LARGEST:
                self._note(name, "too large")
                return ""
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self._note(name, error)
            return ""

    def json(self, name: str, kind: type) -> Any:
        """Content of a JSON file; an empty list or dict if it is missing or of another kind."""
        text = self.text(name)
        try:
            content = json.loads(text) if text else kind()
        except (ValueError, RecursionError) as error:
            self._note(name, error)
            return kind()
        if not isinstance(content, kind):
            self._note(name, f"no {kind.__name__}")
            return kind()
        return content

    def yaml(self, name: str, text: str) -> dict[str, Any]:
        """Content of a recipe."""
        try:
            content = load(text) if text else {}
        except (DataError, ConfigError, RecursionError) as error:
            self._note(name, error)
            return {}
        return content if isinstance(content, dict) else {}

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Records of a log."""
        try:
            return read_lines(self.folder / name) if self.is_there(name) else []
        except (DataError, OSError, UnicodeDecodeError, RecursionError) as error:
            self._note(name, error)
            return []

    def _note(self, name: str, why: object) -> None:
        self.unread.append(f"{name}: {str(why).splitlines()[0]}")
