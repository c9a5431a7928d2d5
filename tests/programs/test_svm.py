"""Support vector machines with integer labels."""

import mxnet as mx
import numpy as np
import pytest

import densefit as df


def samples(length, seed):
    rng = np.random.RandomState(seed)
    label = rng.randint(0, 3, length)
    data = rng.normal(0, 0.5, (length, 5)).astype("float32")
    data[np.arange(length), label] += 1
    return data, label


def iterator(length=30, batch_size=6, seed=0):
    return mx.io.NDArrayIter(*samples(length, seed), batch_size, label_name="svm_label")


def symbol(use_linear):
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), name="fc1", num_hidden=8)
    x = mx.sym.Activation(x, name="relu1", act_type="relu")
    x = mx.sym.FullyConnected(x, name="fc2", num_hidden=3)
    return mx.sym.SVMOutput(
        x, name="svm", margin=0.9, regularization_coefficient=0.8, use_linear=use_linear
    )


@pytest.fixture(params=[True, False], ids=["L1", "L2"])
def svm(program, request):
    def make():
        net = symbol(request.param)
        arg_params, aux_params = program.initial(net, scale=0.5, data=(6, 5), svm_label=(6,))
        return {
            "symbol": net,
            "label_names": ["svm_label"],
            "train": iterator(),
            "validation": iterator(12, seed=1),
            "arg_params": arg_params,
            "aux_params": aux_params,
            "settings": {
                "eval_metric": ["acc", mx.metric.TopKAccuracy(top_k=2)],
                "optimizer_params": {"learning_rate": 0.05, "momentum": 0.9, "wd": 0.00001},
            },
        }

    return make


def test_trains_as_module(program, svm):
    module_run = program.by_module(svm())
    densefit_run = program.by_densefit(svm(), model="symbol")
    program.assert_same(svm(), module_run, densefit_run)


def test_scores_padded_data(program, svm):
    run = program.by_densefit(svm())
    data, label = samples(16, 2)
    values = program.forward(svm(), run.params, data=data)["svm_output"]
    assert not np.array_equal(values.argmax(1), label)  # or all numbers would be 1
    scores = df.score(run.model, iterator(16, seed=2))
    assert scores["svm/accuracy"] == (values.argmax(1) == label).mean()
    scores = df.score(run.network, iterator(16, seed=2), eval_metric="acc")
    assert scores["module/accuracy"] == (values.argmax(1) == label).mean()
    predictions = df.predict(run.network, iterator(16, seed=2))["svm_output"]
    np.testing.assert_allclose(predictions, values, rtol=1e-5, atol=1e-6)


def test_predicts_without_labels(program, svm):
    """The label of a loss layer is read in training only."""
    run = program.by_densefit(svm())
    data, _ = samples(16, 2)
    predictions = df.predict(run.model, mx.io.NDArrayIter(data, None, 6))["svm_output"]
    values = program.forward(svm(), run.params, data=data)["svm_output"]
    np.testing.assert_allclose(predictions, values, rtol=1e-5, atol=1e-6)
