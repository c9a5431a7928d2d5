"""The decoders: logits at a quarter of the input size, whatever the backbone gives."""

import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.model.decoders import Decoder, deeplab, fcn
from densefit.model.heads.head import Features
from densefit.symbol import init, sym
from tests.executor import Executor

CHANNELS = {4: 4, 8: 5, 16: 6, 32: 7}


def features(size, deepest):
    strides = [s for s in CHANNELS if s <= deepest]
    return Features(
        {s: sym.Variable(f"map{s}") for s in strides}, {s: CHANNELS[s] for s in strides}, size
    )


@pytest.mark.parametrize("deepest", [8, 16, 32])
@pytest.mark.parametrize("size", [(64, 96), (45, 71)])
def test_shapes(deepest, size):
    given = features(size, deepest)
    for logits in (fcn(given, "seg", 9, 8), deeplab(given, "seg", 9, 8, (2, 4))):
        used = [s for s in given.maps if f"map{s}" in logits.list_arguments()]
        shapes = {f"map{s}": (2, CHANNELS[s], *given.size(s)) for s in used}
        _, (shape,), _ = logits.infer_shape(**shapes)
        assert shape == (2, 9, *given.size(4))


def test_names():
    """Every parameter is the head's, and none is left to MXNet's counter."""
    given = features((64, 64), 16)
    for logits in (fcn(given, "seg", 9, 8), deeplab(given, "seg", 9, 8, (2, 4))):
        own = set(logits.list_arguments()) - {"map4", "map8", "map16"}
        assert all(name.startswith("seg_") for name in own)
    assert {"seg_aspp_rate2_weight", "seg_aspp_rate4_weight"} <= own


def test_deeplab_looks_at_the_whole_picture():
    """Its image-level branch: a change in one corner reaches the other."""
    given = features((64, 64), 16)
    logits = deeplab(given, "seg", 2, 4, (1,))
    shapes = {f"map{s}": (1, CHANNELS[s], *given.size(s)) for s in (4, 16)}
    executor = Executor(logits, gradients=False, **shapes)
    rng = np.random.default_rng(1)
    for name, array in {**executor.arg_dict, **executor.aux_dict}.items():
        array[:] = 1 if name.endswith("_var") else rng.normal(size=array.shape)
    before = executor.forward(is_train=False)[0]
    executor.arg_dict["map16"][0, :, 0, 0] += 50
    after = executor.forward(is_train=False)[0]
    assert (before[0, :, -1, -1] != after[0, :, -1, -1]).any()


@pytest.mark.parametrize(("kind", "stride"), [("fcn", 32), ("deeplabv3+", 16)])
def test_a_decoder_is_chosen_by_name(kind, stride):
    made = Decoder(kind, channels=8, rates=[2, 4])
    assert made.output_stride == stride
    given = features((64, 64), made.output_stride)
    plain = fcn(given, "a", 3, 8) if kind == "fcn" else deeplab(given, "a", 3, 8, (2, 4))
    assert made(given, "a", 3).list_arguments() == plain.list_arguments()


@pytest.mark.parametrize("kind", ["fcn", "deeplabv3+"])
def test_the_last_weights_may_begin_small(kind):
    made = Decoder(kind, channels=8, rates=(2,))
    given = features((64, 64), made.output_stride)
    small, usual = made(given, "a", 3, init.Normal(0.01)), made(given, "a", 3)
    own, before = (
        {name for name, said in symbol.attr_dict().items() if "normal" in said.get("__init__", "")}
        for symbol in (small, usual)
    )
    last = ("a_score", "a_logits")
    assert own == {n for n in small.list_arguments() if n.startswith(last) and "weight" in n}
    assert own
    assert not before
    assert usual.list_arguments() == small.list_arguments()


@pytest.mark.parametrize("wrong", [("unet", 8, (1,)), ("fcn", 0, (1,)), ("fcn", 8, (0, 1))])
def test_wrong_decoders(wrong):
    with pytest.raises(ConfigError, match="Unknown decoder|at least 1"):
        Decoder(*wrong)
