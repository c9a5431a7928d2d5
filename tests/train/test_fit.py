"""The loop: lengths, order of events, validation, saving, errors before the first update."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import BindError
from densefit.symbol import sym


def test_two_heads_are_trained_and_measured_by_name(tiny):
    for order in (["kind", "size"], ["size", "kind"]):  # MXNet would go by position
        history = df.fit(
            tiny.two_heads(),
            tiny.iterator(24, 8),
            heads={name: tiny.routes()[name] for name in order},
            validation=tiny.iterator(11, 4),
            epochs=25,
            optimizer="adam",
            optimizer_params={"learning_rate": 0.03},
        )
        first, last = history.epochs[0], history.epochs[-1]
        assert set(last["train"]) == {"kind/accuracy", "size/mae"} == set(last["validation"])
        assert last["train"]["kind/accuracy"] > max(0.8, first["train"]["kind/accuracy"])
        assert last["train"]["size/mae"] < 0.5 * first["train"]["size/mae"]


def test_history(tiny):
    history = df.fit(
        tiny.two_heads(), tiny.iterator(10, 4), heads=tiny.routes(), epochs=2,
        validation=tiny.iterator(5, 4), validate_every="2ep", optimizer_params={"momentum": 0.5},
    )  # fmt: skip
    assert [(e["epoch"], e["update"], e["samples"]) for e in history.epochs] == [
        (0, 3, 10),
        (1, 6, 10),
    ]
    assert history.epochs[0]["validation"] == {}
    assert history.epochs[1]["validation"] == history.last_validation
    assert history.update == 6
    assert history.stop_reason is None
    assert history.epochs[1]["lr"] == 0.01
    assert history.epochs[1]["seconds"] > 0
    assert set(history.network.parameters) == {
        f"{layer}_{kind}"
        for layer in ("trunk", "kind_fc", "size_fc")
        for kind in ("weight", "bias")
    }


def test_order_of_events(tiny, tmp_path):
    log = tiny.Log()
    df.fit(
        tiny.kind(), tiny.iterator(8, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=2,
        validation=tiny.iterator(5, 4), callbacks=[log],
        checkpoint=df.Saver(tmp_path, background=False),
    )  # fmt: skip
    epoch = ["end", "validated", "saved"]  # a checkpoint knows its validation
    assert log.events == ["fit", "epoch", 1, 2, *epoch, "epoch", 3, 4, *epoch, "done"]


@pytest.mark.parametrize(
    ("every", "validated"),
    [
        ("1ep", [3, 6, 9, 10]),
        ("2ep", [6, 10]),
        ("4st", [4, 8, 10]),
        ("50%", [5, 10]),
        ("0.5ep", [2, 4, 6, 8, 10]),
        ("0st", [10]),
    ],
)
def test_length_in_updates_and_cadence_of_validation(tiny, every, validated):
    seen = tiny.Recorder("validated", lambda state, control: state.update)
    history = df.fit(
        tiny.kind(), tiny.iterator(9, 3, ["kind_label"]), heads=tiny.kind_route(), updates=10,
        validation=tiny.iterator(5, 4), validate_every=every, callbacks=[seen],
    )  # fmt: skip
    assert seen.seen == validated
    assert [epoch["samples"] for epoch in history.epochs] == [9, 9, 9, 3]
    assert history.update == 10


def test_validation_leaves_the_training_numbers_alone(tiny):
    numbers = tiny.Recorder("validated", lambda state, control: (state.train(), state.validation))
    history = df.fit(
        tiny.kind(), tiny.iterator(12, 3, ["kind_label"]), heads=tiny.kind_route(), epochs=1,
        validation=tiny.iterator(30, 4), validate_every="2st", callbacks=[numbers],
    )  # fmt: skip
    quarters = [train["kind/accuracy"] * 6 * k for k, (train, _) in enumerate(numbers.seen, 1)]
    np.testing.assert_allclose(quarters, np.round(quarters), atol=1e-9)
    assert history.epochs[0]["train"] == numbers.seen[-1][0]


def test_a_callback_stops_validates_and_saves(tiny, tmp_path):
    log = tiny.Log()

    def at_two(state, control):
        if state.update == 2:
            control.save_now()
            control.validate_now()
        if state.update == 5:
            control.stop("enough")

    history = df.fit(
        tiny.kind(), tiny.iterator(16, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=9,
        validation=tiny.iterator(5, 4), validate_every="9ep",
        checkpoint=df.Saver(tmp_path, background=False),
        callbacks=[log, tiny.Recorder("update_ended", at_two)],
    )  # fmt: skip
    assert history.stop_reason == "enough"
    assert log.events == [
        *("fit", "epoch", 1, 2, "validated", "saved", 3, 4, "end", "saved"),
        *("epoch", 5, "end", "validated", "saved", "done"),
    ]


def test_requests_at_the_end_of_an_epoch_are_met(tiny, tmp_path):
    log = tiny.Log()

    def ask(state, control):
        if state.update == 4:
            control.save_now()
            control.validate_now()

    df.fit(
        tiny.kind(), tiny.iterator(16, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=2,
        validation=tiny.iterator(5, 4), validate_every="9ep",
        checkpoint=df.Saver(tmp_path, every="9ep", background=False),
        callbacks=[log, tiny.Recorder("epoch_ended", ask)],
    )  # fmt: skip
    assert log.events[6:9] == ["end", "validated", "saved"]


def test_checkpoints_by_updates(tiny, tmp_path):
    saved = tiny.Recorder("saved", lambda state, control, path: state.update)
    df.fit(
        tiny.kind(), tiny.iterator(9, 3, ["kind_label"]), heads=tiny.kind_route(), epochs=2,
        callbacks=[saved], checkpoint=df.Saver(tmp_path, every="2st", background=False),
    )  # fmt: skip
    assert saved.seen == [2, 4, 6, 6]  # the last again, as the end of an epoch


def test_the_rate_of_each_update_is_the_schedule_s(tiny):
    schedule = df.Cosine(lr=0.5, warmup=2)
    reported = tiny.Recorder("update_ended", lambda state, control: state.lr)
    df.fit(
        tiny.kind(), tiny.iterator(9, 3, ["kind_label"]), heads=tiny.kind_route(), epochs=2,
        schedule=schedule, callbacks=[reported],
    )  # fmt: skip
    assert reported.seen == [schedule.resolve(6)(update) for update in range(6)]


def test_mxnets_optimizer_applies_the_rate_of_the_schedule(mx, tiny, monkeypatch):
    applied = []
    original = mx.optimizer.SGD._get_lrs

    def spy(self, indices):
        rates = original(self, indices)
        applied.append(set(rates))
        return rates

    monkeypatch.setattr(mx.optimizer.SGD, "_get_lrs", spy)
    schedule = df.Cosine(lr=0.5, warmup=2)
    df.fit(
        tiny.kind(), tiny.iterator(9, 3, ["kind_label"]), heads=tiny.kind_route(), epochs=2,
        schedule=schedule,
    )  # fmt: skip
    expected = [schedule.resolve(6)(update) for update in range(6)]
    # One call a parameter: those of an update have one rate.
    assert applied == [{rate} for rate in expected for _ in range(len(applied) // 6)]
    assert len(applied) >= 6


def test_without_a_schedule_the_rate_is_the_optimizer_s(tiny):
    check_rates(tiny, {"optimizer": "adam"}, [0.001] * 3)  # MXNet's default of that optimizer


def test_without_a_schedule_the_rate_is_that_of_mxnets_optimizer(mx, tiny):
    check_rates(tiny, {"optimizer": mx.optimizer.SGD(learning_rate=0.0)}, [0.0] * 3)
    scheduler = mx.lr_scheduler.FactorScheduler(1, 0.5, base_lr=0.8)
    check_rates(tiny, {"optimizer_params": {"lr_scheduler": scheduler}}, [0.8, 0.4, 0.2])


def check_rates(tiny, settings, rates):
    reported = tiny.Recorder("update_ended", lambda state, control: state.lr)
    df.fit(
        tiny.kind(), tiny.iterator(9, 3, ["kind_label"]), heads=tiny.kind_route(), epochs=1,
        callbacks=[reported], **settings,
    )  # fmt: skip
    np.testing.assert_allclose(reported.seen, rates)


def test_mxnet_s_callbacks_and_metrics(mx, tiny, tmp_path, caplog):
    heads = tiny.routes()
    heads["kind"] = df.Route(
        ["kind_output"], ["kind_label"], [mx.metric.Accuracy(), mx.metric.np(lambda y, p: 7.0, "f")]
    )
    plain = df.fit(tiny.two_heads(), tiny.iterator(20, 4), heads=heads, epochs=2, seed=3)
    with caplog.at_level("INFO"):
        logged = df.fit(
            tiny.two_heads(), tiny.iterator(20, 4), heads=heads, epochs=2, seed=3,
            callbacks=[
                df.interop.batch_end(mx.callback.Speedometer(4, frequent=2, auto_reset=True)),
                df.interop.epoch_end(mx.callback.do_checkpoint(str(tmp_path / "model"))),
            ],
        )  # fmt: skip
    assert "kind/accuracy" in caplog.text
    assert [e["train"] for e in logged.epochs] == [e["train"] for e in plain.epochs]
    assert logged.epochs[0]["train"]["kind/f"] == 7
    symbol, arguments, auxiliary = mx.model.load_checkpoint(str(tmp_path / "model"), 2)
    restored = df.Network(symbol=symbol, routes=heads)
    restored.set_params(arguments, auxiliary)
    tiny.assert_equal(restored, logged.network)


def test_metric_only_labels(tiny):
    """A label that no argument of the symbol is called by: MXNet fails with a KeyError."""
    heads = {"kind": df.Route(["kind"], ["kind_label", "size_label"], [far_right])}
    history = df.fit(
        tiny.kind(), tiny.iterator(10, 4), heads=heads, epochs=1, validation=tiny.iterator(7, 3)
    )
    _, _, size = tiny.arrays(10)
    assert history.epochs[0]["train"]["kind/far_right"] == pytest.approx((size > 0).mean())


def far_right(label, prediction):
    return float(label[1][0] > 0)


def test_targets_of_the_samples_as_metric_only_labels(tiny):
    """Ground truth of any shape stays on the host."""
    x = sym.cast(sym.Variable("data"), dtype="float32") / 255
    x = sym.FullyConnected(x, num_hidden=1, name="fc")
    symbol = sym.MakeLoss(sym.square(sym.mean(x, axis=1)), name="loss")
    heads = {"one": df.Route(["loss"], ["value"], [lambda label, prediction: float(label[0])])}
    dataset = tiny.Pictures(7)
    data = df.Loader(dataset, batch_size=3, workers=0)
    history = df.fit(symbol, data, heads=heads, epochs=1)
    values = [float(dataset[i].targets["value"]) for i in range(7)]
    assert history.epochs[0]["train"]["one/custom"] == pytest.approx(np.mean(values))
    heads = {"one": df.Route(["loss"], ["volume"], [lambda label, prediction: 0.0])}
    updates = tiny.Recorder("update_ended", lambda state, control: state.update)
    with pytest.raises(BindError, match="head 'one' needs the label 'volume'"):
        df.fit(symbol, data, heads=heads, epochs=1, callbacks=[updates])
    assert updates.seen == []
