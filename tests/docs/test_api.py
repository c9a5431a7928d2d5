"""The page of Python names has them all."""

import re
from pathlib import Path

import densefit

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


def test_every_public_name_is_on_the_page():
    listed = re.findall(r"^\.\. auto\w+:: densefit\.(\w+)$", PAGE, re.M)
    assert sorted(listed) == sorted(densefit.__all__)
