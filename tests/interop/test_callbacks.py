"""MXNet's real callbacks in a loop that is not MXNet's."""

import logging

import numpy as np

from densefit.backend import mx
from densefit.callbacks import Control, TrainState
from densefit.interop import batch_end, epoch_end


class FakeNetwork:
    symbol = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=2, name="fc")

    parameters = {
        "fc_weight": np.arange(6, dtype=np.float32).reshape(2, 3),
        "fc_bias": np.ones(2, np.float32),
    }
    statistics = {"bn_moving_mean": np.full(2, 7, np.float32)}


def run(callback, epochs=2, per_epoch=7):
    state = TrainState(FakeNetwork(), batch_size=4, train=lambda: {"seg/loss": float(state.update)})
    for state.epoch in range(epochs):
        for state.batch in range(1, per_epoch + 1):
            state.update += 1
            callback.update_ended(state, Control())
        callback.epoch_ended(state, Control())
    return state


def test_batch_end_gets_mxnet_s_parameter():
    got = []
    state = run(batch_end(got.append), epochs=2, per_epoch=3)
    assert all(type(param) is mx.model.BatchEndParam for param in got)
    assert [(param.epoch, param.nbatch) for param in got] == [
        (epoch, batch) for epoch in range(2) for batch in range(3)
    ]
    assert got[-1].eval_metric.get_name_value() == [("seg/loss", 6.0)]
    assert got[-1].locals["network"] is state.network


def test_speedometer_logs_and_resets_nothing(caplog):
    with caplog.at_level(logging.INFO):
        state = run(batch_end(mx.callback.Speedometer(batch_size=4, frequent=3)))
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 4  # batches 3 and 6 of two epochs
    assert lines[0].startswith("Epoch[0] Batch [0-3]\tSpeed:")
    assert lines[0].endswith("seg/loss=4.000000")
    assert lines[3].startswith("Epoch[1] Batch [3-6]")
    assert state.train() == {"seg/loss": 14.0}


def test_log_train_metric(caplog):
    with caplog.at_level(logging.INFO):
        run(batch_end(mx.callback.log_train_metric(5, auto_reset=True)), epochs=1)
    assert "Iter[0] Batch[5] Train-seg/loss=6.000000" in caplog.text


def test_do_checkpoint_writes_what_mxnet_loads(tmp_path):
    state = TrainState(FakeNetwork(), epoch=4)
    epoch_end(mx.callback.do_checkpoint(str(tmp_path / "model"))).epoch_ended(state, Control())
    symbol, arg_params, aux_params = mx.model.load_checkpoint(str(tmp_path / "model"), 5)
    assert symbol.list_arguments() == ["data", "fc_weight", "fc_bias"]
    assert arg_params["fc_weight"].asnumpy().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert arg_params["fc_bias"].dtype == np.float32
    assert aux_params["bn_moving_mean"].asnumpy().tolist() == [7, 7]


def test_do_checkpoint_keeps_its_period(tmp_path):
    run(epoch_end(mx.callback.do_checkpoint(str(tmp_path / "model"), period=2)), epochs=5)
    written = sorted(path.name for path in tmp_path.glob("*.params"))
    assert written == ["model-0002.params", "model-0004.params"]
