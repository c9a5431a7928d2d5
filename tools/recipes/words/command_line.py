"""Complete a command line, so that it may be shorter than what the parser of settings takes."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def completed(
    words: Sequence[str], first: str | None = None, flags: Collection[str] = ()
) -> list[str]:
    """Write out options and values that a command line leaves out.

    >>> completed(["a.yaml", "--deep", "--html-page", "a.html"], "config", ["deep"])
    ['--config', 'a.yaml', '--deep', 'true', '--html_page', 'a.html']

    Args:
        words: arguments of a program.
        first: option whose value may come first, without the option.
        flags: options that are true without a value.
    """
    complete: list[str] = []
    for index, word in enumerate(words):
        if index == 0 and first is not None and not word.startswith("-"):
            complete.append(f"--{first}")
        complete.append(underscored(word))
        following = words[index + 1 : index + 2]
        is_bare = not following or following[0] not in ("true", "false")
        if is_bare and complete[-1] in [f"--{flag}" for flag in flags]:
            complete.append("true")
    return complete


def underscored(word: str) -> str:
    """Replace hyphens of an option's name by underscores; values and dotted names stay.

    >>> underscored("--iou-type=a-b"), underscored("--data.settings.a-b"), underscored("-1")
    ('--iou_type=a-b', '--data.settings.a-b', '-1')
    """
    option, equals, value = word.partition("=")
    if not option.startswith("--") or "." in option:
        return word
    return f"--{option[2:].replace('-', '_')}{equals}{value}"


def with_lists(words: Sequence[str], options: Collection[str]) -> list[str]:
    """Write lists of words that commas separate as the parser takes them.

    >>> with_lists(["--save", "json,coco", "a,b.jpg", "--classes=cat"], ["save", "classes"])
    ['--save', "['json', 'coco']", 'a,b.jpg', "--classes=['cat']"]

    Args:
        words: arguments of a program.
        options: options that are lists of words.
    """
    complete: list[str] = []
    flags = {f"--{name}" for name in options}
    for index, word in enumerate(words):
        option, equals, value = word.partition("=")
        if equals and option in flags:
            complete.append(f"{option}={_as_list(value)}")
        elif index and words[index - 1] in flags and not word.startswith("--"):
            complete.append(_as_list(word))
        else:
            complete.append(word)
    return complete


def _as_list(text: str) -> str:
    if text.startswith("["):
        return text
    return f"[{', '.join(_quoted(part) for part in text.split(','))}]"


def _quoted(text: str) -> str:
    """A word in single quotes, as YAML takes any: `traffic light`, `17`, `no`."""
    return "'" + text.strip().replace("'", "''") + "'"
