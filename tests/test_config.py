from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from densefit.config import _hint, flat, parse, read
from densefit.errors import ConfigError


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
        files: what to read.
        data: the samples.
        epochs: how long.
        size: height and width.
    """

    files: list[str] = field(default_factory=list)
    data: Data = field(default_factory=Data)
    epochs: int = 10
    size: tuple[int, int] = (2, 3)


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text("epochs: 5\ndata:\n  root: here\n  settings: {length: 3, deep: {er: 1}}\n")
    return path


def test_what_is_not_given_has_its_default():
    plan, text = parse(Plan, [])
    assert plan == Plan()
    assert yaml.safe_load(text)["size"] == [2, 3]


def test_later_wins_key_by_key(recipe):
    plan, _ = parse(Plan, ["--config", str(recipe), "--data.root", "there", "--size", "[4, 5]"])
    assert plan == Plan([], Data("there", {"length": 3, "deep": {"er": 1}}), 5, (4, 5))
    plan, _ = parse(Plan, ["--epochs", "7", "--config", str(recipe)])
    assert plan.epochs == 5


def test_one_key_of_a_dict_can_be_overridden(recipe):
    plan, _ = parse(Plan, ["--config", str(recipe), "--data.settings.length", "4"])
    assert plan.data.settings == {"length": 4, "deep": {"er": 1}}


@pytest.mark.parametrize("form", [["--data.settings.deep.er", "7"], ["--data.settings.deep.er=7"]])
def test_a_key_deep_in_a_dict_leaves_its_neighbours(recipe, form):
    recipe.write_text("data:\n  settings: {length: 3, deep: {er: 1, others: [a], two: {x: 0}}}\n")
    plan, text = parse(Plan, ["--config", str(recipe), *form, "--data.settings.deep.two.x", "[1]"])
    expected = {"length": 3, "deep": {"er": 7, "others": ["a"], "two": {"x": [1]}}}
    assert plan.data.settings == expected
    assert yaml.safe_load(text)["data"]["settings"] == expected


@dataclass
class Several:
    """More than one.

    Args:
        parts: by name.
        names: of what, by name.
    """

    parts: dict[str, Data] = field(default_factory=dict)
    names: dict[str, dict[str, str | None]] = field(default_factory=dict)


def test_dicts_of_dataclasses_are_checked_as_these(tmp_path):
    path = tmp_path / "several.yaml"
    path.write_text("parts:\n  a: {root: here, settings: {length: 3}}\n")
    several, _ = parse(Several, ["--config", str(path), "--parts.a.root", "there"])
    assert several.parts["a"] == Data("there", {"length": 3})
    with pytest.raises(ConfigError):
        parse(Several, ["--config", str(path), "--parts.a.rot", "there"])


def test_a_key_deep_in_a_dataclass_of_a_dict_leaves_its_neighbours(tmp_path):
    path = tmp_path / "several.yaml"
    path.write_text("parts:\n  a: {root: here, settings: {length: 3}}\n  b: {root: there}\n")

    def given(*arguments):
        return parse(Several, ["--config", str(path), *arguments])

    several, text = given("--parts.a.settings.of.x", "[1]", "--parts.b.settings.y=2")
    assert several.parts["a"] == Data("here", {"length": 3, "of": {"x": [1]}})
    assert several.parts["b"] == Data("there", {"y": 2})
    path.write_text(text)
    assert parse(Several, ["--config", str(path)])[0] == several
    several, _ = given("--parts.c.settings.y", "2", "--parts.c.root", "new")
    assert several.parts["c"] == Data("new", {"y": 2})
    with pytest.raises(ConfigError, match=r"parts\.a\.setings\n.*'parts\.a\.settings'"):
        given("--parts.a.setings.y", "2")
    with pytest.raises(ConfigError, match=r"no parts\.aa [\s\S]*'parts\.a'"):
        given("--parts.aa.settings.y", "2")


def test_a_deep_value_of_another_type_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"does not fit[\s\S]*--names.a.b \[1\]"):
        parse(Several, ["--names.a.b", "[1]"])


def test_the_result_is_shown_with_deep_keys_too(recipe, capsys):
    with pytest.raises(SystemExit):
        parse(Plan, ["--config", str(recipe), "--data.settings.deep.er", "7", "--print_config"])
    assert yaml.safe_load(capsys.readouterr().out)["data"]["settings"]["deep"] == {"er": 7}


def test_a_deep_key_may_be_new(recipe):
    plan, _ = parse(Plan, ["--config", str(recipe), "--data.settings.new.kind.of", "x"])
    assert plan.data.settings["new"] == {"kind": {"of": "x"}}
    assert plan.data.settings["deep"] == {"er": 1}


def test_a_deep_value_that_is_no_yaml_is_told(recipe):
    with pytest.raises(ConfigError, match=r"data.settings.deep.er is not clear: This is not YAML"):
        parse(Plan, ["--config", str(recipe), "--data.settings.deep.er", "[1"])


def test_a_key_inside_of_what_has_none_is_told(recipe):
    with pytest.raises(ConfigError, match=r"'data.settings.length' has no keys"):
        parse(Plan, ["--config", str(recipe), "--data.settings.length.of", "x"])


def test_the_text_gives_the_same_settings_again(recipe, tmp_path):
    plan, text = parse(Plan, ["--config", str(recipe), "--epochs", "6"])
    (tmp_path / "again.yaml").write_text(text)
    assert read(Plan, tmp_path / "again.yaml") == plan


def test_defaults_of_the_caller_come_before_everything_given(recipe):
    defaults = {"epochs": 1, "size": [8, 9], "data.root": "from elsewhere"}
    assert parse(Plan, [], defaults=defaults)[0] == Plan([], Data("from elsewhere"), 1, (8, 9))
    plan, _ = parse(Plan, ["--config", str(recipe), "--epochs", "2"], defaults=defaults)
    assert (plan.epochs, plan.data.root, plan.size) == (2, "here", (8, 9))


def test_what_is_parsed_once_does_not_show_in_what_is_parsed_next(recipe):
    """The parser of a dataclass is made once."""
    expected = parse(Plan, [])
    for arguments, defaults in (
        (["--config", str(recipe)], None),
        (["--data.settings.length.of", "x"], {"data.settings": {"length": {}}, "epochs": 4}),
        ([], {"data.settings": {"deep": [1]}, "files": ["a"], "size": [8, 9]}),
        (["--data.settings.new", "1", "--epochs", "2", "--print_configs"], {"epochs": 4}),
        ([], {"no_such_key": 1}),
    ):
        try:
            changed, _ = parse(Plan, arguments, defaults=defaults)
        except ConfigError:
            continue
        assert changed != expected[0]
    mutated, _ = parse(Plan, [])
    mutated.files.append("b")
    mutated.data.settings["new"] = 1
    assert parse(Plan, []) == expected
    assert parse(Plan, [], description="another", positional="files") == expected


def test_a_field_can_be_given_without_its_key():
    plan, _ = parse(Plan, ["a", "b", "--epochs", "2"], positional="files")
    assert (plan.files, plan.epochs) == (["a", "b"], 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--epoch", "3"], "did you mean 'epochs'?"),  # no abbreviation
        (["--data.rooot", "x"], "did you mean 'data.root'?"),
        (["--rot", "x"], "did you mean 'data.root'?"),
        (["--root", "x"], "did you mean 'data.root'?"),
        (["--epochs", "many"], "epochs"),
        (["--size", "[1, 2, 3]"], "size"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
        (["--qwertyuiop", "1"], "--help"),
    ],
)
def test_what_does_not_fit_is_told(arguments, said):
    with pytest.raises(ConfigError, match=said.replace("?", r"\?")):
        parse(Plan, arguments)


def test_a_wrong_key_of_a_file_is_told(tmp_path):
    (tmp_path / "plan.yaml").write_text("data: {rot: x}")
    with pytest.raises(ConfigError, match="did you mean 'data.root'"):
        read(Plan, tmp_path / "plan.yaml")
    with pytest.raises(ConfigError, match="no such recipe"):
        read(Plan, tmp_path / "other.yaml")


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (["--epochs", "1e1"], "--epochs, in place of {}, line 1"),
        (["--epochs=many"], "--epochs"),
        (["--size", "3"], "--size"),
        (["--data.settings", "3"], "--data.settings, in place of {}, line 4"),
        (["--epochs"], "--epochs, in place of {}, line 1"),
        (["--epoch", "3"], "the command line"),
    ],
)
def test_an_error_of_the_command_line_is_not_said_to_be_in_the_recipe(recipe, arguments, where):
    with pytest.raises(ConfigError) as caught:
        parse(Plan, ["--config", str(recipe), *arguments])
    assert caught.value.where == where.format(recipe)


def test_flat_opens_one_level():
    nested = {"data": {"root": "x", "settings": {"length": 1}}, "epochs": 2}
    assert flat(nested) == {"data.root": "x", "data.settings": {"length": 1}, "epochs": 2}


def test_a_key_without_its_group_comes_before_one_of_like_spelling():
    hint = _hint(
        "unrecognized arguments: --batch_size 7", ["score_batch_size", "training.batch_size"]
    )
    assert hint == "did you mean 'training.batch_size'?"
