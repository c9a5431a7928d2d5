from typing import Any

import pytest

from densefit.config import parse
from densefit.errors import ConfigError
from densefit.tools.recipes.recipe import Recipe
from densefit.yaml_files.messages import kind_text


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (int, "a whole number"),
        (float | None, "a number or null"),
        (str | list[str], "a text or a list, [a, b]"),
        (dict[str, Any], "settings, {name: value}"),
        (tuple[int, int], "two whole numbers, [height, width]"),
        (tuple[float, ...], "a list, [a, b]"),
        (bool, "true or false"),
    ],
)
def test_types_have_plain_names(hint, text):
    assert kind_text(hint) == text


@pytest.mark.parametrize(
    ("words", "what", "expected"),
    [
        (["--training.epochs", "1.5"], "The value of training.epochs", "a whole number"),
        (["--training.epochs", "abc"], "The value of training.epochs", "a whole number"),
        (["--data.workers", "x"], "The value of data.workers", "a whole number or null"),
        (["--input_size", "[1, 2, 3]"], "The value of input_size", "two whole numbers"),
        (["--training.schedule", "cosine"], "The value of training.schedule", "settings"),
        (["--training.epochs"], "--training.epochs has no value", "a whole number"),
        (["--trainig.epochs", "3"], "There is no option --trainig.epochs", None),
        (["flower"], "The word 'flower' belongs to no option", None),
        (["--data", "{rot: 1}"], "There is no setting 'rot' in data", None),
        (["--config"], "--config names no recipe", None),
    ],
)
def test_errors_have_no_words_of_python(words, what, expected):
    with pytest.raises(ConfigError) as caught:
        parse(Recipe, words)
    text = str(caught.value)
    assert caught.value.what.startswith(what)
    assert expected is None or str(caught.value.expected).startswith(expected)
    for word in ("<class", "Parser key", "unrecognized", "NoneType", "Optional", "argument --"):
        assert word not in text


def test_a_missing_blank_is_explained():
    with pytest.raises(ConfigError, match="A blank is missing behind a colon") as caught:
        parse(Recipe, ["--model.settings", "{width:16}"])
    assert caught.value.fix == "width: 16"


def test_one_setting_of_a_list_in_a_recipe_is_overridden():
    recipe = "{training: {augment: [{name: random_crop, height: 32, width: 32}, {name: b}]}}"
    words = ["--config", recipe, "--training.augment.0.height", "128"]
    settings, _ = parse(Recipe, words)
    assert settings.training.augment == [
        {"name": "random_crop", "height": 128, "width": 32},
        {"name": "b"},
    ]
    settings, _ = parse(Recipe, [*words, "--training.augment.1", "{name: c}"])
    assert settings.training.augment[1] == {"name": "c"}


def test_an_item_that_is_not_there_is_told():
    with pytest.raises(ConfigError, match="has no item 2") as caught:
        parse(Recipe, ["--training.augment", "[{name: a}]", "--training.augment.2.height", "1"])
    assert caught.value.expected == "0 to 0"
