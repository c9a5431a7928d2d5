"""What MXNet's Module.fit gets wrong, and what fit does instead, side by side."""

import logging
import threading
import warnings

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.errors import BindError, DataError

QUIET = logging.getLogger("densefit.mxnet")


def module(symbol, labels=("kind_label",)):
    return mx.mod.Module(symbol, label_names=list(labels), logger=QUIET)


def mxnet_fit(made, data, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.fit(data, **{"num_epoch": 1, "eval_metric": "acc", **settings})


def test_padding_is_trained_on(tiny):
    """10 samples in batches of 4: MXNet counts 12, two of them twice."""
    seen = []
    mxnet_fit(
        module(tiny.kind()), tiny.iterator(10, 4, ["kind_label"]),
        batch_end_callback=lambda p: seen.append(p.eval_metric.metrics[0].num_inst)
        if hasattr(p.eval_metric, "metrics") else seen.append(p.eval_metric.num_inst),
    )  # fmt: skip
    assert seen[-1] == 12
    history = df.fit(
        tiny.kind(), tiny.iterator(10, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=1
    )
    assert history.epochs[0]["samples"] == 10


def one_label(tiny):
    """Announces two labels, and yields one."""

    def take(inner):
        batch = inner.next()
        return mx.io.DataBatch(batch.data, batch.label[:1], batch.pad)

    return tiny.Changed(tiny.iterator(8, 4), take)


def test_a_missing_label_is_trained_from_a_stale_buffer(tiny):
    made = module(tiny.two_heads(), ["kind_label", "size_label"])
    mxnet_fit(made, one_label(tiny), eval_metric=mx.metric.Loss())
    assert made.params_initialized  # it "trained"
    with pytest.raises(BindError, match="1 label arrays(.|\n)*head size"):
        df.fit(tiny.two_heads(), one_label(tiny), heads=tiny.routes(), epochs=1)


def test_a_metric_only_label_is_a_bare_key_error(tiny):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = module(tiny.kind(), ["kind_label", "size_label"])
    with pytest.raises(KeyError, match="size_label"):
        mxnet_fit(made, tiny.iterator(8, 4))
    heads = {
        "kind": df.Route(["kind"], ["kind_label", "size_label"], [lambda y, p: float(y[1][0])])
    }
    history = df.fit(tiny.kind(), tiny.iterator(8, 4), heads=heads, epochs=1)
    mean = tiny.arrays(8)[2].mean()
    assert history.epochs[0]["train"]["kind/custom"] == pytest.approx(mean, rel=1e-5)


def test_accuracy_is_the_default_metric_of_everything(tiny):
    """MXNet compares the regression's floats with its labels, and calls it accuracy."""
    seen = []
    mxnet_fit(
        module(tiny.two_heads(), ["kind_label", "size_label"]), tiny.iterator(8, 4),
        batch_end_callback=lambda p: seen.append(dict(p.eval_metric.get_global_name_value())),
    )  # fmt: skip
    assert list(seen[-1]) == ["accuracy"]
    heads = {"kind": df.Route(["kind"], ["kind_label"], ["acc"]), "size": df.Route(["size"])}
    history = df.fit(tiny.two_heads(), tiny.iterator(8, 4), heads=heads, epochs=1)
    assert list(history.epochs[0]["train"]) == ["kind/accuracy"]
    heads["size"] = df.Route(["size"], ["size_label"], ["acc"])
    with pytest.raises(DataError, match="not class indices"):
        df.fit(tiny.two_heads(), tiny.iterator(8, 4), heads=heads, epochs=1)


class Count(mx.metric.EvalMetric):
    """A metric as users write them: without global statistics."""

    def __init__(self):
        super().__init__("count")

    def update(self, labels, preds):
        self.sum_metric += len(labels[0])
        self.num_inst = 1


def test_a_speedometer_resets_the_epoch_s_metric(tiny, caplog):
    """10 batches of 4, read every fourth: MXNet's epoch number covers the last batch alone."""
    speed = mx.callback.Speedometer(4, frequent=3, auto_reset=True)
    logger = logging.getLogger("densefit.test")
    with caplog.at_level("INFO"):
        made = mx.mod.Module(tiny.kind(), label_names=["kind_label"], logger=logger)
        mxnet_fit(
            made, tiny.iterator(40, 4, ["kind_label"]), eval_metric=Count(),
            batch_end_callback=speed,
        )  # fmt: skip
    theirs = [r.getMessage() for r in caplog.records if "Train-count" in r.getMessage()]
    assert float(theirs[-1].split("=")[1]) < 40
    heads = {"kind": df.Route(["kind"], ["kind_label"], [Count()])}
    history = df.fit(
        tiny.kind(), tiny.iterator(40, 4, ["kind_label"]), heads=heads, epochs=1,
        callbacks=[df.interop.batch_end(mx.callback.Speedometer(4, frequent=3))],
    )  # fmt: skip
    assert history.epochs[0]["train"]["kind/count"] == 40


def test_validation_overwrites_the_training_metric(tiny):
    metric = mx.metric.Accuracy()
    mxnet_fit(
        module(tiny.kind()), tiny.iterator(8, 4, ["kind_label"]), eval_metric=metric,
        eval_data=tiny.iterator(20, 4, ["kind_label"]),
    )  # fmt: skip
    assert metric.num_inst == 20
    mine = mx.metric.Accuracy()
    heads = {"kind": df.Route(["kind"], ["kind_label"], [mine])}
    seen = tiny.Recorder("validated", lambda state, control: (state.train(), state.validation))
    df.fit(
        tiny.kind(), tiny.iterator(8, 4, ["kind_label"]), heads=heads, epochs=1,
        validation=tiny.iterator(20, 4, ["kind_label"]), callbacks=[seen],
    )  # fmt: skip
    ((train, validation),) = seen.seen
    assert (train["kind/accuracy"] * 8) % 1 == 0
    assert (validation["kind/accuracy"] * 20) % 1 == pytest.approx(0, abs=1e-9)
    assert mine.num_inst == 0  # the user's object is a pattern; each split has its own


def test_a_checkpoint_is_written_before_its_validation(tiny, tmp_path):
    order = []
    mxnet_fit(
        module(tiny.kind()), tiny.iterator(8, 4, ["kind_label"]),
        eval_data=tiny.iterator(8, 4, ["kind_label"]),
        epoch_end_callback=lambda *given: order.append("checkpoint"),
        eval_end_callback=lambda *given: order.append("validated"),
    )  # fmt: skip
    assert order == ["checkpoint", "validated"]
    mine = tiny.Recorder("validated", lambda state, control: "validated")
    mine.saved = lambda state, control, path: mine.seen.append("checkpoint")
    df.fit(
        tiny.kind(), tiny.iterator(8, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=1,
        validation=tiny.iterator(8, 4, ["kind_label"]), callbacks=[mine], checkpoint=tmp_path,
    )  # fmt: skip
    assert mine.seen == ["validated", "checkpoint"]


def test_a_second_fit_keeps_the_old_optimizer(tiny):
    made = module(tiny.kind())
    data = tiny.iterator(8, 4, ["kind_label"])
    mxnet_fit(made, data, optimizer_params={"learning_rate": 0.5})
    mxnet_fit(made, data, optimizer_params={"learning_rate": 0.001})
    assert made._optimizer.lr == 0.5
    network = df.Network(symbol=tiny.kind(), routes=tiny.kind_route())
    rates = [
        df.fit(network, data, epochs=1, optimizer_params={"learning_rate": rate}).epochs[0]["lr"]
        for rate in (0.5, 0.001)
    ]
    assert rates == [0.5, 0.001]


def test_an_empty_iterator_leaks_stop_iteration(tiny):
    data = tiny.iterator(3, 4, ["kind_label"], last_batch_handle="discard")
    with pytest.raises(StopIteration):
        mxnet_fit(module(tiny.kind()), data)
    with pytest.raises(DataError, match="yielded no batch"):
        df.fit(tiny.kind(), data, heads=tiny.kind_route(), epochs=1)


def test_a_half_read_iterator_trains_a_short_first_epoch(tiny):
    counts = []
    data = tiny.iterator(16, 4, ["kind_label"])
    data.next()
    mxnet_fit(module(tiny.kind()), data, batch_end_callback=lambda p: counts.append(p.nbatch))
    assert len(counts) == 3
    data.reset()
    data.next()
    history = df.fit(tiny.kind(), data, heads=tiny.kind_route(), epochs=1)
    assert history.epochs[0]["samples"] == 16


def test_nan_finishes_as_if_all_were_well(tiny):
    x, kind, _ = tiny.arrays(8)
    x[3] = np.nan
    data = mx.io.NDArrayIter({"data": x}, {"kind_label": kind}, 4)
    made = module(tiny.kind())
    mxnet_fit(made, data)
    assert np.isnan(made.get_params()[0]["kind_fc_weight"].asnumpy()).all()
    with pytest.raises(df.errors.TrainingDiverged, match="head kind, sample 3"):
        df.fit(tiny.kind(), data, heads=tiny.kind_route(), epochs=1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_in_a_prefetching_thread_hangs(tiny):
    """MXNet's consumer waits for ever; a Loader's error comes out, with the sample's name."""
    prefetching = mx.io.PrefetchingIter(tiny.broken(tiny.iterator(16, 4, ["kind_label"]), at=2))
    prefetching.next()
    waiting = threading.Thread(target=prefetching.iter_next, daemon=True)
    waiting.start()
    waiting.join(1.0)
    assert waiting.is_alive()
    prefetching.started = False  # lets both threads go
    prefetching.next_batch = [None]
    for event in (*prefetching.data_ready, *prefetching.data_taken):
        event.set()
    waiting.join(10)
    assert not waiting.is_alive()

    network = tiny.network()
    loader = tiny.loader(network, dataset=tiny.Pictures(12, broken=5))
    with pytest.raises(DataError, match="cannot decode(.|\n)*p5"):
        df.fit(network, loader, epochs=1)


def test_labels_of_a_dict_are_sorted_and_go_by_position(tiny):
    """NDArrayIter sorts them by name; the metric pairs them with the outputs in their order."""
    data = tiny.iterator(8, 4, ["size_label", "kind_label"])
    assert [desc.name for desc in data.provide_label] == ["kind_label", "size_label"]
    both = tiny.two_heads()
    symbol = mx.sym.Group([both[1], both[0]])  # size, kind
    columns = []
    metric = mx.metric.np(lambda label, prediction: columns.append(prediction.shape[1]) or 0.0)
    mxnet_fit(module(symbol, ["kind_label", "size_label"]), data, eval_metric=metric)
    assert columns[:2] == [1, 3]  # the classes beside the one column of the sizes
    history = df.fit(symbol, data, heads=tiny.routes(), epochs=1)
    assert set(history.epochs[0]["train"]) == {"kind/accuracy", "size/mae"}


def test_the_rate_is_given_twice(tiny, capsys, caplog):
    """MXNet's Cosine ignores learning_rate and trains at its own base_lr: we say so."""
    scheduler = mx.lr_scheduler.CosineScheduler(100, base_lr=0.01)
    optimizer = mx.optimizer.SGD(learning_rate=0.5, lr_scheduler=scheduler)
    capsys.readouterr()
    assert scheduler(1) < 0.011
    assert optimizer.lr_scheduler is scheduler
    rates = tiny.Recorder("update_ended", lambda state, control: state.lr)
    df.fit(
        tiny.kind(), tiny.iterator(8, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=1,
        optimizer_params={"learning_rate": 0.5, "lr_scheduler": scheduler}, callbacks=[rates],
    )  # fmt: skip
    assert max(rates.seen) <= 0.01
    assert "not from learning_rate=0.5: as in Module.fit, 0.01 is what trains" in caplog.text


@pytest.mark.parametrize("normalization", ["null", "valid"])
def test_double_normalisation_and_the_frozen_batch_size(tiny, normalization, caplog):
    """People's rates are tuned to both: we do the same, and say how to divide once."""
    x, kind, _ = tiny.arrays(6)
    weights = {"kind_fc_weight": mx.nd.ones((3, 6)) * 0.1, "kind_fc_bias": mx.nd.zeros((3,))}

    def moved(**params):
        """By one update on 4 samples and one on 2: by Module, and by us."""
        found = []
        params = {"learning_rate": 0.5, **params}
        made = module(tiny.kind(normalization))
        made.bind([("data", (4, 6))], [("kind_label", (4,))])
        made.init_params(arg_params=weights, aux_params={})
        made.init_optimizer(optimizer_params=params)
        for rows in (slice(0, 4), slice(4, 6)):
            made.forward_backward(
                mx.io.DataBatch([mx.nd.array(x[rows])], [mx.nd.array(kind[rows])])
            )
            made.update()
        found.append(made.get_params()[0]["kind_fc_weight"].asnumpy())
        network = df.Network(symbol=tiny.kind(normalization), routes=tiny.kind_route())
        network.set_params(weights)
        data = mx.io.NDArrayIter({"data": x}, {"kind_label": kind}, 4)  # whose padding is cut off
        df.fit(network, data, epochs=1, optimizer_params=params)
        found.append(network.parameters["kind_fc_weight"])
        return found

    theirs, ours = moved()
    np.testing.assert_array_equal(ours, theirs)
    told = "kind (normalization='valid') divide their gradients by the batch themselves"
    assert (told in caplog.text) == (normalization == "valid")
    if normalization == "valid":
        assert "optimizer_params={'rescale_grad': 1.0, ...}" in caplog.text
    caplog.clear()
    theirs, ours = moved(rescale_grad=1.0)
    np.testing.assert_array_equal(ours, theirs)
    assert not caplog.text
