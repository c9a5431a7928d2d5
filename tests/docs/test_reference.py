"""The reference has every setting of every part, described, and is as the code is now."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from densefit import factory
from docs.generator.docstrings import described, sections, settings_of
from docs.generator.entries import entry
from docs.generator.kinds import PAGES
from docs.generator.reference import FOLDER, built_in, pages
from docs.generator.settings import default_words, type_words

PARTS = [
    pytest.param(registry.kind, name, part, id=f"{registry.kind}-{name}")
    for registry in factory.REGISTRIES
    for name, part in built_in(registry).items()
]


def test_the_pages_are_up_to_date():
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    stale = [name for name, text in pages().items() if written.pop(name, None) != text]
    assert not stale, f"{stale} are not what the code says: make reference"
    assert not written, f"{list(written)} are no longer made: make reference"


@pytest.mark.parametrize(("kind", "name", "part"), PARTS)
def test_every_part_and_setting_is_described(kind, name, part):
    assert sections(part.__doc__)[""].strip()
    texts = {key: text for key, (_, text) in settings_of(part).items()}
    # "see `Base`" stands for a base class's text; of any other class nobody would find it.
    lacking = [key for key, text in texts.items() if re.match(r"(see \W?[A-Z].*)?$", text)]
    assert not lacking, f"describe {lacking} below `Args:` in the docstring of {part.__qualname__}"


@pytest.mark.parametrize(("kind", "name", "part"), PARTS)
def test_a_type_is_in_words_of_a_recipe(kind, name, part):
    """A type that has none yet: docs/generator/settings.py."""
    for key, (parameter, _) in settings_of(part).items():
        words = type_words(part, parameter)
        assert words, key
        assert "`" not in words, (key, words)


@pytest.mark.parametrize(("kind", "name", "part"), PARTS)
def test_the_line_of_a_recipe_is_yaml_that_names_the_part(kind, name, part):
    text = entry(PAGES[kind], name, part)
    language, line = re.search(r"```(\w+)\n(.*)\n```", text).groups()
    if language == "python":
        compile(line, name, "exec")
        return
    (value,) = yaml.safe_load(line).values()
    entries = value if isinstance(value, list) else [value]
    first = name.split(", ")[0]
    assert first in [*entries[0].values(), *entries[0]]


def test_all_links_of_the_pages_lead_somewhere():
    for path in FOLDER.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        for target, anchor in re.findall(r"\]\(([\w./-]*)#?([\w-]*)\)", text):
            page = (FOLDER / target) if target else path
            assert page.is_file(), target
            if anchor:
                headings = re.findall(r"^## (.*)$", page.read_text(encoding="utf-8"), re.M)
                anchors = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
                assert anchor in anchors


class Part:
    """Do one thing to <b>a|b</b>, `a*b` and 2**3.

    Folders:

        root/
          a.png
    More:
        b.png

    - first
    - second, which
      goes on

    >>> 1 + 1
    2

    Args:
        size, scale: pixels.
        names: a list; None: all | some.

    Raises:
        ConfigError: not a setting.
    """

    def __init__(
        self,
        size: int,
        scale: float | None = None,
        names: Sequence[str] | str | Path = ("a", "b"),
        draw: Callable[[int], int] | None = None,
    ) -> None: ...


def test_a_section_is_markdown_of_a_docstring():
    assert entry(PAGES["transform"], "part", Part) == (
        "## part\n\n"
        "```yaml\naugment: [{name: part, size: SIZE}]\n```\n\n"
        "Do one thing to \\<b>a|b\\</b>, `a*b` and 2\\*\\*3.\n\n"
        "Folders:\n\n"
        "    root/\n      a.png\n\n"
        "More:\n\n"
        "    b.png\n\n"
        "- first\n- second, which goes on\n\n"
        "| setting | type | default | meaning |\n"
        "|---|---|---|---|\n"
        "| `size` | integer | required | pixels. |\n"
        "| `scale` | number, or null | `null` | pixels. |\n"
        "| `names` | list of texts, or path | `[a, b]` | a list; null: all \\| some. |\n"
        "| `draw` | function, or null (Python only) | `null` |  |"
    )


class Special(Part):
    """A special part.

    Args:
        size: see `Part`. At least 3.
        scale: see `Part`; none by default.
        draw: see `Else`.
    """


def test_a_text_of_a_base_class_is_said_again():
    texts = described(Special)
    assert texts["size"] == "pixels. At least 3."
    assert texts["scale"] == "pixels. None by default."
    assert texts["names"] == "a list; None: all | some."
    assert texts["draw"] == "see `Else`."


BySplit = str | Mapping[str, str] | None


def make(**settings):
    """A part whose types are of this module."""


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ("Sequence[float] | None", "list of numbers, or null"),
        ("tuple[int, int]", "list of 2 integers"),
        ("Mapping[str, list[int]]", "map of texts to list of integers"),
        ("str | Path", "path"),
        ("tuple[int, ...] | None", "list of integers, or null"),
        ("Mapping[str, str | int]", "map of texts to texts or integers"),
        ("BySplit | int | None", "text, or map of texts to texts, or integer, or null"),
        ("Callable[[int], str]", "function (Python only)"),
        ("Unheard", "`Unheard`"),
        ("Path", "path"),
    ],
)
def test_types_in_words(annotation, words):
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert type_words(make, inspect.Parameter("x", kind, annotation=annotation)) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.5, "`0.5`"), (None, "`null`"), (True, "`true`"), ((), "`[]`"), ("voc", "`voc`")],
)
def test_defaults_as_yaml(value, words):
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert default_words("metrics", inspect.Parameter("x", kind, default=value)) == words


def test_defaults_from_elsewhere():
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert default_words("datasets", inspect.Parameter("root", kind)) == "`data.root`"
    assert default_words("heads", inspect.Parameter("name", kind, default="head")) == "its key"
    assert default_words("metrics", inspect.Parameter("root", kind)) == "required"
