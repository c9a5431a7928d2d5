"""MXNet's callbacks in df.fit log and see what they do in Module.fit."""

import logging

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx

callback = mx.callback


@pytest.fixture
def compare(tiny, train_both):
    """Train by both; `settings` is a function of the arguments, called once for each."""

    def run(settings, **more):
        return train_both(
            tiny.kind(),
            lambda: tiny.iterator(32, 4, ["kind_label"]),
            {"kind": df.Route(["kind"], ["kind_label"])},
            settings,
            **more,
        )

    return run


class PerClass(mx.metric.EvalMetric):
    """Sums in lists, as the recipe of example/multi-task: `reset_local` breaks it."""

    def reset(self):
        self.sum_metric, self.num_inst = [0.0] * 3, [0] * 3

    def update(self, labels, preds):
        label, guess = labels[0].asnumpy(), preds[0].asnumpy().argmax(axis=1)
        for kind in range(3):
            self.sum_metric[kind] += float((guess == kind)[label == kind].sum())
            self.num_inst[kind] += int((label == kind).sum())

    def get(self):
        pairs = zip(self.sum_metric, self.num_inst)
        values = [total / count if count else float("nan") for total, count in pairs]
        return [f"class{kind}" for kind in range(3)], values


class Uncounted(mx.metric.EvalMetric):
    """Keeps what it likes: `get` fails before the first update."""

    def reset(self):
        self.seen = []

    def update(self, labels, preds):
        self.seen.append(float((preds[0].argmax(axis=1) == labels[0]).sum().asscalar()))
        self.mean = float(np.mean(self.seen))

    def get(self):
        return "hits", self.mean


def right(label, prediction):
    return float((prediction.argmax(axis=1) == label).mean())


METRICS = {
    "name": lambda: "acc",
    "names": lambda: ["acc", "ce"],
    "object": lambda: mx.metric.Accuracy(),
    "function": lambda: right,
    "np": lambda: mx.metric.np(right, name="right"),
    "composite": lambda: mx.metric.CompositeEvalMetric(["acc", mx.metric.MSE()]),
    "by name": lambda: mx.metric.Accuracy(output_names=["kind_output"], label_names=["kind_label"]),
    "lists": lambda: PerClass("per-class"),
    "uncounted": lambda: Uncounted("uncounted"),
}


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_lines_of_any_metric(compare, metric):
    theirs, ours = compare(
        lambda: {
            "eval_metric": metric(),
            "batch_end_callback": callback.Speedometer(4, 3, auto_reset=False),
            "eval_end_callback": [callback.LogValidationMetricsCallback()],
        }
    )
    assert theirs.lines
    assert ours.lines == theirs.lines


@pytest.mark.parametrize(
    "settings",
    [
        dict,
        lambda: {"batch_end_callback": callback.Speedometer(4, 3)},
        lambda: {"batch_end_callback": callback.log_train_metric(2)},
        lambda: {"batch_end_callback": callback.log_train_metric(3, auto_reset=True)},
        lambda: {"batch_end_callback": [callback.ProgressBar(8), callback.Speedometer(4, 2)]},
        lambda: {
            "eval_batch_end_callback": [
                callback.ProgressBar(8),
                callback.Speedometer(4, 3, auto_reset=False),
            ]
        },
        lambda: {"validation_metric": ["acc", mx.metric.MSE()]},
    ],
)
def test_lines_of_mxnet_s_callbacks(compare, settings):
    theirs, ours = compare(lambda: {"eval_metric": ["acc", "ce"], **settings()})
    assert ours.lines == theirs.lines


def test_a_validation_metric_alone_is_told_as_module_fit_does(compare):
    theirs, ours = compare(lambda: {"validation_metric": "ce"})
    assert ours.lines == theirs.lines
    assert any("Validation-cross-entropy" in line for line in ours.lines)


def test_a_reset_by_a_callback_shortens_no_epoch(compare, logged):
    """MXNet's lines of the epoch cover what was left since the last reset."""

    def settings():
        return {
            "eval_metric": PerClass("per-class"),
            "batch_end_callback": callback.Speedometer(4, 3, auto_reset=True),
            "eval_batch_end_callback": callback.Speedometer(4, 3, auto_reset=True),
        }

    with pytest.raises(TypeError):
        compare(settings)  # of Module.fit
    plain = compare(lambda: {"eval_metric": PerClass("per-class")})[1]
    with logged() as log:
        again = plain.again(**settings())
    assert again.epochs[0]["train"] == plain.history.epochs[0]["train"]
    assert again.epochs[0]["validation"] == plain.history.epochs[0]["validation"]
    assert any("[3-6]" in line and "class0" in line for line in log.lines)


def test_do_checkpoint(compare, tmp_path):
    prefix = str(tmp_path / "model")
    theirs, ours = compare(
        lambda: {"eval_metric": "acc", "epoch_end_callback": callback.do_checkpoint(prefix, 2)},
        epochs=4,
    )
    assert ours.lines == theirs.lines
    assert sum("Saved checkpoint" in line for line in ours.lines) == 2
    symbol, arguments, _ = mx.model.load_checkpoint(prefix, 4)
    assert symbol.tojson() == theirs.module.symbol.tojson()
    for name, value in theirs.module.get_params()[0].items():
        np.testing.assert_allclose(arguments[name].asnumpy(), value.asnumpy(), rtol=1e-6)


def test_bare_functions_see_what_module_fit_shows(compare):
    seen = []

    def settings():
        mine = []
        seen.append(mine)
        metric = mx.metric.Accuracy()

        def batch_end(param):
            values = param.locals
            module, batch = values["self"], values["data_batch"]
            mine.append(("batch", param.epoch, param.nbatch, param.eval_metric.get()))
            mine.append((values["epoch"], values["nbatch"], values["train_data"].batch_size))
            mine.append((batch.label[0].asnumpy().tolist(), module.symbol.list_outputs()))
            mine.append(module.get_outputs()[0].asnumpy().round(5).tolist())
            assert param.eval_metric is metric
            assert values["eval_metric"] is metric

        def epoch_end(epoch, symbol, arg_params, aux_params):
            values = {name: v.asnumpy().round(5).tolist() for name, v in arg_params.items()}
            mine.append(("epoch", epoch, symbol.list_arguments(), values, aux_params))

        def eval_batch_end(param):
            mine.append(("eval", param.epoch, param.nbatch, param.eval_metric.get()))
            mine.append(param.locals["eval_batch"].label[0].asnumpy().tolist())

        def eval_end(param):
            mine.append(("end", param.epoch, param.nbatch, param.eval_metric.get()))
            mine.append(param.locals["eval_data"].batch_size)

        return {
            "eval_metric": metric,
            "batch_end_callback": batch_end,
            "epoch_end_callback": [epoch_end],
            "eval_batch_end_callback": [eval_batch_end],
            "eval_end_callback": eval_end,
        }

    compare(settings)
    theirs, ours = seen
    assert [entry for entry in ours if entry != theirs[ours.index(entry)]] == []
    assert ours == theirs


def test_arg_params_are_read_when_asked_for(compare):
    seen = []
    compare(
        lambda: {"batch_end_callback": lambda param: seen.append(param.locals.get("arg_params"))},
        validate=False,
    )
    assert sorted(seen[-1]) == ["kind_fc_bias", "kind_fc_weight"]


def test_module_checkpoint(tiny, tmp_path):
    """The Module holds the trained parameters once something hands them over."""
    data = tiny.iterator(16, 4, ["kind_label"])
    module = mx.mod.Module(tiny.kind(), label_names=["kind_label"])
    module.bind(data.provide_data, data.provide_label)
    hand_over = tiny.Recorder(
        "epoch_ended",
        lambda state, control: module.set_params(
            df.interop.arg_params(state.network), df.interop.aux_params(state.network)
        ),
    )
    history = df.fit(
        module.symbol, data, heads=tiny.kind_route(), epochs=2, callbacks=[hand_over],
        epoch_end_callback=callback.module_checkpoint(module, str(tmp_path / "model")),
    )  # fmt: skip
    _, arguments, _ = mx.model.load_checkpoint(str(tmp_path / "model"), 2)
    values = tiny.values(history.network)
    assert {name: v.asnumpy().tolist() for name, v in arguments.items()} == {
        name: value.tolist() for name, value in values.items()
    }


def test_without_an_eval_metric_callbacks_see_the_heads_numbers(tiny, logged):
    with logged() as log:
        df.fit(
            tiny.kind(), tiny.iterator(16, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=1,
            validation=tiny.iterator(8, 4, ["kind_label"]),
            batch_end_callback=callback.Speedometer(4, 2),
            eval_end_callback=callback.LogValidationMetricsCallback(),
        )  # fmt: skip
    starts = [line.split("=")[0] for line in log.lines]
    assert starts == [
        "Epoch[0] Batch [0-2]\tSpeed: * samples/sec\tkind/accuracy",
        "Epoch[0] Train-kind/accuracy",
        "Epoch[0] Time cost",
        "Epoch[0] Validation-kind/accuracy",
        "Epoch[0] Validation-kind/accuracy",
    ]


def test_several_validations_by_name(tiny, logged):
    with logged() as log:
        history = df.fit(
            tiny.kind(), tiny.iterator(16, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=1,
            validation={n: tiny.iterator(8, 4, ["kind_label"]) for n in "ab"}, eval_metric="acc",
            eval_batch_end_callback=callback.ProgressBar(2),
        )  # fmt: skip
    assert set(history.last_validation) >= {"a/module/accuracy", "b/module/accuracy"}
    assert [line.split("=")[0] for line in log.lines[-2:]] == [
        "Epoch[0] Validation-a/accuracy",
        "Epoch[0] Validation-b/accuracy",
    ]


def test_the_lines_go_to_the_module_s_logger(tiny, caplog):
    logger = logging.getLogger("a.module")
    made = mx.mod.Module(tiny.kind(), label_names=["kind_label"], logger=logger)
    fit = df.interop.ModuleArguments({"monitor": object()}, df.Network(symbol=made.symbol), made)
    with caplog.at_level("INFO"):
        fit.callbacks[0].epoch_ended(df.callbacks.TrainState(None), None)
    assert {record.name for record in caplog.records} == {"a.module"}


@pytest.mark.parametrize("stop", [3, 8, 11])
def test_a_resume_goes_on_with_the_epoch_s_numbers(tiny, tmp_path, logged, stop):
    def run(updates, resume):
        lines = logged()
        with lines:
            history = df.fit(
                tiny.kind(), tiny.iterator(32, 4, ["kind_label"]), heads=tiny.kind_route(),
                updates=updates, resume=resume, checkpoint=tmp_path / str(resume),
                validation=tiny.iterator(8, 4, ["kind_label"]), eval_metric=["acc", "ce"],
                batch_end_callback=callback.Speedometer(4, 2, auto_reset=False),
            )  # fmt: skip
        return history, lines.lines

    whole, lines = run(16, None)
    run(stop, "auto")
    again, rest = run(16, "auto")
    assert again.epochs[-1]["train"] == whole.epochs[-1]["train"]
    assert rest[-4:] == lines[-4:]


def test_a_padded_last_batch_is_seen_without_its_padding(tiny):
    rows = []

    def batch_end(param):
        values = param.locals
        rows.append((values["self"].get_outputs()[0].shape[0], values["data_batch"].pad))

    df.fit(
        tiny.kind(), tiny.iterator(7, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=1,
        batch_end_callback=batch_end,
    )  # fmt: skip
    assert rows == [(4, 0), (3, 1)]
