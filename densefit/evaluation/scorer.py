"""Score a network's heads on a dataset, repeatedly during a training."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from densefit.callbacks.clock import Clock
from densefit.data.classes.class_occurrence import ClassOccurrence
from densefit.distributed import world
from densefit.engine.batch_reader import BatchReader
from densefit.engine.engine import Engine
from densefit.engine.repeats import Repeats
from densefit.errors import located
from densefit.evaluation.labels_seen import warn_unscored
from densefit.evaluation.pass_rows import PassRows
from densefit.evaluation.rank_pass import RankPass
from densefit.evaluation.scored_heads import check_exact, chosen_metrics, chosen_wires
from densefit.evaluation.scoring_pass import ScoringPass
from densefit.evaluation.tta import MergedSample, has_views, merge_views
from densefit.evaluation.update_metrics import (
    compute_metrics,
    update_head_metrics,
    update_metrics,
)
from densefit.metrics.core.direction import directions
from densefit.metrics.core.unreadable import counts_text, sample_counts
from densefit.model.heads.adapter import HeadAdapter
from densefit.model.heads.network_head import NetworkHead

_log = logging.getLogger("densefit")
_Item = TypeVar("_Item")


class Scorer:
    """Score a learner's current parameters on one iterator, in each call of `run`.

    Names, shapes and iterators that cannot be scored are refused in the constructor. Repeated
    samples and heads without labels raise errors in `run`.

    Args:
        learner: learner of the network.
        data, heads, metrics: as in `score`.
        where: purpose of the data, for error messages.
        adapters: further heads to score, by name.
        nonfinite: policy for outputs that are not finite: "warn" or "raise".
        perhaps: heads that the data may have no labels for; without labels they have no scores.

    Attributes:
        metrics: head -> metrics, updated with the whole dataset after `run`.
        directions: score -> whether a high value is good, for all scores of `run`.
        unlabelled: heads of `perhaps` without a labelled sample in the last run.
        unscored: heads without labels in the data, which are left out.
        scorers: this scorer, for the interface of MultiScorer.
        on_batch: called after each batch with its number, from 0, the batch, and the measured
            outputs by short name.
        part: name of the data among several validation datasets.
        clock: charged with waiting for outputs ("forward", data included unless the data charge
            "data") and with decoding and metrics ("metric").

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
        adapters: Mapping[str, HeadAdapter] | None = None,
        nonfinite: str = "warn",
        perhaps: Sequence[str] = (),
    ) -> None:
        self._learner, self.data, self._nonfinite = learner, data, nonfinite
        self._perhaps, self.unlabelled = set(perhaps), frozenset[str]()
        self.unscored: list[str] = []
        self.on_batch: Callable[[int, Any, Mapping[str, Any]], None] = lambda *batch: None
        self.part = ""
        self.clock = Clock()
        self._elsewhere = 0  # samples that ranks left out of their parts
        self._lacking = 0  # samples that the pass before left out
        self.scorers = {"": self}
        self._is_first = True  # warnings about the data are logged once
        chosen = chosen_wires(learner.network.adapters, heads, adapters or {})
        self.metrics = chosen_metrics(chosen, metrics or {}, where)
        compute_metrics(self.metrics)  # refuses two numbers of one name
        self.directions = directions(self.metrics)
        check_exact(data, where)
        self._adapters = {name: chosen[name] for name in self.metrics}
        self._reader = BatchReader(data, list(self._adapters.values()), where)
        self._reader.repeats = Repeats(where)
        self._pass_rows = PassRows(data, where)
        self._reader.match()
        self._occurring: ClassOccurrence | None = None
        self._views = has_views(data, self._adapters.values())
        with located(f"{where} data"):
            self._reader.source.check_passes(1 if where == "scoring" else 2)
        learner.check_evaluation(self._reader, self._views)

    def check_values(self) -> None:
        """Raise BindError if the graph reads a value that neither network nor data provide."""
        self._learner.check_evaluation(self._reader, self._views, values=True)

    def run(self, given_up: Callable[[], bool] = lambda: False) -> dict[str, float] | None:
        """Compute the scores of the learner's current parameters; see `score`.

        Args:
            given_up: called after each batch; True stops scoring.

        Returns:
            None if scoring was stopped.
        """
        for metric in (metric for head in self.metrics.values() for metric in head):
            metric.reset()
        self._reader.match()
        heads = [
            adapter.head for adapter in self._adapters.values() if isinstance(adapter, NetworkHead)
        ]
        ranks = world()
        is_alone = not ranks.is_shared  # a rank sees the classes of its part only
        self._occurring = ClassOccurrence(heads) if self._is_first and is_alone else None
        seen = ScoringPass(self._adapters, self._reader.where)
        shared = RankPass(ranks, self.data, not self._views, self._reader.where)
        scan = partial(self._scan_views if self._views else self._scan_batches, seen, given_up)
        if not shared.scan(scan, self.metrics, seen):
            return None
        self._elsewhere = shared.unreadable
        with self.clock("metric"):
            scores = shared.share(partial(self._compute, seen), seen)
        self.unlabelled = frozenset(seen.unlabelled)
        if self._is_first and ranks.is_first:
            self._tell(scores)
        self._is_first = False
        return scores

    def _compute(self, seen: ScoringPass) -> dict[str, float]:
        """Check that the pass was complete, and compute the metrics."""
        samples = self._reader.source.samples
        if samples is None:
            self._pass_rows.look(len(seen))
        else:
            seen.check_complete(samples - self.unreadable)
            self._tell_unreadable(samples)
        seen.check_labelled(self._perhaps)
        scores = compute_metrics(
            {
                name: head_metrics
                for name, head_metrics in self.metrics.items()
                if name not in seen.unlabelled
            }
        )
        scores.update(sample_counts(len(seen), self.unreadable))
        return scores

    def _scan_batches(self, seen: ScoringPass, given_up: Callable[[], bool]) -> bool:
        """Update the metrics with every batch; False if scoring was stopped."""
        evaluated = self._learner.evaluate(self._reader, self._nonfinite)
        for number, (batch, outputs) in enumerate(self._timed(evaluated)):
            if given_up():
                return False
            targets = batch.targets or ()
            with self.clock("metric"):
                seen.add(batch.ids, targets)
                seen.unlabelled -= update_metrics(
                    self.metrics, self._adapters, "evaluate", outputs, batch
                )
                self._count_classes(targets)
            self.on_batch(number, batch, outputs)
        return True

    def _scan_views(self, seen: ScoringPass, given_up: Callable[[], bool]) -> bool:
        """Update the metrics with every sample, merged from its views; False if stopped."""
        for sample in self._timed(merge_views(self._learner, self._reader, self._nonfinite)):
            if given_up():
                return False
            with self.clock("metric"):
                seen.add([sample.id], [sample.targets])
                self._count_classes([sample.targets])
                seen.unlabelled -= self._update_with_sample(sample)
        return True

    def _timed(self, outputs: Iterable[_Item]) -> Iterator[_Item]:
        """Charge the time in which the outputs are waited for."""
        iterator = iter(outputs)
        while True:
            with self.clock("forward"):
                item = next(iterator, None)
            if item is None:
                return
            yield item

    def _update_with_sample(self, sample: MergedSample) -> set[str]:
        """Update the metrics with one sample; return the heads for which it is labelled."""
        labelled = set()
        for name, adapter in self._adapters.items():
            if not isinstance(adapter, NetworkHead):
                continue
            match = self._reader.matches.get(name)
            targets = sample.targets if match is None else match(sample.targets)
            truth = adapter.head.ground_truth(targets)
            if truth is not None:
                labelled.add(name)
                prediction = adapter.head.filter_prediction(sample.predictions[name], targets)
                update_head_metrics(self.metrics[name], name, [prediction], [truth], [sample.id])
        return labelled

    @property
    def unreadable(self) -> int:
        """Number of samples that the last pass left out: a Loader with on_error="leave_out"."""
        return self._elsewhere + int(getattr(self.data, "unreadable", 0))

    def _tell_unreadable(self, samples: int) -> None:
        """Log how many samples a pass lacks, whenever the number changes."""
        if self.unreadable != self._lacking:
            self._lacking, part = self.unreadable, f" {self.part!r}" if self.part else ""
            text = counts_text(samples, self.unreadable).rstrip(",")
            _log.warning("%s data%s: scored %s", self._reader.where, part, text)

    def _count_classes(self, targets: Sequence[Mapping[str, Any]]) -> None:
        """Count the samples' classes, by head."""
        if self._occurring is None:
            return
        for sample in targets:
            for name in self._adapters:
                self._occurring.look(name, sample, self._reader.matches.get(name))

    def _tell(self, scores: Mapping[str, float]) -> None:
        """Warn about heads without labels, undefined scores and classes that do not occur."""
        where = f"{self._reader.where} data"
        if not self.part:
            warn_unscored(sorted(self.unlabelled), where)
        for head, metrics in self.metrics.items():
            for metric in metrics:
                key = f"{head}/{metric.primary}"
                if math.isnan(scores.get(key, 0.0)):
                    why = metric.undefined()
                    _log.warning(
                        "%s is nan: nothing in the %s counts for it%s",
                        *(key, where, f" ({why})" if why else ""),
                    )
        if self._occurring is not None:
            name = f" {self.part!r}" if self.part else ""
            dataset = getattr(self.data, "dataset", self.data)
            self._occurring.tell(f"the truth of the {where}{name}", dataset, "scoring")
