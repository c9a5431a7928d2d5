"""Every backbone with every head computes on PyTorch what it computes on MXNet.

Both are compared with float64, since deep networks amplify rounding: PyTorch's float32 may be off
by little more than MXNet's is. Activations are smooth here; a ReLU's gradient jumps where rounding
moves an activation over 0.
"""

import numpy as np
import pytest
import torch

import densefit as df
from densefit.engine.mxnet.graph import shapes as mxnet_shapes
from densefit.engine.torch.operators import supported
from densefit.engine.torch.program import Program, Run
from densefit.engine.torch.shapes import can_cut_rows, infer_shapes, inner_outputs
from densefit.model.network import MODES
from densefit.model.symbol_graph import SymbolGraph
from tests.contract.test_heads import SETTINGS, labelled
from tests.engine.torch.compare import by_mxnet, by_torch

SIZE, BATCH = (64, 64), 4
BACKBONES = {
    "resnet18": {"width": 8},
    "resnet34": {"width": 8},
    "resnet50": {"width": 8},
    "mobilenetv2": {},
}
VARIANTS = {
    "classification": {"classes": 4, "dropout": 0.3},
    "depth": {"channels": 8, "loss": ["silog", "l1"]},
    "detection": {"classes": 3, "strides": (8, 16), "channels": 8, "fpn": False},
    "keypoints": {**SETTINGS["keypoints"], "heat_maps": False},
    "multilabel": {"classes": 3, "focal_gamma": 2.0, "class_weights": (1, 2, 3)},
    "normals": {"channels": 8},
    "segmentation": {"classes": 4, "channels": 8, "class_weights": (1, 2, 3, 4)},
}


@pytest.fixture(scope="module", params=BACKBONES)
def network(request):
    heads = [df.head(task, **settings) for task, settings in SETTINGS.items()]
    return df.Network(backbone=request.param, settings=BACKBONES[request.param], heads=heads)


def arrays(network, mode):
    """(symbol, arrays by name): an image in each row, its labels, random parameters."""
    symbol = network.graph(mode, SIZE)
    rng = np.random.default_rng(0)
    sample = labelled(SIZE)
    pixels = rng.integers(0, 255, (BATCH, 3, *SIZE)).astype(np.float32)
    values = {"data": pixels}
    for head in network.heads if mode == "train" else ():
        for name, label in head.encode(sample).items():
            if f"{head.name}_{name}" in symbol.list_arguments():
                values[f"{head.name}_{name}"] = np.stack([label] * BATCH).astype(np.float32)
    shapes, _ = infer_shapes(
        SymbolGraph.of(symbol), {name: value.shape for name, value in values.items()}, []
    )
    for name, shape in shapes.items():
        if name not in values:
            values[name] = draw(rng, name, shape)
    return symbol, values


def draw(rng, name, shape):
    if shape == (BATCH,):
        return np.ones(shape, np.float32)  # weights of samples
    if name.endswith(("gamma", "var")):
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    scale = np.prod(shape[1:]) ** -0.5 if len(shape) > 1 else 0.1
    return (rng.normal(size=shape) * scale).astype(np.float32)


def smooth(node, new):
    """Replace activations that have a kink."""
    if node.op in ("clip", "Activation") and node.name.endswith(("relu", "relu6")):
        return type(new)("Activation", new.name, new.inputs[:1], {"act_type": "softrelu"})
    return new


def in_float64(node, new):
    return new.with_attrs(dtype="float64") if new.attr("dtype") == "float32" else new


def exactly(graph, values):
    """Outputs, gradients and statistics in float64."""
    tensors = {name: torch.from_numpy(value.astype(np.float64)) for name, value in values.items()}
    states = graph.symbol.list_auxiliary_states()
    leaves = {n: t.requires_grad_() for n, t in tensors.items() if n not in states}
    run = Run(training=True)
    outputs = Program(graph.rewrite(in_float64))(tensors, run)
    torch.autograd.backward([out.sum() for out in outputs])
    gradients = {
        n: np.zeros(t.shape) if t.grad is None else t.grad.numpy() for n, t in leaves.items()
    }
    moved = {name: value.numpy() for name, value in run.statistics.items()}
    return [out.detach().numpy() for out in outputs], gradients, moved


def error(reference, arrays):
    """Distance relative to the norm of the reference."""
    a = np.concatenate([np.ravel(x) for x in reference]).astype(np.float64)
    b = np.concatenate([np.ravel(x) for x in arrays]).astype(np.float64)
    return np.linalg.norm(a - b) / np.linalg.norm(a)


def test_training(network):
    """Losses, gradients of the parameters, and moving statistics."""
    symbol, values = arrays(network, "train")
    graph = SymbolGraph.of(symbol).rewrite(smooth)
    outputs = [
        np.ones(shape, np.float32)
        for shape in graph.symbol.infer_shape(
            data=(BATCH, 3, *SIZE),
            **{
                n: v.shape
                for n, v in values.items()
                if n.split("_")[0] in SETTINGS and n in symbol.list_arguments()
            },
        )[1]
    ]
    first, second = (run(graph.symbol, values, outputs) for run in (by_mxnet, by_torch))
    exact = exactly(graph, values)
    names = [
        n
        for n in first.gradients
        if n.endswith(("weight", "bias", "gamma", "beta")) and values[n].shape != (BATCH,)
    ]
    losses = [error(exact[0], result.outputs) for result in (first, second)]
    gradients = [
        error([exact[1][n] for n in names], [result.gradients[n] for n in names])
        for result in (first, second)
    ]
    moved = [
        error([exact[2][n] for n in exact[2]], [result.statistics[n] for n in exact[2]])
        for result in (first, second)
    ]
    print(losses, gradients, moved)
    assert losses[1] < max(2e-6, 2 * losses[0])
    assert gradients[1] < max(1e-5, 2 * gradients[0])
    assert moved[1] < 2e-6
