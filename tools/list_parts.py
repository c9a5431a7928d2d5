"""List what recipes and commands name: `densefit list`, `densefit list backbones "resnet*"`."""

from __future__ import annotations

import fnmatch
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence

from densefit.errors import ConfigError
from densefit.registry import nearest
from densefit.tools.console.names import SAME, builtin_names, plugin_names, plugin_packages
from densefit.tools.recipes.program import program

_INDENT = 12


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    return program(lambda: run(list(sys.argv[1:] if arguments is None else arguments)))


def run(words: Sequence[str]) -> None:
    """Print the names of all kinds, or of one; densefit's at once, then those of plugins.

    Raises:
        ConfigError: an unknown kind, or too many words.
    """
    names, files = _plugin_files(words)
    builtin = builtin_names()
    kind, pattern = parse(names, builtin)
    _print(builtin, kind, pattern)
    if files:
        from densefit.tools.recipes.plugins import use_plugins  # with numpy

        use_plugins(files)
    packages = plugin_packages()
    if not files and not packages:
        return
    sys.stdout.flush()
    more = plugin_names(builtin)
    print(f"\nfrom plugins ({', '.join([*packages, *files])}):")
    _print(more, kind, pattern)


def _plugin_files(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate `--plugins FILE` from the other words."""
    rest, files, remaining = [], [], iter(words)
    for word in remaining:
        option, equals, value = word.partition("=")
        if option == "--plugins":
            files.append(value if equals else next(remaining, ""))
        else:
            rest.append(word)
    return rest, files


def parse(words: Sequence[str], names: Mapping[str, list[str]]) -> tuple[str | None, str]:
    """(kind, pattern) that the words choose; None for all kinds.

    Raises:
        ConfigError: an unknown kind, or too many words.
    """
    if len(words) > 2 or any(word.startswith("-") for word in words):
        raise ConfigError(
            "densefit list takes a kind and a pattern",
            received=" ".join(words),
            fix="densefit list backbones 'resnet*'",
        )
    kind = words[0] if words else None
    pattern = words[1] if len(words) > 1 else "*"
    kind = SAME.get(str(kind), kind)
    if kind is not None and kind not in names:
        plural = next((name for name in names if kind in (name[:-1], name.removesuffix("es"))), "")
        if not plural and len(words) == 1 and any(letter in kind for letter in "*?["):
            return None, kind
        if not plural:
            raise ConfigError(f"There is no kind {kind!r}", fix=nearest(kind, {*names, *SAME}))
        kind = plural
    return kind, pattern


def _print(names: Mapping[str, list[str]], kind: str | None, pattern: str) -> None:
    width = shutil.get_terminal_size((100, 24)).columns
    if kind is not None:
        print("\n".join(fnmatch.filter(names.get(kind, []), pattern)))
        return
    for heading, parts in names.items():
        matching = fnmatch.filter(parts, pattern)
        if matching:
            text = textwrap.fill(
                ", ".join(matching),
                max(width, 40),
                initial_indent=f"{heading:<{_INDENT}}",
                subsequent_indent=" " * _INDENT,
                break_on_hyphens=False,
            )
            print(text)


if __name__ == "__main__":
    sys.exit(main())
