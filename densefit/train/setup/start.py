"""Start of a planned training: bind the network, create the optimizer, resume."""

from __future__ import annotations

import logging
from functools import partial

from densefit.callbacks.callback import Control, TrainState
from densefit.train.affinity.measured_step import MeasuredStep, affinity_spacing
from densefit.train.affinity.meter import AffinityMeter
from densefit.train.balancing import Balancing
from densefit.train.checkpointer import Checkpointer
from densefit.train.epoch_recorder import EpochRecorder
from densefit.train.length import LengthAware, TrainingLength
from densefit.train.loop import Loop
from densefit.train.ranks import Ranks
from densefit.train.schedules.deferred import Deferred
from densefit.train.seeds import seed_update
from densefit.train.setup.binding import Binding
from densefit.train.setup.identity import identity_of
from densefit.train.setup.plan import Plan
from densefit.train.signals import Signals
from densefit.train.step import Step
from densefit.train.validator import Validator

_log = logging.getLogger("densefit")


def start(plan: Plan) -> Loop:
    """Prepare a training for its first update; returns the loop.

    Args:
        plan: plan of the training, whose checkpoint directory is locked.

    Raises:
        BindError, CheckpointError, ConfigError, DataError: as `fit`.
    """
    if plan.world.is_shared:
        plan.session.learner.join(plan.world)
    binding = Binding(plan)
    binding.bind()
    plan.session.learner.start_optimizer(plan.optimizer)
    if plan.live is None:
        plan.model.started(plan.session.learner)
    length = _length(plan)
    for callback in plan.session.callbacks:
        callback.reset()
    _resume(plan, length)
    binding.follow()
    return _loop(plan, length, binding)


def _length(plan: Plan) -> TrainingLength:
    """Return the object that passes the training's length on once it is known."""
    settings, session = plan.settings, plan.session
    learners: list[LengthAware] = [plan.validating, plan.saving, plan.freezing]
    if isinstance(session.rate, Deferred):
        learners.append(session.rate)
    total_of = partial(
        plan.reader.epochs.total_updates, settings.epochs or 0, accumulate=settings.accumulate
    )
    return TrainingLength(session.state, total_of, learners)


def _resume(plan: Plan, length: TrainingLength) -> None:
    """Resume from a checkpoint, if there is one."""
    saver, session, state = plan.settings.checkpoint, plan.session, plan.session.state
    if saver is None:
        return
    session.identity, session.before = identity_of(plan), partial(identity_of, plan, True)
    is_known = state.updates_per_epoch is not None
    path = saver.resume(plan.settings.resume, session)
    if path is not None:
        state.resumed = str(path)
        if not is_known:
            length.resume()
        _warn_done(state, path)


def _warn_done(state: TrainState, path: object) -> None:
    """Warn that nothing is left to train after a resume.

    Args:
        state: progress of the training, restored from the checkpoint.
        path: path of the checkpoint.
    """
    for unit, planned, done in (
        ("epochs", state.epochs, state.epoch),
        ("updates", state.updates if state.epochs is None else None, state.update),
    ):
        if planned is not None and done >= planned and not state.pending:
            _log.warning(
                "%s: %d %s are done and %s=%d are planned: nothing is left to train. To go on, plan"
                " more; to train anew, choose another directory and no resume",
                *(path, done, unit, unit, planned),
            )


def _loop(plan: Plan, length: TrainingLength, binding: Binding) -> Loop:
    """Return the loop and its parts."""
    settings, session = plan.settings, plan.session
    learner, saver, guard = session.learner, settings.checkpoint, settings.on_nonfinite
    control, signals = Control(), Signals()
    ranks = Ranks(plan.world, session, control, signals)
    ranks.check_equal("the start", plan.lengths)
    balancing = None
    if settings.balance is not None:
        adapters = plan.model.network.adapters
        sum_losses = ranks.sum_losses if ranks.is_shared else None
        balancing = Balancing(settings.balance, learner, adapters, sum_losses)
    seed = ranks.seed(settings.seed)
    reseed = partial(seed_update, learner, seed, session.state) if learner.random else None
    step: Step | MeasuredStep
    step = Step(session, plan.adapters, settings.clip_norm, guard, balancing, reseed, ranks)
    spacing = affinity_spacing(settings.task_affinity, plan.model.network.adapters)
    if spacing is not None:
        meter = AffinityMeter(learner, plan.model.network.adapters)
        step = MeasuredStep(step, meter, session.state, spacing, reseed)
    checkpointer = Checkpointer(session, saver, guard, control, signals, ranks)
    keep = None if saver is None else saver.keep
    return Loop(
        plan=plan,
        binding=binding,
        step=step,
        reseed=reseed,
        validator=Validator(
            *(session, plan.scorer, settings.derived, keep, checkpointer),
            *(control, signals, ranks, plan.losses),
        ),
        checkpointer=checkpointer,
        recorder=EpochRecorder(session, plan.reader, length, ranks),
        length=length,
        control=control,
        signals=signals,
        ranks=ranks,
    )
