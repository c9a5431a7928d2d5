"""Changes of the values in texts: JSON, YAML, tables and lists."""

from __future__ import annotations

import json
import math
from random import Random
from typing import Any

VALUES: tuple[Any, ...] = (
    *(None, True, False, "", "0", "1", "x", [], {}, [[]], [None], {"a": 1}, 0, -1, 1, 2, 255, 256),
    *(-5, 1e12, -1e12, 1e30, 1e308, 1e-320, 10**30, math.nan, math.inf, -math.inf, 0.5),
    *("../../../etc/passwd", "/etc/passwd", "a\\b.png", "nan", "é", "\0", "\ud800", "x" * 5000),
)


class Doubled(dict):  # type: ignore[type-arg]
    """An object in which a key is written twice."""

    def __init__(self, content: dict[str, Any], key: str, value: Any) -> None:
        super().__init__(content)
        self.double = (key, value)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(place for key, one in inner for place in _places(one, (*path, key)))]


def change_json(data: bytes, rng: Random) -> bytes:
    """A value is another one, or a key or an item is missing or there twice."""
    content = json.loads(data)
    places = _places(content)
    # as often near the root as deep inside, where most places are
    depth = rng.choice(sorted({len(place) for place in places}))
    path = rng.choice([place for place in places if len(place) == depth])
    new = rng.choice(VALUES)
    if not path:
        return _written(rng.choice((new, [content], {"a": content}))).encode("utf-8", "replace")
    parent = content
    for key in path[:-1]:
        parent = parent[key]
    key, old = path[-1], parent[path[-1]]
    how = rng.randrange(8)
    if how < 4:
        parent[key] = new
    elif how == 4:
        del parent[key]
    elif how == 5 and isinstance(parent, list):
        parent.insert(rng.randrange(len(parent) + 1), old)
    elif how == 5:
        return _written(_replaced(content, path[:-1], Doubled(parent, key, new))).encode(
            "utf-8", "replace"
        )
    elif how == 6:
        other = rng.choice(places[1:])
        value = content
        for part in other:
            value = value[part]
        parent[key] = json.loads(json.dumps(value))
    elif isinstance(old, (int, float)):
        parent[key] = rng.choice((-old, old * 1e6, old + 0.5, str(old), [old], float(old)))
    else:
        parent[key] = [old]
    return _written(content).encode("utf-8", "replace")


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    value[path[0]] = _replaced(value[path[0]], path[1:], new)
    return value


def _written(value: Any) -> str:
    if isinstance(value, dict):
        pairs = [*value.items(), *([value.double] if isinstance(value, Doubled) else [])]
        return "{" + ", ".join(f"{json.dumps(str(k))}: {_written(v)}" for k, v in pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return json.dumps(value)


WORDS = (
    *("nan", "inf", "-5", "1e30", "0", "-1", "1.5", "", "x", "../x", "/etc/passwd", "a b c", "\0"),
    *("1" * 5000, "x" * 200_000, '"', "'", "1:30", "é", "\ufeff", "\r", "\t", "\u2028", "#", "~"),
)
ENCODINGS = ("utf-16", "latin-1", "utf-8-sig", "gb2312", "shift_jis", "utf-32", "cp037")


def change_lines(data: bytes, rng: Random) -> bytes:
    """A line or a word of a text is missing, twice or another; or the encoding is."""
    text = data.decode()
    lines = text.split("\n")
    place = rng.randrange(len(lines))
    how = rng.randrange(9)
    if how == 0:
        del lines[place]
    elif how == 1:
        lines.insert(rng.randrange(len(lines) + 1), lines[place])
    elif how == 2:
        lines[place] = rng.choice(WORDS)
    elif how in (3, 4):
        marks = [i for i, c in enumerate(lines[place]) if not c.isalnum()]
        begin = rng.choice([0, *(i + 1 for i in marks)])
        end = next((i for i in marks if i >= begin), len(lines[place]))
        lines[place] = lines[place][:begin] + rng.choice(WORDS) + lines[place][end:]
    elif how == 5:
        lines.insert(place, rng.choice(("", "   ", "\t", rng.choice(WORDS))))
    elif how == 6:
        return "\n".join(lines).replace("\n", rng.choice(("\r\n", "\r", "\n\n"))).encode()
    elif how == 7:
        return f"ä{text}ö".encode(rng.choice(ENCODINGS), "replace")
    else:
        lines[place] = f" {lines[place]}"
    return "\n".join(lines).encode("utf-8", "replace")


_BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi")
)
_YAML = (
    *(
        "1:30",
        "on",
        "No",
        "017",
        "null",
        ".nan",
        "1e400",
        "-.inf",
        "2020-01-01",
        "0x1F",
        "*a",
        "&a",
    ),
    *("&a [*a]", "!!python/object/apply:os.getcwd []", "!!binary aaaa", "!!set {a}", "{a: b", "|"),
    *("[[[[", "%YAML 1.1", "---", "...", "/etc/passwd", "?", "<<", "@", "`", "'", ">-", "[", "- a"),
    "[" * 20_000,
)
_LINES = (
    *(_BOMB, "config: /etc/passwd", "data: /etc/passwd", "data: &a {settings: *a}", "\tx: 1"),
    *("print_config: true", "seed: 3", "data.root: x", "? [a, b]\n: 1", "1: 2", "---\nseed: 1"),
    "training:\n  optimizer_params:\n    <<: [1]",
)


def change_yaml(data: bytes, rng: Random) -> bytes:
    """As `change_lines`, or something of YAML is there that a recipe has no use for."""
    how = rng.randrange(4)
    if how < 2:
        return change_lines(data, rng)
    lines = data.decode().split("\n")
    place = rng.randrange(len(lines))
    if how == 2:
        lines.insert(place, rng.choice(_LINES))
    else:
        key, colon, _ = lines[place].partition(":")
        lines[place] = f"{key}{colon} {rng.choice(_YAML)}"
    return "\n".join(lines).encode()
