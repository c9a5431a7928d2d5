"""Differences between two long texts of settings, by setting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

_PAIRS = {"(": ")", "[": "]", "{": "}"}
_KEY = re.compile(r"""\s*('[^']*'|"[^"]*"|[^()\[\]{}'"=:,]+?)\s*(?:=|:\s)\s*(.*)""", re.DOTALL)
_NONE = "none"

Difference = tuple[str, str, str]  # path, before, now


def differing(before: str, now: str, most: int = 4, width: int = 160) -> tuple[str, str]:
    """Reduce two texts of settings to the settings that differ, for a message.

    >>> differing("{last: 'drop', data: Cells(size=3, part=[1, 2])}",
    ...           "{last: 'drop', data: Cells(size=3, part=[1, 5, 6])}")
    ('data.part[1]: 2', 'data.part[1]: 5, 6')

    Args:
        before: former settings, as `stable_repr` or a repr shows them.
        now: present settings.
        most: number of settings to show; the rest are counted.
        width: number of characters of a value to show, around the first difference.
    """
    every = dict.fromkeys(_differences(before, now, ""))  # a repr and the settings behind it: once
    differences = [difference for difference in every if difference[1] != difference[2]]
    differences = differences or [("", before, now)]  # they differ in separators or repeated names
    texts: tuple[list[str], list[str]] = [], []
    for path, *values in (differences if len(differences) <= most else _of_each_kind(differences))[
        :most
    ]:
        for text, value in zip(texts, _shortened(values[0], values[1], width)):
            text.append(f"{path}: {value}" if path else value)
    more = f"; and {len(differences) - most} more" if len(differences) > most else ""
    return "; ".join(texts[0]) + more, "; ".join(texts[1]) + more


def _of_each_kind(differences: list[Difference]) -> list[Difference]:
    """Order differences so that each parent setting comes first once, and none hides another."""
    kinds = [path.rpartition(".")[0] for path, *_ in differences]
    ranks = [kinds[:index].count(kind) for index, kind in enumerate(kinds)]
    return [differences[index] for index in sorted(range(len(differences)), key=ranks.__getitem__)]


def _differences(before: str, now: str, path: str) -> Iterator[Difference]:
    """Yield the innermost settings that differ."""
    if before == now:
        return
    (text, old), (other, new) = _split(before), _split(now)
    if text != other or not old:
        yield path, before, now
        return
    for items in zip(old, new):
        matches = [[_KEY.fullmatch(item) for item in strings] for strings in items]
        plain = [
            [item for item, m in zip(strings, ms) if not m] for strings, ms in zip(items, matches)
        ]
        yield from _by_position(plain[0], plain[1], path)
        keyed = [{m[1].strip("'\""): m[2] for m in strings if m} for strings in matches]
        for key in dict.fromkeys([*keyed[0], *keyed[1]]):
            inner = f"{path}.{key}" if path else key
            yield from _differences(keyed[0].get(key, _NONE), keyed[1].get(key, _NONE), inner)


def _by_position(before: list[str], now: list[str], path: str) -> Iterator[Difference]:
    """Compare unnamed settings item by item, or as inserted and removed items."""
    if len(before) == len(now):
        for index, (old, new) in enumerate(zip(before, now)):
            yield from _differences(old, new, path if len(now) == 1 else f"{path}[{index}]")
        return
    first = _alike(before, now)
    last = _alike(before[first:][::-1], now[first:][::-1])
    old, new = (", ".join(items[first : len(items) - last]) or _NONE for items in (before, now))
    yield f"{path}[{first}]", old, new


def _alike(before: list[str], now: list[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, now)))


def _split(text: str) -> tuple[list[str], list[list[str]]]:
    """Split a text into the parts around its brackets, and the items within each bracket.

    >>> _split("Cells(size=3, part=[1, 2]){a: 1}")
    (['Cells(', '){', '}'], [['size=3', 'part=[1, 2]'], ['a: 1']])
    """
    closing: list[str] = []
    quote, start = "", 0
    around: list[str] = []
    groups: list[list[str]] = []
    for position, letter in enumerate(text):
        if quote:
            if letter == quote and text[position - 1] != "\\":
                quote = ""
        elif letter in "'\"" and (position == 0 or text[position - 1] in " ([{=:,"):
            quote = letter
        elif letter in _PAIRS:
            closing.append(_PAIRS[letter])
            if len(closing) == 1:
                around.append(text[start : position + 1])
                groups.append([])
                start = position + 1
        elif closing and letter in (closing[-1], ",") and len(closing) == 1:
            groups[-1].append(text[start:position].strip())
            start = position + (letter == ",")
            closing = closing if letter == "," else []
        elif closing and letter == closing[-1]:
            closing.pop()
    if closing or quote:
        return [text], []
    return [*around, text[start:]], [[item for item in group if item] for group in groups]


def _shortened(before: str, now: str, width: int) -> list[str]:
    """Cut two long texts to the part around their first difference."""
    if max(len(before), len(now)) <= width:
        return [before, now]
    first = len([*takewhile(lambda pair: pair[0] == pair[1], zip(before, now))])
    begin = max(0, first - width // 4)
    parts = [text[begin : begin + width] for text in (before, now)]
    return [
        f"{'...' if begin else ''}{part}{'...' if begin + width < len(text) else ''}"
        for part, text in zip(parts, (before, now))
    ]
