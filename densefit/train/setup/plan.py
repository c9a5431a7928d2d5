"""Plan of a training: everything that can be checked without running the network."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from densefit import engine
from densefit.callbacks.callback import TrainState
from densefit.checkpoint.training.saver import check_unmixed
from densefit.checkpoint.training.session import Session
from densefit.distributed import World, world
from densefit.engine.batch_reader import BatchReader
from densefit.engine.model_input import ModelInput, batches_of, make_engine, validations_of
from densefit.engine.settings import OptimizerSettings
from densefit.errors import ConfigError, TrainingInterrupted
from densefit.evaluation.multi_scorer import MultiScorer
from densefit.evaluation.scorer import Scorer
from densefit.metrics.core.direction import Directions
from densefit.model.heads.adapter import HeadAdapter
from densefit.model.heads.route import Route
from densefit.model.network import Network
from densefit.numeric import check_optimizer
from densefit.train.affinity.measured_step import affinity_spacing
from densefit.train.balancing import check_balanced
from densefit.train.distillation.teachers import Teachers
from densefit.train.freezing import Freezing
from densefit.train.history import History
from densefit.train.interval import Interval
from densefit.train.schedules import Schedule
from densefit.train.seeds import seed_all
from densefit.train.setup.class_names import take_names
from densefit.train.setup.metrics import (
    directions_of,
    losses_of,
    main_scores_of,
    scorer_of,
    training_metrics,
)
from densefit.train.setup.rate_source import (
    check_rollback,
    check_schedule,
    source_of_rate,
    warn_kept_optimizer,
)
from densefit.train.setup.restarted import mark_begun
from densefit.train.setup.same_heads import check_same_heads
from densefit.train.setup.settings import Settings
from densefit.train.setup.trained_model import (
    all_callbacks,
    live_module,
    module_arguments,
    read_model,
    teachers_of,
)
from densefit.train.validation_losses import ValidationLosses

_log = logging.getLogger("densefit")


@dataclass
class Plan:
    """Parts of a training, checked before its network is bound.

    Attributes:
        settings: arguments of `fit`.
        model: the user's model.
        module: arguments of Module.fit, converted by an adapter.
        live: the user's Module for in-place training; None if the engine binds its own.
        reader: reader of the training data.
        adapters: name -> head with training metrics.
        optimizer: optimizer of the training; a Module's own optimizer continues.
        schedule: argument of `fit`, with the direction of the score that it follows.
        scorer: scorer of the validation data; None without any.
        losses: losses on validation data; None without any.
        teachers: what heads learn from beside their labels; None without any.
        session: state that a checkpoint stores.
        validating: interval of validations.
        saving: interval of saves.
        freezing: parameters that are not trained, and how long.
        world: ranks that train together.
    """

    settings: Settings
    model: ModelInput
    module: Any
    live: Any
    reader: BatchReader
    adapters: Mapping[str, HeadAdapter]
    optimizer: OptimizerSettings
    schedule: Schedule | None
    scorer: Scorer | MultiScorer | None
    losses: ValidationLosses | None
    teachers: Teachers | None
    session: Session
    validating: Interval
    saving: Interval
    freezing: Freezing
    world: World

    @classmethod
    def of(cls, network: Any, heads: Mapping[str, Route] | None, settings: Settings) -> Plan:
        """Plan a training without computing anything.

        Args:
            network: argument of `fit`.
            heads: argument of `fit`.
            settings: other arguments of `fit`.

        Raises:
            BindError, ConfigError, DataError, CheckpointError: as `fit`.
        """
        engine_name = engine.engine_name(settings.engine, network)
        seed_all(settings.seed, engine_name)
        model = read_model(network, heads, settings)
        teachers = teachers_of(model, settings, engine_name)
        if teachers is None:
            return cls._of(model, settings, engine_name, None)
        teachers.attach()
        try:
            return cls._of(model, settings, engine_name, teachers)
        except BaseException:
            teachers.detach()
            raise

    @classmethod
    def _of(
        cls, model: ModelInput, settings: Settings, engine_name: str, teachers: Teachers | None
    ) -> Plan:
        """Plan the training of a model whose heads learn from `teachers`."""
        train = batches_of(settings.train, model, "train")
        module = module_arguments(model, settings)
        live = live_module(model, settings, engine_name)
        network, adapters = model.network, {**model.network.adapters, **module.adapters}
        ranks = world()
        check_balanced(settings.balance, network.adapters, ranks.size, settings.accumulate)
        affinity_spacing(settings.task_affinity, network.adapters, ranks.size)
        reader = _reader(train, network, adapters, settings, ranks)
        batch_size = reader.batch_size * ranks.size
        per_epoch, total = _length(reader, settings)
        check_schedule(settings.schedule, settings.validation, settings.begin_epoch, per_epoch)
        optimizer = _optimizer(model, settings)
        if teachers is not None:
            teachers.anneal(reader, None if total is None else total * settings.accumulate)
            teachers.serve(reader)
        learner = make_engine(model, settings.devices, engine_name)
        learner.check_optimizer(optimizer, batch_size, settings.accumulate)
        scorer = scorer_of(learner, validations_of(settings.validation, model), module.adapters)
        losses = losses_of(learner, settings, model, network.adapters, teachers)
        directions = directions_of(scorer, settings.derived)
        directions.update({} if losses is None else losses.directions)
        schedule = settings.schedule
        if schedule is not None:
            schedule = schedule.judged_by(directions)
        rate = source_of_rate(schedule, optimizer, total, per_epoch)
        check_rollback(settings.on_nonfinite, rate, optimizer)
        validating = Interval(settings.validate_every, per_epoch, total, "validate_every")
        saving = _saving(settings, directions, per_epoch, total, ranks)
        freezing = Freezing(settings.freeze, settings.unfreeze, per_epoch, total)
        state = TrainState(
            network,
            epoch=settings.begin_epoch,
            update=settings.begin_epoch * (per_epoch or 0),
            epochs=settings.epochs,
            updates=total,
            updates_per_epoch=per_epoch,
            batch_size=batch_size,
            accumulate=settings.accumulate,
            directions=directions,
            main_scores=main_scores_of(
                scorer, settings.checkpoint.keep.best if settings.checkpoint else None
            ),
            lessons=[] if teachers is None else teachers.describe(reader.input_size),
            device_memory=partial(engine.device_memory, engine_name),
        )
        metrics = training_metrics(state, adapters)
        callbacks = [
            callback
            for callback in all_callbacks(model, live, settings, module.callbacks)
            if ranks.is_first or getattr(callback, "every_rank", False)
        ]
        history = History(network)
        session = Session(learner, state, history, callbacks, metrics, rate, settings.balance)
        return cls(
            *(settings, model, module, live, reader, adapters, optimizer),
            schedule=schedule,
            scorer=scorer,
            losses=losses,
            teachers=teachers,
            session=session,
            validating=validating,
            saving=saving,
            freezing=freezing,
            world=ranks,
        )

    @property
    def lengths(self) -> dict[str, Any]:
        """Settings that all ranks must share."""
        state = self.session.state
        return {
            "updates_per_epoch": state.updates_per_epoch,
            "updates_in_all": state.updates,
            "batch_sizes": state.batch_size,
            "seeds": self.settings.seed,
        }

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the checkpoint directory during the block; release the network afterwards."""
        saver = self.settings.checkpoint
        try:
            if saver is not None:
                saver.begin(self.settings.resume, self.world)
                if self.world.is_first:
                    mark_begun(saver.directory)
            yield
        except TrainingInterrupted:  # by all ranks
            raise
        except BaseException as error:
            self.world.fail(error)
            raise
        finally:
            if saver is not None:
                saver.end()
            self.session.learner.release()
            if self.teachers is not None:
                self.teachers.detach()
            if self.world.is_shared and hasattr(self.reader.iterator, "shard"):
                self.reader.iterator.shard()
            for adapter in self.model.network.adapters.values():
                adapter.uses_metrics = True


def _reader(
    train: Any,
    network: Network,
    adapters: Mapping[str, HeadAdapter],
    settings: Settings,
    ranks: World,
) -> BatchReader:
    """Return the reader of the training data, matched with the network's classes and heads.

    A Loader reads this rank's part; other iterators are taken to yield their rank's part.
    """
    if ranks.is_shared and hasattr(train, "shard"):
        train.shard(ranks.rank, ranks.size)
    elif ranks.is_shared and ranks.is_first:
        _log.warning(
            "Each of the %d ranks trains on all that its %s yields, which must be a part of the "
            "data (num_parts=%d, part_index=RANK, or a DistributedSampler); a df.Loader divides "
            "itself",
            *(ranks.size, type(train).__name__, ranks.size),
        )
    reader = BatchReader(train, list(adapters.values()), "train")
    take_names(network, train)
    check_same_heads(train, reader.adapters, reader.where)
    reader.epochs.first = settings.begin_epoch
    return reader


def _length(reader: BatchReader, settings: Settings) -> tuple[int | None, int | None]:
    """Return (updates per epoch, updates in all); None where unknown."""
    per_epoch = reader.epochs.updates(settings.updates_per_epoch, settings.accumulate)
    if settings.epochs is None:
        return per_epoch, settings.updates
    return per_epoch, reader.epochs.total_updates(settings.epochs, per_epoch, settings.accumulate)


def _optimizer(model: ModelInput, settings: Settings) -> OptimizerSettings:
    """Return the optimizer and its settings: the model's own, or the arguments of `fit`."""
    params, has_schedule = settings.optimizer_params, settings.schedule is not None
    check_optimizer(params, where="optimizer_params")
    optimizer = settings.optimizer
    if model.optimizer is not None:
        warn_kept_optimizer(model.optimizer, optimizer, params)
        optimizer, params = model.optimizer, {}
    return OptimizerSettings(optimizer, params, settings.groups, settings.kvstore, has_schedule)


def _saving(
    settings: Settings,
    directions: Directions,
    updates_per_epoch: int | None,
    total: int | None,
    ranks: World,
) -> Interval:
    """Return the interval of saves, after a check that the directory belongs to the training."""
    saver, resume = settings.checkpoint, settings.resume
    saving = Interval(saver.every if saver else 0, updates_per_epoch, total, "Saver(every=...)")
    if saver is not None:
        if ranks.is_first:
            check_unmixed(saver.directory, resume)
        saver.keep.judged_by(directions)
    elif resume not in ("none", "auto"):
        raise ConfigError("To resume, say where checkpoints are", fix="checkpoint=DIR")
    return saving
