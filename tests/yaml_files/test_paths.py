from dataclasses import dataclass

import pytest

from densefit.config import parse
from densefit.errors import ConfigError
from densefit.yaml_files.paths import files_field


@dataclass
class Plan:
    """A plan.

    Args:
        plugins: Python files.
        epochs: a number.
    """

    plugins: list[str] = files_field()
    epochs: int = 1


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    path = tmp_path / "deep" / "r.yaml"
    path.write_text("plugins: [a.py, ../b.py, /c.py]\n")
    monkeypatch.chdir(tmp_path)
    return path


def plugins(*arguments):
    return parse(Plan, [str(argument) for argument in arguments])[0].plugins


def test_files_in_a_recipe_are_relative_to_it(recipe, tmp_path):
    assert plugins("--config", "deep/r.yaml") == ["deep/a.py", "b.py", "/c.py"]
    expected = [f"{tmp_path}/deep/a.py", f"{tmp_path}/b.py", "/c.py"]
    assert plugins("--config", recipe) == expected
    assert plugins("--config", "{plugins: [a.py]}") == ["a.py"]


def test_a_flag_is_a_file_or_a_list_and_may_be_repeated(recipe):
    assert plugins("--plugins", "a.py") == plugins("--plugins=a.py") == ["a.py"]
    assert plugins("--plugins", "a b.py", "--epochs", 2, "--plugins=c: d.py") == [
        "a b.py",
        "c: d.py",
    ]
    assert plugins("--plugins", "[a.py, b.py]", "--plugins", "c.py") == ["a.py", "b.py", "c.py"]


def test_later_settings_win(recipe):
    assert plugins("--config", "deep/r.yaml", "--plugins", "x.py") == ["x.py"]
    assert plugins("--plugins", "x.py", "--config", "deep/r.yaml")[0] == "deep/a.py"


def test_what_is_no_list_of_files_is_refused(recipe):
    with pytest.raises(ConfigError, match="--plugins names no file"):
        plugins("--plugins")
    with pytest.raises(ConfigError, match="--plugins names no file"):
        plugins("--plugins", "--epochs", 2)
    with pytest.raises(ConfigError, match="no text"):
        plugins("--plugins", "[1]")
    recipe.write_text("plugins: a.py\n")
    with pytest.raises(ConfigError, match="line 1"):
        plugins("--config", recipe)
    recipe.write_text("plugins:\n- 1\n")
    with pytest.raises(ConfigError, match=r"plugins.0 is no text[\s\S]*r.yaml, line 1"):
        plugins("--config", recipe)
