"""Predict on images: `densefit predict --checkpoint runs/NAME a.jpg folder --out DIR`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from densefit.checkpoint.weights.load import load
from densefit.errors import ConfigError, DataError, writing
from densefit.evaluation.predict import predict
from densefit.tools.formats.picture_files import Pictures
from densefit.tools.recipes.checkpoint_settings import CheckpointSettings, settings
from densefit.tools.recipes.out_folder import make_folder
from densefit.tools.recipes.program import program
from densefit.tools.recipes.progress import WithProgress
from densefit.tools.report.pictures import drawn, write_image
from densefit.tools.report.prediction_files import check_out, write_failed, written
from densefit.tools.report.predictions_json import prediction_to_json

FAILED = "failed.txt"


@dataclass
class Predicting(CheckpointSettings):
    __doc__ = f"""{str(CheckpointSettings.__doc__).rstrip()}
        images: image files, and folders that are searched recursively.
    """

    images: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Draw each head's predictions on images, and write them as JSON lines."
    return program(lambda: run(*settings(Predicting, text, arguments, positional="images")))


def run(chosen: Predicting, checkpoint: Path) -> None:
    """Write a drawing and the maps of each input, and `predictions.jsonl`.

    Raises:
        DataError: some images cannot be read; raised after all others are written.
    """
    if not chosen.images:
        raise ConfigError("No image is given", fix="list files or folders")
    if chosen.out is None:
        raise ConfigError("There is no output folder", fix="--out DIR")
    network = load(checkpoint)
    heads = [head.name for head in network.heads]
    pictures = Pictures(chosen.images, partial(written, heads=heads))
    out = Path(chosen.out)
    check_out(out, pictures, heads)
    make_folder(out)
    loader = chosen.loader(pictures)
    text = open(out / "predictions.jsonl", "w", encoding="utf-8")
    with text as lines, WithProgress(loader, "predicting") as watched:
        for key, predictions in predict(network, watched):
            image = None if key in pictures.failed else pictures.image(key)
            if image is None:
                continue
            write_image(out / key, drawn(network, image, predictions))
            line = {
                "image": str(pictures.paths[key]),
                "drawn": key,
                "size": list(image.shape[:2]),
            }
            for head in network.heads:
                line[head.name] = prediction_to_json(predictions[head.name], head, out, key)
            with writing(out / "predictions.jsonl"):
                lines.write(json.dumps(line) + "\n")
    failed = pictures.failed
    print(f"wrote {len(pictures) - len(failed)} images and predictions.jsonl to {out}")
    write_failed(out / FAILED, pictures)
    if failed:
        first = [f"{pictures.paths[name]}: {reason}" for name, reason in failed.items()]
        raise DataError(
            f"{len(failed)} of {len(pictures)} images cannot be read",
            received="; ".join(first[:3]) + ("; ..." if len(first) > 3 else ""),
            where=f"{out / FAILED} lists all",
            fix="fetch these files again; the others are done",
        )


if __name__ == "__main__":
    sys.exit(main())
