"""The optimizer of a bound Module: made, stated and restored by parameter name."""

from __future__ import annotations

import copy
import logging
import pickle
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.engine.engine import OptimizerSettings
from densefit.engine.mxnet import adamw  # noqa: F401 - registers it with MXNet
from densefit.engine.mxnet.adamax import Adamax
from densefit.engine.mxnet.optimizer_state import (
    check_states,
    counters_to_dict,
    optimizer_from_arrays,
    optimizer_to_arrays,
    restart_counters,
    restore_counters,
    restore_updater,
)
from densefit.engine.mxnet.sgd import SGD
from densefit.engine.param_groups import Groups, factors
from densefit.errors import CheckpointError, ConfigError
from densefit.numeric import check_optimizer

_log = logging.getLogger("densefit")
_COMMON = ("sgd", "nag", "adam", "adamw", "rmsprop", "lamb")
_UNUSABLE = {"test", "ccsgd", "groupadagrad"}  # MXNet's own test; an old name; for embeddings


def start_optimizer(
    module: Any,
    optimizer: Any,
    settings: Mapping[str, Any],
    batch_size: int,
    groups: Groups | None = None,
) -> Any:
    """Give a Module a new optimizer; returns it.

    An optimizer object is copied: what an earlier training counted in it (Adam's steps, a
    scheduler's decayed rate) or bound to it (names of another network's parameters) stays out of
    this one. And it treats parameters as one made by name does: MXNet would decay biases, and
    overlook a Variable's `lr_mult` and `wd_mult`, for an object that it did not make itself.

    Args:
        module: bound, with parameters.
        optimizer: MXNet's name, or an `mx.optimizer.Optimizer`.
        settings: of an optimizer given by name.
        batch_size: samples of a full batch.
        groups: factors on rate and decay by patterns, see `densefit.engine.param_groups`; they take
            the place of the factors that MXNet or the symbol's attributes give these parameters.

    Raises:
        ConfigError: unknown optimizer or settings, or groups that do not fit.
    """
    settings = dict(settings)
    own = factors(groups or {}, module._exec_group.param_names)
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
    _set_factors(optimizer, own)
    return optimizer


def start_own_optimizer(
    module: Any,
    optimizer: Any,
    settings: Mapping[str, Any],
    batch_size: int,
    groups: Groups | None,
    kvstore: Any,
) -> Any:
    """Let a user's Module begin with an optimizer as in Module.fit; returns it.

    One that the Module has goes on. An optimizer object is the user's own, and decays what MXNet
    lets it decay.

    Args:
        module: bound, with parameters.
        optimizer: MXNet's name, or an `mx.optimizer.Optimizer`.
        settings: of an optimizer given by name.
        batch_size: samples of a full batch.
        groups: see `start_optimizer`.
        kvstore: as Module.fit takes it.

    Raises:
        ConfigError: unknown optimizer or settings, or groups that do not fit.
    """
    own = factors(groups or {}, module._exec_group.param_names)
    if isinstance(optimizer, mx.optimizer.Optimizer) and settings:
        raise ConfigError(
            "Settings go with an optimizer's name, not with an object", received=dict(settings)
        )
    if not module.optimizer_initialized:
        given = dict(settings)
        if not isinstance(optimizer, mx.optimizer.Optimizer):
            given.setdefault("rescale_grad", 1.0 / batch_size)
        _init(module, optimizer, given, kvstore)
    optimizer = module._optimizer
    _set_factors(optimizer, own)
    return optimizer


def _init(module: Any, optimizer: Any, settings: Mapping[str, Any], kvstore: Any) -> None:
    """Module.init_optimizer, in our words where it refuses."""
    given = f"{optimizer!r} with {dict(settings)}"
    check_optimizer(settings, where="optimizer_params")
    if isinstance(optimizer, mx.optimizer.Optimizer) and _is_mxnets(type(optimizer).__name__):
        own = {"learning_rate": optimizer.lr, **vars(optimizer)}
        check_optimizer(own, where=f"optimizer {type(optimizer).__name__}")
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
            warnings.simplefilter("ignore")  # of rescale_grad, of which the start tells
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
            received=given,
        ) from error
    _check_runs(module, given)


def _check_runs(module: Any, given: str) -> None:
    """Raise ConfigError if an optimizer of MXNet's cannot train a parameter of the Module."""
    optimizer, group = module._optimizer, module._exec_group
    if not type(optimizer).__module__.startswith("mxnet."):
        return
    if isinstance(optimizer, mx.optimizer.DCASGD) and optimizer.momentum:
        raise ConfigError(
            "MXNet's DCASGD cannot train with a momentum: it asks whether an array is true",
            expected="momentum=0, or another optimizer",
            received=given,
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
                received=f"{given}, a parameter of shape {arrays[0].shape}",
            ) from error


def _set_factors(optimizer: Any, own: Mapping[str, Mapping[str, float]]) -> None:
    """Give parameters in groups their factors on rate and decay."""
    if own["lr"]:
        optimizer.set_lr_mult({**optimizer.lr_mult, **own["lr"]})
    if own["wd"]:
        optimizer.set_wd_mult({**optimizer.wd_mult, **own["wd"]})


def tell_unused_rate(optimizer: Any, given: OptimizerSettings) -> None:
    """Log that the optimizer ignores a learning rate that somebody has set.

    Args:
        optimizer: in use.
        given: what it was started with.
    """
    groups = (given.groups or {}).values()
    has_rate = given.settings.get("learning_rate") is not None or given.has_schedule
    has_rate |= any(own.get("lr") is not None for own in groups)
    if isinstance(optimizer, mx.optimizer.AdaDelta) and has_rate:
        _log.warning(
            "MXNet's AdaDelta has no learning rate: no schedule, rate or lr of a group changes "
            "what it does, and it decays weights by wd an update. To hold some still: freeze=[...]"
        )


def restart_store(module: Any) -> None:
    """Hand a Module's parameters to its kvstore anew; call it after they were replaced.

    On several devices MXNet's kvstore keeps a copy of the parameters, updates that, and would
    write it over the ones that were set. The optimizer stays; its states are lost.
    """
    if module._kvstore is not None:
        kept = module._optimizer.rescale_grad
        module._optimizer.rescale_grad = 1.0 / module._exec_group.batch_size  # or it would warn
        module.init_optimizer(kvstore="local", optimizer=module._optimizer, force_init=True)
        module._optimizer.rescale_grad = kept


def optimizer_state(module: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """(arrays, counters) of a Module's optimizer, by parameter name."""
    names = index_to_name(module)
    counters = counters_to_dict(module._optimizer, names)
    counters["kind"] = type(module._optimizer).__name__
    return optimizer_to_arrays(_updater(module).states, names, len(module._context)), counters


def load_optimizer_state(
    module: Any,
    arrays: Mapping[str, np.ndarray],
    counters: Mapping[str, Any],
    is_other: bool = False,
) -> str:
    """Continue from what `optimizer_state` gave; returns what is to be told if that cannot be.

    An optimizer of another kind begins anew, and so does one of other settings (a momentum that
    was 0) that need other states.

    Args:
        module: with an optimizer.
        arrays: its states.
        counters: its counts.
        is_other: whether the settings of the optimizer are others than they were, or may be.

    Raises:
        CheckpointError: it is of other parameters, or damaged.
    """
    kind = type(module._optimizer).__name__
    names = index_to_name(module)
    updater, devices = _updater(module), [device.device_id for device in module._context]
    if counters.get("kind", kind) == kind:
        states = optimizer_from_arrays(arrays, names)
        misfit = _misfit(module, states, names)
        if misfit is None or not is_other:
            check_states(arrays, counters["counts"])
            if misfit is not None:
                raise misfit
            if kind == "LBSGD":
                _log.warning(
                    "MXNet's LBSGD keeps gradients of earlier batches where nobody can read them: "
                    "it goes on without them, and not exactly as it would have"
                )
            restore_updater(updater, states)
            restore_counters(module._optimizer, counters, names, devices)
            return ""
    restore_updater(updater, {})
    restart_counters(module._optimizer, devices)
    scheduler = getattr(module._optimizer, "lr_scheduler", None)
    return (
        f"the moments of {kind} begin at zero, and its updates are counted"
        f"{'' if scheduler is None else ', by its lr_scheduler too,'} from 0: those in the "
        f"checkpoint are of {counters.get('kind', kind)}"
        f"{' with other settings' if counters.get('kind', kind) == kind else ''}"
    )


def _misfit(
    module: Any, states: Mapping[Any, Any], names: Mapping[Any, str]
) -> CheckpointError | None:
    """An error that tells of a state of another form than the optimizer would begin with."""
    optimizer, group, devices = module._optimizer, module._exec_group, len(module._context)
    weights = dict(zip(group.param_names, (arrays[0] for arrays in group.param_arrays)))
    for key, state in states.items():
        name = names[key]
        if isinstance(key, int) and key % devices:
            continue
        fresh = optimizer.create_state_multi_precision(key, weights[name])
        new = optimizer_to_arrays({0: fresh}, {0: name})
        old = optimizer_to_arrays({0: state}, {0: name})
        if {k: (a.shape, a.dtype) for k, a in new.items()} != {
            k: (a.shape, a.dtype) for k, a in old.items()
        }:
            return CheckpointError(
                f"The optimizer state of the parameter {name!r} does not fit",
                expected=_forms(new),
                received=_forms(old),
                fix="continue with the same optimizer and network; or begin a new training with "
                "the weights: df.load(path), then fit",
            )
    return None


def _forms(arrays: Mapping[str, np.ndarray]) -> str:
    return ", ".join(f"{key} {array.dtype} {array.shape}" for key, array in arrays.items())


def load_optimizer_arrays(module: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Begin with the states that `optimizer_state` gave, and count from the beginning.

    Raises:
        CheckpointError: they are of other parameters.
    """
    restore_updater(_updater(module), optimizer_from_arrays(arrays, index_to_name(module)))


def index_to_name(module: Any) -> dict[Any, str]:
    """What the updater calls a parameter -> its name.

    Under a kvstore that updates it is the name; otherwise the parameter's number times the
    number of devices, plus the device's.
    """
    names = module._exec_group.param_names
    if getattr(module, "_update_on_kvstore", None):
        return {name: name for name in names}
    devices = len(module._context)
    return {i * devices + k: name for i, name in enumerate(names) for k in range(devices)}


def _updater(module: Any) -> Any:
    return module._updater or module._kvstore._updater


def _is_mxnets(kind: str) -> bool:
    """Whether MXNet's class has its name, and no class of a user's was registered under it."""
    registered = mx.optimizer.Optimizer.opt_registry.get(kind.lower())
    return registered is not None and registered is getattr(mx.optimizer, kind, None)
