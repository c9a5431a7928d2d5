"""Predictions: of heads in original image coordinates, of a Symbol as it gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from densefit import engine
from densefit.engine.batch_reader import Feeder
from densefit.engine.engine import Engine
from densefit.engine.finite import check_parameters
from densefit.engine.model_input import batches_of, model_input
from densefit.errors import BindError, DataError
from densefit.evaluation.tta import has_views, merge_views
from densefit.model.heads.network_head import HeadWire
from densefit.model.heads.raw_outputs import RawOutputs
from densefit.model.output_names import short_name


def predict(
    network: Any,
    data: Any,
    *,
    arg_params: Mapping[str, Any] | None = None,
    aux_params: Mapping[str, Any] | None = None,
    devices: Sequence[Any] | None = None,
) -> Any:
    """What a network says of every sample, in the order of the data's batches.

    Broken samples that a loader skips (`on_error="skip"`) are told by it and have no prediction;
    a loader that drops or repeats samples is refused.

    Args:
        network: a Network with parameters; an MXNet Module, or a gluon HybridBlock; or a Symbol
            with `arg_params`.
        data: what `fit` takes; labels are needed only where an output is computed from them. For
            a network of heads a densefit Loader, an OriginalSizeLoader, or a ViewLoader.
        arg_params: values of parameters, which go before those that the model has.
        aux_params: the same of auxiliary states.
        devices: MXNet contexts; the CPU by default.

    Returns:
        Of a network of heads an iterator of (id, {head: prediction}), in original image
        coordinates. Of any other a dict "<name>_output" -> array (N, ...) of the real rows of all
        batches, of those outputs that the data suffice for; an output that is one number for a
        batch has a row a batch. Arrays of several sizes come as a list, one a batch.

    Raises:
        BindError: the data do not fit the network.
        TrainingDiverged: a parameter is not finite. (Outputs that are not are told, with the ids.)
        DataError: the data leave out or repeat samples, or do not say where the original pictures
            lie in the batches.
    """
    given = model_input(network, None, arg_params, aux_params, train=data)
    data = batches_of(data, given, "prediction")
    check_parameters(given.network)
    learner = engine.make(given.network, devices or given.devices)
    if given.network.heads:
        _check_complete(data)
        return _of_heads(learner, data)
    return _of_symbol(learner, data)


def _check_complete(data: Any) -> None:
    """Refuse a loader that leaves out samples without a word, or gives some again.

    Raises:
        DataError: it drops a last, smaller batch, or its dataset repeats or leaves out samples.
    """
    skips = getattr(data, "on_error", "raise") == "skip"  # these are told
    drops = getattr(data, "last", "keep") == "drop"
    if getattr(data, "exact", True) is False and (drops or not skips):
        raise DataError(
            "The prediction data do not give every sample exactly once",
            received=f"a {type(data).__name__} that drops or repeats samples",
            fix="for a Loader: last='keep'; for a Mixture: no ratio, temperature or length",
        )


def _of_heads(learner: Engine, data: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """(id, {head: prediction}) of every sample."""
    wires = [wire for wire in learner.network.wires.values() if isinstance(wire, HeadWire)]
    feeder = Feeder(data, wires, "prediction")
    if has_views(data, wires):
        for sample in merge_views(learner, feeder):
            yield sample.id, sample.predictions
        return
    for batch, outputs in learner.evaluate(feeder):
        if batch.geometries is None:
            raise DataError(
                "The batches do not say where the original pictures lie in them",
                received=f"{type(data).__name__}",
                fix="predict with a densefit Loader",
            )
        found = {wire.name: wire.decode(outputs, batch.geometries, batch.ids) for wire in wires}
        for row, key in enumerate(batch.ids):
            yield key, {name: predictions[row] for name, predictions in found.items()}


def _of_symbol(learner: Engine, data: Any) -> dict[str, Any]:
    """Output -> its rows of all samples."""
    network = learner.network
    names = {short_name(name): name for name in network.symbol.list_outputs()}
    provided = {desc[0] for desc in [*data.provide_data, *(data.provide_label or ())]}
    known = {*provided, *network.value_shapes}
    chosen = [name for name in names if engine.inputs_read(network.symbol, name) <= known]
    if not chosen:
        raise BindError(
            "The data suffice for none of the outputs",
            expected={
                name: sorted(engine.inputs_read(network.symbol, name) - known) for name in names
            },
            received=sorted(provided),
            fix="let the iterator provide these inputs; are the network's parameters set?",
        )
    feeder = Feeder(data, [RawOutputs(chosen)], "prediction")
    learner.check_evaluation(feeder, values=True)
    found: dict[str, list[np.ndarray]] = {name: [] for name in chosen}
    for _, outputs in learner.evaluate(feeder):
        for name in chosen:
            found[name].append(np.atleast_1d(outputs[name]))
    return {names[name]: _joined(arrays) for name, arrays in found.items()}


def _joined(arrays: list[np.ndarray]) -> Any:
    """The rows of all batches, or a list of arrays where these have several sizes."""
    same = len({array.shape[1:] for array in arrays}) == 1
    return np.concatenate(arrays) if same else arrays
