"""Losses of a head in the train graph, times the weights of the samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.errors import BindError
from densefit.model.distillation.teaching import TERM, Teaching
from densefit.model.heads.features import Features
from densefit.model.heads.head import Head
from densefit.symbol import sym

LEAST = 1e-6  # below every weight other than 0


def weight_input(head: str, term: str = "") -> str:
    """Name of the input that weighs the samples of a head, or of a term with samples of its own."""
    return f"{head}_{term}_term_weights" if term else f"{head}_loss_weights"


def head_losses(
    head: Head,
    teaching: Teaching | None,
    features: Features,
    input_size: tuple[int, int],
    weigh: Any = None,
) -> tuple[dict[str, Any], list[Any]]:
    """Loss terms (B,) of a head by name, and what of them is trained. Symbols.

    Args:
        head: head of a network.
        teaching: what a teacher adds; None without one.
        features: of the backbone.
        input_size: (height, width).
        weigh: see `Network.graph`.
    """
    labels = {
        label.name: sym.Variable(f"{head.name}_{label.name}") for label in head.labels(input_size)
    }
    terms = head.train(features, labels)
    check_losses(head, terms, input_size)
    if teaching is None:
        return terms, weighted_losses(head.name, terms, bool(head.terms), weigh)
    taught = {name: sym.Variable(f"{head.name}_{name}") for name in teaching.labels}
    terms = {**terms, TERM: teaching.loss(head, features, taught)}
    trained = {name: term * teaching.share(name, taught) for name, term in terms.items()}
    return terms, weighted_losses(head.name, trained, True, weigh)


def weighted_losses(
    head: str, terms: Mapping[str, Any], are_apart: bool = False, weigh: Any = None
) -> list[Any]:
    """Losses (B,) of the train graph: a head's terms, times the samples' weights.

    Args:
        head: name of the head.
        terms: its losses as Symbols (B,).
        are_apart: whether each term has labelled samples of its own.
        weigh: see `Network.graph`; gives a single loss.
    """
    head_weight = sym.Variable(weight_input(head))
    if not are_apart:
        if weigh is None:
            return [term * head_weight for term in terms.values()]
        return [weigh(head, sum(terms.values()), head_weight)]
    weights = {name: sym.Variable(weight_input(head, name)) for name in terms}
    if weigh is None:
        return [term * weights[name] for name, term in terms.items()]
    # A learned weight applies to the head as a whole, whose weight is divided out of the terms'.
    # Both are 0 for an unlabelled sample.
    parts = [
        term * (weights[name] / sym.maximum(head_weight, LEAST)) for name, term in terms.items()
    ]
    return [weigh(head, sum(parts), head_weight)]


def check_losses(head: Head, terms: Mapping[str, Any], input_size: tuple[int, int]) -> None:
    """Raise BindError if a loss is not one number per sample, or is not declared.

    Args:
        head: head of a network.
        terms: its losses as Symbols.
        input_size: (height, width) of the network's input.
    """
    declared = set(head.terms)
    if declared and declared != set(terms):
        raise BindError(
            f"The head {head.name!r} trains other terms than it declares",
            expected=sorted(declared),
            received=sorted(terms),
            where=f"head {head.name}",
            fix="name every loss of `train` in `terms`, or none",
        )
    rows = 2
    label_shapes = {
        f"{head.name}_{label.name}": (rows, *label.shape) for label in head.labels(input_size)
    }
    for name, term in terms.items():
        arguments = term.list_arguments()
        inputs = {key: shape for key, shape in label_shapes.items() if key in arguments}
        _, shapes, _ = term.infer_shape_partial(data=(rows, 3, *input_size), **inputs)
        if shapes and shapes[0] and 0 not in shapes[0] and shapes[0] != (rows,):
            raise BindError(
                f"The loss {name!r} of the head {head.name!r} is not one number a sample",
                expected=f"shape {(rows,)} for {rows} samples",
                received=f"shape {shapes[0]}",
                where=f"head {head.name}",
                fix="sum or average it over all axes but the first",
            )
