"""COCO files of boxes, masks and keypoints are scored as the predictions themselves are."""

import json

import numpy as np
import pytest

from densefit.data.geometry.rle import as_text, encode
from densefit.metrics import (
    COCOAveragePrecision,
    COCOKeypointAveragePrecision,
    COCOMaskAveragePrecision,
)
from densefit.tools import score
from densefit.tools.predicting.coco_numbers import CocoNumbers
from densefit.tools.predicting.formats import Context
from densefit.tools.predicting.formats.coco_results import CocoResults
from densefit.tools.predicting.pipeline import Item, Result

CLASSES, SIZE, POINTS = ("cat", "dog"), (60, 80), 17


class Head:
    name, classes = "pets", CLASSES


class Network:
    heads = (Head,)


def objects(rng, count):
    """Random boxes with masks and keypoints."""
    corner = rng.uniform(0, [50, 30], (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(8, 30, (count, 2))], axis=1)
    masks = []
    for x1, y1, x2, y2 in boxes.round().astype(int):
        mask = np.zeros(SIZE, np.uint8)
        mask[y1:y2, x1:x2] = 1
        masks.append(as_text(encode(mask)))
    points = corner[:, None] + rng.uniform(0, 20, (count, POINTS, 2))
    return {
        "boxes": boxes.astype(np.float32),
        "masks": masks,
        "keypoints": np.concatenate([points, np.full((count, POINTS, 1), 0.9)], axis=2).astype(
            "f4"
        ),
        "classes": rng.integers(0, 2, count),
    }


def moved(rng, truth):
    """Predictions beside the truth."""
    noise = rng.normal(0, 1.5, truth["boxes"].shape).astype(np.float32)
    points = truth["keypoints"] + rng.normal(0, 2, truth["keypoints"].shape) * [1, 1, 0]
    scores = rng.permutation(np.linspace(0.1, 0.9, len(noise))).astype(np.float32)
    masks = [truth["masks"][-1], *truth["masks"][1:]]
    changed = {"boxes": truth["boxes"] + noise, "keypoints": points.astype("f4"), "masks": masks}
    return {**truth, **changed, "scores": scores}


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(4)
    truths = [objects(rng, 6) for _ in range(5)]
    predictions = [moved(rng, truth) for truth in truths]
    annotations = []
    for number, truth in enumerate(truths, 1):
        for row, (x1, y1, x2, y2) in enumerate(truth["boxes"].astype(float).tolist()):
            points = truth["keypoints"][row].astype(float) - [0.5, 0.5, 0]
            points[:, 2] = 2
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": int(truth["classes"][row]) + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "segmentation": truth["masks"][row],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                    "keypoints": points.reshape(-1).tolist(),
                    "num_keypoints": POINTS,
                }
            )
    images = [
        {"id": number, "file_name": f"{number}.jpg", "height": SIZE[0], "width": SIZE[1]}
        for number in range(1, 6)
    ]
    names = [f"point-{number}" for number in range(POINTS)]
    categories = [{"id": n, "name": c, "keypoints": names} for n, c in enumerate(CLASSES, 1)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (tmp_path / "gt.json").write_text(json.dumps(content))
    writer = CocoResults(Context(tmp_path, Network, CocoNumbers(tmp_path / "gt.json")))
    for number, prediction in enumerate(predictions, 1):
        item = Item(f"{number}.jpg", f"{number}.jpg", lambda: None)
        writer.add(Result(item, np.zeros((*SIZE, 3), np.uint8), {"pets": prediction}))
    assert writer.finish() == [f"coco/pets_{kind}.json" for kind in ("bbox", "segm", "keypoints")]
    return tmp_path, truths, predictions


@pytest.mark.parametrize(
    ("kind", "metric"),
    [
        ("bbox", COCOAveragePrecision(CLASSES)),
        ("segm", COCOMaskAveragePrecision(CLASSES)),
        ("keypoints", COCOKeypointAveragePrecision(CLASSES)),
    ],
)
def test_files_are_scored_as_predictions(files, kind, metric, capsys):
    folder, truths, predictions = files
    areas = [np.prod(t["boxes"][:, 2:] - t["boxes"][:, :2], axis=1) for t in truths]
    targets = [{**truth, "area": area} for truth, area in zip(truths, areas)]
    for target in targets:
        target["keypoints"] = np.concatenate(
            [target["keypoints"][..., :2], np.full((6, POINTS, 1), 2)], axis=2
        )
    metric.update(predictions, targets, [str(number) for number in range(5)])
    expected = metric.compute()
    results = str(folder / "coco" / f"pets_{kind}.json")
    words = ["coco", "--annotations", str(folder / "gt.json"), "--results", results]
    assert score.main([*words, "--iou-type", kind, "--out", str(folder / "out")]) == 0
    scores = json.loads((folder / "out" / "scores.json").read_text())
    assert 0.1 < expected["AP"] < 0.99
    for key in ("AP", "AP50", "AP75", "AP/cat"):
        assert scores[key] == pytest.approx(expected[key], abs=1e-9), key
