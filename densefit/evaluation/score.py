"""Scoring: every sample of a dataset exactly once, each head by its own metrics."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from densefit import adapters, engine
from densefit.data.classes.class_occurrence import Occurring
from densefit.engine.batch_reader import Feeder
from densefit.engine.engine import Engine
from densefit.engine.finite import check_parameters, check_policy
from densefit.engine.model_input import batches_of, model_input
from densefit.engine.repeats import Repeats
from densefit.errors import BindError, ConfigError, DataError, located
from densefit.evaluation.labels_seen import no_label, tell_unscored
from densefit.evaluation.pass_rows import PassRows
from densefit.evaluation.tta import Viewed, viewed, views_of
from densefit.metrics import Metric, as_metric
from densefit.metrics.core.direction import directions
from densefit.model.heads.adapter import Wire
from densefit.model.heads.network_head import HeadWire
from densefit.model.heads.route import Route
from densefit.model.network import Network
from densefit.registry import nearest

_log = logging.getLogger("densefit")


def score(
    network: Any,
    data: Any,
    heads: Sequence[str] | Mapping[str, Route] | None = None,
    metrics: Mapping[str, Sequence[Any]] | None = None,
    *,
    arg_params: Mapping[str, Any] | None = None,
    aux_params: Mapping[str, Any] | None = None,
    eval_metric: Any = None,
    devices: Sequence[Any] | None = None,
    nonfinite: str = "raise",
) -> dict[str, float]:
    """Score a network on a whole dataset.

    Every sample counts exactly once: padded rows are cut off, a repeated id is an error, and so
    is a loader that drops or skips. A sample whose truth is unknown to a head does not count for
    that head. Metrics see the dataset, never a mean of batches, so the numbers do not depend on
    the batch size or on the number of devices, but for rounding: a network computes in float32,
    and rows of another batch may differ in the last digits.

    Args:
        network: a Network with parameters; an MXNet Module, or a gluon HybridBlock; or a Symbol
            with `arg_params`.
        data: what `fit` takes. An OriginalSizeLoader for pictures at their own sizes; a ViewLoader
            for test-time augmentation and sliding windows.
        heads: names of the heads to score, or routes for a symbol's network; all by default.
        metrics: head -> its metrics, in place of the head's own.
        arg_params: values of parameters, which go before those that the model has.
        aux_params: the same of auxiliary states.
        eval_metric: as Module.score takes it: a name, a list of names, an `mx.metric.EvalMetric` or
            a function of (label, prediction). It gets all outputs and all labels of a symbol, of
            real rows; its numbers, "module/<name>", stand in place of the heads' own, unless
            `heads` or `metrics` are given. The object is updated itself.
        devices: MXNet contexts; the CPU by default. Of more than a batch has rows, the first are
            used.
        nonfinite: what happens when a parameter or an output is nan or infinite, which metrics
            take for a prediction like any other: "raise", naming head and samples, or "warn".

    Returns:
        A flat dict: "<head>/<metric>" or "<head>/<metric>/<class>" -> float; nan if undefined.

    Raises:
        DataError: a sample is missing, repeated or broken, no sample is labelled for a head, or
            an output is not finite.
        BindError: the data do not fit the network.
        TrainingDiverged: a parameter is not finite.

    Example:
        `df.score(network, df.Loader(dataset, batch_size=8, transform=fit_in))` gives
        `{"segmentation/mIoU": 0.63, "segmentation/IoU/sky": 0.91, ...}`.
    """
    check_head_names(heads, "score")
    routes = heads if isinstance(heads, Mapping) else None
    if isinstance(network, Network) and routes is not None:
        if network.heads:
            raise ConfigError("Routes are for a network made of a symbol", received=list(routes))
        routed = Network(symbol=network.symbol, routes=routes)
        network.check_initialized()
        routed.set_params(network.parameters, network.statistics)
        network, routes = routed, None
    check_policy(nonfinite)
    given = model_input(
        network, routes, arg_params, aux_params, measured=eval_metric is None, train=data
    )
    data = batches_of(data, given, "scoring")
    names = None if isinstance(heads, Mapping) else heads
    module: Any = adapters.module_arguments.adapt(
        {"score_metric": eval_metric}, network=given.network, model=given.model, seen=given.seen
    )
    if eval_metric is not None and heads is None and metrics is None:
        names = []  # it stands in place of the heads' own
    check_parameters(given.network, nonfinite)
    learner = engine.make(given.network, devices or given.devices)
    scorer = Scorer(learner, data, names, metrics, wires=module.wires, nonfinite=nonfinite)
    return scorer.run() or {}


class Scorer:
    """Scores what a learner holds on one iterator, as often as wanted.

    Names, shapes and iterators that cannot be scored are refused when it is made. What the samples
    tell (one that comes twice, a head without labels) is found by `run`.

    Args:
        learner: of the network.
        data, heads, metrics: as in `score`.
        where: what the data are for, to be named in errors.
        wires: more wires to score, by name.
        nonfinite: what happens to outputs that are not finite: "warn" or "raise".
        perhaps: heads that the data may have no labels for: then they have no scores.

    Attributes:
        unlabelled: those of `perhaps` that met no label in the last run.
        unscored: heads that are known to have no labels in the data, and are left out.
        scorers: this one, as a MixtureScorer has one for each of its datasets.
        on_batch: called after each batch with its number, from 0, the batch, and the outputs that
            were measured, by short name.
        metrics: head -> its metrics, which have seen the dataset after `run`.
        directions: score -> whether a high one is good, of all that `run` gives.

    Raises:
        DataError, BindError, ConfigError: as `score`.
    """

    def __init__(
        self,
        learner: Engine,
        data: Any,
        heads: Sequence[str] | None = None,
        metrics: Mapping[str, Sequence[Any]] | None = None,
        where: str = "scoring",
        wires: Mapping[str, Wire] | None = None,
        nonfinite: str = "warn",
        perhaps: Sequence[str] = (),
    ) -> None:
        self._perhaps, self.unlabelled = set(perhaps), frozenset[str]()
        self.unscored: list[str] = []
        self._learner, self.data, self._nonfinite = learner, data, nonfinite
        self._is_told = False  # of scores that are nan, and of classes that the truth never has
        self.on_batch: Callable[[int, Any, Mapping[str, Any]], None] = lambda *batch: None
        self.part = ""  # its name among several validations
        self.scorers = {"": self}
        more = dict(wires or {})
        own = learner.network.wires
        wires = {**(_chosen(own, heads) if (own and heads != []) or not more else {}), **more}
        for name in metrics or {}:
            if name not in wires:
                raise ConfigError(
                    f"Metrics are given for the head {name!r}, which is not scored",
                    fix=nearest(name, wires),
                )
        judges: dict[str, list[Metric]] = {
            name: (
                [as_metric(metric).fresh() for metric in metrics[name]]
                if metrics and name in metrics
                else wire.metrics("evaluate")
            )
            for name, wire in wires.items()
        }
        self.metrics = {name: chosen for name, chosen in judges.items() if chosen}
        if not self.metrics:
            raise ConfigError(
                f"No head has a metric to score with the {where} data",
                received=f"heads {list(wires)}",
                fix="Route(metrics=[...]), or score(..., metrics={'head': [...]}); of a Symbol or "
                "Module also score(..., eval_metric='acc')",
            )
        collect(self.metrics)  # names that clash
        self.directions = directions(self.metrics)
        _check_exact(data, where)
        self._wires = {name: wires[name] for name in self.metrics}
        self._feeder = Feeder(data, list(self._wires.values()), where)
        self._feeder.repeats = Repeats(where)
        self._pass_rows = PassRows(data, where)
        self._feeder.match()
        self._occurring: Occurring | None = None
        self._views = views_of(data, self._wires.values())
        with located(f"{where} data"):
            self._feeder.source.check_passes(1 if where == "scoring" else 2)
        learner.check_evaluation(self._feeder, self._views)

    def check_values(self) -> None:
        """Raise BindError if the graph reads what neither the network has nor the data provide."""
        self._learner.check_evaluation(self._feeder, self._views, values=True)

    def run(self, given_up: Callable[[], bool] = lambda: False) -> dict[str, float] | None:
        """The scores of the learner's present parameters; see `score`.

        Args:
            given_up: asked after each batch.

        Returns:
            None if it was given up.
        """
        for own in self.metrics.values():
            for metric in own:
                metric.reset()
        self._feeder.match()
        heads = [wire.head for wire in self._wires.values() if isinstance(wire, HeadWire)]
        self._occurring = None if self._is_told else Occurring(heads)
        self._seen: set[str] = set()
        present: set[str] = set()  # names of targets
        unlabelled = set(self._wires)
        if self._views:
            for sample in viewed(self._learner, self._feeder, self._nonfinite):
                if given_up():
                    return None
                self._check_new([sample.id])
                present.update(sample.targets)
                self._look(sample.targets)
                unlabelled -= self._take_in_viewed(sample)
        else:
            evaluated = self._learner.evaluate(self._feeder, self._nonfinite)
            for number, (batch, outputs) in enumerate(evaluated):
                if given_up():
                    return None
                self._check_new(batch.ids)
                present.update(*(batch.targets or ()))
                unlabelled -= take_in(self.metrics, self._wires, "evaluate", outputs, batch)
                for targets in batch.targets or ():
                    self._look(targets)
                self.on_batch(number, batch, outputs)
        expected = self._feeder.source.samples
        if expected is None:
            self._pass_rows.look(len(self._seen))
        elif len(self._seen) != expected:
            raise DataError(
                f"{len(self._seen)} of {expected} samples came while scoring",
                expected="every sample once",
                where=f"{self._feeder.where} data",
                fix="score with a loader that keeps its last batch and skips nothing",
            )
        if unlabelled - self._perhaps or len(unlabelled) == len(self._wires):
            raise no_label(
                unlabelled, f"{self._feeder.where} data", received=f"the targets {sorted(present)}"
            )
        self.unlabelled = frozenset(unlabelled)
        if not self._is_told and not self.part:
            tell_unscored(sorted(unlabelled), f"{self._feeder.where} data")
        labelled = {name: own for name, own in self.metrics.items() if name not in self.unlabelled}
        scores = collect(labelled)
        self._tell_undefined(scores)
        if self._occurring is not None:
            dataset = getattr(self.data, "dataset", self.data)
            name = f" {self.part!r}" if self.part else ""
            where = f"the truth of the {self._feeder.where} data{name}"
            self._occurring.tell(where, dataset, "scoring")
        return scores

    def _tell_undefined(self, scores: Mapping[str, float]) -> None:
        """Log once which heads have no score, because nothing in the data counts for it."""
        told, self._is_told = self._is_told, True
        for head, metrics in self.metrics.items() if not told else ():
            for metric in metrics:
                key = f"{head}/{metric.primary}"
                if math.isnan(scores.get(key, 0.0)):
                    _log.warning(
                        "%s is nan: nothing in the %s data counts for it%s",
                        *(key, self._feeder.where),
                        f" ({why})" if (why := metric.undefined()) else "",
                    )

    def _look(self, targets: Mapping[str, Any]) -> None:
        """Count which classes of the heads a sample has."""
        if self._occurring is None:
            return
        for name in self._wires:
            match = self._feeder.matches.get(name)
            self._occurring.look(name, targets, match)

    def _check_new(self, ids: Sequence[str]) -> None:
        for key in ids:
            if key in self._seen:
                raise DataError(
                    f"The sample {key!r} came twice while scoring",
                    where=f"{self._feeder.where} data",
                    fix="ids must be unique, and no sampler may repeat one",
                )
            self._seen.add(key)

    def _take_in_viewed(self, sample: Viewed) -> set[str]:
        """Update the metrics with a sample; the heads that know its truth."""
        counted = set()
        for name, wire in self._wires.items():
            head = wire.head if isinstance(wire, HeadWire) else None
            match = self._feeder.matches.get(name)
            targets = sample.targets if match is None else match(sample.targets)
            truth = None if head is None else head.truth(targets)
            if head is not None and truth is not None:
                counted.add(name)
                found = head.judged(sample.predictions[name], targets)
                update(self.metrics[name], name, [found], [truth], [sample.id])
        return counted


def take_in(
    judges: Mapping[str, Sequence[Metric]],
    wires: Mapping[str, Wire],
    mode: str,
    outputs: Mapping[str, Any],
    batch: Any,
) -> set[str]:
    """Update the metrics of each head with a fed batch.

    Args:
        judges: head -> its metrics.
        wires: the heads by name.
        mode: "train" or "evaluate".
        outputs: short name -> array, of the heads that have metrics.
        batch: what the outputs are of.

    Returns:
        The heads that had samples to count: of a batch, all truths of a head may be unknown.

    Raises:
        DensefitError: what a metric raises, with the head's name.
    """
    # All heads are read before any metric is told: one that diverged refuses the whole batch.
    found = {name: wires[name].read(mode, outputs, batch) for name in judges if judges[name]}
    counted = {name for name, (_, _, ids) in found.items() if ids}
    for name in (name for name in found if name in counted):
        update(judges[name], name, *found[name])
    return counted


def update(
    metrics: Sequence[Metric], head: str, predictions: Any, targets: Any, ids: Sequence[str]
) -> None:
    """Update a head's metrics, which name the head in their errors."""
    for metric in metrics:
        with located(f"head {head}, metric {type(metric).__name__}"):
            metric.update(predictions, targets, ids)


def collect(judges: Mapping[str, Sequence[Metric]]) -> dict[str, float]:
    """The numbers of all heads' metrics as one flat dict.

    Raises:
        ConfigError: two metrics of a head give a number of the same name.
    """
    found: dict[str, float] = {}
    for head, metrics in judges.items():
        for metric in metrics:
            for key, value in metric.compute().items():
                name = f"{head}/{key}"
                if name in found:
                    raise ConfigError(
                        f"Two metrics of the head {head!r} are called {key!r}",
                        where=type(metric).__name__,
                    )
                found[name] = value
    return found


def _chosen(wires: Mapping[str, Wire], heads: Sequence[str] | None) -> dict[str, Wire]:
    for name in heads or ():
        if name not in wires:
            raise BindError(f"The network has no head {name!r}", fix=nearest(name, wires))
    chosen = {name: wire for name, wire in wires.items() if heads is None or name in heads}
    if not chosen:
        raise ConfigError(
            "There is no head to score",
            fix="df.Network(symbol=..., routes={'name': df.Route(outputs=[...], ...)})",
        )
    return chosen


def check_head_names(heads: Any, function: str) -> None:
    """Raise ConfigError for one name in place of a list: its letters are no heads."""
    if isinstance(heads, str):
        raise ConfigError(
            "The heads are a list of names",
            received=repr(heads),
            where=f"{function}(..., heads=...)",
            fix=f"heads=[{heads!r}]",
        )


def _check_exact(data: Any, where: str) -> None:
    """Refuse loaders that are known not to give every sample once."""
    if getattr(data, "exact", True) is False:
        raise DataError(
            f"The {where} data do not give every sample exactly once",
            received=f"{type(data).__name__} that drops, skips or repeats samples",
            fix="for a Loader: last='keep', on_error='raise'",
        )
