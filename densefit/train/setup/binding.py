"""Binding of a training's network: at the start, and where other parameters begin to be trained."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from densefit.engine.param_groups import frozen
from densefit.engine.settings import BindSettings
from densefit.train.setup.plan import Plan

_log = logging.getLogger("densefit")


class Binding:
    """Bind the network of a training, and keep the bound graph to what the next update trains.

    Args:
        plan: the training.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._weigh = None
        self._frozen: list[str] = []  # patterns

    def bind(self) -> None:
        """Bind the network to the data's shapes, and initialize all parameters."""
        plan, session = self._plan, self._plan.session
        balancer, state = session.balancer, session.state
        if balancer is not None:
            adapters = plan.model.network.adapters
            balancer.begin(list(adapters), state.updates, state.updates_per_epoch)
            self._weigh = balancer.weighted if balancer.learned else None
        self._bind(plan.freezing.patterns(state.epoch, state.update))
        plan.module.attach(session.learner, plan.scorer, plan.reader.iterator)
        if plan.scorer is not None:
            plan.scorer.check_values()

    def follow(self) -> None:
        """Bind the network again if the next update trains other parameters than the last one.

        Weights, averages and the optimizer's states continue; those of newly trained parameters
        begin as at the first update. A rollback to before the moment freezes them again.
        """
        state = self._plan.session.state
        patterns = self._plan.freezing.patterns(state.epoch, state.update)
        if patterns == self._frozen:
            return
        before = len(state.frozen)
        self._bind_again(patterns)
        _log.info(
            "From update %d on, %d parameters are %s (%s)",
            *(state.update + 1, abs(before - len(state.frozen))),
            *("frozen again" if patterns else "trained, too", self._plan.freezing),
        )

    def _bind_again(self, patterns: Sequence[str]) -> None:
        session, network = self._plan.session, self._plan.model.network
        learner = session.learner
        weights = learner.parameters.training_values()
        states, counters = learner.optimizer_state()
        version, are_averaged = learner.parameters.version, learner.parameters.are_averaged
        learner.release()
        # A network may have parameters beside those of the train graph.
        left = {f"arg:{name}": value for name, value in network.parameters.items()}
        left.update({f"aux:{name}": value for name, value in network.statistics.items()})
        self._bind(patterns)
        learner.start_optimizer(self._plan.optimizer)
        parameters, statistics = (
            {key[4:]: value for key, value in {**left, **weights}.items() if key.startswith(kind)}
            for kind in ("arg:", "aux:")
        )
        learner.parameters.load(parameters, statistics, "unfreeze")
        if are_averaged:
            learner.parameters.load_averages({key: np.array(v) for key, v in left.items()})
        # Evaluators compare versions, to know whether their copies are of the same values.
        learner.parameters.version += version
        learner.load_optimizer_state(states, counters)

    def _bind(self, patterns: Sequence[str]) -> None:
        plan, settings, session = self._plan, self._plan.settings, self._plan.session
        are_given = settings.arg_params is not None or settings.aux_params is not None
        session.learner.bind(
            plan.reader,
            BindSettings(
                initializer=settings.initializer,
                seed=settings.seed,
                accumulate=settings.accumulate,
                freeze=patterns,
                ema=settings.ema,
                precision=settings.precision,
                sync_batchnorm=settings.sync_batchnorm,
                weigh=self._weigh,
                fixed=[*plan.model.fixed, *settings.fixed_param_names],
                allow_missing=settings.allow_missing or not are_given,
                fuse=settings.module["monitor"] is None,
                live=plan.live,
                is_given=are_given,
            ),
        )
        self._frozen = list(patterns)
        names = list(plan.model.network.parameters) if patterns else []
        session.state.frozen = frozen(patterns, names)
