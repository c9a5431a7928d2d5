"""Train one program by `Module.fit` and by `df.fit`, from the same values, and compare."""

import contextlib
import json
import logging
import os
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.symbol import builder

#: Engine of `by_densefit`; None for the default.
ENGINE: dict[str, str | None] = {"name": os.environ.get("DENSEFIT_ENGINE")}
QUIET = logging.Logger("densefit.programs.mxnet", logging.CRITICAL)
EPOCHS = 2


class Recorded:
    """Keeps the metric's numbers at the end of each epoch, as callbacks of MXNet's see them."""

    def __init__(self):
        self.numbers = {}

    def __call__(self, param):
        # A later batch of the epoch replaces the numbers of the one before.
        self.numbers[param.epoch] = dict(param.eval_metric.get_global_name_value())


def initial(symbol, scale=0.1, seed=3, **shapes):
    """(arg_params, aux_params) of a symbol: normal weights, constant biases and statistics."""
    rng = np.random.RandomState(seed)
    arguments, _, auxiliary = symbol.infer_shape(**shapes)
    check_own_shapes(symbol, shapes)

    def value(name, shape):
        if name.endswith(("_bias", "_beta", "_moving_mean", "_running_mean")):
            return np.zeros(shape)
        if name.endswith(("_gamma", "_moving_var", "_running_var")):
            return np.ones(shape)
        return rng.normal(0, scale, shape)

    return (
        {
            name: mx.nd.array(value(name, shape))
            for name, shape in zip(symbol.list_arguments(), arguments)
            if name not in shapes
        },
        {
            name: mx.nd.array(value(name, shape))
            for name, shape in zip(symbol.list_auxiliary_states(), auxiliary)
        },
    )


def check_own_shapes(symbol, shapes):
    """densefit's builder reads the program's graph, and infers MXNet's shapes."""
    own = builder.sym.load_json(symbol.tojson())
    assert json.loads(own.tojson()) == json.loads(symbol.tojson())
    if '"Custom"' not in symbol.tojson():
        assert own.infer_shape(**shapes) == symbol.infer_shape(**shapes)


def module_of(program):
    """The Module that the program trains."""
    return mx.mod.Module(
        program["symbol"],
        data_names=program.get("data_names", ["data"]),
        label_names=program.get("label_names", ["softmax_label"]),
        fixed_param_names=program.get("fixed_param_names"),
        context=mx.cpu(),
        logger=program.get("logger", QUIET),
    )


def settings_of(program):
    """(settings of both fits, records of training numbers, of validation numbers)."""
    settings = dict(program["settings"])
    train, validation = Recorded(), Recorded()
    callbacks = settings.pop("batch_end_callback", [])
    settings["batch_end_callback"] = [
        *(callbacks if isinstance(callbacks, list) else [callbacks]),
        train,
    ]
    settings["eval_end_callback"] = validation
    for kind in ("arg_params", "aux_params"):
        settings[kind] = {name: value.copy() for name, value in program[kind].items()}
    return settings, train.numbers, validation.numbers


def by_module(program, epochs=EPOCHS):
    """What `Module.fit` makes of the program."""
    module = module_of(program)
    settings, train, validation = settings_of(program)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module.fit(program["train"], eval_data=program["validation"], num_epoch=epochs, **settings)
    return SimpleNamespace(
        module=module, train=train, validation=validation, params=module.get_params()
    )


def by_densefit(program, epochs=EPOCHS, model="module", **more):
    """What `df.fit` makes of the program's Module, or of its Symbol."""
    trained = module_of(program) if model == "module" else program["symbol"]
    settings, train, validation = settings_of(program)
    if model != "module" and program.get("fixed_param_names"):
        settings["fixed_param_names"] = program["fixed_param_names"]
    history = df.fit(
        trained,
        program["train"],
        validation=program["validation"],
        epochs=epochs,
        **{"engine": ENGINE["name"], **settings, **more},
    )
    return SimpleNamespace(
        model=trained,
        history=history,
        network=history.network,
        train=train,
        validation=validation,
        params=(df.interop.arg_params(history.network), df.interop.aux_params(history.network)),
    )


def assert_params_equal(first, second):
    """Two pairs of (arg_params, aux_params) hold the same, bit by bit if both are MXNet's."""
    for one, other in zip(first, second):
        assert one.keys() == other.keys()
        for name, value in one.items():
            if ENGINE["name"] == "torch":
                np.testing.assert_allclose(
                    other[name].asnumpy(), value.asnumpy(), rtol=1e-3, atol=1e-4, err_msg=name
                )
                continue
            np.testing.assert_array_equal(
                value.asnumpy(), other[name].asnumpy(), err_msg=name, strict=True
            )


def assert_moved(program, params):
    """Each parameter has been trained, but for the fixed ones, which have not."""
    fixed = program.get("fixed_param_names") or []
    for name, value in params[0].items():
        same = np.array_equal(value.asnumpy(), program["arg_params"][name].asnumpy())
        assert same == (name in fixed), name


def assert_same(program, module_run, densefit_run):
    """Parameters bit for bit, and the metrics' numbers, of training and of validation."""
    rel = 1e-4 if ENGINE["name"] == "torch" else 1e-7
    assert_params_equal(module_run.params, densefit_run.params)
    assert_moved(program, densefit_run.params)
    assert len(module_run.train) == EPOCHS
    for kind in ("train", "validation"):
        theirs, ours = getattr(module_run, kind), getattr(densefit_run, kind)
        assert theirs.keys() == ours.keys()
        for epoch, numbers in theirs.items():
            assert numbers, kind
            assert not np.isnan(list(numbers.values())).any(), kind
            assert ours[epoch] == pytest.approx(numbers, rel=rel), (kind, epoch)
            record = densefit_run.history.epochs[epoch][kind]
            named = {f"module/{name}": value for name, value in numbers.items()}
            assert {key: record.get(key) for key in named} == pytest.approx(named, rel=rel)


def forward(program, params, **arrays):
    """Short output name -> what the symbol gives for all rows at once, without any padding."""
    symbol = program["symbol"]
    arguments = symbol.list_arguments()
    arrays = {
        name: array if isinstance(array, mx.nd.NDArray) else mx.nd.array(array)
        for name, array in arrays.items()
        if name in arguments
    }
    executor = symbol.simple_bind(
        mx.cpu(),
        grad_req="null",
        type_dict={name: array.dtype for name, array in arrays.items()},
        **{name: array.shape for name, array in arrays.items()},
    )
    executor.copy_params_from(*params)
    outputs = executor.forward(is_train=False, **arrays)
    return {name: output.asnumpy() for name, output in zip(symbol.list_outputs(), outputs)}


def module_score(run, iterator, metric):
    """name -> number of `Module.score`."""
    return dict(run.module.score(iterator, metric))


@contextlib.contextmanager
def log_lines(logger=None):
    """What is logged, line by line."""
    lines = []

    class Lines(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())

    logger = logger or logging.getLogger()
    handler, level = Lines(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class Short(mx.io.DataIter):
    """Gives each sample once: the last batch has the rows that are left."""

    def __init__(self, data, label, batch_size):
        super().__init__(batch_size)
        self.data, self.label = data, label
        self.provide_data, self.provide_label = (
            [mx.io.DataDesc(name, (batch_size, *array.shape[1:])) for name, array in kind.items()]
            for kind in (data, label)
        )
        self.reset()

    def reset(self):
        length = len(next(iter(self.data.values())))
        self.starts = iter(range(0, length, self.batch_size))

    def next(self):
        start = next(self.starts)
        data, label = (
            [mx.nd.array(array[start : start + self.batch_size]) for array in kind.values()]
            for kind in (self.data, self.label)
        )
        return mx.io.DataBatch(
            data,
            label,
            pad=0,
            provide_data=[
                mx.io.DataDesc(name, array.shape) for name, array in zip(self.data, data)
            ],
            provide_label=[
                mx.io.DataDesc(name, array.shape) for name, array in zip(self.label, label)
            ],
        )


@pytest.fixture(scope="session")
def program():
    """Functions that run a program and compare."""
    return SimpleNamespace(
        initial=initial,
        module_of=module_of,
        by_module=by_module,
        by_densefit=by_densefit,
        assert_same=assert_same,
        assert_params_equal=assert_params_equal,
        forward=forward,
        module_score=module_score,
        log_lines=log_lines,
        Short=Short,
        epochs=EPOCHS,
    )


@pytest.fixture(autouse=True)
def _module_waits(module_waits):
    """Both fits read BatchNorm's statistics when they are written."""


def pytest_generate_tests(metafunc):
    """Let PyTorch train each program too that `Module.fit` trains."""
    if metafunc.function.__name__.startswith("test_trains_as_module"):
        engines = getattr(metafunc.module, "ENGINES", ["mxnet", "torch"])
        metafunc.parametrize("engine", engines, indirect=True)


@pytest.fixture(autouse=True)
def engine(request):
    """Engine of `by_densefit` in a test."""
    before = ENGINE["name"]
    ENGINE["name"] = getattr(request, "param", before)
    yield ENGINE["name"]
    ENGINE["name"] = before
