"""The numbers of a training, checked before anything is done."""

from __future__ import annotations

from dataclasses import dataclass

from densefit.numeric import real, whole


@dataclass
class Numbers:
    """Numbers that `fit` is given; whole ones become Python's int.

    Attributes:
        epochs, updates, updates_per_epoch, begin_epoch, accumulate, clip_norm, label_within, seed:
            as of `fit`.

    Raises:
        ConfigError: one is no number, or out of range.
    """

    epochs: int | None
    updates: int | None
    updates_per_epoch: int | None
    begin_epoch: int
    accumulate: int
    clip_norm: float | None
    label_within: int
    seed: int

    def __post_init__(self) -> None:
        for name, least in (("epochs", 0), ("updates", 0), ("updates_per_epoch", 1)):
            value = getattr(self, name)
            setattr(self, name, None if value is None else whole(value, name, least, where="fit"))
        for name, least in (("begin_epoch", 0), ("accumulate", 1), ("label_within", 1)):
            setattr(self, name, whole(getattr(self, name), name, least, where="fit"))
        self.seed = whole(self.seed, "seed", None, where="fit")
        if self.clip_norm is not None:
            self.clip_norm = real(self.clip_norm, "clip_norm", least=1e-30, where="fit")
