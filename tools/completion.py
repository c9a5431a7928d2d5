"""Print the completion of a shell: `densefit completion bash`, or zsh."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from densefit.errors import ConfigError, MissingPackageError
from densefit.registry import nearest
from densefit.tools.console.completion import command_line
from densefit.tools.recipes.program import program

SHELLS = ("bash", "zsh")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    return program(lambda: run(list(sys.argv[1:] if arguments is None else arguments)))


def run(words: Sequence[str]) -> None:
    """Print the completion of a shell.

    Raises:
        ConfigError: another shell.
        MissingPackageError: shtab is not installed.
    """
    shell = parse(words)
    try:
        import shtab
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            "Completion needs the package shtab, which is not installed",
            fix='pip install "densefit[completion]"',
        ) from error
    print(shtab.complete(command_line(), shell))


def parse(words: Sequence[str]) -> str:
    """The shell that the words name.

    Raises:
        ConfigError: another shell.
    """
    if len(words) != 1 or words[0] not in SHELLS:
        fix = nearest(words[0], SHELLS) if words else "densefit completion bash"
        raise ConfigError("The completion is of one shell", expected=" or ".join(SHELLS), fix=fix)
    return words[0]


if __name__ == "__main__":
    sys.exit(main())
