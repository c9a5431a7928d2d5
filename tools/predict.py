"""Predict on images: `densefit predict --checkpoint runs/NAME a.jpg folder --out DIR`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from densefit.data.workers.factory import default_workers
from densefit.errors import ConfigError, DataError
from densefit.model.network import Network
from densefit.tools.formats.picture_files import Pictures
from densefit.tools.predicting.coco_numbers import CocoNumbers
from densefit.tools.predicting.drawing_thresholds import set_thresholds
from densefit.tools.predicting.formats import FORMATS, Context, check_formats, names_of
from densefit.tools.predicting.frames import Frames
from densefit.tools.predicting.inputs import Inputs, inputs_of
from densefit.tools.predicting.items import frame_items, picture_items
from densefit.tools.predicting.make_predictor import load_network, make_predictor, untiled
from densefit.tools.predicting.pipeline import Item
from densefit.tools.predicting.settings import FilePrediction, needs_recipe
from densefit.tools.predicting.summary_line import printable
from densefit.tools.predicting.write_results import write_results
from densefit.tools.recipes.checkpoint_settings import settings
from densefit.tools.recipes.program import program
from densefit.tools.recipes.run.out_folder import make_folder
from densefit.tools.recipes.words.command_line import with_lists
from densefit.tools.report.file_names import FileNames
from densefit.tools.report.prediction_files import check_out, failures, write_failed

FAILED = "failed.txt"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Predict on images, folders, videos or a camera: drawings, and files of many formats."
    words = with_lists(sys.argv[1:] if arguments is None else arguments, ("save", "classes"))
    is_needed = needs_recipe(words)
    return program(lambda: run(*settings(FilePrediction, text, words, "images", is_needed)))


def run(chosen: FilePrediction, checkpoint: Path) -> None:
    """Write the files that `save` names for each input.

    Raises:
        DataError: some inputs cannot be read; raised after all others are written.
    """
    inputs = inputs_of(chosen.images)
    if chosen.out is None:
        raise ConfigError("There is no output folder", fix="--out DIR")
    check_formats(chosen.save)
    network = load_network(chosen, checkpoint)
    heads = [head.name for head in network.heads]
    out = Path(chosen.out)
    pictures = Pictures(inputs.pictures, partial(names_of, heads=heads, formats=chosen.save))
    failed = dict(inputs.missing)
    videos = _open_videos(inputs, chosen, failed)
    check_out(out, pictures, partial(names_of, heads=heads, formats=chosen.save))
    make_folder(out)
    annotations = None if chosen.coco_annotations is None else Path(chosen.coco_annotations)
    context = Context(out, network, CocoNumbers(annotations))
    for line in [*set_thresholds(network, checkpoint, chosen.threshold), *_notes(chosen, network)]:
        print(line)
    written = write_results(
        _items(pictures, videos, failed),
        make_predictor(chosen, network),
        [FORMATS[name](context) for name in dict.fromkeys(chosen.save)],
        chosen.selection(),
        **_ahead(chosen),
        videos=videos,
    )
    failed.update(failures(pictures))
    files = "".join(f" and {text}" for text in [", ".join(written.files)] if text)
    print(f"wrote {written.count} image{'' if written.count == 1 else 's'}{files} to {out}")
    write_failed(out / FAILED, failed)
    if failed:
        first = [printable(f"{path}: {reason}") for path, reason in failed.items()]
        total = len(pictures) + len(inputs.missing) + len(inputs.videos) + len(inputs.cameras)
        raise DataError(
            f"{len(failed)} of {total} images cannot be read",
            received="; ".join(first[:3]) + ("; ..." if len(first) > 3 else ""),
            where=f"{out / FAILED} lists all",
            fix="fetch these files again; the others are done",
        )


def _open_videos(
    inputs: Inputs, chosen: FilePrediction, failed: dict[str, str]
) -> dict[str, Frames]:
    """Open all videos and cameras before the work begins: unique name -> frames."""
    names, videos = FileNames(lambda name: [name]), dict[str, Frames]()
    sources: list[Path | int] = [*inputs.videos, *inputs.cameras]
    for source in sources:
        try:
            frames = Frames(source, chosen.every, chosen.frames)
        except DataError as error:
            failed[str(source)] = error.what
            continue
        videos[names.take(frames.name, ".mp4")[: -len(".mp4")]] = frames
    return videos


def _items(pictures: Pictures, videos: dict[str, Frames], failed: dict[str, str]) -> Iterator[Item]:
    yield from picture_items(pictures)
    for name, frames in videos.items():
        yield from frame_items(frames, name, failed)


def _ahead(chosen: FilePrediction) -> dict[str, int]:
    """Threads that read, and images that are predicted at once; large images are read one ahead."""
    workers = default_workers() if chosen.data.workers is None else chosen.data.workers
    if chosen.tile is not None or chosen.windows:
        return {"workers": min(workers, 1), "together": 1}
    # Of images at their own size more wait, so that some of them have one size.
    return {
        "workers": workers,
        "together": chosen.score_batch_size * (4 if chosen.resize == "none" else 1),
    }


def _notes(chosen: FilePrediction, network: Network) -> list[str]:
    """What --tile does not do."""
    return [
        f"{name}: predicted on the whole image: it is a label of it, which no tile shows"
        for name in untiled(chosen, network)
    ]


if __name__ == "__main__":
    sys.exit(main())
