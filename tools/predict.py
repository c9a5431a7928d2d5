"""Predict on pictures: `python tools/predict.py --checkpoint runs/NAME a.jpg folder --out DIR`."""

from __future__ import annotations

import json
import os
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
from densefit.tools.report.predictions_json import map_files, prediction_to_json

FAILED = "failed.txt"


@dataclass
class Predicting(CheckpointSettings):
    __doc__ = f"""{str(CheckpointSettings.__doc__).rstrip()}
        images: picture files, and folders that are searched with all below them.
    """

    images: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Draw each head's predictions on pictures, and write them as JSON lines."
    return program(lambda: run(*settings(Predicting, text, arguments, positional="images")))


def run(chosen: Predicting, place: Path) -> None:
    """Write a drawn picture and the maps of each input, and `predictions.jsonl`.

    Raises:
        DataError: some pictures cannot be read; raised after all others are written.
    """
    if not chosen.images:
        raise ConfigError("No picture is given", fix="name files or folders")
    if chosen.out is None:
        raise ConfigError("Where should the pictures go?", fix="--out DIR")
    network = load(place)
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
    print(f"wrote {len(pictures) - len(failed)} pictures and predictions.jsonl to {out}")
    write_failed(out / FAILED, pictures)
    if failed:
        first = [f"{pictures.paths[name]}: {reason}" for name, reason in failed.items()]
        raise DataError(
            f"{len(failed)} of {len(pictures)} pictures cannot be read",
            received="; ".join(first[:3]) + ("; ..." if len(first) > 3 else ""),
            where=f"{out / FAILED} lists all",
            fix="fetch these files again; the others are done",
        )


def write_failed(path: Path, pictures: Pictures) -> None:
    """List unreadable pictures with the reason; remove the list of an earlier run."""
    lines = [f"{pictures.paths[name]}\t{why}\n" for name, why in pictures.failed.items()]
    if lines:
        path.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    else:
        path.unlink(missing_ok=True)


def written(key: str, heads: Sequence[str]) -> list[str]:
    """Names of all files that may be written for a picture: the drawing and the heads' maps."""
    return [key, *(name for head in heads for name in map_files(key, head))]


def check_out(out: Path, pictures: Pictures, heads: Sequence[str]) -> None:
    """Raise ConfigError if an input would be overwritten, or `out` lies in an input folder.

    Args:
        out: output folder.
        pictures: inputs.
        heads: names of the heads, some of which write maps.
    """
    place = Path(os.path.realpath(out))  # circular links raise where `out` is made
    for folder in pictures.folders:
        if Path(os.path.realpath(folder)) in (place, *place.parents):
            raise ConfigError(
                "The results would be written into a folder of given pictures",
                received=f"--out {out}, in {folder}",
                fix="--out a folder elsewhere",
            )
    given = {os.path.realpath(path) for path in pictures.paths.values()}
    for key in pictures.paths:
        for name in written(key, heads):
            if os.path.realpath(out / name) in given:
                raise ConfigError(
                    "A given picture would be overwritten",
                    received=out / name,
                    fix="--out another folder",
                )


if __name__ == "__main__":
    sys.exit(main())
