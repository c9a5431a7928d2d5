"""Exported ONNX models beside their networks: parity, size, speed, scores.

    python benchmarks/onnx_parity.py [--only resnet18] [--size 300x300] [--batches 1 8] [--rounds 5]
    python benchmarks/onnx_parity.py --checkpoint RUN --root DIR [--int8] [--calibrate train]
    python benchmarks/onnx_parity.py --smallest

Without a checkpoint: a row for each built-in backbone and head, with random parameters, and then
scores of a network of two heads that is trained on drawn shapes for a few epochs. With one: the
checkpoint's scores on its test split, by the network and by the exported models, and what they
cost. Milliseconds an image are those of `score` without metrics, in batches of 1 and 8: ONNX
Runtime and the engines compute the same images from memory in turn, each with OMP_NUM_THREADS
threads, after a round that is not measured; the median of the rounds is printed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from side_by_side import machine

import densefit as df
from densefit.datasets import Shapes
from densefit.engine.onnx.devices import thread_count
from densefit.exporting.samples import generated_images
from densefit.tools.benchmarking.timing import image_pass, milliseconds
from densefit.tools.recipes.checkpoint_settings import recipe_of
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.recipe import Data

BATCH = 8  # of scores
KEYPOINTS = {"keypoints": Shapes.keypoint_names, "flip_pairs": Shapes.flip_pairs}
HEADS: dict[str, dict[str, Any]] = {
    "detection": {"classes": 20},
    "fcos": {"classes": 20},
    "retinanet": {"classes": 20},
    "faster_rcnn": {"classes": 20},
    "mask_rcnn": {"classes": 20},
    "yolox": {"classes": 20},
    "segmentation": {"classes": 21},
    "classification": {"classes": 100},
    "multilabel": {"classes": 20},
    "instance": {"classes": 20},
    "panoptic": {"classes": ["ground", "sky", "car", "person"], "things": ["car", "person"]},
    "depth": {},
    "normals": {},
    "keypoints": {"classes": 1, **KEYPOINTS},
    **{
        f"segmentation {decoder}": {"task": "segmentation", "classes": 21, "decoder": decoder}
        for decoder in ("ddrnet", "fcn", "lraspp", "pspnet", "segformer", "unet")
    },
}
BACKBONES = ("resnet18", "resnet34", "resnet50", "mobilenetv2")
#: Further kinds of backbones, each with the heads of FURTHER_HEADS.
FURTHER = (
    *("resnet50d", "resnet50_v2", "resnext50_32x4d", "vgg16_bn", "mobilenetv3_small"),
    *("efficientnet_b0", "efficientnet_lite0", "regnety_400mf", "convnext_tiny", "darknet53"),
    *("cspdarknet_s", "hrnet_w18", "ddrnet23_slim"),
)
FURTHER_HEADS = ("detection", "segmentation ddrnet")


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


def passes(network: df.Network, images: np.ndarray, batch: int, engine: str | None) -> Any:
    """A function that computes all images; None where the engine is not installed."""
    try:
        return image_pass(network, list(images), batch, engine)
    except df.errors.EngineError:
        return None


def costs_of(contenders: Mapping[str, Any], count: int, rounds: int) -> dict[str, float]:
    """Median milliseconds an image by name; nan for what is not installed."""
    installed = {name: compute for name, compute in contenders.items() if compute is not None}
    spent = milliseconds(installed, count, rounds)
    return {name: spent.get(name, float("nan")) for name in contenders}


def networks(options: argparse.Namespace) -> Iterator[tuple[str, df.Network]]:
    """Every backbone with every head, by name; further backbones with a few heads."""
    pairs = [(backbone, head) for backbone in BACKBONES for head in HEADS]
    pairs += [(backbone, head) for backbone in FURTHER for head in FURTHER_HEADS]
    for backbone, head in pairs:
        name = f"{backbone} {head}"
        if fnmatch(name, f"*{options.only}*"):
            yield name, df.Network(backbone, [df.head(**{"task": head, **HEADS[head]})])


def table(options: argparse.Namespace) -> None:
    """Print a row for each output of each network."""
    size = options.size
    images = np.stack(generated_images(size, options.images))
    print(f"{machine()}, {size[0]}x{size[1]}, {options.images} images, {thread_count()} threads")
    columns = ["largest", "differing", "nodes", "MB"]
    columns += [f"{name} {batch}" for batch in options.batches for name in ("onnx", *ENGINES)]
    print(f"{'network, output; ms, batch':46}" + "".join(f"{column:>11}" for column in columns))
    with tempfile.TemporaryDirectory() as folder:
        for name, network in networks(options):
            draw_parameters(network, size)
            exported = df.export(network, Path(folder) / "model.onnx", image_size=size)
            facts = [f"{exported.nodes:11}", f"{exported.size / 1e6:11.1f}"]
            for batch in options.batches:
                contenders = {"onnx": passes(df.load(exported.path), images, batch, None)}
                contenders.update({e: passes(network, images, batch, e) for e in ENGINES})
                costs = costs_of(contenders, len(images), options.rounds)
                facts += [f"{cost:11.1f}" for cost in costs.values()]
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
    """Print the scores and costs of a network, by each engine, and of its exported models.

    Differences are from the first engine, speeds relative to the float32 model.
    """
    images = np.stack(generated_images(size, options.images))
    heads = network.adapters.items()
    keys = [f"{name}/{head.metrics('evaluate')[0].primary}" for name, head in heads]
    kinds: dict[str, dict[str, Any]] = {"float32": {}, "float16": {"half": True}}
    if options.int8 or not options.checkpoint:
        kinds["int8"] = {"int8": True, "calibrate": calibrate}
    with tempfile.TemporaryDirectory() as folder:
        paths = {kind: Path(folder) / f"{kind}.onnx" for kind in kinds}
        sizes = {
            kind: df.export(network, paths[kind], data, image_size=size, **settings).size
            for kind, settings in kinds.items()
        }
        contenders: dict[str, tuple[df.Network, str | None]] = {
            engine: (network, engine) for engine in ENGINES if passes(network, images, 1, engine)
        }
        contenders.update({kind: (df.load(path), None) for kind, path in paths.items()})
        costs = dict.fromkeys(contenders, "")
        for batch in options.batches:
            runs = {n: passes(model, images, batch, e) for n, (model, e) in contenders.items()}
            spent = costs_of(runs, len(images), options.rounds)
            for name, value in spent.items():
                costs[name] += f"{value:14.1f}{spent['float32'] / value:7.2f}x"
        columns = "".join(f"{f'ms, batch {batch}':>14}{'speed':>8}" for batch in options.batches)
        columns += "".join(f"{key:>24}" for key in keys) + f"{'of all scores':>16}"
        print(f"{thread_count()} threads\n{'':12}{'MB':>8}{columns}")
        expected: dict[str, float] = {}
        for name, (model, engine) in contenders.items():
            scores = df.score(model, data, engine=engine)
            expected = expected or scores
            gaps = [abs(scores[key] - value) for key, value in expected.items()]
            values = "".join(f"{scores[k]:14.5f} {scores[k] - expected[k]:+9.1e}" for k in keys)
            megabytes = f"{sizes[name] / 1e6:.1f}" if name in sizes else ""
            row = f"{name:12}{megabytes:>8}{costs[name]}{values}{np.nanmax(gaps):16.1e}"
            print(row, flush=True)


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
    """Compare the scores of a checkpoint on the data of its recipe."""
    recipe = recipe_of(Path(options.checkpoint))
    settings = Data(**{**recipe["data"], "root": options.root or recipe["data"]["root"]})
    height, width = recipe["input_size"]
    kind = "letterbox" if recipe["resize"] == "letterbox" else "resize"
    transform = df.transform(kind, height=height, width=width)

    def loader(split: str) -> Any:
        return df.Loader(make_dataset(settings, split), batch_size=BATCH, transform=transform)

    split = options.split or settings.test or settings.validation
    calibrate = loader(options.calibrate) if options.int8 else None
    print(f"{options.checkpoint}, {settings.dataset} {split}, {height}x{width}, {machine()}")
    score_rows(df.load(options.checkpoint), loader(split), calibrate, (height, width), options)


def size_of(text: str) -> tuple[int, int]:
    """(height, width) from "300x400"."""
    height, width = text.split("x")
    return int(height), int(width)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="part of the names of networks")
    parser.add_argument("--size", type=size_of, default=(300, 300), help="heightxwidth")
    parser.add_argument("--images", type=int, default=8, help="that are timed")
    parser.add_argument(
        "--batches", type=int, nargs="+", default=[1, 8], help="sizes that are timed"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=400, help="drawn shapes of the training")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--checkpoint", help="a run, in place of the tables")
    parser.add_argument("--root", help="folder of its dataset; as trained by default")
    parser.add_argument("--split", help="by default the recipe's test split")
    parser.add_argument("--int8", action="store_true", help="quantise, too")
    parser.add_argument(
        "--calibrate", default="train", help="split that activations are measured on"
    )
    parser.add_argument("--smallest", action="store_true", help="one network, in seconds")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.only, options.size, options.images = "mobilenetv2 detection", (64, 64), 2
        options.rounds, options.samples, options.epochs, options.batches = 1, 8, 1, [2]
    if options.checkpoint:
        of_checkpoint(options)
        return
    table(options)
    of_shapes(options)


if __name__ == "__main__":
    main()
