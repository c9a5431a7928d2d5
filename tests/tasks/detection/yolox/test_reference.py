"""YOLOX against a statement of the paper: outputs, assignment, losses, gradients, detections."""

import numpy as np
import pytest
import torch

from densefit.data.sample import Sample
from densefit.model.heads.head import Features
from densefit.symbol import sym
from densefit.tasks.detection import YOLOX
from densefit.tasks.detection.yolox.assign import Sizes, assigned
from densefit.tasks.detection.yolox.loss import cell_symbol
from tests.executor import Executor, compute
from tests.references.torchvision_operators import by_place, torchvision
from tests.references.yolox_detector import Head, Neck, losses, simota

SIZE = (75, 101)  # odd sizes of maps
BACKBONE = {8: 8, 16: 16, 32: 32}
CHANNELS, CLASSES, BATCH = 12, 3, 3
BOXES = [
    [[10, 12, 70, 60], [12, 14, 68, 64], [60, 5, 99, 70], [20, 30, 31, 38]],
    [],
    [[0, 0, 100, 75], [15, 15, 60, 58]],
]
LABELS = [[0, 1, 2, 1], [], [2, 0]]
NECK = {
    "level16_reduce": "lateral_conv0",
    "level16_down": "C3_p4",
    "level8_reduce": "reduce_conv1",
    "level8_down": "C3_p3",
    "level16_shrink": "bu_conv2",
    "level16_up": "C3_n3",
    "level32_shrink": "bu_conv1",
    "level32_up": "C3_n4",
}
ENDS = {
    "bn_gamma": "bn.weight",
    "bn_beta": "bn.bias",
    "bn_moving_mean": "bn.running_mean",
    "bn_moving_var": "bn.running_var",
    "weight": "conv.weight",
}


def name_there(name):
    """The authors' name of a parameter."""
    level, layer = name.removeprefix("yolox_").split("_", 1)
    number = {"level8": 0, "level16": 1, "level32": 2}[level]
    for kind, theirs in {"class": "cls", "box": "reg", "objectness": "obj"}.items():
        if layer in (f"{kind}_weight", f"{kind}_bias"):
            return f"1.{theirs}_preds.{number}.{layer.removeprefix(kind + '_')}"
    (end,) = (end for end in ENDS if layer.endswith(f"_{end}") and layer != end)
    layer = layer.removesuffix(f"_{end}")
    if layer == "stem":
        return f"1.stems.{number}.{ENDS[end]}"
    if layer.startswith(("class_conv", "box_conv")):
        side = "cls" if layer.startswith("class") else "reg"
        return f"1.{side}_convs.{number}.{layer[-1]}.{ENDS[end]}"
    kind, _, rest = layer.partition("_")
    rest = rest.replace("0_conv", "m.0.conv")
    inner = f"{rest}." if rest else ""
    return f"0.{NECK[f'{level}_{kind}']}.{inner}{ENDS[end]}"


def features():
    maps = {stride: sym.Variable(f"map{stride}") for stride in BACKBONE}
    return Features(maps, BACKBONE, SIZE)


def samples():
    for boxes, labels in zip(BOXES, LABELS):
        targets = {
            "boxes": np.array(boxes, np.float32).reshape(-1, 4),
            "classes": np.array(labels, np.int64),
        }
        yield Sample("a", np.zeros((*SIZE, 3), np.uint8), targets)


def bound(symbol, **more):
    """An executor with random parameters, and the reference's predictions with the same."""
    model = torch.nn.Sequential(
        Neck(list(BACKBONE.values())), Head(list(BACKBONE.values()), CHANNELS, CLASSES)
    ).double()
    shapes = {f"map{s}": (BATCH, c, *features().size(s)) for s, c in BACKBONE.items()}
    executor = Executor(symbol, **shapes, **{name: a.shape for name, a in more.items()})
    rng, state = np.random.default_rng(0), model.state_dict()
    arrays = {**executor.arg_dict, **executor.aux_dict}
    for name, array in sorted(arrays.items()):
        if name in more:
            array[:] = more[name]
        elif name in shapes:
            array[:] = rng.normal(0, 1, array.shape)
        else:
            spread = 1.2 / np.prod(array.shape[1:]) ** 0.5 if array.ndim > 1 else 0.1
            array[:] = rng.normal(float(name.endswith(("gamma", "var"))), spread, array.shape)
            if name.endswith("box_bias"):
                array += 1  # larger boxes
            state.pop(name_there(name)).copy_(torch.from_numpy(array))
    assert all(name.endswith("num_batches_tracked") for name in state)
    maps = [torch.from_numpy(executor.arg_dict[name]).double() for name in shapes]
    return executor, model, maps


@pytest.mark.parametrize("seed", range(4))
def test_the_assignment_equals_the_paper_s(each_engine, seed):
    rng = np.random.default_rng(seed)
    made = YOLOX(CLASSES, max_boxes=6)
    count = made.cell_count(SIZE)
    scores, objectness = rng.normal(0, 2, (2, count, CLASSES)), rng.normal(0, 2, (2, count))
    cells = compute(cell_symbol(SIZE, made.strides, at_corners=False), {})[0]
    center = cells[:, :2] + rng.normal(0, 6, (2, count, 2))
    half = np.exp(rng.normal(2.7, 0.5, (2, count, 2)))
    boxes = np.concatenate([center - half, center + half], axis=2)
    objects = np.full((2, 6, 5), [-1.0, 0, 0, 0, 0])
    truth = rng.uniform((5, 5), (95, 70), (2, 5, 2))
    truth[:, 1] = truth[:, 0] + 3  # contested cells
    sides = np.exp(rng.normal(2.7, 0.5, (2, 5, 2)))
    objects[:, :5, 1:] = np.concatenate([truth - sides, truth + sides], axis=2)
    objects[:, :5, 0] = rng.integers(0, CLASSES, (2, 5))
    objects[1, 4] = [-1, 0, 0, 0, 0]
    values = {"scores": scores, "boxes": boxes, "objectness": objectness, "objects": objects}
    variables = [sym.Variable(name) for name in values]
    taken, _ = assigned(*variables, sym.Variable("cells"), Sizes(count, 6, CLASSES), 1.5)
    (found,) = compute(taken, {**values, "cells": cells[:, :3]})
    assert set(np.unique(found)) == {0, 1}
    for row in range(2):
        valid = objects[row, :, 0] >= 0
        tensors = (torch.tensor(part[row]) for part in (scores, boxes, objectness))
        owner, _ = simota(
            *tensors,
            torch.tensor(cells[:, :3]),
            torch.tensor(objects[row, valid, 1:]),
            torch.tensor(objects[row, valid, 0].astype(int)),
        )
        expected = owner.numpy() == np.arange(6)[:, None]
        assert expected.sum() > 5
        np.testing.assert_array_equal(found[row], expected)


def test_outputs_losses_and_gradients_equal(each_engine):
    made = YOLOX(CLASSES, channels=CHANNELS, max_boxes=5)
    labels = {label.name: sym.Variable(label.name) for label in made.labels(SIZE)}
    predicted = made.predictions(features())
    terms = made.losses(*predicted, labels, SIZE)
    encoded = [made.encode(sample) for sample in samples()]
    arrays = {name: np.stack([row[name] for row in encoded]) for name in labels}
    symbol = sym.Group([*terms.values(), *map(sym.BlockGrad, predicted)])
    executor, model, maps = bound(symbol, **arrays)
    *values, scores, boxes, objectness = executor.forward(is_train=True)
    executor.backward()

    model.train()
    outputs = model(maps)
    close = {"rtol": 1e-4, "atol": 1e-4}
    np.testing.assert_allclose(scores, outputs[0].detach(), **close)
    np.testing.assert_allclose(boxes, outputs[1].detach(), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(objectness, outputs[2].detach(), **close)
    total = 0
    assert list(terms) == ["class_loss", "box_loss", "objectness_loss"]
    for row, (corners, classes) in enumerate(zip(BOXES, LABELS)):
        truth = torch.tensor(corners, dtype=torch.float64).reshape(-1, 4)
        image = (output[row] for output in outputs[:3])
        *expected, owner = losses(
            *image, outputs[3], truth, torch.tensor(classes, dtype=torch.int64)
        )
        assert set(owner.tolist()) >= set(range(len(classes)))
        for value, wanted in zip(values, expected):
            assert value[row] == pytest.approx(wanted.item(), rel=1e-4)
        total = total + sum(expected)
    total.backward()
    theirs = dict(model.named_parameters())
    for name, gradient in executor.grad_dict.items():
        if name.startswith("yolox_"):
            expected = theirs[name_there(name)].grad.numpy()
            size = np.abs(expected).max()
            assert size > 0
            np.testing.assert_allclose(
                gradient, expected, rtol=1e-3, atol=2e-4 * size, err_msg=name
            )


def test_detections_equal(each_engine):
    made = YOLOX(CLASSES, channels=CHANNELS, score_threshold=0.25)
    executor, model, maps = bound(made.evaluate(features())["boxes"])
    (rows,) = executor.forward(is_train=False)
    model.eval()
    with torch.no_grad():
        scores, boxes, objectness, _ = model(maps)
    assert rows.shape == (BATCH, 100, 6)
    for found, *image in zip(rows, scores, boxes, objectness):
        best, kinds = image[0].sigmoid().max(1)
        score = best * image[2].sigmoid()
        valid = score > 0.25
        chosen = torchvision.ops.batched_nms(image[1][valid], score[valid], kinds[valid], 0.65)
        chosen = valid.nonzero()[:, 0][chosen][:100]
        count = len(chosen)
        assert count > 10
        assert (found[count:] == -1).all()
        np.testing.assert_allclose(found[:count, 1], score[chosen], rtol=1e-4)
        wanted = by_place(kinds[chosen], score[chosen], image[1][chosen])
        found = by_place(found[:count, 0], found[:count, 1], found[:count, 2:])
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-3)
