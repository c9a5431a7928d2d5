import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from densefit.config import parse, read
from densefit.errors import ConfigError
from densefit.yaml_files import recipe


@dataclass
class Data:
    """Where from.

    Args:
        root: a folder.
        settings: more.
    """

    root: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass
class Plan:
    """What to do.

    Args:
        data: the samples.
        parts: more of them.
        seed: of everything.
        rate: a number.
        fast: a switch.
        names: texts.
        size: height and width.
    """

    data: Data = field(default_factory=Data)
    parts: dict[str, Data] = field(default_factory=dict)
    seed: int = 0
    rate: float | None = None
    fast: bool = False
    names: list[str] = field(default_factory=list)
    size: tuple[int, int] = (2, 3)


@pytest.fixture
def told(tmp_path):
    """The error of a recipe."""

    def of(text):
        (tmp_path / "r.yaml").write_text(text)
        with pytest.raises(ConfigError) as error:
            read(Plan, tmp_path / "r.yaml")
        return error.value

    return of


@pytest.fixture
def plan(tmp_path):
    """The settings of a recipe with arguments behind it."""

    def of(text, *arguments, **settings):
        (tmp_path / "r.yaml").write_text(text)
        return parse(Plan, ["--config", str(tmp_path / "r.yaml"), *arguments], **settings)[0]

    return of


def test_no_other_file_is_read_or_shown(tmp_path, told):
    secret = tmp_path / "secret"
    secret.write_text("root:x:0:0\n")
    for text in ("seed: 1\nconfig: {}", "seed: 1\ndata: {}", "seed: 1\ndata: {{settings: {}}}"):
        error = told(text.format(secret))
        assert "root:x" not in str(error)
        assert str(error.where).endswith("r.yaml, line 2")


def test_nothing_expands_without_end(told):
    names = "bcdefghi"
    text = "data:\n  settings:\n    a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"    {name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("a" + names, names)
    )
    begun = time.process_time()
    assert "200000 values" in str(told(text))
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("seed: 1\nseed: 2", 2, "given twice"),
        ("data: {root: a}\ndata.root: b", 2, "given twice"),
        ("names: []\nseed: 1:30", 2, "'1:30'"),
        ("names: []\nrate: 1:30", 2, "'1:30'"),
        ("names: []\nsize: [1:30, 2]", 2, "'1:30'"),
        ('names: []\nfast: "yes"', 2, "true"),
        ("names: []\nfast: yes", 2, "true"),
        ("names: []\nseed: null", 2, "no value"),
        ("names: []\nseed: many", 2, "'many'"),
        ("names: []\nseed: 1.5", 2, "a whole number"),
        ("names: []\ndata:\n  rot: x", 3, "rot"),
        ("names: []\n1: 2", 2, "text"),
        ("names: []\nprint_config: 2", 2, "command line"),
        ("names: []\ndata: []", 2, "settings of its own"),
    ],
)
def test_what_does_not_fit_is_told_with_file_and_line(told, text, line, said):
    error = told(text)
    assert said in str(error)
    assert str(error.where).endswith(f"r.yaml, line {line}")


@pytest.mark.parametrize("text", ["hello", "- a", "3", "# nothing"])
def test_a_recipe_has_settings(told, text):
    assert "has settings" in str(told(text))


@pytest.mark.parametrize(
    "text", ["5", "null", "1e3", "[1]", "{a: 1}", "true", "~", "a: b", "no", ""]
)
def test_a_text_in_quotes_stays_one(plan, text):
    found = plan(f'data: {{settings: {{a: "{text}", b: ["{text}"]}}}}\nnames: ["{text}"]\n')
    assert found.data.settings == {"a": text, "b": [text]}
    assert found.names == [text]
    found = plan(f'parts: {{x: {{settings: {{a: "{text}"}}}}}}')
    assert found.parts["x"].settings == {"a": text}


def test_later_settings_win_over_texts_in_quotes(plan, tmp_path):
    text = 'data: {settings: {a: "5", b: 1}}'
    assert plan(text, "--data.settings.a", "5").data.settings == {"a": 5, "b": 1}
    (tmp_path / "two.yaml").write_text("data: {settings: {a: 6}}")
    assert plan(text, "--config", str(tmp_path / "two.yaml")).data.settings["a"] == 6


def test_a_text_among_the_defaults_stays_one():
    defaults = {"data.settings": {"a": "5", "b": {"c": "no"}}}
    assert parse(Plan, [], defaults=defaults)[0].data.settings == {"a": "5", "b": {"c": "no"}}


@pytest.mark.parametrize(
    "argument", ["--seed=1:30", "--fast=yes", "--data.settings.a=off", "--data.settings.a.b=017"]
)
def test_the_command_line_is_read_in_the_same_way(argument):
    with pytest.raises(ConfigError, match="1:30|true|false|decimal"):
        parse(Plan, [argument])


def test_texts_on_the_command_line_need_no_quotes():
    found, text = parse(Plan, ["--data.root", "no", "--names", "[a, b]", "--rate", "1e-3"])
    assert (found.data.root, found.names, found.rate) == ("no", ["a", "b"], 0.001)
    assert "root: 'no'" in text


def test_a_recipe_on_the_command_line_itself():
    assert parse(Plan, ["--config", '{seed: 3, data: {root: "1"}}'])[0].data.root == "1"


def test_the_recipe_as_text_says_the_same(plan, tmp_path):
    text = 'data: {settings: {a: "0o17", b: "1e3", c: 1e-7, d: "yes", 5: .inf}}\nnames: ["1:30"]\n'
    (tmp_path / "first.yaml").write_text(text)
    found, again = parse(Plan, ["--config", str(tmp_path / "first.yaml")])
    assert plan(again) == found


@dataclass
class Names:
    """What is called how.

    Args:
        rename: a name -> another.
        deep: the same of parts.
        free: anything.
        root: a folder.
    """

    rename: dict[str, str | None] = field(default_factory=dict)
    deep: dict[str, dict[str, str]] = field(default_factory=dict)
    free: dict[str, Any] = field(default_factory=dict)
    root: str | None = None


@pytest.fixture(params=["command line", "recipe"])
def names_of(request, tmp_path):
    def names_of(key, value):
        if request.param == "command line":
            return parse(Names, [f"--{key}", value])[0]
        (tmp_path / "names.yaml").write_text(f"{key}: {value}\n")
        return read(Names, tmp_path / "names.yaml")

    return names_of


@pytest.mark.parametrize(
    ("key", "value", "what", "fix"),
    [
        ("rename", "{a: 3}", "The value of rename.a is no text", '"3", with quotes'),
        ("rename", "{a: true}", "The value of rename.a is no text", '"true", with quotes'),
        ("rename", "{a: [b]}", "The value of rename.a is no text", None),
        ("rename", "{3: a}", "The name 3 in rename is no text", '"3", with quotes'),
        ("deep", "{a: {b: 3}}", "The value of deep.a.b is no text", '"3", with quotes'),
        ("deep", "{a: {3: b}}", "The name 3 in deep.a is no text", '"3", with quotes'),
        ("rename", "{a: no}", "The word no is a switch", 'false; or "no", with quotes, for the'),
        ("rename", "{no: a}", "The word no is a switch", 'false; or "no", with quotes, for the'),
    ],
)
def test_a_name_that_is_no_text(names_of, key, value, what, fix):
    """On the command line the parser made {"a": "{a: 3}"} of the first."""
    with pytest.raises(ConfigError, match=what) as caught:
        names_of(key, value)
    assert caught.value.fix == fix or caught.value.fix.startswith(fix)


def test_names_that_are_texts(names_of):
    assert names_of("rename", '{"3": "no", a: null, b: c}').rename == {
        "3": "no",
        "a": None,
        "b": "c",
    }
    assert names_of("free", '{a: "3", b: 3, 4: x}').free == {"a": "3", "b": 3, 4: "x"}


def test_texts_of_the_command_line_keep_to_their_quotes():
    names, _ = parse(Names, ["--free", '{a: "3", b: "4"}', "--free.b", "5", "--free.c", '"6"'])
    assert names.free == {"a": "3", "b": 5, "c": "6"}
    assert parse(Names, ["--root", "3"])[0].root == "3"


def test_an_installed_recipe_is_read_by_its_name(tmp_path, monkeypatch):
    installed, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    installed.mkdir()
    elsewhere.mkdir()
    (installed / "plan.yaml").write_text("seed: 5\n")
    monkeypatch.setattr(recipe, "CONFIGS", installed)
    monkeypatch.chdir(elsewhere)
    for name in ("plan", "plan.yaml", "configs/plan.yaml"):
        assert parse(Plan, ["--config", name])[0].seed == 5
    for name in ("plans", "other/plan.yaml", str(elsewhere / "plan.yaml")):
        with pytest.raises(ConfigError, match="no such recipe"):
            parse(Plan, ["--config", name])
    with pytest.raises(ConfigError, match="--config plan"):
        parse(Plan, ["--config", "plans"])
    (elsewhere / "plan.yaml").write_text("seed: 6\n")
    assert parse(Plan, ["--config", "plan.yaml"])[0].seed == 6


def test_recipes_are_installed():
    assert (recipe.CONFIGS / "ssd_resnet18_shapes.yaml").is_file()
