import pytest

import densefit as df
from densefit.adapters import module_arguments
from densefit.errors import ConfigError
from densefit.interop import ModuleArguments


def network(tiny):
    return df.Network(symbol=tiny.kind(), routes=tiny.kind_route())


def test_nothing_given_is_nothing_done(tiny):
    module = module_arguments.adapt({"eval_metric": None, "monitor": None}, network=network(tiny))
    assert (module.adapters, module.callbacks) == ({}, [])
    module.attach(None, None, None)


def test_a_metric_makes_a_wire_and_a_callback(tiny):
    module = ModuleArguments({"eval_metric": "acc"}, network(tiny))
    assert list(module.adapters) == ["module"]
    assert len(module.callbacks) == 1


def test_a_copy_is_kept_only_for_callbacks_that_may_reset(tiny):
    for name, modes in (
        ("epoch_end_callback", []),
        ("batch_end_callback", ["train"]),
        ("eval_batch_end_callback", ["evaluate"]),
    ):
        module = ModuleArguments({"eval_metric": "acc", name: print}, network(tiny))
        metrics_by_mode = module.adapters["module"].metrics_by_mode
        assert [
            mode for mode, judge in metrics_by_mode.items() if judge.exposed is not judge.metric
        ] == modes


@pytest.mark.parametrize("value", [3, [print, None], {"a": print}])
def test_a_callback_that_cannot_be_called(tiny, value):
    with pytest.raises(ConfigError, match="after each eval batch"):
        ModuleArguments({"eval_batch_end_callback": value}, network(tiny))


def test_a_validation_metric_alone_leaves_the_training_to_accuracy_as_module_fit_does(tiny):
    module = ModuleArguments({"validation_metric": "mse"}, network(tiny))
    metrics_by_mode = module.adapters["module"].metrics_by_mode
    names = {mode: judge.metric.name for mode, judge in metrics_by_mode.items()}
    assert names == {"train": "accuracy", "evaluate": "mse"}
