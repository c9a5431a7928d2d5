"""A gluon network: in a symbol with a gluon loss, and by itself with `loss=`."""

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

import densefit as df

CLASSES = 3


def samples(length, seed):
    rng = np.random.RandomState(seed)
    label = rng.randint(0, CLASSES, length).astype("float32")
    data = rng.normal(0, 0.5, (length, 2, 5, 5)).astype("float32")
    data[np.arange(length), 0, label.astype(int)] += 2
    return data, label


def iterator(length=24, batch_size=6, seed=0, label_name="softmax_label"):
    return mx.io.NDArrayIter(*samples(length, seed), batch_size, label_name=label_name)


def block():
    """A network whose parameters are the same each time."""
    net = gluon.nn.HybridSequential(prefix="net_")
    with net.name_scope():
        net.add(
            gluon.nn.Conv2D(4, 3, use_bias=False, in_channels=2),
            gluon.nn.BatchNorm(in_channels=4),
            gluon.nn.Activation("relu"),
            gluon.nn.Flatten(),
            gluon.nn.Dense(CLASSES, in_units=36),
        )
    net.initialize()
    rng = np.random.RandomState(5)
    for name, parameter in net.collect_params().items():
        if name.endswith("weight"):
            parameter.set_data(mx.nd.array(rng.normal(0, 0.3, parameter.shape)))
    return net


def values(net):
    return {name: one.data().asnumpy() for name, one in net.collect_params().items()}


def symbol(net):
    out = net(mx.sym.var("data"))
    loss = gluon.loss.SoftmaxCrossEntropyLoss()(out, mx.sym.var("softmax_label"))
    return mx.sym.Group([mx.sym.MakeLoss(loss, name="ce"), mx.sym.BlockGrad(out, name="logits")])


class LogitAccuracy(mx.metric.EvalMetric):
    """Accuracy out of the output of logits."""

    def __init__(self):
        super().__init__("logit-accuracy", output_names=["logits_output"])

    def update(self, labels, preds):
        self.sum_metric += (preds[0].asnumpy().argmax(1) == labels[0].asnumpy()).sum()
        self.num_inst += len(preds[0])


@pytest.fixture
def network(program):
    def make():
        net = block()
        graph = symbol(net)
        arg_params = {name: mx.nd.array(value) for name, value in values(net).items()}
        aux_params = {name: arg_params.pop(name) for name in graph.list_auxiliary_states()}
        return {
            "symbol": graph,
            "train": iterator(),
            "validation": iterator(12, seed=1),
            "arg_params": arg_params,
            "aux_params": aux_params,
            "settings": {
                "eval_metric": LogitAccuracy(),
                "optimizer_params": {"learning_rate": 0.1, "momentum": 0.9},
            },
        }

    return make


def test_trains_as_module(program, network):
    module_run = program.by_module(network())
    densefit_run = program.by_densefit(network(), model="symbol")
    program.assert_same(network(), module_run, densefit_run)


def test_scores_padded_data(program, network):
    run = program.by_densefit(network())
    data, label = samples(16, 2)
    outputs = program.forward(network(), run.params, data=data, softmax_label=label)
    classes = outputs["logits_output"].argmax(1)
    scores = df.score(run.network, iterator(16, seed=2), eval_metric=LogitAccuracy())
    assert scores["module/logit-accuracy"] == (classes == label).mean()
    scores = df.score(run.model, iterator(16, seed=2))
    assert scores == pytest.approx({"ce/loss": outputs["ce_output"].mean()}, rel=1e-6)
    predictions = df.predict(run.network, iterator(16, seed=2))
    for name in ("ce_output", "logits_output"):
        np.testing.assert_allclose(predictions[name], outputs[name], rtol=1e-4, atol=1e-5)


def by_trainer(net, loss, epochs):
    """The loop that gluon's users write."""
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})
    data = iterator()
    for _ in range(epochs):
        data.reset()
        for batch in data:
            with autograd.record():
                out = loss(net(batch.data[0]), batch.label[0])
            out.backward()
            trainer.step(batch.data[0].shape[0])


def test_trains_a_block_as_its_symbol(program, network):
    """The Block ends as Module does, bit by bit, and as Trainer does but for rounding."""
    module_run = program.by_module(network())
    trained = block()
    before = values(trained)
    history = df.fit(
        trained,
        iterator(),
        validation=iterator(12, seed=1),
        loss=gluon.loss.SoftmaxCrossEntropyLoss(),
        epochs=program.epochs,
        optimizer_params={"learning_rate": 0.1, "momentum": 0.9},
    )
    after = values(trained)
    expected = {**module_run.params[0], **module_run.params[1]}
    assert after.keys() == expected.keys()
    for name, value in after.items():
        np.testing.assert_array_equal(value, expected[name].asnumpy(), err_msg=name)
        assert not np.array_equal(value, before[name]), name
    looped = block()
    by_trainer(looped, gluon.loss.SoftmaxCrossEntropyLoss(), program.epochs)
    for name, value in values(looped).items():
        np.testing.assert_allclose(after[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
    losses = [one["train"] for one in history.epochs]
    (key,) = [name for name in losses[0] if name.endswith("/loss")]
    assert losses[1][key] < losses[0][key]


def test_scores_and_predicts_with_a_block(program, network):
    net = block()
    history = df.fit(
        net,
        iterator(),
        loss=[gluon.loss.SoftmaxCrossEntropyLoss()],
        epochs=1,
        optimizer_params={"learning_rate": 0.1},
    )
    data, label = samples(16, 2)
    out = net(mx.nd.array(data))
    expected = gluon.loss.SoftmaxCrossEntropyLoss()(out, mx.nd.array(label)).asnumpy().mean()
    scores = df.score(history.network, iterator(16, seed=2))
    (key,) = [name for name in scores if name.endswith("/loss")]
    assert scores[key] == pytest.approx(expected, rel=1e-6)
    (prediction,) = [
        value
        for value in df.predict(net, iterator(16, seed=2)).values()
        if value.shape == out.shape
    ]
    np.testing.assert_allclose(prediction, out.asnumpy(), rtol=1e-4, atol=1e-5)
