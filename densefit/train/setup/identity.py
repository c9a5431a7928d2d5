"""Identity of a training: its parts as text, so that a resume can name what differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.callbacks.callback import TrainState
from densefit.checkpoint.training.identity import fingerprint_text
from densefit.data.fingerprint import fingerprint
from densefit.data.stable_repr import public_settings, stable_repr
from densefit.model.heads.adapter import HeadAdapter
from densefit.train.setup.plan import Plan


def identity_of(plan: Plan, as_before: bool = False) -> dict[str, Any]:
    """Return the identity of a training, before its first update.

    Args:
        plan: plan of the training.
        as_before: return the identity in the form of an earlier version's checkpoints.
    """
    settings = plan.settings
    parts = identity(
        plan.session.state,
        plan.reader.iterator,
        settings.seed,
        settings.validation,
        as_before,
        begin_epoch=settings.begin_epoch,
        schedule=plan.schedule,
        optimizer=plan.optimizer.optimizer,
        optimizer_params=plan.optimizer.settings,
        clip_norm=settings.clip_norm,
        groups=settings.groups,
        freeze=settings.freeze,
        unfreeze=settings.unfreeze,
        fixed_param_names=settings.fixed_param_names,
        nonfinite=settings.on_nonfinite,
        loss=settings.loss,
        derived=settings.derived,
        balance=settings.balance,
        distill=plan.teachers and plan.teachers.identity(),
        ema=settings.ema,
        precision=settings.precision,
        sync_batchnorm=settings.sync_batchnorm,
    )
    return {**parts, "engine": plan.session.learner.name}


def identity(
    state: TrainState,
    train: Any,
    seed: int,
    validation: Any = None,
    as_before: bool = False,
    **settings: Any,
) -> dict[str, Any]:
    """Return the identity of a training.

    Args:
        state: state of the training before its first update.
        train: training data; only a densefit Loader identifies its samples and their order.
        seed: as in `fit`.
        validation: validation data, one or several by name.
        as_before: return the identity in the form of an earlier version's checkpoints.
        settings: other arguments of `fit` that affect updates or scores.
    """
    network, schedule = state.network, settings.pop("schedule")
    backbone = getattr(network, "backbone", None)
    several = validation if isinstance(validation, Mapping) else {"": validation}
    scored = {name: _scored(data) for name, data in several.items()}
    return {
        "heads": {
            name: _described(adapter, as_before) for name, adapter in network.adapters.items()
        },
        "labels": {name: list(adapter.labels) for name, adapter in network.adapters.items()},
        "backbone": None
        if backbone is None
        else f"{stable_repr(backbone, 1)}, output_stride {network.output_stride}",
        "batch_size": state.batch_size,
        "accumulate": state.accumulate,
        "updates_per_epoch": state.updates_per_epoch,
        "seed": seed,
        "data": _fingerprint(train),
        "loader": _order(train, as_before),
        "validation": ", ".join(f"{name} {text}".strip() for name, text in scored.items() if text)
        or None,
        # A resolved schedule is one over a number of updates.
        "schedule": None if schedule is None else f"{schedule} over {state.updates} updates",
        **{name: stable_repr(value, as_before=as_before) for name, value in settings.items()},
    }


def _order(train: Any, as_before: bool) -> str | None:
    of_loaders = getattr(train, "identity_as_before" if as_before else "identity", None)
    return None if of_loaders is None else str(of_loaders())


def _fingerprint(data: Any) -> dict[str, Any] | None:
    cached: dict[str, Any] | None = getattr(data, "fingerprint", None)  # asked for elsewhere, too
    dataset: Any = getattr(data, "dataset", None)
    return fingerprint(dataset) if cached is None and hasattr(dataset, "id_of") else cached


def _scored(data: Any) -> str | None:
    """Return the samples and the transform of validation data as text."""
    samples = _fingerprint(data)
    if not samples:
        return None
    return f"{fingerprint_text(samples)}, {stable_repr(getattr(data, 'transform', None))}"


def _described(adapter: HeadAdapter, as_before: bool) -> str:
    head = getattr(adapter, "head", None)
    if head is None:
        return f"outputs {', '.join(adapter.outputs('train'))}"
    if head.spec is not None:
        return f"{head.spec['task']} {stable_repr(head.spec['settings'], as_before=as_before)}"
    # Created by class instead of by name: identified by its public attributes.
    public = public_settings(head)
    for name in ("spec", "learned_names"):
        public.pop(name, None)
    return type(head).__name__ + ("" if as_before else stable_repr(public))
