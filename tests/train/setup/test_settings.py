"""The arguments of `fit`, converted and checked."""

import inspect
from dataclasses import fields

import densefit as df
from densefit.train.setup.settings import Settings

OF_MODULE = {
    *("eval_metric", "validation_metric", "batch_end_callback", "epoch_end_callback"),
    *("eval_end_callback", "eval_batch_end_callback", "monitor"),
}


def test_every_argument_of_fit_is_there():
    names = set(inspect.signature(df.fit).parameters)
    elsewhere = {
        "network",
        "heads",
        "lr",
        "aliases",
        "sparse_row_id_fn",
    }  # `lr` is a schedule there
    assert {field.name for field in fields(Settings)} == names - OF_MODULE - elsewhere | {"module"}
