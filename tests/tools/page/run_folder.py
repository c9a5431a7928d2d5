"""The folder of a run that never was: every file that the page reads, with a hostile class name."""

import json

import cv2
import numpy as np

HOSTILE = "<img src=x onerror=alert(1)>"
CLASSES = ["cell", HOSTILE, "platelet"]


def write_run(folder, samples=4, side=64):
    """Write a run with `samples` samples, two drawings each; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(
        "model:\n  backbone: resnet18\n  heads:\n    boxes: {metric: coco}\n"
        f"training:\n  epochs: 2\n  optimizer: adam\n  best: '{HOSTILE}'\n"
    )
    lines = []
    for epoch in range(4):
        about = {
            "update": 10 * epoch + 10,
            "epoch": epoch,
            "seconds": 5.0 * epoch,
            "lr": 0.1**epoch,
        }
        lines.append({"kind": "epoch", **about, "boxes/loss": 2.0 / (epoch + 1)})
        lines.append({"kind": "validation", **about, "boxes/AP": 0.1 * epoch})
    (folder / "scalars.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    start = {
        "started": "2026-01-02T03:04:05+00:00",
        "command": ["train", HOSTILE],
        "engine": "torch",
    }
    contents = {
        "environment.json": [start],
        "scores.json": {"boxes/AP": 0.25, **{f"boxes/AP/{name}": 0.5 for name in CLASSES}},
        "scored.json": {"split": "test", "samples": samples, "primary": {"boxes/AP": True}},
        "cost.json": {"parameters": 123456, "ms_per_update": 7.5, "seconds": 61.0},
        "decisions.json": [{"what": "input size", "value": HOSTILE, "why": "small objects"}],
        "data_check.json": data_check(),
        "analysis/boxes.json": analysis(samples, side),
    }
    (folder / "analysis" / "boxes").mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_text(json.dumps(content))
    r = np.random.default_rng(0)
    for index in range(samples):
        for shown in ("truth", "prediction"):
            picture = r.integers(0, 255, (side, side, 3), np.uint8)
            path = folder / "analysis" / "boxes" / f"{index:03d}_{shown}.jpg"
            cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 60])
    return folder


def analysis(samples, side):
    steps = [index / 9 for index in range(10)]
    lines = {name: [steps, [1 - step**2 for step in steps]] for name in CLASSES}
    kinds = ("missed", "false detection", "right")
    shown = [
        {
            "id": f"image {index}",
            "value": index / samples,
            "outcomes": [[index % 3, kinds[index % 2], 1], [(index + 1) % 3, "right", 2]],
            "size": [side, side],
            "truth": f"boxes/{index:03d}_truth.jpg",
            "prediction": f"boxes/{index:03d}_prediction.jpg",
        }
        for index in range(samples)
    ]
    return {
        **{"version": 1, "dataset": "", "head": "boxes", "kind": "detection", "split": "test"},
        **{"classes": CLASSES, "iou": 0.5, "score_threshold": 0.3, "value": "F1", "higher": True},
        "samples": samples,
        "confusion": {
            "names": [*CLASSES, "background"],
            "counts": [[9, 1, 0, 2], [0, 50, 3, 0], [1, 1, 4, 4], [2, 0, 7, 0]],
            "what": "boxes",
        },
        "curves": {
            "precision_recall": {
                **{"title": "Precision and recall", "x": "recall", "y": "precision"},
                "lines": lines,
            }
        },
        "best_thresholds": {
            name: {"threshold": 0.4, "precision": 0.5, "recall": 0.6, "F1": 0.55}
            for name in CLASSES
        },
        "calibration": {"ECE": 0.1, "MCE": 0.2, "bins": 15, "counts": [3] * 15, "detections": 45},
        "kinds": {kind: [1, 2, 3] for kind in kinds},
        "sizes": {
            **{"edges": [0, 8, 16], "right": [1, 2, 0], "wrong class": [0, 1, 1]},
            "missed": [3, 0, 2],
        },
        "shown": shown,
    }


def data_check():
    sides = {"min": 10, "median": 20, "max": 30}
    split = {
        **{"dataset": "voc", "images": 9, "unusable": 0, "unlabelled": 1, "objects": 5},
        **{"crowds": 0, "dropped_objects": 0, "formats": {"JPEG": 9}},
        **{"width": sides, "height": sides},
        "object_sizes": {
            **{"small": 1, "medium": 3, "large": 1},
            **{"edges": [0, 8, 16], "counts": [1, 2, 2]},
        },
    }
    checked = {"images": 9, "annotations": 9, "files": 9, "headers": 9, "decoded": 0}
    finding = {
        **{"kind": "empty", "severity": "warning", "split": "train", "count": 1},
        "text": f"1 image of {HOSTILE} has no object",
        "examples": [{"id": "a", "text": "none", "where": "a.xml"}],
    }
    return {
        **{"version": 1, "sound": True, "seconds": 0.1, "train": ["train"]},
        "checked": {"train": {**checked, "equal_images": True}},
        "splits": {"train": split},
        "classes": {"classes": {"unit": "objects", "counts": {"train": dict.fromkeys(CLASSES, 2)}}},
        **{"anchors": {}, "findings": [finding]},
    }
