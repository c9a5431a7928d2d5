"""The loader's settings, checked before anything is read."""

from __future__ import annotations

from densefit.data.worker_kind import WORKER_KINDS
from densefit.errors import ConfigError


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
    kinds = " or ".join(map(repr, WORKER_KINDS))
    for name, value, good, expected in (
        ("batch_size", batch_size, batch_size >= 1, "at least 1"),
        ("workers", workers, workers >= 0, "at least 0"),
        ("worker_kind", worker_kind, worker_kind in WORKER_KINDS, kinds),
        ("seed", seed, seed >= 0, "at least 0"),
        ("last", last, last in ("keep", "drop"), "'keep' or 'drop'"),
        ("on_error", on_error, on_error in ("raise", "skip"), "'raise' or 'skip'"),
        ("timeout", timeout, timeout > 0, "seconds, more than 0"),
        ("skip_limit", skip_limit, 0 <= skip_limit <= 1, "a share, 0 to 1"),
    ):
        if not good:
            raise ConfigError(
                f"The setting {name!r} of the loader is out of range",
                expected=expected,
                received=repr(value),
            )
