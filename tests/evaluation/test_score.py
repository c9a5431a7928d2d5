"""Every sample exactly once: whatever the batches and the devices."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import BindError, ConfigError, DataError
from densefit.metrics import ConfusionMatrix
from densefit.symbol import sym
from tests.rows import DataIter, iterator_of_arrays, own_batch

TWO, FOUR = ([f"cpu:{i}" for i in range(count)] for count in (2, 4))
SEVERAL = [pytest.param(devices, marks=pytest.mark.mxnet) for devices in (TWO, FOUR)]
BATCHES = [1, 3, 6, 7, 11]  # MXNet cannot split 6 rows among 4 devices


def kind_network(tiny, symbol=None, **route):
    network = df.Network(
        symbol=tiny.kind() if symbol is None else symbol, routes=tiny.kind_route(**route)
    )
    rng = np.random.default_rng(3)
    weights = {"kind_fc_weight": rng.normal(size=(3, 6)), "kind_fc_bias": np.zeros(3)}
    network.set_params({k: v.astype(np.float32) for k, v in weights.items()})
    return network


class Sorted(ConfusionMatrix):
    """IoU of classes, of scores."""

    def update(self, predictions, targets, ids):
        super().update(predictions.argmax(axis=1), targets, ids)


@pytest.mark.parametrize("devices", [None, *SEVERAL])
def test_raw_iterator_any_batch_size(tiny, devices):
    network = kind_network(tiny)
    metrics = {"kind": ["accuracy", "ce", Sorted(3)]}
    x, kind, _ = tiny.arrays(11)
    parameters = tiny.values(network)
    logits = x @ parameters["kind_fc_weight"].T
    scores = [
        df.score(network, tiny.iterator(11, size, ["kind_label"]), metrics=metrics, devices=devices)
        for size in BATCHES
    ]
    assert scores[0]["kind/accuracy"] == np.mean(logits.argmax(axis=1) == kind)
    for other in scores[1:]:
        assert other.keys() == scores[0].keys()
        for key, value in other.items():
            assert value == pytest.approx(scores[0][key], abs=1e-6)
        assert other["kind/accuracy"] == scores[0]["kind/accuracy"]
        assert other["kind/mIoU"] == scores[0]["kind/mIoU"]


@pytest.mark.parametrize("devices", [None, *SEVERAL])
def test_loader_any_batch_size(tiny, devices):
    network = tiny.network()
    df.fit(network, tiny.loader(network), epochs=1)
    scores = [
        df.score(network, tiny.loader(network, 11, size), devices=devices)["bright/mae"]
        for size in BATCHES
    ]
    assert scores == pytest.approx([scores[0]] * len(scores), abs=1e-6)


def rows_network(tiny, rows=3):
    """Each sample becomes `rows` rows of the output: its features times 1, 2, 3..."""
    x = sym.Variable("data")
    x = sym.stack(*(x * (k + 1) for k in range(rows)), axis=1)
    x = sym.BlockGrad(sym.reshape(x, shape=(-1, 6)), name="rows")
    return df.Network(symbol=x, routes={"rows": df.Route(["rows"], ["y"], [Keep()], rows=rows)})


class Keep(df.Metric):
    """Keeps what it is given."""

    name = primary = "keep"
    given = []

    def reset(self):
        Keep.given = []

    def update(self, predictions, targets, ids):
        Keep.given.append((predictions, targets, list(ids)))

    def compute(self):
        return {"keep": float(len(Keep.given))}

    merge = state_dict = load_state_dict = None


def test_padded_rows_of_an_output_with_several_rows_a_sample(tiny):
    x, _, _ = tiny.arrays(5)
    network = rows_network(tiny)
    network.set_params({})
    df.score(network, iterator_of_arrays(x, {"y": np.arange(5)}, 4))
    predictions, targets, ids = Keep.given[1]
    assert ids == ["4"]
    np.testing.assert_allclose(predictions, np.stack([x[4:] * k for k in (1, 2, 3)], axis=1))
    np.testing.assert_array_equal(targets, [4])
    assert Keep.given[0][0].shape == (4, 3, 6)


def test_rows_that_labels_have_too_count_one_by_one(tiny):
    """Labels of several rows a sample can only be compared, not bound: it takes an own iterator."""
    x, _, _ = tiny.arrays(5)

    class Rows(DataIter):
        provide_data = [("data", (4, 6))]
        provide_label = [("y", (12,))]
        place = 0

        def reset(self):
            self.place = 0

        def next(self):
            if self.place == 8:
                raise StopIteration
            rows = np.arange(self.place, self.place + 4) % 5
            pad = max(0, self.place + 4 - 5)
            self.place += 4
            return own_batch(self, [x[rows]], [np.repeat(rows, 3)], pad)

    df.score(rows_network(tiny), Rows(4))
    predictions, targets, ids = Keep.given[1]
    assert ids == ["4"] * 3
    assert predictions.shape == (3, 6)
    np.testing.assert_array_equal(targets, [4, 4, 4])


def scalar_network(tiny):
    mean = sym.reshape(sym.mean(sym.Variable("data")), shape=(1,))
    symbol = sym.MakeLoss(mean, name="mean")
    return df.Network(symbol=symbol, routes={"mean": df.Route(["mean"], (), ["loss"], rows=0)})


def test_one_number_for_a_batch(tiny):
    network = scalar_network(tiny)
    x, _, _ = tiny.arrays(8)
    expected = {"mean/loss": pytest.approx(x.mean(), abs=1e-6)}
    assert df.score(network, iterator_of_arrays(x, batch_size=4)) == expected
    uneven = {"mean/loss": pytest.approx(x[:7].mean(), abs=1e-6)}
    assert df.score(network, iterator_of_arrays(x[:7], batch_size=4)) == uneven


@pytest.mark.mxnet
def test_one_number_for_a_batch_is_of_one_device(tiny):
    x, _, _ = tiny.arrays(8)
    with pytest.raises(BindError, match="2 devices"):
        df.score(scalar_network(tiny), iterator_of_arrays(x, batch_size=4), devices=TWO)


@pytest.mark.parametrize("settings", [{"last": "drop"}, {"on_error": "skip"}])
def test_loaders_that_drop_or_skip_are_refused(tiny, settings):
    network = tiny.network()
    with pytest.raises(DataError, match="do not give every sample exactly once"):
        df.score(network, tiny.loader(network, **settings))


def test_samples_that_come_twice_or_not_at_all(tiny):
    network = tiny.network()
    df.fit(network, tiny.loader(network), epochs=1)
    loader = tiny.loader(network, workers=0)
    loader.dataset.id_of = lambda index: f"p{index % 9}"
    loader.dataset.__class__ = type(
        "Twice", (tiny.Pictures,), {"id_of": lambda self, index: f"p{index % 9}"}
    )
    with pytest.raises(DataError, match="'p0' came twice"):
        df.score(network, loader)

    class Short:
        """Announces ten samples, and gives eight."""

        dataset = tiny.Pictures(10)

        def __init__(self, loader):
            self.loader = loader

        def __getattr__(self, name):
            return getattr(self.loader, name)

        def __iter__(self):
            return iter(self.loader)

    with pytest.raises(DataError, match="8 of 10 samples came"):
        df.score(network, Short(tiny.loader(network, 8)))


def test_ragged_ground_truth_stays_on_the_host(tiny):
    """Targets of another size for each sample, compared by a route's metric."""

    class Ragged(tiny.Pictures):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            sample.targets["boxes"] = np.tile(np.float32([0, 0, 2, 2]), (index, 1))
            return sample

    x = sym.cast(sym.Variable("data"), dtype="float32")
    network = df.Network(
        symbol=sym.mean(x, axis=(1, 2, 3), name="level"),
        routes={"count": df.Route(["level"], ["boxes"], [boxes])},
    )
    found = df.score(network, df.Loader(Ragged(7), batch_size=3, workers=0))
    assert found == {"count/boxes": 3.0}


def boxes(label, prediction):
    return float(len(label[0]))


def test_which_heads_and_metrics(tiny):
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    df.fit(network, tiny.iterator(8, 4), epochs=1)
    data = tiny.iterator(9, 4)
    assert set(df.score(network, data)) == {"kind/accuracy", "size/mae"}
    # the other head's label need not be there
    assert set(df.score(network, tiny.iterator(9, 4, ["size_label"]), ["size"])) == {"size/mae"}
    assert set(df.score(network, data, metrics={"size": ["mse", "rmse"]})) == {
        "kind/accuracy",
        "size/mse",
        "size/rmse",
    }
    routes = {"sorts": df.Route(["kind"], ["kind_label"], ["acc"])}
    assert set(df.score(network, data, routes)) == {"sorts/accuracy"}
    with pytest.raises(ConfigError, match="a list of names") as raised:
        df.score(network, tiny.iterator(4, 4), heads="kind")
    assert raised.value.fix == "heads=['kind']"
    with pytest.raises(BindError, match="no head 'kinds'(.|\n)*did you mean 'kind'"):
        df.score(network, data, ["kinds"])
    with pytest.raises(ConfigError, match="'size', which is not scored"):
        df.score(network, data, ["kind"], metrics={"size": ["mae"]})
    with pytest.raises(ConfigError, match="No head has a metric"):
        df.score(network, data, {"sorts": df.Route(["kind"])})
    with pytest.raises(ConfigError, match="Two metrics"):
        df.score(network, data, metrics={"kind": ["acc", "accuracy"]})
    with pytest.raises(BindError, match="'sizes_label', which|needs the label 'sizes_label'"):
        df.score(network, data, {"size": df.Route(["size"], ["sizes_label"], ["mae"])})


def test_networks_without_parameters_or_of_another_shape(tiny):
    network = df.Network(symbol=tiny.kind(), routes=tiny.kind_route())
    with pytest.raises(BindError, match="no parameters yet"):
        df.score(network, tiny.iterator(8, 4))
    network.set_params({"kind_fc_weight": np.ones((3, 6))})
    with pytest.raises(BindError, match="no value for some parameters(.|\n)*kind_fc_bias"):
        df.score(network, tiny.iterator(8, 4))
    network.set_params({"kind_fc_weight": np.ones((3, 6)), "kind_fc_bias": np.ones(4)})
    with pytest.raises(BindError, match="'kind_fc_bias' has another shape"):
        df.score(network, tiny.iterator(8, 4))
    with pytest.raises(BindError, match="no parameters yet"):
        df.score(tiny.kind(), tiny.iterator(8, 4, ["kind_label"]))
    with pytest.raises(ConfigError, match="not a model"):
        df.score("kind", tiny.iterator(8, 4))


def test_data_without_labels_that_only_a_loss_reads(tiny, recwarn):
    """Module warns, or takes the label for a parameter."""
    network = kind_network(tiny)
    x, _, _ = tiny.arrays(5)
    routes = {"kind": df.Route(["kind"], [], [lambda label, prediction: prediction[0, 0]])}
    found = df.score(network, iterator_of_arrays(x, batch_size=4), routes)
    assert 0 < found["kind/custom"] < 1
    assert not [w for w in recwarn if "label" in str(w.message)]


def test_a_loader_without_originals_cannot_be_scored(tiny):
    network = tiny.network()
    data = tiny.loader(network, 4, 4, workers=0, originals=False)
    df.fit(network, data, epochs=1)
    with pytest.raises(DataError, match="originals=False"):
        df.score(network, data)


def test_a_head_of_ours_needs_its_samples(tiny):
    network = tiny.network()
    df.fit(network, tiny.loader(network), epochs=1)
    with pytest.raises(DataError, match="carries neither original targets nor geometries"):
        df.score(network, iterator_of_arrays(np.zeros((4, 3, 32, 32), np.uint8), batch_size=2))


def test_samples_of_unknown_truth_do_not_count(tiny):
    network = tiny.network()
    df.fit(network, tiny.loader(network), epochs=1)
    network.heads[0].ground_truth = lambda targets: targets.get("value")

    class Partly(tiny.Pictures):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            if index not in self.known:
                del sample.targets["value"]
            return sample

    data = Partly(8)
    found = {}
    for known in (range(8), range(4), range(4, 8), ()):
        data.known = known
        loader = df.Loader(data, batch_size=3, workers=0)
        if known:
            found[known] = df.score(network, loader)["bright/mae"]
    assert found[range(8)] == pytest.approx((found[range(4)] + found[range(4, 8)]) / 2)
    with pytest.raises(
        DataError, match="(?s)No sample is labelled for the heads .'bright'.*scoring"
    ):
        df.score(network, loader)
