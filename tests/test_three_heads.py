"""Detection, segmentation and classification at once, on one trunk, by one loop."""

import ast
import re
from pathlib import Path

import pytest

import densefit as df
from densefit.datasets.shapes import Shapes
from densefit.model.backbones import Backbone
from densefit.model.layers import conv_bn

SIZE, HELD = 64, 64
PACKAGE = Path(df.__file__).parent


class Trunk(Backbone):
    """A convolution for each stride; it learns these shapes as well as a ResNet, in less time."""

    name = "trunk"

    def maps(self, x, output_stride):
        x = conv_bn(x, "stem", 16, stride=2)
        maps = {}
        for stride, channels in ((4, 32), (8, 48), (16, 64), (32, 64)):
            x = conv_bn(x, f"of_{stride}", channels, stride=2)
            maps[stride] = (x, channels)
        return maps


@pytest.fixture(scope="module")
def trained():
    data = Shapes(384, size=(SIZE, SIZE), max_objects=1, empty=0.2)
    network = df.Network(
        Trunk(),
        [
            df.head("detection", classes=data.classes, strides=(8, 16), sizes=(2.0, 2.83),
                    channels=24, metric="voc"),
            df.head("segmentation", classes=data.mask_classes, decoder="fcn", channels=16,
                    weight=2.0),
            df.head("classification", classes=data.label_classes),
        ],
    )  # fmt: skip
    held = Shapes(HELD, size=(SIZE, SIZE), split="val", max_objects=1, empty=0.2)
    history = df.fit(
        network,
        df.Loader(data, batch_size=8, heads=network.heads, shuffle=True),
        validation=df.Loader(held, batch_size=10),
        validate_every="6ep",
        epochs=6,
        optimizer="adam",
        schedule=df.Cosine(lr=0.006, warmup=4),
    )
    return network, history, held


@pytest.mark.parametrize("head", ["detection", "segmentation", "classification"])
def test_each_loss_falls(trained, head):
    losses = [epoch["train"][f"{head}/loss"] for epoch in trained[1].epochs]
    assert losses[-1] < 0.8 * losses[0]


def test_each_head_beats_chance(trained):
    _, history, held = trained
    scores = history.last_validation
    labels = [int(held[i].targets["label"]) for i in range(HELD)]
    most = max(labels.count(label) for label in labels) / HELD
    for shape in held.classes:  # 0.18 to 0.38 by seed; masks that are mirrored: below 0.1
        assert scores[f"segmentation/IoU/{shape}"] > 0.2
    assert scores["classification/accuracy"] > most + 0.05
    assert scores["detection/mAP"] > 0.2


def test_scoring_some_heads_gives_the_same_numbers(trained):
    network, history, held = trained
    heads = ["segmentation", "classification"]
    found = df.score(network, df.Loader(held, batch_size=7), heads)
    expected = {k: v for k, v in history.last_validation.items() if k.split("/")[0] in heads}
    assert found == pytest.approx(expected, abs=1e-6, nan_ok=True)


def names(tree):
    """Identifiers and string literals of a module that are no docstrings."""
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in documents:
                yield node.value
        for field in ("id", "attr", "name", "arg", "module", "asname"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                yield value


# A detection, to average precision, is a box with a score, whatever head it comes from; and COCO's
# files call an object's outline its segmentation; Kendall's losses are of regression or of
# classification, whatever the head.
NO_TASK = {"DetectionMetric", "DetectionOutcomes", "segmentation", "classification"}
NO_TASK |= {"of_detection", "false detection"}
FOLDERS = re.compile(r"densefit\.metrics\.(classification|detection)\b")  # kinds of metrics
#: MXNet's operators, by any of their names.
OPERATORS = re.compile(r"(?i)multi_?box_?detection")


def without_allowed(name):
    return OPERATORS.sub("", FOLDERS.sub("", name))


def test_the_framework_names_no_task():
    task = re.compile(r"(?<![a-z])(detection|segmentation|classification)(?![a-z])")
    texts = {
        path: path.read_text()
        for path in PACKAGE.rglob("*.py")
        if path.name != "old_paths.py"  # names folders, as they are
    }
    found = {
        f"{path.relative_to(PACKAGE)}: {name}"
        for path, text in texts.items()
        if re.search("(?i)detection|segmentation|classification", text)  # else it cannot
        for name in set(names(ast.parse(text))) - NO_TASK
        if task.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", without_allowed(name)).lower())
    }
    assert found == set()
