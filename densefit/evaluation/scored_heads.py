"""Choose the heads to score, and their metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from densefit.errors import BindError, ConfigError, DataError
from densefit.metrics import Metric, as_metric
from densefit.model.heads.adapter import HeadAdapter
from densefit.registry import nearest


def chosen_wires(
    adapters: Mapping[str, HeadAdapter],
    heads: Sequence[str] | None,
    more: Mapping[str, HeadAdapter],
) -> dict[str, HeadAdapter]:
    """Choose the heads to score.

    Args:
        adapters: adapters of the network's heads by name.
        heads: names of the heads to score; None for all.
        more: further heads to score.

    Raises:
        BindError: the network has no such head.
        ConfigError: there is no head to score.
    """
    if more and (heads == [] or not adapters):
        return dict(more)
    for name in heads or ():
        if name not in adapters:
            raise BindError(f"The network has no head {name!r}", fix=nearest(name, adapters))
    chosen = {name: adapter for name, adapter in adapters.items() if heads is None or name in heads}
    if not chosen:
        raise ConfigError(
            "There is no head to score",
            fix="df.Network(symbol=..., routes={'name': df.Route(outputs=[...], ...)})",
        )
    return {**chosen, **more}


def chosen_metrics(
    adapters: Mapping[str, HeadAdapter], metrics: Mapping[str, Sequence[Any]], where: str
) -> dict[str, list[Metric]]:
    """Choose the metrics of each head, leaving out heads without any.

    Args:
        adapters: adapters of the heads to score.
        metrics: head -> metrics that replace the head's.
        where: purpose of the data, for error messages.

    Raises:
        ConfigError: no head has a metric, or `metrics` names a head that is not scored.
    """
    check_metric_names(metrics, adapters)
    chosen: dict[str, list[Metric]] = {
        name: [as_metric(metric).fresh() for metric in metrics[name]]
        if name in metrics
        else adapter.metrics("evaluate")
        for name, adapter in adapters.items()
    }
    if not any(chosen.values()):
        raise ConfigError(
            f"No head has a metric to score with the {where} data",
            received=f"heads {list(adapters)}",
            fix="Route(metrics=[...]), or score(..., metrics={'head': [...]}); of a Symbol or "
            "Module also score(..., eval_metric='acc')",
        )
    return {name: of_head for name, of_head in chosen.items() if of_head}


def check_metric_names(metrics: Iterable[str], heads: Iterable[str]) -> None:
    """Raise ConfigError for metrics of a head that is not scored."""
    heads = list(heads)
    for name in metrics:
        if name not in heads:
            raise ConfigError(
                f"Metrics are given for the head {name!r}, which is not scored",
                fix=nearest(name, heads),
            )


def check_exact(data: Any, where: str) -> None:
    """Refuse loaders that do not yield every sample once."""
    if getattr(data, "exact", True) is False:
        raise DataError(
            f"The {where} data do not give every sample exactly once",
            received=f"{type(data).__name__} that drops, skips or repeats samples",
            fix="for a Loader: last='keep', and on_error='raise', or 'leave_out', which the score "
            "then says",
        )
