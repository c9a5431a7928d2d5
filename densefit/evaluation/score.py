"""Score a network: every sample of a dataset exactly once, each head by its metrics."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from densefit import adapters
from densefit.engine.finite import check_parameters, check_policy
from densefit.engine.model_input import batches_of, make_engine, model_input, validations_of
from densefit.engine.types import Devices, Model, NamedData
from densefit.errors import ConfigError
from densefit.evaluation.multi_scorer import MultiScorer
from densefit.evaluation.scorer import Scorer
from densefit.model.heads.route import Route
from densefit.model.network import Network
from densefit.registry import nearest


def score(
    network: Model,
    data: NamedData,
    heads: Sequence[str] | Mapping[str, Route] | None = None,
    metrics: Mapping[str, Sequence[Any]] | None = None,
    *,
    arg_params: Mapping[str, Any] | None = None,
    aux_params: Mapping[str, Any] | None = None,
    eval_metric: Any = None,
    devices: Devices | None = None,
    engine: str | None = None,
    nonfinite: str = "raise",
) -> dict[str, float]:
    """Score a network on a whole dataset, or on several.

    Every sample counts exactly once: padded rows are cut off; a repeated id, and a loader that
    drops or skips samples, are errors. A sample without ground truth for a head does not count for
    that head. Metrics are computed over the dataset, never as a mean of batches, so they do not
    depend on the batch size or the number of devices, except for float32 rounding of the network's
    outputs.

    Several datasets are scored one after the other. A head is scored on a dataset whose samples
    have the targets that the head declares (`head.targets`; a head that declares none is scored on
    all). `targets_of` of the dataset declares the targets of its samples, else they are found while
    scoring. A head without labels in any of the datasets has no scores, which is logged as a
    warning; if `heads` names it, it is an error.

    Args:
        network: a Network with parameters; an MXNet Module, or a gluon HybridBlock; or a Symbol
            with `arg_params`.
        data: a loader or iterator, as for `fit`; `Loader.original_size` for images at their
            original sizes, `Loader.views` for test-time augmentation and sliding windows. Or a dict
            of several by name, without '/'.
        heads: names of the heads to score, or routes for a symbol's network; by default all heads
            with labels.
        metrics: head -> metrics that replace the head's.
        arg_params: values of parameters, which replace the model's.
        aux_params: values of auxiliary states, which replace the model's.
        eval_metric: as for Module.score: a name, a list of names, an `mx.metric.EvalMetric` or a
            function of (label, prediction). It gets the real rows of all outputs and labels of a
            symbol; its scores, "module/<name>", replace the heads' scores, unless `heads` or
            `metrics` are set. An EvalMetric is updated in place.
        devices: devices of the engine; the CPU by default. Devices beyond the number of rows are
            not used.
        engine: "mxnet", "torch" or "onnx", see `fit`; an exported model has its own.
        nonfinite: policy for a parameter or an output that is nan or infinite: "raise" with head
            and samples, or "warn".

    Returns:
        A flat dict: "<head>/<metric>" or "<head>/<metric>/<class>" -> float; nan if undefined. Of
        several datasets "<dataset>/<head>/<metric>" and so on, in the order of `data`.

    Raises:
        DataError: a sample is missing, repeated or broken, no sample is labelled for a head (of
            several datasets: a dataset has labels for no head, or a head of `heads` has labels in
            none), or an output is not finite.
        BindError: the data do not fit the network.
        ConfigError: an unknown head; no dataset, or a dataset's name with a '/'.
        TrainingDiverged: a parameter is not finite.

    Example:
        `df.score(network, df.Loader(dataset, batch_size=8, transform=fit_in))` gives
        `{"segmentation/mIoU": 0.63, "segmentation/IoU/sky": 0.91, ...}`;
        `df.score(network, {"bccd": cells, "camvid": streets})` gives
        `{"bccd/detection/AP": 0.58, ..., "camvid/segmentation/mIoU": 0.63, ...}`.
    """
    check_head_names(heads, "score")
    routes = heads if isinstance(heads, Mapping) else None
    if isinstance(network, Network) and routes is not None:
        network, routes = network.with_routes(routes), None
    check_policy(nonfinite)
    first = next(iter(data.values()), None) if isinstance(data, Mapping) else data
    adapted = model_input(
        network, routes, arg_params, aux_params, measured=eval_metric is None, train=first
    )
    names = None if isinstance(heads, Mapping) else heads
    module: Any = adapters.module_arguments.adapt(
        {"score_metric": eval_metric},
        network=adapted.network,
        model=adapted.model,
        seen=adapted.seen,
    )
    if eval_metric is not None and heads is None and metrics is None:
        names = []  # it replaces the heads' metrics
    kind: type[Scorer] | type[MultiScorer] = Scorer
    batches: Any
    if isinstance(data, Mapping):
        kind, batches = MultiScorer, validations_of(data, adapted)
        _check_known(names, adapted.network)
    else:
        batches = batches_of(data, adapted, "scoring")
    check_parameters(adapted.network, nonfinite)
    learner = make_engine(adapted, devices, engine)
    scorer = kind(learner, batches, names, metrics, adapters=module.adapters, nonfinite=nonfinite)
    return scorer.run() or {}


def score_mixture(
    network: Network,
    data: Mapping[str, Any],
    heads: Sequence[str] | None = None,
    *,
    devices: Sequence[Any] | None = None,
    nonfinite: str = "raise",
) -> dict[str, float]:
    """Call `score`, which takes several datasets by name. Deprecated."""
    warnings.warn(
        "df.score_mixture(network, {...}) is df.score(network, {...}) now",
        DeprecationWarning,
        stacklevel=2,
    )
    check_head_names(heads, "score_mixture")
    return score(network, data, heads, devices=devices, nonfinite=nonfinite)


def check_head_names(heads: Any, function: str) -> None:
    """Raise ConfigError for a string in place of a list of names."""
    if isinstance(heads, str):
        raise ConfigError(
            "The heads are a list of names",
            received=repr(heads),
            where=f"{function}(..., heads=...)",
            fix=f"heads=[{heads!r}]",
        )


def _check_known(heads: Sequence[str] | None, network: Network) -> None:
    for name in heads or ():
        if name not in network.adapters:
            raise ConfigError(
                f"The network has no head {name!r}", fix=nearest(name, network.adapters)
            )
