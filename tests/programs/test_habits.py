"""Habits of public programs, one by one: each trains under both, and ends with the same values."""

import logging

import mxnet as mx
import numpy as np
import pytest

import densefit as df
from densefit import errors as df_errors

ROWS, BATCH, WIDTH, CLASSES = 12, 4, 5, 3


def samples(length=ROWS, seed=0):
    rng = np.random.RandomState(seed)
    label = rng.randint(0, CLASSES, length).astype("float32")
    data = rng.normal(0, 0.5, (length, WIDTH)).astype("float32")
    data[np.arange(length), label.astype(int)] += 1
    return data, label


def iterator(length=ROWS, seed=0, **settings):
    return mx.io.NDArrayIter(*samples(length, seed), BATCH, **settings)


def features():
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=6, name="fc1")
    return mx.sym.Activation(x, act_type="tanh", name="tanh1")


def softmax(x=None, **settings):
    x = mx.sym.FullyConnected(features() if x is None else x, num_hidden=CLASSES, name="fc2")
    return mx.sym.SoftmaxOutput(x, name="softmax", **settings)


@pytest.fixture
def habit(program):
    """Runs a program under both, and compares.

    `make()` gives what differs from a small classifier. Its "symbol" is built once: the names that
    MXNet counts up are then the same in both.
    """

    def both(make, **how):
        net = make().get("symbol")
        net = softmax() if net is None else net

        def made():
            found = {"symbol": net, "train": iterator(), "validation": iterator(8, 1)}
            found.update({name: value for name, value in make().items() if name != "symbol"})
            settings = {"optimizer_params": {"learning_rate": 0.3}, "eval_metric": "acc"}
            settings.update(found.get("settings", {}))
            found["settings"] = settings
            if "arg_params" not in found:
                train = found["train"]
                shapes = {desc[0]: desc[1] for desc in train.provide_data + train.provide_label}
                found["arg_params"], found["aux_params"] = program.initial(net, scale=0.4, **shapes)
            return found

        both.module = program.by_module(made())
        both.densefit = program.by_densefit(made(), **how)
        program.assert_same(made(), both.module, both.densefit)
        return both.densefit

    return both


def test_label_smoothing_and_normalization(habit):
    for settings in (
        {"smooth_alpha": 0.1},
        {"normalization": "batch", "grad_scale": 0.5},
        {"normalization": "valid"},
    ):
        habit(lambda settings=settings: {"symbol": softmax(**settings)})


def test_an_optimizer_object(habit):
    def make():
        optimizer = mx.optimizer.SGD(learning_rate=0.3, momentum=0.9, rescale_grad=1.0 / BATCH)
        return {"settings": {"optimizer": optimizer, "optimizer_params": ()}}

    habit(make)


def test_an_optimizer_object_decays_biases_too_as_in_module(habit):
    """Of an object that it did not make itself, Module knows no names."""

    def make():
        params = {"learning_rate": 0.3, "momentum": 0.9, "wd": 0.1, "rescale_grad": 1.0 / BATCH}
        return {"settings": {"optimizer": mx.optimizer.SGD(**params), "optimizer_params": ()}}

    habit(make)


def test_of_a_symbol_an_optimizer_object_decays_what_a_named_one_does(program, caplog):
    """We say so, for Module would decay biases too."""
    params = {"learning_rate": 0.3, "momentum": 0.9, "wd": 0.1, "rescale_grad": 1.0 / BATCH}
    module = prepared(softmax())
    start = {"arg_params": {n: v.copy() for n, v in module.get_params()[0].items()}}
    module.fit(iterator(), num_epoch=2, optimizer_params=params)
    history = df.fit(softmax(), iterator(), epochs=2, optimizer=mx.optimizer.SGD(**params), **start)
    program.assert_params_equal(
        module.get_params(),
        (df.interop.arg_params(history.network), df.interop.aux_params(history.network)),
    )
    assert "wd=0.1 of the optimizer object decays weights only" in caplog.text


def test_an_optimizer_object_whose_rescale_grad_is_one(habit):
    """The object's own rescale_grad counts, though it was only never set."""

    def make():
        optimizer = mx.optimizer.SGD(learning_rate=0.05, momentum=0.9)
        return {"settings": {"optimizer": optimizer, "optimizer_params": ()}}

    habit(make)


def test_a_callback_lowers_the_rate_of_the_optimizer(habit):
    """insightface and others divide `opt.lr` at given batches."""

    def make():
        optimizer = mx.optimizer.SGD(learning_rate=0.5, rescale_grad=1.0 / BATCH)
        updates = [0]

        def lower(param):
            updates[0] += 1
            if updates[0] in (2, 4):
                optimizer.lr *= 0.1

        return {
            "settings": {
                "optimizer": optimizer,
                "optimizer_params": (),
                "batch_end_callback": lower,
            }
        }

    habit(make)


def test_an_optimizer_of_the_users_own(habit):
    @mx.optimizer.register
    class Signed(mx.optimizer.Optimizer):
        """Steps of one length."""

        def create_state(self, index, weight):
            return mx.nd.zeros_like(weight)

        def update(self, index, weight, grad, state):
            self._update_count(index)
            state[:] = 0.9 * state + grad * self.rescale_grad
            weight[:] -= self._get_lr(index) * mx.nd.sign(state)

    habit(
        lambda: {"settings": {"optimizer": "signed", "optimizer_params": {"learning_rate": 0.01}}}
    )


def test_rates_and_decays_of_variables(habit):
    def make():
        with mx.AttrScope(lr_mult="0.1"):
            x = features()
        weight = mx.sym.Variable("fc2_weight", lr_mult=2.0, wd_mult=0.0)
        x = mx.sym.FullyConnected(x, weight=weight, num_hidden=CLASSES, name="fc2")
        return {
            "symbol": mx.sym.SoftmaxOutput(x, name="softmax"),
            "settings": {
                "optimizer": "adam",
                "optimizer_params": {"learning_rate": 0.02, "wd": 0.1},
            },
        }

    habit(make)


@pytest.mark.parametrize("name", ["sgd", "nag", "adam", "rmsprop", "adagrad", "ftrl", "signum"])
def test_optimizers_by_name(habit, name):
    params = {"learning_rate": 0.03, "wd": 0.01, "clip_gradient": 0.05}
    habit(lambda: {"settings": {"optimizer": name, "optimizer_params": params}})


def test_settings_as_pairs(habit):
    habit(lambda: {"settings": {"optimizer_params": (("learning_rate", 0.1), ("momentum", 0.9))}})


def test_a_kvstore_object_and_a_monitor(habit):
    lines = []

    def make():
        return {
            "settings": {
                "kvstore": mx.kvstore.create("local"),
                "monitor": mx.mon.Monitor(2, pattern=".*weight", sort=True),
                "optimizer_params": {"learning_rate": 0.1, "momentum": 0.9},
            }
        }

    class Lines(logging.Handler):
        def emit(self, record):
            if record.getMessage().startswith("Batch:"):
                lines.append(record.getMessage())

    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        habit(make)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    half = len(lines) // 2
    assert half > 2
    assert lines[:half] == lines[half:]


def test_two_devices(program, habit):
    """Two contexts of the CPU: each has half of a batch."""
    made = {"symbol": softmax(), "train": iterator(), "validation": None}
    arg_params, _ = program.initial(made["symbol"], data=(BATCH, WIDTH), softmax_label=(BATCH,))
    ends = []
    for kind in ("theirs", "ours"):
        module = mx.mod.Module(made["symbol"], context=[mx.cpu(0), mx.cpu(1)])
        settings = {"optimizer_params": {"learning_rate": 0.3}, "arg_params": arg_params}
        if kind == "theirs":
            module.fit(iterator(), num_epoch=2, kvstore="device", **settings)
        else:
            df.fit(module, iterator(), epochs=2, kvstore="device", **settings)
        ends.append(module.get_params())
    for name, value in ends[0][0].items():
        np.testing.assert_allclose(
            value.asnumpy(), ends[1][0][name].asnumpy(), rtol=1e-5, atol=1e-7, err_msg=name
        )


@pytest.mark.parametrize(
    "initializer",
    [
        mx.init.Constant(0.1),
        mx.init.Mixed([".*fc2.*", ".*"], [mx.init.Constant(0.2), mx.init.One()]),
        mx.init.Load({"fc1_weight": mx.nd.full((6, WIDTH), 0.3)}, mx.init.Constant(0.05)),
    ],
    ids=["constant", "mixed", "load"],
)
def test_an_initializer_without_random_numbers(program, initializer):
    """And a Variable's own, which comes first."""
    own = mx.sym.Variable("fc1_bias", init=mx.init.Constant(-0.5))
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), bias=own, num_hidden=6, name="fc1")
    net = softmax(mx.sym.Activation(x, act_type="tanh"))
    theirs = mx.mod.Module(net)
    settings = {"initializer": initializer, "optimizer_params": {"learning_rate": 0.2}}
    theirs.fit(iterator(), num_epoch=1, **settings)
    history = df.fit(net, iterator(), epochs=1, **settings)
    program.assert_params_equal(
        theirs.get_params(),
        (df.interop.arg_params(history.network), df.interop.aux_params(history.network)),
    )


def test_fine_tunes_with_parameters_of_another_head(program):
    """A new last layer: names that it lacks are drawn, names that it does not have are ignored."""
    old = softmax(mx.sym.FullyConnected(features(), num_hidden=7, name="old"))
    arg_params, aux_params = program.initial(old, data=(BATCH, WIDTH), softmax_label=(BATCH,))
    del arg_params["fc2_weight"], arg_params["fc2_bias"]
    kept = old.get_internals()["tanh1_output"]
    net = softmax(kept)
    ends = []
    for kind in ("theirs", "ours"):
        settings = {
            "arg_params": arg_params,
            "aux_params": aux_params,
            "allow_missing": True,
            "initializer": mx.init.Constant(0.1),
            "optimizer_params": {"learning_rate": 0.2},
        }
        module = mx.mod.Module(net)
        if kind == "theirs":
            module.fit(iterator(), num_epoch=2, **settings)
        else:
            df.fit(module, iterator(), epochs=2, **settings)
        ends.append(module.get_params())
    program.assert_params_equal(*ends)
    assert "old_weight" not in ends[1][0]


def prepared(net, **optimizer):
    """A Module that its user has bound and initialised."""
    module = mx.mod.Module(net)
    train = iterator()
    module.bind(data_shapes=train.provide_data, label_shapes=train.provide_label)
    module.init_params(mx.init.Constant(0.1))
    rng = np.random.RandomState(0)
    arg_params, aux_params = module.get_params()
    for value in arg_params.values():
        value[:] = mx.nd.array(rng.normal(0, 0.4, value.shape))
    module.set_params(arg_params, aux_params)
    if optimizer:
        module.init_optimizer(**optimizer)
    return module


@pytest.mark.parametrize(
    "optimizer",
    [{}, {"optimizer": "adam", "optimizer_params": {"learning_rate": 0.05}}],
    ids=["parameters", "optimizer too"],
)
def test_a_module_that_is_prepared(program, optimizer):
    """Module.fit goes on with what its user has bound and initialised, optimizer included."""
    net = softmax()
    theirs, ours = prepared(net, **optimizer), prepared(net, **optimizer)
    settings = {"optimizer_params": {"learning_rate": 0.2, "momentum": 0.9}}
    theirs.fit(iterator(), num_epoch=2, **settings)
    df.fit(ours, iterator(), epochs=2, **settings)
    program.assert_params_equal(theirs.get_params(), ours.get_params())


def test_fits_a_module_twice(program):
    """The second fit goes on with the optimizer of the first, momentum and all."""
    net = softmax()
    theirs, ours = prepared(net), prepared(net)
    settings = {"optimizer_params": {"learning_rate": 0.2, "momentum": 0.9}}
    for begin in (0, 1):
        theirs.fit(iterator(), begin_epoch=begin, num_epoch=begin + 1, **settings)
        df.fit(ours, iterator(), begin_epoch=begin, epochs=begin + 1, **settings)
    program.assert_params_equal(theirs.get_params(), ours.get_params())


def test_module_checkpoint_with_optimizer_states(program, tmp_path):
    """The callback reads the Module: it holds the epoch's parameters and states."""
    net = softmax()
    settings = {"optimizer": "adam", "optimizer_params": {"learning_rate": 0.05}}
    states = []
    for kind in ("theirs", "ours"):
        module = prepared(net)
        prefix = str(tmp_path / kind)
        callback = mx.callback.module_checkpoint(module, prefix, 1, save_optimizer_states=True)
        if kind == "theirs":
            module.fit(iterator(), num_epoch=2, epoch_end_callback=callback, **settings)
        else:
            df.fit(module, iterator(), epochs=2, epoch_end_callback=callback, **settings)
        for epoch in (1, 2):
            loaded = mx.mod.Module.load(prefix, epoch, load_optimizer_states=True)
            loaded.fit(iterator(), begin_epoch=epoch, num_epoch=epoch + 1, **settings)
            states.append(loaded.get_params())
    for first, second in zip(states[:2], states[2:]):
        program.assert_params_equal(first, second)


def test_the_module_can_be_read_in_a_batch_callback(program):
    """insightface saves and verifies every so many batches, not epochs."""
    net = softmax()
    seen = {"theirs": [], "ours": []}
    for kind, record in seen.items():
        module = prepared(net)

        def look(param, module=module, record=record):
            record.append(module.get_params()[0]["fc1_weight"].asnumpy().copy())
            if param.nbatch == 1:
                batch = next(iter(iterator(seed=3)))
                module.forward(batch, is_train=False)
                record.append(module.get_outputs()[0].asnumpy().copy())

        settings = {"batch_end_callback": look, "optimizer_params": {"learning_rate": 0.2}}
        if kind == "theirs":
            module.fit(iterator(), num_epoch=2, **settings)
        else:
            df.fit(module, iterator(), epochs=2, **settings)
    assert len(seen["theirs"]) == len(seen["ours"]) == 8
    for theirs, ours in zip(seen["theirs"], seen["ours"]):
        np.testing.assert_allclose(theirs, ours, rtol=1e-6)


# Iterators.


class Plain(mx.io.DataIter):
    """Says no more than it must: no pad, no names in its batches, labels in an order of its own."""

    def __init__(self, seed=0):
        super().__init__(BATCH)
        self.inner = iterator(seed=seed)
        self.provide_data = self.inner.provide_data
        self.provide_label = [("size_label", (BATCH, 1)), ("softmax_label", (BATCH,))]

    def reset(self):
        self.inner.reset()

    def next(self):
        batch = self.inner.next()
        size = mx.nd.sum(batch.data[0], axis=1, keepdims=True)
        return mx.io.DataBatch(batch.data, [size, batch.label[0]])


def test_batches_without_names_and_pad(habit):
    def make():
        x = features()
        size = mx.sym.FullyConnected(x, num_hidden=1, name="size_fc")
        net = mx.sym.Group([softmax(x), mx.sym.LinearRegressionOutput(size, name="size")])
        return {
            "symbol": net,
            "label_names": ["size_label", "softmax_label"],
            "train": Plain(),
            "validation": Plain(1),
            "settings": {
                "eval_metric": [
                    mx.metric.Accuracy(
                        output_names=["softmax_output"], label_names=["softmax_label"]
                    ),
                    mx.metric.MSE(output_names=["size_output"], label_names=["size_label"]),
                ]
            },
        }

    run = habit(make)
    scores = df.score(run.model, Plain(2))
    assert {"softmax/accuracy"} <= set(scores)
    assert any(name.startswith("size/") for name in scores)


@pytest.mark.parametrize("kind", ["resize", "prefetch", "discard", "longer than an epoch"])
def test_wrapped_iterators(habit, kind):
    def wrap(seed):
        if kind == "resize":
            return mx.io.ResizeIter(iterator(seed=seed), 2)
        if kind == "longer than an epoch":
            return mx.io.ResizeIter(iterator(seed=seed), 5)
        if kind == "prefetch":
            return mx.io.PrefetchingIter(iterator(seed=seed))
        return iterator(ROWS + 2, seed=seed, last_batch_handle="discard")

    habit(lambda: {"train": wrap(0)})


@pytest.mark.parametrize("kind", ["resize", "discard"])
def test_validation_on_a_part_of_the_data_is_refused_with_advice(kind):
    """Module scores what comes. We score each sample once, or say what to write instead."""
    part = {
        "resize": lambda: mx.io.ResizeIter(iterator(seed=1), 2),
        "discard": lambda: iterator(ROWS + 2, seed=1, last_batch_handle="discard"),
    }[kind]
    with pytest.raises(df_errors.DataError, match="(?s)exactly once.*fix: +(the iterator|last_b)"):
        df.fit(softmax(), iterator(), validation=part(), epochs=1)


def test_validates_with_another_batch_size(habit):
    habit(lambda: {"validation": mx.io.NDArrayIter(*samples(12, 1), 6)})


def test_csv_files(habit, tmp_path):
    data, label = samples()
    np.savetxt(tmp_path / "data.csv", data, delimiter=",")
    np.savetxt(tmp_path / "label.csv", label, delimiter=",")

    def read():
        return mx.io.CSVIter(
            data_csv=str(tmp_path / "data.csv"),
            data_shape=(WIDTH,),
            label_csv=str(tmp_path / "label.csv"),
            batch_size=BATCH,
        )

    habit(lambda: {"train": read(), "validation": read()})


# Metrics.


def test_two_metrics_of_one_name(program):
    """Module prints both lines; neither may be lost."""

    def make():
        x = features()
        even = mx.sym.FullyConnected(x, num_hidden=2, name="even_fc")
        net = mx.sym.Group([softmax(x), mx.sym.SoftmaxOutput(even, name="even")])
        return {
            "symbol": net,
            "label_names": ["softmax_label", "even_label"],
            "train": two_labels(0),
            "validation": two_labels(1),
            "settings": {
                "eval_metric": [
                    mx.metric.Accuracy(
                        output_names=[f"{name}_output"], label_names=[f"{name}_label"]
                    )
                    for name in ("softmax", "even")
                ]
            },
        }

    def two_labels(seed):
        data, label = samples(seed=seed)
        return mx.io.NDArrayIter(
            {"data": data}, {"softmax_label": label, "even_label": label % 2}, BATCH
        )

    net = make()["symbol"]
    made = {**make(), "symbol": net}
    made["arg_params"], made["aux_params"] = program.initial(
        net, data=(BATCH, WIDTH), softmax_label=(BATCH,), even_label=(BATCH,)
    )
    run = program.by_densefit(made)
    accuracies = [
        value for name, value in run.history.epochs[1]["train"].items() if "accuracy" in name
    ]
    assert len(accuracies) == 2


@pytest.mark.parametrize(
    "metric",
    [
        lambda: mx.metric.F1(average="micro"),
        lambda: mx.metric.MCC(),
        lambda: mx.metric.CustomMetric(lambda label, pred: (label.sum(), len(label))),
        lambda: mx.metric.np(lambda label, pred: float(label.mean()), name="mean-label"),
        lambda: mx.metric.create(["acc", "f1", "ce", "nll_loss", "pearsonr"][:1]),
        lambda: mx.metric.PCC(),
    ],
    ids=["f1", "mcc", "sum and count", "np", "list", "pcc"],
)
def test_metrics_of_mxnet(habit, metric):
    def make():
        data, label = samples(seed=0)
        net = mx.sym.FullyConnected(features(), num_hidden=2, name="fc2")
        return {
            "symbol": mx.sym.SoftmaxOutput(net, name="softmax"),
            "train": mx.io.NDArrayIter(data, label % 2, BATCH),
            "validation": mx.io.NDArrayIter(data, label % 2, BATCH),
            "settings": {"eval_metric": metric()},
        }

    habit(make)


# Graphs.


def characters(seed, length=ROWS):
    """Pictures with four digits each, label (N, 4)."""
    rng = np.random.RandomState(seed)
    label = rng.randint(0, CLASSES, (length, 4)).astype("float32")
    data = rng.normal(0, 0.3, (length, 4, CLASSES)).astype("float32")
    for k in range(4):
        data[np.arange(length), k, label[:, k].astype(int)] += 1
    return data.reshape(length, -1), label


def captcha():
    """Four classifiers one below the other; the label is transposed to match."""
    data, label = mx.sym.Variable("data"), mx.sym.Variable("label")
    digits = [mx.sym.FullyConnected(data, num_hidden=CLASSES, name=f"digit{k}") for k in range(4)]
    label = mx.sym.Reshape(mx.sym.transpose(label), shape=(-1,))
    return mx.sym.SoftmaxOutput(mx.sym.Concat(*digits, dim=0), label=label, name="softmax")


def all_right(label, pred):
    """Share of pictures whose four digits are all right."""
    classes = pred.argmax(1).reshape(4, -1).T
    return float((classes == label).all(1).mean())


def test_rows_of_one_sample_lie_apart(program, habit):
    def read(seed, length=ROWS):
        return mx.io.NDArrayIter(*characters(seed, length), BATCH, label_name="label")

    def make():
        return {
            "symbol": captcha(),
            "label_names": ["label"],
            "train": read(0),
            "validation": read(1),
            "settings": {"eval_metric": all_right},
        }

    run = habit(make)
    data, label = characters(2, 10)
    pred = program.forward({"symbol": captcha()}, run.params, data=data, label=label)
    classes = pred["softmax_output"].argmax(1).reshape(4, -1).T
    parts = [slice(0, 4), slice(4, 8), slice(8, 10)]
    expected = np.mean([(classes == label)[part].all(1).mean() for part in parts])
    scores = df.score(run.network, read(2, 10), eval_metric=all_right)
    assert scores == pytest.approx({"module/all_right": expected})


@pytest.mark.parametrize("ignored", [None, 0])
def test_a_language_model(program, habit, ignored):
    """Rows of steps: the label is reshaped, and a perplexity leaves padding out."""
    steps, words = 4, 6

    def read(seed, length=ROWS):
        rng = np.random.RandomState(seed)
        text = rng.randint(0, words, (length, steps + 1))
        return mx.io.NDArrayIter(
            text[:, :-1].astype("float32"), text[:, 1:].astype("float32"), BATCH
        )

    def model():
        data, label = mx.sym.Variable("data"), mx.sym.Variable("softmax_label")
        x = mx.sym.Embedding(data, input_dim=words, output_dim=5, name="embed")
        stack = mx.rnn.SequentialRNNCell()
        stack.add(mx.rnn.LSTMCell(num_hidden=4, prefix="lstm_"))
        outputs, _ = stack.unroll(steps, inputs=x, merge_outputs=True)
        pred = mx.sym.FullyConnected(
            mx.sym.Reshape(outputs, shape=(-1, 4)), num_hidden=words, name="pred"
        )
        label = mx.sym.Reshape(label, shape=(-1,))
        settings = {} if ignored is None else {"use_ignore": True, "ignore_label": ignored}
        return mx.sym.SoftmaxOutput(data=pred, label=label, name="softmax", **settings)

    def make():
        return {
            "symbol": model(),
            "train": read(0),
            "validation": read(1),
            "settings": {"eval_metric": mx.metric.Perplexity(ignored)},
        }

    run = habit(make)
    (data,), (label,) = ([array.asnumpy() for _, array in kind] for kind in (
        read(2, 10).data, read(2, 10).label
    ))  # fmt: skip
    prob = program.forward({"symbol": model()}, run.params, data=data, softmax_label=label)
    prob = prob["softmax_output"].reshape(10, steps, words)
    right = np.take_along_axis(prob, label.astype(int)[..., None], 2)[..., 0]
    counted = np.ones_like(right, bool) if ignored is None else label != ignored
    scores = df.score(run.network, read(2, 10), eval_metric=mx.metric.Perplexity(ignored))
    expected = np.exp(-np.log(right[counted]).mean())
    assert scores["module/perplexity"] == pytest.approx(expected, rel=1e-5)
    hits = (prob.argmax(2) == label)[counted].mean()
    assert df.score(run.model, read(2, 10))["softmax/accuracy"] == pytest.approx(hits)


class TimeMajor(mx.io.DataIter):
    """Batches of (steps, samples), as recurrent layers want them."""

    def __init__(self, seed, steps=4, words=6):
        super().__init__(BATCH)
        self.text = np.random.RandomState(seed).randint(0, words, (3, steps + 1, BATCH))
        self.provide_data, self.provide_label = (
            [mx.io.DataDesc(name, (steps, BATCH), layout="TN")]
            for name in ("data", "softmax_label")
        )
        self.reset()

    def reset(self):
        self.rest = iter(self.text)

    def next(self):
        text = next(self.rest)
        return mx.io.DataBatch([mx.nd.array(text[:-1])], [mx.nd.array(text[1:])], pad=0)


def test_samples_on_the_second_axis_are_refused_with_advice():
    """Module trains them; which rows of a padded batch are samples, its iterators do not say."""
    with pytest.raises(df_errors.DataError, match="(?s)another axis than the first.*swapaxes"):
        df.fit(softmax(), TimeMajor(0), epochs=1)


def test_a_module_of_many_symbols_is_refused_with_advice():
    """BucketingModule has a symbol for each length."""

    def symbol_of(key):
        return softmax(), ["data"], ["softmax_label"]

    module = mx.mod.BucketingModule(symbol_of, default_bucket_key=WIDTH)
    with pytest.raises(df_errors.ConfigError, match="BucketingModule(.|\n)*one bucket"):
        df.fit(module, iterator(), epochs=1)


def test_the_label_is_read_in_the_forward_pass(program, habit):
    """Margins on the logit of the true class; the embedding is a second output."""

    def model():
        label = mx.sym.Variable("softmax_label")
        embedding = mx.sym.FullyConnected(features(), num_hidden=4, name="embedding")
        weight = mx.sym.L2Normalization(mx.sym.Variable("fc7_weight", shape=(CLASSES, 4)))
        normed = mx.sym.L2Normalization(embedding) * 8
        logits = mx.sym.FullyConnected(
            normed, weight=weight, no_bias=True, num_hidden=CLASSES, name="fc7"
        )
        margin = mx.sym.one_hot(label, depth=CLASSES, on_value=0.5 * 8)
        out = mx.sym.SoftmaxOutput(
            logits - margin, label=label, normalization="valid", name="softmax"
        )
        return mx.sym.Group([mx.sym.BlockGrad(embedding, name="emb"), out])

    class AccMetric(mx.metric.EvalMetric):
        def __init__(self):
            self.axis = 1
            super().__init__("acc", axis=self.axis, output_names=None, label_names=None)
            self.losses = []

        def update(self, labels, preds):
            preds = [preds[1]]
            for label, pred in zip(labels, preds):
                if pred.shape != label.shape:
                    pred = mx.ndarray.argmax(pred, axis=self.axis)
                pred = pred.asnumpy().astype("int32").flatten()
                label = label.asnumpy()
                if label.ndim == 2:
                    label = label[:, 0]
                label = label.astype("int32").flatten()
                self.sum_metric += (pred.flat == label.flat).sum()
                self.num_inst += len(pred.flat)

    def make():
        return {
            "symbol": model(),
            "settings": {
                "eval_metric": mx.metric.CompositeEvalMetric([AccMetric()]),
                "kvstore": "device",
                "allow_missing": True,
                "optimizer_params": {"learning_rate": 0.1, "momentum": 0.9, "rescale_grad": 1.0},
            },
        }

    run = habit(make)
    data, label = samples(10, 2)
    outputs = program.forward({"symbol": model()}, run.params, data=data, softmax_label=label)
    expected = (outputs["softmax_output"].argmax(1) == label).mean()
    scores = df.score(run.network, iterator(10, 2), eval_metric=AccMetric())
    assert scores["module/acc"] == expected
    predictions = df.predict(run.network, iterator(10, 2))
    np.testing.assert_allclose(predictions["emb_output"], outputs["emb_output"], rtol=1e-5)


def test_noise_contrastive_estimation(habit):
    """Labels go through an Embedding; their weights are the labels of the loss."""
    words, count = 7, 3

    def read(seed):
        rng = np.random.RandomState(seed)
        label = rng.randint(0, words, (ROWS, count)).astype("float32")
        weight = np.tile(np.float32([1, 0, 0]), (ROWS, 1))
        return mx.io.NDArrayIter(
            {"data": samples(seed=seed)[0]}, {"label": label, "label_weight": weight}, BATCH
        )

    def make():
        label, weight = mx.sym.Variable("label"), mx.sym.Variable("label_weight")
        table = mx.sym.Variable("embed_weight")
        embedded = mx.sym.Embedding(
            label, weight=table, input_dim=words, output_dim=6, name="embed"
        )
        hidden = mx.sym.Reshape(features(), shape=(-1, 1, 6))
        pred = mx.sym.sum(mx.sym.broadcast_mul(hidden, embedded), axis=2)
        return {
            "symbol": mx.sym.LogisticRegressionOutput(data=pred, label=weight, name="nce"),
            "label_names": ["label", "label_weight"],
            "train": read(0),
            "validation": read(1),
            "settings": {"eval_metric": first_wins()},
        }

    def first_wins():
        class NceAccuracy(mx.metric.EvalMetric):
            def __init__(self):
                super().__init__("nce-accuracy")

            def update(self, labels, preds):
                weight, pred = labels[1].asnumpy(), preds[0].asnumpy()
                self.sum_metric += (weight.argmax(1) == pred.argmax(1)).sum()
                self.num_inst += len(pred)

        return NceAccuracy()

    habit(make)


class Softmax(mx.operator.CustomOp):
    """Softmax with the gradient of its cross-entropy, in numpy."""

    def forward(self, is_train, req, in_data, out_data, aux):
        x = in_data[0].asnumpy()
        y = np.exp(x - x.max(axis=1, keepdims=True))
        self.assign(out_data[0], req[0], mx.nd.array(y / y.sum(axis=1, keepdims=True)))

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        label = in_data[1].asnumpy().ravel().astype(int)
        y = out_data[0].asnumpy()
        y[np.arange(len(label)), label] -= 1
        self.assign(in_grad[0], req[0], mx.nd.array(y))


@mx.operator.register("programs_softmax")
class SoftmaxProp(mx.operator.CustomOpProp):
    """Shapes of the softmax."""

    def __init__(self):
        super().__init__(need_top_grad=False)

    def list_arguments(self):
        return ["data", "label"]

    def list_outputs(self):
        return ["output"]

    def infer_shape(self, in_shape):
        return [in_shape[0], (in_shape[0][0],)], [in_shape[0]], []

    def create_operator(self, ctx, shapes, dtypes):
        return Softmax()


def test_a_loss_in_numpy(program, habit):
    """A Custom operator sends a gradient of its own; its label is one by name only."""

    def make():
        x = mx.sym.FullyConnected(features(), num_hidden=CLASSES, name="fc2")
        return {"symbol": mx.sym.Custom(x, op_type="programs_softmax", name="softmax")}

    run = habit(make)
    data, label = samples(10, 2)
    prob = program.forward(make(), run.params, data=data, softmax_label=label)["softmax_output"]
    scores = df.score(run.network, iterator(10, 2), eval_metric="acc")
    assert scores["module/accuracy"] == (prob.argmax(1) == label).mean()


def test_many_labels_in_one(habit):
    """Sigmoids with cross-entropy, told by a function of the user's."""

    def read(seed):
        data, label = samples(seed=seed)
        several = (data[:, :3] > 0.3).astype("float32")
        return mx.io.NDArrayIter(data, several, BATCH)

    def crps(label, pred):
        return float(np.mean((label - pred) ** 2))

    def make():
        x = mx.sym.FullyConnected(features(), num_hidden=3, name="fc2")
        return {
            "symbol": mx.sym.LogisticRegressionOutput(x, name="softmax"),
            "train": read(0),
            "validation": read(1),
            "settings": {"eval_metric": mx.metric.np(crps)},
        }

    habit(make)


def test_a_convolution_is_an_output(program, habit):
    """With 8 filters it lies in memory in blocks, which no view of some rows can be copied from."""

    def read(seed, length=8):
        rng = np.random.RandomState(seed)
        data = rng.normal(0, 1, (length, 8, 6, 6)).astype("float32")
        return mx.io.NDArrayIter(data, (data[:, 0].sum((1, 2)) > 0).astype("float32"), BATCH)

    def make():
        x = mx.sym.Convolution(
            mx.sym.Variable("data"), kernel=(3, 3), pad=(1, 1), num_filter=8, name="conv"
        )
        fc = mx.sym.FullyConnected(x, num_hidden=2, name="fc")
        return {
            "symbol": mx.sym.Group(
                [mx.sym.SoftmaxOutput(fc, name="softmax"), mx.sym.BlockGrad(x, name="maps")]
            ),
            "train": read(0),
            "validation": read(1),
            "settings": {"eval_metric": mx.metric.Loss(output_names=["maps_output"])},
        }

    run = habit(make)
    (_, data), (_, label) = read(2, 6).data[0], read(2, 6).label[0]
    net = {"symbol": make()["symbol"]}
    maps = program.forward(net, run.params, data=data, softmax_label=label)["maps_output"]
    scores = df.score(
        run.network, read(2, 6), eval_metric=mx.metric.Loss(output_names=["maps_output"])
    )
    assert list(scores.values()) == pytest.approx([maps.mean()], rel=1e-4)
    predictions = df.predict(run.network, read(2, 6))["maps_output"]
    np.testing.assert_allclose(predictions, maps, rtol=1e-4, atol=1e-6)


def test_dropout_and_batch_norm_are_off_in_scores(program):
    """Both draw at random, so only the scores can be compared."""

    def model():
        x = mx.sym.Dropout(mx.sym.BatchNorm(features(), fix_gamma=False, name="bn"), p=0.5)
        return softmax(x)

    net = model()
    history = df.fit(net, iterator(), epochs=2, optimizer_params={"learning_rate": 0.1})
    data, label = samples(10, 2)
    prob = program.forward(
        {"symbol": net},
        (df.interop.arg_params(history.network), df.interop.aux_params(history.network)),
        data=data,
    )
    prob = prob["softmax_output"]
    scores = df.score(history.network, iterator(10, 2))
    assert scores["softmax/accuracy"] == (prob.argmax(1) == label).mean()
    np.testing.assert_allclose(
        df.predict(history.network, iterator(10, 2))["softmax_output"], prob, rtol=1e-4, atol=1e-6
    )
