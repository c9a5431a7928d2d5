"""Interface of sharings: how the heads of a network share its backbone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from densefit.errors import ConfigError
from densefit.model.heads.features import Features
from densefit.registry import Registry


class Sharing(ABC):
    """Makes features for each head out of a backbone's graph, which any engine computes.

    Attributes:
        name: as it is registered; layers that it adds have it in their names.
        reads_heads: whether features of a head depend on which other heads there are, so that no
            head can be added or removed without changing the predictions of the rest.
    """

    name: ClassVar[str]
    reads_heads: ClassVar[bool] = False

    @abstractmethod
    def share(
        self, features: Features, whole: Features, heads: Sequence[str]
    ) -> tuple[dict[str, Features], dict[str, str]]:
        """Build the features of each head.

        What a head has for itself has names that begin with the head's.

        Args:
            features: of the backbone.
            whole: of the same backbone at an output stride of 32, whose maps end the stages.
            heads: names of all heads, at least two.

        Returns:
            Features by head, with the strides and channels of `features`; and name of each copied
            layer or parameter -> its name in the backbone, by which weights are loaded.

        Raises:
            ConfigError: the settings do not fit the backbone or the heads.
        """

    @abstractmethod
    def text(self) -> str:
        """What heads share, in a line that a training shows before its first update."""


sharings: Registry[Sharing] = Registry("sharing")
#: A registered name, or `{"name": ..., **settings}`.
SharingSpec = str | Mapping[str, Any]


def sharing_spec(sharing: SharingSpec | None) -> dict[str, Any] | None:
    """`{"name": ..., **settings}` of a name or of that itself.

    Raises:
        ConfigError: neither.
    """
    if sharing is None:
        return None
    if isinstance(sharing, str):
        return {"name": sharing}
    if not isinstance(sharing, Mapping) or not isinstance(sharing.get("name"), str):
        raise ConfigError(
            "A sharing has a name",
            expected=f"one of {', '.join(sharings.names())}, or a dict of name and settings",
            received=repr(sharing),
            where="sharing",
            fix='sharing="cross_stitch" or sharing={"name": "cross_stitch", ...}',
        )
    return dict(sharing)


def check_alone(spec: Mapping[str, Any] | None, share_until: Any, normalize_by_head: bool) -> None:
    """Raise ConfigError if a sharing is asked for together with another way to share."""
    also = {"share_until": share_until is not None, "normalize_by_head": normalize_by_head}
    if spec is not None and any(also.values()):
        raise ConfigError(
            "A backbone is shared in one way",
            expected="sharing, or share_until, normalize_by_head and adapt_by_head",
            received=f"sharing {spec['name']!r}, {', '.join(name for name in also if also[name])}",
            where="Network",
            fix="leave one of them out",
        )


def sharing_between(sharing: SharingSpec | None, heads: Sequence[str]) -> SharingSpec | None:
    """The sharing of these heads among all of a network's; None for one alone."""
    return sharing if len(heads) > 1 else None


def make_sharing(spec: Mapping[str, Any], heads: Sequence[str]) -> Sharing:
    """Make the sharing of `{"name": ..., **settings}`.

    Raises:
        ConfigError: an unknown name or setting, or a single head.
    """
    if len(heads) < 2:
        raise ConfigError(
            "A sharing is between several heads",
            expected="two heads or more",
            received=", ".join(heads),
            where=f"sharing {spec['name']!r}",
            fix="leave sharing out for a network of one head",
        )
    settings = {key: value for key, value in spec.items() if key != "name"}
    return sharings.create(str(spec["name"]), **settings)
