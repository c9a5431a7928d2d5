"""What an export takes from its arguments: the network, sizes of images, inputs and outputs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from densefit import engine as engines
from densefit.checkpoint.weights.load import load
from densefit.engine.finite import check_parameters
from densefit.engine.graph.symbol_info import UNREAD
from densefit.engine.model_input import model_input
from densefit.errors import ConfigError, ExportError
from densefit.exporting import samples
from densefit.exporting.onnx.build import ModelSettings
from densefit.model.network import Network, is_symbol
from densefit.model.output_names import short_name
from densefit.registry import nearest

ImageSize: TypeAlias = int | Sequence[int] | None

_OF_HEADS = ("image_size", "raw", "views", "resize")  # arguments for networks of heads alone
_OF_SYMBOL = ("inputs", "outputs")  # arguments for users' Symbols alone


def network_of(model: Any, arg_params: Any, aux_params: Any, data: Any) -> Network:
    """The network of a model, or of a checkpoint's path, with parameters."""
    if isinstance(model, (str, os.PathLike)):
        model = load(os.fspath(model))
    if getattr(model, "engine_name", None) == "onnx":
        raise ConfigError(
            "An exported model cannot be exported again",
            expected="the network that was exported",
            received=type(model).__name__,
            fix="load its checkpoint",
        )
    heads: Any = {} if is_symbol(model) else None  # routes of a Symbol are its Network's
    network = model_input(model, heads, arg_params, aux_params, train=data).network
    network.check_initialized()
    check_parameters(network)
    return network


def precision_of(half: bool, int8: bool, calibrate: Any) -> str:
    """The precision that is asked for: "float32", "float16" or "int8"."""
    if int8 and half:
        raise ConfigError(
            "A model is either of 8 or of 16 bits",
            received="int8=True, half=True",
            fix="leave one of them out",
        )
    if int8 and calibrate is None:
        raise ConfigError(
            "An int8 model needs samples to measure activations with",
            expected="calibrate=a loader or a dataset; for a Symbol an iterator of batches, or "
            "{'data': array}",
            received="calibrate=None",
        )
    if calibrate is not None and not int8:
        raise ConfigError(
            "Only an int8 model is calibrated",
            expected="int8=True",
            received="calibrate=..., int8=False",
            fix="leave calibrate out; data= has the samples to compare on",
        )
    return "int8" if int8 else "float16" if half else "float32"


def image_size_of(size: ImageSize, data: Any, calibrate: Any) -> tuple[int, int]:
    """(height, width) from the argument or the data."""
    if size is None:
        chosen = samples.size_of(data) or samples.size_of(calibrate)
        if chosen is None:
            raise ConfigError(
                "The size of the exported model's images is open",
                expected="image_size=(height, width), or a loader with a transform of fixed size",
                received=f"image_size=None, data={type(data).__name__}",
            )
        return chosen
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if len(sides) != 2 or any(not isinstance(s, (int, np.integer)) or s < 1 for s in sides):
        raise ConfigError(
            "The size of images is (height, width) in pixels", received=f"image_size={size!r}"
        )
    return int(sides[0]), int(sides[1])


def input_shapes(
    network: Network, inputs: Mapping[str, Sequence[int | None]] | None, data: Any
) -> dict[str, tuple[int | None, ...]]:
    """Input of a Symbol -> shape, without labels that its outputs do not read."""
    if inputs is not None:
        names = network.symbol.list_arguments()
        for name in inputs:
            if name not in names:
                raise ConfigError(
                    f"The Symbol has no input {name!r}",
                    expected=[n for n in names if n not in network.value_shapes],
                    received=sorted(inputs),
                    fix=nearest(name, names),
                )
        return {name: tuple(shape) for name, shape in inputs.items()}
    if isinstance(data, Mapping):
        return {name: (None, *np.shape(array)[1:]) for name, array in data.items()}
    specs = [*getattr(data, "provide_data", ()), *(getattr(data, "provide_label", None) or ())]
    if not specs:
        raise ConfigError(
            "The shapes of the Symbol's inputs are open",
            expected="inputs={'data': (None, 3, 224, 224)}, or an iterator of batches as data",
            received=f"inputs=None, data={type(data).__name__}",
        )
    return {spec[0]: (None, *spec[1][1:]) for spec in specs}


def symbol_settings(
    network: Network,
    settings: ModelSettings,
    inputs: Mapping[str, Sequence[int | None]] | None,
    outputs: Sequence[str] | None,
    data: Any,
) -> ModelSettings:
    """Settings with the inputs and outputs of a user's Symbol."""
    shapes = input_shapes(network, inputs, data)
    return replace(settings, inputs=shapes, outputs=outputs_of(network, shapes, outputs))


def check_applicable(network: Network, settings: Mapping[str, Any]) -> None:
    """Raise ConfigError for settings that are not of this kind of model.

    Args:
        network: network that is exported.
        settings: arguments of `export` by name; None and False are defaults.
    """
    inapplicable = _OF_SYMBOL if network.heads else _OF_HEADS
    ignored = [name for name in inapplicable if settings[name] not in (None, False)]
    if not ignored:
        return
    listed = ", ".join(f"{name}={settings[name]!r}" for name in ignored)
    if network.heads:
        raise ConfigError(
            "A network of heads has an image as its input, and the heads' outputs",
            expected=", ".join(_OF_HEADS),
            received=listed,
            fix=f"leave out {', '.join(ignored)}; these are for a user's Symbol",
        )
    raise ConfigError(
        "A user's Symbol is exported as it computes: it has no images, heads or suppression that "
        "densefit knows",
        expected=", ".join((*_OF_SYMBOL, "batch, opset, half, int8")),
        received=listed,
        fix=f"leave out {', '.join(ignored)}; inputs={{'data': (None, 3, 224, 224)}} are shapes, "
        "outputs=[...] ends the graph before a suppression",
    )


def check_views(views: bool, raw: bool) -> bool:
    """`views`, which a model without suppression cannot have."""
    if views and raw:
        raise ConfigError(
            "Views are merged after suppression, which a raw model leaves out",
            received="views=True, raw=True",
            fix="raw=False",
        )
    return views


def outputs_of(
    network: Network, shapes: Mapping[str, Any], outputs: Sequence[str] | None
) -> tuple[str, ...]:
    """Short names of a Symbol's exported outputs."""
    names = [short_name(name) for name in network.symbol.list_outputs()]
    if outputs is not None:
        unknown = [name for name in outputs if short_name(name) not in names]
        if unknown:
            raise ConfigError("The Symbol has no such output", expected=names, received=unknown)
        return tuple(short_name(name) if name not in names else name for name in outputs)
    available = {*shapes, *network.value_shapes}
    missing = {
        name: sorted(engines.inputs_read(network.symbol, name) - available) for name in names
    }
    chosen = tuple(name for name in names if not missing[name])
    if not chosen:
        raise ExportError(
            "No output can be computed from the inputs and parameters",
            expected=missing,
            received=sorted(shapes),
            fix=f"inputs={{...}} with the shapes of further inputs (a label, {UNREAD!r}, is none)",
        )
    return chosen
