"""RetinaNet against torchvision's: outputs, losses, gradients and detections of equal weights."""

from collections import OrderedDict

import numpy as np
import pytest
import torch

from densefit.data.sample import Sample
from densefit.model.heads.head import Features
from densefit.symbol import sym
from densefit.tasks.detection import RetinaNet
from tests.executor import Executor
from tests.references.torchvision_operators import by_place, torchvision

retinanet = torchvision.models.detection.retinanet
pyramids = torchvision.ops.feature_pyramid_network
SIZE = (96, 160)  # torchvision pads to multiples of 32
BACKBONE = {8: 6, 16: 7, 32: 64}
CHANNELS, CLASSES, BATCH = 64, 3, 3
BOXES = [
    [[10, 12, 70, 60], [80, 5, 155, 90], [20, 30, 31, 38], [60, 10, 62, 12]],
    [],
    [[0, 0, 160, 96], [15, 15, 60, 58]],
]
LABELS = [[0, 2, 1, 1], [], [2, 0]]
VARIANTS = {
    "first": {},
    "second": {"normalization": "group", "extra_levels": "backbone", "box_loss": "giou"},
    "smooth": {"box_loss": "smooth_l1"},
}


class Body(torch.nn.Module):
    """The pyramid on given maps in place of images."""

    out_channels = CHANNELS

    def __init__(self, of_backbone):
        super().__init__()
        extra = pyramids.LastLevelP6P7(CHANNELS, CHANNELS)
        extra.use_P5 = not of_backbone
        self.fpn = pyramids.FeaturePyramidNetwork(list(BACKBONE.values()), CHANNELS, extra)


def their_model(variant):
    settings = VARIANTS[variant]
    is_grouped = settings.get("normalization") == "group"
    norm = (lambda channels: torch.nn.GroupNorm(32, channels)) if is_grouped else None
    anchors = retinanet._default_anchorgen()
    head = retinanet.RetinaNetHead(CHANNELS, 9, CLASSES, norm_layer=norm)
    head.regression_head._loss_type = settings.get("box_loss", "l1")
    return retinanet.RetinaNet(
        Body(is_grouped), CLASSES, anchor_generator=anchors, head=head
    ).double()


def name_there(name):
    """torchvision's name of a parameter."""
    layer, end = name.removeprefix("retinanet_").rsplit("_", 1)
    if layer.startswith("level"):
        stride, kind = layer.removeprefix("level").split("_")
        level = int(np.log2(int(stride)))
        if kind == "conv":
            return f"backbone.fpn.extra_blocks.p{level}.{end}"
        block = {"lateral": "inner_blocks", "smooth": "layer_blocks"}[kind]
        return f"backbone.fpn.{block}.{level - 3}.0.{end}"
    kind, _, rest = layer.partition("_tower")
    side = {"class": "classification_head", "box": "regression_head"}[kind]
    if not rest:
        return f"head.{side}.{ {'class': 'cls_logits', 'box': 'bbox_reg'}[kind] }.{end}"
    if rest.endswith("_bn"):
        return f"head.{side}.conv.{rest[0]}.1.{ {'gamma': 'weight', 'beta': 'bias'}[end] }"
    return f"head.{side}.conv.{rest}.0.{end}"


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


def bound(symbol, model, **more):
    """An executor with random parameters, which the model gets too, and the model's maps."""
    shapes = {f"map{s}": (BATCH, c, *features().size(s)) for s, c in BACKBONE.items()}
    executor = Executor(symbol, **shapes, **{name: a.shape for name, a in more.items()})
    rng, state = np.random.default_rng(0), model.state_dict()
    for name, array in sorted(executor.arg_dict.items()):
        if name in more:
            array[:] = more[name]
        elif name in shapes:
            array[:] = rng.normal(0, 1, array.shape)
        else:
            spread = 0.5 / np.prod(array.shape[1:]) ** 0.5 if array.ndim > 1 else 0.1
            array[:] = rng.normal(float(name.endswith("gamma")), spread, array.shape)
            if name.endswith("class_weight"):
                array *= 30  # scores from low to high
            state.pop(name_there(name)).copy_(torch.from_numpy(array))
    assert not state
    maps = OrderedDict((n, torch.from_numpy(executor.arg_dict[n]).double()) for n in shapes)
    return executor, list(model.backbone.fpn(maps).values())


def their_anchors(model, levels):
    images = torchvision.models.detection.image_list.ImageList(
        torch.zeros(BATCH, 3, *SIZE), [SIZE] * BATCH
    )
    return [anchors.double() for anchors in model.anchor_generator(images, levels)]


def test_anchors_equal():
    model = their_model("first")
    levels = [torch.zeros(BATCH, 1, *features().size(s)) for s in (8, 16, 32, 64, 128)]
    np.testing.assert_array_equal(RetinaNet(CLASSES).anchors(SIZE), their_anchors(model, levels)[0])


@pytest.mark.parametrize("variant", VARIANTS)
def test_outputs_losses_and_gradients_equal(each_engine, variant):
    made, model = RetinaNet(CLASSES, channels=CHANNELS, **VARIANTS[variant]), their_model(variant)
    labels = {name: sym.Variable(name) for name in ("class", "box", "known")}
    predicted = [sym.concat(*rows, dim=1) for rows in made.predictions(features())]
    losses = made.losses(*predicted, labels, SIZE)
    encoded = [made.encode(sample) for sample in samples()]
    arrays = {name: np.stack([row[name] for row in encoded]) for name in labels}
    executor, levels = bound(
        sym.Group([*losses.values(), *map(sym.BlockGrad, predicted)]), model, **arrays
    )
    class_loss, boxes_loss, logits, offsets = executor.forward(is_train=True)
    executor.backward()

    outputs = model.head(levels)
    close = {"rtol": 1e-4, "atol": 1e-4}
    np.testing.assert_allclose(logits, outputs["cls_logits"].detach(), **close)
    np.testing.assert_allclose(offsets, outputs["bbox_regression"].detach(), **close)
    total = 0
    for row, anchors in enumerate(their_anchors(model, levels)):
        target = {
            "boxes": torch.tensor(BOXES[row], dtype=torch.float64).reshape(-1, 4),
            "labels": torch.tensor(LABELS[row], dtype=torch.int64),
        }
        single = {name: output[row : row + 1] for name, output in outputs.items()}
        terms = model.compute_loss([target], single, [anchors])
        assert class_loss[row] == pytest.approx(terms["classification"].item(), rel=1e-4)
        assert boxes_loss[row] == pytest.approx(terms["bbox_regression"].item(), rel=1e-4)
        total = total + terms["classification"] + terms["bbox_regression"]
    assert boxes_loss[0] > 0
    total.backward()
    theirs = dict(model.named_parameters())
    for name, gradient in executor.grad_dict.items():
        if name.startswith("retinanet_"):
            expected = theirs[name_there(name)].grad.numpy()
            size = np.abs(expected).max()
            assert size > 0
            np.testing.assert_allclose(
                gradient, expected, rtol=1e-4, atol=1e-4 * size, err_msg=name
            )


def test_detections_equal(each_engine):
    made, model = RetinaNet(CLASSES, channels=CHANNELS, candidates=300), their_model("first")
    model.topk_candidates = 300
    executor, levels = bound(made.evaluate(features())["boxes"], model)
    (rows,) = executor.forward(is_train=False)
    counts = [level.shape[2] * level.shape[3] * 9 for level in levels]
    with torch.no_grad():
        outputs = {k: list(v.split(counts, dim=1)) for k, v in model.head(levels).items()}
        anchors = [list(a.split(counts)) for a in their_anchors(model, levels)]
        expected = model.postprocess_detections(outputs, anchors, [SIZE] * BATCH)
    assert rows.shape == (BATCH, 300, 6)
    for found, theirs in zip(rows, expected):
        count = len(theirs["scores"])
        assert 50 < count <= 300
        assert (found[count:] == -1).all()
        np.testing.assert_allclose(found[:count, 1], theirs["scores"], rtol=1e-4)
        wanted = by_place(theirs["labels"], theirs["scores"], theirs["boxes"])
        found = by_place(found[:count, 0], found[:count, 1], found[:count, 2:])
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-3)
