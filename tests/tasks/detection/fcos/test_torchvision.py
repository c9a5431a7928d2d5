"""FCOS against torchvision's: outputs, losses, gradients and detections of equal weights."""

from collections import OrderedDict

import numpy as np
import pytest
import torch

from densefit.data.sample import Sample
from densefit.model.heads.head import Features
from densefit.symbol import sym
from densefit.tasks.detection import FCOS
from tests.executor import Executor
from tests.references.torchvision_operators import by_place, torchvision

fcos = torchvision.models.detection.fcos
pyramids = torchvision.ops.feature_pyramid_network
SIZE = (96, 160)  # torchvision pads to multiples of 32
BACKBONE = {8: 6, 16: 7, 32: 8}
CHANNELS, CLASSES, BATCH = 64, 3, 3
BOXES = [
    # Two around the same centre, one too small for any point, one of the second level.
    [[10, 12, 70, 60], [80, 5, 155, 90], [20, 30, 61, 48], [33, 41, 38, 45], [2, 2, 150, 80]],
    [],
    [[0, 0, 160, 96], [15, 15, 60, 58]],
]
LABELS = [[0, 2, 1, 1, 0], [], [2, 0]]


class Body(torch.nn.Module):
    """The pyramid on given maps in place of images."""

    out_channels = CHANNELS

    def __init__(self):
        super().__init__()
        extra = pyramids.LastLevelP6P7(CHANNELS, CHANNELS)
        self.fpn = pyramids.FeaturePyramidNetwork(list(BACKBONE.values()), CHANNELS, extra)


def name_there(name):
    """torchvision's name of a parameter."""
    layer, end = name.removeprefix("fcos_").rsplit("_", 1)
    if layer.startswith("level"):
        stride, kind = layer.removeprefix("level").split("_")
        level = int(np.log2(int(stride)))
        if kind == "conv":
            return f"backbone.fpn.extra_blocks.p{level}.{end}"
        block = {"lateral": "inner_blocks", "smooth": "layer_blocks"}[kind]
        return f"backbone.fpn.{block}.{level - 3}.0.{end}"
    kind, _, rest = layer.partition("_tower")
    side = "classification_head" if kind == "class" else "regression_head"
    if not rest:
        last = {"class": "cls_logits", "box": "bbox_reg", "centerness": "bbox_ctrness"}[kind]
        return f"head.{side}.{last}.{end}"
    number = 3 * int(rest[0]) + rest.endswith("_bn")
    return f"head.{side}.conv.{number}.{ {'gamma': 'weight', 'beta': 'bias'}.get(end, end) }"


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
    """An executor with random parameters, torchvision's model with the same, and its maps."""
    model = fcos.FCOS(Body(), CLASSES).double()
    shapes = {f"map{s}": (BATCH, c, *features().size(s)) for s, c in BACKBONE.items()}
    executor = Executor(symbol, **shapes, **{name: a.shape for name, a in more.items()})
    rng, state = np.random.default_rng(0), model.state_dict()
    for name, array in sorted(executor.arg_dict.items()):
        if name in more:
            array[:] = more[name]
        elif name in shapes:
            array[:] = rng.normal(0, 1, array.shape)
        else:
            spread = 0.8 / np.prod(array.shape[1:]) ** 0.5 if array.ndim > 1 else 0.1
            array[:] = rng.normal(float(name.endswith("gamma")), spread, array.shape)
            if name.endswith("box_bias"):
                array += 2  # boxes with an area
            state.pop(name_there(name)).copy_(torch.from_numpy(array))
    assert not state
    maps = OrderedDict((n, torch.from_numpy(executor.arg_dict[n]).double()) for n in shapes)
    return executor, model, list(model.backbone.fpn(maps).values())


def their_anchors(model, levels):
    images = torchvision.models.detection.image_list.ImageList(
        torch.zeros(BATCH, 3, *SIZE), [SIZE] * BATCH
    )
    return [anchors.double() for anchors in model.anchor_generator(images, levels)]


def test_outputs_losses_and_gradients_equal(each_engine):
    made = FCOS(CLASSES, channels=CHANNELS)
    labels = {name: sym.Variable(name) for name in ("class", "box", "centerness", "known")}
    predicted = [sym.concat(*rows, dim=1) for rows in made.predictions(features())]
    losses = made.losses(*predicted, labels)
    encoded = [made.encode(sample) for sample in samples()]
    arrays = {name: np.stack([row[name] for row in encoded]) for name in labels}
    symbol = sym.Group([*losses.values(), *map(sym.BlockGrad, predicted)])
    executor, model, levels = bound(symbol, **arrays)
    *terms, logits, distances, centerness = executor.forward(is_train=True)
    executor.backward()

    outputs = model.head(levels)
    close = {"rtol": 1e-4, "atol": 1e-4}
    np.testing.assert_allclose(logits, outputs["cls_logits"].detach(), **close)
    np.testing.assert_allclose(distances, outputs["bbox_regression"].detach(), **close)
    np.testing.assert_allclose(centerness, outputs["bbox_ctrness"].detach(), **close)
    total = 0
    counts = [level.shape[2] * level.shape[3] for level in levels]
    # torchvision divides by the positives of the batch: each image by itself is compared.
    for row, anchors in enumerate(their_anchors(model, levels)):
        target = {
            "boxes": torch.tensor(BOXES[row], dtype=torch.float64).reshape(-1, 4),
            "labels": torch.tensor(LABELS[row], dtype=torch.int64),
        }
        single = {name: output[row : row + 1] for name, output in outputs.items()}
        expected = model.compute_loss([target], single, [anchors], counts)
        assert list(losses) == ["class_loss", "box_loss", "centerness_loss"]
        for term, name in zip(terms, ("classification", "bbox_regression", "bbox_ctrness")):
            assert term[row] == pytest.approx(expected[name].item(), rel=1e-4)
        total = total + sum(expected.values())
    assert (terms[1][[0, 2]] > 0).all()
    positives = [set(row["class"][row["class"] > 0]) for row in encoded]
    assert positives == [{1, 2, 3}, set(), {1, 3}]
    total.backward()
    theirs = dict(model.named_parameters())
    for name, gradient in executor.grad_dict.items():
        if name.startswith("fcos_"):
            expected = theirs[name_there(name)].grad.numpy()
            size = np.abs(expected).max()
            assert size > 0
            np.testing.assert_allclose(
                gradient, expected, rtol=1e-4, atol=1e-4 * size, err_msg=name
            )


def test_detections_equal(each_engine):
    made = FCOS(CLASSES, channels=CHANNELS, candidates=100)
    executor, model, levels = bound(made.evaluate(features())["boxes"])
    model.topk_candidates = 100
    (rows,) = executor.forward(is_train=False)
    counts = [level.shape[2] * level.shape[3] for level in levels]
    with torch.no_grad():
        outputs = {k: list(v.split(counts, dim=1)) for k, v in model.head(levels).items()}
        anchors = [list(a.split(counts)) for a in their_anchors(model, levels)]
        expected = model.postprocess_detections(outputs, anchors, [SIZE] * BATCH)
    assert rows.shape == (BATCH, 100, 6)
    for found, theirs in zip(rows, expected):
        count = len(theirs["scores"])
        assert count > 20
        assert (found[count:] == -1).all()
        np.testing.assert_allclose(found[:count, 1], theirs["scores"], rtol=1e-4)
        wanted = by_place(theirs["labels"], theirs["scores"], theirs["boxes"])
        found = by_place(found[:count, 0], found[:count, 1], found[:count, 2:])
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-3)
