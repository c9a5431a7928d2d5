"""Compare a backbone with a reference in PyTorch: the same weights, the same features.

In float64: in training, tens of BatchNorms over a few cells make 1e-3 of float32's roundings.
"""

import re

import numpy as np
import torch
from torch import nn

from densefit.checkpoint.weights.maps import layouts_of
from densefit.engine.torch.program import Program, Run
from densefit.model.backbones import backbones
from densefit.model.complexity import multiply_adds
from densefit.model.symbol_graph import SymbolGraph
from densefit.symbol import sym
from tests.model.backbones.random_values import random_values


def load(reference, values, names, unused):
    """Write values into a reference, each of whose arrays must get one unless `unused` matches."""
    state = {
        name: tensor
        for name, tensor in reference.state_dict().items()
        if not name.endswith("num_batches_tracked") and not re.search(unused, name)
    }
    assert names.keys() == values.keys()
    ours = {theirs: name for name, theirs in names.items()}
    assert len(ours) == len(names)
    assert set(ours) == set(state)
    for name, tensor in state.items():
        value = torch.from_numpy(values[ours[name]])
        assert value.numel() == tensor.numel(), name
        state[name] = value.reshape(tensor.shape)
    reference.load_state_dict(state, strict=False, assign=True)


def counted(reference, function):
    """(result of a function, multiply-adds of the reference's layers while it ran)."""
    total = 0

    def count(layer, inputs, output):
        nonlocal total
        total += output.numel() * layer.weight[0].numel()

    layers = [m for m in reference.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    result = function()
    for hook in hooks:
        hook.remove()
    return result, total


def last_of_stride(layers, x):
    """stride -> the last result at it of layers in turn."""
    size, maps = x.shape[-1], {}
    for layer in layers:
        x = layer(x)
        maps[size // x.shape[-1]] = x
    return maps


def in_float64(_, node):
    """A node whose numbers, if they are of its settings alone, are in float64, too."""
    return node.with_attrs(dtype="float64") if node.op == "_arange" else node


class Ours:
    """A backbone's maps of a random image with random values.

    Args:
        name: name of the backbone.
        settings: its settings.
        size: (height, width) of the image.
        output_stride: output stride of the backbone.
        strides: of the maps.
        batch: number of images.
    """

    def __init__(self, name, settings, size, output_stride, strides, batch=2):
        maps = backbones.create(name, **settings).maps_at(sym.Variable("data"), output_stride, size)
        self.name, self.settings = name, settings
        self.strides, self.symbol = strides, sym.Group([maps[stride][0] for stride in strides])
        self.values = random_values(self.symbol, size, batch)
        self.image = torch.from_numpy(np.random.default_rng(1).normal(size=(batch, 3, *size)))

    def names(self, layout):
        """Parameter -> its name in a layout of `load_weights`, or as a function names it."""
        if callable(layout):
            return {name: layout(name) for name in self.values}
        table = layouts_of(backbones.create(self.name, **self.settings))[layout]
        return table.names(self.values, self.name)

    def assert_equal(self, theirs, training):
        """Compare the maps in a mode with those of a reference, stride -> array."""
        tensors = {name: torch.from_numpy(value) for name, value in self.values.items()}
        program = Program(SymbolGraph.of(self.symbol).rewrite(in_float64))
        results = program({"data": self.image, **tensors}, Run(training=training))
        for stride, result in zip(self.strides, results):
            expected = theirs[stride]
            assert result.shape == expected.shape, stride
            error = np.abs(result.numpy() - expected).max() / np.abs(expected).max()
            assert expected.std() > 1e-3, stride
            assert error < 1e-6, (stride, training, error)


def compare(
    name,
    reference,
    layout,
    maps_of,
    *,
    settings=None,
    unused="^$",
    size=(64, 64),
    output_stride=32,
    strides=(4, 8, 16, 32),
    batch=2,
):
    """Compare features at every stride, in training and in evaluation, and multiply-adds.

    Args:
        name: name of the backbone.
        reference: an nn.Module; on the device "meta" it costs nothing.
        layout: whose names it has, one of the backbone's in `densefit.checkpoint.weights.maps`,
            or a function: our name -> its.
        maps_of: (reference, image) -> stride -> tensor.
        settings: of the backbone.
        unused: pattern of the reference's arrays that the backbone lacks, as of a classifier.
        size: (height, width) of the images.
        output_stride: output stride of the backbone.
        strides: of maps that both have.
        batch: number of images.
    """
    ours = Ours(name, settings or {}, size, output_stride, strides, batch)
    load(reference, ours.values, ours.names(layout), unused)
    for training in (False, True):  # in this order: training moves the statistics
        reference.train(training)
        with torch.no_grad():
            theirs, total = counted(reference, lambda: maps_of(reference, ours.image))
        ours.assert_equal({key: value.numpy() for key, value in theirs.items()}, training)
    assert sum(multiply_adds(ours.symbol, data=ours.image.shape).values()) == total
