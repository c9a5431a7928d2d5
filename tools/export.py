"""Export a network as ONNX: `densefit export runs/NAME --image-size 512x512 --out model.onnx`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from densefit.checkpoint.weights.exported import is_exported
from densefit.checkpoint.weights.load import load
from densefit.data.loader.loader import Loader
from densefit.data.subset import Subset
from densefit.errors import ConfigError, DataError
from densefit.tools.recipes.checkpoint_dataset import CheckpointDataset
from densefit.tools.recipes.checkpoint_settings import checkpoint_path, recipe_of, settings
from densefit.tools.recipes.command_line import completed
from densefit.tools.recipes.data.loaders import make_dataset, score_loader
from densefit.tools.recipes.program import program
from densefit.tools.recipes.recipe import Data
from densefit.tools.report.export_table import print_export
from densefit.yaml_files.paths import files_field

_FLAGS = ("raw", "half", "int8")
_COMPARED, _CALIBRATED = 8, 128  # samples
_OF_RECIPE = ("data", "datasets", "mixture", "resize")


@dataclass
class Exporting:
    """Settings of an export.

    Args:
        checkpoint: a checkpoint, or a run's folder (its best checkpoint, else its newest); may
            come first, without the option.
        image_size: HEIGHTxWIDTH of the images, fixed in the model; as trained by default.
        batch: images that the model takes at once; any number by default.
        opset: version of ONNX's operators.
        raw: leave out the suppression of overlapping boxes (NMS), for TensorRT and OpenVINO.
        half: compute in float16; the suppression stays in float32.
        int8: quantise weights and activations to 8 bits.
        calibrate: split whose samples give the ranges of activations, for --int8.
        out: file of the model, NAME.onnx; a program NAME.py that runs it is written beside it.
        resize: letterbox or stretch, as trained by default.
        engine: mxnet or torch, which computes the network for the comparison.
        data: as trained by default.
        plugins: the Python files that the checkpoint was trained with (docs/plugins.md).
    """

    checkpoint: str | None = None
    image_size: str | None = None
    batch: int | None = None
    opset: int = 18
    raw: bool = False
    half: bool = False
    int8: bool = False
    calibrate: str = "train"
    out: str = "model.onnx"
    resize: str = "letterbox"
    engine: str | None = None
    data: Data = field(default_factory=Data)
    plugins: list[str] = files_field()

    def find_checkpoint(self) -> Path:
        """Path of the checkpoint that the settings name."""
        paths = {self.checkpoint} if self.checkpoint is not None else set()
        return checkpoint_path(paths, "densefit export runs/NAME")


@dataclass
class _Input:
    """Input of the network when samples are read."""

    input_size: tuple[int, int]
    resize: str
    score_batch_size: int = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Export a network as ONNX, and compare it with the network on real samples."
    words = completed(sys.argv[1:] if arguments is None else arguments, "checkpoint", _FLAGS)
    return program(lambda: run(*settings(Exporting, text, words, needs_recipe=False)))


def run(chosen: Exporting, checkpoint: Path) -> None:
    """Export the network, and print the comparison.

    Raises:
        ConfigError: settings out of range, or the checkpoint is exported already.
        ExportError: the network has no equivalent in ONNX, or the outputs differ.
    """
    out = _checked_path(chosen, checkpoint)
    recipe = recipe_of(checkpoint, is_needed=False)
    size = _size(chosen.image_size, recipe)
    samples = _Samples(chosen, recipe, _Input(size, chosen.resize))
    from densefit.exporting.export import export

    exported = export(
        load(checkpoint),
        out,
        samples.for_check(),
        image_size=size,
        batch=chosen.batch,
        opset=chosen.opset,
        resize="letterbox" if chosen.resize == "letterbox" else "resize",
        raw=chosen.raw,
        half=chosen.half,
        int8=chosen.int8,
        calibrate=samples.for_calibration() if chosen.int8 else None,
        engine=chosen.engine,
        metadata={"recipe": json.dumps({k: recipe[k] for k in _OF_RECIPE if k in recipe})},
    )
    print_export(exported, checkpoint)


def _checked_path(chosen: Exporting, checkpoint: Path) -> Path:
    out = Path(chosen.out)
    if is_exported(checkpoint):
        raise ConfigError(
            "The model is exported already", where=checkpoint, fix="name the checkpoint"
        )
    if chosen.batch is not None and chosen.batch < 1:
        raise ConfigError(
            "The batch of the model is a number of images",
            received=f"--batch {chosen.batch}",
            fix="leave it out for any number",
        )
    if not is_exported(out):
        raise ConfigError(
            "The model's file has another ending", received=out, fix="--out NAME.onnx"
        )
    return out


def _size(text: str | None, recipe: Mapping[str, Any]) -> tuple[int, int]:
    """(height, width) of `512x384`, or of `512`, which is square; by default the recipe's."""
    if text is None:
        if "input_size" not in recipe:
            raise ConfigError(
                "The checkpoint does not say which size its images had",
                fix="--image-size HEIGHTxWIDTH",
            )
        height, width = recipe["input_size"]
        return int(height), int(width)
    match = re.fullmatch(r"([1-9]\d*)(?:[x×]([1-9]\d*))?", text)
    if match is None:
        raise ConfigError(
            "This is no size of images",
            expected="HEIGHTxWIDTH",
            received=text,
            fix="--image-size 512x512",
        )
    return int(match[1]), int(match[2] or match[1])


class _Samples:
    """Real samples of the training's dataset, at the input size.

    Args:
        chosen: settings of the export.
        recipe: recipe of the training; empty if unknown.
        shape: input of the network.
    """

    def __init__(self, chosen: Exporting, recipe: Mapping[str, Any], shape: _Input) -> None:
        self._chosen, self._shape = chosen, shape
        self._data: Data | None = chosen.data if recipe or chosen.data != Data() else None
        if recipe.get("datasets"):  # any of them shows whether the outputs are equal
            part = CheckpointDataset(recipe, next(iter(recipe["datasets"])))
            self._data = part.data(chosen.data)

    def for_check(self) -> Loader | None:
        """Samples of the test split; None, with a note, if they cannot be read."""
        data = self._data
        split = None if data is None else data.test or data.validation or data.train
        try:
            return None if split is None else self._loader(split, _COMPARED)
        except (ConfigError, DataError) as error:
            what = str(error.what).rstrip(".")
            print(f"checked on generated images: {what} ({error.where})", file=sys.stderr)
            return None

    def for_calibration(self) -> Loader:
        """Samples of the split `calibrate`."""
        return self._loader(self._chosen.calibrate, _CALIBRATED)

    def _loader(self, split: str, count: int) -> Loader:
        """Samples at even distances in a split."""
        if self._data is None:
            raise ConfigError(
                "The checkpoint does not say which data it was trained on",
                fix="--data.dataset NAME --data.root DIR",
            )
        dataset = make_dataset(self._data, split)
        indices = np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round()
        return score_loader(self._shape, Subset(dataset, indices.astype(int).tolist()), self._data)


if __name__ == "__main__":
    sys.exit(main())
