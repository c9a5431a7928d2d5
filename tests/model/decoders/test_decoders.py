"""The decoders: a map at a quarter of the input size, whatever the backbone gives."""

import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.model.decoders import decoders, make_decoder
from densefit.symbol import init
from tests.model.decoders.parity import bound, features, map_shapes

SETTINGS = {
    "ddrnet": {"channels": 8, "context": 8},
    "deeplabv3+": {"channels": 8, "rates": (2, 4)},
    "fcn": {"channels": 8},
    "lraspp": {"channels": 8},
    "pspnet": {"channels": 8},
    "segformer": {"channels": 8},
    "unet": {"channels": 8},
}
STRIDES = dict(zip(SETTINGS, (32, 16, 32, 16, 8, 32, 32)))


@pytest.fixture(params=SETTINGS)
def decoder(request):
    return decoders.create(request.param, **SETTINGS[request.param])


def used_shapes(symbol, given):
    used = set(symbol.list_arguments())
    return {name: shape for name, shape in map_shapes(given).items() if name in used}


def test_every_decoder_is_tried():
    own = {n for n in decoders.names() if decoders.get(n).__module__.startswith("densefit.")}
    assert own == set(SETTINGS)
    assert {name: decoders.create(name).output_stride for name in SETTINGS} == STRIDES


@pytest.mark.parametrize("deepest", [8, 16, 32])
@pytest.mark.parametrize("size", [(64, 96), (45, 71), (7, 5)])
def test_shapes(decoder, deepest, size):
    given = features(size, deepest)
    logits = decoder(given, "seg", 9)
    _, (shape,), _ = logits.infer_shape(**used_shapes(logits, given))
    assert shape == (2, 9, *given.size(4))


def test_names(decoder):
    """Every parameter is the head's, and none is left to MXNet's counter."""
    logits = decoder(features((64, 64)), "seg", 9)
    names = {*logits.list_arguments(), *logits.list_auxiliary_states()}
    names -= {"map4", "map8", "map16", "map32"}
    assert names
    assert all(name.startswith("seg_") for name in names)


#: Layers of the first version: checkpoints have these names and shapes.
FIRST = {
    "fcn": {
        "fcn_weight": (8, 16, 3, 3),
        "score32_weight": (9, 8, 1, 1),
        "score16_weight": (9, 12, 1, 1),
        "score8_weight": (9, 8, 1, 1),
        "score4_weight": (9, 4, 1, 1),
    },
    "deeplabv3+": {
        "aspp_1x1_weight": (8, 12, 1, 1),
        "aspp_rate2_weight": (8, 12, 3, 3),
        "aspp_rate4_weight": (8, 12, 3, 3),
        "aspp_pool_weight": (8, 12, 1, 1),
        "project_weight": (8, 32, 1, 1),
        "detail_weight": (48, 4, 1, 1),
        "refine1_weight": (8, 56, 3, 3),
        "refine2_weight": (8, 8, 3, 3),
        "logits_weight": (9, 8, 1, 1),
    },
}


@pytest.mark.parametrize("name", FIRST)
def test_earlier_checkpoints_have_the_same_parameters(name):
    made = make_decoder(name, 8, (2, 4))
    given = features((64, 64), made.output_stride)
    symbol = made(given, "seg", 9)
    shapes, _, _ = symbol.infer_shape(**used_shapes(symbol, given))
    weights = {
        key[4:]: shape
        for key, shape in zip(symbol.list_arguments(), shapes)
        if key.startswith("seg_") and key.endswith("weight")
    }
    assert weights == FIRST[name]


def test_separable_convolutions_of_deeplab():
    made = decoders.create("deeplabv3+", channels=8, rates=(2, 4), separable=True)
    given = features((64, 64), 16)
    symbol = made(given, "seg", 9)
    shapes, _, _ = symbol.infer_shape(**used_shapes(symbol, given))
    weights = {
        key[4:]: shape
        for key, shape in zip(symbol.list_arguments(), shapes)
        if key.startswith("seg_") and key.endswith("weight")
    }
    separable = {
        "aspp_rate2": (12, 8),
        "aspp_rate4": (12, 8),
        "refine1": (56, 8),
        "refine2": (8, 8),
    }
    expected = dict(FIRST["deeplabv3+"])
    for layer, (inputs, outputs) in separable.items():
        expected[f"{layer}_depthwise_weight"] = (inputs, 1, 3, 3)
        expected[f"{layer}_weight"] = (outputs, inputs, 1, 1)
    assert weights == expected


@pytest.mark.parametrize("name", ["ddrnet", "deeplabv3+", "pspnet", "lraspp"])
def test_context_of_the_whole_image(name):
    """A change in one corner reaches the other."""
    given = features((64, 64), 16)
    executor = bound(decoders.create(name, **SETTINGS[name])(given, "seg", 2), given, 1)
    before = executor.forward(is_train=False)[0]
    executor.arg_dict["map16"][0, :, 0, 0] += 50
    after = executor.forward(is_train=False)[0]
    assert (before[0, :, -1, -1] != after[0, :, -1, -1]).any()


def test_the_last_weights_may_begin_small(decoder):
    given = features((64, 64), decoder.output_stride)
    small, usual = decoder(given, "a", 3, init.Normal(0.01)), decoder(given, "a", 3)
    started, before = (
        {name for name, said in symbol.attr_dict().items() if "normal" in said.get("__init__", "")}
        for symbol in (small, usual)
    )
    last = ("a_score", "a_logits")
    assert started == {n for n in small.list_arguments() if n.startswith(last) and "weight" in n}
    assert started
    assert not before
    assert usual.list_arguments() == small.list_arguments()


def test_channels_are_dropped_in_training_only(each_engine):
    for name in ("pspnet", "segformer"):
        made = decoders.create(name, channels=64, dropout=0.5)
        given = features((32, 32), made.output_stride)
        executor = bound(made(given, "seg", 2), given)
        first, second = (executor.forward(is_train=False)[0].copy() for _ in range(2))
        np.testing.assert_array_equal(first, second)
        first, second = (executor.forward(is_train=True)[0].copy() for _ in range(2))
        assert (first != second).any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("unett",), "(?s)Unknown decoder 'unett'.*did you mean 'unet'"),
        (("fcn", 0), "channels"),
        (("unet", 1.5), "channels"),
        (("fcn", 8, (0, 1)), "Dilations"),
        (("deeplabv3+", 8, (0, 1)), "Dilations"),
        (("unet", 8, (1, 2)), "(?s)'unet' has no setting 'rates'"),
        (("fcn", 8, None, {"channels": 9}), "stated twice"),
        (("fcn", None, None, {"bins": (1,)}), "(?s)has no setting.*bins"),
        (("pspnet", None, None, {"bins": ()}), "bins"),
        (("pspnet", None, None, {"bins": (2, 2)}), "bins"),
        (("pspnet", None, None, {"bins": (0,)}), "bins"),
        (("pspnet", None, None, {"dropout": 1}), "dropout"),
        (("pspnet", None, None, {"output_stride": 4}), "output_stride"),
        (("segformer", None, None, {"dropout": -0.1}), "dropout"),
    ],
)
def test_wrong_decoders(wrong, message):
    with pytest.raises(ConfigError, match=message):
        make_decoder(*wrong)


def test_settings_of_a_head():
    made = make_decoder("deeplabv3+", 8, None, {"rates": [1, 2, 3]})
    assert (made.channels, made.rates) == (8, (1, 2, 3))
    assert make_decoder("pspnet", settings={"bins": [1, 4]}).bins == (1, 4)
    assert (make_decoder("fcn").channels, make_decoder("unet").channels) == (128, 64)
