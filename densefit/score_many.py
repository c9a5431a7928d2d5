"""Scoring on several datasets: each head where its truth is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from densefit.data.annotated import asked_once
from densefit.data.labelled import held_by
from densefit.errors import ConfigError, DataError, located
from densefit.metrics.direction import directions
from densefit.model.names import check_data_names
from densefit.model.network import Network
from densefit.model.wire import Wire
from densefit.registry import nearest
from densefit.score import Scorer, check_head_names
from densefit.train.finite import check_parameters, check_policy
from densefit.train.learner import Learner


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
    no scores of that dataset.

    Args:
        network: a Network with parameters.
        data: name (without '/') -> a loader, as in `score`. Data that carry no dataset are scored
            by all heads.
        heads: names of the heads to score; all by default.
        devices: MXNet contexts.
        nonfinite: as in `score`.

    Returns:
        "<dataset>/<head>/<metric>" -> float, datasets in the order given.

    Raises:
        ConfigError: no data, a name of data with a '/', or an unknown head.
        DataError: a dataset has labels for no head, or a head's for no dataset; and as `score`.
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
    return MixtureScorer(Learner(network, devices), data, heads, nonfinite=nonfinite).run() or {}


class MixtureScorer:
    """`Scorer` for several datasets: scores what a learner holds, as often as wanted.

    Args:
        learner: of the network.
        data: name -> a loader.
        heads: names of the heads to score; all by default.
        where: what the data are for, to be named in errors.
        wires: more wires to score on all data, by name.
        nonfinite: what happens to outputs that are not finite: "warn" or "raise".

    Attributes:
        scorers: of each dataset, by name.
        directions: score -> whether a high one is good, of all that `run` gives.

    Raises:
        ConfigError, DataError: as `score_mixture`.
    """

    def __init__(
        self,
        learner: Learner,
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
            sure = {name: scorable(network, wanted, loader) for name, loader in data.items()}
            chosen = {
                name: scorable(network, wanted, loader, perhaps=True)
                for name, loader in data.items()
            }
        self._network, self._wanted, self._wires = network, wanted, wires
        for head in wanted:
            if not any(head in known for known in chosen.values()):
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
                    perhaps=[head for head in chosen[name] if head not in sure[name]],
                )
            self.scorers[name], scorer.part = scorer, name
            known = directions(scorer.metrics)
            self.directions.update({f"{name}/{key}": high for key, high in known.items()})

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
            if not scores and not self._wires:
                raise _unlabelled(self._network, self._wanted, f"data {name}")
        for head in self._wanted:
            if all(head in own.unlabelled for own in self.scorers.values() if head in own.metrics):
                if any(head in own.metrics for own in self.scorers.values()):
                    raise _unlabelled(self._network, [head], f"data {', '.join(self.scorers)}")
        return found


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
    declared = {head.name: set(head.targets) for head in network.heads}
    if not hasattr(loader, "dataset") or not any(declared.get(name) for name in heads):
        return list(heads)
    held = held_by(loader.dataset)  # as they are, before transforms: so they are scored
    if perhaps and not held.are_all:
        return list(heads)
    return [name for name in heads if declared.get(name, set()) <= held.names]


def _unlabelled(network: Network, heads: Sequence[str], where: str) -> DataError:
    wanted = {head.name: list(head.targets) for head in network.heads if head.name in heads}
    return DataError(
        f"No sample is labelled for the heads {list(heads)}",
        expected=f"the targets {wanted}",
        where=where,
        fix="let a dataset give them (see its settings, e.g. masks=True), or score other heads: "
        "score_mixture(..., heads=[...])",
    )
