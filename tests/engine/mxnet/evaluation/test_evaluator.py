"""The eval graph's executor: fresh parameters, memory of its own."""

import numpy as np
import pytest

import densefit as df
from densefit import backend
from densefit.backend import mx
from densefit.engine.batch_reader import BatchReader
from densefit.engine.evaluation.evaluator import Evaluator, Pending
from densefit.engine.mxnet.evaluation.evaluator import ExecutorEvaluator
from densefit.engine.mxnet.learner import Learner


def executors(tiny, monkeypatch, name):
    """A train executor and a kept inference executor on the same arrays; fused if named so."""
    monkeypatch.setenv("MXNET_SUBGRAPH_BACKEND", name)
    symbol = tiny.conv_bn()
    train = symbol.simple_bind(mx.cpu(), data=(4, 2, 6, 6), kind_label=(4,))
    rng = np.random.default_rng(0)
    for array in train.arg_dict.values():
        array[:] = 0.2 * rng.normal(size=array.shape)
    train.arg_dict["kind_label"][:] = [0, 1, 2, 0]
    train.aux_dict["conv_bn_moving_var"][:] = 1
    kept = symbol.bind(mx.cpu(), train.arg_dict, grad_req="null", aux_states=train.aux_dict)
    return symbol, train, kept


@pytest.mark.parametrize(("name", "stale"), [("MKLDNN", True), ("default", False)])
def test_mxnet_s_kept_inference_executor_goes_stale_when_fused(tiny, monkeypatch, name, stale):
    """Why `densefit.backend` turns fusion off, and `ExecutorEvaluator` binds anew.

    A fused executor keeps BatchNorm, folded into the convolution, as of its first forward.
    """
    symbol, train, kept = executors(tiny, monkeypatch, name)
    kept.forward(is_train=False)[0].wait_to_read()
    train.arg_dict["conv_bn_gamma"][:] *= -2
    outputs = kept.forward(is_train=False)[0].asnumpy()
    fresh = symbol.bind(mx.cpu(), train.arg_dict, grad_req="null", aux_states=train.aux_dict)
    expected = fresh.forward(is_train=False)[0].asnumpy()
    assert (np.abs(outputs - expected).max() > 0.01) == stale


@pytest.mark.parametrize("name", ["MKLDNN", "default"])
def test_validation_sees_every_update(tiny, monkeypatch, name):
    monkeypatch.setenv("MXNET_SUBGRAPH_BACKEND", name)
    assert backend.subgraph_fusion() == (name == "MKLDNN")
    routes = {"kind": df.Route(["kind"], ["kind_label"], ["ce"])}
    fresh = tiny.Recorder(
        "validated", lambda state, control: (df.score(state.network, tiny.images(6)), state)
    )
    kept = tiny.Recorder("validated", lambda state, control: state.validation)
    df.fit(
        tiny.conv_bn(), tiny.images(12), heads=routes, epochs=2, callbacks=[kept, fresh],
        validation=tiny.images(6), validate_every="1st", optimizer_params={"learning_rate": 0.5},
    )  # fmt: skip
    assert kept.seen == [scores for scores, _ in fresh.seen]
    assert len({scores["kind/cross_entropy"] for scores in kept.seen}) == 6


def test_validation_does_not_disturb_training(tiny):
    """Module's `shared_module` shares memory: one graph would overwrite the other's outputs."""
    networks = []
    for settings in ({}, {"validation": tiny.images(6, 3), "validate_every": "1st"}):
        network = df.Network(symbol=tiny.conv_bn(), routes=tiny.kind_route())
        history = df.fit(network, tiny.images(12), epochs=2, **settings)
        networks.append((network, [epoch["train"] for epoch in history.epochs]))
    tiny.assert_equal(networks[0][0], networks[1][0])
    assert networks[0][1] == networks[1][1]


def test_train_and_eval_graph_of_heads_share_parameters_only(tiny):
    """No label and no loss in the eval graph; its outputs follow the trained parameters."""
    network = tiny.network()
    data = tiny.loader(network, 8, 4, workers=0)
    before = after = None
    df.fit(network, data, epochs=1, optimizer_params={"learning_rate": 0.0})
    before = [float(p["bright"]) for _, p in df.predict(network, data)]
    df.fit(network, data, epochs=1, optimizer_params={"learning_rate": 0.5})
    after = [float(p["bright"]) for _, p in df.predict(network, data)]
    assert np.abs(np.subtract(before, after)).max() > 0.01
    evaluated = network.graph("evaluate", (32, 32))
    assert "bright_value" not in evaluated.list_arguments()
    assert evaluated.list_outputs() == ["bright_value_output"]


def test_the_next_batch_is_computed_while_the_host_reads_this_one(tiny, monkeypatch):
    network = tiny.network()
    loader = tiny.loader(network, length=10, batch_size=4)
    df.fit(network, loader, epochs=1, optimizer_params={"learning_rate": 0.1})
    learner = Learner(network)
    reader = BatchReader(
        tiny.loader(network, length=10, batch_size=4), network.adapters.values(), "test"
    )
    single = ExecutorEvaluator(network, [mx.cpu()])
    alone = [single.start(batch, reader, 0).read() for batch in reader.batches()]
    events = []
    start, read = Evaluator.start, Pending.read
    monkeypatch.setattr(Evaluator, "start", lambda *a: (events.append("start"), start(*a))[1])
    monkeypatch.setattr(Pending, "read", lambda *a: (events.append("read"), read(*a))[1])
    together = [outputs for _, outputs in learner.evaluate(reader)]
    assert events == ["start", "start", "read", "start", "read", "read"]
    for one, other in zip(alone, together):  # the second forward overwrites nothing
        np.testing.assert_array_equal(one["bright_value"], other["bright_value"])
    assert [len(outputs["bright_value"]) for outputs in together] == [4, 4, 2]
