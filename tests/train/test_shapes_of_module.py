"""Batches of changing shapes: as MXNet's Module trains them, and how often it is bound."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from tests.train.test_shapes import PARAMS, Changing, dense, fixed_rows, ours, padded, start


def start_ndarrays():
    """Initial values for Module."""
    arguments, states = start(dense())
    return {
        "arg_params": {name: mx.nd.array(array) for name, array in arguments.items()},
        "aux_params": {name: mx.nd.array(array) for name, array in states.items()},
    }


@pytest.mark.parametrize("announce", [True, False])
@pytest.mark.usefixtures("module_waits")
@pytest.mark.parametrize("model", ["symbol", "module"])
def test_changing_sizes_train_as_with_module_which_rebinds(announce, model):
    data = Changing(announce=True)  # a Module needs to be told the labels' shapes
    module = mx.mod.Module(dense())
    module.fit(
        data, num_epoch=2, optimizer_params=PARAMS, eval_metric=[],
        **start_ndarrays(),
    )  # fmt: skip
    theirs = {n: v.asnumpy() for part in module.get_params() for n, v in part.items()}
    if model == "module":
        mine = mx.mod.Module(dense())
        df.fit(
            mine, Changing(announce=announce), epochs=2, optimizer_params=PARAMS,
            **start_ndarrays(), eval_metric=[],
        )  # fmt: skip
        found = {n: v.asnumpy() for part in mine.get_params() for n, v in part.items()}
        mine.fit(data, num_epoch=1, eval_metric=[], optimizer_params=PARAMS)  # it may go on
    else:
        _, found = ours(Changing(announce=announce), epochs=2)
    assert set(found) == set(theirs)
    for name, value in theirs.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_a_shape_is_bound_once_and_few_are_kept(monkeypatch):
    from densefit.engine.mxnet.module import Modules

    seen = []
    inner = Modules.of

    def spied(self, shapes):
        found = inner(self, shapes)
        seen.append((self.binds, len(self._cache)))
        return found

    monkeypatch.setattr(Modules, "of", spied)
    ours(Changing(), epochs=3)
    assert seen[-1] == (3, 2)
    seen.clear()
    monkeypatch.setattr(Modules.__init__, "__defaults__", (2,))
    ours(Changing([(k, 6) for k in range(4, 12)]), epochs=1)
    assert seen[-1] == (8, 2)


def test_a_symbol_that_is_made_for_its_batch_size_trains_as_module():
    rng = np.random.default_rng(0)
    given = {"fc_weight": mx.nd.array(rng.normal(size=(2, 6))), "fc_bias": mx.nd.zeros(2)}
    module = mx.mod.Module(fixed_rows())
    module.fit(padded(), num_epoch=2, arg_params=dict(given), eval_metric=[])
    history = df.fit(fixed_rows(), padded(), epochs=2, arg_params=dict(given))
    ours = dict(history.network.parameters)
    for name, value in module.get_params()[0].items():
        np.testing.assert_array_equal(ours[name], value.asnumpy())


def test_a_module_is_bound_once_for_each_shape(monkeypatch):
    bound = []
    inner = mx.mod.Module.reshape
    monkeypatch.setattr(
        mx.mod.Module, "reshape", lambda self, *given: (bound.append(1), inner(self, *given))[1]
    )
    df.fit(mx.mod.Module(dense()), Changing(), epochs=3)
    assert len(bound) == 2  # of three shapes, beside the first
