"""Scoring each head where its truth is known: on one dataset, or on several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from densefit import engine
from densefit.data.annotated import asked_once
from densefit.data.targets_present import held_by
from densefit.engine.engine import Engine
from densefit.engine.finite import check_parameters, check_policy
from densefit.errors import ConfigError, DataError, located
from densefit.evaluation.labels_seen import no_label, tell_unscored
from densefit.evaluation.score import Scorer, check_head_names
from densefit.metrics.core.direction import directions
from densefit.model.head_names import check_data_names
from densefit.model.heads.adapter import Wire
from densefit.model.network import Network
from densefit.registry import nearest


def score_mixture(
    network: Network,
    data: Mapping[str, Any],
    heads: Sequence[str] | None = None,
    *,
    devices: Sequence[Any] | None = None,
    nonfinite: str = "raise",
) -> dict[str, float]:
    """Score a network on several datasets, each alone and exactly, as `score` does.

    A head is scored on a dataset if samples of it have the targets that the head declares to read
    (`head.targets`); a head that declares none is scored on all. Which targets samples have is what
    the dataset says (`targets_of`), else what the pass shows: a head that met no label there has
    no scores of that dataset. A head without labels in any of the data has no scores, and a warning
    says so; if `heads` names it, that is an error.

    Args:
        network: a Network with parameters.
        data: name (without '/') -> a loader, as in `score`. Data that carry no dataset are scored
            by all heads.
        heads: names of the heads to score; by default all that have labels.
        devices: MXNet contexts.
        nonfinite: as in `score`.

    Returns:
        "<dataset>/<head>/<metric>" -> float, datasets in the order given.

    Raises:
        ConfigError: no data, a name of data with a '/', or an unknown head.
        DataError: a dataset has labels for no head, or none for a head of `heads`; and as `score`.
        TrainingDiverged: a parameter is not finite.

    Example:
        `df.score_mixture(network, {"bccd": cells, "camvid": streets})` gives
        `{"bccd/detection/AP": 0.58, ..., "camvid/segmentation/mIoU": 0.63, ...}`.
    """
    check_head_names(heads, "score_mixture")
    for name in heads or ():
        if name not in network.wires:
            raise ConfigError(f"The network has no head {name!r}", fix=nearest(name, network.wires))
    check_policy(nonfinite)
    check_parameters(network, nonfinite)
    return (
        MixtureScorer(engine.make(network, devices), data, heads, nonfinite=nonfinite).run() or {}
    )


class MixtureScorer:
    """`Scorer` for several datasets: scores what a learner holds, as often as wanted.

    Args:
        learner: of the network.
        data: name -> a loader.
        heads: names of the heads to score; by default all that have labels.
        where: what the data are for, to be named in errors.
        wires: more wires to score on all data, by name.
        nonfinite: what happens to outputs that are not finite: "warn" or "raise".

    Attributes:
        scorers: of each dataset, by name.
        unscored: heads that are known to have labels in none of the data.
        directions: score -> whether a high one is good, of all that `run` gives.

    Raises:
        ConfigError, DataError: as `score_mixture`.
    """

    def __init__(
        self,
        learner: Engine,
        data: Mapping[str, Any],
        heads: Sequence[str] | None = None,
        where: str = "scoring",
        wires: Mapping[str, Wire] | None = None,
        nonfinite: str = "warn",
    ) -> None:
        network = learner.network
        if not data:
            raise ConfigError("There are no data to score", expected="name -> loader")
        check_data_names(data)
        wanted = [name for name in network.wires if heads is None or name in heads]
        with asked_once():
            known_of = {name: _scorable(network, wanted, loader) for name, loader in data.items()}
        self._sure = {name: sure for name, (sure, _) in known_of.items()}
        chosen = {name: perhaps for name, (_, perhaps) in known_of.items()}
        self._network, self._wires = network, wires
        self._part, self._wanted, self._where = where, wanted, f"{where} data {', '.join(data)}"
        self._must = wanted if heads is not None else []
        self._told: set[tuple[str, str]] = set()
        self.unscored = [h for h in wanted if not any(h in own for own in chosen.values())]
        for head in self.unscored:
            if head in self._must:
                raise _unlabelled(network, [head], f"data {', '.join(data)}")
        self.scorers: dict[str, Scorer] = {}
        self.directions: dict[str, bool] = {}
        for name, loader in data.items():
            if not chosen[name] and not wires:
                raise _unlabelled(network, wanted, f"data {name}")
            with located(f"data {name}"):
                scorer = Scorer(
                    *(learner, loader, chosen[name]),
                    where=where,
                    wires=wires,
                    nonfinite=nonfinite,
                    perhaps=[h for h in chosen[name] if heads is None or h not in self._sure[name]],
                )
            self.scorers[name], scorer.part = scorer, name
            known = directions(scorer.metrics)
            self.directions.update({f"{name}/{key}": high for key, high in known.items()})
        self._tell(self.unscored, self._where)

    def check_values(self) -> None:
        """`Scorer.check_values` of each dataset."""
        for name, scorer in self.scorers.items():
            with located(f"data {name}"):
                scorer.check_values()

    def run(self, given_up: Callable[[], bool] = lambda: False) -> dict[str, float] | None:
        """The scores of the learner's present parameters; None if `given_up` said so.

        Raises:
            DataError: a dataset turned out to have labels for no head, or a head's for no dataset.
        """
        found: dict[str, float] = {}
        for name, scorer in self.scorers.items():
            with located(f"data {name}"):
                scores = scorer.run(given_up)
            if scores is None:
                return None
            found.update({f"{name}/{key}": value for key, value in scores.items()})
            # What has the targets, and says nothing by them, is told of each dataset.
            self._tell(scorer.unlabelled & set(self._sure[name]), f"{self._part} data {name}")
        scorers = self.scorers.values()
        measured = [head for head in self._wanted if any(head in own.metrics for own in scorers)]
        met = {head for own in scorers for head in set(own.metrics) - own.unlabelled}
        unmet = [head for head in measured if head not in met]
        if set(unmet) & set(self._must):
            raise _unlabelled(self._network, unmet, f"data {', '.join(self.scorers)}")
        self._tell(unmet, self._where)
        return found

    def _tell(self, heads: Iterable[str], where: str) -> None:
        """Warn once of heads that have labels in none of the data."""
        new = [head for head in sorted(heads) if (head, where) not in self._told]
        tell_unscored(new, where)
        self._told.update((head, where) for head in new)


def scorer_of_labelled(
    learner: Engine,
    data: Any,
    where: str,
    wires: Mapping[str, Wire] | None = None,
    nonfinite: str = "warn",
) -> Scorer:
    """A scorer of one dataset by those heads that it has labels for; a warning names the others.

    Args:
        learner: of the network.
        data: of the dataset.
        where: what the data are for, to be named in errors.
        wires: more wires to score, by name.
        nonfinite: what happens to outputs that are not finite: "warn" or "raise".

    Raises:
        ConfigError, DataError, BindError: as Scorer; no head has labels.
    """
    network = learner.network
    names = list(network.wires)
    chosen = scorable(network, names, data, perhaps=True)
    if names and not chosen and not wires:
        raise _unlabelled(network, names, f"{where} data")
    scorer = Scorer(
        *(learner, data, chosen), where=where, wires=wires, nonfinite=nonfinite, perhaps=chosen
    )
    scorer.unscored = [name for name in names if name not in chosen]
    tell_unscored(scorer.unscored, f"{where} data")
    return scorer


def scorable(
    network: Network, heads: Sequence[str], loader: Any, perhaps: bool = False
) -> list[str]:
    """Those of the heads that a loader's dataset is known to have the declared targets of.

    Args:
        network: whose heads they are.
        heads: their names.
        loader: of the dataset.
        perhaps: also those of which that is not known, as of samples that nobody looked at.
    """
    sure, possible = _scorable(network, heads, loader)
    return possible if perhaps else sure


def _scorable(network: Network, heads: Sequence[str], loader: Any) -> tuple[list[str], list[str]]:
    """Those of the heads that a dataset is known to have labels for, and those it may have."""
    declared = {head.name: set(head.targets) for head in network.heads}
    if not hasattr(loader, "dataset") or not any(declared.get(name) for name in heads):
        return list(heads), list(heads)
    wanted = set().union(*(declared.get(name, set()) for name in heads))
    # As they are, before transforms: so they are scored.
    held = held_by(loader.dataset, wanted)
    sure = [name for name in heads if declared.get(name, set()) <= held.names]
    return sure, sure if held.are_all else list(heads)


def _unlabelled(network: Network, heads: Sequence[str], where: str) -> DataError:
    wanted = {head.name: list(head.targets) for head in network.heads if head.name in heads}
    return no_label(heads, where, expected=f"the targets {wanted}")
