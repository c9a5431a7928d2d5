"""Matrix factorisation: two inputs of integer ids, and an error written as a function."""

import mxnet as mx
import numpy as np
import pytest

import densefit as df

USERS, ITEMS, FACTORS = 9, 7, 4


def rmse(label, pred):
    pred = pred.flatten()
    total = 0.0
    for i in range(len(label)):
        total += (label[i] - pred[i]) ** 2
    return np.sqrt(total / len(label))


def ratings(length, seed):
    rng = np.random.RandomState(seed)
    user, item = rng.randint(0, USERS, length), rng.randint(0, ITEMS, length)
    score = (user % 3 + item % 4 + rng.normal(0, 0.1, length)).astype("float32")
    return user, item, score


def iterator(length=32, batch_size=8, seed=0):
    user, item, score = ratings(length, seed)
    return mx.io.NDArrayIter(
        {"user": mx.nd.array(user, dtype="int32"), "item": mx.nd.array(item, dtype="int32")},
        {"score": score},
        batch_size,
    )


def symbol():
    user, item, score = (mx.sym.Variable(name) for name in ("user", "item", "score"))
    user = mx.sym.Embedding(user, input_dim=USERS, output_dim=FACTORS, name="user_factors")
    item = mx.sym.Embedding(item, input_dim=ITEMS, output_dim=FACTORS, name="item_factors")
    pred = mx.sym.Flatten(mx.sym.sum_axis(user * item, axis=1))
    return mx.sym.LinearRegressionOutput(data=pred, label=score, name="rating")


@pytest.fixture(params=["function", "create", "np"])
def factorization(program, request):
    metric = {
        "function": lambda: rmse,
        "create": lambda: mx.metric.create(rmse),
        "np": lambda: mx.metric.np(rmse),
    }[request.param]

    def make():
        net = symbol()
        arg_params, aux_params = program.initial(net, scale=0.5, user=(8,), item=(8,), score=(8,))
        return {
            "symbol": net,
            "data_names": ["user", "item"],
            "label_names": ["score"],
            "train": iterator(),
            "validation": iterator(16, seed=1),
            "arg_params": arg_params,
            "aux_params": aux_params,
            "settings": {
                "eval_metric": metric(),
                "optimizer": "adam",
                "optimizer_params": {"learning_rate": 0.05, "wd": 1e-4},
                "kvstore": "local",
            },
        }

    make.metric = metric
    return make


def test_trains_as_module(program, factorization):
    module_run = program.by_module(factorization())
    densefit_run = program.by_densefit(factorization())
    program.assert_same(factorization(), module_run, densefit_run)
    losses = [numbers["rmse"] for numbers in densefit_run.train.values()]
    assert losses[1] < losses[0]


def test_scores_padded_data(program, factorization):
    """21 rows in batches of 8: a function's number is a mean over batches of their real rows."""
    run = program.by_densefit(factorization())
    user, item, score = ratings(21, 2)
    pred = program.forward(
        factorization(), run.params, user=user.astype("int32"), item=item.astype("int32")
    )["rating_output"]
    batches = [slice(0, 8), slice(8, 16), slice(16, 21)]
    expected = np.mean([rmse(score[rows], pred[rows]) for rows in batches])
    scores = df.score(run.network, iterator(21, seed=2), eval_metric=factorization.metric())
    assert scores["module/rmse"] == pytest.approx(expected, rel=1e-6)
    # A metric over the dataset does not depend on batches.
    scores = df.score(run.model, iterator(21, seed=2), metrics={"rating": ["rmse"]})
    expected = np.sqrt(np.mean((pred[:, 0] - score) ** 2))
    assert scores["rating/rmse"] == pytest.approx(expected, rel=1e-6)
    predictions = df.predict(run.network, iterator(21, seed=2))["rating_output"]
    np.testing.assert_allclose(predictions, pred, rtol=1e-5, atol=1e-7)
