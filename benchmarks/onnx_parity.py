"""Exported ONNX models beside their networks: parity, size, speed, scores.

    python benchmarks/onnx_parity.py [--only resnet18] [--size 300x300] [--images 16] [--rounds 5]
    python benchmarks/onnx_parity.py --checkpoint RUN --dataset coco --root DIR --split test --int8
        [--calibrate train]
    python benchmarks/onnx_parity.py --smallest

Without a checkpoint: a row for each built-in backbone and head, with random parameters, and then
scores of a network of two heads that is trained on drawn shapes for a few epochs. With one: the
checkpoint's scores on a dataset, by the network and by the exported models, and what they cost.
Milliseconds are of an image in batches of 8, the least of some rounds, without reading images.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from side_by_side import machine

import densefit as df
from densefit import engine as engines
from densefit.datasets import Shapes
from densefit.engine.batch_reader import BatchReader
from densefit.evaluation.images import image_loader
from densefit.exporting.samples import generated_images

BATCH = 8
KEYPOINTS = {"keypoints": Shapes.keypoint_names, "flip_pairs": Shapes.flip_pairs}
HEADS: dict[str, dict[str, Any]] = {
    "detection": {"classes": 20},
    "segmentation": {"classes": 21},
    "classification": {"classes": 100},
    "multilabel": {"classes": 20},
    "instance": {"classes": 20},
    "panoptic": {"classes": ["ground", "sky", "car", "person"], "things": ["car", "person"]},
    "depth": {},
    "normals": {},
    "keypoints": {"classes": 1, **KEYPOINTS},
}
BACKBONES = ("resnet18", "resnet34", "resnet50", "mobilenetv2")


def draw_parameters(network: df.Network, size: tuple[int, int]) -> None:
    """Draw values that keep the size of activations from layer to layer."""
    symbol = network.graph("evaluate", size)
    shapes, _, states = symbol.infer_shape(data=(1, 3, *size))
    rng = np.random.default_rng(0)

    def drawn(name: str, shape: tuple[int, ...]) -> np.ndarray:
        if name.endswith(("_gamma", "_var")):
            return rng.uniform(0.5, 1.5, shape)
        deviation = 0.1 if len(shape) < 2 else np.sqrt(1.2 / np.prod(shape[1:]))
        return rng.normal(0, deviation, shape)

    names = (symbol.list_arguments(), symbol.list_auxiliary_states())
    network.set_params(
        *(
            {n: drawn(n, s).astype(np.float32) for n, s in zip(*pair) if n != "data"}
            for pair in zip(names, (shapes, states))
        )
    )


def model_ms(path: Path, images: np.ndarray, options: argparse.Namespace) -> float:
    """Milliseconds an image in ONNX Runtime."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.log_severity_level = options.threads, 3
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])

    def run() -> None:
        for start in range(0, len(images), BATCH):
            session.run(None, {"image": images[start : start + BATCH]})

    return least(run, options.rounds) / len(images)


def network_ms(network: df.Network, images: np.ndarray, name: str, rounds: int) -> float:
    """Milliseconds an image in an engine, nan where it is not installed."""
    try:
        learner = engines.make(network, None, name)
    except df.errors.EngineError:
        return float("nan")
    transform = df.transform("resize", height=images.shape[1], width=images.shape[2])
    loader = image_loader(list(images), transform, BATCH)
    reader = BatchReader(loader, list(network.adapters.values()), "benchmark")
    return least(lambda: [None for _ in learner.evaluate(reader)], rounds) / len(images)


def least(run: Any, rounds: int) -> float:
    """Milliseconds of the fastest of some rounds, after one that is not measured."""
    run()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def networks(options: argparse.Namespace) -> Iterator[tuple[str, df.Network]]:
    """Every backbone with every head, by name."""
    for backbone in BACKBONES:
        for task, settings in HEADS.items():
            name = f"{backbone} {task}"
            if fnmatch(name, f"*{options.only}*"):
                yield name, df.Network(backbone, [df.head(task, **settings)])


def table(options: argparse.Namespace) -> None:
    """Print a row for each output of each network."""
    size = options.size
    images = np.stack(generated_images(size, options.images))
    print(f"{machine()}, {size[0]}x{size[1]}, {options.images} images, {options.threads} threads")
    columns = ["largest", "differing", "nodes", "MB", "ONNX ms", *(f"{e} ms" for e in ENGINES)]
    print(f"{'network, output':46}" + "".join(f"{column:>11}" for column in columns))
    with tempfile.TemporaryDirectory() as folder:
        for name, network in networks(options):
            draw_parameters(network, size)
            exported = df.export(network, Path(folder) / "model.onnx", image_size=size)
            costs = [model_ms(exported.path, images, options)]
            costs += [network_ms(network, images, engine, options.rounds) for engine in ENGINES]
            facts = [f"{exported.nodes:11}", f"{exported.size / 1e6:11.1f}"]
            facts += [f"{cost:11.1f}" for cost in costs]
            for parity in exported.parity.values():
                row = f"{parity.largest:11.1e}{parity.differing:11.1e}" + "".join(facts)
                print(f"{f'{name}, {parity.output}':46}{row}", flush=True)
                facts = []


ENGINES = ("mxnet", "torch")


def score_rows(
    network: df.Network,
    data: Any,
    calibrate: Any,
    size: tuple[int, int],
    options: argparse.Namespace,
) -> None:
    """Print the scores and costs of a network and of its exported models."""
    images = np.stack(generated_images(size, options.images))
    expected = df.score(network, data)
    heads = network.adapters.items()
    keys = [f"{name}/{head.metrics('evaluate')[0].primary}" for name, head in heads]
    columns = "".join(f"{key:>24}" for key in keys) + f"{'of all scores':>16}"
    print(f"{'':12}{'MB':>8}{'ms':>8}{columns}")
    engine = engines.engine_name(None, network)
    cost = network_ms(network, images, engine, options.rounds)
    print(f"{engine:12}{'':8}{cost:8.1f}" + "".join(f"{expected[k]:24.5f}" for k in keys))
    kinds: dict[str, dict[str, Any]] = {"float32": {}, "float16": {"half": True}}
    if options.int8 or not options.checkpoint:
        kinds["int8"] = {"int8": True, "calibrate": calibrate}
    with tempfile.TemporaryDirectory() as folder:
        for kind, settings in kinds.items():
            path = Path(folder) / f"{kind}.onnx"
            exported = df.export(network, path, data, image_size=size, **settings)
            scores = df.score(df.load(path), data)
            cost = model_ms(path, images, options)
            values = "".join(f"{scores[k]:14.5f} {scores[k] - expected[k]:+9.1e}" for k in keys)
            gaps = [abs(scores[key] - value) for key, value in expected.items()]
            values += f"{np.nanmax(gaps):16.1e}"
            print(f"{kind:12}{exported.size / 1e6:8.1f}{cost:8.1f}{values}", flush=True)


def of_shapes(options: argparse.Namespace) -> None:
    """Train on drawn shapes, and compare the scores."""
    size, classes = (64, 96), ["circle", "square", "triangle"]
    heads = [
        df.head("detection", classes=classes, strides=(8, 16), channels=32),
        df.head("segmentation", classes=4, decoder="fcn", channels=32),
    ]
    network = df.Network("resnet18", heads, settings={"width": 16})
    transform = df.transform("resize", height=size[0], width=size[1])
    train = df.Loader(
        Shapes(options.samples, size=size, seed=1), batch_size=8, heads=heads, transform=transform,
        shuffle=True, workers=0,
    )  # fmt: skip
    validation = df.Loader(
        Shapes(options.samples // 2, size=size, seed=2), batch_size=8, transform=transform,
        workers=0,
    )  # fmt: skip
    df.fit(network, train, epochs=options.epochs, optimizer="adam", schedule=df.Cosine(lr=0.003))
    print(f"\nShapes, {options.samples // 2} images, {options.epochs} epochs")
    score_rows(network, validation, validation, size, options)


def of_checkpoint(options: argparse.Namespace) -> None:
    """Compare the scores of a checkpoint on a dataset."""
    network = df.load(options.checkpoint)
    transform = df.transform(options.resize, height=options.size[0], width=options.size[1])

    def loader(split: str) -> Any:
        settings = {"root": options.root, **({"split": split} if split else {})}
        dataset = df.dataset(options.dataset, **settings)
        return df.Loader(dataset, batch_size=BATCH, transform=transform)

    calibrate = loader(options.calibrate) if options.int8 else None
    print(f"{options.checkpoint}, {options.dataset} {options.split}, {machine()}")
    score_rows(network, loader(options.split), calibrate, options.size, options)


def size_of(text: str) -> tuple[int, int]:
    """(height, width) from "300x400"."""
    height, width = text.split("x")
    return int(height), int(width)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="part of the names of networks")
    parser.add_argument("--size", type=size_of, default=(300, 300), help="heightxwidth")
    parser.add_argument("--images", type=int, default=16, help="that are timed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--samples", type=int, default=400, help="drawn shapes of the training")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--checkpoint", help="a run, in place of the tables")
    parser.add_argument("--dataset", help="its registered name")
    parser.add_argument("--root", help="its folder")
    parser.add_argument("--split", default="test")
    parser.add_argument("--resize", default="resize", choices=("resize", "letterbox"))
    parser.add_argument("--int8", action="store_true", help="quantise, too")
    parser.add_argument(
        "--calibrate", default="train", help="split that activations are measured on"
    )
    parser.add_argument("--smallest", action="store_true", help="one network, in seconds")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.only, options.size, options.images = "mobilenetv2 detection", (64, 64), 8
        options.rounds, options.samples, options.epochs = 1, 16, 1
    if options.checkpoint:
        of_checkpoint(options)
        return
    table(options)
    of_shapes(options)


if __name__ == "__main__":
    main()
