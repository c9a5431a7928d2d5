"""Check the loader's settings before anything is read; identity for checkpoints."""

from __future__ import annotations

from typing import Any

from densefit.data.stable_repr import stable_repr
from densefit.data.workers.factory import WORKER_KINDS
from densefit.errors import ConfigError
from densefit.numeric import check_whole, is_real, real

#: What a loader does with broken samples.
ON_ERROR = ("raise", "skip", "leave_out")


def check_settings(
    batch_size: int,
    workers: int,
    worker_kind: str,
    seed: int,
    last: str,
    on_error: str,
    timeout: float,
    skip_limit: float = 0.1,
) -> None:
    """Raise ConfigError naming the first setting that is out of range."""
    where = "Loader"
    check_whole(batch_size, "batch_size", 1, where=where)
    check_whole(workers, "workers", 0, where=where)
    check_whole(seed, "seed", 0, where=where)
    real(timeout, "timeout", above=0.0, where=where)
    kinds = " or ".join(map(repr, WORKER_KINDS))
    for name, value, good, expected in (
        ("worker_kind", worker_kind, worker_kind in WORKER_KINDS, kinds),
        ("last", last, last in ("keep", "drop"), "'keep' or 'drop'"),
        ("on_error", on_error, on_error in ON_ERROR, ", ".join(map(repr, ON_ERROR))),
        ("skip_limit", skip_limit, is_real(skip_limit) and 0 <= skip_limit <= 1, "a share, 0 to 1"),
    ):
        if not good:
            raise ConfigError(
                f"The setting {name!r} of the loader is out of range",
                expected=expected,
                received=repr(value),
            )


def identity(loader: Any, order_kind: str, as_before: bool = False) -> str:
    """Settings that determine a loader's samples, their order and their transforms.

    Args:
        loader: a `Loader`.
        order_kind: name of an order that earlier versions computed differently, or "".
        as_before: return the form of earlier versions.
    """
    names = ("shuffle", "seed", "last", "on_error", "batch_size")
    settings: dict[str, Any] = {name: getattr(loader, name) for name in names}
    settings["batch_size"] = loader.global_batch_size
    if loader.part.size > 1 and hasattr(loader.order, "part"):
        order_kind = f"{order_kind} of {loader.part.size} ranks".strip()  # depends on them
    if order_kind:
        settings["order"] = order_kind
    parts = {**settings, "dataset": loader.dataset, "transform": loader.transform}
    return stable_repr(parts, as_before=as_before)
