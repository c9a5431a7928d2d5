import inspect
from pathlib import Path

import numpy as np
import pytest

from densefit.config import parse, read
from densefit.errors import ConfigError
from densefit.tools.recipes.data.loaders import fitting, train_loader
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.parts import make_callbacks, make_guard, make_schedule
from densefit.tools.recipes.recipe import WITHOUT_MOMENTUM, Data, Recipe, Training
from densefit.tools.recipes.recipe_heads import make_network

FOLDER = Path(__file__).parents[3] / "configs"
CONFIGS = sorted(set(FOLDER.glob("*.yaml")) - set(FOLDER.glob("multi_*.yaml")))


@pytest.fixture
def shapes():
    return make_dataset(Data(settings={"length": 3, "size": [64, 48]}), "train")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_recipe_in_configs_can_be_made(path):
    recipe = read(Recipe, path)
    settings = {"length": recipe.training.batch_size, "keypoints": True}
    shapes = make_dataset(Data(settings=settings), "train")
    for settings in recipe.model.heads.values():  # made for other classes
        settings.pop("class_weights", None)
        settings.pop("classes", None)
    network = make_network(recipe, shapes)
    loader = train_loader(recipe, shapes, network.heads)
    assert len(loader) == 1
    assert make_schedule(recipe.training).resolve(100, 10)(0) >= 0
    assert fitting(recipe).output_size == tuple(recipe.input_size)


def test_without_a_crop_training_pictures_are_resized_too(shapes):
    recipe = Recipe(input_size=(32, 40))
    recipe.training.augment = [{"name": "random_flip"}]
    assert train_loader(recipe, shapes, []).input_size == (32, 40)
    recipe.training.augment = [{"name": "random_crop", "height": 16, "width": 24}]
    assert train_loader(recipe, shapes, []).input_size == (16, 24)


def test_what_a_recipe_lacks_is_told(shapes):
    with pytest.raises(ConfigError, match="--data.root"):
        make_dataset(Data(dataset="coco"), "train")
    with pytest.raises(ConfigError, match="letterbox or stretch"):
        fitting(Recipe(resize="squash"))


def test_samples_are_cached_as_told():
    data = Data(settings={"length": 3, "size": [64, 48]}, cache={"memory": "1MiB"})
    dataset = make_dataset(data, "train")
    first = dataset[0].image
    assert dataset.used > first.nbytes
    np.testing.assert_array_equal(dataset[0].image, first)
    data.cache = {"memry": "1MiB"}
    with pytest.raises(ConfigError, match=r"not the settings of a cache[\s\S]*data.cache"):
        make_dataset(data, "train")


def test_what_is_not_finite_is_guarded_as_told():
    assert make_guard(Training()).policy == "raise"
    assert make_guard(Training(nonfinite="skip")).policy == "skip"
    chosen = make_guard(Training(nonfinite={"policy": "rollback", "limit": 2, "factor": 0.3}))
    assert (chosen.policy, chosen.limit, chosen.factor) == ("rollback", 2, 0.3)
    for wrong in ({"polcy": "skip"}, {"policy": "wait"}, "never"):
        with pytest.raises(ConfigError, match="guard|policy"):
            make_guard(Training(nonfinite=wrong))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{optimizer: adam}", {"wd": 1e-4}),
        ("{optimizer: adamW}", {"wd": 1e-4}),
        ("{optimizer: nag}", {"momentum": 0.9, "wd": 1e-4}),
        ("{epochs: 3}", {"momentum": 0.9, "wd": 1e-4}),
        ("{optimizer: adam, optimizer_params: {momentum: 0.5}}", {"momentum": 0.5}),
    ],
)
def test_an_optimizer_gets_no_setting_that_it_lacks_and_nobody_wrote(tmp_path, text, expected):
    (tmp_path / "r.yaml").write_text(f"training: {text}")
    recipe, again = parse(Recipe, ["--config", str(tmp_path / "r.yaml")])
    assert recipe.training.optimizer_params == expected
    (tmp_path / "again.yaml").write_text(again)
    assert read(Recipe, tmp_path / "again.yaml") == recipe


def test_optimizers_without_momentum_are_those_of_mxnet(mx):
    import densefit.engine.mxnet  # noqa: F401  # registers adamw

    registry = mx.optimizer.Optimizer.opt_registry
    without = {
        name
        for name, kind in registry.items()
        # `mxnet.contrib` registers its own when a program imports it.
        if kind.__module__.startswith(("mxnet.optimizer.", "densefit."))
        and "momentum" not in inspect.signature(kind).parameters
    }
    assert without == WITHOUT_MOMENTUM


def test_one_setting_of_another_optimizer_on_the_command_line():
    given = ["--training.optimizer", "adam", "--training.optimizer_params.wd", "0"]
    assert parse(Recipe, given)[0].training.optimizer_params == {"wd": 0}


def test_input_size_is_stated_once(shapes):
    recipe = Recipe(input_size=(32, 40))
    recipe.training.augment = [
        {"name": "mosaic"},
        {"name": "random_scale_crop", "low": 0.75},
        {"name": "random_mask_crop", "height": 16, "width": 24},
        {"name": "random_scale_crop", "height": 16, "width": 24, "input_size": [20, 30]},
    ]
    mosaic, scaled, masked, own = train_loader(recipe, shapes, []).transform.steps
    assert mosaic.size == scaled.output_size == scaled.input_size == masked.input_size == (32, 40)
    assert scaled.low == 0.75
    assert masked.output_size == own.output_size == (16, 24)
    assert own.input_size == (20, 30)


def test_an_unknown_transform_is_told_by_the_registry(shapes):
    recipe = Recipe()
    recipe.training.augment = [{"name": "random_scale_crup"}]
    with pytest.raises(ConfigError, match="random_scale_crop"):
        train_loader(recipe, shapes, [])


def test_a_device_is_a_text_or_a_list():
    for words in ("cuda:0", "[cuda:0]"):
        assert parse(Recipe, ["--devices", words])[0].devices == ["cuda:0"]
    assert Recipe().devices == []


def test_a_callback_may_be_a_name_alone_and_has_a_path(tmp_path):
    recipe = parse(Recipe, ["--training.callbacks", "[csv, {name: jsonl, path: a.jsonl}, memory]"])[
        0
    ]
    assert recipe.training.callbacks == [
        {"name": "csv"},
        {"name": "jsonl", "path": "a.jsonl"},
        {"name": "memory"},
    ]
    made = make_callbacks(recipe.training, tmp_path)
    assert [made[0].path, made[1].path] == [tmp_path / "epochs.csv", tmp_path / "a.jsonl"]


def test_a_folder_of_a_callback_is_called_as_the_callback(tmp_path):
    pytest.importorskip("tensorboardX")
    recipe = parse(Recipe, ["--training.callbacks", "[tensorboard]"])[0]
    assert make_callbacks(recipe.training, tmp_path)[0].directory == tmp_path / "tensorboard"
