"""Boxes in the numbers of COCO's val2017, drawn at random: for measuring speed, not quality."""

from __future__ import annotations

from typing import Any

import numpy as np

TRUE_PER_IMAGE, FOUND_PER_IMAGE, CROWD = 7.3, 100, 0.012
WIDTH, HEIGHT = 640.0, 480.0


def pictures(
    images: int, classes: int = 80, zipf: bool = True, seed: int = 0
) -> tuple[list[dict[str, np.ndarray]], list[dict[str, np.ndarray]]]:
    """(predictions, truths) of `images` pictures, as detection metrics take them (boxes as xywh).

    Two thirds of the true boxes are found, more or less well placed; the rest of the detections
    are noise, of the classes that the picture holds or of any.

    Args:
        images: how many.
        classes: how many.
        zipf: classes as frequent as in COCO, where a few hold most boxes; else all alike.
        seed: of the generator.
    """
    rng = np.random.default_rng(seed)
    share = 1.0 / np.arange(1, classes + 1) if zipf else np.ones(classes)
    share /= share.sum()
    found, truth = [], []
    for count in rng.poisson(TRUE_PER_IMAGE, images):
        boxes = _boxes(rng, count)
        labels = rng.choice(classes, count, p=share)
        truth.append(
            {
                "bbox": boxes,
                "classes": labels,
                "crowd": rng.random(count) < CROWD,
                "area": boxes[:, 2] * boxes[:, 3] * rng.uniform(0.5, 1.0, count),
            }
        )
        hit = rng.random(count) < 0.67
        near = boxes[hit].copy()
        near[:, :2] += near[:, 2:] * rng.normal(0.0, 0.05, (len(near), 2))
        near[:, 2:] *= rng.normal(1.0, 0.08, (len(near), 2))
        rest = FOUND_PER_IMAGE - len(near)
        noise = rng.choice(classes, rest, p=share)
        known = rng.random(rest) < (0.5 if count else 0.0)
        if count:
            noise[known] = rng.choice(labels, known.sum())
        found.append(
            {
                "bbox": np.concatenate([near, _boxes(rng, rest)]),
                "classes": np.concatenate([labels[hit], noise]),
                "scores": np.concatenate([rng.beta(5, 2, len(near)), rng.beta(1, 6, rest)]),
            }
        )
    return found, truth


def _boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, 4) float64 xywh: sides spread over all of COCO's sizes."""
    sides = np.exp(rng.uniform(np.log(8), np.log(400), (count, 2)))
    sides = np.minimum(sides, (WIDTH, HEIGHT))
    corner = rng.random((count, 2)) * ((WIDTH, HEIGHT) - sides)
    return np.round(np.concatenate([corner, sides], axis=1), 2)


def as_coco(
    found: list[dict[str, np.ndarray]], truth: list[dict[str, np.ndarray]], classes: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same as the content of an annotation file and of a results file."""
    annotations = [
        {
            "image_id": image,
            "category_id": label,
            "bbox": box,
            "iscrowd": int(crowd),
            "area": area,
        }
        for image, part in enumerate(truth)
        for label, box, crowd, area in zip(
            *(part[k].tolist() for k in ("classes", "bbox", "crowd", "area"))
        )
    ]
    for number, one in enumerate(annotations, start=1):
        one["id"] = number
    results = [
        {"image_id": image, "category_id": label, "bbox": box, "score": score}
        for image, part in enumerate(found)
        for label, box, score in zip(*(part[k].tolist() for k in ("classes", "bbox", "scores")))
    ]
    about = {
        "images": [{"id": image} for image in range(len(truth))],
        "categories": [{"id": label, "name": str(label)} for label in range(classes)],
        "annotations": annotations,
    }
    return about, results
