"""Several datasets in one training: shares, classes, transforms, and tasks alone."""

import numpy as np
import pytest

import densefit as df
from densefit.datasets import Shapes
from densefit.errors import ConfigError, DensefitError
from densefit.tools.recipes.data.multi_dataset import (
    prepare_datasets,
    selected,
    training_side,
    updates_per_epoch,
)
from densefit.tools.recipes.multi_recipe import MultiRecipe, Part, Shares
from densefit.tools.recipes.recipe import Data, Model, Training

pytestmark = pytest.mark.usefixtures("partly")
HEADS = {
    "detection": {"strides": [8, 16], "channels": 8},
    "segmentation": {"decoder": "fcn", "channels": 8},
}
FACES = {"length": 6, "size": [48, 64], "keypoints": True}
CROP = {"name": "random_crop", "height": 32, "width": 32}


def recipe(heads=HEADS, only=(), **settings):
    made = {
        "cells": Part("boxes", settings={"length": 6}),
        "streets": Part("masks", settings={"length": 10}),
    }
    chosen = {"mixture": Shares(), "datasets": made, "input_size": (48, 64), **settings}
    training = chosen.pop("training", Training(batch_size=4))
    model = Model(settings={"width": 8}, heads=dict(heads))
    return MultiRecipe(model=model, training=training, only=list(only), **chosen)


def ids(prepared, epoch=0):
    prepared.train.set_epoch(epoch)
    return [key for batch in prepared.train for key in batch.ids]


def test_training_mixes_and_scoring_looks_at_each():
    prepared = prepare_datasets(recipe())
    assert [head.name for head in prepared.network.heads] == ["detection", "segmentation"]
    assert prepared.network.heads[0].classes == ["circle", "square", "triangle"]
    assert prepared.network.heads[1].classes[0] == "background"
    parts = [key.split("/")[0] for key in ids(prepared)]
    assert (parts.count("cells"), parts.count("streets")) == (6, 10)
    assert set(prepared.validation) == set(prepared.test) == {"cells", "streets"}
    assert [len(prepared.test[name].dataset) for name in prepared.test] == [6, 10]
    assert prepared.split == {"cells": "test", "streets": "test"}
    read = {f"{name}/{split}" for name in prepared.test for split in ("train", "val", "test")}
    assert set(prepared.data) == read


def test_a_task_alone_sees_as_many_of_its_samples_as_beside_others():
    shares = Shares(ratio={"cells": 3, "streets": 1}, length=16, batches="in_turn")
    together, alone = (
        prepare_datasets(recipe(mixture=shares, only=o)) for o in ([], ["detection"])
    )
    assert [head.name for head in alone.network.heads] == ["detection"]
    assert set(alone.test) == {"cells"}
    for epoch in range(3):
        own = [key for key in ids(together, epoch) if key.startswith("cells/")]
        assert len(own) == 12
        assert ids(alone, epoch) == own  # the very same, in the same order


def test_classes_are_the_common_ones_while_scoring_too():
    """The second dataset calls its shapes otherwise: numbers shift, and scores must know."""
    own = {"a": Part("boxes"), "b": Part("boxes")}
    renames = {"b": {"circle": "square", "square": "ring", "triangle": None}}
    prepared = prepare_datasets(
        recipe({"detection": HEADS["detection"]}, datasets=own, mixture=Shares(rename=renames))
    )
    common = ["circle", "square", "triangle", "ring"]
    assert prepared.network.heads[0].classes == common
    plain, shifted = (prepared.test[name].dataset for name in "ab")
    for index in range(8):
        table = np.array([1, 3, -1])[plain[index].targets["classes"]]
        assert shifted[index].targets["classes"].tolist() == table[table >= 0].tolist()


@pytest.mark.parametrize("lacking", ["unknown", "background"])
def test_what_datasets_tell_of_classes_that_they_lack_is_the_same_in_training_and_scores(lacking):
    own = {"a": Part("boxes"), "b": Part("boxes")}
    shares = Shares(rename={"b": {"circle": "ring"}}, lacking=lacking)
    prepared = prepare_datasets(
        recipe({"detection": HEADS["detection"]}, datasets=own, mixture=shares)
    )
    batch = next(iter(prepared.train))
    known = batch.labels["detection_known"].astype(bool)
    for key, row in zip(batch.ids, known):  # background, circle, square, triangle, ring
        expected = {"a": [True] * 4 + [False], "b": [True, False, True, True, True]}[key[0]]
        assert row.tolist() == (expected if lacking == "unknown" else [True] * 5)
    for name, of in (("a", [1, 1, 1, 0]), ("b", [0, 1, 1, 1])):
        targets = prepared.test[name].dataset[0].targets
        assert ("known_classes" in targets) == (lacking == "unknown")
        if lacking == "unknown":
            assert targets["known_classes"].astype(int).tolist() == of


def test_a_head_may_say_whose_names_it_has():
    own = {"cells": Part("boxes"), "tags": Part("labels")}
    heads = {"detection": HEADS["detection"], "shown": {"task": "multilabel", "from": "tags"}}
    made = prepare_datasets(recipe(heads, datasets=own)).network.heads
    assert made[1].classes == ["circle", "square", "triangle"]
    heads["shown"] = {"task": "multilabel"}
    made = prepare_datasets(recipe(heads, datasets=own)).network.heads
    assert made[1].classes == ["circle", "square", "triangle"]  # the mixture's, too
    heads["shown"] = {"task": "multilabel", "target": "colour"}
    with pytest.raises(ConfigError, match="Which dataset's classes has the head 'shown'"):
        prepare_datasets(recipe(heads, datasets=own))
    heads["shown"] = {"task": "multilabel", "from": "tag"}
    with pytest.raises(ConfigError, match="did you mean 'tags'"):
        prepare_datasets(recipe(heads, datasets=own))
    heads["shown"] = {"task": "multilabel", "classes": ["a", "b", "c"]}
    with pytest.raises(ConfigError, match="not those of the mixture"):
        prepare_datasets(recipe(heads, datasets=own))


def test_a_keypoint_head_looks_at_some_classes_of_the_mixture():
    """The dataset that has keypoints comes last, and calls its classes otherwise than the union."""
    own = {"cells": Part("boxes"), "faces": Part("shapes", settings={**FACES})}
    heads = {"keypoints": {"from": "faces", "channels": 8, "classes": ["disc", "square"]}}
    shares = Shares(rename={"faces": {"circle": "disc"}})
    prepared = prepare_datasets(recipe(heads, datasets=own, mixture=shares))
    (head,) = prepared.network.heads
    assert head.among == ["circle", "square", "triangle", "disc"]
    assert head.classes == ["disc", "square"]
    names = {0: 0, 1: 1, 2: None}  # circle is disc
    data = prepared.test["faces"].dataset
    plain = Shapes(**FACES, split="test")
    seen = set()
    for index in range(len(plain)):
        before = [names[one] for one in plain[index].targets["classes"].tolist()]
        wanted = [one for one in before if one is not None]
        assert head.ground_truth(data[index].targets)["classes"].tolist() == wanted
        seen.update(wanted)
    assert seen == {0, 1}


def test_classes_that_are_not_those_of_the_numbers_are_refused():
    heads = {"detection": {**HEADS["detection"], "classes": ["square", "circle", "triangle"]}}
    with pytest.raises(ConfigError, match="not those of the mixture"):
        prepare_datasets(recipe(heads))
    renames = Shares(rename={"cells": {"circle": "disc"}})
    heads = {"detection": {**HEADS["detection"], "from": "cells"}}
    with pytest.raises(ConfigError, match="not those of the mixture"):
        prepare_datasets(recipe(heads, mixture=renames))


def test_each_dataset_may_have_its_own_transforms_of_one_size():
    plain = {"cells": Part("boxes"), "streets": Part("masks", augment=[CROP])}
    training = Training(batch_size=4, augment=[CROP])
    prepared = prepare_datasets(recipe(datasets=plain, training=training))
    assert prepared.train.input_size == (32, 32)
    plain["streets"].augment = [{**CROP, "height": 40}]
    with pytest.raises(ConfigError, match="one input size") as error:
        prepare_datasets(recipe(datasets=plain, training=training))
    assert "streets (40, 32)" in str(error.value)


def test_each_dataset_may_have_its_own_way_to_the_input_size():
    parts = recipe().datasets
    parts["cells"].resize = "stretch"
    prepared = prepare_datasets(recipe(datasets=parts, input_size=(64, 64)))
    matrices = {}
    for name, loader in prepared.test.items():
        (matrix, *_) = (geometry.matrix for geometry in next(iter(loader)).geometries)
        matrices[name] = (matrix[0, 0], matrix[1, 1])
    assert matrices["cells"] == pytest.approx((1.0, 64 / 48))
    assert matrices["streets"] == pytest.approx((1.0, 1.0))


def test_one_dataset_needs_no_name():
    data = Data(settings={"length": 4, "size": [48, 64]})
    prepared = prepare_datasets(recipe(datasets={}, data=data, only=["segmentation"]))
    assert [head.name for head in prepared.network.heads] == ["segmentation"]
    assert prepared.split == "test"
    assert not isinstance(prepared.validation, dict)


def test_a_task_alone_needs_no_balance():
    training = Training(batch_size=4, balance={"name": "fixed", "factors": {"detection": 2}})
    assert selected(recipe(training=training)).training.balance is not None
    assert selected(recipe(training=training, only=["segmentation"])).training.balance is None


def test_some_tasks_are_balanced_without_what_is_set_for_the_others():
    heads = {name: {"task": "segmentation"} for name in "abc"}
    training = Training(balance={"name": "fixed", "factors": {"a": 2, "b": 3}})
    chosen = recipe(heads, training=training, only=["a", "c"])
    assert selected(chosen).training.balance == {"name": "fixed", "factors": {"a": 2}}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"only": ["detecton"]}, "did you mean 'detection'"),
        ({"data": Data(dataset="voc")}, "Data are given twice"),
        ({"mixture": Shares(rename={"cell": {}})}, "did you mean 'cells'"),
        ({"datasets": {"cells": Part("coco")}}, "--datasets.cells.root DIR"),
    ],
)
def test_mistakes_are_told(settings, said):
    with pytest.raises(ConfigError, match=said):
        prepare_datasets(recipe(**settings))


def test_the_training_side_is_the_same_without_data_to_score_on():
    """The very batches that a training would have; validation splits need not exist."""
    shares = Shares(ratio={"cells": 3, "streets": 1}, length=16)
    for only in ([], ["segmentation"]):
        whole = prepare_datasets(recipe(mixture=shares, only=only))
        lost = recipe(mixture=shares, only=only)
        for part in lost.datasets.values():
            part.dataset = {"boxes": "boxes_train", "masks": "masks_train"}[part.dataset]
        network, loader = training_side(lost)
        assert [h.name for h in network.heads] == [h.name for h in whole.network.heads]
        assert [batch.ids for batch in loader] == [batch.ids for batch in whole.train]
    data = Data(settings={"length": 4, "size": [48, 64]})
    network, loader = training_side(recipe(datasets={}, data=data, only=["segmentation"]))
    assert [head.name for head in network.heads] == ["segmentation"]
    assert list(loader.heads) == network.heads


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("only", [[], ["segmentation"]])
def test_the_updates_of_an_epoch_are_those_that_a_training_makes(only, accumulate):
    training = Training(batch_size=4, accumulate=accumulate)
    chosen = recipe(training=training, only=only, mixture=Shares(length=20, batches="in_turn"))
    network, loader = training_side(chosen)
    with loader:
        history = df.fit(network, loader, epochs=1, accumulate=accumulate)
    assert updates_per_epoch(chosen) == history.update > 0


def test_updates_are_counted_without_heads():
    assert updates_per_epoch(recipe(heads={})) == 4  # of 16 samples
    data = Data(settings={"length": 10, "size": [48, 64]})
    assert updates_per_epoch(recipe(heads={}, datasets={}, data=data)) == 2


def test_a_task_alone_needs_no_data_of_the_others(caplog, tmp_path):
    """The folder of the other dataset is not there."""
    gone = Part("coco", root=str(tmp_path / "gone"))
    own = {"cells": gone, "streets": Part("masks", settings={"length": 10})}
    alone = prepare_datasets(recipe(datasets=own, only=["segmentation"]))
    assert [head.name for head in alone.network.heads] == ["segmentation"]
    assert {key.split("/")[0] for key in ids(alone)} == {"streets"}
    assert len(ids(alone)) == 8  # of 10: whole batches
    assert set(alone.test) == {"streets"}
    assert "The dataset 'cells' cannot be read, and is left out" in caplog.text
    assert updates_per_epoch(recipe(datasets=own, only=["segmentation"])) == 2
    for needed in ([], ["detection"], ["detection", "segmentation"]):
        with pytest.raises(DensefitError, match="datasets.cells|gone"):
            prepare_datasets(recipe(datasets=own, only=needed))
    source = {**HEADS, "segmentation": {**HEADS["segmentation"], "from": "cells"}}
    with pytest.raises(DensefitError, match="datasets.cells|gone"):
        prepare_datasets(recipe(source, datasets=own, only=["segmentation"]))
    with pytest.raises(DensefitError, match="datasets.cells|gone"):
        prepare_datasets(recipe(datasets={"cells": gone}, only=["segmentation"]))
