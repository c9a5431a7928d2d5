"""What pyproject.toml says by hand about the tree."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "pyproject.toml").read_text()


def test_every_package_is_installed():
    listed = re.search(r"^packages = \[(.*?)\]", TEXT, re.MULTILINE | re.DOTALL).group(1)
    expected = set()
    for folder, prefix in (
        ("densefit", "densefit"),
        ("tasks", "densefit.tasks"),
        ("datasets", "densefit.datasets"),
        ("tools", "densefit.tools"),
    ):
        for path in (ROOT / folder).rglob("__init__.py"):
            below = path.parent.relative_to(ROOT / folder).parts
            expected.add(".".join((prefix, *below)))
    assert set(re.findall(r'"([\w.]+)"', listed)) == expected


def test_the_version_is_said_once_in_two_places():
    own = re.search(r'^__version__ = "(.*)"', (ROOT / "densefit/__init__.py").read_text(), re.M)
    assert f'version = "{own.group(1)}"' in TEXT
