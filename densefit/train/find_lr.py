"""Learning-rate range test: train at a rising rate, and observe the loss."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from densefit import engine
from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.distributed import world
from densefit.engine.iterator_info import check_iterator
from densefit.engine.model_input import batches_of, model_input
from densefit.engine.sources import source_of
from densefit.engine.types import Data, Model
from densefit.errors import ConfigError, DataError, TrainingDiverged
from densefit.model.heads.route import Route
from densefit.model.network import Network
from densefit.numeric import real, whole
from densefit.registry import nearest
from densefit.train.fit import fit
from densefit.train.lr_search_result import RateSearch
from densefit.train.schedules.schedule import Plan, Resolved, Schedule
from densefit.train.seeds import seeded
from densefit.train.setup.arguments import as_callbacks, as_patterns

_UNUSED = (
    *("schedule", "epochs", "checkpoint", "resume"),
    *("validation", "validate_every", "nonfinite", "on_nonfinite", "lr"),
)
_MEMORY = 0.9  # of the running mean by which divergence is detected


def find_lr(
    network: Model,
    train: Data,
    *,
    heads: Mapping[str, Route] | None = None,
    start: float = 1e-7,
    end: float = 10.0,
    updates: int = 100,
    loss: str | None = None,
    diverge: float = 4.0,
    callbacks: Sequence[Callback | str] | Callback | str = (),
    **settings: Any,
) -> RateSearch:
    """Train with an exponentially rising learning rate until the loss diverges.

    Leslie Smith, Cyclical Learning Rates, arXiv:1506.01186; `lr_find` of fastai. The network is
    restored afterwards, without parameters if it had none, and so are the random generators
    (except MXNet's, which moves on). The data are repeated as often as needed.

    Args:
        network: a Network, or an MXNet Symbol.
        train: a densefit Loader or any `mx.io.DataIter`.
        heads: name -> Route, for a Symbol.
        start: the first rate.
        end: the last rate, above `start`.
        updates: number of updates from the first rate to the last; few give a noisy curve.
        loss: training metric to search by, "<head>/<metric>". By default the weighted sum of all
            heads' losses; a head without labels in an update counts with its previous loss, and
            the search starts when each head has a loss. Required for routes.
        diverge: the search ends when the running mean of the loss exceeds its minimum (or a tenth
            of the first loss, if the minimum is less) by this factor.
        callbacks: callbacks of the training, whose epochs have one update each.
        settings: other arguments of `fit`: optimizer, optimizer_params (without a rate),
            accumulate, clip_norm, groups, freeze, seed, devices... as in the later training.

    Raises:
        ConfigError: a setting out of range, a setting that a search does not use, or an unknown
            loss.
        BindError, DataError: as `fit`.

    Example:
        `search = df.find_lr(network, loader, optimizer="adam")`, `search.plot("rates.png")`, then
        `df.fit(network, loader, schedule=df.Cosine(search.steepest, warmup="5%"), ...)`.
    """
    for name in settings:
        if name in _UNUSED:
            raise ConfigError(
                f"A search of the learning rate has no use for {name!r}",
                fix="leave it out; what it shares with fit are optimizer, optimizer_params, "
                "accumulate, clip_norm, groups, freeze, ema, initializer, seed, devices and engine",
            )
    updates = whole(updates, "updates", 3, where="find_lr")
    diverge = real(diverge, "diverge", above=1.0, where="find_lr")
    accumulate = whole(settings.get("accumulate", 1), "accumulate", 1, where="find_lr")
    model = model_input(network, heads, train=train, loss=settings.pop("loss", None))
    network, train = model.network, batches_of(train, model, "train")
    engine_name = engine.engine_name(settings.get("engine"), network)
    settings["engine"] = engine_name
    if engine_name == "mxnet":
        settings.setdefault("devices", model.devices)
    settings.setdefault("progress", False)  # each of its epochs is one update
    settings["fixed_param_names"] = [
        *model.fixed,
        *as_patterns(settings.get("fixed_param_names"), "fixed_param_names"),
    ]
    rising = Rising(end, start, updates)
    check_iterator(train, "train")
    if world().is_shared:
        raise ConfigError(
            "A learning rate is searched in one process",
            received=f"{world().size} ranks",
            where="find_lr",
            fix="search with a batch_size that is the sum of the ranks', without `densefit launch`",
        )
    search = _Search(network, loss, diverge)
    before = dict(network.parameters), dict(network.statistics)
    try:
        with seeded(0, engine_name):  # fit seeds by `seed`
            fit(
                network,
                Slices(train, accumulate),
                updates=updates,
                schedule=rising,
                callbacks=[search, *as_callbacks(callbacks)],
                **settings,
            )
    except TrainingDiverged:
        if not search.losses:
            raise
        search.diverged = True
    finally:
        network.set_params(*before)
    if not search.losses and not search.diverged:
        raise DataError(
            "No update of the search came after labels for every head",
            received=f"{updates} updates",
            where="find_lr",
            fix="more updates, or batches that have labels for several heads (batches='mixed')",
        )
    return RateSearch(search.rates, search.losses, search.diverged)


@dataclass(frozen=True)
class Rising(Schedule):
    """Exponential rise from `start` to `lr`, both reached.

    >>> rate = Rising(lr=1.0, start=0.01, updates=5).resolve(total=5)
    >>> [round(rate(t), 4) for t in range(5)]
    [0.01, 0.0316, 0.1, 0.3162, 1.0]

    Attributes:
        start: above 0, below `lr`.
        updates: at least 2.
    """

    lr: float
    start: float
    updates: int

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("start", f"above 0, below {self.lr}", lambda start: 0 < start < self.lr)

    def _resolve(self, plan: Plan) -> Resolved:
        ratio = self.lr / self.start
        last = self.updates - 1
        return Resolved(lambda t: self.start * ratio ** (min(t, last) / last), plan.total)


class Slices:
    """Iterator with epochs of a few batches, so that an epoch's metrics cover one update.

    The inner iterator is reset at its end instead of at each epoch.

    Args:
        inner: the iterator.
        count: number of batches per epoch.
    """

    is_sliced = True

    def __init__(self, inner: Any, count: int) -> None:
        self.data_iter = inner  # as mx.io.ResizeIter calls it
        self.provide_data, self.provide_label = inner.provide_data, inner.provide_label
        self.batch_size = inner.batch_size
        if hasattr(inner, "dataset"):
            self.dataset = inner.dataset
        self._count = self._left = count
        self._batches = self._endless()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if not self._left:
            raise StopIteration
        self._left -= 1
        return next(self._batches)

    def reset(self) -> None:
        """Start another epoch."""
        self._left = self._count

    def _endless(self) -> Iterator[Any]:
        if hasattr(self.data_iter, "set_epoch"):
            self.data_iter.set_epoch(0)
        source = source_of(self.data_iter)
        while True:
            is_empty = True
            for batch in source.train_epoch():
                is_empty = False
                yield batch
            if is_empty:
                raise DataError(
                    "The train data yielded no batch",
                    received=type(self.data_iter).__name__,
                    fix="is the dataset empty, or smaller than a batch with the last one dropped?",
                )


class _Search(Callback):
    """Record rates and losses, and stop the training when the loss diverges."""

    def __init__(self, network: Network, loss: str | None, diverge: float) -> None:
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.diverged = False
        self._weights = {f"{head.name}/loss": head.weight for head in network.heads}
        if loss is not None:
            self._weights = {loss: 1.0}
        self._labelled: dict[str, int] = {}  # head -> samples so far
        self._latest: dict[str, float] = {}  # metric -> value; an update may lack a head
        self._diverge = diverge
        self._mean, self._best = 0.0, math.inf

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Record the rate and the loss."""
        loss = self._loss(state.train(), state.labelled)
        if loss is None:
            return
        if not math.isfinite(loss):
            self.diverged = True
            control.stop("the loss is not finite")
            return
        self.rates.append(state.lr)
        self.losses.append(loss)
        done = len(self.losses)
        self._mean = _MEMORY * self._mean + (1 - _MEMORY) * loss
        mean = self._mean / (1 - _MEMORY**done)  # corrects the bias of the initial 0
        self._best = min(self._best, mean)
        scale = max(abs(self._best), abs(self.losses[0]) / 10)
        if mean - self._best > (self._diverge - 1) * scale:
            self.diverged = True
            control.stop("the loss diverges")

    def _loss(self, metrics: Mapping[str, float], labelled: Mapping[str, int]) -> float | None:
        """Sum the heads' latest losses; None before each head has one."""
        if not self._weights:
            raise ConfigError(
                "Which of the training numbers is the loss of these routes?",
                where="find_lr",
                fix=f"loss=...; {nearest('loss', metrics)}",
            )
        for name in self._weights:
            if name not in metrics:
                raise ConfigError(
                    f"There is no training number {name!r} to search by",
                    where="find_lr(loss=...)",
                    fix=nearest(name, metrics),
                )
            head = next((key for key in labelled if name.startswith(f"{key}/")), None)
            if head is None or labelled[head] > self._labelled.get(head, 0):
                self._latest[name] = metrics[name]
        self._labelled = dict(labelled)
        if len(self._latest) < len(self._weights):
            return None
        return sum(weight * self._latest[name] for name, weight in self._weights.items())
