"""Balancers with a state of more than numbers resume exactly, with averaged weights."""

import numpy as np
import pytest

import densefit as df
from densefit.train.balance import balancers

ENGINES = [pytest.param("mxnet", marks=pytest.mark.mxnet), "torch"]
WITH_ARRAYS = ["db_mtl", "excess_mtl", "moco"]
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
        checkpoint=df.Saver(path, every="1st"),
        resume=resume,
        ema=0.5,
        progress=False,
        schedule=df.Constant(0.01),
    )
    return tiny.values(network)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["famo", "modo", *WITH_ARRAYS])
def test_a_resume_is_exact(tiny, tmp_path, name, engine):
    whole = trained(tiny, name, tmp_path / "whole", engine, 4)
    trained(tiny, name, tmp_path / "cut", engine, 2)
    resumed = trained(tiny, name, tmp_path / "cut", engine, 4, resume="auto")
    for key, value in whole.items():
        np.testing.assert_array_equal(resumed[key], value, err_msg=key)


@pytest.mark.mxnet
@pytest.mark.parametrize("name", WITH_ARRAYS)
def test_arrays_go_on_with_the_other_engine(tiny, tmp_path, name):
    """They are of the same parameters in the same order."""
    whole = trained(tiny, name, tmp_path / "whole", "mxnet", 4)
    trained(tiny, name, tmp_path / "cut", "mxnet", 2)
    resumed = trained(tiny, name, tmp_path / "cut", "torch", 4, resume="auto")
    for key, value in whole.items():
        np.testing.assert_allclose(resumed[key], value, rtol=1e-4, atol=1e-6, err_msg=key)
