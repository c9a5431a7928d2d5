"""Pictures of the documentation: small, used, and of what a terminal shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
IMAGES = sorted(path for path in (DOCS / "images").rglob("*") if path.is_file())


def test_pictures_are_small():
    large = [path.name for path in IMAGES if path.stat().st_size > 200_000]
    assert large == []
    assert sum(path.stat().st_size for path in IMAGES) < 2_000_000


def test_every_picture_is_on_a_page():
    pages = [DOCS.parent / "README.md", *DOCS.glob("*.md"), *DOCS.glob("tasks/*.md")]
    shown = {
        (page.parent / target).resolve()
        for page in pages
        for target in re.findall(r"!\[[^]]*\]\(([^)\s]+)\)", page.read_text())
    }
    assert [path.name for path in IMAGES if path.resolve() not in shown] == []


def test_pictures_say_what_they_show():
    pages = [*DOCS.glob("*.md"), *DOCS.glob("tasks/*.md")]
    texts = [text for page in pages for text in re.findall(r"!\[([^]]*)\]\(", page.read_text())]
    assert len(texts) > 20
    assert [text for text in texts if len(text) < 20] == []


def test_a_svg_loads_nothing_from_elsewhere():
    drawings = [path.read_text() for path in IMAGES if path.suffix == ".svg"]
    assert drawings
    for text in drawings:
        addresses = set(re.findall(r"https?://[^\"')\s]+", text))
        assert addresses <= {"http://www.w3.org/2000/svg", "https://www.textualize.io"}
        assert "densefit" in text


@pytest.fixture
def terminal():
    """A terminal of the generator, which needs pyte."""
    pytest.importorskip("pyte")
    from docs.generator.terminal import Terminal

    return Terminal(columns=20, rows=5)


def test_a_line_that_is_replaced_is_seen_as_a_person_sees_it(terminal):
    terminal.type("train")
    terminal.feed(b"epoch 1\r\nupdate 3\r\x1b[2Kupdate 4\r\n\x1b[1A\x1b[2Kdone")
    assert terminal.screen().plain == "$ train\nepoch 1\ndone"


def test_colors_and_weights_are_those_of_the_program(terminal, tmp_path):
    terminal.feed(b"\x1b[1;32mbest\x1b[0m \x1b[33mwarn\x1b[0m \x1b[91mred\x1b[0m plain")
    spans = {text.plain[span.start : span.end]: span.style for text in (terminal.screen(),)
             for span in text.spans}  # fmt: skip
    assert (spans["best"].bold, spans["best"].color.name) == (True, "green")
    assert spans["warn"].color.name == "yellow"
    assert spans["red"].color.name == "bright_red"
    from docs.generator.terminal import write_svg

    write_svg(terminal.screen(), tmp_path / "a.svg", "a title", columns=20)
    text = (tmp_path / "a.svg").read_text()
    assert "font-face" not in text
    assert "a&#160;title" in text or "a title" in text


def test_a_command_runs_in_a_terminal_of_this_size(terminal, tmp_path):
    def has_usage(text):
        return "usage" in text

    terminal = type(terminal)(columns=90, rows=40)
    screen = terminal.run(["completion", "--help"], tmp_path, has_usage)
    assert "usage: densefit" in screen.plain
    with pytest.raises(RuntimeError, match="ended with 2"):
        terminal.run(["completion", "--no-such-option"], tmp_path)
