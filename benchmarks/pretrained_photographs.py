"""Pretrained weights on photographs: densefit's features and top-5 beside the original networks'.

    densefit weights fetch mobilenetv2      # and efficientnet_lite0, 1 and 2
    python benchmarks/pretrained_photographs.py --photographs FOLDER
    python benchmarks/pretrained_photographs.py --smallest    # random weights, a generated picture

The original is torchvision's MobileNetV2, and timm's EfficientNet-Lite with the names of the file
translated. Both get the same centre of each photograph, 224x224 (240 and 260 for Lite1 and Lite2).
A row for each network and photograph: the largest difference of the features at stride 32, as a
share of their largest number, and the five classes that the original's last layers find in each
one's features, with the probability of the first. Without FOLDER: the photographs of an installed
scikit-image (astronaut, chelsea, coffee, motorcycle, rocket), which is not imported.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from originals import NAMES, features_of, original, probabilities
from side_by_side import machine

import densefit as df
from densefit.checkpoint.weights.library import search
from densefit.checkpoint.weights.library.table import TABLE
from densefit.tasks.classification import Classification

PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
SIDES = {"efficientnet_lite1": 240, "efficientnet_lite2": 260}
MARGIN = 0.875  # side of the centre, as a share of the shorter side


class FeatureHead(Classification):
    """Predicts the deepest feature map of the backbone."""

    def evaluate(self, features: Any) -> dict[str, Any]:
        """`probabilities` (B, C, h, w): the map."""
        return {"probabilities": features.maps[32]}


def centre(image: np.ndarray, side: int) -> np.ndarray:
    """The centre of an RGB image, (side, side, 3)."""
    scale = side / MARGIN / min(image.shape[:2])
    resized = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    top, left = ((length - side) // 2 for length in resized.shape[:2])
    return np.ascontiguousarray(resized[top : top + side, left : left + side])


def compare(name: str, file: Path | None, images: Mapping[str, np.ndarray]) -> list[list[str]]:
    """Rows of the table for one network."""
    model = original(name, file)
    network = df.Network(name, [FeatureHead(2, name="map")])
    with tempfile.TemporaryDirectory() as folder:
        if file is None:
            file = Path(folder) / "random.pth"
            torch.save(model.state_dict(), file)
        df.load_weights(network, file)
    channels = network.graph("evaluate", (64, 64)).infer_shape(data=(1, 3, 64, 64))[1][0][1]
    classifier = {"map_class_weight": np.zeros((2, channels)), "map_class_bias": np.zeros(2)}
    network.set_params({**network.parameters, **classifier}, network.statistics)
    mean, std = (np.float32(part) for part in (network.backbone.mean, network.backbone.std))
    rows = []
    for title, image in images.items():
        side = SIDES.get(name, 224)
        picture, size = centre(image, side), df.transform("resize", height=side, width=side)
        tensor = torch.from_numpy((picture - mean) / std).permute(2, 0, 1)[None]
        with torch.no_grad():
            expected = features_of(model, tensor)
            ours = torch.from_numpy(df.predict(network, picture, transform=size)["map"])[None]
            error = float((ours - expected).abs().max() / expected.abs().max())
            both = [probabilities(model, x)[0] for x in (ours, expected)]
        best = [np.argsort(-scores)[:5].tolist() for scores in both]
        names = ", ".join(NAMES[index] for index in best[0])
        same = "same" if best[0] == best[1] else "OTHERS"
        rows.append([name, title, f"{error:.1e}", same, f"{both[0].max():.2f}", names])
    return rows


def photographs(folder: Path | None) -> dict[str, np.ndarray]:
    """Title -> RGB image, of the photographs in a folder."""
    if folder is None:
        spec = importlib.util.find_spec("skimage")
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit("scikit-image is not installed: --photographs FOLDER")
        folder = Path(spec.submodule_search_locations[0], "data")
    files = [folder / name for name in PHOTOGRAPHS if (folder / name).is_file()]
    files = files or sorted(file for file in folder.iterdir() if file.suffix in (".jpg", ".png"))
    return {file.stem: cv2.imread(str(file), cv2.IMREAD_COLOR)[..., ::-1] for file in files}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photographs", type=Path, help="folder of photographs")
    parser.add_argument("--smallest", action="store_true", help="random weights, one picture")
    settings = parser.parse_args(arguments)
    print(machine())
    if settings.smallest:
        noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
        images = {"noise": cv2.resize(noise, (256, 256))}
        files: dict[str, Path | None] = {"mobilenetv2": None}
    else:
        images = photographs(settings.photographs)
        names = ("mobilenetv2", *(f"efficientnet_lite{number}" for number in range(3)))
        entries = [entry for entry in TABLE if entry.name in names]
        files = {entry.name: search.find(entry) for entry in entries}
        files = {name: path for name, path in files.items() if path is not None}
        if not files:
            raise SystemExit("no weights are there: densefit weights fetch mobilenetv2")
    print("| network | photograph | difference | top-5 | p | classes |\n|---|---|---|---|---|---|")
    for name, file in files.items():
        for row in compare(name, file, images):
            print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
