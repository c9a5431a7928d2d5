"""What Module and MXNet's callbacks print under `Module.fit` and under `df.fit`."""

import logging
import re
import sys

import mxnet as mx
import numpy as np
import pytest

import densefit as df

BATCHES = 7
EPOCH = tuple(f"Epoch[{epoch}] Train-" for epoch in range(2))


def iterator(seed=0):
    rng = np.random.RandomState(seed)
    label = rng.randint(0, 3, 4 * BATCHES)
    data = rng.normal(0, 1, (4 * BATCHES, 3)).astype("float32")
    data[np.arange(len(data)), label] += 1
    return mx.io.NDArrayIter(data, label.astype("float32"), 4)


@pytest.fixture
def printing(program):
    def make(eval_metric="acc", **callbacks):
        x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, name="fc")
        net = mx.sym.SoftmaxOutput(x, name="softmax")
        arg_params, aux_params = program.initial(net, data=(4, 3), softmax_label=(4,))
        return {
            "symbol": net,
            "logger": logging,  # Module's own lines too
            "train": iterator(),
            "validation": iterator(1),
            "arg_params": arg_params,
            "aux_params": aux_params,
            "settings": {
                "eval_metric": eval_metric,
                "optimizer_params": {"learning_rate": 0.1},
                **callbacks,
            },
        }

    return make


def run(fit, made):
    """The lines that the fit and its callbacks log, speeds and times left out."""
    lines = []

    class Lines(logging.Handler):
        def emit(self, record):
            if record.name == "root":  # where callbacks and Module log
                line = re.sub(r"Speed: \S+ samples", "Speed: ... samples", record.getMessage())
                lines.append(re.sub(r"Time cost=\S+", "Time cost=...", line))

    root = logging.getLogger()
    handler, level = Lines(), root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        fit(made)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    return lines


def progress_to_stdout(param):
    """A bar as MXNet wrote it before it logged it."""
    done = round(20 * param.nbatch / BATCHES)
    sys.stdout.write(f"[{'=' * done}{'-' * (20 - done)}] {param.epoch}\r")


def show(param):
    """A user's own line."""
    names, values = param.eval_metric.get()
    if not isinstance(names, list):
        names, values = [names], [values]
    for name, value in zip(names, values):
        logging.info("epoch %d batch %d: %s %.6f", param.epoch, param.nbatch, name, value)


def show_all(param):
    """Both kinds of numbers, out of `locals` as well."""
    logging.info(
        "%s %s %s %s",
        param.locals["epoch"],
        param.locals["nbatch"],
        param.locals["eval_metric"].get_name_value(),
        param.eval_metric.get_global_name_value(),
    )


def every(period, auto_reset):
    def callback(param):
        if param.nbatch % period == period - 1:
            logging.info("%s", param.eval_metric.get_name_value())
            if auto_reset:
                param.eval_metric.reset()

    return callback


BATCH_END = {
    "speedometer": lambda: mx.callback.Speedometer(4, 2),
    "speedometer without reset": lambda: mx.callback.Speedometer(4, 3, auto_reset=False),
    "two speedometers": lambda: [mx.callback.Speedometer(4, 2), mx.callback.Speedometer(4, 3)],
    "log_train_metric": lambda: mx.callback.log_train_metric(3),
    "log_train_metric with reset": lambda: mx.callback.log_train_metric(2, auto_reset=True),
    "progress bar": lambda: mx.callback.ProgressBar(BATCHES, length=20),
    "functions": lambda: [show, every(2, auto_reset=False)],
    "locals": lambda: show_all,
    "a function after a speedometer": lambda: [mx.callback.Speedometer(4, 2), show, show_all],
    "a function that resets": lambda: [every(3, auto_reset=True), show],
}
METRICS = {
    "name": lambda: "acc",
    "list": lambda: ["acc", "ce", mx.metric.TopKAccuracy(2)],
    "object": lambda: mx.metric.CrossEntropy(name="loss"),
    "function": lambda: lambda label, pred: float((pred.argmax(1) == label).mean()),
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("callback", BATCH_END)
def test_lines_of_batches(program, printing, callback, metric):
    def make():
        return printing(METRICS[metric](), batch_end_callback=BATCH_END[callback]())

    theirs, ours = run(program.by_module, make()), run(program.by_densefit, make())
    assert len(theirs) > 6
    if callback == "a function that resets":
        # The function shortens Module's number of the epoch too; densefit's stands for all of it.
        theirs, ours = (
            [line for line in lines if not line.startswith(EPOCH)] for lines in (theirs, ours)
        )
    assert ours == theirs


@pytest.mark.parametrize("metric", METRICS)
def test_lines_of_validation(program, printing, metric):
    """A metric of its own for validation: Module would use one object for both.

    And a Speedometer that does not reset it: Module's score would be that of the last batches.
    """

    def fit_by(by):
        def fit(made):
            made["settings"]["validation_metric"] = METRICS[metric]()
            return by(made)

        return fit

    def make():
        return printing(
            METRICS[metric](),
            batch_end_callback=mx.callback.Speedometer(4, 2),
            eval_batch_end_callback=[show, mx.callback.Speedometer(4, 2, auto_reset=False)],
        )

    theirs = run(fit_by(program.by_module), make())
    assert theirs
    assert run(fit_by(program.by_densefit), make()) == theirs


def test_lines_of_epochs(program, printing, tmp_path):
    """Checkpoints are written before the validation, and each callback is called once."""

    def epoch_end(epoch, symbol, arg_params, aux_params):
        shapes = {name: value.shape for name, value in arg_params.items()}
        norm = float(arg_params["fc_weight"].norm().asscalar())
        logging.info("%d %s %s %.9f %s", epoch, symbol.name, shapes, norm, aux_params)

    def make():
        return printing(
            "acc",
            epoch_end_callback=[epoch_end, mx.callback.do_checkpoint(str(tmp_path / "m"))],
            eval_batch_end_callback=show,
            batch_end_callback=[mx.callback.Speedometer(4, 3, auto_reset=False)],
        )

    theirs = run(program.by_module, make())
    assert sum("Saved checkpoint" in line for line in theirs) == 2
    assert run(program.by_densefit, make()) == theirs


def test_logs_validation_metrics(program, printing):
    """LogValidationMetricsCallback as eval_end_callback, beside the recording one."""

    def fit_by(by):
        def fit(made):
            module = program.module_of(made)
            settings = {
                **made["settings"],
                "arg_params": made["arg_params"],
                "eval_end_callback": [mx.callback.LogValidationMetricsCallback(), show],
            }
            by(module, made, settings)

        return fit

    def module_fit(module, made, settings):
        module.fit(made["train"], made["validation"], num_epoch=2, **settings)

    def densefit_fit(module, made, settings):
        df.fit(module, made["train"], validation=made["validation"], epochs=2, **settings)

    theirs = run(fit_by(module_fit), printing(["acc", "ce"]))
    assert [line[:9] for line in theirs if "Validation-accuracy" in line] == [
        f"Epoch[{epoch}] " for epoch in (0, 0, 1, 1)
    ]
    assert run(fit_by(densefit_fit), printing(["acc", "ce"])) == theirs


def test_writes_to_stdout(program, printing, capsys):
    program.by_module(printing(batch_end_callback=progress_to_stdout))
    theirs = capsys.readouterr().out
    assert theirs.count("\r") == 2 * BATCHES
    program.by_densefit(printing(batch_end_callback=progress_to_stdout))
    assert theirs in capsys.readouterr().out


def test_the_epochs_number_survives_a_speedometer(program, printing):
    """With a metric that keeps no global numbers, Module's epoch is its last batches.

    densefit's number stands for all batches, whatever a callback resets.
    """

    class Mine(mx.metric.EvalMetric):
        def update(self, labels, preds):
            self.sum_metric += (preds[0].asnumpy().argmax(1) == labels[0].asnumpy()).sum()
            self.num_inst += len(labels[0])

    def make(frequent):
        callback = mx.callback.Speedometer(4, frequent)
        return printing(Mine("mine"), batch_end_callback=callback)

    whole = program.by_module(make(100)).train
    assert program.by_module(make(3)).train != whole
    history = program.by_densefit(make(3)).history
    assert [one["train"]["module/mine"] for one in history.epochs] == [
        pytest.approx(numbers["mine"]) for numbers in whole.values()
    ]
