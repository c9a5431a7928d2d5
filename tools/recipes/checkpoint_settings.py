"""Settings of tools that read a checkpoint: its path, and the recipe inside as defaults."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from densefit import engine
from densefit.checkpoint.storage import store
from densefit.checkpoint.weights.exported import is_exported
from densefit.config import flat, parse
from densefit.data.loader.loader import Loader
from densefit.data.loader.original_size_loader import OriginalSizeLoader
from densefit.data.loader.view_loader import ViewLoader
from densefit.data.loader.views import Views
from densefit.data.sample import Dataset
from densefit.errors import CheckpointError, ConfigError
from densefit.tools.recipes.data.loaders import score_loader
from densefit.tools.recipes.plugins import check_recorded, use_plugins
from densefit.tools.recipes.recipe import Data
from densefit.tools.recipes.words.command_line import completed
from densefit.tools.recipes.words.plain_words import with_dotted
from densefit.yaml_files.paths import files_field

#: Settings that a recipe has, too, and that only the command line sets.
_OF_THE_COMMAND = ("out", "resume", "plugins", "model", "engine", "devices")


@dataclass
class CheckpointSettings:
    """Settings of every tool that reads a checkpoint.

    Args:
        checkpoint: a checkpoint, or a run's folder (its best checkpoint, else its newest).
        model: an exported model, NAME.onnx, in place of a checkpoint.
        resume: another spelling of --checkpoint; auto is the run in --out.
        input_size: height and width of the network's input; as trained by default.
        resize: letterbox or stretch, as trained by default; none leaves each image at its own
            size, padded to a multiple of 64 pixels.
        score_batch_size: samples per batch; changes no result.
        out: where files are written.
        seed: seed of everything random; predictions and scores do not depend on it.
        flip: look at each image mirrored as well, and merge what is seen.
        scales: look at each image at these sizes, as factors, and merge what is seen.
        windows: look at images at their own size (times the scales) through windows of the
            input size, in place of fitting them into it.
        overlap: smallest share of a window that the next one covers too; windows are a pixel
            apart at least.
        engine: mxnet or torch, which computes; an exported model has its own.
        devices: device of the engine, cuda:0, or a list of several; the CPU by default.
        data: as trained by default; images that are named themselves need its workers only.
        plugins: the Python files that the checkpoint was trained with (docs/plugins.md); a
            checkpoint alone runs no code.
    """

    checkpoint: str | None = None
    model: str | None = None
    resume: str | None = None
    input_size: tuple[int, int] = (96, 96)
    resize: str = "letterbox"
    score_batch_size: int = 8
    out: str | None = None
    seed: int = 0
    flip: bool = False
    scales: tuple[float, ...] = (1.0,)
    windows: bool = False
    overlap: float = 0.25
    engine: str | None = None
    devices: str | list[str] = field(default_factory=list)
    data: Data = field(default_factory=Data)
    plugins: list[str] = files_field()

    def __post_init__(self) -> None:
        if isinstance(self.devices, str):
            self.devices = [self.devices]

    def find_checkpoint(self) -> Path:
        """Path of the checkpoint, or the exported model, that the settings name.

        Raises:
            ConfigError: the settings name no checkpoint, or two.
            CheckpointError: the checkpoint is missing.
        """
        if self.model is not None and not is_exported(self.model):
            raise ConfigError(
                "An exported model is a file NAME.onnx", received=self.model, where="--model"
            )
        texts = (self.checkpoint, self.model, self.resume)
        paths = {self._run() if text == "auto" else text for text in texts if text is not None}
        return checkpoint_path(paths - {"none"}, "--checkpoint runs/NAME, or --model NAME.onnx")

    def loader(self, dataset: Dataset) -> Loader | OriginalSizeLoader | ViewLoader:
        """Make a loader of all samples: resized to the input, at original size, or in views.

        Raises:
            ConfigError: a setting out of range.
        """
        views = self.views()
        if views is not None:
            return ViewLoader(
                dataset,
                input_size=self.input_size,
                batch_size=self.score_batch_size,
                views=views,
                workers=self.data.workers,
            )
        if self.resize == "none":
            return OriginalSizeLoader(
                dataset, batch_size=self.score_batch_size, workers=self.data.workers
            )
        return score_loader(self, dataset, self.data)

    def views(self) -> Views | None:
        """Views of each image; None if it is looked at once, as `resize` says.

        Raises:
            ConfigError: a setting out of range, or views of images at their own size.
        """
        is_plain = not self.flip and tuple(self.scales) == (1.0,)
        if self.resize == "none" and not self.windows:
            if not is_plain:
                raise ConfigError(
                    "Whole images at their own size are looked at once",
                    received=f"resize none, flip {self.flip}, scales {self.scales}",
                    fix="--windows true with --flip or --scales",
                )
            return None
        fit = "original" if self.windows else self.resize
        views = Views(self.flip, self.scales, fit, self.overlap)
        return None if is_plain and not self.windows else views

    def _run(self) -> str:
        if self.out is None:
            raise ConfigError("auto is the run in --out", fix="--out runs/NAME")
        return self.out


def checkpoint_path(paths: Collection[str], option: str) -> Path:
    """Path of a checkpoint or an exported model; of a run's folder the best checkpoint.

    Args:
        paths: what the command line names, which must be one path.
        option: how it is named there, for errors.

    Raises:
        ConfigError: there is not one path.
        CheckpointError: the checkpoint is missing.
    """
    if len(paths) != 1:
        raise ConfigError(
            "Which checkpoint?" if not paths else "Two checkpoints are named",
            received=" and ".join(sorted(paths)) or None,
            fix=option,
        )
    path = Path(next(iter(paths)))
    best = store.best(path)
    if best is not None:
        return best
    resolved = path if is_exported(path) else store.resolve(path, path)
    if resolved is None:
        raise CheckpointError("There is no checkpoint", where=path)
    return resolved


class ReadsCheckpoint(Protocol):
    """Settings of a program that reads a checkpoint."""

    plugins: list[str]

    def find_checkpoint(self) -> Path:
        """See `CheckpointSettings.find_checkpoint`."""


Kind = TypeVar("Kind", bound=ReadsCheckpoint)


def settings(
    kind: type[Kind],
    description: str,
    arguments: Sequence[str] | None,
    positional: str | None = None,
    needs_recipe: bool = True,
) -> tuple[Kind, Path]:
    """Parse settings, with the checkpoint's recipe as defaults; (settings, checkpoint).

    Plugin files of the command line are imported; those that the checkpoint names are not.

    Args:
        kind: a dataclass of settings.
        description: first lines of the help.
        arguments: arguments to parse; by default, the program's command line.
        positional: see `densefit.config.parse`.
        needs_recipe: whether a checkpoint without a recipe is an error.

    Raises:
        ConfigError: invalid settings, no checkpoint is named, or the command does not name the
            plugin files that the checkpoint was trained with.
        CheckpointError: the checkpoint is missing, damaged, or has no recipe.
    """
    words = with_dotted(completed(sys.argv[1:] if arguments is None else arguments), kind)
    first, _ = parse(kind, words, description=description, positional=positional)
    checkpoint = first.find_checkpoint()
    files = use_plugins(first.plugins)
    if not is_exported(checkpoint):
        check_recorded(checkpoint, files)
    names = {field.name for field in fields(cast(Any, kind))} - set(_OF_THE_COMMAND)
    recipe = recipe_of(checkpoint, needs_recipe)
    trained = {key: value for key, value in recipe.items() if key in names}
    resolved, _ = parse(
        kind, words, description=description, defaults=flat(trained), positional=positional
    )
    return resolved, checkpoint


def recipe_of(checkpoint: Path, is_needed: bool = True) -> dict[str, Any]:
    """Read the recipe of a checkpoint that a training tool wrote, or of an exported model.

    Of an exported model only the input size may be known.

    Args:
        checkpoint: path of the checkpoint, or of the exported model.
        is_needed: whether a checkpoint without a recipe is an error; else its recipe is empty.

    Raises:
        CheckpointError: the checkpoint has no recipe.
    """
    if is_exported(checkpoint):
        exported = engine.read_exported(checkpoint).metadata
        size = {} if exported.image_size is None else {"input_size": list(exported.image_size)}
        return {**exported.recipe, **size}
    _, content = store.read(checkpoint, only=[])
    extra = content.get("extra")
    recipe = extra.get("recipe") if isinstance(extra, dict) else None
    if not isinstance(recipe, dict):
        if not is_needed:
            return {}
        raise CheckpointError(
            "The checkpoint keeps no recipe: no training tool wrote it",
            where=checkpoint,
            fix="in Python: df.score(df.load(checkpoint), df.Loader(...))",
        )
    return recipe
