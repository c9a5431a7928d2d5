"""Heads of any name train and score as those of plain names, or are refused at Network."""

import ast
import re
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import densefit as df
from densefit.callbacks import CSVLog
from densefit.callbacks.csv_log import read_rows
from densefit.data.sample import Sample
from densefit.errors import CheckpointError, ConfigError
from densefit.model.backbones import backbones
from densefit.symbol import sym
from densefit.train.balance import DWA, GradNorm, PCGrad, Uncertainty

SIZE = (32, 32)
PLAIN = ("A", "B")


def make(tiny, names):
    """Two heads: of a term `class_loss` beside the loss, and of a label that is called `weight`."""

    class Terms(tiny.Brightness):
        def train(self, features, labels):
            loss = sym.square(self._value(features) - labels["value"])
            return {"loss": loss, "class_loss": 3 * loss}

    class Labels(tiny.Brightness):
        def labels(self, input_size):
            return [df.Label("fc_weight", ())]

        def _value(self, features):
            x = sym.mean(features.maps[32], axis=(2, 3))
            x = sym.FullyConnected(x, num_hidden=1, name=f"{self.name}_out")
            return sym.reshape(x, shape=(-1,))

        def train(self, features, labels):
            return {"loss": sym.square(self._value(features) - labels["fc_weight"])}

        def evaluate(self, features):
            return {"value": self._value(features)}

        def encode(self, sample):
            return {"fc_weight": np.array(1 - sample.targets["value"], np.float32)}

        def ground_truth(self, targets):
            return 1 - targets["value"]

    return df.Network(tiny.Backbone(), [Terms(names[0]), Labels(names[1])])


def values(names):
    rng = np.random.default_rng(0)
    first, second = names
    arguments = {
        "tiny_stem_weight": rng.normal(0, 0.3, (4, 3, 3, 3)),
        "tiny_stem_bn_gamma": np.ones(4),
        "tiny_stem_bn_beta": np.zeros(4),
        f"{first}_fc_weight": rng.normal(0, 0.3, (1, 4)),
        f"{first}_fc_bias": np.zeros(1),
        f"{second}_out_weight": rng.normal(0, 0.3, (1, 4)),
        f"{second}_out_bias": np.zeros(1),
    }
    return {name: value.astype(np.float32) for name, value in arguments.items()}


def renamed(numbers, names):
    """Numbers by `<head>/<number>`, as those of plain names; an error if a head is another's."""
    heads = dict(zip(names, PLAIN))
    found = {}
    for key, value in numbers.items():
        head, slash, number = key.partition("/")
        found[f"{heads[head]}/{number}" if slash else key] = value
    return found


def trained(tiny, names, balance):
    """All that a training and its log say of two heads, by plain names."""
    network = make(tiny, names)
    statistics = {"tiny_stem_bn_moving_mean": np.zeros(4), "tiny_stem_bn_moving_var": np.ones(4)}
    network.set_params(values(names), {n: v.astype(np.float32) for n, v in statistics.items()})
    loaders = [tiny.loader(network, 8, workers=0) for _ in range(2)]
    owned = [
        df.surgery.trunk_parameters(network),
        *(df.surgery.head_parameters(network, name) for name in names),
    ]
    with tempfile.TemporaryDirectory() as folder:
        history = df.fit(
            network,
            loaders[0],
            validation=loaders[1],
            epochs=1,
            optimizer="adam",
            schedule=df.Constant(0.01),
            balance=balance and balance(),
            groups={owned[1][0]: {"lr": 0.5}},
            freeze=owned[2][1:],
            progress=False,
            callbacks=[CSVLog(Path(folder) / "log.csv")],
        )
        row = read_rows(Path(folder) / "log.csv")[-1]
    columns = [key.partition("/")[::2] for key in row]
    logged = {
        kind: {key: float(row[f"{kind}/{key}"]) for own, key in columns if own == kind}
        for kind in ("train", "validation")
    }
    last = history.epochs[-1]
    assert renamed(logged["train"], names) == pytest.approx(renamed(last["train"], names))
    assert renamed(logged["validation"], names) == renamed(last["validation"], names)
    own = tiny.values(network)
    return (
        renamed(last["train"], names),
        renamed(last["validation"], names),
        renamed(df.score(network, loaders[1]), names),
        [[own[name].tolist() for name in part] for part in owned],
    )


BALANCES = [None, GradNorm, PCGrad, DWA, Uncertainty]
PIECES = [
    *("a", "A", "b", "_", "-", ".", " ", "/", "[1]", "*", "?", "$", "~", ":", ",", "=", '"', "'"),
    *(
        "\\",
        "{",
        "%s",
        "#",
        "\n",
        "\0",
        "\x7f",
        "\udc80",
        "\u00a0",
        "\u202e",
        "\u00e9",
        "e\u0301",
        "头",
    ),
    *("class", "loss", "output", "fc", "weight", "log_variance", "weights", "data", "tiny_stem"),
    *("value", "x" * 60, "module", "nan", "0"),
]
NAMES = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
PAIRS = st.one_of(
    st.tuples(NAMES, NAMES),
    st.tuples(NAMES, NAMES).map(lambda pair: (pair[0], "_".join(pair))),
    st.tuples(NAMES, NAMES).map(lambda pair: ("_".join(pair), pair[0])),
)


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@example(("a", "a_class"), GradNorm)  # outputs a_class_loss
@example(("a", "a/x"), GradNorm)
@example(("größe", "头"), PCGrad)
@example(("a b", "a"), DWA)
@example(("a.b", "a"), Uncertainty)
@example(("x" * 100, "x" * 99), None)
@example(("train", "validation"), DWA)
@example(("tiny_stem_bn", "arg:a"), GradNorm)
@given(PAIRS, st.sampled_from(BALANCES))
def test_names_change_no_number_or_are_refused(tiny, names, balance):
    refused = refusal(tiny, names)
    if refused:
        assert is_mended(tiny, names, refused)
        return
    found = trained(tiny, names, balance)
    for own, expected in zip(found, plain(tiny, balance)):
        np.testing.assert_equal(own, expected)


TYPED = re.compile(r"""name=('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")


def refusal(tiny, names):
    try:
        make(tiny, names)
    except ConfigError as error:
        return error
    return None


def is_mended(tiny, names, refused, steps=2):
    """Whether the names that errors tell make two that are accepted."""
    name = ast.literal_eval(TYPED.search(refused.fix)[1])
    for pair in ((name, names[1]), (names[0], name)):
        again = refusal(tiny, pair)
        if not again or (steps and is_mended(tiny, pair, again, steps - 1)):
            return True
    return False


@cache
def plain(tiny, balance):
    return trained(tiny, PLAIN, balance)


def test_what_is_wrong_with_a_name_is_said(tiny):
    for name, words in (
        ("a/x", "(?s)'/' has a meaning.*name='a_x'.*rename={'a/x_\\*': 'a_x_\\*'}"),
        ("[1]", "(?s)'\\['.*name='_1_'"),
        ("", "(?s)is empty.*name='head'"),
        ("a\n", "(?s)cannot be printed.*name='a'"),
        (" a", "(?s)blank at its end.*name='a'"),
        ("x" * 101, "(?s)101 bytes.*name='xxx"),
        (1, "(?s)no string but int.*name='1'"),
        (["a"], "no string but list"),
    ):
        with pytest.raises(ConfigError, match=words):
            df.Network(tiny.Backbone(), [tiny.Brightness(name)])
    with pytest.raises(ConfigError, match="(?s)'/' has.*'a_x': df.Route"):
        df.Network(symbol=tiny.kind(), routes={"a/x": df.Route(["kind"])})


def test_what_is_no_loss_layer_has_no_head():
    x = sym.FullyConnected(sym.Variable("data"), num_hidden=3, name="fc")
    outputs = [
        sym.SoftmaxOutput(x, name="loss/1"),
        sym.BlockGrad(x, name="shown"),
        sym.MakeLoss(x, grad_scale=0, name="still"),
        sym.MakeLoss(x, name="loss_1"),
    ]
    assert list(df.Network(symbol=sym.Group(outputs)).adapters) == ["loss_1_2", "loss_1"]


def test_a_symbol_of_any_names_is_trained(tiny):
    """Its heads have names that may be theirs; frozen layers may be called as patterns are."""

    def symbol(output, layer):
        x = sym.FullyConnected(sym.Variable("data"), num_hidden=4, name=layer)
        x = sym.FullyConnected(x, num_hidden=3, name="kind_fc")
        return sym.SoftmaxOutput(x, sym.Variable("kind_label"), name=output)

    found = []
    for output, layer, head in (("kind", "plain", "kind"), ("größe/1", "头[1]", "größe_1")):
        made = symbol(output, layer)
        rng = np.random.default_rng(0)
        given = {
            f"{layer}_weight": rng.normal(size=(4, 6)), f"{layer}_bias": np.zeros(4),
            "kind_fc_weight": rng.normal(size=(3, 4)), "kind_fc_bias": np.zeros(3),
        }  # fmt: skip
        network = df.Network(symbol=made)
        assert list(network.adapters) == [head]
        network.set_params({name: value.astype(np.float32) for name, value in given.items()})
        data = tiny.iterator(8, labels=["kind_label"])
        history = df.fit(network, data, epochs=2, freeze=[f"{layer}_weight"], progress=False)
        own = tiny.values(network)
        np.testing.assert_array_equal(own[f"{layer}_weight"], np.float32(given[f"{layer}_weight"]))
        scores = df.score(network, tiny.iterator(8, labels=["kind_label"]))
        found.append((history.epochs[-1]["train"][f"{head}/accuracy"], scores[f"{head}/accuracy"],
                      own["kind_fc_weight"].tolist()))  # fmt: skip
    assert found[0] == found[1]


def test_a_checkpoint_of_any_name_goes_on(tiny, tmp_path):
    backbones.register("tiny for head names")(tiny.Backbone)
    found = []
    for name in ("kind", "größe 头, 1.5"):
        made = df.Network("tiny for head names", [df.head("classification", classes=2, name=name)])
        loader = df.Loader(Halves(), batch_size=4, heads=made.heads)
        arrays = [np.full((2, 4), 0.1, np.float32), np.zeros(2, np.float32)]
        parts = zip(("weight", "bias"), arrays)
        made.set_params({f"{name}_class_{part}": value for part, value in parts})
        settings = {"balance": DWA(), "checkpoint": tmp_path / name, "progress": False}
        df.fit(made, loader, epochs=1, **settings)
        df.fit(made, loader, epochs=3, resume="auto", **settings)
        again = df.load(tmp_path / name)
        scores = df.score(again, df.Loader(Halves(), batch_size=4))
        predicted = dict(df.predict(again, df.Loader(Halves(), batch_size=4)))
        found.append((scores[f"{name}/cross_entropy"], tiny.values(again)[f"{name}_class_weight"],
                      [predicted[key][name] for key in sorted(predicted)]))  # fmt: skip
    np.testing.assert_equal(found[0], found[1])


def test_weights_of_a_name_that_is_refused_come_to_another(tiny, tmp_path, monkeypatch):
    """Of a checkpoint that was written before names were looked at."""
    backbones.register("tiny for head names")(tiny.Backbone)
    monkeypatch.setattr("densefit.model.network.check_head_names", lambda *names: None)
    made = df.Network("tiny for head names", [df.head("classification", classes=2, name="a/x")])
    loader = df.Loader(Halves(), batch_size=4, heads=made.heads)
    df.fit(made, loader, updates=1, checkpoint=tmp_path, progress=False)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="cannot be named 'a/x'") as caught:
        df.load(tmp_path)
    rename = ast.literal_eval(re.search("rename=({.*?})", caught.value.fix)[1])
    other = df.Network("tiny for head names", [df.head("classification", classes=2, name="a_x")])
    assert not df.surgery.transfer(tmp_path, other, rename=rename).dropped
    own = tiny.values(other)["a_x_class_weight"]
    np.testing.assert_array_equal(own, tiny.values(made)["a/x_class_weight"])


class Halves:
    """Dark and bright pictures."""

    label_classes = ("dark", "bright")

    def __len__(self):
        return 8

    def id_of(self, index):
        return str(index)

    def __getitem__(self, index):
        image = np.full((32, 32, 3), 40 + 170 * (index % 2), np.uint8)
        return Sample(str(index), image, {"label": np.array(index % 2)})
