"""Two softmaxes on one layer, fed by an iterator that wraps another."""

import mxnet as mx
import numpy as np
import pytest

import densefit as df


class TwoLabels(mx.io.DataIter):
    """Gives the one label of the wrapped iterator to two outputs."""

    def __init__(self, wrapped):
        super().__init__()
        self.wrapped = wrapped
        self.batch_size = wrapped.batch_size

    @property
    def provide_data(self):
        return self.wrapped.provide_data

    @property
    def provide_label(self):
        shape = self.wrapped.provide_label[0][1]
        return [("softmax1_label", shape), ("softmax2_label", shape)]

    def hasNext(self):  # noqa: N802 - the name in MXNet's examples
        return self.wrapped.hasNext()

    def reset(self):
        self.wrapped.reset()

    def next(self):
        batch = self.wrapped.next()
        label = batch.label[0]
        return mx.io.DataBatch(
            data=batch.data, label=[label, label % 2], pad=batch.pad, index=batch.index
        )


class MultiAccuracy(mx.metric.EvalMetric):
    """One accuracy for each output, with sums and counts in lists."""

    def __init__(self, num):
        self.num = num
        super().__init__("multi-accuracy")

    def reset(self):
        self.num_inst = [0] * self.num
        self.sum_metric = [0.0] * self.num

    def update(self, labels, preds):
        assert len(labels) == self.num
        for i in range(self.num):
            classes = mx.nd.argmax_channel(preds[i]).asnumpy().astype("int32")
            label = labels[i].asnumpy().astype("int32")
            mx.metric.check_label_shapes(label, classes)
            self.sum_metric[i] += (classes.flat == label.flat).sum()
            self.num_inst[i] += len(classes.flat)

    def get(self):
        return zip(
            *(
                (
                    f"{self.name}-task{i}",
                    self.sum_metric[i] / self.num_inst[i] if self.num_inst[i] else float("nan"),
                )
                for i in range(self.num)
            )
        )

    def get_name_value(self):
        names, values = self.get()
        return list(zip(names, values))


def samples(length, seed):
    rng = np.random.RandomState(seed)
    label = rng.randint(0, 4, length).astype("float32")
    data = rng.normal(0, 0.3, (length, 1, 4, 4)).astype("float32")
    data[np.arange(length), 0, 1, label.astype(int)] += 2
    return data, label


def iterator(length=24, batch_size=8, seed=0):
    return TwoLabels(mx.io.NDArrayIter(*samples(length, seed), batch_size))


def symbol():
    x = mx.sym.Flatten(mx.sym.Variable("data"))
    x = mx.sym.FullyConnected(x, name="fc1", num_hidden=8)
    x = mx.sym.Activation(x, name="relu1", act_type="relu")
    x = mx.sym.FullyConnected(x, name="fc2", num_hidden=4)
    return mx.sym.Group(
        [mx.sym.SoftmaxOutput(x, name="softmax1"), mx.sym.SoftmaxOutput(x, name="softmax2")]
    )


@pytest.fixture
def multi_task(program):
    def make():
        net = symbol()
        arg_params, aux_params = program.initial(
            net, data=(8, 1, 4, 4), softmax1_label=(8,), softmax2_label=(8,)
        )
        return {
            "symbol": net,
            "label_names": ["softmax1_label", "softmax2_label"],
            "train": iterator(),
            "validation": iterator(16, seed=1),
            "arg_params": arg_params,
            "aux_params": aux_params,
            "settings": {
                "eval_metric": MultiAccuracy(num=2),
                "optimizer_params": {"learning_rate": 0.2, "momentum": 0.9, "wd": 0.00001},
            },
        }

    return make


def accuracies(program, made, params, length, seed):
    data, label = samples(length, seed)
    outputs = program.forward(made, params, data=data)
    first, second = (outputs[f"softmax{i}_output"].argmax(1) for i in (1, 2))
    return {
        "module/multi-accuracy-task0": (first == label).mean(),
        "module/multi-accuracy-task1": (second == label % 2).mean(),
    }


def test_trains_as_module(program, multi_task):
    module_run = program.by_module(multi_task())
    densefit_run = program.by_densefit(multi_task(), model="symbol")
    program.assert_same(multi_task(), module_run, densefit_run)


def test_scores_padded_data(program, multi_task):
    run = program.by_densefit(multi_task())
    scores = df.score(run.network, iterator(13, seed=2), eval_metric=MultiAccuracy(num=2))
    expected = accuracies(program, multi_task(), run.params, 13, 2)
    assert {key: scores[key] for key in expected} == pytest.approx(expected, abs=1e-12)
    # The default heads, by labels that the graph itself names.
    scores = df.score(run.model, iterator(13, seed=2))
    assert scores["softmax1/accuracy"] == expected["module/multi-accuracy-task0"]
    assert scores["softmax2/accuracy"] == expected["module/multi-accuracy-task1"]
    # The Module goes on with what was trained, and counts right where nothing is padded.
    assert dict(run.model.score(iterator(16, seed=1), MultiAccuracy(num=2))) == run.validation[1]


def test_predicts_all_outputs(program, multi_task):
    run = program.by_densefit(multi_task())
    predictions = df.predict(run.network, iterator(13, seed=2))
    expected = program.forward(multi_task(), run.params, data=samples(13, 2)[0])
    assert predictions.keys() == {"softmax1_output", "softmax2_output"}
    for name, value in expected.items():
        np.testing.assert_allclose(predictions[name], value, rtol=1e-5, atol=1e-7)


def test_a_speedometer_leaves_the_lists_alone(program, multi_task):
    """Module.fit stops: Speedometer puts numbers where this metric keeps lists."""

    def with_speedometer():
        made = multi_task()
        made["settings"]["batch_end_callback"] = mx.callback.Speedometer(8, 1)
        return made

    with pytest.raises(TypeError, match="not support item assignment|not subscriptable"):
        program.by_module(with_speedometer())
    spoken = program.by_densefit(with_speedometer()).history.epochs
    silent = program.by_densefit(multi_task()).history.epochs
    assert [one["train"] for one in spoken] == [one["train"] for one in silent]
    assert "module/multi-accuracy-task1" in spoken[0]["train"]
