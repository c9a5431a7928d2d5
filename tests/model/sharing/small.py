"""A backbone of residual blocks, small enough to be written again in PyTorch.

`assert_computes` compares the maps that heads read, and all gradients, with a formula: to 1e-9 in
float64 by PyTorch, and to 1e-4 in float32 by MXNet, where sums that nearly cancel have errors.
"""

import numpy as np

from densefit.engine.selection import engine_name
from densefit.model.backbones import Backbone
from densefit.model.heads.features import Features
from densefit.model.layers import conv_bn
from densefit.model.network_graph import build_trunk
from densefit.model.sharing.feature_symbols import symbols_of
from densefit.symbol import sym
from tests.executor import Executor, Torch

NEAR = {"torch": 1e-9, "mxnet": 1e-4}

CHANNELS = {4: 8, 8: 12, 16: 8, 32: 16}


class Small(Backbone):
    """A stem and four stages of two residual blocks, named as those of a ResNet."""

    name = "small"

    def features(self, data, input_size, output_stride):
        """Without the cast to float32, so that all is computed in the type of the images."""
        maps = self.maps(data, output_stride)
        symbols = {stride: symbol for stride, (symbol, _) in maps.items()}
        return Features(maps=symbols, channels=CHANNELS, input_size=input_size)

    def maps(self, x, output_stride):
        x = conv_bn(x, "small_stem", 4, stride=2)
        maps = {}
        for stage, (stride, channels) in enumerate(CHANNELS.items(), start=1):
            x = residual(x, f"small_layer{stage}_0", channels, stride=2)
            x = residual(x, f"small_layer{stage}_1", channels)
            maps[stride] = (x, channels)
        return maps


def residual(x, name, channels, stride=1):
    shortcut = x
    if stride > 1:
        shortcut = conv_bn(x, f"{name}_down", channels, 1, stride=stride, activation=None)
    x = conv_bn(x, f"{name}_conv1", channels, stride=stride)
    x = conv_bn(x, f"{name}_conv2", channels, activation=None)
    return sym.relu(x + shortcut, name=f"{name}_relu")


class Formula:
    """The same layers in PyTorch; a prefix says whose copy of the backbone it is."""

    def __init__(self, values):
        import torch

        self.torch, self.f = torch, torch.nn.functional
        self.values = {
            name: torch.tensor(value.astype("float64"), requires_grad=True)
            for name, value in values.items()
        }

    def __getitem__(self, name):
        return self.values[name]

    def norm(self, x, name):
        scale, shift = self[f"{name}_gamma"], self[f"{name}_beta"]
        return self.f.batch_norm(x, None, None, scale, shift, training=True, eps=1e-5)

    def conv_bn(self, x, name, stride=1, relu=True):
        weight = self[f"{name}_weight"]
        bias = self.values.get(f"{name}_bias")
        x = self.f.conv2d(x, weight, bias, stride=stride, padding=weight.shape[-1] // 2)
        x = self.norm(x, f"{name}_bn")
        return x.relu() if relu else x

    def residual(self, x, name, stride=1):
        down = f"{name}_down"
        shortcut = self.conv_bn(x, down, stride, relu=False) if stride > 1 else x
        x = self.conv_bn(x, f"{name}_conv1", stride)
        return (self.conv_bn(x, f"{name}_conv2", relu=False) + shortcut).relu()

    def stem(self, x, prefix=""):
        return self.conv_bn(x, f"{prefix}small_stem", stride=2)

    def first(self, x, stage, prefix=""):
        """All blocks of a stage but the last."""
        return self.residual(x, f"{prefix}small_layer{stage}_0", stride=2)

    def last(self, x, stage, prefix=""):
        return self.residual(x, f"{prefix}small_layer{stage}_1")

    def stage(self, x, stage, prefix=""):
        return self.last(self.first(x, stage, prefix), stage, prefix)


class Doubles(Torch):
    """Compute with float64."""

    def forward(self, is_train):
        for arrays in (self.executor.arg_dict, self.executor.aux_dict):
            arrays.update({name: array.astype("float64") for name, array in arrays.items()})
        return super().forward(is_train)

    def backward(self, heads):
        return super().backward([head.astype("float64") for head in heads])


def assert_computes(sharing, heads, formula, size=(64, 64)):
    """Maps and gradients are those of `formula(Formula, images) -> head -> stride -> map`."""
    trunk = build_trunk(Small(), 32, size, heads, sharing=sharing)
    # MXNet's gradients are wrong where several outputs are one map.
    symbols = [sym.identity(s) for part in trunk.features.values() for s in symbols_of(part)]
    made = Executor(sym.Group(symbols), data=(3, 3, *size))
    if engine_name() == "torch":
        made._engine = Doubles(made)
    near = NEAR[engine_name()]
    random = np.random.default_rng(0)
    for name, array in made.arg_dict.items():
        array[:] = random.normal(0, 0.3, array.shape) + name.endswith(("gamma", "alpha"))
    for name, array in made.aux_dict.items():
        array[:] = name.endswith("moving_var")
    outputs = made.forward(is_train=True)
    pulls = [random.normal(0, 1, output.shape).astype("float32") for output in outputs]
    made.backward(*pulls)
    reference = Formula(made.arg_dict)
    maps = formula(reference, reference["data"])
    expected = [maps[head][s] for head, part in trunk.features.items() for s in part.maps]
    assert len(expected) == len(outputs)
    for output, other in zip(outputs, expected):
        assert_near(output, other.detach().numpy(), near, "outputs")
    pulled = zip(expected, map(reference.torch.tensor, pulls))
    sum((part * pull).sum() for part, pull in pulled).backward()
    for name, gradient in made.grad_dict.items():
        assert_near(gradient, reference[name].grad.numpy(), near, name)


def assert_near(value, expected, near, name):
    """Within a share of the largest number."""
    tolerance = near * max(np.abs(expected).max(), 1e-2)
    np.testing.assert_allclose(value, expected, rtol=0, atol=tolerance, err_msg=name)
