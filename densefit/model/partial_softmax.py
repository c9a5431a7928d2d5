"""The softmax over classes where a sample's annotations do not tell of all of them. Symbols."""

from __future__ import annotations

from typing import Any

from densefit.symbol import sym

_NEVER = 1e9  # far above every logit, and finite: exp(-1e9) is exactly 0


def partial_log_softmax(scores: Any, known: Any, unsure: Any, axis: int) -> Any:
    """Log of the softmax, without the unknown classes where the truth may be one of them.

    What a dataset calls background may show any class that it does not annotate. There, only the
    background and the classes that it knows compete: the probability is that of a class given that
    it is one of these, so scores of unknown classes get exactly no gradient. (Cermelli et al.,
    "Modeling the Background for Incremental Learning in Semantic Segmentation", CVPR 2020,
    equation 5, add the probabilities of the unknown classes to that of the background instead,
    which raises them wherever the network has begun to believe in them.)

    Where all are known, the result is the softmax to the last bit.

    Args:
        scores: Symbol of logits.
        known: Symbol that broadcasts with `unsure` to the shape of the scores: 1 for a class that
            the sample knows (and for the background), else 0.
        unsure: Symbol, 1 where the truth may be one of the unknown classes, else 0.
        axis: of the classes.
    """
    without = sym.BlockGrad(sym.broadcast_mul(known - 1, unsure) * _NEVER)
    return sym.log_softmax(scores + without, axis=axis)
