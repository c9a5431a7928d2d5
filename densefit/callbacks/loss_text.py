"""Losses by head in a line of text."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from densefit.callbacks.main_number import is_main

LOSS = "loss"
_ABOUT = ("labelled", "loss_weight")  # of training numbers: about the losses, not losses


def is_loss(key: str) -> bool:
    """Whether a number is a head's loss or a term of it, as `LossTerms` names them.

    >>> [is_loss(key) for key in ("det/loss", "det/class_loss", "det/AP", "kind/cross_entropy")]
    [True, True, False, False]
    """
    name = key.rpartition("/")[2]
    return name == LOSS or name.endswith(f"_{LOSS}")


def loss_text(
    numbers: Mapping[str, Any], heads: Collection[str] = (), with_parts: bool = False
) -> str:
    """Format the loss of each head; of a head without a loss, all its numbers.

    >>> numbers = {"det/class_loss": 1.5, "det/loss": 2.0, "seg/loss": 0.51234, "seg/IoU/cat": 0.1}
    >>> loss_text(numbers), loss_text({"age/mae": 3.0}), loss_text({"det/loss": 2.0})
    ('det loss 2, seg loss 0.5123', 'age mae 3', 'loss 2')
    >>> loss_text(numbers, with_parts=True)
    'det loss 2 (class 1.5), seg loss 0.5123'

    Args:
        numbers: training numbers, "<head>/<number>" -> value.
        heads: names of all heads.
        with_parts: whether the parts of a loss follow it in brackets.
    """
    by_head: dict[str, dict[str, Any]] = {}
    for key, value in numbers.items():
        head, _, name = key.rpartition("/")
        if is_main(key, heads) and name not in _ABOUT:
            by_head.setdefault(head, {})[name] = value
    texts = []
    for head, values in by_head.items():
        parts = {name: value for name, value in values.items() if name != LOSS}
        terms = {LOSS: values[LOSS]} if LOSS in values else parts
        is_plain = not head or (len(by_head) == 1 and LOSS in values)
        for name, value in terms.items():
            texts.append(f"{'' if is_plain else f'{head} '}{name} {value:.4g}")
        if LOSS in values and with_parts and parts:
            listed = [f"{name.removesuffix('_loss')} {value:.4g}" for name, value in parts.items()]
            texts[-1] += f" ({', '.join(listed)})"
    return ", ".join(texts)
