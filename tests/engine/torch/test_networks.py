"""Backbones, and every head, compute on PyTorch what they compute on MXNet.

Both are compared with float64, since deep networks amplify rounding: PyTorch's float32 may be off
by little more than MXNet's is. Activations are smooth here; a ReLU's gradient jumps where rounding
moves an activation over 0.
"""

from zlib import crc32

import numpy as np
import pytest
import torch

import densefit as df
from densefit.engine.graph.inference import can_cut_rows
from densefit.engine.mxnet.graph import shapes as mxnet_shapes
from densefit.engine.torch.inference import TorchInference
from densefit.engine.torch.operators import supported
from densefit.engine.torch.program import Program, Run
from densefit.engine.torch.shapes import infer_shapes, inner_outputs
from densefit.model.network import MODES
from densefit.model.symbol_graph import SymbolGraph
from tests.contract.test_heads import SETTINGS, labelled
from tests.engine.torch.compare import by_mxnet, by_torch

SIZE, BATCH = (64, 64), 2
BACKBONES = {
    "resnet18": {"width": 8},
    "resnet50": {"width": 8},
    "mobilenetv2": {"multiplier": 0.25},
}
#: What the backbones without all heads have.
FEW = ("classification", "detection", "segmentation")
VARIANTS = {
    "classification": {"classes": 4, "dropout": 0.3},
    "depth": {"channels": 8, "loss": ["silog", "l1"]},
    "detection": {"classes": 3, "strides": (8, 16), "channels": 8, "fpn": False},
    "keypoints": {**SETTINGS["keypoints"], "heat_maps": False},
    "multilabel": {"classes": 3, "focal_gamma": 2.0, "class_weights": (1, 2, 3)},
    "normals": {"channels": 8},
    "segmentation": {"classes": 4, "channels": 8, "class_weights": (1, 2, 3, 4)},
}


@pytest.fixture(scope="module")
def networks():
    """Backbone -> network, the first with all heads."""
    return {
        backbone: df.Network(
            backbone=backbone,
            settings=settings,
            heads=[
                df.head(task, **SETTINGS[task])
                for task in (SETTINGS if backbone == "resnet18" else FEW)
            ],
        )
        for backbone, settings in BACKBONES.items()
    }


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
            rng = np.random.default_rng(crc32(name.encode()))  # whatever else is in the network
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
    is_single = new.attr("dtype") == "float32" or new.op == "one_hot"
    return new.with_attrs(dtype="float64") if is_single else new


def exactly(graph, values):
    """Outputs, gradients and statistics in float64."""
    tensors = {name: torch.from_numpy(value.astype(np.float64)) for name, value in values.items()}
    states = graph.symbol.list_auxiliary_states()
    leaves = {n: t.requires_grad_() for n, t in tensors.items() if n not in states}
    run = Run(training=True)
    outputs = Program(graph.rewrite(in_float64))(tensors, run)
    torch.autograd.backward([out.sum() for out in outputs])
    gradients = {name: leaf.grad.numpy() for name, leaf in leaves.items() if leaf.grad is not None}
    moved = {name: value.numpy() for name, value in run.statistics.items()}
    return [out.detach().numpy() for out in outputs], gradients, moved


def error(reference, arrays):
    """Distance relative to the norm of the reference."""
    a = np.concatenate([np.ravel(x) for x in reference]).astype(np.float64)
    b = np.concatenate([np.ravel(x) for x in arrays]).astype(np.float64)
    return np.linalg.norm(a - b) / np.linalg.norm(a)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_training(networks, backbone):
    """Losses, gradients of the parameters, and moving statistics."""
    network = networks[backbone]
    symbol, values = arrays(network, "train")
    graph = SymbolGraph.of(symbol).rewrite(smooth)
    shapes = infer_shapes(graph, {name: value.shape for name, value in values.items()}, [])[1]
    heads = [np.ones(shape, np.float32) for shape in shapes.values()]
    exact = exactly(graph, values)
    learned = [name for name in exact[1] if name.endswith(("_weight", "_bias", "gamma", "beta"))]
    errors = {}
    for compute in (by_mxnet, by_torch):
        outputs, gradients, moved = compute(graph.symbol, values, heads)
        errors[compute] = (
            error(exact[0], outputs),
            error([exact[1][name] for name in learned], [gradients[name] for name in learned]),
            error(exact[2].values(), [moved[name] for name in exact[2]]),
        )
    # To rounding, or as near as MXNet's float32.
    bounds = np.maximum((1e-6, 1e-5, 1e-6), errors[by_mxnet])
    assert all(np.asarray(errors[by_torch]) <= bounds), errors


@pytest.mark.parametrize("backbone", ["resnet18", "mobilenetv2"])
def test_evaluation(networks, backbone):
    """Small outputs of all heads, with the statistics of the training's batch."""
    network = networks[backbone]
    _, values = arrays(network, "train")
    states = by_torch(*arrays(network, "train"), training=True).statistics
    symbol, _ = arrays(network, "evaluate")
    names = symbol.list_arguments()
    values = {name: values[name] for name in names}
    for name, moved in states.items():
        values[name] = values[name] if name in values else moved
    first, second = by_mxnet(symbol, values).outputs, by_torch(symbol, values).outputs
    for name, a, b in zip(symbol.list_outputs(), first, second):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        if name.endswith("peaks_output"):  # where a map has few peaks, others of score 0 fill up
            a, b = (np.where(rows[..., 2:] > 1e-4, rows, 0) for rows in (a, b))
        near = np.isclose(a, b, rtol=1e-3, atol=1e-4)
        # A cell between two classes may change sides.
        assert near.mean() > 0.995, (name, near.mean())


@pytest.mark.parametrize("mode", MODES)
def test_shapes(networks, mode):
    """All shapes and dtypes inside a graph are those that MXNet infers."""
    network = networks["resnet18"]
    symbol = network.graph(mode, SIZE)
    sizes = {"data": (BATCH, 3, *SIZE)}
    for head in network.heads if mode == "train" else ():
        for label in head.labels(SIZE):
            sizes[f"{head.name}_{label.name}"] = (BATCH, *label.shape)
    sizes = {name: size for name, size in sizes.items() if name in symbol.list_arguments()}
    graph = SymbolGraph.of(symbol)
    assert infer_shapes(graph, sizes, []) == mxnet_shapes.infer_shapes(symbol, sizes, [])
    assert can_cut_rows(TorchInference(), symbol, sizes, BATCH)
    inner = inner_outputs(graph, sizes, {})
    for output, expected in mxnet_shapes.inner_outputs(graph, sizes, {}).items():
        assert inner[output][0] == expected[0], output
        assert expected[1] is None or inner[output][1] == expected[1], output


@pytest.mark.parametrize("task", VARIANTS)
def test_every_operator_of_other_settings(task):
    network = df.Network(backbone="resnet18", heads=[df.head(task, **VARIANTS[task])])
    for mode in MODES:
        operators = {node.op for node in SymbolGraph.of(network.graph(mode, SIZE)).nodes}
        assert operators - {"null"} <= set(supported())
