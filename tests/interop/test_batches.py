"""Batches that come from no DataIter."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.errors import BindError, DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(22, 6)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.float32)


def symbol():
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=2, name="fc")
    return mx.sym.SoftmaxOutput(x, name="softmax")


class Tensor:
    """What a torch tensor has that is asked for."""

    def __init__(self, array):
        self.array = array

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self.array


class Again:
    """A re-iterable with a length, as DataLoaders are."""

    def __init__(self, form, size=4):
        self.form, self.size = form, size

    def __len__(self):
        return -(-len(X) // self.size)

    def __iter__(self):
        for first in range(0, len(X), self.size):
            rows = slice(first, first + self.size)
            yield self.form(X[rows], Y[rows])


FORMS = {
    "pair": lambda x, y: (x, y),
    "list of tensors": lambda x, y: [Tensor(x), Tensor(y.astype(np.int64))],
    "lists in a pair": lambda x, y: ([x], [y]),
    "NDArrays": lambda x, y: (mx.nd.array(x), mx.nd.array(y)),
    "dict": lambda x, y: {"softmax_label": y, "data": x},
    "doubles": lambda x, y: (x.astype(np.float64), y.astype(np.float64)),
}


def trained(data, **settings):
    parameters = {"fc_weight": np.full((2, 6), 0.1), "fc_bias": np.zeros(2)}
    history = df.fit(symbol(), data, validation=data, epochs=2, arg_params=parameters, **settings)
    return dict(history.network.parameters), history


class Short(mx.io.NDArrayIter):
    """An NDArrayIter whose last batch is short, as that of the loaders."""

    def next(self):
        batch = super().next()
        if batch.pad:
            rows = self.batch_size - batch.pad
            batch.data = [array[:rows] for array in batch.data]
            batch.label = [array[:rows] for array in batch.label]
            batch.pad = 0
        return batch


@pytest.mark.parametrize("form", list(FORMS))
def test_they_train_and_score_as_an_iterator_of_the_same(form):
    ours, history = trained(Again(FORMS[form]))
    theirs, _ = trained_by_iterator()
    for name, value in theirs.items():
        np.testing.assert_array_equal(ours[name], value)
    assert [entry["samples"] for entry in history.epochs] == [22, 22]
    scores = X @ ours["fc_weight"].T + ours["fc_bias"]
    expected = (scores.argmax(axis=1) == Y).mean()
    assert history.last_validation == {"softmax/accuracy": pytest.approx(expected)}
    outputs = df.predict(history.network, Again(FORMS[form]))["softmax_output"]
    assert outputs.shape == (22, 2)


def trained_by_iterator():
    parameters = {"fc_weight": np.full((2, 6), 0.1), "fc_bias": np.zeros(2)}
    history = df.fit(symbol(), Short(X, Y, 4), epochs=2, arg_params=parameters)
    return dict(history.network.parameters), history


def test_gluon_s_loader_and_a_block_with_its_loss():
    dataset = mx.gluon.data.ArrayDataset(X, Y)
    loader = mx.gluon.data.DataLoader(dataset, batch_size=4)
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Dense(5, activation="relu"), mx.gluon.nn.Dense(2))
    net.initialize(mx.init.Xavier())
    net.hybridize()
    loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    history = df.fit(
        net, loader, validation=loader, epochs=3, loss=loss, optimizer="adam",
        optimizer_params={"learning_rate": 0.01},
    )  # fmt: skip
    out = net(mx.nd.array(X))
    expected = loss(out, mx.nd.array(Y)).asnumpy().mean()
    hits = (out.asnumpy().argmax(axis=1) == Y).mean()
    assert history.last_validation == {
        "loss/loss": pytest.approx(expected, rel=1e-5), "output/accuracy": pytest.approx(hits)
    }  # fmt: skip
    trainer_net = history.epochs[0]["train"]["loss/loss"], history.epochs[-1]["train"]["loss/loss"]
    assert trainer_net[1] < trainer_net[0]
    np.testing.assert_allclose(df.predict(net, loader)["output_output"], out.asnumpy(), rtol=1e-5)


def test_a_block_is_trained_as_by_gluon_s_trainer():
    def made():
        net = mx.gluon.nn.HybridSequential(prefix="net_")
        with net.name_scope():
            net.add(mx.gluon.nn.Dense(5, activation="tanh", in_units=6), mx.gluon.nn.Dense(2))
        mx.random.seed(5)
        net.initialize(mx.init.Xavier())
        net(mx.nd.array(X))
        net.hybridize()
        return net

    loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    theirs, mine = made(), made()
    trainer = mx.gluon.Trainer(theirs.collect_params(), "sgd", {"learning_rate": 0.1})
    for _ in range(2):
        for x, y in Again(FORMS["NDArrays"], 11):
            with mx.autograd.record():
                value = loss(theirs(x), y)
            value.backward()
            trainer.step(11)
    df.fit(
        mine, Again(FORMS["NDArrays"], 11), epochs=2, loss=loss,
        optimizer_params={"learning_rate": 0.1},
    )  # fmt: skip
    for one, other in zip(theirs.collect_params().values(), mine.collect_params().values()):
        np.testing.assert_allclose(other.data().asnumpy(), one.data().asnumpy(), rtol=1e-5)


def test_what_can_be_read_once_or_has_other_arrays_is_told():
    with pytest.raises(DataError, match="(?s)can be read once only.*a DataLoader, a list"):
        df.fit(symbol(), iter(Again(FORMS["pair"])), epochs=1)
    with pytest.raises(DataError, match=r"(?s)other arrays than the names.*df.interop.batches"):
        df.fit(symbol(), Again(lambda x, y: (x, y, y)), epochs=1)
    values = {"fc_weight": np.zeros((2, 6), np.float32), "fc_bias": np.zeros(2, np.float32)}
    for data in ({"data": X}, {"data": X, "softmax_label": Y}):
        with pytest.raises(DataError, match="(?s)prediction data are a single batch.*a list of"):
            df.predict(symbol(), data, arg_params=values)
        assert len(df.predict(symbol(), [data], arg_params=values)["softmax_output"]) == len(X)
    with pytest.raises(DataError, match="something else than numbers"):
        df.fit(symbol(), Again(lambda x, y: {"data": x, "softmax_label": y, "name": "a"}), epochs=1)
    with pytest.raises(DataError, match="yielded no batch"):
        df.fit(symbol(), [], epochs=1)
    with pytest.raises(BindError, match="'extra', which the symbol does not have"):
        df.fit(symbol(), Again(lambda x, y: {"data": x, "softmax_label": y, "extra": x}), epochs=1)


def test_names_may_be_given():
    x = mx.sym.FullyConnected(mx.sym.Variable("picture"), num_hidden=2, name="fc")
    own = mx.sym.SoftmaxOutput(x, mx.sym.Variable("kind"), name="softmax")
    data = df.interop.batches(Again(FORMS["pair"]), data=["picture"], labels=["kind"])
    history = df.fit(own, data, epochs=1)
    assert history.epochs[0]["samples"] == 22


def test_a_loader_that_returns_itself_and_begins_anew():
    class Own:
        def __iter__(self):
            self.at = 0
            return self

        def __next__(self):
            if self.at == 3:
                raise StopIteration
            rows = slice(4 * self.at, 4 * self.at + 4)
            self.at += 1
            return X[rows], Y[rows]

    history = df.fit(symbol(), Own(), epochs=2)
    assert [entry["samples"] for entry in history.epochs] == [12, 12]


def block(**settings):
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Dense(5, activation="tanh"), mx.gluon.nn.Dense(2))
    net.initialize(**settings)
    net.hybridize()
    return net


@pytest.mark.parametrize("kind", ["loader", "iterator"])
def test_a_block_begins_as_its_initializer_says_and_can_be_used_afterwards(kind, tmp_path):
    """Its parameters wait for their shapes, as in most gluon programs."""
    net = block(init=mx.init.Constant(0.25))
    data = Again(FORMS["pair"]) if kind == "loader" else mx.io.NDArrayIter(X, Y, 4)
    df.fit(
        net, data, epochs=1, loss=mx.gluon.loss.SoftmaxCrossEntropyLoss(),
        optimizer_params={"learning_rate": 0.0},
    )  # fmt: skip
    np.testing.assert_array_equal(net[0].weight.data().asnumpy(), np.full((5, 6), 0.25))
    net.save_parameters(str(tmp_path / "net.params"))
    assert net(mx.nd.array(X)).shape == (22, 2)


def test_a_block_is_trained_where_it_was_initialised_and_is_measured_by_its_outputs():
    seen = []

    class Where(df.Callback):
        def update_ended(self, state, control):
            seen.append(state.epoch)

    net = block(ctx=mx.cpu(1))
    history = df.fit(
        net, Again(FORMS["pair"]), validation=Again(FORMS["pair"]), epochs=1, eval_metric="acc",
        loss=mx.gluon.loss.SoftmaxCrossEntropyLoss(), callbacks=[Where()],
    )  # fmt: skip
    hits = (net(mx.nd.array(X, ctx=mx.cpu(1))).asnumpy().argmax(axis=1) == Y).mean()
    assert history.last_validation == {"module/accuracy": pytest.approx(hits)}
    assert net[0].weight.list_ctx() == [mx.cpu(1)]
    # The heads that were found have their own metrics again.
    again = df.score(history.network, mx.io.NDArrayIter(X, {"label": Y}, 4))
    assert again["output/accuracy"] == pytest.approx(hits)


def test_a_block_of_two_inputs_needs_their_names():
    class Two(mx.gluon.HybridBlock):
        def hybrid_forward(self, F, one, other):  # noqa: N803
            return one + other

    with pytest.raises(df.errors.ConfigError, match="(?s)cannot be called with 1 input.*batches"):
        df.fit(Two(), Again(FORMS["pair"]), epochs=1, loss=mx.gluon.loss.L2Loss())
