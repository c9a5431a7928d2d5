"""The user's model, and its arguments, callbacks and Module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit import adapters
from densefit.callbacks.callback import Callback
from densefit.callbacks.default_progress import with_progress
from densefit.engine.model_input import ModelInput, model_input
from densefit.model.heads.route import Route
from densefit.train.distillation.teachers import Teachers
from densefit.train.setup.settings import Settings


def read_model(network: Any, heads: Mapping[str, Route] | None, settings: Settings) -> ModelInput:
    module = settings.module
    return model_input(
        network,
        heads,
        settings.arg_params,
        settings.aux_params,
        announce=True,
        measured=module["eval_metric"] is None,
        loss=settings.loss,
        train=settings.train,
        batch_end_callback=module["batch_end_callback"],
        eval_batch_end_callback=module["eval_batch_end_callback"],
    )


def teachers_of(model: ModelInput, settings: Settings, engine: str) -> Teachers | None:
    """Return the teachers of the model's heads; None without any."""
    if not settings.distill:
        return None
    return Teachers(model.network, settings.distill, engine, settings.devices or model.devices)


def module_arguments(model: ModelInput, settings: Settings) -> Any:
    return adapters.module_arguments.adapt(
        settings.module,
        network=model.network,
        model=model.model,
        seen=model.seen,
        evaluated=model.evaluated,
    )


def live_module(model: ModelInput, settings: Settings, engine: str) -> Any:
    """Return the user's Module for in-place training, if the settings allow it; else None."""
    is_ours = (
        engine != "mxnet"
        or settings.accumulate > 1
        or settings.ema is not None
        or settings.precision != "float32"
        or settings.freeze
        or set(settings.fixed_param_names) - set(model.fixed)
        or (settings.devices or model.devices) != model.devices
    )
    return None if is_ours else model.live


def all_callbacks(
    model: ModelInput, live: Any, settings: Settings, of_module: Sequence[Callback]
) -> list[Callback]:
    """Return the user's callbacks, the progress callback, and those that update a Module.

    Args:
        model: the user's model.
        live: the user's Module if it is trained in place.
        settings: arguments of `fit`.
        of_module: callbacks for the arguments of Module.fit.
    """
    module = settings.module
    is_logged = any(argument is not None for argument in module.values())
    has_batch_end = module["batch_end_callback"] is not None
    callbacks = with_progress(settings.callbacks, settings.progress, has_batch_end, is_logged)
    if live is not None:
        return [*callbacks, *of_module]
    return [*model.mirrors, *callbacks, *of_module, *model.changes]
