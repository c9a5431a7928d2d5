"""Plugin files of a command: imported, reported, and compared with those of a checkpoint."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from densefit.checkpoint.storage import store
from densefit.config import parse
from densefit.errors import ConfigError
from densefit.plugin_files import PACKAGE, PluginFile, import_plugins, imported
from densefit.tools.recipes.planning.layout import set_layout
from densefit.tools.recipes.words.command_line import completed
from densefit.tools.recipes.words.plain_words import with_dotted

_log = logging.getLogger("densefit")


class WithPlugins(Protocol):
    """Settings of a program that takes `--plugins`: a field `plugins`, made by `files_field()`."""

    plugins: list[str]


Kind = TypeVar("Kind", bound=WithPlugins)


def parse_and_import(kind: type[Kind], arguments: Sequence[str] | None, description: str) -> Kind:
    """Parse the settings of a program, and import the plugin files that they name.

    Raises:
        ConfigError: see `densefit.config.parse` and `use_plugins`.
    """
    words = completed(sys.argv[1:] if arguments is None else arguments)
    dotted = with_dotted(words, kind)
    settings, _ = parse(kind, dotted, description=description)
    use_plugins(settings.plugins)
    if any(word.partition("=")[0] == "--data" for word in words):
        set_layout(settings, {word.partition("=")[0][2:] for word in dotted})
    return settings


def use_plugins(paths: Sequence[str]) -> list[PluginFile]:
    """Import the plugin files that this command names, and print what they register.

    Raises:
        ConfigError: see `densefit.plugin_files.import_plugins`.
    """
    files = import_plugins(paths)
    for file in files:
        names = ", ".join(f"{kind} {name}" for kind, name in file.registered)
        print(f"plugin {file}: {names or 'registers nothing'}")
        is_used = any(f"{PACKAGE}.{Path(file.path).stem}".encode() in f.source for f in files)
        if not names and not is_used:
            _log.warning(
                "The plugin %s registers nothing: is a decorator missing, such as "
                '@datasets.register("name")?',
                file.path,
            )
    return files


def recorded(paths: Sequence[str]) -> list[dict[str, str]]:
    """What a checkpoint records of plugin files, as they were imported."""
    named = {os.path.abspath(path) for path in paths}
    return [{"file": file.path, "sha256": file.sha256} for file in imported() if file.path in named]


def check_recorded(checkpoint: Path, files: Sequence[PluginFile]) -> None:
    """Compare the plugin files of this command with those that a checkpoint was trained with.

    Nothing that a checkpoint names is imported. A file of another hash is a warning.

    Args:
        checkpoint: path of the checkpoint.
        files: imported plugin files.

    Raises:
        ConfigError: this command does not name a file that the training had.
    """
    _, content = store.read(checkpoint, only=[])
    present = {file.name: file for file in files}
    missing = []
    for path, sha256 in _records(content):
        file = present.get(Path(path).name)
        if file is None:
            missing.append((path, sha256))
        elif sha256 != file.sha256:
            _log.warning(
                "The plugin %s is not as it was when the checkpoint was trained:\n"
                "  checkpoint: sha256 %s\n  now:        sha256 %s\n  where:      %s",
                *(file.path, sha256 or "not recorded", file.sha256, checkpoint),
            )
    if missing:
        flags = " ".join(f"--plugins {_quoted(path)}" for path, _ in missing)
        raise ConfigError(
            "The checkpoint was trained with plugin files, whose code runs only if this command "
            "names them",
            expected=", ".join(
                f"{_quoted(path)} (sha256 {sha256 or 'not recorded'})" for path, sha256 in missing
            ),
            received=", ".join(map(str, files)) or "no plugin",
            where=checkpoint,
            fix=f"if you trust the code: {flags}",
        )


def _records(content: Any) -> list[tuple[str, str]]:
    """(path, sha256) of the plugin files in a checkpoint; an empty hash where it has none."""
    extra = content.get("extra") if isinstance(content, Mapping) else None
    extra = extra if isinstance(extra, Mapping) else {}
    recipe = extra.get("recipe")
    named = recipe.get("plugins") if isinstance(recipe, Mapping) else None
    records = {str(path): "" for path in named} if isinstance(named, list) else {}
    entries = extra.get("plugins")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping) and "file" in entry:
            records[str(entry["file"])] = ascii(entry.get("sha256", "")).strip("'")
    return list(records.items())


def _quoted(path: str) -> str:
    """A path for a command line; characters that a terminal would interpret are escaped."""
    return shlex.quote(path) if path.isprintable() else ascii(path)
