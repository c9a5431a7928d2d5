"""Linear classification of sparse rows, as MXNet's sparse examples do it."""

import mxnet as mx
import numpy as np
import pytest

import densefit as df

WIDTH = 20


def samples(length, seed):
    rng = np.random.RandomState(seed)
    data = np.where(rng.rand(length, WIDTH) < 0.2, rng.normal(0, 1, (length, WIDTH)), 0)
    data[:, 0] = 1
    label = (data[:, 1:4].sum(1) > 0).astype("float32")
    return data.astype("float32"), label


def write_libsvm(path, length, seed):
    data, label = samples(length, seed)
    with open(path, "w") as file:
        for row, kind in zip(data, label):
            entries = " ".join(f"{i}:{value:.6f}" for i, value in enumerate(row) if value)
            file.write(f"{kind:.0f} {entries}\n")
    return str(path)


def symbol(stype):
    weight = mx.sym.Variable("weight", shape=(WIDTH, 2), init=mx.init.Normal(0.01), stype=stype)
    bias = mx.sym.Variable("bias", shape=(2,))
    x = mx.sym.Variable("data", stype="csr")
    pred = mx.sym.broadcast_add(mx.sym.sparse.dot(x, weight), bias)
    return mx.sym.SoftmaxOutput(data=pred, label=mx.sym.Variable("softmax_label"), name="out")


def row_ids(batch):
    return {"weight": batch.data[0].indices}


def iterator(path):
    return mx.io.LibSVMIter(data_libsvm=path, data_shape=(WIDTH,), batch_size=6)


@pytest.fixture
def linear(tmp_path, engine):
    path = write_libsvm(tmp_path / "train.libsvm", 24, 0)

    optimizer_params = {"learning_rate": 0.5, "momentum": 0.9, "wd": 0.001}
    if engine == "torch":  # its gradients are dense: all rows move
        optimizer_params["lazy_update"] = False

    def make():
        rng = np.random.RandomState(1)
        weight = mx.nd.array(rng.normal(0, 0.1, (WIDTH, 2)))
        return {
            "symbol": symbol("default"),
            "train": iterator(path),
            "validation": iterator(path),
            "arg_params": {"weight": weight, "bias": mx.nd.zeros(2)},
            "aux_params": {},
            "settings": {
                "eval_metric": ["acc", "nll_loss"],
                "optimizer_params": optimizer_params,
                "kvstore": mx.kv.create("local"),
                "sparse_row_id_fn": row_ids,
            },
        }

    return make


def test_trains_as_module(program, linear):
    module_run = program.by_module(linear())
    densefit_run = program.by_densefit(linear())
    program.assert_same(linear(), module_run, densefit_run)


def test_scores(program, linear, tmp_path):
    run = program.by_densefit(linear())
    path = write_libsvm(tmp_path / "test.libsvm", 24, 2)
    data, label = samples(24, 2)
    weight, bias = (run.params[0][name].asnumpy() for name in ("weight", "bias"))
    expected = ((data @ weight + bias).argmax(1) == label).mean()
    scores = df.score(run.network, iterator(path), eval_metric="acc")
    assert scores["module/accuracy"] == pytest.approx(expected)


def test_sparse_parameters_are_refused_with_advice(linear):
    made = linear()
    with pytest.raises(df.errors.BindError, match="(?s)weight are stored as row_sparse.*stype="):
        df.fit(symbol("row_sparse"), made["train"], epochs=1)


def test_sparse_gradients_train_as_module(program):
    """Of an Embedding only the rows that a batch reads have a gradient."""
    x = mx.sym.Embedding(
        mx.sym.Variable("data"), input_dim=9, output_dim=4, sparse_grad=True, name="embed"
    )
    net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(x, num_hidden=2, name="fc"), name="softmax")
    rng = np.random.RandomState(0)
    data, label = rng.randint(0, 9, 24).astype("float32"), rng.randint(0, 2, 24)
    arguments, _ = program.initial(net, data=(6,), softmax_label=(6,))
    settings = {"optimizer_params": {"learning_rate": 0.5, "momentum": 0.9, "wd": 0.01}}
    module = mx.mod.Module(net)
    module.fit(mx.io.NDArrayIter(data, label, 6), num_epoch=2, arg_params=arguments, **settings)
    history = df.fit(
        net, mx.io.NDArrayIter(data, label, 6), epochs=2, arg_params=arguments, **settings
    )
    program.assert_params_equal(
        (df.interop.arg_params(history.network), df.interop.aux_params(history.network)),
        module.get_params(),
    )
