"""`fit(distill=...)`: which trained network teaches which head, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any

from densefit.errors import ConfigError
from densefit.model.network import Network
from densefit.numeric import real
from densefit.registry import nearest


@dataclass(frozen=True)
class Distill:
    """A trained network that teaches a head.

    The teacher sees the input of the student as it is: cropped, mirrored and in changed colours.
    Samples without labels for the head learn from the teacher alone.

    Args:
        teacher: a Network, or the folder of a run (its best checkpoint, else the newest), or a
            checkpoint.
        head: name of the teacher's head; None: that of the student's.
        weight: factor on the loss from the teacher.
        temperature: divides the scores of both before their softmax (Hinton et al., "Distilling
            the Knowledge in a Neural Network", 2015); only of heads with class scores.
        annealed: whether labelled samples learn from the teacher at first and from their labels in
            the end, by factors 1 - p and p at a share p of the training (Clark et al., "BAM!
            Born-Again Multi-Task Networks", ACL 2019, section 3.3). False: both count throughout.

    Raises:
        ConfigError: a setting of another type or out of range.
    """

    teacher: str | PathLike[str] | Network
    head: str | None = None
    weight: float = 1.0
    temperature: float = 1.0
    annealed: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.teacher, (str, PathLike, Network)):
            raise ConfigError(
                "A teacher is a trained network",
                expected="a df.Network, or the folder of a run or checkpoint",
                received=repr(self.teacher),
                where="distill",
            )
        real(self.weight, "weight", least=0.0, where="distill")
        real(self.temperature, "temperature", above=0.0, where="distill")
        if not isinstance(self.annealed, bool):
            raise ConfigError(
                "`annealed` is true or false", received=repr(self.annealed), where="distill"
            )

    @property
    def source(self) -> str:
        """The teacher in messages."""
        return "given as a Network" if isinstance(self.teacher, Network) else str(self.teacher)


def as_distill(value: Any) -> dict[str, Distill]:
    """Convert `fit(distill=...)`: head -> Distill, its teacher, or a map of its settings.

    Raises:
        ConfigError: another type, or an unknown setting.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError(
            "`distill` names a teacher for each head that has one",
            expected="a dict: head -> folder of a run, df.Network, df.Distill or its settings",
            received=repr(value),
            where="distill",
            fix="distill={'HEAD': 'runs/TEACHER'}",
        )
    return {str(name): _settings_of(str(name), entry) for name, entry in value.items()}


def _settings_of(head: str, entry: Any) -> Distill:
    if isinstance(entry, Distill):
        return entry
    if not isinstance(entry, Mapping):
        return Distill(Path(entry) if isinstance(entry, str) else entry)
    names = [field.name for field in fields(Distill)]
    unknown = [name for name in entry if name not in names]
    if unknown or "teacher" not in entry:
        raise ConfigError(
            f"Unknown setting {unknown[0]!r}" if unknown else "There is no teacher",
            expected=f"some of {', '.join(names)}",
            received=", ".join(map(str, entry)),
            where=f"distill, head {head!r}",
            fix=nearest(str(unknown[0]), names) if unknown else "teacher: FOLDER",
        )
    return Distill(**entry)
