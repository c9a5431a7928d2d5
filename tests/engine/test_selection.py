"""The engine that is chosen, and where an unknown name comes from."""

import pytest

from densefit.engine.selection import engine_name
from densefit.errors import ConfigError


class Model:
    engine_name = "mxnt"


@pytest.mark.parametrize(
    ("name", "model", "variable", "where"),
    [
        ("mxnt", None, "torch", "engine="),
        (None, Model, "torch", "the setting engine (--engine)"),
        (None, None, "mxnt", "the environment's DENSEFIT_ENGINE"),
    ],
)
def test_an_unknown_engine_is_refused_where_it_is_set(monkeypatch, name, model, variable, where):
    monkeypatch.setenv("DENSEFIT_ENGINE", variable)
    with pytest.raises(ConfigError, match="did you mean 'mxnet'") as error:
        engine_name(name, model)
    assert error.value.where == where
