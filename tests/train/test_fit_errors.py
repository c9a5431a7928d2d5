"""What can go wrong in the loop: settings, data, numbers, callbacks."""

import threading

import numpy as np
import pytest

import densefit as df
from densefit.errors import BindError, CheckpointError, ConfigError, DataError, TrainingDiverged
from tests.rows import fill_data, iterator_of_arrays


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": None}, "epochs or in updates"),
        ({"updates": 3}, "epochs or in updates"),
        ({"epochs": 0, "schedule": df.Cosine(0.1)}, r"'epochs' is out[\s\S]*at least 1"),
        ({"epochs": -1}, r"'epochs' is out[\s\S]*at least 1"),
        ({"epochs": None, "updates": 0}, r"'updates' is out[\s\S]*at least 1"),
        ({"schedule": df.Constant(0.1), "optimizer_params": {"learning_rate": 1}}, "given twice"),
        ({"optimizer_params": {"rescale_grad": "1/8"}}, "rescale_grad is not a number"),
        ({"optimizer_params": {"momentun": 1}}, "momentun"),
        ({"optimizer": "sdg"}, "sdg"),
        ({"validate_every": "often"}, "not a duration"),
        ({"resume": "runs/x"}, "checkpoint=DIR"),
        ({"heads": {"kind": ["kind"]}}, "neither a Head nor a Route"),
        ({"heads": {"a": df.Route(["kind"], ["kind_label"], ["accuracy", "acc"])}}, "Two metrics"),
        ({"heads": {"a": df.Route(["kind"], ["kind_label"], ["acuracy"])}}, "did you mean"),
    ],
)  # fmt: skip
def test_contradictory_settings(tiny, settings, message):
    check_contradiction(tiny, settings, message)


def test_contradictory_settings_of_mxnet(mx, tiny):
    scheduler = mx.lr_scheduler.FactorScheduler(1)
    optimizer = mx.optimizer.SGD(lr_scheduler=scheduler)
    schedule = {"schedule": df.Constant(0.1)}
    check_contradiction(
        tiny, {**schedule, "optimizer_params": {"lr_scheduler": scheduler}}, "twice"
    )
    check_contradiction(tiny, {**schedule, "optimizer": optimizer}, "twice")
    settings = {"optimizer": mx.optimizer.SGD(), "optimizer_params": {"wd": 1}}
    check_contradiction(tiny, settings, "not with an object")


def check_contradiction(tiny, settings, message):
    given = {"heads": tiny.kind_route(), "epochs": 1, **settings}
    updates = tiny.Recorder("update_ended", lambda state, control: state.update)
    with pytest.raises(ConfigError, match=message):
        df.fit(tiny.kind(), tiny.iterator(9, 3, ["kind_label"]), callbacks=[updates], **given)
    assert updates.seen == []


def test_networks_that_cannot_be_trained(tiny):
    with pytest.raises(ConfigError, match="a df.Network, an MXNet Symbol"):
        df.fit("resnet18", tiny.iterator(), epochs=1)
    with pytest.raises(ConfigError, match="has its heads already"):
        df.fit(tiny.network(), tiny.iterator(), heads=tiny.kind_route(), epochs=1)
    with pytest.raises(DataError, match="single number, which has no rows"):
        df.fit(tiny.kind(), [1, 2], heads=tiny.kind_route(), epochs=1)


def test_one_iterator_for_both_is_an_error(tiny):
    data = tiny.iterator(8, 4, ["kind_label"])
    with pytest.raises(ConfigError, match="same iterator"):
        df.fit(tiny.kind(), data, heads=tiny.kind_route(), validation=data, epochs=1)


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ({"labels": ["size_label"]}, "needs the label 'kind_label'"),
        pytest.param({"last_batch_handle": "discard"}, "exactly once", marks=pytest.mark.mxnet),
    ],
)
def test_wrong_validation_data_are_found_before_the_first_update(tiny, validation, message):
    log = tiny.Log()
    with pytest.raises((BindError, DataError), match=message):
        df.fit(
            tiny.kind(), tiny.iterator(8, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=1,
            validation=tiny.iterator(9, 4, **validation), callbacks=[log],
        )  # fmt: skip
    assert log.events == []


def test_nan_names_the_head_and_the_sample(tiny):
    x, kind, size = tiny.arrays(8)
    x[6, 0] = np.nan
    data = iterator_of_arrays({"data": x}, {"kind_label": kind, "size_label": size}, 4)
    log = tiny.Log()
    heads = {"kind": df.Route(["kind"], ["kind_label", "size_label"], [lambda y, p: 0.0])}
    with pytest.raises(TrainingDiverged, match="head kind, sample 6"):
        df.fit(tiny.kind(), data, heads=heads, epochs=1, callbacks=[log])
    assert log.events == ["fit", "epoch", 1, "TrainingDiverged"]


NOT_FINITE = r"The gradient is not finite.*\n.*trunk_weight|The output 'kind' .* is nan"


def test_nan_parameters_behind_a_relu_are_not_saved(tiny, tmp_path):
    """MXNet's ReLU of nan is 0, and the outputs look sound; PyTorch's is nan."""
    poisoned = []

    def take(iterator):
        batch = iterator.next()
        if poisoned:
            fill_data(batch, np.nan)
        return batch

    data = tiny.Changed(tiny.iterator(8, 4), take)

    def poison(state, control):
        if state.epoch == 1:
            poisoned.append(True)

    log = tiny.Log()
    with pytest.raises(TrainingDiverged, match=NOT_FINITE):
        df.fit(
            tiny.two_heads(), data, heads=tiny.routes(), epochs=2,
            checkpoint=df.Saver(tmp_path, background=False),
            callbacks=[log, tiny.Recorder("epoch_started", poison)],
        )  # fmt: skip
    assert log.events == ["fit", "epoch", 1, 2, "end", "saved", "epoch", "TrainingDiverged"]


def test_parameters_that_an_update_made_infinite_are_not_saved(tiny, tmp_path):
    """Losses and gradients are finite, and the rate is not sane."""
    with pytest.raises(TrainingDiverged, match="Parameters are no longer finite\n.*weight"):
        df.fit(
            tiny.kind(), tiny.iterator(4, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=1,
            schedule=df.Constant(3e38), checkpoint=tmp_path, optimizer_params={"wd": 1e4},
        )  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_nan_loss_of_a_head_of_ours(tiny):
    network = tiny.network()
    dataset = tiny.Pictures(8)
    broken = dataset[5]
    broken.targets["value"] = np.array(np.inf)
    plain = tiny.Pictures.__getitem__
    dataset.__class__ = type(
        "Broken", (tiny.Pictures,), {"__getitem__": lambda s, i: broken if i == 5 else plain(s, i)}
    )
    with pytest.raises(TrainingDiverged, match="loss 'loss'.*(inf|nan)\n.*head bright, sample p5"):
        df.fit(network, tiny.loader(network, dataset=dataset), epochs=1)


def test_an_error_in_a_worker_reaches_the_caller_with_the_sample(tiny):
    network = tiny.network()
    loader = tiny.loader(network, dataset=tiny.Pictures(12, broken=9))
    caught = []

    def train():
        try:
            df.fit(network, loader, epochs=1)
        except DataError as error:
            caught.append(error)

    thread = threading.Thread(target=train, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert "p9" in str(caught[0])
    assert "cannot decode" in str(caught[0])
    assert network.initialized  # with what was trained before


def test_callbacks_learn_of_an_error_and_the_network_keeps_its_parameters(tiny):
    log = tiny.Log()

    def fail(state, control):
        if state.update == 2:
            raise KeyboardInterrupt

    data = tiny.iterator(12, 4, ["kind_label"])
    network = df.Network(symbol=tiny.kind(), routes=tiny.kind_route())
    with pytest.raises(KeyboardInterrupt):
        df.fit(network, data, epochs=1, callbacks=[log, tiny.Recorder("update_ended", fail)])
    assert log.events == ["fit", "epoch", 1, 2, "KeyboardInterrupt"]
    network.set_params(network.parameters, network.statistics)  # no longer in training


def test_parameters_cannot_be_set_in_training(tiny):
    def meddle(state, control):
        state.network.set_params(state.network.parameters, state.network.statistics)

    with pytest.raises(ConfigError, match="while the network is being trained"):
        df.fit(
            tiny.kind(), tiny.iterator(8, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=1,
            callbacks=[tiny.Recorder("update_ended", meddle)],
        )  # fmt: skip


def test_an_error_of_a_metric_names_the_head(tiny):
    heads = tiny.routes()
    heads["size"] = df.Route(["size"], ["size_label"], ["acc"])
    with pytest.raises(DataError, match="not class indices(.|\n)*head size, metric Accuracy"):
        df.fit(tiny.two_heads(), tiny.iterator(8, 4), heads=heads, epochs=1)
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    df.fit(network, tiny.iterator(8, 4), epochs=1)
    with pytest.raises(DataError, match="not class indices(.|\n)*head size, metric Accuracy") as e:
        df.score(network, tiny.iterator(8, 4), metrics={"size": ["acc"]})
    assert isinstance(e.value.__cause__, DataError)


def test_checkpoints_of_two_trainings_are_not_mixed(tiny, tmp_path):
    def run(**settings):
        df.fit(
            tiny.kind(), tiny.iterator(8, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=1,
            checkpoint=tmp_path, **settings,
        )  # fmt: skip

    run()
    log = tiny.Log()
    with pytest.raises(CheckpointError, match='(?s)holds the checkpoints.*last.*resume="auto"'):
        run(callbacks=[log])
    assert log.events == []
    run(resume="auto")
