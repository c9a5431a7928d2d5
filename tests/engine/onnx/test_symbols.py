"""Users' Symbols give the same outputs and scores from an exported model."""

import numpy as np
import pytest

import densefit as df
from densefit.model.heads.loss_layers import loss_heads
from densefit.symbol import sym


@pytest.fixture
def network(tiny):
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    rng = np.random.default_rng(0)
    shapes = {"trunk": (8, 6), "kind_fc": (3, 8), "size_fc": (1, 8)}
    network.set_params(
        {
            f"{name}_{part}": rng.normal(size=shape).astype(np.float32)
            for name, whole in shapes.items()
            for part, shape in (("weight", whole), ("bias", whole[:1]))
        }
    )
    return network


@pytest.mark.parametrize("batch", [None, 4, 3])
def test_scores_and_outputs_are_equal(tiny, network, tmp_path, batch):
    path = tmp_path / "model.onnx"
    df.export(network, path, inputs={"data": (None, 6)}, batch=batch)
    exported = df.load(path)
    expected, received = (df.score(model, tiny.iterator()) for model in (network, exported))
    assert received == pytest.approx(expected, rel=1e-5)
    assert set(received) == {"kind/accuracy", "size/mae"}
    outputs = [df.predict(model, tiny.arrays()[0]) for model in (network, exported)]
    assert outputs[0].keys() == outputs[1].keys()
    for name, array in outputs[0].items():
        np.testing.assert_allclose(array, outputs[1][name], rtol=1e-5, atol=1e-6)


def test_the_metrics_of_loss_layers_are_kept(tmp_path):
    data = sym.Variable("data")
    pixels = sym.Convolution(data, kernel=(1, 1), num_filter=3, name="pixels")
    loss = {"multi_output": True, "use_ignore": True, "ignore_label": 2}
    age = sym.FullyConnected(data, num_hidden=1, name="fc")
    symbol = sym.Group(
        [
            sym.SoftmaxOutput(pixels, name="seg", **loss),
            sym.LinearRegressionOutput(age, name="age"),
        ]
    )
    network = df.Network(symbol=symbol, routes=loss_heads(symbol))
    rng = np.random.default_rng(0)
    shapes = {"pixels_weight": (3, 2, 1, 1), "pixels_bias": (3,), "fc_weight": (1, 32)}
    values = {name: np.float32(rng.normal(size=shape)) for name, shape in shapes.items()}
    network.set_params({**values, "fc_bias": np.zeros(1, np.float32)})
    path = tmp_path / "model.onnx"
    df.export(network, path, inputs={"data": (None, 2, 4, 4)})
    images, masks = rng.normal(size=(6, 2, 4, 4)), rng.integers(0, 3, (6, 4, 4))
    batches = [{"data": images, "seg_label": masks, "age_label": rng.normal(size=(6, 1))}]
    expected, received = (df.score(model, batches) for model in (network, df.load(path)))
    assert set(expected) == {"seg/accuracy", "age/mse"}
    assert received == pytest.approx(expected, rel=1e-5)


def test_metrics_can_be_chosen(tiny, network, tmp_path):
    path = tmp_path / "model.onnx"
    df.export(network, path, inputs={"data": (None, 6)})
    scores = df.score(df.load(path), tiny.iterator(), metrics={"size": ["rmse"]}, heads=["size"])
    assert set(scores) == {"size/rmse"}
    routes = {"kind": df.Route(["kind"], ["kind_label"], ["top_k_accuracy"])}
    scores = df.score(df.load(path), tiny.iterator(), heads=routes)
    assert scores == df.score(network, tiny.iterator(), heads=routes)
    with pytest.raises(df.errors.ConfigError, match="has its heads already"):
        df.fit(df.load(path), tiny.iterator(), heads=routes, epochs=1)
