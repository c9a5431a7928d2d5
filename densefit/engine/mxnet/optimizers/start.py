"""The optimizer of a bound Module: checked and started."""

from __future__ import annotations

import copy
import logging
import pickle
import warnings
from collections.abc import Mapping
from typing import Any

from densefit.backend import mx
from densefit.engine.mxnet.optimizers import adamw  # noqa: F401 - registers it with MXNet
from densefit.engine.mxnet.optimizers.adamax import Adamax
from densefit.engine.mxnet.optimizers.resume import index_to_name
from densefit.engine.mxnet.optimizers.sgd import SGD
from densefit.engine.param_groups import factors
from densefit.engine.settings import OptimizerSettings
from densefit.errors import CheckpointError, ConfigError
from densefit.numeric import check_optimizer

_log = logging.getLogger("densefit")
_COMMON = ("sgd", "nag", "adam", "adamw", "rmsprop", "lamb")
_UNUSABLE = {"test", "ccsgd", "groupadagrad"}  # MXNet's own test; an old name; for embeddings


def start_optimizer(
    module: Any,
    optimizer_settings: OptimizerSettings,
    batch_size: int,
) -> Any:
    """Start a Module with a new optimizer; returns it.

    An optimizer object is copied: neither the counts of an earlier training (Adam's steps, a
    scheduler's decayed rate) nor another network's parameter names enter this one. It treats
    parameters like an optimizer created by name: for an object, MXNet would decay biases and
    ignore a Variable's `lr_mult` and `wd_mult`.

    Args:
        module: a bound Module with parameters.
        optimizer_settings: the optimizer. Its groups replace the factors on rate and decay that
            MXNet or the symbol's attributes set for these parameters.
        batch_size: samples of a full batch.

    Raises:
        ConfigError: unknown optimizer or settings, or groups that do not fit.
    """
    optimizer, settings = optimizer_settings.optimizer, dict(optimizer_settings.settings)
    multipliers = factors(optimizer_settings.groups or {}, module._exec_group.param_names)
    if isinstance(optimizer, mx.optimizer.Optimizer):
        if settings:
            raise ConfigError(
                "Settings go with an optimizer's name, not with an object", received=settings
            )
        twin = copy.deepcopy(optimizer)
        twin.param_dict = dict(optimizer.param_dict)  # which MXNet leaves out of copies
        optimizer = twin
        optimizer.idx2name = index_to_name(module)
        optimizer.sym_info = (module.symbol.attr_dict(), module.symbol.list_arguments())
        optimizer.set_lr_mult(optimizer.lr_mult)
        optimizer.set_wd_mult(optimizer.wd_mult)
        optimizer.rescale_grad = 1.0 / batch_size  # or Module would warn; set at each update
    else:
        settings["rescale_grad"] = 1.0 / batch_size  # set at each update
    _init(module, optimizer, settings, "local")
    optimizer = module._optimizer
    _set_factors(optimizer, multipliers)
    return optimizer


def start_own_optimizer(
    module: Any,
    optimizer_settings: OptimizerSettings,
    batch_size: int,
) -> Any:
    """Start a user's Module with an optimizer as in Module.fit; returns it.

    An optimizer that the Module already has continues. An optimizer object is not copied and decays
    the parameters that MXNet's rules select.

    Args:
        module: a bound Module with parameters.
        optimizer_settings: the optimizer, see `start_optimizer`.
        batch_size: samples of a full batch.

    Raises:
        ConfigError: unknown optimizer or settings, or groups that do not fit.
    """
    optimizer, settings = optimizer_settings.optimizer, dict(optimizer_settings.settings)
    multipliers = factors(optimizer_settings.groups or {}, module._exec_group.param_names)
    if isinstance(optimizer, mx.optimizer.Optimizer) and settings:
        raise ConfigError(
            "Settings go with an optimizer's name, not with an object", received=settings
        )
    if not module.optimizer_initialized:
        if not isinstance(optimizer, mx.optimizer.Optimizer):
            settings.setdefault("rescale_grad", 1.0 / batch_size)
        _init(module, optimizer, settings, optimizer_settings.kvstore)
    optimizer = module._optimizer
    _set_factors(optimizer, multipliers)
    return optimizer


def _init(module: Any, optimizer: Any, settings: Mapping[str, Any], kvstore: Any) -> None:
    """Call Module.init_optimizer; errors state the fix."""
    description = f"{optimizer!r} with {dict(settings)}"
    check_optimizer(settings, where="optimizer_params")
    if isinstance(optimizer, mx.optimizer.Optimizer) and _is_mxnets(type(optimizer).__name__):
        attributes = {"learning_rate": optimizer.lr, **vars(optimizer)}
        check_optimizer(attributes, where=f"optimizer {type(optimizer).__name__}")
    try:
        on_cpu = all(device.device_type == "cpu" for device in module._context)
        name = optimizer.lower() if isinstance(optimizer, str) else None
        if name == "sgd" and on_cpu and _is_mxnets("SGD"):
            names = index_to_name(module)
            optimizer = SGD(sym=module.symbol, param_idx2name=names, **settings)
            settings = {}
        if name == "adamax" and _is_mxnets("Adamax"):
            names = index_to_name(module)
            optimizer = Adamax(sym=module.symbol, param_idx2name=names, **settings)
            settings = {}
        elif type(optimizer) is mx.optimizer.Adamax:
            optimizer.__class__ = Adamax
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about rescale_grad; see `warn_of_rescale`
            module.init_optimizer(
                kvstore=kvstore,
                optimizer=optimizer,
                optimizer_params=tuple(settings.items()),
                force_init=True,
            )
    except (pickle.UnpicklingError, EOFError, OSError) as error:
        raise CheckpointError(
            f"The optimizer states cannot be read: {error}",
            where=getattr(module, "_preload_opt_states", None),
        ) from error
    except (TypeError, ValueError, AssertionError) as error:
        raise ConfigError(
            f"MXNet refuses the optimizer: {error}",
            expected=sorted(set(mx.optimizer.Optimizer.opt_registry) - _UNUSABLE),
            received=description,
        ) from error
    _check_runs(module, description)


def _check_runs(module: Any, description: str) -> None:
    """Raise ConfigError if MXNet's optimizer cannot train a parameter of the Module."""
    optimizer, group = module._optimizer, module._exec_group
    if not type(optimizer).__module__.startswith("mxnet."):
        return
    if isinstance(optimizer, mx.optimizer.DCASGD) and optimizer.momentum:
        raise ConfigError(
            "MXNet's DCASGD cannot train with momentum: it evaluates an array as a bool",
            expected="momentum=0, or another optimizer",
            received=description,
        )
    shapes: set[tuple[int, ...]] = set()
    for index, (name, arrays) in enumerate(zip(group.param_names, group.param_arrays)):
        if arrays[0] is None or arrays[0].shape in shapes:
            continue
        shapes.add(arrays[0].shape)
        try:
            optimizer.create_state_multi_precision(index, arrays[0])
        except (AssertionError, TypeError, ValueError, mx.base.MXNetError) as error:
            raise ConfigError(
                f"MXNet's {type(optimizer).__name__} cannot train the parameter {name!r} "
                f"({type(error).__name__}: {error})",
                expected=f"another optimizer: {', '.join(_COMMON)}...",
                received=f"{description}, a parameter of shape {arrays[0].shape}",
            ) from error


def _set_factors(optimizer: Any, multipliers: Mapping[str, Mapping[str, float]]) -> None:
    """Set the factors on rate and decay of parameters in groups."""
    if multipliers["lr"]:
        optimizer.set_lr_mult({**optimizer.lr_mult, **multipliers["lr"]})
    if multipliers["wd"]:
        optimizer.set_wd_mult({**optimizer.wd_mult, **multipliers["wd"]})


def warn_of_unused_rate(optimizer: Any, optimizer_settings: OptimizerSettings) -> None:
    """Warn that the optimizer ignores a learning rate that is set.

    Args:
        optimizer: the optimizer in use.
        optimizer_settings: settings that it was started with.
    """
    groups = (optimizer_settings.groups or {}).values()
    has_rate = (
        optimizer_settings.settings.get("learning_rate") is not None
        or optimizer_settings.has_schedule
    )
    has_rate |= any(group.get("lr") is not None for group in groups)
    if isinstance(optimizer, mx.optimizer.AdaDelta) and has_rate:
        _log.warning(
            "MXNet's AdaDelta has no learning rate: schedules, rates and the lr of groups have no "
            "effect, and weights decay by wd per update. To fix some parameters: freeze=[...]"
        )


def _is_mxnets(kind: str) -> bool:
    """Whether a name is registered for MXNet's class, and not for a user's."""
    registered = mx.optimizer.Optimizer.opt_registry.get(kind.lower())
    return registered is not None and registered is getattr(mx.optimizer, kind, None)
