"""Bind the train graph of a network: checks, parameters on their device, and the program."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from densefit.engine.batch_reader import BatchReader
from densefit.engine.graph.losses import outputs_needing_gradients
from densefit.engine.settings import BindSettings
from densefit.engine.torch.inference import TorchInference
from densefit.engine.torch.program import Program
from densefit.engine.torch.tensors import parameter_tensor
from densefit.engine.training.train_plan import TrainPlan, plan_training
from densefit.errors import BindError, ConfigError
from densefit.model.network import Network
from densefit.model.output_names import short_name
from densefit.symbol import initializers

#: Environment variable: "1" compiles the train graph with torch.compile.
COMPILE = "DENSEFIT_TORCH_COMPILE"
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class TrainGraph:
    """A train graph with its parameters on a device.

    Attributes:
        plan: the checked graph.
        symbol: Symbol of the graph.
        compute: (tensors by name, Run) -> outputs of the graph.
        outputs: short names of the outputs.
        parameters: all parameters by name, in the order of the graph.
        statistics: BatchNorm's moving statistics by name.
        trained: the parameters that have gradients.
        precision: type of convolutions and dense layers; None for that of their inputs.
    """

    plan: TrainPlan
    symbol: Any
    compute: Any
    outputs: list[str]
    parameters: Mapping[str, torch.Tensor]
    statistics: Mapping[str, torch.Tensor]
    trained: Mapping[str, torch.Tensor]
    precision: torch.dtype | None


def bind_training(
    network: Network, reader: BatchReader, device: torch.device, settings: BindSettings
) -> TrainGraph:
    """Bind the train graph of a network.

    Args:
        network: network whose graph and parameters are bound.
        reader: reader of the training data.
        device: device of the parameters.
        settings: settings of the binding.

    Raises:
        BindError, ConfigError, DataError: as `Engine.bind`.
        EngineError: an operator is not known.
    """
    if settings.precision not in PRECISIONS:
        raise ConfigError(
            "Unknown precision",
            expected=" or ".join(PRECISIONS),
            received=repr(settings.precision),
            fix="bfloat16 has the range of float32, so that no loss needs to be scaled"
            if settings.precision == "float16"
            else None,
        )
    plan = plan_training(network, reader, settings, TorchInference(lambda: network.value_shapes))
    symbol = plan.graph.symbol
    needing = outputs_needing_gradients(plan.graph, plan.trained)
    if needing:
        raise BindError(
            f"The outputs {', '.join(needing)} are no losses, and gradients would pass through "
            "them: Module.fit refuses them too",
            expected="outputs of loss layers (SoftmaxOutput, MakeLoss...)",
            where=plan.where,
            fix="mx.sym.MakeLoss(output) to minimise it, or mx.sym.BlockGrad(output) to look at it",
        )
    program = Program(plan.graph)
    values = {
        name: parameter_tensor(value, device)
        for name, value in _values(network, plan, symbol, settings).items()
    }
    states = set(symbol.list_auxiliary_states())
    parameters = {name: tensor for name, tensor in values.items() if name not in states}
    trained = {name: parameters[name].requires_grad_() for name in plan.trained}
    return TrainGraph(
        plan=plan,
        symbol=symbol,
        compute=compiled(program),
        outputs=[short_name(name) for name in symbol.list_outputs()],
        parameters=parameters,
        statistics={name: tensor for name, tensor in values.items() if name in states},
        trained=trained,
        precision=PRECISIONS[settings.precision],
    )


def compiled(program: Program) -> Any:
    """Compile a program where the environment says so."""
    return torch.compile(program) if os.environ.get(COMPILE) == "1" else program


def _values(
    network: Network, plan: TrainPlan, symbol: Any, settings: BindSettings
) -> dict[str, Any]:
    """Value of each parameter and statistic, in the order of the graph."""
    values = {**network.parameters, **network.statistics}
    attrs = {node.name: node.attrs for node in plan.graph.nodes if node.is_variable}
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    return {
        name: values[name]
        if name in values
        else initializers.values(
            name, plan.shapes[name], settings.seed, settings.initializer, attrs.get(name, {})
        )
        for name in names
        if name not in plan.inputs
    }
