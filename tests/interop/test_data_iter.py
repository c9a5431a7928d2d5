"""A loader's batches for programs of MXNet."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx


def test_it_gives_the_loader_s_batches_as_ndarrays(tiny):
    network = tiny.network()
    loader = tiny.loader(network, 10, 4, workers=0)
    expected = [list(loader) for _ in range(2)]
    loader.set_epoch(0)
    data = df.interop.as_data_iter(loader)
    assert [desc.name for desc in data.provide_data] == ["data"]
    assert [(desc.name, desc.shape) for desc in data.provide_label] == [("bright_value", (4,))]
    for epoch in expected:
        for batch, other in zip(data, epoch):
            assert isinstance(batch, mx.io.DataBatch)
            assert (batch.pad, batch.ids, batch.index.tolist()) == (
                0, other.ids, other.index.tolist()
            )  # fmt: skip
            arrays = [*batch.data, *batch.label]
            for array, own in zip(arrays, other.arrays.values()):
                np.testing.assert_array_equal(array.asnumpy(), own)
        with pytest.raises(StopIteration):
            data.next()
        data.reset()


def test_the_parts_of_a_batch_one_by_one(tiny):
    data = df.interop.as_data_iter(tiny.loader(tiny.network(), 4, 4, workers=0))
    assert data.iter_next()
    (images,), (values,) = data.getdata(), data.getlabel()
    assert (images.shape[0], values.shape, data.getpad()) == (4, (4,), 0)
    assert data.getindex().tolist() == [0, 1, 2, 3]
    assert not data.iter_next()


@pytest.mark.parametrize("wrap", [lambda data: data, lambda data: mx.io.ResizeIter(data, 3)])
def test_fit_and_score_read_it_as_they_read_the_loader(tiny, wrap):
    def values(wrapped):
        network = tiny.network()
        loader = tiny.loader(network, 12, 4, workers=0)
        data = wrap(df.interop.as_data_iter(loader)) if wrapped else loader
        df.fit(network, data, epochs=2, schedule=df.Constant(0.1))
        return network

    network, other = values(False), values(True)
    tiny.assert_equal(network, other)
    data = df.interop.as_data_iter(tiny.loader(network, 10, 4, workers=0))
    assert df.score(network, data) == df.score(network, tiny.loader(network, 10, 4, workers=0))


def test_a_module_trains_on_it(tiny):
    network = tiny.network()
    loader = tiny.loader(network, 8, 4, workers=0)
    x = mx.sym.FullyConnected(
        mx.sym.cast(mx.sym.Variable("data"), "float32") / 255, num_hidden=1, name="fc"
    )
    symbol = mx.sym.LinearRegressionOutput(x, mx.sym.Variable("bright_value"), name="value")
    module = mx.mod.Module(symbol, label_names=["bright_value"])
    module.fit(df.interop.as_data_iter(loader), eval_metric="mse", num_epoch=2)
    assert np.isfinite(module.get_params()[0]["fc_weight"].asnumpy()).all()
