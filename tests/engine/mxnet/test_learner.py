"""One division of the gradient, whatever the loss layer, the padding and the devices."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.errors import BindError, DataError

TWO = [mx.cpu(0), mx.cpu(1)]


def start(tiny, symbol, seed=0):
    """Parameters to begin with, not too small."""
    rng = np.random.default_rng(seed)
    shapes, _, _ = symbol.infer_shape_partial(data=(4, 6))
    return {
        name: rng.normal(size=shape).astype(np.float32)
        for name, shape in zip(symbol.list_arguments(), shapes)
        if name.endswith(("_weight", "_bias"))
    }


def train(tiny, symbol, data, heads=None, parameters=None, **settings):
    network = df.Network(symbol=symbol, routes=heads or tiny.kind_route())
    network.set_params(parameters or start(tiny, symbol))
    settings = {"optimizer_params": {"learning_rate": 0.1}, "epochs": 1, **settings}
    df.fit(network, data, **settings)
    return network


def by_hand(parameters, x, kind, lr=0.1):
    """Parameters of softmax regression after one update on the mean loss of the batch."""
    weight, bias = parameters["kind_fc_weight"], parameters["kind_fc_bias"]
    logits = x @ weight.T + bias
    probability = np.exp(logits - logits.max(axis=1, keepdims=True))
    probability /= probability.sum(axis=1, keepdims=True)
    slope = (probability - np.eye(3)[kind.astype(int)]) / len(x)
    return weight - lr * slope.T @ x, bias - lr * slope.sum(axis=0)


def truncated(tiny, iterator):
    """The same data, the last batch smaller instead of padded."""

    def real_rows(inner):
        batch = inner.next()
        rows = batch.data[0].shape[0] - batch.pad
        return mx.io.DataBatch([a[:rows] for a in batch.data], [a[:rows] for a in batch.label])

    return tiny.Changed(iterator, real_rows)


def test_padding_rows_train_nothing_and_count_nowhere(tiny):
    """Also in BatchNorm's statistics: training on padded batches is training without."""
    networks, numbers = [], []
    for wrap in (lambda data: data, lambda data: truncated(tiny, data)):
        routes = {"kind": df.Route(["kind"], ["kind_label"], ["accuracy", "ce"])}
        network = df.Network(symbol=tiny.conv_bn(), routes=routes)
        history = df.fit(network, wrap(tiny.images(7, 4)), epochs=3)
        networks.append(network)
        numbers.append([(e["train"], e["samples"]) for e in history.epochs])
    tiny.assert_equal(*networks)
    assert numbers[0] == numbers[1]
    assert numbers[0][0][1] == 7


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("kvstore_updates", ["1", "0"])
def test_one_and_two_devices_train_alike(tiny, monkeypatch, optimizer, kvstore_updates):
    monkeypatch.setenv("MXNET_UPDATE_ON_KVSTORE", kvstore_updates)
    networks = [
        train(
            tiny, tiny.two_heads(), tiny.iterator(11, 4), tiny.routes(), epochs=3,
            optimizer=optimizer, devices=devices,
        )
        for devices in (None, TWO)
    ]  # fmt: skip
    tiny.assert_equal(*networks, exactly=False)


@pytest.mark.parametrize(
    ("samples", "batch_size", "devices", "where"),
    [
        (5, 4, 2, "1 samples for 2 devices\n.*last batch of an epoch"),
        (8, 1, 2, "1 samples for 2 devices\n.*batch size"),
        (6, 6, 4, "6 samples for 4 devices\n.*batch size"),  # MXNet: 2, 2, 2 and none
    ],
)
def test_batches_that_cannot_be_split(tiny, samples, batch_size, devices, where):
    """What the iterator tells beforehand is found before the first update."""
    updates = tiny.Recorder("update_ended", lambda state, control: 1)
    data = tiny.iterator(samples, batch_size, ["kind_label"])
    contexts = [mx.cpu(i) for i in range(devices)]
    with pytest.raises(DataError, match=f"cannot be split among the devices(.|\n)*{where}"):
        train(tiny, tiny.kind(), data, devices=contexts, callbacks=[updates])
    assert updates.seen == []


def test_a_last_batch_that_cannot_be_split_and_is_not_known(tiny):
    updates = tiny.Recorder("update_ended", lambda state, control: 1)
    with pytest.raises(DataError, match="cannot be split among the devices(.|\n)*samples 4"):
        train(
            tiny, tiny.kind(), truncated(tiny, tiny.iterator(5, 4, ["kind_label"])), devices=TWO,
            callbacks=[updates],
        )  # fmt: skip
    assert updates.seen == [1]


def test_given_parameters_stay_and_others_are_initialised(tiny):
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    mine = np.full((8, 6), 0.25, np.float32)
    network.set_params({"trunk_weight": mine, "of_another_network": np.ones(3)})
    df.fit(network, tiny.iterator(8, 4), epochs=1, optimizer_params={"learning_rate": 0.0})
    found = tiny.values(network)
    np.testing.assert_array_equal(found["trunk_weight"], mine)
    assert found["kind_fc_weight"].std() > 0.1
    assert "of_another_network" in found  # nothing that was given gets lost


def test_a_parameter_of_another_shape(tiny):
    with pytest.raises(BindError, match=r"(?s)'kind_fc_bias'.*\(3,\).*\(4,\)"):
        train(
            tiny,
            tiny.kind(),
            tiny.iterator(4, 4, ["kind_label"]),
            None,
            {"kind_fc_bias": np.ones(4)},
        )


def test_a_parameter_that_no_initializer_knows(tiny):
    own = mx.sym.Variable("strange")
    x = mx.sym.Variable("data")
    loss = mx.sym.MakeLoss(mx.sym.sum(mx.sym.broadcast_mul(x, own), axis=1), name="loss")
    symbol = mx.sym.Group([loss, tiny.kind(trunk=x)])
    with pytest.raises(BindError, match="strange"):
        train(tiny, symbol, tiny.iterator(4, 4, ["kind_label"]), parameters={"other": np.ones(1)})


def test_shapes_that_do_not_fit_name_the_head(tiny):
    x, _, _ = tiny.arrays(8)
    wrong = mx.io.NDArrayIter(x, {"size_label": x, "kind_label": x[:, 0]}, 4)
    with pytest.raises(BindError, match="(?s)do not fit the symbol.*size_label.*heads kind, size"):
        train(tiny, tiny.two_heads(), wrong, tiny.routes())


def test_a_route_that_misstates_its_rows(tiny):
    updates = tiny.Recorder("update_ended", lambda state, control: 1)
    with pytest.raises(BindError, match="(?s)'kind' has the shape.*2 rows a sample.*head kind"):
        train(
            tiny, tiny.kind(), tiny.iterator(4, 4, ["kind_label"]), tiny.kind_route(rows=2),
            callbacks=[updates],
        )  # fmt: skip
    assert updates.seen == []


def test_a_head_whose_loss_is_not_one_number_a_sample(tiny):
    class Careless(tiny.Brightness):
        def train(self, features, labels):
            return {"loss": mx.sym.mean(super().train(features, labels)["loss"])}

    with pytest.raises(BindError, match="(?s)'loss' of the head 'bright' is not one number"):
        df.Network(tiny.Backbone(), [Careless()])


def test_bytes_are_cast_for_a_symbol_that_computes_with_numbers(tiny, caplog):
    caplog.set_level("INFO", "densefit")
    symbol = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=1, name="fc")
    symbol = mx.sym.MakeLoss(mx.sym.sum(symbol, axis=1), name="loss")
    history = df.fit(
        symbol, df.Loader(tiny.Pictures(4), batch_size=2, workers=0), epochs=1,
        heads={"one": df.Route(["loss"])},
    )  # fmt: skip
    assert df.interop.arg_params(history.network)["fc_weight"].dtype == np.float32
    assert "'data' of the train data is cast from uint8 to float32" in caplog.text


def test_pulled_parameters_are_snapshots(tiny):
    kept = tiny.Recorder(
        "update_ended", lambda state, control: df.interop.arg_params(state.network)
    )
    train(tiny, tiny.kind(), tiny.iterator(8, 4, ["kind_label"]), callbacks=[kept])
    first, second = (arrays["kind_fc_weight"].asnumpy() for arrays in kept.seen)
    assert (first != second).any()


def test_sum_of_a_dense_softmax_is_a_mean_over_its_cells(tiny):
    """multi_output with "null" and "batch" divides by the cells of a picture all the same."""
    x = mx.sym.Convolution(mx.sym.Variable("data"), num_filter=3, kernel=(1, 1), name="fc")
    changes = []
    for normalization in ("null", "batch", "valid"):
        symbol = mx.sym.SoftmaxOutput(
            x, name="kind", multi_output=True, normalization=normalization
        )
        rng = np.random.default_rng(0)
        data = mx.io.NDArrayIter(
            rng.normal(size=(4, 2, 5, 5)), {"kind_label": rng.integers(0, 3, (4, 5, 5))}, 4
        )
        weight = np.ones((3, 2, 1, 1), np.float32)
        parameters = {"fc_weight": weight, "fc_bias": np.zeros(3)}
        network = train(tiny, symbol, data, parameters=parameters)
        changes.append(tiny.values(network)["fc_weight"] - weight)
    # "batch" and "valid" divide by the 4 samples too, and Module's update divides again.
    np.testing.assert_allclose(changes[0], 4 * changes[1], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(changes[0], 4 * changes[2], rtol=1e-3, atol=1e-6)
