"""What a training was set up as, printed before its first update."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit import engine
from densefit.callbacks import Callback, Control, TrainState
from densefit.process.cpus import available_cpus
from densefit.tools.data_check.check import DataCheck
from densefit.tools.recipes.data.run_data import RunData
from densefit.tools.recipes.parts import settings_of_callbacks
from densefit.tools.recipes.recipe import Recipe
from densefit.tools.recipes.run.label_counts import label_lines
from densefit.tools.recipes.run.shared_text import shared_text
from densefit.tools.recipes.words.counted import counted
from densefit.tools.recipes.words.schedule_text import as_text

_WIDTH = 11  # of the names of the lines


class StartBlock(Callback):
    """Print the decisions of a run: data, labels, network, input, batch, schedule, devices.

    Args:
        recipe: settings of the run.
        prepared: network and data.
        check: check of the data; None if they were not checked.
        best: score that selects the best checkpoint; None for none.
        is_planned: whether a plan with batch and length was printed: they are left out.
    """

    def __init__(
        self,
        recipe: Recipe,
        prepared: RunData,
        check: DataCheck | None,
        best: str | None,
        is_planned: bool = False,
    ) -> None:
        self._recipe, self._prepared, self._is_planned = recipe, prepared, is_planned
        self._check, self._best = check, best

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Print the block, unless nothing is left to train."""
        check, self._check = self._check, None  # which may hold millions of labels
        if state.is_done and not state.pending:
            return
        parts = (self._recipe, self._prepared, check, self._best, state, self._is_planned)
        for name, text in block(*parts):
            print(f"{name:{_WIDTH}}{text}", flush=True)


def block(
    recipe: Recipe,
    prepared: RunData,
    check: DataCheck | None,
    best: str | None,
    state: TrainState,
    is_planned: bool = False,
) -> list[tuple[str, str]]:
    """Return (name, text) of each line; see `StartBlock`."""
    training = recipe.training
    lines = [("data", _data_text(recipe, prepared))]
    lines += [
        ("labels" if index == 0 else "", text)
        for index, text in enumerate(label_lines(prepared, check))
    ]
    shares = shared_text(prepared.network, recipe.input_size)
    lines += [
        ("network", _network_text(state)),
        *([("shares", shares)] if shares else []),
        *(("" if index else "teachers", text) for index, text in enumerate(state.lessons)),
        ("input", _input_text(recipe, state.network)),
        ("weights", _weights_text(recipe, state)),
        ("batch", _batch_text(recipe, state)),
        ("schedule", _schedule_text(recipe, state, is_planned)),
        ("computes", _device_text(recipe, prepared)),
    ]
    if is_planned and state.accumulate == 1 and len(recipe.devices) < 2:
        lines = [line for line in lines if line[0] != "batch"]
    if best is not None:
        lines.append(("validates", f"every {training.validate_every}, the best by {best}"))
    names = [
        "scalars.jsonl",
        "checkpoints",
        *(entry["name"] for entry in settings_of_callbacks(training)),
    ]
    lines.append(("log", f"{Path(recipe.out)}: {', '.join(names)}"))
    return lines


def _data_text(recipe: Recipe, prepared: RunData) -> str:
    """Format the number of images by split."""
    sizes = ", ".join(f"{name} {len(dataset):,}" for name, dataset in prepared.data.items())
    root = "" if recipe.data.root is None or "/" in sizes else f" of {recipe.data.root}"
    return f"images{root}: {sizes}"


def _network_text(state: TrainState) -> str:
    """Format the backbone, the heads and the number of parameters."""
    network, parameters = state.network, state.network.parameters
    count = sum(int(np.prod(array.shape)) for array in parameters.values())
    frozen = sum(int(np.prod(parameters[n].shape)) for n in state.frozen if n in parameters)
    spec: Mapping[str, Any] = network.spec or {}
    tasks = {head["settings"].get("name"): head["task"] for head in spec.get("heads", ())}
    heads = ", ".join(
        name if tasks.get(name, name) == name else f"{name} ({tasks[name]})"
        for name in network.adapters
    )
    backbone = spec.get("backbone", type(network.backbone).__name__)
    return f"{backbone} with {heads}: {count:,} parameters" + (
        f", {frozen:,} of them frozen" if frozen else ""
    )


def _input_text(recipe: Recipe, network: Any) -> str:
    """Format the size of the network's input, and its normalisation."""
    height, width = recipe.input_size
    mean, std = (_numbers(getattr(network.backbone, name)) for name in ("mean", "std"))
    return f"{height} x {width} pixels ({recipe.resize}), RGB less {mean}, divided by {std}"


def _numbers(values: Sequence[float]) -> str:
    """Format numbers, once if all are equal.

    >>> _numbers([127.5, 127.5, 127.5]), _numbers([1, 2.25, 3])
    ('127.5', '1, 2.25, 3')
    """
    texts = [f"{value:.4g}" for value in values]
    return texts[0] if len(set(texts)) == 1 else ", ".join(texts)


def _weights_text(recipe: Recipe, state: TrainState) -> str:
    """Format where the weights come from."""
    if state.resumed:
        return f"of {state.resumed}, which is resumed"
    source = recipe.init_from or recipe.model.weights
    return "random" if source is None else f"of {source}, see above; the rest random"


def _batch_text(recipe: Recipe, state: TrainState) -> str:
    """Format the images of an update."""
    micro, devices = state.accumulate, max(1, len(recipe.devices))
    text = f"{micro * state.batch_size} images an update"
    ways = [f"{micro} micro-batches of {state.batch_size}"] if micro > 1 else []
    ways += [f"on {devices} devices"] if devices > 1 else []
    return text + (f" ({', '.join(ways)})" if ways else "")


def _schedule_text(recipe: Recipe, state: TrainState, is_planned: bool) -> str:
    """Format the length in updates, the optimizer and the learning rate."""
    training = recipe.training
    if is_planned:
        return f"{training.optimizer}, {as_text(dict(training.schedule))}"
    length = epochs = counted(training.epochs, "epoch")
    if state.updates is not None and state.updates_per_epoch is not None:
        length = f"{counted(state.updates, 'update')}, {epochs} of {state.updates_per_epoch}"
    left = f", {state.update:,} done" if state.update else ""
    return f"{length}{left}; {training.optimizer}, {as_text(dict(training.schedule))}"


def _device_text(recipe: Recipe, prepared: RunData) -> str:
    """Format the engine, its devices and threads, and the workers that load."""
    name = engine.engine_name(model=prepared.network)
    devices = ", ".join(recipe.devices)
    threads = os.environ.get("OMP_NUM_THREADS") or str(available_cpus())
    where = devices or f"{threads} CPU thread{'s' * (threads != '1')}"
    loader = prepared.train
    kind = {"threads": "thread", "processes": "process"}.get(loader.worker_kind, "worker")
    plural = "" if loader.workers == 1 else "es" if kind == "process" else "s"
    loading = f"{loader.workers} {kind}{plural} loading" if loader.workers else "loading between"
    return f"{name} on {where}; {loading}"
