"""A head's lessons from a teacher: a loss term and labels beside those of its targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from densefit.model.heads.features import Features
from densefit.model.heads.head import Head
from densefit.symbol import sym

TERM = "teacher"  #: name of the loss term
TEACHER_SHARE, LABEL_SHARE = "teacher_share", "label_share"


@dataclass(frozen=True)
class Teaching:
    """What a student's head learns from a teacher, in the train graph.

    The labels are the teacher's outputs, `teacher_<output>`, and (B,) factors for each sample on
    the term of the teacher and on the terms of the targets.

    Args:
        outputs: names of the head's `teacher_outputs`.
        terms: names of the loss terms of its targets.
        weight: factor on the teacher's loss.
        temperature: see `Distill`.
    """

    outputs: tuple[str, ...]
    terms: tuple[str, ...]
    weight: float
    temperature: float

    @property
    def labels(self) -> list[str]:
        """Names of the label arrays inside the head."""
        return [*(f"teacher_{name}" for name in self.outputs), TEACHER_SHARE, LABEL_SHARE]

    def loss(self, head: Head, features: Features, labels: Mapping[str, Any]) -> Any:
        """(B,) loss from the teacher, times its weight. A Symbol.

        Args:
            head: the student's head.
            features: maps of the student's backbone.
            labels: Symbols of `labels`.
        """
        teacher = {name: labels[f"teacher_{name}"] for name in self.outputs}
        student = head.teacher_outputs(features)
        return head.teacher_loss(student, teacher, self.temperature) * self.weight

    @staticmethod
    def share(term: str, labels: Mapping[str, Any]) -> Any:
        """Factors (B,) of the samples on a term's loss in training. A Symbol."""
        return sym.BlockGrad(labels[TEACHER_SHARE if term == TERM else LABEL_SHARE])
