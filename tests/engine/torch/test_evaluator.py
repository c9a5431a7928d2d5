"""Scores, predictions and views are the same as on MXNet."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.datasets.shapes import Shapes
from densefit.engine import make
from densefit.engine.batch_reader import BatchReader
from densefit.engine.torch.evaluator import TorchEvaluator

SIZE = (64, 64)


def network_of(tasks=("detection", "segmentation", "classification")):
    shapes = Shapes(1, SIZE)
    settings = {
        "detection": {
            "classes": shapes.classes, "strides": (8, 16), "channels": 8, "max_detections": 10
        },
        "segmentation": {"classes": shapes.mask_classes, "decoder": "fcn", "channels": 8},
        "classification": {"classes": shapes.label_classes},
    }  # fmt: skip
    heads = [df.head(task, **settings[task]) for task in tasks]
    return df.Network("resnet18", heads, settings={"width": 8})


@pytest.fixture(scope="module")
def network():
    """A network with parameters, that has seen a few pictures."""
    network = network_of()
    data = df.Loader(Shapes(8, SIZE), batch_size=4, heads=network.heads, workers=0)
    df.fit(network, data, updates=4, optimizer="adam", engine="mxnet", progress=False)
    return network


def test_scores_are_equal(network):
    data = df.Loader(Shapes(7, SIZE), batch_size=4, heads=network.heads, workers=0)
    expected, received = (df.score(network, data, engine=e) for e in ("mxnet", "torch"))
    assert received == pytest.approx(expected, abs=1e-4, nan_ok=True)


def test_predictions_are_equal(network):
    data = df.Loader(Shapes(5, SIZE), batch_size=4, heads=network.heads, workers=0)
    expected, received = (
        [heads["segmentation"] for _, heads in df.predict(network, data, engine=engine)]
        for engine in ("mxnet", "torch")
    )
    assert len(expected) == len(received) == 5
    for there, here in zip(expected, received):
        assert (there != here).mean() < 1e-3


def test_views_are_equal(network):
    views = df.Views(flip=True, scales=(1.0, 1.5))
    loader = df.Loader.views(
        Shapes(2, (50, 70)), input_size=SIZE, batch_size=3, views=views, workers=0
    )
    expected, received = (df.score(network, loader, engine=e) for e in ("mxnet", "torch"))
    assert received == pytest.approx(expected, abs=2e-3, nan_ok=True)


def test_boxes_are_suppressed_in_the_graph_as_on_the_host(network):
    """A GPU suppresses them in the graph, and a CPU on the host."""
    data = df.Loader(Shapes(4, SIZE), batch_size=4, heads=network.heads, workers=0)
    reader = BatchReader(data, list(network.adapters.values()), "validation")
    (batch,) = reader.batches(scoring=True)
    learner = make(network, engine="torch")
    found = [
        TorchEvaluator(network, learner.device, mode).start(batch, reader, 0).read()
        for mode in ("raw", "evaluate")
    ]
    assert found[0].keys() == found[1].keys()
    for name, array in found[0].items():
        np.testing.assert_allclose(array, found[1][name], rtol=1e-4, atol=1e-4, err_msg=name)


def test_a_symbol_is_scored_without_labels_that_its_outputs_do_not_read(tiny):
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    df.fit(network, tiny.iterator(8, 4), epochs=1, engine="torch", progress=False)
    scores = [df.score(network, tiny.iterator(10, 4), engine=e) for e in ("mxnet", "torch")]
    assert scores[1] == pytest.approx(scores[0], rel=1e-5)


def test_a_symbol_for_a_fixed_number_of_rows(tiny):
    x = mx.sym.reshape(mx.sym.Variable("data"), shape=(4, 6))
    symbol = mx.sym.SoftmaxOutput(
        mx.sym.FullyConnected(x, num_hidden=3, name="kind_fc"), name="kind"
    )
    results = []
    for engine in ("mxnet", "torch"):
        network = df.Network(symbol=symbol, routes=tiny.kind_route())
        network.set_params({"kind_fc_weight": np.eye(3, 6), "kind_fc_bias": np.zeros(3)})
        data = tiny.iterator(8, 4, ["kind_label"])
        df.fit(network, data, epochs=2, engine=engine, progress=False)
        results.append(df.score(network, tiny.iterator(8, 4, ["kind_label"]), engine=engine))
    assert results[1] == pytest.approx(results[0], rel=1e-5)


def test_new_parameters_are_read_after_an_update(tiny):
    network = tiny.network()
    data = tiny.loader(network, 8, 4, workers=0)
    seen = tiny.Recorder("validated", lambda state, control: dict(state.validation))
    validation = tiny.loader(network, 6, 4, workers=0)
    df.fit(
        network, data, validation=validation, epochs=3, callbacks=[seen], engine="torch",
        optimizer_params={"learning_rate": 0.1},
    )  # fmt: skip
    assert len({scores["bright/mae"] for scores in seen.seen}) == 3
    assert df.score(network, validation, engine="torch") == seen.seen[-1]


def test_an_input_that_is_an_output_is_that_of_its_batch(tiny):
    x = mx.sym.Variable("data")
    symbol = mx.sym.Group([tiny.kind(trunk=x), mx.sym.BlockGrad(x, name="seen")])
    seen = df.Route(["seen"], ["size_label"], ["mae"])
    routes = {**tiny.kind_route(), "seen": seen}
    network = df.Network(symbol=symbol, routes=routes)
    network.set_params({"kind_fc_weight": np.eye(3, 6), "kind_fc_bias": np.zeros(3)})
    reader = BatchReader(tiny.iterator(4, 4), list(network.adapters.values()), "prediction")
    (batch,) = reader.batches(scoring=True)
    batch.data["data"] = batch.data["data"].copy()
    expected = batch.data["data"].copy()
    learner = make(network, engine="torch")
    pending = TorchEvaluator(network, learner.device).start(batch, reader, 0)
    batch.data["data"][:] = 0  # memory that the next batch takes
    np.testing.assert_array_equal(pending.read()["seen"], expected)
