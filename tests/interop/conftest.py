"""The same training by Module.fit and by densefit, and the lines that both log."""

import importlib.util
import logging
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx


def masked(line):
    """A line without its times."""
    line = re.sub(r"Speed: \S+", "Speed: *", line)
    return re.sub(r"cost=\S+", "cost=*", line)


class Lines(logging.Handler):
    """What is logged to the root logger meanwhile, without times."""

    def __init__(self):
        super().__init__(logging.INFO)
        self.lines = []

    def emit(self, record):
        self.lines.append(masked(record.getMessage()))

    def __enter__(self):
        root = logging.getLogger()
        self._level = root.level
        root.setLevel(logging.INFO)
        root.addHandler(self)
        return self

    def __exit__(self, *raised):
        logging.getLogger().removeHandler(self)
        logging.getLogger().setLevel(self._level)


def parameters(symbol, seed=0, **shapes):
    """(arg_params, aux_params) of a symbol, drawn at random."""
    rng = np.random.default_rng(seed)
    arguments, _, auxiliary = symbol.infer_shape(**shapes)
    named = zip(symbol.list_arguments(), arguments)
    return (
        {
            name: mx.nd.array(rng.normal(scale=0.3, size=shape))
            for name, shape in named
            if name not in shapes and not name.endswith("_label")
        },
        {n: mx.nd.ones(shape) for n, shape in zip(symbol.list_auxiliary_states(), auxiliary)},
    )


def both(symbol, make_data, heads, settings, epochs=2, validate=True):
    """Train twice: `settings()` gives arguments of Module.fit, new ones for each training.

    Returns:
        (theirs, ours) with `lines` and `arguments`; theirs also `module`, ours `history` and
        `again`, which trains once more with other arguments.
    """
    provided = make_data().provide_data + make_data().provide_label
    shapes = {desc.name: desc.shape for desc in provided}
    arg_params, aux_params = parameters(symbol, **shapes)
    rate = {"learning_rate": 0.1}
    labels = [desc.name for desc in make_data().provide_label]
    theirs, module = settings(), mx.mod.Module(symbol, label_names=labels)
    with Lines() as lines:
        module.fit(
            make_data(), make_data() if validate else None, num_epoch=epochs,
            arg_params=arg_params, aux_params=aux_params, optimizer_params=rate, **theirs,
        )  # fmt: skip
    first = SimpleNamespace(lines=lines.lines, arguments=theirs, module=module)

    def again(**given):
        network = df.Network(symbol=symbol, routes=heads)
        network.set_params(arg_params, aux_params)
        return df.fit(
            network, make_data(), validation=make_data() if validate else None, epochs=epochs,
            optimizer_params=rate, **given,
        )  # fmt: skip

    ours = settings()
    with Lines() as lines:
        history = again(**ours)
    second = SimpleNamespace(lines=lines.lines, arguments=ours, history=history, again=again)
    return first, second


@pytest.fixture(scope="session")
def train_both():
    return both


@pytest.fixture(scope="session")
def logged():
    return Lines


CASES = Path(__file__).parents[2] / "benchmarks" / "iterator_cases.py"


@pytest.fixture(scope="session")
def cases():
    spec = importlib.util.spec_from_file_location("iterator_cases", CASES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def makers(cases, tmp_path_factory):
    return cases.Makers(tmp_path_factory.mktemp("iterators"))


@pytest.fixture(autouse=True)
def prefetching_iterators_end(cases, monkeypatch):
    """Their threads would hold all iterators, of 64 MiB each, to the end of the process."""
    made, init = [], mx.io.PrefetchingIter.__init__

    def noted(self, *args, **settings):
        init(self, *args, **settings)
        made.append(self)

    monkeypatch.setattr(mx.io.PrefetchingIter, "__init__", noted)
    yield
    while made:
        cases.stop(made.pop())


@pytest.fixture(autouse=True)
def _module_waits(module_waits):
    """Both fits read BatchNorm's statistics when they are written."""
