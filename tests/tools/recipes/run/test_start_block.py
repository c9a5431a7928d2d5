"""What a training was set up as, before its first update."""

import dataclasses

import densefit as df
from densefit.callbacks import Control, TrainState
from densefit.tools.recipes.data.run_data import RunData
from densefit.tools.recipes.recipe import Data, Recipe, Training
from densefit.tools.recipes.run.start_block import StartBlock, block


def made(**settings):
    dataset = df.dataset("shapes", length=6, size=(32, 32))
    heads = [df.head("detection", name="boxes", classes=["a"]), df.head("segmentation", classes=2)]
    network = df.Network("resnet18", heads, settings={"width": 8, "mean": [1, 1, 1]})
    loader = df.Loader(dataset, batch_size=2, workers=1)
    data = {"train": dataset, "val": dataset}
    prepared = RunData(network, loader, None, None, None, data, ["train"])
    state = TrainState(network, updates=30, updates_per_epoch=3, batch_size=2, **settings)
    return prepared, state


def text_of(recipe, prepared, state, best="boxes/AP"):
    return dict(block(recipe, prepared, None, best, state))


def test_decisions():
    prepared, state = made()
    lines = text_of(Recipe(out="runs/a"), prepared, state)
    assert lines["data"] == "images: train 6, val 6"
    assert lines["labels"] == "boxes: 6 of 6 images"
    assert lines["network"].startswith("resnet18 with boxes (detection), segmentation: ")
    assert lines["input"].startswith("96 x 96 pixels (letterbox), RGB less 1, divided by ")
    assert lines["weights"] == "random"
    assert lines["batch"] == "2 images an update"
    assert lines["schedule"].startswith("30 updates, 10 epochs of 3; sgd, cosine lr=0.01")
    assert lines["computes"].endswith("; 1 thread loading")
    assert lines["validates"] == "every 1ep, the best by boxes/AP"
    assert lines["log"] == "runs/a: scalars.jsonl, checkpoints"


def test_what_heads_share_and_its_cost():
    prepared, state = made()
    assert "shares" not in text_of(Recipe(), prepared, state)
    own = {"share_until": {"stage3": [["boxes"]]}, "settings": {"width": 8}}
    tree = df.Network("resnet18", prepared.network.heads, **own)
    line = text_of(Recipe(), dataclasses.replace(prepared, network=tree), state)["shares"]
    assert line.startswith("boxes | segmentation behind stage3; 131,712 parameters more than one ")
    assert line.endswith(" times its work")
    own = {"normalize_by_head": True, "settings": {"width": 8}}
    parted = df.Network("resnet18", prepared.network.heads, **own)
    line = text_of(Recipe(), dataclasses.replace(prepared, network=parted), state)["shares"]
    assert line.startswith("each head has its own normalization in the backbone; 1,200 parameters")


def test_a_plan_is_not_printed_again():
    prepared, state = made()
    lines = dict(block(Recipe(), prepared, None, None, state, is_planned=True))
    assert "batch" not in lines
    assert lines["schedule"].startswith("sgd, cosine lr=0.01")
    prepared, state = made(accumulate=4)
    lines = dict(block(Recipe(), prepared, None, None, state, is_planned=True))
    assert lines["batch"] == "8 images an update (4 micro-batches of 2)"


def test_batches_of_several_devices_and_micro_batches():
    prepared, state = made(accumulate=4)
    recipe = Recipe(devices=["cuda:0", "cuda:1"], data=Data(root="photos"))
    lines = text_of(recipe, prepared, state, best=None)
    assert lines["batch"] == "8 images an update (4 micro-batches of 2, on 2 devices)"
    assert " on cuda:0, cuda:1; " in lines["computes"]
    assert lines["data"].startswith("images of photos: ")
    assert "validates" not in lines


def test_a_resume_says_what_is_resumed():
    prepared, state = made(resumed="runs/a/checkpoints/last", update=9)
    lines = text_of(Recipe(training=Training(epochs=10)), prepared, state)
    assert lines["weights"] == "of runs/a/checkpoints/last, which is resumed"
    assert "3, 9 done; " in lines["schedule"]


def test_nothing_is_printed_where_nothing_is_left(capsys):
    prepared, state = made(update=30, epochs=10, epoch=10)
    callback = StartBlock(Recipe(), prepared, None, None)
    callback.fit_started(state, Control())
    assert capsys.readouterr().out == ""
    state.epoch = 0
    callback.fit_started(state, Control())
    assert capsys.readouterr().out.startswith("data       images: ")
