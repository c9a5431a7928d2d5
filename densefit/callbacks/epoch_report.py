"""Report of an epoch in text: one line, or one per head where that is too long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class EpochReport:
    """Metrics and scores of an epoch.

    Attributes:
        title: number of the epoch and its duration; or the update of a validation in mid-epoch.
        train: its main training metrics, "<head>/<metric>" -> value.
        objects: summary of the object counts; "" without objects.
        validation: main scores of the validation that followed, None without one.
    """

    title: str
    train: Mapping[str, float] = field(default_factory=dict)
    objects: str = ""
    validation: Mapping[str, float] | None = None

    def text(self, width: int | None = None) -> str:
        """Return one line; if it is longer than `width`, a line per head below the title.

        >>> EpochReport("epoch 1", {"a/loss": 0.5}, validation={"x/a/AP": 0.25}).text()
        'epoch 1: a/loss 0.5; validation: x/a/AP 0.25'
        >>> print(EpochReport("epoch 1", {"a/loss": 0.5}, validation={"x/a/AP": 0.25}).text(30))
        epoch 1
          a: loss 0.5
          validation x/a: AP 0.25
        """
        parts = [f": {as_text(self.train)}"] if self.train or self.validation is None else []
        parts += [f"; {self.objects}"] if self.objects else []
        if self.validation is not None:
            parts.append(f"; validation: {as_text(self.validation)}")
        line = "".join([self.title, *parts])
        if width is None or len(line) <= width:
            return line
        lines = [self.title, *_by_head("", self.train)]
        lines += [f"  {self.objects}"] if self.objects else []
        return "\n".join([*lines, *_by_head("validation", self.validation or {})])


def as_text(numbers: Mapping[str, float]) -> str:
    """Format names and values, with 4 digits.

    >>> as_text({"seg/mIoU": 0.61234, "det/loss": 2})
    'seg/mIoU 0.6123, det/loss 2'
    """
    return ", ".join(f"{key} {value:.4g}" for key, value in numbers.items())


def _by_head(kind: str, numbers: Mapping[str, float]) -> list[str]:
    """Return an indented line per head; a head is the key without its last part."""
    heads: dict[str, dict[str, float]] = {}
    for key, value in numbers.items():
        head, _, name = key.rpartition("/")
        heads.setdefault(head, {})[name] = value
    lines = []
    for head, metrics in heads.items():
        about = " ".join(filter(None, (kind, head)))
        lines.append(f"  {about}: {as_text(metrics)}" if about else f"  {as_text(metrics)}")
    return lines
