"""Each balancer of gradients with each setting of its comparison: trained, or refused by name."""

import re

import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.train.balance import GradientBalancer, balancers
from densefit.train.balancing import check_balanced

COMPARING = [
    name for name in balancers.names() if issubclass(balancers.get(name), GradientBalancer)
]
REST = [name for name in balancers.names() if name not in COMPARING]
SETTINGS = {
    "at parameters": ({}, {}),
    "micro-batches at parameters": ({}, {"accumulate": 2}),
    "at features": ({"at": "features"}, {}),
    "every 2 at parameters": ({"every": 2}, {}),
    "every 2 at features": ({"at": "features", "every": 2}, {}),
    "all micro-batches": ({"at": "features"}, {"accumulate": 2}),
    "the update before": ({"at": "features", "accumulated": "previous"}, {"accumulate": 2}),
}


def refusals(name):
    return balancers.get(name).refused


FIRST = {"fixed": {}, "scheduled": {"courses": {}}}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", COMPARING)
def test_it_trains_or_says_why_not(tiny, name, setting):
    own, fit = SETTINGS[setting]
    refused = [of for of in ("at", "every", "accumulated") if of in own and of in refusals(name)]
    if refused:
        with pytest.raises(ConfigError, match=f"{re.escape(refusals(name)[refused[0]])}") as error:
            balancers.create(name, **own)
        assert f"{refused[0]}={own[refused[0]]!r}" in str(error.value)
        return
    if balancers.get(name).is_independent:
        fit = {"accumulate": 2}
    updates = 2 if own else 1
    heads = [tiny.Brightness("a"), tiny.Brightness("b", weight=0.5)]
    network = df.Network(tiny.Backbone(), heads)
    data = tiny.loader(network, 4, 2, workers=0)
    history = df.fit(
        network,
        data,
        balance=balancers.create(name, **own),
        updates=updates,
        engine="torch",
        progress=False,
        schedule=df.Constant(0.01),
        **fit,
    )
    assert history.update == updates
    assert all(np.isfinite(value).all() for value in network.parameters.values())


@pytest.mark.parametrize("name", COMPARING)
def test_several_ranks_compare_the_gradients_of_parameters_alone(name):
    cells = [{"at": "parameters", "every": 1}, {"at": "features"}, {"at": "parameters", "every": 2}]
    for settings in cells:
        changed = {of for of, value in settings.items() if value not in (1, "parameters")}
        if changed & set(refusals(name)):
            continue
        balancer = balancers.create(name, **settings)
        if settings is cells[0] and not balancer.is_independent:
            check_balanced(balancer, {}, ranks=2)
            continue
        with pytest.raises(ConfigError, match="one rank's samples[^|]*2 ranks"):
            check_balanced(balancer, {}, ranks=2)


@pytest.mark.parametrize("name", REST)
@pytest.mark.parametrize("setting", ["at", "every", "accumulated"])
def test_balancers_of_losses_compare_nothing(name, setting):
    with pytest.raises(ConfigError, match=f"no setting '{setting}'"):
        balancers.create(name, **FIRST.get(name, {}), **{setting: "features"})
