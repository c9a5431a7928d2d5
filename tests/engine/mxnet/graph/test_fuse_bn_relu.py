"""BatchNorm and ReLU as one operator: the same numbers, bit for bit."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest

from densefit.backend import mx
from densefit.engine.mxnet.graph.fuse_bn_relu import fuse_relu, fusion_works
from densefit.model.backbones import backbones
from densefit.model.symbol_graph import SymbolGraph
from tests import forked


def fuse(symbol, *settings):
    return fuse_relu(SymbolGraph.of(symbol), *settings).symbol


CPU = [mx.cpu()]
SHAPES = {"data": (2, 3, 64, 64)}

pytestmark = pytest.mark.skipif(not fusion_works(), reason="this MXNet has no fused operator")


def operators(symbol):
    return [node["op"] for node in json.loads(symbol.tojson())["nodes"] if node["op"] != "null"]


def convolved(x, channels=16, **settings):
    return mx.sym.Convolution(x, kernel=(1, 1), num_filter=channels, no_bias=True, **settings)


def widened(x, side, dilate=1):
    pad = dilate * (side // 2)
    settings = {"kernel": (side, side), "pad": (pad, pad), "dilate": (dilate, dilate)}
    return mx.sym.Convolution(x, num_filter=16, no_bias=True, **settings)


def pooled(x):
    return mx.sym.Pooling(x, kernel=(2, 2), stride=(2, 2), pool_type="max")


def dense(x):
    return mx.sym.FullyConnected(x, num_hidden=16)


def followed(x, kind="relu"):
    return mx.sym.Activation(x, act_type=kind)


def network(name="resnet18"):
    x = backbones.create(name, width=16).features(mx.sym.Variable("data"), (64, 64), 32).maps[32]
    return mx.sym.MakeLoss(mx.sym.sum(x * x), name="loss")


def computed(symbol, updates=2, grad_req="write", **shapes):
    """Everything that two passes give."""
    executor = symbol.simple_bind(mx.cpu(), grad_req=grad_req, **(shapes or SHAPES))
    rng = np.random.default_rng(0)
    for array in executor.arg_dict.values():
        array[:] = rng.normal(size=array.shape)
    for name, array in executor.aux_dict.items():
        array[:] = 1.0 if name.endswith("var") else 0.1
    for _ in range(updates):
        outputs = executor.forward(is_train=True)
        executor.backward()
    arrays = {f"output{i}": array for i, array in enumerate(outputs)}
    arrays.update({f"{name}_gradient": a for name, a in executor.grad_dict.items()})
    arrays.update(executor.aux_dict)
    return {name: array.asnumpy() for name, array in arrays.items() if array is not None}


@pytest.mark.parametrize("grad_req", ["write", "add"])
@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_a_resnet_stays_bit_equal(name, grad_req):
    symbol = network(name)
    fused = fuse(symbol, SHAPES, CPU)
    expected, found = computed(symbol, grad_req=grad_req), computed(fused, grad_req=grad_req)
    assert operators(fused).count("_contrib_BatchNormWithReLU") > 5
    assert set(found) == set(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


def test_names_do_not_change():
    symbol = network()
    fused = fuse(symbol, SHAPES, CPU)
    assert fused.list_arguments() == symbol.list_arguments()
    assert fused.list_auxiliary_states() == symbol.list_auxiliary_states()
    assert fused.list_outputs() == symbol.list_outputs()


@pytest.mark.parametrize(
    "settings",
    [
        {"use_global_stats": True},
        {"fix_gamma": True},
        {"fix_gamma": False, "eps": 1e-2, "momentum": 0.5},
        {"fix_gamma": False, "use_global_stats": True},
    ],
)
def test_settings_are_kept(settings):
    x = mx.sym.BatchNorm(convolved(mx.sym.Variable("data")), name="bn", **settings)
    symbol = mx.sym.MakeLoss(mx.sym.Activation(x, act_type="relu"))
    fused = fuse(symbol, SHAPES, CPU)
    assert operators(fused) == ["Convolution", "_contrib_BatchNormWithReLU", "MakeLoss"]
    expected, found = computed(symbol), computed(fused)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda x: followed(mx.sym.BatchNorm(dense(x))), (4, 6)),
        (lambda x: followed(mx.sym.BatchNorm(convolved(x), axis=3)), (2, 3, 4, 16)),
        (lambda x: followed(mx.sym.BatchNorm(convolved(x)), "sigmoid"), (2, 3, 4, 4)),
        (lambda x: (lambda y: y + followed(y))(mx.sym.BatchNorm(convolved(x))), (2, 3, 4, 4)),
        (lambda x: followed(mx.sym.BatchNorm(convolved(x), output_mean_var=True)[0]), (2, 3, 4, 4)),
        (lambda x: followed(mx.sym.BatchNorm(x)), (2, 16, 4, 4)),
        (lambda x: followed(mx.sym.BatchNorm(convolved(x))), (2, 24, 4, 4)),
        (lambda x: followed(mx.sym.BatchNorm(convolved(x, 24))), (2, 16, 4, 4)),
        (lambda x: followed(mx.sym.BatchNorm(convolved(x, num_group=2))), (2, 32, 4, 4)),
        (lambda x: followed(mx.sym.BatchNorm(widened(x, 3, dilate=12))), (2, 16, 10, 10)),
        (lambda x: followed(mx.sym.BatchNorm(widened(x, 5))), (2, 16, 40, 40)),
        (lambda x: followed(mx.sym.BatchNorm(widened(x, 7))), (2, 3, 10, 10)),
        (lambda x: pooled(followed(mx.sym.BatchNorm(convolved(x)))), (2, 16, 2, 9)),
    ],
    ids=[
        "no map",
        "other axis",
        "other activation",
        "used twice",
        "statistics wanted",
        "no convolution",
        "blocks of 8",
        "blocks of 8 out",
        "groups",
        "dilated",
        "large kernel",
        "large kernel on a small map",
        "one row left",
    ],
)
def test_what_cannot_be_fused_stays(make, shape):
    symbol = make(mx.sym.Variable("data"))
    assert operators(fuse(symbol, {"data": shape}, CPU)) == operators(symbol)


def consumed(x, *behind):
    """BatchNorm and ReLU on 16 channels, read by something."""
    x = followed(mx.sym.BatchNorm(convolved(x), name="bn", fix_gamma=False))
    parts = [mx.sym.sum(make(x)) for make in behind]
    return mx.sym.MakeLoss(mx.sym.add_n(*parts))


READERS = {
    "convolution": lambda x: convolved(x, 12),
    "3x3": lambda x: mx.sym.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=48),
    "mean": lambda x: mx.sym.mean(x, axis=(2, 3)),
    "transpose": lambda x: mx.sym.transpose(x, axes=(0, 2, 3, 1)),
    "largest": lambda x: mx.sym.Pooling(x, kernel=(3, 3), stride=(2, 2), pool_type="max"),
    "concat": lambda x: convolved(mx.sym.concat(x, x, dim=1)),
    "sum": lambda x: convolved(x + x),
    "BatchNorm": lambda x: convolved(mx.sym.BatchNorm(x)),
    "enlarged": lambda x: mx.sym.UpSampling(x, scale=2, sample_type="nearest", num_args=1),
}
BAD_READERS = {
    "blocks of 8": lambda x: convolved(x, 24),
    "groups": lambda x: convolved(x, num_group=16),
    "global mean": lambda x: mx.sym.Pooling(x, global_pool=True, pool_type="avg", kernel=(1, 1)),
    "blocks of 8 behind a sum": lambda x: convolved(x + x, 8),
    "unknown": lambda x: mx.sym.LRN(x, nsize=3),
}


@pytest.mark.parametrize("other", READERS)
@pytest.mark.parametrize("one", READERS)
def test_any_two_readers_leave_gradients_bit_equal(one, other):
    symbol = consumed(mx.sym.Variable("data"), READERS[one], READERS[other])
    shapes = {"data": (3, 16, 9, 12)}
    fused = fuse(symbol, shapes, CPU)
    assert "_contrib_BatchNormWithReLU" in operators(fused)
    expected, found = computed(symbol, 1, **shapes), computed(fused, 1, **shapes)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


@pytest.mark.parametrize("reader", BAD_READERS)
def test_readers_that_hand_back_another_layout_prevent_it(reader):
    symbol = consumed(mx.sym.Variable("data"), READERS["mean"], BAD_READERS[reader])
    assert operators(fuse(symbol, {"data": (3, 16, 9, 12)}, CPU)) == operators(symbol)


@pytest.mark.parametrize("width", [8, 16, 24, 40])
def test_any_width_can_be_trained(width):
    x = backbones.create("resnet18", width=width).features(mx.sym.Variable("data"), (32, 32), 32)
    symbol = mx.sym.MakeLoss(mx.sym.sum(x.maps[32]))
    shapes = {"data": (2, 3, 32, 32)}
    computed(fuse(symbol, shapes, CPU), updates=1, **shapes)


def test_a_head_that_shows_what_is_before_the_relu_keeps_it():
    x = mx.sym.BatchNorm(convolved(mx.sym.Variable("data")))
    symbol = mx.sym.Group([x, followed(x)])
    assert "Activation" in operators(fuse(symbol, {"data": (2, 3, 4, 4)}, CPU))


def test_casts_to_bfloat16_stay():
    x = mx.sym.amp_cast(mx.sym.Variable("data"), dtype="float32", name="cast")
    fused = fuse(followed(mx.sym.BatchNorm(convolved(x))), {"data": (2, 3, 4, 4)}, CPU)
    text = fused.tojson(remove_amp_cast=False)
    assert [node["op"] for node in json.loads(text)["nodes"] if node["op"] != "null"] == [
        "amp_cast",
        "Convolution",
        "_contrib_BatchNormWithReLU",
    ]


def test_other_devices_keep_their_operators():
    symbol = network()
    assert operators(fuse(symbol, SHAPES, [mx.gpu(0)])) == operators(symbol)


def test_other_types_than_float32_stay():
    symbol = mx.sym.MakeLoss(followed(mx.sym.BatchNorm(convolved(mx.sym.Variable("data")))))
    shapes = {"data": (2, 16, 4, 4)}
    kept = fuse(symbol, shapes, CPU, {"data": np.float64})
    assert operators(kept) == operators(symbol)
    cast = mx.sym.Cast(mx.sym.Variable("data"), dtype="float32")
    symbol = mx.sym.MakeLoss(followed(mx.sym.BatchNorm(convolved(cast))))
    fused = fuse(symbol, shapes, CPU, {"data": np.uint8})
    assert "_contrib_BatchNormWithReLU" in operators(fused)


def random_graph(rng):
    """Layers of all kinds that networks are made of, and the channels that they read."""
    count = iter(range(99))

    def block(x, channels):
        side = int(rng.choice([1, 1, 3, 3, 5, 7]))
        dilate = int(rng.choice([1, 1, 2, 4, 9])) if side > 1 else 1
        groups = channels if rng.random() < 0.1 and channels <= 64 else 1
        made = channels if groups > 1 else int(rng.choice([16, 16, 32, 64, 8, 24, 12, 4, 96]))
        pad, stride = dilate * (side // 2), int(rng.choice([1, 1, 2]))
        x = mx.sym.Convolution(
            x, kernel=(side, side), stride=(stride, stride), dilate=(dilate, dilate),
            pad=(pad, pad), num_filter=made, num_group=groups, name=f"c{next(count)}",
        )  # fmt: skip
        if rng.random() < 0.85:
            x = mx.sym.BatchNorm(x, fix_gamma=bool(rng.random() < 0.3), name=f"b{next(count)}")
            x = followed(x)
        return x, made

    channels = first = int(rng.choice([3, 16, 16, 32, 24, 8]))
    x = mx.sym.Variable("data")
    for _ in range(int(rng.integers(2, 5))):
        x, channels = block(x, channels)
        kind = rng.random()
        if kind < 0.15:
            settings = {"kernel": (3, 3), "stride": (2, 2), "pad": (1, 1)}
            x = mx.sym.Pooling(x, pool_type="max", **settings)
        elif kind < 0.25:
            x = pooled(x)
        elif kind < 0.35:
            other = mx.sym.Convolution(
                x, kernel=(1, 1), num_filter=channels, name=f"c{next(count)}"
            )
            x = x + other
        elif kind < 0.45:
            dilated = {"kernel": (3, 3), "pad": (6, 6), "dilate": (6, 6)}
            other = mx.sym.Convolution(x, num_filter=16, name=f"c{next(count)}", **dilated)
            x, channels = mx.sym.concat(x, other, dim=1), channels + 16
        elif kind < 0.5:
            x = mx.sym.broadcast_mul(x, mx.sym.mean(x, axis=(2, 3), keepdims=True))
        elif kind < 0.55:
            x = mx.sym.UpSampling(x, scale=2, sample_type="nearest", num_args=1)
    ends = [
        lambda y: mx.sym.mean(y, axis=(2, 3)),
        lambda y: mx.sym.FullyConnected(y, num_hidden=5, name="end"),
        lambda y: mx.sym.transpose(y, axes=(0, 2, 3, 1)),
        lambda y: y,
    ]
    x = ends[int(rng.integers(len(ends)))](x)
    return mx.sym.MakeLoss(mx.sym.sum(mx.sym.square(x), axis=1)), first


@pytest.mark.parametrize("part", range(4))
def test_whatever_is_fused_gives_the_same_gradients(part):
    compared = 0
    for seed in range(75):
        rng = np.random.default_rng((part, seed))
        symbol, channels = random_graph(rng)
        height, width = rng.integers(5, 36, 2).tolist()
        shapes = {"data": (int(rng.choice([1, 2, 3])), channels, height, width)}
        try:
            symbol.infer_shape(**shapes)
        except mx.base.MXNetError:  # a window larger than its map
            continue
        fused = fuse(symbol, shapes, CPU)
        if fused is symbol:
            continue
        compared += 1
        expected, found = computed(symbol, 1, **shapes), computed(fused, 1, **shapes)
        for key, value in expected.items():
            np.testing.assert_array_equal(found[key], value, err_msg=f"{key} of {part}, {seed}")
    assert compared > 10


@pytest.mark.parametrize(
    ("processor", "title"), [("SSE41", "SSE4.1"), ("AVX", "AVX"), ("AVX2", "AVX2")]
)
def test_gradients_are_right_on_older_processors_too(processor, title):
    """A network of a few layers in a process whose oneDNN is told what the processor can do."""
    code = (
        "import numpy as np\n"
        "from densefit.backend import mx\n"
        "from densefit.engine.mxnet.graph.fuse_bn_relu import _gradients, fuse_relu, fusion_works\n"
        "from densefit.model.symbol_graph import SymbolGraph\n"
        "x = mx.sym.Convolution(mx.sym.Variable('data'), kernel=(3, 3), num_filter=16, name='a')\n"
        "x = mx.sym.Activation(mx.sym.BatchNorm(x, name='b'), act_type='relu')\n"
        "x = mx.sym.Convolution(x, kernel=(3, 3), num_filter=32, name='c')\n"
        "plain = mx.sym.MakeLoss(mx.sym.sum(x * x))\n"
        "fused = fuse_relu(SymbolGraph.of(plain), {'data': (2, 16, 9, 11)}, [mx.cpu()]).symbol\n"
        "one, other = _gradients(plain), _gradients(fused)\n"
        "assert all(np.array_equal(one[name], other[name]) for name in one)\n"
        "print('equal', fusion_works())\n"
    )
    environment = {**os.environ, "DNNL_MAX_CPU_ISA": processor, "OMP_NUM_THREADS": "1"}
    environment["DNNL_VERBOSE"] = "1"  # prints what it takes the processor for
    done = forked.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    lines = done.stdout.splitlines()
    assert any(line.startswith("equal") for line in lines), done.stderr
    assert f"dnnl_verbose,info,cpu,isa:Intel {title}" in lines
