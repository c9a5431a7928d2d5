"""Export a network as ONNX: `densefit export runs/NAME --image-size 512x512 --out model.onnx`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from densefit.checkpoint.weights.exported import is_exported
from densefit.checkpoint.weights.load import load
from densefit.errors import ConfigError
from densefit.tools.recipes.checkpoint_settings import checkpoint_path, recipe_of, settings
from densefit.tools.recipes.data.export_samples import ExportSamples
from densefit.tools.recipes.program import program
from densefit.tools.recipes.recipe import Data
from densefit.tools.recipes.words.command_line import completed
from densefit.tools.recipes.words.image_size import image_size
from densefit.tools.report.export_table import print_export
from densefit.tools.report.stored_thresholds import stored_thresholds
from densefit.yaml_files.paths import files_field

_FLAGS = ("raw", "views", "half", "int8")
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
        views: add the outputs that flips, scales and windows are merged from, where a head needs
            others; they cost time in every run.
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
    views: bool = False
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
    network = load(checkpoint)  # first: one of a user's Symbol has no size of images
    recipe = recipe_of(checkpoint, is_needed=False)
    size = image_size(chosen.image_size, recipe)
    samples = ExportSamples(chosen.data, recipe, size, chosen.resize)
    from densefit.exporting.export import export

    exported = export(
        network,
        out,
        samples.for_check(),
        image_size=size,
        batch=chosen.batch,
        opset=chosen.opset,
        resize="letterbox" if chosen.resize == "letterbox" else "resize",
        raw=chosen.raw,
        views=chosen.views,
        half=chosen.half,
        int8=chosen.int8,
        calibrate=samples.for_calibration(chosen.calibrate) if chosen.int8 else None,
        engine=chosen.engine,
        metadata={
            "recipe": json.dumps({k: recipe[k] for k in _OF_RECIPE if k in recipe}),
            "thresholds": json.dumps(stored_thresholds(checkpoint).values()),
        },
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
    if chosen.resize not in ("letterbox", "stretch"):
        raise ConfigError(
            "Unknown way to resize", expected="letterbox or stretch", received=chosen.resize
        )
    if not is_exported(out):
        raise ConfigError(
            "The model's file has another ending", received=out, fix="--out NAME.onnx"
        )
    return out


if __name__ == "__main__":
    sys.exit(main())
