"""Plain words stand for dotted settings."""

from dataclasses import dataclass, field

import pytest

from densefit.config import parse
from densefit.errors import ConfigError
from densefit.tools.recipes.checkpoint_settings import CheckpointSettings
from densefit.tools.recipes.recipe import Recipe
from densefit.tools.recipes.words.plain_words import with_dotted


@dataclass
class OwnEpochs(Recipe):
    epochs: int = field(default=3)


def read(*words):
    return parse(Recipe, with_dotted(words, Recipe))[0]


def test_each_word_sets_its_setting():
    recipe = read(
        *("--lr", "0.5", "--epochs", "3", "--batch-size=4", "--image-size", "96x64"),
        *("--device", "cuda:0", "--engine", "torch", "--seed", "7", "--workers", "2"),
        *("--freeze", "a_*", "--freeze", "b[0-2]_*", "--out", "runs/x", "--data", "photographs"),
        *("--weights", "w.pth", "--backbone", "resnet34", "--resume"),
    )
    training = recipe.training
    assert (training.schedule["lr"], training.schedule["name"]) == (0.5, "cosine")
    assert (training.epochs, training.batch_size) == (3, 4)
    assert training.freeze == ["a_*", "b[0-2]_*"]
    assert tuple(recipe.input_size) == (96, 64)
    assert (recipe.devices, recipe.engine, recipe.seed) == (["cuda:0"], "torch", 7)
    assert (recipe.data.workers, recipe.data.root) == (2, "photographs")
    assert (recipe.model.weights, recipe.model.backbone) == ("w.pth", "resnet34")
    assert (recipe.out, recipe.resume) == ("runs/x", "auto")


@pytest.mark.parametrize("text", ["128", "128,128", "128x128", "[128, 128]"])
@pytest.mark.parametrize("option", ["--input_size", "--image-size"])
def test_a_size_may_be_one_number(option, text):
    assert tuple(read(option, text).input_size) == (128, 128)


def test_height_comes_first():
    assert tuple(read("--input_size", "128,96").input_size) == (128, 96)


def test_a_programs_own_setting_comes_before_a_plain_word():
    assert with_dotted(["--epochs", "5"], OwnEpochs) == ["--epochs", "5"]
    assert with_dotted(["--batch_size", "5"], CheckpointSettings)[0] == "--score_batch_size"


@pytest.mark.parametrize(
    "words",
    [
        ["--epochs", "5", "--training.epochs", "6"],
        ["--training.epochs=6", "--epochs=5"],
        ["--image-size", "128", "--input_size", "128,96"],
        ["--device", "cpu", "--devices", "cuda:0"],
    ],
)
def test_two_names_with_two_values_are_an_error(words):
    with pytest.raises(ConfigError, match="are the same setting, with two values"):
        read(*words)


@pytest.mark.parametrize(
    "words",
    [
        ["--epochs", "5", "--training.epochs", "5"],
        ["--lr", "1e-3", "--training.schedule.lr", "0.001"],
        ["--image-size", "128", "--input_size", "[128, 128]"],
        ["--epochs", "4", "--epochs", "5"],  # the last one counts
    ],
)
def test_two_names_with_one_value_are_none(words):
    read(*words)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("--imgsz", "--image-size"),
        ("--batch", "--batch-size"),
        ("--learning-rate", "--lr"),
        ("--epoch", "--epochs"),
        ("--gpu", "--device"),
        ("--num-workers", "--workers"),
        ("--pretrained", "--weights"),
        ("--output-dir", "--out"),
        ("--sed", "--seed"),
        ("--inputsize", "--input-size"),
    ],
)
def test_an_unknown_option_has_a_near_one(word, meant):
    with pytest.raises(ConfigError) as caught:
        read(word, "3")
    assert caught.value.what == f"There is no option {word}"
    assert caught.value.fix == f"did you mean {meant}?"


def test_what_is_near_nothing_is_told_without_a_guess():
    with pytest.raises(ConfigError) as caught:
        read("--qwxyz", "3")
    assert caught.value.fix == "--help lists the options"


def test_settings_of_data_and_flags_stay():
    words = ["--data", "{root: x}", "--print_config", "--data.root", "y"]
    assert with_dotted(words, Recipe) == words
