"""Values of unquoted YAML words, and a YAML writer that round-trips them."""

from __future__ import annotations

import re
from typing import Any

import yaml

from densefit.errors import ConfigError

_INT = re.compile(r"[-+]?(?:0b[01]+|0o[0-7]+|0x[0-9a-fA-F]+|0|[1-9][0-9]*(?:_[0-9]+)*)")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9]+(?:_[0-9]+)*(?:\.[0-9]*(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)"
    r"|\.[0-9]+(?:[eE][-+]?[0-9]+)?)"
)
_OCTAL = re.compile(r"[-+]?0[0-9_]+")
_LONGEST = 1000  # digits of an integer: parsing takes time quadratic in their number
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{f"{s}.{word}": float(f"{s}inf") for s in ("", "+", "-") for word in ("inf", "Inf", "INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_SWITCHES = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def meaning(word: str) -> Any:
    """Return the value of an unquoted word.

    Base-60 numbers and dates of YAML 1.1 are strings, as in YAML 1.2.

    >>> meaning("1e-3"), meaning("1_000"), meaning("0o17"), meaning("1:30"), meaning("2020-01-01")
    (0.001, 1000, 15, '1:30', '2020-01-01')

    Raises:
        ConfigError: the word has different values in YAML 1.1 and 1.2: yes, no, on, off, 017.
    """
    if word in _WORDS:
        return _WORDS[word]
    small = word.lower()
    if small in _SWITCHES and word in (small, word.upper(), word.title()):
        raise ConfigError(
            f"The word {word} is a switch in YAML 1.1 and a text in YAML 1.2",
            received=word,
            fix=f'{_SWITCHES[small]}; or "{word}", with quotes, for the text',
        )
    if _INT.fullmatch(word) and len(word) <= _LONGEST:
        return int(word.replace("_", ""), 0)
    if _OCTAL.fullmatch(word):
        raise ConfigError(
            "A number that begins with 0 is octal in YAML 1.1 and decimal in YAML 1.2",
            received=word,
            fix=f'{word.lstrip("+-0_") or 0}, 0o17 for an octal one; or "{word}", with quotes',
        )
    if _FLOAT.fullmatch(word):
        return float(word.replace("_", ""))
    return word


def dump(value: Any) -> str:
    """Write a value as YAML from which `load` reads the same value; keys keep their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Dumper that quotes strings that would otherwise be read as another type."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def text(self, data: str) -> Any:
        """Represent a string, with quotes where needed."""
        try:
            style = None if isinstance(meaning(data), str) else "'"
        except ConfigError:
            style = "'"
        if not data.isprintable():
            style = '"'  # only double quotes preserve special line breaks
        return self.represent_scalar("tag:yaml.org,2002:str", data, style)


_Dumper.add_representer(str, _Dumper.text)
