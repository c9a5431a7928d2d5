"""Plan the length of a training so that it ends in time: some updates are measured first."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from densefit.callbacks import Callback, Control, TrainState
from densefit.callbacks.progress import duration
from densefit.errors import ConfigError
from densefit.tools.recipes.data.run_data import RunData
from densefit.tools.recipes.parts import make_groups
from densefit.tools.recipes.planning.plan import validated_every
from densefit.tools.recipes.recipe import Recipe
from densefit.tools.recipes.words.counted import counted
from densefit.train.fit import fit

_WARM_UP, _MEASURED = 3, 8  # updates
_SPARE = 0.1  # of the time, for what updates to come take longer
_VALIDATION = 0.5  # of the time that an image takes in training


class _Updates(Callback):
    """Note when each update ended."""

    def __init__(self) -> None:
        self.ended: list[float] = []

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Note the time."""
        self.ended.append(time.monotonic())


def plan_time(
    recipe: Recipe, named: set[str], budget: float, prepare: Callable[[Any], RunData]
) -> list[tuple[str, str]]:
    """Set the epochs that fit into a time; returns what was decided, for a plan.

    A network of the recipe is trained for some updates and thrown away. Validations and the final
    score are counted at half the time that their images take in training.

    Args:
        recipe: settings, whose epochs are changed.
        named: dotted keys that the user has set.
        budget: seconds from now on.
        prepare: makes network and data of the recipe.

    Raises:
        ConfigError: the user has set the epochs, too, or no epoch fits.
    """
    if "training.epochs" in named:
        raise ConfigError(
            "The length of a training is either --time or --epochs",
            received=f"--time and --epochs {recipe.training.epochs}",
            fix="leave one of them out",
        )
    started = time.monotonic()
    prepared = prepare(recipe)
    seconds = seconds_per_update(recipe, prepared)
    training = recipe.training
    with prepared.train as loader:
        updates = max(1, len(loader) // training.accumulate)
    images = training.batch_size * training.accumulate
    per_image = _VALIDATION * seconds / images
    left = budget * (1 - _SPARE) - (time.monotonic() - started)
    left -= per_image * _count(prepared.test)
    epoch = updates * seconds
    validation = per_image * _count(prepared.validation)
    epochs = epochs_within(left, epoch, validation)
    if epochs < 1:
        raise ConfigError(
            f"No epoch fits into the time: one takes about {duration(epoch + validation)}",
            received=f"--time {duration(budget)}",
            fix="a longer --time, or a smaller --image-size",
        )
    training.epochs = epochs
    if "training.validate_every" not in named:
        training.validate_every = validated_every(epochs)
    why = f"{counted(updates, 'update')} of {seconds:.2f} s an epoch, as measured"
    return [("length", f"{counted(epochs, 'epoch')} within {duration(budget)} ({why})")]


def epochs_within(left: float, epoch: float, validation: float) -> int:
    """Most epochs that end in time, with the validations that they have.

    >>> epochs_within(100.0, 10.0, 0.0), epochs_within(100.0, 10.0, 5.0), epochs_within(5.0, 10, 0)
    (10, 6, 0)

    Args:
        left: seconds.
        epoch: seconds of an epoch.
        validation: seconds of a validation.
    """
    epochs = int(left / epoch)
    while epochs > 0:
        every = int(validated_every(epochs).removesuffix("ep"))
        if epochs * epoch + -(-epochs // every) * validation <= left:
            break
        epochs -= 1
    return epochs


def seconds_per_update(recipe: Recipe, prepared: RunData) -> float:
    """Measure an update of a training that is not kept."""
    training, updates = recipe.training, _Updates()
    network = prepared.network
    network.engine_name = recipe.engine
    fit(
        network,
        prepared.train,
        updates=_WARM_UP + _MEASURED,
        lr=1e-8,
        optimizer=training.optimizer,
        optimizer_params=training.optimizer_params,
        callbacks=[updates],
        progress=False,
        accumulate=training.accumulate,
        clip_norm=training.clip_norm,
        groups=make_groups(training, network),
        freeze=training.freeze,
        ema=training.ema,
        precision=training.precision,
        seed=recipe.seed,
        devices=recipe.devices or None,
    )
    return (updates.ended[-1] - updates.ended[_WARM_UP - 1]) / _MEASURED


def _count(loaders: Any) -> int:
    """Number of samples of one loader or several."""
    if loaders is None:
        return 0
    several = loaders.values() if hasattr(loaders, "values") else [loaders]
    return sum(len(loader.dataset) for loader in several)
