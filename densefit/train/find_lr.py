"""Which learning rate to begin with: train while it rises, and look where the loss falls."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.engine.iterator_info import check_iterator
from densefit.engine.model_input import batches_of, model_input
from densefit.engine.sources import source_of, stated_pad
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

_OWN = (
    *("schedule", "epochs", "checkpoint", "resume"),
    *("validation", "validate_every", "nonfinite"),
)
_MEMORY = 0.9  # of the running mean that tells divergence


def find_lr(
    network: Any,
    train: Any,
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
    left as it was, without parameters if it had none, and so are the random generators (MXNet's
    goes on elsewhere). The data begin anew as often as needed.

    Args:
        network: a Network, or an MXNet Symbol.
        train: a densefit Loader or any `mx.io.DataIter`.
        heads: name -> Route, for a Symbol.
        start: the first rate.
        end: the last rate, above `start`.
        updates: between them; too few are noise.
        loss: which training number is looked at, "<head>/<number>". By default the sum of all
            heads' losses, each with its weight (one that an update has no labels for as in the
            last that had; the search begins when each has been seen). Routes have no loss that
            could be known.
        diverge: the search ends when the loss, as a running mean, is so many times its best (or a
            tenth of the first, if the best is less).
        callbacks: see a training each of whose epochs is one update.
        settings: what else `fit` takes: optimizer, optimizer_params (without a rate), accumulate,
            clip_norm, groups, freeze, seed, devices... as in the training to come.

    Raises:
        ConfigError: a setting out of range, one that a search has no use for, or no such loss.
        BindError, DataError: as `fit`.

    Example:
        `found = df.find_lr(network, loader, optimizer="adam")`, `found.plot("rates.png")`, then
        `df.fit(network, loader, schedule=df.Cosine(found.steepest, warmup="5%"), ...)`.
    """
    for name in settings:
        if name in _OWN:
            raise ConfigError(
                f"A search of the learning rate has no use for {name!r}",
                fix="leave it out; what it shares with fit are optimizer, optimizer_params, "
                "accumulate, clip_norm, groups, freeze, ema, initializer, seed and devices",
            )
    updates = whole(updates, "updates", 3, where="find_lr")
    diverge = real(diverge, "diverge", above=1.0, where="find_lr")
    accumulate = whole(settings.get("accumulate", 1), "accumulate", 1, where="find_lr")
    given = model_input(network, heads, train=train, loss=settings.pop("loss", None))
    network, train = given.network, batches_of(train, given, "train")
    settings.setdefault("devices", given.devices)
    settings.setdefault("progress", False)  # each of its epochs is one update
    settings["fixed_param_names"] = [
        *given.fixed,
        *as_patterns(settings.get("fixed_param_names"), "fixed_param_names"),
    ]
    rising = Rising(end, start, updates)
    check_iterator(train, "train")
    watch = _Watch(network, loss, diverge)
    kept = dict(network.parameters), dict(network.statistics)
    try:
        with seeded(0):  # fit seeds by `seed`
            fit(
                network,
                Slices(train, accumulate),
                updates=updates,
                schedule=rising,
                callbacks=[watch, *as_callbacks(callbacks)],
                **settings,
            )
    except TrainingDiverged:
        if not watch.losses:
            raise
        watch.diverged = True
    finally:
        network.set_params(*kept)
    if not watch.losses and not watch.diverged:
        raise DataError(
            "No update of the search came after labels for every head",
            received=f"{updates} updates",
            where="find_lr",
            fix="more updates, or batches that have labels for several heads (batches='mixed')",
        )
    return RateSearch(watch.rates, watch.losses, watch.diverged)


@dataclass(frozen=True)
class Rising(Schedule):
    """From `start` to `lr` in equal ratios, both reached.

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
    """An iterator's batches, a few an epoch: the numbers of an epoch are those of one update.

    The iterator begins anew at its end, and not at each epoch.

    Args:
        inner: the iterator.
        count: batches an epoch.
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
        """Begin another epoch."""
        self._left = self._count

    def _endless(self) -> Iterator[Any]:
        if hasattr(self.data_iter, "set_epoch"):
            self.data_iter.set_epoch(0)
        source = source_of(self.data_iter)
        while True:
            found = False
            for batch, pad in source.train_epoch():
                found = True
                if pad != stated_pad(batch):
                    batch = copy.copy(batch)
                    batch.pad = pad
                yield batch
            if not found:
                raise DataError(
                    "The train data yielded no batch",
                    received=type(self.data_iter).__name__,
                    fix="is the dataset empty, or smaller than a batch with the last one dropped?",
                )


class _Watch(Callback):
    """Notes rates and losses, and ends the search when the loss diverges."""

    def __init__(self, network: Network, loss: str | None, diverge: float) -> None:
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.diverged = False
        self._weights = {f"{head.name}/loss": head.weight for head in network.heads}
        if loss is not None:
            self._weights = {loss: 1.0}
        self._labelled: dict[str, int] = {}  # by head, so far
        self._latest: dict[str, float] = {}  # by training number: an update may lack a head
        self._diverge = diverge
        self._mean, self._best = 0.0, math.inf

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Take in an update."""
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
        mean = self._mean / (1 - _MEMORY**done)  # without the 0 that it began with
        self._best = min(self._best, mean)
        scale = max(abs(self._best), abs(self.losses[0]) / 10)
        if mean - self._best > (self._diverge - 1) * scale:
            self.diverged = True
            control.stop("the loss diverges")

    def _loss(self, numbers: Mapping[str, float], labelled: Mapping[str, int]) -> float | None:
        """The sum of the losses, of heads that the update lacks as last seen; None before that."""
        if not self._weights:
            raise ConfigError(
                "Which of the training numbers is the loss of these routes?",
                where="find_lr",
                fix=f"loss=...; {nearest('loss', numbers)}",
            )
        for name in self._weights:
            if name not in numbers:
                raise ConfigError(
                    f"There is no training number {name!r} to search by",
                    where="find_lr(loss=...)",
                    fix=nearest(name, numbers),
                )
            head = next((key for key in labelled if name.startswith(f"{key}/")), None)
            if head is None or labelled[head] > self._labelled.get(head, 0):
                self._latest[name] = numbers[name]
        self._labelled = dict(labelled)
        if len(self._latest) < len(self._weights):
            return None
        return sum(weight * self._latest[name] for name, weight in self._weights.items())
