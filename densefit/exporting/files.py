"""The files of an export: the model, and the program beside it."""

from __future__ import annotations

from pathlib import Path

from densefit.checkpoint.storage.atomic import replace_file
from densefit.errors import ConfigError

_SUFFIX = ".onnx"
_MARK = "(written by densefit"  # in the first line of a program


def checked_path(path: str | Path, has_program: bool) -> Path:
    """The path of a model, if its files may be written.

    Args:
        path: file of the model.
        has_program: whether a program is written beside it.

    Raises:
        ConfigError: the name has another ending, is a folder's, or the program's file is another
            program.
    """
    path = Path(path)
    if path.suffix.lower() != _SUFFIX:
        raise ConfigError(
            "The model's file has another ending",
            expected="NAME.onnx",
            received=str(path),
            fix=f"{path / 'model.onnx' if path.is_dir() else path.with_suffix(_SUFFIX)}",
        )
    if path.is_dir():
        raise ConfigError("The model's file is a folder", received=str(path), fix="another name")
    program = path.with_suffix(".py")
    if has_program and program.exists() and not _is_written(program):
        raise ConfigError(
            "The program beside the model would replace a file that is not an export's",
            received=str(program),
            fix="another name for the model, or move the file",
        )
    return path


def _is_written(program: Path) -> bool:
    """Whether a file is a program that an export wrote."""
    if not program.is_file():
        return False
    with open(program, "rb") as stream:
        return _MARK.encode() in stream.readline()


def write(path: Path, content: bytes, program: str | None) -> Path | None:
    """Write the model, and the program beside it; each file is whole or the former one.

    Returns:
        Path of the program; None without one.
    """
    replace_file(path, [content])
    if program is None:
        return None
    target = path.with_suffix(".py")
    replace_file(target, [program.encode()])
    return target
