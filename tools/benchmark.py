"""Compare engines and formats of a network: `densefit benchmark --checkpoint runs/NAME`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from densefit import engine as engines
from densefit.checkpoint.weights.exported import is_exported
from densefit.checkpoint.weights.load import load
from densefit.errors import ConfigError
from densefit.evaluation.labelled_heads import labelled_heads
from densefit.evaluation.scorer import Scorer
from densefit.model.network import Network
from densefit.tools.benchmarking.contenders import Contender, Exports, contenders, exported_alone
from densefit.tools.benchmarking.images import images_of, spread
from densefit.tools.benchmarking.results import Result, print_results
from densefit.tools.benchmarking.timing import image_pass, milliseconds
from densefit.tools.recipes.checkpoint_settings import CheckpointSettings, recipe_of, settings
from densefit.tools.recipes.data.export_samples import ExportSamples
from densefit.tools.recipes.program import program
from densefit.tools.recipes.run.out_folder import make_folder
from densefit.tools.recipes.run.progress import WithProgress
from densefit.tools.recipes.words.command_line import with_lists
from densefit.tools.report.report import write_json
from densefit.tools.scoring.scored_data import scored_data

FILE = "benchmark.json"


@dataclass
class Benchmarking(CheckpointSettings):
    __doc__ = f"""{str(CheckpointSettings.__doc__).rstrip()}
        split: split that is scored; by default the recipe's test split, else its validation split.
        of: name of the dataset, for a checkpoint that was trained on several.
        samples: number of samples that are scored, at even distances; all by default.
        batches: images at once, of the times.
        images: images that are timed, of the split.
        rounds: measured passes over these images; the median is printed.
        calibrate: split whose samples give the ranges of activations for int8.
    """

    split: str | None = None
    of: str | None = None
    samples: int | None = None
    batches: list[int] = field(default_factory=lambda: [1, 8])
    images: int = 16
    rounds: int = 5
    calibrate: str = "train"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Compare the engines and formats that compute a network: score, time, size, outputs."
    words = with_lists(sys.argv[1:] if arguments is None else arguments, ("batches",))
    return program(lambda: run(*settings(Benchmarking, text, words)))


def run(chosen: Benchmarking, checkpoint: Path) -> list[Result]:
    """Print the table, and write benchmark.json if `out` is given."""
    _check(chosen)
    if chosen.out is not None:
        make_folder(chosen.out)
    network = load(checkpoint)
    data = scored_data(chosen, checkpoint, network)
    chosen, dataset = data.settings, data.dataset
    print(data, checkpoint, sep="\n", flush=True)
    if chosen.samples is not None and chosen.samples < len(dataset):
        dataset = spread(dataset, chosen.samples)
        print(f"scored on {chosen.samples:,} of them, at even distances (--samples)")
    count = max(chosen.images, *chosen.batches)
    images = images_of(dataset, chosen.loader, count)
    with tempfile.TemporaryDirectory() as folder:
        if is_exported(checkpoint):
            working, left_out = exported_alone(checkpoint)
        else:
            working, left_out = _of_checkpoint(chosen, checkpoint, network, images, Path(folder))
        times: dict[int, dict[str, float]] = {}
        for batch in chosen.batches:
            passes = {
                contender.name: image_pass(contender.network, images, batch, contender.engine)
                for contender in working
            }
            times[batch] = milliseconds(passes, len(images), chosen.rounds)
        results = []
        for contender in working:
            scores = _scores(contender, chosen.loader(dataset))
            spent = {batch: times[batch][contender.name] for batch in chosen.batches}
            facts = (contender.size, scores, spent, contender.differences)
            results.append(Result(contender.name, *facts))
    primary = [
        f"{head.name}/{metric.primary}" for head in network.heads for metric in head.metrics()[:1]
    ]
    print_results(results, [key for key in primary if key in results[0].scores])
    for line in _notes(results, left_out, len(images), chosen.rounds):
        print(line)
    if chosen.out is not None:
        content = {
            "checkpoint": str(checkpoint),
            "split": data.split,
            "samples": len(dataset),
            "images": len(images),
            "rounds": chosen.rounds,
            "results": [result.values() for result in results],
            "left_out": left_out,
        }
        write_json(Path(chosen.out) / FILE, content)
        print(f"wrote to {chosen.out}: {FILE}")
    return results


def _check(chosen: Benchmarking) -> None:
    """Raise ConfigError for settings that no exported model has, or numbers out of range."""
    if chosen.resize not in ("letterbox", "stretch") or chosen.views() is not None:
        raise ConfigError(
            "Engines and formats are compared at the network's input size, without views",
            expected="resize letterbox or stretch; no flip, scales or windows",
            received=f"resize {chosen.resize}, flip {chosen.flip}, windows {chosen.windows}",
        )
    if chosen.devices:
        raise ConfigError("Engines and formats are compared on the CPU", received=chosen.devices)
    numbers = [*chosen.batches, chosen.images, chosen.rounds, chosen.samples or 1]
    if not chosen.batches or min(numbers) < 1 or chosen.samples == 0:
        raise ConfigError(
            "batches, images, rounds and samples are counts",
            expected="1 or more",
            received=f"{chosen.batches}, {chosen.images}, {chosen.rounds} and {chosen.samples}",
        )


def _of_checkpoint(
    chosen: Benchmarking,
    checkpoint: Path,
    network: Network,
    images: Sequence[np.ndarray],
    folder: Path,
) -> tuple[list[Contender], dict[str, str]]:
    """Contenders of a checkpoint; see `contenders`."""
    recipe = recipe_of(checkpoint)
    reference = chosen.engine or recipe.get("engine") or engines.engine_name()
    samples = ExportSamples(chosen.data, recipe, chosen.input_size, chosen.resize)
    resize = "letterbox" if chosen.resize == "letterbox" else "resize"
    calibration = partial(samples.for_calibration, chosen.calibrate)
    exports = Exports(folder, chosen.input_size, resize, samples.for_check(), calibration)
    return contenders(network, reference, images, exports)


def _scores(contender: Contender, loader: Any) -> dict[str, float]:
    """Scores of a contender."""
    network = contender.network
    with WithProgress(loader, f"scoring {contender.name}") as watched:
        names = labelled_heads(network, [head.name for head in network.heads], loader)
        learner = engines.make(network, None, contender.engine)
        return Scorer(learner, watched, names, nonfinite="raise").run() or {}


def _notes(
    results: Sequence[Result], left_out: dict[str, str], images: int, rounds: int
) -> list[str]:
    """What the columns mean, and what is not in them."""
    lines = [
        f"ms: milliseconds an image on the CPU, median of {rounds} passes over {images} images in",
        "memory; reading, decoding and resizing of files are excluded, suppression is included",
        "MB: the parameters, or the file of the exported model",
    ]
    if len(results) > 1:
        lines.append(f"difference: of outputs from {results[0].name}, and the largest value there")
    return lines + [f"left out: {name}: {reason}" for name, reason in left_out.items()]


if __name__ == "__main__":
    sys.exit(main())
