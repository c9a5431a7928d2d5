"""Plugin files: Python files that a recipe or a flag names, which register parts of a training.

A file is imported as the module `densefit_plugins.<name>`, wherever it lies, so that pickles, reprs
and checkpoints name its classes alike in every process. Worker processes run the same text.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from densefit.errors import ConfigError, DensefitError
from densefit.registry import load_plugins, recording

PACKAGE = "densefit_plugins"
_SHOWN = 12  # letters of a hash

_imported: dict[str, PluginFile] = {}


@dataclass(frozen=True)
class PluginFile:
    """A plugin file as it was read.

    Attributes:
        path: absolute path.
        sha256: of its content.
        source: its content.
        registered: (kind, name) of what it registers; empty before its import.
    """

    path: str
    sha256: str
    source: bytes = field(repr=False)
    registered: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    @property
    def name(self) -> str:
        """Name of the file."""
        return os.path.basename(self.path)

    @property
    def module(self) -> str:
        """Name of the module."""
        return f"{PACKAGE}.{Path(self.path).stem}"

    def __str__(self) -> str:
        return f"{self.name} (sha256 {short(self.sha256)})"


def short(sha256: str) -> str:
    """The first letters of a hash.

    >>> short("0123456789abcdef")
    '0123456789ab'
    """
    return sha256[:_SHOWN]


def import_plugins(paths: Sequence[str | Path]) -> list[PluginFile]:
    """Import plugin files in order, each once; a file that has changed is imported again.

    Raises:
        ConfigError: a file is missing, no Python file, two files have the same name, or the import
            fails, for instance as a name is already registered.
    """
    files: dict[str, PluginFile] = {}
    for path in paths:
        file = read_plugin(path)
        previous = files.setdefault(file.module, file)
        if previous.path != file.path:
            raise ConfigError(
                "Two plugins have the same name",
                received=f"{previous.path} and {file.path}",
                fix="rename one of them: the name is the module's, densefit_plugins.NAME",
            )
    return [_import(file) for file in files.values()]


def imported() -> tuple[PluginFile, ...]:
    """The plugin files of this process, in the order of their first import."""
    return tuple(_imported.values())


def read_plugin(path: str | Path) -> PluginFile:
    """Read a plugin file without running it.

    Raises:
        ConfigError: the file is missing, unreadable, or not named like a Python module.
    """
    location = os.path.abspath(path)
    stem, suffix = os.path.splitext(os.path.basename(location))
    if os.path.isdir(location):
        raise ConfigError(
            "A plugin is one Python file, and this is a folder",
            where=location,
            fix="name the file; a package is installed, with the entry point densefit.plugins",
        )
    if suffix != ".py" or not stem.isidentifier():
        raise ConfigError(
            "A plugin file is named like a Python module",
            expected="NAME.py, of letters, digits and _",
            received=str(path),
        )
    if not os.path.isfile(location):
        raise ConfigError(
            "There is no such plugin file",
            where=location,
            fix="paths in a recipe are relative to the recipe's file, those of --plugins to the "
            "working directory",
        )
    try:
        source = Path(location).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"The plugin file cannot be read: {error.strerror}", where=location
        ) from error
    return PluginFile(location, hashlib.sha256(source).hexdigest(), source)


def run_plugin(file: PluginFile) -> ModuleType:
    """Run a plugin's text as a new module; worker processes call it directly.

    Raises:
        ConfigError: the text raises an error; names its line.
    """
    package = sys.modules.get(PACKAGE)
    if package is None:
        package = ModuleType(PACKAGE, "Plugin files of this process.")
        package.__path__ = []  # nothing is found here but what was imported
        sys.modules[PACKAGE] = package
    module = ModuleType(file.module)
    module.__file__, module.__package__ = file.path, PACKAGE
    module.__spec__ = importlib.machinery.ModuleSpec(file.module, None, origin=file.path)
    previous = sys.modules.get(file.module)
    sys.modules[file.module] = module  # dataclasses look their module up
    try:
        exec(compile(file.source, file.path, "exec"), vars(module))
    except (Exception, SystemExit) as error:
        del sys.modules[file.module]
        if previous is not None:
            sys.modules[file.module] = previous
        raise _failed(file, error) from error
    setattr(package, file.module.rpartition(".")[2], module)
    return module


def _import(file: PluginFile) -> PluginFile:
    if _imported.get(file.module) == file:
        return _imported[file.module]
    load_plugins()  # installed names come first: a file that takes one of them is refused
    with recording() as registered:
        run_plugin(file)
    file = PluginFile(file.path, file.sha256, file.source, tuple(registered))
    _imported[file.module] = file
    return file


def _failed(file: PluginFile, error: BaseException) -> ConfigError:
    """The error of a plugin whose import failed, with the line."""
    line = _line(file, error)
    texts = file.source.decode("utf-8", "replace").splitlines()
    text = texts[line - 1].strip() if line and line <= len(texts) else ""
    where = file.path if not line else f"{file.path}, line {line}: {text}"
    what = f"The plugin {file.name} cannot be imported"
    if isinstance(error, DensefitError):
        return ConfigError(
            f"{what}: {error.what}",
            expected=error.expected,
            received=error.received,
            where=where if error.where is None else f"{where} (the first: {error.where})",
            fix=error.fix,
        )
    fix = None
    if isinstance(error, ModuleNotFoundError) and error.name:
        sibling = Path(file.path).with_name(f"{error.name.rpartition('.')[2]}.py")
        if sibling.is_file():
            fix = (
                f"name {sibling.name} before it in `plugins`, and write "
                f"`from {PACKAGE}.{sibling.stem} import ...`"
            )
    reason = error.msg if isinstance(error, SyntaxError) else error
    return ConfigError(what, received=f"{type(error).__name__}: {reason}", where=where, fix=fix)


def _line(file: PluginFile, error: BaseException) -> int | None:
    """Line of the plugin that an error comes from."""
    if isinstance(error, SyntaxError) and error.filename == file.path:
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file.path]
    return lines[-1] if lines else None
