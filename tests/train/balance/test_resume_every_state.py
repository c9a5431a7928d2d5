"""Balancers with a state of more than numbers resume exactly, with averaged weights."""

import numpy as np
import pytest

import densefit as df
from densefit.train.balance import balancers

SETTINGS = {"excess_mtl": {"lr": 0.3}, "modo": {"gamma": 0.01}, "moco": {"gamma": 0.01}}


def trained(tiny, name, path, engine, until, resume=None):
    network = df.Network(tiny.Backbone(), [tiny.Brightness("a"), tiny.Brightness("b", weight=0.5)])
    df.fit(
        network,
        tiny.loader(network, 8, 2, workers=0),
        balance=balancers.create(name, **SETTINGS.get(name, {})),
        accumulate=2,
        updates=until,
        engine=engine,
        checkpoint=df.Saver(path),
        resume=resume,
        ema=0.5,
        progress=False,
        schedule=df.Constant(0.01),
    )
    return tiny.values(network)


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        pytest.param("famo", "mxnet", marks=pytest.mark.mxnet),
        pytest.param("moco", "mxnet", marks=pytest.mark.mxnet),
        pytest.param("excess_mtl", "mxnet", marks=pytest.mark.mxnet),
        *(("famo", "torch"), ("modo", "torch"), ("db_mtl", "torch")),
    ],
)
def test_a_resume_is_exact(tiny, tmp_path, name, engine):
    whole = trained(tiny, name, tmp_path / "whole", engine, 3)
    trained(tiny, name, tmp_path / "cut", engine, 1)
    resumed = trained(tiny, name, tmp_path / "cut", engine, 3, resume="auto")
    for key, value in whole.items():
        np.testing.assert_array_equal(resumed[key], value, err_msg=key)


@pytest.mark.mxnet
def test_arrays_go_on_with_the_other_engine(tiny, tmp_path):
    """They are of the same parameters in the same order."""
    name = "moco"
    whole = trained(tiny, name, tmp_path / "whole", "mxnet", 3)
    trained(tiny, name, tmp_path / "cut", "mxnet", 1)
    resumed = trained(tiny, name, tmp_path / "cut", "torch", 3, resume="auto")
    for key, value in whole.items():
        np.testing.assert_allclose(resumed[key], value, rtol=1e-4, atol=1e-6, err_msg=key)
