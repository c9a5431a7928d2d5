"""Conversion of non-numeric arguments of `fit`."""

from __future__ import annotations

import warnings
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
from densefit.train.nonfinite import Guard
from densefit.train.schedules.constant import Constant
from densefit.train.schedules.schedule import Schedule, schedules

STORES = (
    *("local", "device", "nccl", "local_allreduce_cpu", "local_allreduce_device"),
    *("local_update_cpu", "local_update_device"),
)


def as_balance(balance: Any) -> Balancer | None:
    """Convert a balancer or its name.

    Raises:
        ConfigError: neither, or a name of a balancer that needs settings.
    """
    if isinstance(balance, str):
        return balancers.create(balance)
    if balance is None or isinstance(balance, Balancer):
        return balance
    raise _wrong(
        "balance",
        balance,
        "a balancer, a name of one, or None",
        f"balance={_constructor_call(balance)}"
        if isinstance(balance, type)
        else f"balance=df.balance.Uncertainty(), or one of {', '.join(balancers.names())}",
    )


def as_schedule(schedule: Any) -> Schedule | None:
    """Check a schedule.

    Raises:
        ConfigError: no schedule; a name alone has no rate.
    """
    if schedule is None or (hasattr(schedule, "resolve") and not isinstance(schedule, type)):
        checked: Schedule | None = schedule
        return checked
    expected = "a schedule with its rate, or None"
    if isinstance(schedule, str):
        kind: Any = schedules.get(schedule)  # else it names the nearest
        raise _wrong(
            "schedule", schedule, expected, f"schedule=df.schedules.{kind.__name__}(lr=0.1, ...)"
        )
    if isinstance(schedule, type):
        fix = f"schedule={_constructor_call(schedule, 'lr=0.1, ...')}"
    elif hasattr(schedule, "base_lr"):
        fix = "optimizer_params={'lr_scheduler': ...}; or one of densefit's, df.Cosine(lr=0.1)"
    elif isinstance(schedule, (int, float)):
        fix = f"lr={schedule}, or schedule=df.Constant(lr={schedule})"
    else:
        fix = "schedule=df.Cosine(lr=0.1)"
    raise _wrong("schedule", schedule, expected, fix)


def constant_rate(lr: float, schedule: Any, optimizer_params: Any) -> Schedule:
    """Convert `lr` to a schedule.

    Raises:
        ConfigError: the rate is given twice, or out of range.
    """
    is_twice = "learning_rate" in as_settings(optimizer_params)
    if schedule is not None or is_twice:
        raise ConfigError(
            "The learning rate is given twice",
            expected="lr, a schedule or optimizer_params['learning_rate']: one of the three",
            received=f"lr={lr!r} and " + ("optimizer_params" if is_twice else f"{schedule!r}"),
            where="fit",
        )
    return Constant(lr=lr)


def as_callbacks(callbacks: Any) -> list[Callback]:
    """Convert callbacks, or a single one, or their names, to a list of callbacks.

    Raises:
        ConfigError: one is no callback.
    """
    several = isinstance(callbacks, Iterable) and not isinstance(callbacks, (str, Mapping))
    listed = callbacks if several else [callbacks]
    return [_callback(callback) for callback in listed if callback is not None]


def _callback(callback: Any) -> Callback:
    if isinstance(callback, str):
        return registered.create(callback)
    if hasattr(callback, "fit_started") and not isinstance(callback, type):
        checked: Callback = callback
        return checked
    fix = "callbacks=[df.callbacks.CSVLog('log.csv')]"
    if isinstance(callback, type):
        fix = f"callbacks=[{_constructor_call(callback, '...')}]"
    elif callable(callback):
        fix = "a function of MXNet's is batch_end_callback=, or epoch_end_callback=; one's own is "
        fix += "a method of a class that derives from df.Callback"
    raise _wrong("callbacks", callback, "callbacks in a list, or one", fix)


def as_patterns(patterns: Any, name: str) -> list[str]:
    """Convert patterns of parameter names, or a single one, to a list.

    >>> as_patterns("resnet*", "freeze"), as_patterns(None, "freeze")
    (['resnet*'], [])

    Args:
        patterns: strings, a single string, or None for none.
        name: name of the argument.

    Raises:
        ConfigError: a pattern is not a string.
    """
    if patterns is None or isinstance(patterns, str):
        return [] if patterns is None else [patterns]
    if isinstance(patterns, Iterable) and not isinstance(patterns, Mapping):
        listed = list(patterns)
        if all(isinstance(pattern, str) for pattern in listed):
            return listed
    raise _wrong(name, patterns, "patterns of parameter names", f"{name}=['resnet18_*']")


def as_groups(groups: Any) -> dict[str, Mapping[str, float]]:
    """Check groups of parameters.

    Raises:
        ConfigError: no dict of dicts.
    """
    fix = "groups={'*_bias': {'wd': 0}, 'resnet18_*': {'lr': 0.1}}"
    checked = _mapping(groups, "groups", "pattern -> {'lr': factor, 'wd': factor}", fix)
    for pattern, factors in checked.items():
        if not isinstance(pattern, str) or not isinstance(factors, Mapping):
            raise _wrong("groups", groups, "pattern -> {'lr': factor, 'wd': factor}", fix)
    return checked


def as_derived(derived: Any) -> dict[str, Any]:
    """Check derived scores.

    Raises:
        ConfigError: no dict by name.
    """
    fix = "derived={'composite': ...}"
    return _mapping(derived, "derived", "name -> what makes the number of the scores", fix)


def as_guard(nonfinite: Any) -> Guard:
    """Convert a policy to a Guard.

    Raises:
        ConfigError: the policy is unknown.
    """
    return nonfinite if isinstance(nonfinite, Guard) else Guard(nonfinite)


def as_settings(settings: Any) -> dict[str, Any]:
    """Convert settings of an optimizer: a dict, or pairs, as Module.fit takes them.

    >>> as_settings((("learning_rate", 0.1),))
    {'learning_rate': 0.1}

    Raises:
        ConfigError: neither.
    """
    expected, fix = "name -> value", "optimizer_params={'learning_rate': 0.1, 'momentum': 0.9}"
    if isinstance(settings, (list, tuple)):
        if all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in settings):
            settings = dict(settings)
    checked = _mapping(settings, "optimizer_params", expected, fix)
    if not all(isinstance(name, str) for name in checked):
        raise _wrong("optimizer_params", settings, expected, fix)
    return checked


def as_saver(checkpoint: Any) -> Saver | None:
    """Convert a directory to a Saver.

    Raises:
        ConfigError: neither.
    """
    if checkpoint is None or isinstance(checkpoint, Saver):
        return checkpoint
    if isinstance(checkpoint, PathLike) or (isinstance(checkpoint, str) and checkpoint):
        return Saver(Path(checkpoint))
    fix = "checkpoint='runs/first'; none are written without it"
    raise _wrong("checkpoint", checkpoint, "a directory or a df.Saver", fix)


def as_resume(resume: Any) -> str:
    """Convert a path to text; None to "none".

    Raises:
        ConfigError: neither None, "auto" nor a path.
    """
    if resume is None:
        return "none"
    if resume == "none":
        warnings.warn(
            'fit(resume="none") is now called resume=None', DeprecationWarning, stacklevel=5
        )
    if isinstance(resume, PathLike) or (isinstance(resume, str) and resume):
        return str(resume)
    fix = "resume=None" if resume is False else "resume='auto' goes on where there is a checkpoint"
    raise _wrong("resume", resume, "None, 'auto' or a path of a checkpoint", fix)


def as_devices(devices: Any) -> list[Any] | None:
    """Convert a device, or several, to a list; None leaves them to the model.

    The engine checks that they are its own.

    Raises:
        ConfigError: no device.
    """
    if devices is None:
        return None
    several = list(devices) if isinstance(devices, (list, tuple)) else [devices]
    if several and not any(isinstance(device, (bool, int, float)) for device in several):
        return several
    fix = "devices=[mx.cpu()] or [mx.gpu(0)]; devices=['cuda:0'] with engine='torch'"
    raise _wrong("devices", devices, "MXNet contexts, or PyTorch's devices", fix)


def check_kvstore(kvstore: Any) -> None:
    """Raise ConfigError for a kvstore between processes."""
    kind = getattr(kvstore, "type", kvstore)
    if kind is not None and kind not in STORES:
        raise ConfigError(
            "A launched program exchanges gradients between its processes by itself"
            if str(kind).startswith("dist")
            else "This is no kvstore",
            expected="kvstore='local', 'device' or None",
            received=repr(kind),
            where="kvstore",
            fix="densefit launch --nproc 2 -- program.py, without kvstore; or several devices of "
            "one process: devices=[mx.gpu(0), mx.gpu(1)]",
        )


def check_one_iterator(data: Any, name: str) -> None:
    """Raise ConfigError for a list of iterators, whose use would be ambiguous.

    Args:
        data: training or validation data.
        name: "train" or "validation".
    """
    if isinstance(data, (list, tuple)) and any(hasattr(item, "provide_data") for item in data):
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


def _constructor_call(kind: type, settings: str = "") -> str:
    return f"{kind.__name__}({settings})"


def _wrong(name: str, value: Any, expected: str, fix: str) -> ConfigError:
    return ConfigError(
        f"The argument {name!r} is of another kind",
        expected=expected,
        received=f"{name}={value!r}"[:200],
        where="fit",
        fix=fix,
    )
