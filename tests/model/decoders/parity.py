"""A decoder with random weights, and its weights by a reference's names."""

import re
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from densefit.model.heads.head import Features
from densefit.model.symbol_graph import SymbolGraph
from densefit.symbol import sym
from tests.executor import Executor

CHANNELS = {4: 4, 8: 8, 16: 12, 32: 16}
ENDS = (
    (r"_bn_gamma$", ".1.weight"),
    (r"_bn_beta$", ".1.bias"),
    (r"_bn_moving_mean$", ".1.running_mean"),
    (r"_bn_moving_var$", ".1.running_var"),
)


def features(size, deepest=32, channels=CHANNELS):
    """Variables `map4`, `map8`, ... in place of a backbone's maps."""
    strides = [stride for stride in channels if stride <= deepest]
    maps = {stride: sym.Variable(f"map{stride}") for stride in strides}
    return Features(maps, {stride: channels[stride] for stride in strides}, size)


def map_shapes(given, batch=2):
    """Shapes of the variables."""
    return {f"map{s}": (batch, given.channels[s], *given.size(s)) for s in given.maps}


def bound(symbol, given, batch=2, smooth=False):
    """An executor with random maps, weights and statistics.

    Args:
        symbol: a decoder's map.
        given: features of it.
        batch: number of samples.
        smooth: replace ReLU by softplus: ReLU's slope jumps where rounding moves a number over 0,
            and behind BatchNorm each gradient depends on each.
    """
    if smooth:
        symbol = SymbolGraph.of(symbol).rewrite(lambda _, node: _smooth(node)).symbol
    executor = Executor(symbol, **map_shapes(given, batch))
    rng = np.random.default_rng(0)
    for name, array in {**executor.arg_dict, **executor.aux_dict}.items():
        is_scale = name.endswith(("_gamma", "_var"))
        array[:] = rng.uniform(0.5, 1.5, array.shape) if is_scale else rng.normal(size=array.shape)
    return executor


def _smooth(node):
    is_relu = node.op == "Activation" and node.attr("act_type") == "relu"
    return replace(node, attrs={"act_type": "softrelu"}) if is_relu else node


def smooth_module(module):
    """Replace a module's ReLU layers by softplus."""
    for name, child in module.named_children():
        if isinstance(child, nn.ReLU):
            setattr(module, name, nn.Softplus())
        else:
            smooth_module(child)


def maps_of(executor):
    """stride -> tensor."""
    return {
        int(name[3:]): torch.tensor(array, requires_grad=True)
        for name, array in executor.arg_dict.items()
        if name.startswith("map")
    }


def load(module, executor, rules, prefix="own_"):
    """Load the executor's weights into a module; every weight must find its place.

    Args:
        module: the reference.
        executor: an executor of a decoder called "own".
        rules: (pattern, replacement) of our names without prefix and end.
        prefix: beginning of our names.
    """
    state = {}
    for name, array in {**executor.arg_dict, **executor.aux_dict}.items():
        if not name.startswith(prefix):
            continue
        key = name[len(prefix) :]
        if "_bn_" not in key:  # the convolution of a Sequential of convolution, norm, ReLU
            key = re.sub(r"_(weight|bias)$", r".0.\1", key)
        for pattern, replacement in (*ENDS, *rules):
            key = re.sub(pattern, replacement, key)
        state[key] = torch.tensor(array)
    known = {k: v for k, v in module.state_dict().items() if "num_batches" not in k}
    assert {k: tuple(v.shape) for k, v in state.items()} == {
        k: tuple(v.shape) for k, v in known.items()
    }
    module.load_state_dict(state, strict=False)
    return module


def compare(executor, module, forward, is_train):
    """Assert that results and gradients of the maps are equal to 1e-4 of their largest number."""
    module.train(is_train)
    if is_train:
        smooth_module(module)
    maps = maps_of(executor)
    expected = forward(module, maps)
    (found,) = executor.forward(is_train=is_train)
    assert_close(found, expected.detach().numpy())
    if is_train:
        slope = np.random.default_rng(1).normal(size=found.shape).astype(np.float32)
        executor.backward(slope)
        expected.backward(torch.tensor(slope))
        for stride, tensor in maps.items():
            if tensor.grad is not None:
                assert_close(executor.grad_dict[f"map{stride}"], tensor.grad.numpy())


def assert_close(found, expected, share=1e-4):
    """Assert equality to a share of the largest number."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=share * np.abs(expected).max(), rtol=0)
