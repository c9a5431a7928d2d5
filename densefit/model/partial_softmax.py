"""Softmax for samples that are annotated with some of the classes only."""

from __future__ import annotations

from typing import Any

from densefit.symbol import sym

_NEVER = 1e9  # far above every logit, and finite: exp(-1e9) is exactly 0


def partial_log_softmax(scores: Any, annotated: Any, unsure: Any, axis: int) -> Any:
    """Compute the log-softmax without unannotated classes where the ground truth may be one.

    A dataset's background may show any class that it does not annotate. There, only the background
    and the annotated classes compete: the probability is conditional on the class being one of
    these, so logits of unannotated classes get exactly no gradient. (Cermelli et al.,
    "Modeling the Background for Incremental Learning in Semantic Segmentation", CVPR 2020,
    equation 5, add the probabilities of the unannotated classes to the background's instead, which
    raises them wherever the network has begun to predict them.)

    Where all classes are annotated, the result is the log-softmax to the last bit.

    Args:
        scores: Symbol of logits.
        annotated: Symbol that broadcasts with `unsure` to the shape of the scores: 1 for the
            background and the classes that the sample annotates, else 0.
        unsure: Symbol, 1 where the ground truth may be an unannotated class, else 0.
        axis: axis of the classes.
    """
    excluded = sym.BlockGrad(sym.broadcast_mul(annotated - 1, unsure) * _NEVER)
    return sym.log_softmax(scores + excluded, axis=axis)
