"""Score several datasets, each head where it has labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from densefit.data.annotated import ask_once
from densefit.engine.engine import Engine
from densefit.errors import ConfigError, located
from densefit.evaluation.labelled_heads import (
    certain_and_possible,
    labelled_heads,
    unlabelled_error,
)
from densefit.evaluation.labels_seen import warn_unscored
from densefit.evaluation.scored_heads import check_metric_names
from densefit.evaluation.scorer import Scorer
from densefit.metrics.core.direction import directions
from densefit.model.head_names import check_data_names
from densefit.model.heads.adapter import HeadAdapter


class MultiScorer:
    """Score a learner's current parameters on several datasets, in each call of `run`.

    Args:
        learner: learner of the network.
        data: name -> loader.
        heads: names of the heads to score; by default all heads with labels.
        metrics: head -> metrics that replace the head's.
        where: purpose of the data, for error messages.
        adapters: further heads to score on all data, by name.
        nonfinite: policy for outputs that are not finite: "warn" or "raise".

    Attributes:
        scorers: dataset -> Scorer.
        unscored: heads without labels in any of the data.
        directions: score -> whether a high value is good, for all scores of `run`.

    Raises:
        ConfigError, DataError: as `score`.
    """

    def __init__(
        self,
        learner: Engine,
        data: Mapping[str, Any],
        heads: Sequence[str] | None = None,
        metrics: Mapping[str, Sequence[Any]] | None = None,
        where: str = "scoring",
        adapters: Mapping[str, HeadAdapter] | None = None,
        nonfinite: str = "warn",
    ) -> None:
        network = self._network = learner.network
        if not data:
            raise ConfigError("There are no data to score", expected="name -> loader")
        check_data_names(data)
        self._heads = [name for name in network.adapters if heads is None or name in heads]
        self._required = self._heads if heads is not None else []
        check_metric_names(metrics or {}, {**dict.fromkeys(self._heads), **(adapters or {})})
        self._purpose, self._where = where, f"{where} data {', '.join(data)}"
        self._logged: set[tuple[str, str]] = set()
        with ask_once():
            labelled = {
                name: certain_and_possible(network, self._heads, loader)
                for name, loader in data.items()
            }
        self._certain = {name: certain for name, (certain, _) in labelled.items()}
        possible = {head for _, names in labelled.values() for head in names}
        self.unscored = [head for head in self._heads if head not in possible]
        for head in self.unscored:
            if head in self._required:
                raise unlabelled_error(network, [head], f"data {', '.join(data)}")
        self.scorers: dict[str, Scorer] = {}
        self.directions: dict[str, bool] = {}
        for name, loader in data.items():
            certain, chosen = labelled[name]
            if not chosen and not adapters:
                raise unlabelled_error(network, self._heads, f"data {name}")
            of_chosen = {
                head: head_metrics
                for head, head_metrics in (metrics or {}).items()
                if head in chosen or head in (adapters or {})
            }
            with located(f"data {name}"):
                scorer = Scorer(
                    *(learner, loader, chosen, of_chosen, where, adapters, nonfinite),
                    perhaps=[head for head in chosen if heads is None or head not in certain],
                )
            self.scorers[name], scorer.part = scorer, name
            scorer_directions = directions(scorer.metrics)
            self.directions.update(
                {f"{name}/{key}": high for key, high in scorer_directions.items()}
            )
        self._warn_unscored(self.unscored, self._where)

    def check_values(self) -> None:
        """Call `Scorer.check_values` for each dataset."""
        for name, scorer in self.scorers.items():
            with located(f"data {name}"):
                scorer.check_values()

    def run(self, given_up: Callable[[], bool] = lambda: False) -> dict[str, float] | None:
        """Compute the scores of the learner's current parameters on every dataset.

        Args:
            given_up: called after each batch; True stops scoring.

        Returns:
            "<dataset>/<head>/<metric>" -> float; None if scoring was stopped.

        Raises:
            DataError: a dataset has labels for no head, or a required head has labels in none.
        """
        scores: dict[str, float] = {}
        labelled: set[str] = set()
        for name, scorer in self.scorers.items():
            with located(f"data {name}"):
                of_dataset = scorer.run(given_up)
            if of_dataset is None:
                return None
            scores.update({f"{name}/{key}": value for key, value in of_dataset.items()})
            labelled |= set(scorer.metrics) - scorer.unlabelled
            # Targets without a label in them are reported for each dataset.
            empty = scorer.unlabelled & set(self._certain[name])
            self._warn_unscored(empty, f"{self._purpose} data {name}")
        scored = {head for scorer in self.scorers.values() for head in scorer.metrics}
        unlabelled = [head for head in self._heads if head in scored - labelled]
        if set(unlabelled) & set(self._required):
            where = f"data {', '.join(self.scorers)}"
            raise unlabelled_error(self._network, unlabelled, where)
        self._warn_unscored(unlabelled, self._where)
        return scores

    def _warn_unscored(self, heads: Iterable[str], where: str) -> None:
        """Warn once about heads without labels in the data."""
        new = [head for head in sorted(heads) if (head, where) not in self._logged]
        warn_unscored(new, where)
        self._logged.update((head, where) for head in new)


def scorer_of_labelled(
    learner: Engine,
    data: Any,
    where: str,
    adapters: Mapping[str, HeadAdapter] | None = None,
    nonfinite: str = "warn",
    metrics: Mapping[str, Sequence[Any]] | None = None,
) -> Scorer:
    """Make a scorer of one dataset for the heads that it has labels for; warn about other heads.

    Args:
        learner: learner of the network.
        data: a loader or iterator of the dataset.
        where: purpose of the data, for error messages.
        adapters: further heads to score, by name.
        nonfinite: policy for outputs that are not finite: "warn" or "raise".
        metrics: head -> metrics that replace the head's.

    Raises:
        ConfigError, DataError, BindError: as Scorer; no head has labels.
    """
    network = learner.network
    names = list(network.adapters)
    possible = labelled_heads(network, names, data, perhaps=True)
    if names and not possible and not adapters:
        raise unlabelled_error(network, names, f"{where} data")
    scorer = Scorer(
        *(learner, data, possible),
        metrics={head: chosen for head, chosen in (metrics or {}).items() if head in possible},
        where=where,
        adapters=adapters,
        nonfinite=nonfinite,
        perhaps=possible,
    )
    scorer.unscored = [name for name in names if name not in possible]
    warn_unscored(scorer.unscored, f"{where} data")
    return scorer
