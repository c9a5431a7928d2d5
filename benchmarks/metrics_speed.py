"""Speed of metrics beside other implementations, and of scoring beside the forward pass.

python benchmarks/metrics_speed.py

Nothing else should run meanwhile. faster-coco-eval and torchmetrics are measured if installed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from detections import as_coco, pictures
from rich.console import Console
from rich.table import Table
from score_cost import forward_and_score

from densefit.metrics import COCOAveragePrecision
from densefit.metrics.dense.confusion import confusion_matrix

CONSOLE = Console(width=100)
NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")


def seconds(work: Callable[[], Any]) -> float:
    """Wall seconds of a call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def coco(images: int, zipf: bool, rounds: int, classes: int = 80) -> None:
    """Measure COCO box AP, from detections in memory to the twelve numbers."""
    detections, truth = pictures(images, classes, zipf)
    about, results = as_coco(detections, truth, classes)
    ids = [str(image) for image in range(images)]

    def ours(backend: str) -> list[float]:
        metric = COCOAveragePrecision(classes, backend=backend)
        for start in range(0, images, 16):  # as batches come
            stop = start + 16
            metric.update(detections[start:stop], truth[start:stop], ids[start:stop])
        numbers = metric.compute()
        return [numbers[name] for name in NAMES]

    def pycocotools() -> list[float]:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        with contextlib.redirect_stdout(io.StringIO()):
            true = COCO()
            true.dataset = about
            true.createIndex()
            evaluation = COCOeval(true, true.loadRes(results), "bbox")
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        return list(evaluation.stats)

    results_of: dict[str, list[float]] = {}

    def run(name: str, work: Callable[[], list[float]]) -> Callable[[], None]:
        def once() -> None:
            results_of[name] = work()

        return once

    contenders = {"densefit": (run("densefit", lambda: ours("densefit")), rounds)}
    if find_spec("faster_coco_eval") is not None:
        name = "densefit, backend faster-coco-eval"
        contenders[name] = (run(name, lambda: ours("faster-coco-eval")), rounds)
    contenders["pycocotools"] = (run("pycocotools", pycocotools), 1)
    times = {
        name: sorted(seconds(work) for _ in range(n)) for name, (work, n) in contenders.items()
    }
    boxes = sum(len(part["classes"]) for part in truth)
    table = Table(
        title=f"COCO box AP: {images:,} images, {boxes:,} true boxes, "
        f"{images * 100:,} detections, {classes} classes ({'Zipf' if zipf else 'uniform'})",
        title_justify="left",
    )
    for column in ("", "seconds (best, worst)", "times faster", "largest difference"):
        table.add_column(column, justify="right" if column else "left")
    base = statistics.median(times["pycocotools"])
    for name, runs in times.items():
        gap = np.abs(np.subtract(results_of[name], results_of["pycocotools"])).max()
        middle = statistics.median(runs)
        table.add_row(
            name,
            f"{middle:.2f} ({runs[0]:.2f}, {runs[-1]:.2f})",
            f"{base / middle:.1f}",
            f"{gap:.1e}",
        )
    table.caption = f"AP {results_of['pycocotools'][0]:.3f}"
    CONSOLE.print(table)


def masks(kind: str, seed: int, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Draw (truth, prediction) uint8 of 19 classes, with a tenth of the truth ignored."""
    rng = np.random.default_rng(seed)
    if kind == "blobs":
        small = rng.integers(0, 19, (16, 32)).astype(np.uint8)
        truth = small.repeat(shape[0] // 16, axis=0).repeat(shape[1] // 32, axis=1)
        wrong = rng.random(shape) < 0.04
        prediction = np.where(wrong, rng.integers(0, 19, shape), truth).astype(np.uint8)
    else:
        truth, prediction = (rng.integers(0, 19, shape).astype(np.uint8) for _ in range(2))
    truth = truth.copy()
    truth[: shape[0] // 10] = 255
    return truth, prediction


def confusion(rounds: int, shape: tuple[int, int] = (1024, 2048)) -> None:
    """Measure confusion matrices of 19 classes, in nanoseconds per pixel."""
    from sklearn.metrics import confusion_matrix as sklearn_matrix

    def bincount(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        valid = truth != 255
        pairs = 19 * truth[valid].astype(np.int64) + prediction[valid]
        return np.bincount(pairs, minlength=361).reshape(19, 19)

    def sklearn(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        valid = truth != 255
        return sklearn_matrix(truth[valid], prediction[valid], labels=np.arange(19))

    contenders: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
        "densefit": lambda truth, prediction: confusion_matrix(prediction, truth, 19, 255),
        "np.bincount, int64": bincount,
        "scikit-learn": sklearn,
    }
    try:
        import torch
        from torchmetrics.functional.classification import multiclass_confusion_matrix
    except ImportError:
        CONSOLE.print("torchmetrics is not installed: not measured")
    else:
        torch.set_num_threads(1)

        def torchmetrics(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
            return multiclass_confusion_matrix(
                torch.from_numpy(prediction),
                torch.from_numpy(truth),
                num_classes=19,
                ignore_index=255,
                validate_args=False,
            ).numpy()

        contenders["torchmetrics, arguments not checked"] = torchmetrics
    table = Table(
        title=f"Confusion matrix: {shape[0]}x{shape[1]}, 19 classes, ns per pixel, one thread",
        title_justify="left",
    )
    table.add_column("")
    results: dict[str, list[float]] = {name: [] for name in contenders}
    for kind in ("blobs", "noise"):
        table.add_column(kind, justify="right")
        table.add_column("times bincount", justify="right")
        pairs = [masks(kind, seed, shape) for seed in range(4)]
        for truth, prediction in pairs:
            expected = bincount(truth, prediction)
            for name, work in contenders.items():
                assert (np.asarray(work(truth, prediction)) == expected).all(), name
        for name, work in contenders.items():
            times = [
                seconds(lambda pair=pair, work=work: work(*pair))
                for _ in range(rounds)
                for pair in pairs
            ]
            results[name].append(1e9 * statistics.median(times) / pairs[0][0].size)
    for name, (blobs, noise) in results.items():
        base = results["np.bincount, int64"]
        table.add_row(
            name, f"{blobs:.2f}", f"{base[0] / blobs:.2f}", f"{noise:.2f}", f"{base[1] / noise:.2f}"
        )
    CONSOLE.print(table)


def whole(rounds: int, smallest: bool) -> None:
    """Measure `score` of a ResNet-18 segmenter, relative to the forward pass alone."""
    measured = forward_and_score(rounds, (32, 64), 2) if smallest else forward_and_score(rounds)
    forward, score, about = measured
    ratios = [of_score / of_forward for of_score, of_forward in zip(score, forward)]
    table = Table(title=about, title_justify="left")
    for column in ("", "seconds", "over forward alone"):
        table.add_column(column, justify="right" if column else "left")
    table.add_row("forward alone", f"{statistics.median(forward):.2f}", "1")
    table.add_row(
        "df.score",
        f"{statistics.median(score):.2f}",
        f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})",
    )
    CONSOLE.print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=5000, help="of the COCO evaluation")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--smallest", action="store_true", help="a few seconds, to try the program")
    parser.add_argument("--only", choices=("coco", "confusion", "score"), action="append")
    options = parser.parse_args(arguments)
    parts = options.only or ["coco", "confusion", "score"]
    if options.smallest:
        options.images, options.rounds = 10, 1
    CONSOLE.print(
        f"Python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} cores, "
        f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS')}, {time.strftime('%Y-%m-%d')}"
    )
    if "coco" in parts:
        for zipf in (True, False):
            coco(options.images, zipf, options.rounds, 8 if options.smallest else 80)
    if "confusion" in parts:
        confusion(options.rounds, (64, 128) if options.smallest else (1024, 2048))
    if "score" in parts:
        whole(options.rounds, options.smallest)


if __name__ == "__main__":
    main()
