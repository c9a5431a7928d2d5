"""A recipe states a size as the command line does."""

from dataclasses import dataclass, field

import pytest

from densefit.config import parse
from densefit.errors import ConfigError
from densefit.yaml_files.sizes import SIZE


@dataclass
class Settings:
    """Settings.

    Args:
        size: height and width.
        pair: two numbers that are no size.
    """

    size: tuple[int, int] = field(default=(1, 2), metadata=SIZE)
    pair: tuple[int, int] = (3, 4)


def read(tmp_path, text):
    (tmp_path / "a.yaml").write_text(text)
    return parse(Settings, ["--config", str(tmp_path / "a.yaml")])[0]


@pytest.mark.parametrize(
    ("text", "size"), [("128", (128, 128)), ("128x96", (128, 96)), ("[8, 9]", (8, 9))]
)
def test_sizes(tmp_path, text, size):
    assert tuple(read(tmp_path, f"size: {text}").size) == size


@pytest.mark.parametrize("text", ["size: true", "size: large", "pair: 5"])
def test_other_values_are_refused(tmp_path, text):
    with pytest.raises(ConfigError):
        read(tmp_path, text)
