"""Every converted operator computes in ONNX Runtime what the installed engine computes."""

import numpy as np
import pytest

from densefit.errors import ExportError
from densefit.symbol import sym as S
from tests.exporting.onnx.converted import onnx_model, run_engine, run_onnx

X, Y = S.Variable("x"), S.Variable("y")


def numbers(*shape, seed=0, low=-2.0, high=2.0):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def whole(*shape, low=0, high=4, seed=0):
    return np.random.default_rng(seed).integers(low, high, shape).astype(np.float32)


MAP = {"x": numbers(3, 4, 6, 8)}
ROW = {"x": numbers(3, 5)}
TWO = {"x": numbers(3, 4, 5), "y": numbers(3, 4, 5, seed=1)}
POSITIVE = {"x": numbers(3, 5, low=0.1, high=0.9)}


def parameters_of(symbol, inputs):
    """Random values of all parameters of a symbol."""
    shapes, _, states = symbol.infer_shape(**{name: a.shape for name, a in inputs.items()})
    named = [
        *zip(symbol.list_arguments(), shapes),
        *zip(symbol.list_auxiliary_states(), states),
    ]
    low = {"var": 0.5, "label": 0.0}
    return {
        name: numbers(*shape, seed=number, low=low.get(name.split("_")[-1], -1.0), high=1.0)
        for number, (name, shape) in enumerate(named)
        if name not in inputs
    }


#: Computed otherwise by PyTorch: SoftmaxOutput of more than two axes, indices out of range.
OF_MXNET = ("softmax output, flat", "embedding")


def marked(names):
    return [
        pytest.param(name, marks=pytest.mark.mxnet) if name in OF_MXNET else name for name in names
    ]


UNARY = [
    *("relu", "sigmoid", "tanh", "exp", "abs", "negative", "floor", "ceil", "sign", "erf", "sin"),
    *("cos", "tan", "sinh", "cosh", "arctan", "arcsinh", "softsign", "square", "cbrt", "round"),
    *("rint", "fix", "trunc", "expm1", "degrees", "radians", "hard_sigmoid", "logical_not"),
    *("BlockGrad", "identity", "zeros_like", "ones_like", "Flatten", "softmax", "log_softmax"),
    *("softmin", "SoftmaxActivation", "sum", "mean", "max", "min", "prod", "norm", "argmax"),
    *("argmin", "argmax_channel", "sort", "argsort", "topk", "shape_array", "nansum", "MakeLoss"),
]
ON_POSITIVE = [
    *("log", "sqrt", "rsqrt", "rcbrt", "reciprocal", "log1p", "log2", "log10", "arcsin", "arccos"),
    "arctanh",
]
BINARY = [
    *("broadcast_add", "broadcast_sub", "broadcast_mul", "broadcast_div", "broadcast_maximum"),
    *("broadcast_minimum", "broadcast_equal", "broadcast_not_equal", "broadcast_greater"),
    *("broadcast_greater_equal", "broadcast_lesser", "broadcast_lesser_equal", "broadcast_mod"),
    *("broadcast_logical_and", "broadcast_logical_or", "broadcast_logical_xor", "elemwise_add"),
    *("elemwise_sub", "elemwise_mul", "elemwise_div", "broadcast_hypot", "add_n"),
]
IMAGES = {
    "convolution": S.Convolution(X, num_filter=6, kernel=(3, 3), stride=(2, 1), pad=(1, 0)),
    "grouped": S.Convolution(X, num_filter=4, kernel=(3, 3), num_group=4, no_bias=True),
    "dilated": S.Convolution(X, num_filter=2, kernel=(3, 3), dilate=(2, 2), pad=(2, 2)),
    "deconvolution": S.Deconvolution(X, num_filter=3, kernel=(4, 4), stride=(2, 2), pad=(1, 1)),
    "deconvolution adj": S.Deconvolution(
        X, num_filter=4, kernel=(3, 3), stride=(2, 2), adj=(1, 1), num_group=2
    ),
    **{
        f"{kind} pooling, {convention}, {size}": S.Pooling(
            X,
            kernel=size,
            stride=(2, 3),
            pad=(1, 1),
            pool_type=kind,
            pooling_convention=convention,
        )
        for kind in ("max", "avg", "sum")
        for convention in ("valid", "full")
        for size in ((3, 3), (2, 4))
    },
    "pooling without padding": S.Pooling(
        X,
        kernel=(3, 3),
        stride=(2, 2),
        pad=(1, 1),
        pool_type="avg",
        count_include_pad=False,
        pooling_convention="full",
    ),
    "lp pooling": S.Pooling(X, kernel=(2, 2), stride=(2, 2), pool_type="lp", p_value=2),
    "sum pooling by its norm": S.Pooling(X, kernel=(2, 3), pool_type="lp", p_value=1),
    "global": S.Pooling(X, global_pool=True, pool_type="avg", kernel=(1, 1)),
    "global max": S.Pooling(X, global_pool=True, pool_type="max", kernel=(1, 1)),
    "adaptive": S.contrib.AdaptiveAvgPooling2D(X, output_size=(4, 3)),
    "batch norm": S.BatchNorm(X, fix_gamma=False),
    "batch norm, fixed": S.BatchNorm(X, eps=1e-5),
    "batch norm, last axis": S.BatchNorm(X, fix_gamma=False, axis=3),
    "batch norm relu": S.contrib.BatchNormWithReLU(X, fix_gamma=False),
    "instance norm": S.InstanceNorm(X),
    "layer norm": S.LayerNorm(X),
    "layer norm, channels": S.LayerNorm(X, axis=1),
    "group norm": S.GroupNorm(X, num_groups=2),
    "l2": S.L2Normalization(X),
    "l2 channel": S.L2Normalization(X, mode="channel"),
    "l2 spatial": S.L2Normalization(X, mode="spatial"),
    "lrn": S.LRN(X, nsize=3, alpha=0.1),
    **{
        f"activation {kind}": S.Activation(X, act_type=kind)
        for kind in ("relu", "sigmoid", "tanh", "softrelu", "softsign")
    },
    **{
        f"leaky {kind}": S.LeakyReLU(X, act_type=kind, slope=0.3)
        for kind in ("leaky", "elu", "selu", "gelu", "prelu")
    },
    "rrelu": S.LeakyReLU(X, act_type="rrelu")[0],
    "clip": S.clip(X, -0.5, 1),
    "smooth l1": S.smooth_l1(X, scalar=2.0),
    "softmax of the last axis": S.SoftmaxActivation(X),
    "softmax channel": S.SoftmaxActivation(X, mode="channel"),
    "softmax temperature": S.softmax(X, axis=1, temperature=3.0),
    "dense": S.FullyConnected(X, num_hidden=5),
    "dense, rows": S.FullyConnected(X, num_hidden=5, flatten=False, no_bias=True),
    "dropout": S.Dropout(X, p=0.5),
    "upsampling": S.UpSampling(X, scale=2, sample_type="nearest"),
    "upsampling bilinear": S.UpSampling(X, scale=2, sample_type="bilinear", num_filter=4),
    "upsampling two": S.UpSampling(
        X, S.Pooling(X, kernel=(2, 2), stride=(2, 2)), scale=2, num_args=2, sample_type="nearest"
    ),
    "resize": S.contrib.BilinearResize2D(X, height=10, width=7),
    "resize half pixel": S.contrib.BilinearResize2D(X, height=3, width=9, align_corners=False),
    "resize by a factor": S.contrib.BilinearResize2D(X, scale_height=2.0, scale_width=1.5),
    "pad": S.Pad(X, mode="constant", pad_width=(0, 0, 0, 0, 1, 2, 3, 0), constant_value=1.5),
    "pad edge": S.Pad(X, mode="edge", pad_width=(0, 0, 0, 0, 1, 2, 3, 0)),
    "pad reflect": S.Pad(X, mode="reflect", pad_width=(0, 0, 0, 0, 1, 2, 3, 0)),
    "crop": S.Crop(X, h_w=(3, 4), offset=(1, 2)),
    "crop centre": S.Crop(
        X,
        S.slice(X, begin=(None, None, 0, 0), end=(None, None, 3, 5)),
        num_args=2,
        center_crop=True,
    ),
    "slice": S.slice(X, begin=(None, 1, -4, 6), end=(None, None, -1, 1), step=(1, 2, 1, -2)),
    "slice axis": S.slice_axis(X, axis=-1, begin=-5, end=-2),
    "slice like": S.slice_like(X, S.slice_axis(X, axis=2, begin=0, end=2), axes=(2,)),
    "reverse": S.reverse(X, axis=(2, 3)),
    "split": S.Group(list(S.SliceChannel(X, num_outputs=2))),
    "split one": S.SliceChannel(X, num_outputs=2)[1],
    "split squeezed": S.Group(list(S.split(X, num_outputs=4, squeeze_axis=True))),
    "split v2": S.Group(list(S.split_v2(X, indices_or_sections=(2, 5), axis=3))),
    "transpose": S.transpose(X),
    "transpose axes": S.transpose(X, axes=(0, 2, 3, 1)),
    "swap": S.SwapAxis(X, dim1=1, dim2=3),
    "expand": S.expand_dims(X, axis=-1),
    "squeeze": S.squeeze(S.expand_dims(X, axis=2)),
    "squeeze one": S.squeeze(S.expand_dims(X, axis=2), axis=2),
    "depth to space": S.depth_to_space(X, block_size=2),
    "space to depth": S.space_to_depth(X, block_size=2),
    **{
        f"reshape {shape}": S.Reshape(X, shape=shape)
        for shape in (
            (0, -1),
            (-1, 8),
            (0, 0, -1),
            (-2,),
            (0, -3, -2),
            (0, -4, 2, -1, -2),
            (-1, 4, 48),
            (-3, -2),
            (0, 2, 2, -1),
            (-1,),
            (0, -4, -1, 2, 0, 0),
        )
    },
    "reshape reverse": S.Reshape(X, shape=(-1, 0), reverse=True),
    "reshape like": S.reshape_like(S.Flatten(X), X),
    "broadcast axis": S.broadcast_axis(S.mean(X, axis=1, keepdims=True), axis=1, size=5),
    "broadcast like": S.broadcast_like(S.mean(X, axis=1, keepdims=True), X),
    "broadcast to": S.broadcast_to(S.mean(X, axis=2, keepdims=True), shape=(0, 0, 3, 0)),
    "tile": S.tile(X, reps=(1, 2, 1, 3)),
    "tile further": S.tile(S.mean(X, axis=(1, 2, 3)), reps=(2, 1)),
    "repeat": S.repeat(X, repeats=2, axis=1),
    "repeat rows": S.repeat(X, repeats=3, axis=0),
    "stack": S.stack(X, X * 2, axis=-1),
    "concat": S.Concat(X, X * 2, dim=-1),
    "sum exclude": S.sum(X, axis=(1,), exclude=True),
    "mean keep": S.mean(X, axis=(2, 3), keepdims=True),
    "norm axis": S.norm(X, axis=(1, 2), ord=1),
    "argmax keep": S.argmax(X, axis=1, keepdims=True),
    "argmin of all, keep": S.argmin(X, keepdims=True),
    "argmax of whole numbers": S.argmax(S.cast(X * 9, dtype="int32"), axis=1),
    "topk mask of all": S.topk(X, axis=None, k=5, ret_typ="mask"),
    "topk both": S.Group(list(S.topk(X, k=3, axis=1, ret_typ="both"))),
    "topk rising": S.topk(X, k=2, axis=3, ret_typ="value", is_ascend=True),
    "topk mask": S.topk(X, k=2, axis=1, ret_typ="mask"),
    "sort falling": S.sort(X, axis=1, is_ascend=False),
    "cumsum": S.cumsum(X, axis=1),
    "arange like": S.contrib.arange_like(X, axis=0),
    "arange like, start": S.contrib.arange_like(X, axis=0, start=2, step=3),
    "arange like width": S.contrib.arange_like(X, axis=3, start=1, step=0.5),
    "arange": S.broadcast_add(X, S.arange(1, 9)),
    "full": S.broadcast_add(X, S.full((1, 4, 1, 1), 2.5)),
    "linspace": S.broadcast_add(X, S.linspace(0, 1, 8)),
    "eye": S.dot(X, S.eye(8, k=1)),
    "dot": S.dot(X, S.Variable("w", shape=(8, 3))),
    "batch dot": S.batch_dot(
        S.Reshape(X, shape=(0, 0, -1)), S.Reshape(X, shape=(0, 0, -1)), transpose_b=True
    ),
    "gemm2": S.linalg.gemm2(X, X, transpose_a=True, alpha=0.5),
    "cast": S.cast(S.clip(X, 0, 2), dtype="uint8"),
    "scalars": (2 - X) * 3 / 2 + 1 / (X + 4) - S.maximum(X, 0.5) * S.minimum(X, 1.0),
    "comparisons": (X > 0.5) + (X <= 0) * (X != 1) + (X == X) + (X >= 1) * (X < 3),
    "power": (X + 3) ** 1.5 + 2**X,
    "mod": S.broadcast_mod(X, S.full((1, 1, 1, 1), -0.7)) + X % 0.3,
    "quadratic": S.contrib.quadratic(X, a=1, b=2, c=3),
    "div sqrt dim": S.contrib.div_sqrt_dim(X),
    "prior": S.contrib.MultiBoxPrior(X, sizes=(0.2, 0.4), ratios=(1, 2, 0.5), clip=True),
    "prior steps": S.contrib.MultiBoxPrior(X, sizes=(0.3,), ratios=(2, 1), steps=(0.1, 0.2)),
    "softmax output": S.SoftmaxOutput(X, multi_output=True, name="out"),
    "softmax output, flat": S.SoftmaxOutput(X, name="out"),
    "softmax output, last": S.SoftmaxOutput(X, preserve_shape=True, name="out"),
    "softmax output, sample": S.SoftmaxOutput(S.Reshape(X, shape=(0, 0, -1)), name="out"),
    "svm": S.SVMOutput(S.Flatten(X), name="out"),
    "regression": S.LinearRegressionOutput(S.Flatten(X), name="out"),
    "logistic": S.LogisticRegressionOutput(S.Flatten(X), name="out"),
    "mae": S.MAERegressionOutput(S.Flatten(X), name="out"),
    "transformer": S.SpatialTransformer(
        X,
        S.FullyConnected(X, num_hidden=6) * 0.01,
        target_shape=(5, 7),
        transform_type="affine",
        sampler_type="bilinear",
    ),
    "sampler": S.BilinearSampler(
        X,
        S.GridGenerator(
            S.FullyConnected(X, num_hidden=6) * 0.01, transform_type="affine", target_shape=(4, 4)
        ),
    ),
}
INDEX = {"x": numbers(3, 4, 5), "y": whole(3, low=-1, high=6)}
TABLE = {"x": whole(3, 4, high=7)}
SEQUENCE = {"x": numbers(3, 6, 4), "y": np.array([2, 6, 1], np.float32)}
OTHERS = {
    "take": (S.take(S.Variable("w", shape=(6, 3)), X), TABLE),
    "take wrap": (S.take(S.Variable("w", shape=(6, 3)), X - 4, mode="wrap"), TABLE),
    "take axis": (S.take(S.Variable("w", shape=(2, 6, 3)), X, axis=1), TABLE),
    "take samples": (S.take(X, Y, axis=0), {"x": numbers(3, 5), "y": whole(3, low=-1, high=6)}),
    "take samples, wrap": (
        S.take(X, Y, mode="wrap"),
        {"x": numbers(3, 5), "y": whole(3, low=-4, high=6)},
    ),
    "all samples but one": (
        S.slice_axis(X, axis=0, begin=1, end=None) * 2,
        {"x": numbers(3, 5)},
    ),
    "embedding": (S.Embedding(X, input_dim=6, output_dim=3), TABLE),
    "one hot": (S.one_hot(X, depth=5, on_value=2, off_value=-1), TABLE),
    "pick": (S.pick(X, Y, axis=1), {"x": numbers(3, 4), "y": whole(3, high=6)}),
    "pick last": (S.pick(X, Y), {"x": numbers(3, 4, 5), "y": whole(3, 4, high=5)}),
    "pick keep": (S.pick(X, Y, keepdims=True), {"x": numbers(3, 4), "y": whole(3)}),
    "batch take": (S.batch_take(X, S.cast(Y, dtype="int32")), {"x": numbers(3, 4), "y": whole(3)}),
    "gather": (
        S.gather_nd(X, S.stack(S.contrib.arange_like(Y), Y, axis=0)),
        {"x": numbers(3, 4, 5), "y": whole(3)},
    ),
    "where": (S.where(Y > 0, X, X * 2), TWO),
    "where rows": (S.where(Y > 1, X, X * 2), INDEX),
    "sequence mask": (S.SequenceMask(X, Y, use_sequence_length=True, value=-1, axis=1), SEQUENCE),
    "sequence last": (S.SequenceLast(X, Y, use_sequence_length=True, axis=1), SEQUENCE),
    "sequence reverse": (
        S.SequenceReverse(S.transpose(X, axes=(1, 0, 2)), Y, use_sequence_length=True),
        SEQUENCE,
    ),
    "cross entropy": (S.softmax_cross_entropy(X, Y), {"x": numbers(3, 5), "y": whole(3)}),
    "iou": (
        S.contrib.box_iou(X, S.slice_axis(X, axis=0, begin=0, end=2)),
        {"x": np.sort(numbers(6, 4), axis=1)[:, [0, 1, 2, 3]]},
    ),
    **{
        f"rnn {mode}{' both' if both else ''}": (
            S.RNN(
                S.transpose(X, axes=(1, 0, 2)),
                S.Variable("flat"),
                S.Variable("state"),
                *([S.Variable("cell")] if mode == "lstm" else []),
                state_size=5,
                num_layers=2,
                bidirectional=both,
                mode=mode,
            ),
            {"x": numbers(3, 6, 4)},
        )
        for mode in ("lstm", "gru", "rnn_tanh", "rnn_relu")
        for both in (False, True)
    },
}


ROIS = np.array(
    [
        [0, 0, 0, 40, 30],
        [1, 5, 9, 60, 47],
        [2, 30, 8, 33, 9],
        [1, 0, 0, 63, 47],
        [0, 50, 40, 90, 80],
    ],
    np.float32,
)
REGIONS = {
    "pooling": S.ROIPooling(X, Y, pooled_size=(3, 2), spatial_scale=0.125),
    "align": S.contrib.ROIAlign(X, Y, pooled_size=(3, 2), spatial_scale=0.125, sample_ratio=2),
    "align exact": S.contrib.ROIAlign(
        X, Y, pooled_size=(2, 2), spatial_scale=0.125, sample_ratio=2, aligned=True
    ),
    "align adaptive": S.contrib.ROIAlign(X, Y, pooled_size=(3, 2), spatial_scale=0.125),
}


def check(symbol, inputs, tolerance=2e-5, dynamic=True, opset=18):
    """Compare all outputs of a symbol."""
    parameters = parameters_of(symbol, inputs)
    expected = run_engine(symbol, inputs, parameters)
    model = onnx_model(symbol, inputs, parameters, opset, dynamic)
    received = run_onnx(model, inputs)
    for name, array in expected.items():
        assert received[name].shape == array.shape, name
        np.testing.assert_allclose(received[name], array, rtol=tolerance, atol=tolerance)
    return model


@pytest.mark.parametrize("name", UNARY)
def test_unary(name):
    check(getattr(S, name)(X), ROW)


@pytest.mark.parametrize("name", ON_POSITIVE)
def test_unary_of_positive_numbers(name):
    check(getattr(S, name)(X), POSITIVE)


@pytest.mark.parametrize("name", BINARY)
def test_binary(name):
    check(getattr(S, name)(X, S.round(Y)), TWO)


@pytest.mark.parametrize("name", marked(IMAGES))
def test_of_maps(name):
    check(IMAGES[name], MAP)


@pytest.mark.parametrize("name", marked(OTHERS))
def test_others(name):
    symbol, inputs = OTHERS[name]
    check(symbol, inputs, dynamic=name != "iou")


REFUSED = {
    "rows of a part": (
        S.Reshape(S.slice_axis(X, axis=0, begin=1, end=None), shape=(-1,)),
        "part of the batch",
    ),
    "split samples": (S.split(X, num_outputs=3, axis=0)[1], "splits the batch"),
    "as long as the batch": (
        S.slice_like(S.Variable("w", shape=(9, 5)), X, axes=(0,)),
        "size of the batch",
    ),
    "fixed rows": (S.Reshape(X, shape=(3, 2, 10)), r"\(3, 2, 10\) does not suit \(N, 4, 5\)"),
    "random": (S.Dropout(X, p=0.5, mode="always"), "random numbers"),
    "cubes": (S.Pooling(X, kernel=(2,), pool_type="lp", p_value=3), "order 1 and 2"),
    "axes of matrices": (S.linalg.gemm2(X, X, transpose_a=True, axis=1), "axis=-2"),
    "clipped states": (
        S.RNN(
            S.transpose(X, axes=(1, 0, 2)),
            *map(S.Variable, ("flat", "state", "cell")),
            state_size=5,
            num_layers=1,
            mode="lstm",
            lstm_state_clip_min=-0.1,
            lstm_state_clip_max=0.1,
        ),
        "lstm_state_clip_min",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_counterpart_is_refused_by_name(name):
    symbol, reason = REFUSED[name]
    inputs = {"x": numbers(3, 4, 5)}
    with pytest.raises(ExportError, match=reason) as refusal:
        onnx_model(symbol, inputs, parameters_of(symbol, inputs))
    assert "100000" not in str(refusal.value)  # that stands for the batch while converting


@pytest.fixture(scope="module")
def default_outputs():
    """Name -> outputs of its model at the default version of operators."""
    return {
        name: run_onnx(onnx_model(symbol, MAP, parameters_of(symbol, MAP)), MAP)
        for name, symbol in IMAGES.items()
    }


@pytest.mark.parametrize("opset", [13, 22])
def test_versions_of_operators_give_the_same_numbers(default_outputs, opset):
    for name, symbol in IMAGES.items():
        if opset < 16 and name in ("transformer", "sampler"):
            with pytest.raises(ExportError, match="operator set 16"):
                onnx_model(symbol, MAP, parameters_of(symbol, MAP), opset)
            continue
        model = onnx_model(symbol, MAP, parameters_of(symbol, MAP), opset)
        assert model.opset_import[0].version == opset
        for output, array in run_onnx(model, MAP).items():
            np.testing.assert_allclose(
                array, default_outputs[name][output], rtol=1e-5, atol=1e-5, err_msg=name
            )


@pytest.mark.parametrize("name", REGIONS)
def test_regions(name):
    check(REGIONS[name], {**MAP, "y": ROIS}, dynamic=False)


def proposals(op, images, **settings):
    rng = np.random.default_rng(1)
    inputs = {
        "x": rng.random((images, 12, 5, 6)),
        "y": rng.normal(0, 0.3, (images, 24, 5, 6)),
        "z": np.array([[75, 90, 1.0]] * images),
    }
    settings = {
        "scales": (1, 3), "ratios": (0.5, 1, 2), "rpn_pre_nms_top_n": 100,
        "rpn_post_nms_top_n": 30, "threshold": 0.5, "rpn_min_size": 8, **settings,
    }  # fmt: skip
    symbol = getattr(S.contrib, op)(*map(S.Variable, "xyz"), **settings)
    return symbol, {name: array.astype(np.float32) for name, array in inputs.items()}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"output_score": True},
        {"rpn_min_size": 25},
        {"threshold": 0.05},  # few are kept, and repeated
        {"rpn_pre_nms_top_n": 20, "rpn_post_nms_top_n": 20},
    ],
)
def test_proposals(settings):
    check(*proposals("Proposal", 1, **settings), tolerance=1e-3, dynamic=False)


def test_proposals_of_several_images():
    check(*proposals("MultiProposal", 3), tolerance=1e-3)


def test_deconvolution_to_a_size():
    sizes = {"num_filter": 2, "kernel": (4, 4), "stride": (2, 2), "name": "up"}
    expected = S.Deconvolution(X, pad=(1, 1), **sizes)
    parameters = parameters_of(expected, MAP)
    symbol = S.Deconvolution(X, target_shape=(12, 16), **sizes)
    (received,) = run_onnx(onnx_model(symbol, MAP, parameters), MAP).values()
    (array,) = run_engine(expected, MAP, parameters).values()
    np.testing.assert_allclose(received, array, rtol=1e-5, atol=1e-5)


def test_a_state_of_zeros_has_the_rows_of_the_data(mx):
    cell = mx.rnn.FusedRNNCell(5, num_layers=1, mode="lstm", prefix="l_")
    outputs, _ = cell.unroll(6, S.transpose(X, axes=(1, 0, 2)), layout="TNC", merge_outputs=True)
    check(outputs, {"x": numbers(3, 6, 4)})
