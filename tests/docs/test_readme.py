"""README is short, its code runs, and no page links to what is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [
    README,
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "tasks").glob("*.md")),
]


def test_the_five_lines_train(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    assert "length=64" in code
    narrow = code.replace("length=64", "length=16, size=[64, 64]")
    narrow = narrow.replace('"resnet18", [', '"resnet18", settings={"width": 8}, heads=[')
    assert "width" in narrow
    found: dict = {}
    exec(compile(narrow, str(README), "exec"), found)
    assert found["history"].update == 4
    assert "detection/AP" in found["history"].last_validation


def test_readme_is_short():
    assert len(README.read_text().splitlines()) < 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_images_within_the_repository_exist(page):
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    files = {target.split("#")[0] for target in targets if "://" not in target}
    missing = [target for target in files if not (page.parent / target).exists()]
    assert missing == []
