"""Begin a training with pretrained weights: `model.weights` of a recipe."""

from __future__ import annotations

import logging
from pathlib import Path

from rich.console import Console
from rich.text import Text

from densefit.checkpoint.storage import store
from densefit.checkpoint.weights.loaded_weights import LoadedWeights
from densefit.checkpoint.weights.pretrained import load_weights
from densefit.errors import ConfigError
from densefit.model.backbones.input_normalization import SETTINGS
from densefit.model.network import Network
from densefit.tools.recipes.recipe import Recipe

_log = logging.getLogger("densefit")


def begin_with_weights(network: Network, recipe: Recipe) -> None:
    """Load `model.weights` into a new training's network, and print a summary.

    The sha256 of the file, and a normalisation of the input other than the backbone's default, are
    written into the recipe. A resumed training has weights already: then nothing is loaded.

    Raises:
        ConfigError: `init_from` is set, too; or `weights_classes` are not as many as in the file.
        CheckpointError: the file is missing, damaged, refused, or another one.
        BindError: the file does not fit the backbone.
    """
    model = recipe.model
    if model.weights is None:
        return
    if recipe.init_from is not None:
        raise ConfigError(
            "A training begins with the weights of one source",
            received=f"--model.weights {model.weights} and --init_from {recipe.init_from}",
            fix="leave one of them out; a run's checkpoint has the weights of its backbone, too",
        )
    if store.resolve(recipe.resume, Path(recipe.out) / "checkpoints"):
        return
    report = load_weights(
        network, model.weights, sha256=model.weights_sha256, classes=model.weights_classes
    )
    model.weights_sha256 = report.sha256
    if network.spec is not None:
        model.settings = dict(network.spec["settings"])
    _print(report)


def use_saved_input_normalization(recipe: Recipe) -> None:
    """On a resume, take what the weights of the run's begin have changed in its settings.

    Args:
        recipe: settings of the run, which are changed.
    """
    checkpoint = store.resolve(recipe.resume, Path(recipe.out) / "checkpoints")
    if checkpoint is None:
        return
    content, model = store.read(checkpoint, only=[])[1], recipe.model
    saved = (content["extra"].get("recipe") or {}).get("model", {})
    if model.weights is not None and model.weights_sha256 is None:
        model.weights_sha256 = saved.get("weights_sha256")
    settings = (content["network"] or {}).get("settings", {})
    if not any(key in model.settings for key in SETTINGS):
        model.settings.update({key: settings[key] for key in SETTINGS if key in settings})


def _print(report: LoadedWeights) -> None:
    console = Console(soft_wrap=True)
    console.print(Text(f"begins with {report.path} ({report.layout})", style="bold"))
    counts = {
        "loaded": report.loaded,
        "new": report.missing,
        "reshaped": list(report.reshaped),
        "not in this network": report.unexpected,
    }
    text = ", ".join(f"{title} {len(names)}" for title, names in counts.items() if names)
    console.print(Text(f"parameters: {text}"))
    for line in report.head_lines():
        console.print(Text(line))
    if report.is_normalised_otherwise:
        console.print(Text("input: normalised by mean and std of model.settings, not as trained"))
