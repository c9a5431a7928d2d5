"""The loader of validation losses: as in training, without augmentation."""

import pytest

from densefit.errors import ConfigError
from densefit.tools.recipes.data.loaders import losses_loader
from densefit.tools.recipes.data.run_data import prepare
from densefit.tools.recipes.recipe import Data, Model, Recipe, Training

FLIP = [{"name": "random_flip", "p": 1.0}]


def made(**training):
    return Recipe(
        data=Data(settings={"length": 6, "size": (32, 32)}, workers=0),
        model=Model(settings={"width": 8}, heads={"kind": {"task": "classification"}}),
        training=Training(batch_size=4, augment=FLIP, **training),
        input_size=(32, 32),
    )


def test_it_has_labels_all_samples_and_no_augmentation():
    recipe = made(validation_losses=True)
    prepared = prepare(recipe)
    loader = losses_loader(recipe, prepared.validation, prepared.network.heads)
    with loader, prepared.validation as scored:
        batches, plain = list(loader), list(scored)
    assert [len(batch.ids) for batch in batches] == [4, 2]
    assert batches[0].labels
    for name, array in plain[0].data.items():
        assert (batches[0].data[name][0] == array[0]).all()


def test_it_is_an_option_of_one_dataset():
    assert losses_loader(made(), None, []) is None
    for validation, said in ((None, "none"), ({"a": 1, "b": 2}, "2 datasets")):
        with pytest.raises(ConfigError, match=said):
            losses_loader(made(validation_losses=True), validation, [])
