"""The arguments of `fit` that are no numbers: of the right kind, or told what to type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from densefit.callbacks.callback import Callback
from densefit.callbacks.callback import callbacks as registered
from densefit.checkpoint.training.saver import Saver
from densefit.errors import ConfigError
from densefit.train.balance import Balancer
from densefit.train.balance.balancer import balancers
from densefit.train.schedules.schedule import Schedule, schedules


def as_balance(balance: Any) -> Balancer | None:
    """A balancer, which may be given by its name.

    Raises:
        ConfigError: it is none, no name of one, or one that cannot be made without settings.
    """
    if isinstance(balance, str):
        return balancers.create(balance)
    if balance is None or isinstance(balance, Balancer):
        return balance
    raise _wrong(
        "balance",
        balance,
        "a balancer, a name of one, or None",
        f"balance={_made(balance)}"
        if isinstance(balance, type)
        else f"balance=df.Uncertainty(), or one of {', '.join(balancers.names())}",
    )


def as_schedule(schedule: Any) -> Schedule | None:
    """A schedule.

    Raises:
        ConfigError: it is none: a name alone has no rate.
    """
    if schedule is None or (hasattr(schedule, "resolve") and not isinstance(schedule, type)):
        found: Schedule | None = schedule
        return found
    expected = "a schedule with its rate, or None"
    if isinstance(schedule, str):
        kind: Any = schedules.get(schedule)  # else it names the nearest
        raise _wrong("schedule", schedule, expected, f"schedule=df.{kind.__name__}(lr=0.1, ...)")
    if isinstance(schedule, type):
        fix = f"schedule={_made(schedule, 'lr=0.1, ...')}"
    elif hasattr(schedule, "base_lr"):
        fix = "optimizer_params={'lr_scheduler': ...}; or one of densefit's, df.Cosine(lr=0.1)"
    elif isinstance(schedule, (int, float)):
        fix = f"schedule=df.Constant(lr={schedule}), or optimizer_params={{'learning_rate': ...}}"
    else:
        fix = "schedule=df.Cosine(lr=0.1)"
    raise _wrong("schedule", schedule, expected, fix)


def as_callbacks(callbacks: Any) -> list[Callback]:
    """Callbacks in a list, of which one may be given by itself, and some by name.

    Raises:
        ConfigError: one is none.
    """
    several = isinstance(callbacks, Iterable) and not isinstance(callbacks, (str, Mapping))
    return [_callback(one) for one in (callbacks if several else [callbacks]) if one is not None]


def _callback(callback: Any) -> Callback:
    if isinstance(callback, str):
        return registered.create(callback)
    if hasattr(callback, "begin_anew") and not isinstance(callback, type):
        found: Callback = callback
        return found
    fix = "callbacks=[df.callbacks.CSVLog('log.csv')]"
    if isinstance(callback, type):
        fix = f"callbacks=[{_made(callback, '...')}]"
    elif callable(callback):
        fix = "a function of MXNet's is batch_end_callback=, or epoch_end_callback=; one's own is "
        fix += "a method of a class that derives from df.Callback"
    raise _wrong("callbacks", callback, "callbacks in a list, or one", fix)


def as_patterns(patterns: Any, name: str) -> list[str]:
    """Patterns of parameter names in a list, of which one may be given by itself.

    >>> as_patterns("resnet*", "freeze"), as_patterns(None, "freeze")
    (['resnet*'], [])

    Args:
        patterns: these.
        name: of the argument.

    Raises:
        ConfigError: one is no text.
    """
    if patterns is None or isinstance(patterns, str):
        return [] if patterns is None else [patterns]
    if isinstance(patterns, Iterable) and not isinstance(patterns, Mapping):
        found = list(patterns)
        if all(isinstance(one, str) for one in found):
            return found
    raise _wrong(name, patterns, "patterns of parameter names", f"{name}=['resnet18_*']")


def as_groups(groups: Any) -> dict[str, Mapping[str, float]]:
    """Groups of parameters.

    Raises:
        ConfigError: they are no dict of dicts.
    """
    fix = "groups={'*_bias': {'wd': 0}, 'resnet18_*': {'lr': 0.1}}"
    found = _mapping(groups, "groups", "pattern -> {'lr': factor, 'wd': factor}", fix)
    for pattern, own in found.items():
        if not isinstance(pattern, str) or not isinstance(own, Mapping):
            raise _wrong("groups", groups, "pattern -> {'lr': factor, 'wd': factor}", fix)
    return found


def as_derived(derived: Any) -> dict[str, Any]:
    """Numbers that are made of a validation's scores, by name.

    Raises:
        ConfigError: they have no names.
    """
    fix = "derived={'composite': ...}"
    return _mapping(derived, "derived", "name -> what makes the number of the scores", fix)


def as_settings(settings: Any) -> dict[str, Any]:
    """Settings of an optimizer: a dict, or pairs, as Module.fit takes them.

    >>> as_settings((("learning_rate", 0.1),))
    {'learning_rate': 0.1}

    Raises:
        ConfigError: they are neither.
    """
    expected, fix = "name -> value", "optimizer_params={'learning_rate': 0.1, 'momentum': 0.9}"
    if isinstance(settings, (list, tuple)):
        if all(isinstance(one, (list, tuple)) and len(one) == 2 for one in settings):
            settings = dict(settings)
    found = _mapping(settings, "optimizer_params", expected, fix)
    if not all(isinstance(name, str) for name in found):
        raise _wrong("optimizer_params", settings, expected, fix)
    return found


def as_saver(checkpoint: Any) -> Saver | None:
    """What writes checkpoints; a directory is enough.

    Raises:
        ConfigError: it is neither.
    """
    if checkpoint is None or isinstance(checkpoint, Saver):
        return checkpoint
    if isinstance(checkpoint, PathLike) or (isinstance(checkpoint, str) and checkpoint):
        return Saver(Path(checkpoint))
    fix = "checkpoint='runs/first'; none are written without it"
    raise _wrong("checkpoint", checkpoint, "a directory or a df.Saver", fix)


def as_resume(resume: Any) -> str:
    """ "auto", "none" or a path; None is "none".

    Raises:
        ConfigError: it is none of these.
    """
    if resume is None:
        return "none"
    if isinstance(resume, PathLike) or (isinstance(resume, str) and resume):
        return str(resume)
    fix = (
        "resume='none'" if resume is False else "resume='auto' goes on where there is a checkpoint"
    )
    raise _wrong("resume", resume, "'auto', 'none' or a path of a checkpoint", fix)


def as_devices(devices: Any) -> list[Any] | None:
    """MXNet contexts in a list, of which one may be given by itself; None: as the model says.

    Raises:
        ConfigError: one is none.
    """
    if devices is None:
        return None
    several = list(devices) if isinstance(devices, (list, tuple)) else [devices]
    if several and all(hasattr(one, "device_type") for one in several):
        return several
    raise _wrong("devices", devices, "MXNet contexts", "devices=[mx.cpu()], or [mx.gpu(0)]")


def check_one_iterator(data: Any, name: str) -> None:
    """Raise ConfigError for iterators in a list: which is scored how, or in turn, is not said.

    Args:
        data: of the training or its validation.
        name: "train" or "validation".
    """
    if isinstance(data, (list, tuple)) and any(hasattr(one, "provide_data") for one in data):
        raise _wrong(
            name,
            data,
            "one iterator" + (", or several by name" if name == "validation" else ""),
            "validation={'first': ..., 'second': ...}"
            if name == "validation"
            else "one Loader of a df.Mixture({'first': dataset, 'second': dataset})",
        )


def _mapping(value: Any, name: str, expected: str, fix: str) -> dict[str, Any]:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return dict(value)
    raise _wrong(name, value, expected, fix)


def _made(kind: type, settings: str = "") -> str:
    return f"{kind.__name__}({settings})"


def _wrong(name: str, value: Any, expected: str, fix: str) -> ConfigError:
    return ConfigError(
        f"The argument {name!r} is of another kind",
        expected=expected,
        received=f"{name}={value!r}"[:200],
        where="fit",
        fix=fix,
    )
