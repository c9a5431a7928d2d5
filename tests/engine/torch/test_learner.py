"""Settings of a training give the same losses and parameters as on MXNet."""

import numpy as np
import pytest
import torch

import densefit as df
from densefit.backend import mx
from densefit.errors import BindError, ConfigError, TrainingDiverged
from tests.engine.torch.both_engines import assert_close, train_alike, trained

SGD = {"learning_rate": 0.05, "momentum": 0.9, "wd": 1e-3}


class Partly:
    """Pictures of which some have no value."""

    def __init__(self, pictures, lacking):
        self.pictures, self.lacking = pictures, set(lacking)

    def __len__(self):
        return len(self.pictures)

    def id_of(self, index):
        return self.pictures.id_of(index)

    def __getitem__(self, index):
        sample = self.pictures[index]
        if index in self.lacking:
            sample.targets.pop("value")
        return sample


@pytest.fixture
def two_heads(tiny):
    def make():
        heads = [tiny.Brightness("a"), tiny.Brightness("b", weight=0.5)]
        return df.Network(tiny.Backbone(), heads)

    return make


@pytest.fixture
def pictures(tiny):
    return lambda network: tiny.loader(network, 14, 4, workers=0)


SETTINGS = {
    "plain": {},
    "adam": {"optimizer": "adam", "optimizer_params": {"learning_rate": 0.01, "wd": 1e-3}},
    "schedule": {"schedule": df.Cosine(lr=0.05, warmup="3st"), "optimizer_params": {}},
    "accumulate": {"accumulate": 3},
    "clip_norm": {"clip_norm": 0.05},
    "ema": {"ema": 0.9},
    "freeze": {"freeze": ["tiny_*"]},
    "fixed": {"fixed_param_names": ["tiny_stem_bn_gamma"], "allow_missing": True},
    "groups": {"groups": {"a_*": {"lr": 0.1}, "*_bias": {"wd": 0}}},
    "gradnorm": {"balance": "gradnorm"},
    "pcgrad": {"balance": "pcgrad"},
    "uncertainty": {"balance": "uncertainty"},
    "dwa": {"balance": "dwa"},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_trains_alike(two_heads, pictures, name):
    settings = {"epochs": 3, "optimizer_params": SGD, **SETTINGS[name]}
    assert_close(*train_alike(two_heads, pictures, **settings))


def test_symbols_train_alike(tiny):
    def make():
        return df.Network(symbol=tiny.two_heads(), routes=tiny.routes())

    assert_close(*train_alike(make, lambda network: tiny.iterator(10, 4), epochs=5))


def test_a_fixed_gamma_is_not_decayed_further_than_by_mxnet(tiny):
    """Each pass sets it to 1, so that it shows the last update's decay only."""

    def make():
        x = mx.sym.Convolution(mx.sym.Variable("data"), kernel=(3, 3), num_filter=4, name="conv")
        x = mx.sym.BatchNorm(x, name="bn", fix_gamma=True)
        x = mx.sym.FullyConnected(x, num_hidden=3, name="kind_fc")
        return df.Network(symbol=mx.sym.SoftmaxOutput(x, name="kind"), routes={})

    settings = {"epochs": 5, "optimizer_params": {**SGD, "wd": 0.1, "momentum": 0.0}}
    networks = train_alike(make, lambda network: tiny.images(), **settings)
    first, second = (network.parameters["bn_gamma"] for network in networks)
    np.testing.assert_allclose(second, first, rtol=1e-6)
    assert first == pytest.approx(1 - 0.05 * 0.1)


@pytest.mark.parametrize("lacking", [range(8), [1, 5, 6]], ids=["batches", "some"])
def test_partial_labels_train_alike(tiny, lacking):
    """One head has labels for some pictures; with none in an update it does not move."""

    def make():
        heads = [tiny.Brightness("a"), tiny.Brightness("b")]
        heads[1].encode = lambda sample: {"value": np.float32(sample.targets["other"])}
        return df.Network(tiny.Backbone(), heads)

    class Labelled(Partly):
        def targets_of(self, index):
            return ("value",) if index in self.lacking else ("value", "other")

        def __getitem__(self, index):
            sample = self.pictures[index]
            if index not in self.lacking:
                sample.targets["other"] = sample.targets["value"] * 2
            return sample

    def data(network):
        network.heads[0].targets, network.heads[1].targets = ("value",), ("other",)
        dataset = Labelled(tiny.Pictures(14), lacking)
        return tiny.loader(network, 14, 4, workers=0, dataset=dataset)

    settings = {"epochs": 2, "optimizer_params": SGD, "label_within": 100}
    assert_close(*train_alike(make, data, **settings))


class Broken:
    """Pictures of which one is nan in its label."""

    def __init__(self, pictures, at):
        self.pictures, self.at = pictures, at

    def __len__(self):
        return len(self.pictures)

    def id_of(self, index):
        return self.pictures.id_of(index)

    def __getitem__(self, index):
        sample = self.pictures[index]
        if index == self.at:
            sample.targets["value"] = np.array(np.nan)
        return sample


@pytest.mark.parametrize("policy", ["skip", "raise"])
def test_losses_that_are_not_finite(tiny, two_heads, policy):
    def data(network):
        return tiny.loader(network, 14, 4, workers=0, dataset=Broken(tiny.Pictures(14), 5))

    settings = {"epochs": 2, "optimizer_params": SGD, "on_nonfinite": policy}
    if policy == "raise":
        for engine in ("mxnet", "torch"):
            with pytest.raises(TrainingDiverged, match="is nan"):
                trained(two_heads, data, engine, **settings)
        return
    assert_close(*train_alike(two_heads, data, **settings))


def test_an_update_with_dropout_is_a_function_of_the_seed(tiny, pictures):
    def make():
        return df.Network(tiny.Backbone(), [tiny.Brightness("a", dropout=0.5)])

    runs = [
        trained(make, pictures, "torch", epochs=2, seed=seed)[0].parameters for seed in (3, 3, 4)
    ]
    assert all((runs[0][name] == runs[1][name]).all() for name in runs[0])
    assert any((runs[0][name] != runs[2][name]).any() for name in runs[0])


def test_bfloat16_trains_nearly_alike(two_heads, pictures):
    network, losses = trained(two_heads, pictures, "torch", epochs=2, precision="bfloat16")
    _, exact = trained(two_heads, pictures, "torch", epochs=2)
    assert losses.losses[-1] == pytest.approx(exact.losses[-1], rel=0.1)
    assert losses.losses[-1] != exact.losses[-1]
    assert {value.dtype for value in network.parameters.values()} == {np.dtype(np.float32)}


def test_another_precision_is_refused(two_heads, pictures):
    with pytest.raises(ConfigError, match="bfloat16 has the range of float32"):
        trained(two_heads, pictures, "torch", epochs=1, precision="float16")


def test_an_output_that_is_no_loss_is_refused_as_by_mxnet(tiny):
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, name="kind_fc")
    symbol = mx.sym.Group([mx.sym.SoftmaxOutput(x, name="kind"), mx.sym.relu(x, name="seen")])
    network = df.Network(symbol=symbol, routes=tiny.kind_route())
    data = tiny.iterator(8, 4, ["kind_label"])
    with pytest.raises(BindError, match=r"seen are no losses(.|\n)*BlockGrad"):
        df.fit(network, data, epochs=1, engine="torch")


def test_a_monitor_is_refused_by_name(tiny):
    data = tiny.iterator(8, 4, ["kind_label"])
    with pytest.raises(ConfigError, match=r"monitor(.|\n)*engine='mxnet'"):
        df.fit(tiny.kind(), data, epochs=1, engine="torch", monitor=mx.mon.Monitor(1))


def test_a_module_gets_the_parameters_back(tiny):
    """It is not trained in place, as its executors are MXNet's."""
    found = []
    for engine in ("mxnet", "torch"):
        module = mx.mod.Module(tiny.kind(), label_names=["kind_label"])
        start = {
            "kind_fc_weight": mx.nd.ones((3, 6)) * 0.1,
            "kind_fc_bias": mx.nd.zeros((3,)),
        }
        data = tiny.iterator(8, 4, ["kind_label"])
        df.fit(module, data, epochs=2, engine=engine, arg_params=start, optimizer="adam")
        found.append(module.get_params()[0]["kind_fc_weight"].asnumpy())
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4)
    assert np.abs(found[1] - 0.1).max() > 1e-3


def test_csr_data_train_as_dense_data(tiny):
    def sparse(inner):
        batch = inner.next()
        return mx.io.DataBatch([batch.data[0].tostype("csr")], batch.label, pad=batch.pad)

    def make():
        return df.Network(symbol=tiny.kind(), routes=tiny.kind_route())

    def data(network):
        return tiny.Changed(tiny.iterator(8, 4, ["kind_label"]), sparse)

    assert_close(*train_alike(make, data, epochs=2))


@pytest.mark.parametrize(
    "initializer",
    [None, "xavier", mx.init.Normal(0.3), mx.init.Constant(0.2)],
    ids=["default", "xavier", "normal", "constant"],
)
def test_initial_values_have_the_distribution_of_mxnet_s(tiny, initializer):
    """And depend on the seed and the name alone; the numbers differ from MXNet's."""
    weights = []
    for engine, seed in (("mxnet", 0), ("torch", 0), ("torch", 0), ("torch", 1)):
        network = tiny.network()
        data = tiny.loader(network, 4, 4, workers=0)
        settings = {"updates": 1, "optimizer_params": {"learning_rate": 0.0}, "seed": seed}
        df.fit(network, data, engine=engine, initializer=initializer, progress=False, **settings)
        weights.append(network.parameters["tiny_stem_weight"])
        assert network.parameters["tiny_stem_bn_gamma"].tolist() == [1.0] * 4
    assert weights[1].std() == pytest.approx(weights[0].std(), rel=0.25, abs=1e-6)
    assert np.array_equal(weights[1], weights[2])
    assert np.array_equal(weights[1], weights[3]) == (weights[0].std() < 1e-6)


def test_the_train_graph_is_compiled_on_demand(two_heads, pictures, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda program: compiled.append(program) or program)
    trained(two_heads, pictures, "torch", updates=1)
    assert compiled == []
    monkeypatch.setenv("DENSEFIT_TORCH_COMPILE", "1")
    trained(two_heads, pictures, "torch", updates=1)
    assert len(compiled) == 1
