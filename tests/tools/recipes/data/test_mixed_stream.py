"""Several datasets as one stream. What is trained on it: see test_several.py."""

import pytest

from densefit.errors import ConfigError
from densefit.tools.recipes.data.mixed_stream import common_classes, labelled_for, mixture, stream
from densefit.tools.recipes.multi_recipe import MultiRecipe, Part, Shares
from densefit.tools.recipes.recipe import Model, Training

pytestmark = pytest.mark.usefixtures("partly")
HEADS = {
    "detection": {"strides": [8, 16], "channels": 8},
    "segmentation": {"decoder": "fcn", "channels": 8},
}


def recipe(heads=HEADS, only=(), **shares):
    return MultiRecipe(
        model=Model(settings={"width": 8}, heads=dict(heads)),
        training=Training(batch_size=4),
        datasets={
            "cells": Part("boxes", settings={"length": 6}),
            "streets": Part("masks", settings={"length": 10}),
        },
        mixture=Shares(**shares),
        only=list(only),
    )


def test_all_datasets_are_trained_on_unless_heads_are_chosen():
    made = stream(recipe())
    assert made.train is made.whole
    assert list(made.datasets) == ["cells", "streets"]
    own = {"segmentation": HEADS["segmentation"]}
    assert list(stream(recipe(own)).datasets) == ["cells", "streets"]
    alone = stream(recipe(own, only=["segmentation"]))
    assert list(alone.datasets) == list(alone.train.parts) == ["streets"]
    assert list(alone.whole.parts) == ["cells", "streets"]


def test_a_part_keeps_the_numbers_and_the_shares_of_the_whole():
    rename = {"streets": {"circle": "disc"}}
    chosen = {"ratio": {"cells": 1, "streets": 3}, "length": 16, "rename": rename}
    own = {"segmentation": HEADS["segmentation"]}
    alone = stream(recipe(own, only=["segmentation"], **chosen))
    assert alone.train.mask_classes == ["background", "disc", "square", "triangle"]
    assert len(alone.train.order(True, 4).indices(0, 0)) == 12


def test_the_common_names_are_those_of_each_target():
    whole = mixture(recipe(), stream(recipe()).datasets)
    shapes = ["circle", "square", "triangle"]
    assert common_classes(whole) == {"classes": shapes, "mask": ["background", *shapes]}


def test_heads_that_do_not_say_what_they_read_want_all():
    class Silent:
        targets = ()

    class Boxes:
        targets = ("boxes", "classes")

    datasets = stream(recipe()).datasets
    assert labelled_for([Boxes()], datasets, {}) == ["cells"]
    assert labelled_for([Silent()], datasets, {}) == ["cells", "streets"]
    renamed = {"cells": {"boxes": "frames"}, "streets": {"mask": "classes"}}
    assert labelled_for([Boxes()], datasets, renamed) == ["cells", "streets"]  # nobody has both


def test_a_head_alone_is_trained_on_who_has_its_target_under_the_new_name():
    heads = {
        "out": {"task": "segmentation", "decoder": "fcn", "channels": 8},
        "in": {"task": "segmentation", "target": "room_mask", "decoder": "fcn", "channels": 8},
    }
    targets = {"rooms": {"mask": "room_mask"}}
    for only, kept in ((["out"], ["streets"]), (["in"], ["rooms"])):
        own = {only[0]: heads[only[0]]}
        chosen = recipe(own, only=only, targets=targets, rename={"rooms": {"circle": "lamp"}})
        chosen.datasets = {"rooms": Part("masks"), "streets": Part("masks")}
        made = stream(chosen)
        assert list(made.datasets) == kept
        second = "lamp" if kept == ["rooms"] else "circle"
        assert made.heads[0].classes == ["background", second, "square", "triangle"]


def test_no_heads_are_needed_but_to_choose_some():
    assert stream(recipe({})).heads == []


def test_unknown_names_are_told():
    for setting in ("rename", "targets"):
        with pytest.raises(ConfigError, match="did you mean 'streets'") as error:
            stream(recipe(**{setting: {"street": {}}}))
        assert f"mixture.{setting}" in str(error.value)
    with pytest.raises(ConfigError, match="did you mean 'mask'"):
        stream(recipe(classes={"masc": ["background"]}))


def test_a_head_s_target_that_is_misspelt_is_told():
    heads = {"rooms": {"task": "segmentation", "target": "room_masc", "decoder": "fcn"}}
    targets = {"cells": {"mask": "room_mask"}}
    chosen = recipe(heads, targets=targets)
    chosen.datasets["cells"] = Part("masks")
    with pytest.raises(ConfigError, match="did you mean 'room_mask'") as error:
        stream(chosen)
    assert "model.heads.rooms" in str(error.value)
