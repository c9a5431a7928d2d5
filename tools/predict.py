"""Predict on pictures: `python tools/predict.py --checkpoint runs/NAME a.jpg folder --out DIR`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import List  # noqa: UP035 - read at run time on Python 3.9

from densefit.checkpoint.load import load
from densefit.errors import ConfigError, writing
from densefit.predict.predictor import predict
from densefit.tools.files import Pictures
from densefit.tools.pictures import drawn, write_image
from densefit.tools.plain import map_files, plain_prediction
from densefit.tools.program import program
from densefit.tools.progress import Watched
from densefit.tools.trained import Trained, settings


@dataclass
class Predicting(Trained):
    __doc__ = f"""{str(Trained.__doc__).rstrip()}
        images: picture files, and folders that are searched with all below them.
    """

    images: List[str] = field(default_factory=list)  # noqa: UP006


def main(arguments: Sequence[str] | None = None) -> int:
    """The program."""
    text = "Draw each head's predictions on pictures, and write them as JSON lines."
    return program(lambda: run(*settings(Predicting, text, arguments, positional="images")))


def run(chosen: Predicting, place: Path) -> None:
    """One drawn picture for each given one, masks beside it, and `predictions.jsonl`."""
    if not chosen.images:
        raise ConfigError("No picture is given", fix="name files or folders")
    if chosen.out is None:
        raise ConfigError("Where should the pictures go?", fix="--out DIR")
    pictures = Pictures(chosen.images)
    network = load(place)
    out = Path(chosen.out)
    check_out(out, pictures, [head.name for head in network.heads])
    out.mkdir(parents=True, exist_ok=True)
    loader = chosen.loader(pictures)
    text = open(out / "predictions.jsonl", "w", encoding="utf-8")
    with text as lines, Watched(loader, "predicting") as watched:
        for key, predictions in predict(network, watched):
            image = pictures.image(key)
            write_image(out / key, drawn(network, image, predictions))
            line = {"image": str(pictures.paths[key]), "size": list(image.shape[:2])}
            for head in network.heads:
                line[head.name] = plain_prediction(predictions[head.name], head, out, key)
            with writing(out / "predictions.jsonl"):
                lines.write(json.dumps(line) + "\n")
    print(f"wrote {len(pictures)} pictures and predictions.jsonl to {out}")


def check_out(out: Path, pictures: Pictures, heads: Sequence[str]) -> None:
    """Raise ConfigError if a given picture would be overwritten, or `out` be searched next time.

    Args:
        out: folder that is written to.
        pictures: what is predicted on.
        heads: names of the heads, some of which write files of their own.
    """
    place = out.resolve()
    for folder in pictures.folders:
        if folder.resolve() in (place, *place.parents):
            raise ConfigError(
                "The results would be written into a folder of given pictures",
                received=f"--out {out}, in {folder}",
                fix="--out a folder elsewhere",
            )
    given = {path.resolve() for path in pictures.paths.values()}
    for key in pictures.paths:
        for written in (key, *(name for head in heads for name in map_files(key, head))):
            if (out / written).resolve() in given:
                raise ConfigError(
                    "A given picture would be overwritten",
                    received=out / written,
                    fix="--out another folder",
                )


if __name__ == "__main__":
    sys.exit(main())
