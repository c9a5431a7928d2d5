"""A Symbol behaves as MXNet's: indexing, attributes, composition, copies, files, errors."""

import copy
import json
import pickle

import numpy as np
import pytest

from densefit.backend import mx
from densefit.errors import ConfigError
from densefit.model.symbol_graph import SymbolGraph
from densefit.symbol.builder import AttrScope, NameManager, Prefix, sym

BOTH = pytest.mark.parametrize(
    ("s", "scopes"),
    [(mx.sym, (mx.name.NameManager, mx.name.Prefix, mx.AttrScope)),
     (sym, (NameManager, Prefix, AttrScope))],
    ids=["mxnet", "densefit"],
)  # fmt: skip


def same(build):
    """What `build(sym, scopes)` returns with both."""
    theirs = build(mx.sym, (mx.name.NameManager, mx.name.Prefix, mx.AttrScope))
    ours = build(sym, (NameManager, Prefix, AttrScope))
    return ours, theirs


def graph(symbol):
    return json.loads(symbol.tojson())


@pytest.mark.parametrize(
    "operation",
    [
        lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / y,
        lambda x, y: x % y, lambda x, y: x**y, lambda x, y: x == y, lambda x, y: x != y,
        lambda x, y: x > y, lambda x, y: x >= y, lambda x, y: x < y, lambda x, y: x <= y,
        lambda x, y: x + 1, lambda x, y: 1 + x, lambda x, y: x - 1.5, lambda x, y: 2 - x,
        lambda x, y: 2 * x, lambda x, y: x / 3, lambda x, y: 3 / x, lambda x, y: x % 2,
        lambda x, y: 2 % x, lambda x, y: x**2, lambda x, y: 2**x, lambda x, y: -x,
        lambda x, y: abs(x), lambda x, y: x == 1, lambda x, y: 1 != x, lambda x, y: x > 1,
        lambda x, y: x >= np.float32(0.5), lambda x, y: 1 < x, lambda x, y: x <= 1,
        lambda x, y: np.float32(0.5) * x, lambda x, y: np.int64(2) + x,
        lambda x, y: x.reshape((2, -1)).sum(axis=1), lambda x, y: x.squeeze(),
        lambda x, y: x.astype("float16"), lambda x, y: x.slice_axis(axis=0, begin=0, end=None),
        lambda x, y: x.split(num_outputs=2)[1], lambda x, y: x.topk(k=2, ret_typ="both")[1:],
        lambda x, y: x.split_v2((1, 3))[0], lambda x, y: x.clip(0, 1).log_softmax(axis=-1),
    ],
)  # fmt: skip
def test_operators_and_methods(operation):
    def build(s, scopes):
        with scopes[0]():
            return operation(s.Variable("x"), s.Variable("y"))

    ours, theirs = same(build)
    assert graph(ours) == graph(theirs)
    assert ours.list_outputs() == theirs.list_outputs()


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.pow(s.var("x"), 2), lambda s: s.power(2, s.var("x")),
        lambda s: s.maximum(s.var("x"), s.var("y")), lambda s: s.minimum(0, s.var("x")),
        lambda s: s.hypot(s.var("x"), 3), lambda s: s.eye(3, 4), lambda s: s.zeros((2, 3)),
        lambda s: s.ones(4, dtype="int32"), lambda s: s.full((2,), 3), lambda s: s.arange(2, 9, 3),
        lambda s: s.linspace(0, 1, 5),
        lambda s: s.histogram(s.var("x"), 5, range=(0, 1)), lambda s: s.split_v2(s.var("x"), 3),
        lambda s: s.random.uniform(0, 1, shape=(2, 3)), lambda s: s.random.normal(shape=(2,)),
        lambda s: s.random.normal(s.var("m"), s.var("s"), shape=(2,)),
        lambda s: s.random.randint(0, 5, shape=(3,)), lambda s: s.random.multinomial(s.var("p")),
        lambda s: s.random.exponential(2.0), lambda s: s.random.randn(2, 3),
        lambda s: s.random.gamma(2, 3, (4,)), lambda s: s.random.shuffle(s.var("x")),
        lambda s: s.random.poisson(3, dtype="float64"),
        lambda s: s.sparse.dot(s.var("x"), s.var("y")),
        lambda s: s.linalg.gemm2(s.var("x"), s.var("y"), transpose_b=True),
        lambda s: s.contrib.box_nms(s.var("x"), 0.5, topk=10),
        lambda s: s.image.to_tensor(s.var("x")), lambda s: s.op.relu(s.var("x")),
        lambda s: s.Concat(s.var("x"), s.var("y"), dim=0),
        lambda s: s.Concat(s.var("x"), num_args=3),
        lambda s: s.Concat(arg0=s.var("x"), arg1=s.var("y")),
        lambda s: s.FullyConnected(num_hidden=3),
        lambda s: s.FullyConnected(s.var("x"), s.var("w"), num_hidden=3),
        lambda s: s.FullyConnected(data=s.var("x"), num_hidden=np.int64(3), no_bias=1),
        lambda s: s.BatchNorm(s.var("x"), moving_mean=s.var("mean"), name="bn"),
        lambda s: s.Convolution(s.var("x"), None, None, (3, 3), num_filter=4),
        lambda s: s.Convolution(s.var("x"), kernel=[3, 3], num_filter=4, attr={"lr_mult": "2"}),
        lambda s: s.Convolution(s.var("x"), kernel=(3, 3), num_filter=4, lr_mult=2, __own__="1"),
        lambda s: s.relu(s.var("x"), unknown=3), lambda s: s.Embedding(s.var("x"), None, 10, 4),
        lambda s: s.SoftmaxOutput(s.var("x"), name="softmax"),
        lambda s: s.SoftmaxOutput(s.var("x")),
        lambda s: s.cast(s.var("x"), np.float16), lambda s: s.cast(s.var("x"), dtype="int64"),
        lambda s: s.Variable("x", shape=(0, 3), lr_mult=2.0, wd_mult=0, dtype="float16"),
        lambda s: s.Variable("x", init="zeros", stype="csr", attr={"ctx_group": "a"}, __own__=3),
        lambda s: s.Group([s.var("x"), s.relu(s.var("x"))]),
        lambda s: s.LeakyReLU(s.var("x"), act_type="prelu"),
        lambda s: s.RNN(s.var("x"), state_size=3, num_layers=1, mode="lstm", state_outputs=True),
        lambda s: s.UpSampling(s.var("x"), s.var("y"), scale=2, sample_type="nearest"),
        lambda s: s.amp_multicast(s.var("x"), s.var("y"), num_outputs=2)[0] + 1,
        lambda s: s.amp_cast(s.var("x"), dtype="float16") + 1,
    ],
)  # fmt: skip
def test_calls(call):
    ours, theirs = same(lambda s, scopes: scopes[0]().__enter__() and call(s))
    assert graph(ours) == graph(theirs)
    assert json.loads(ours.tojson(remove_amp_cast=False)) == json.loads(
        theirs.tojson(remove_amp_cast=False)
    )
    assert ours.attr_dict() == theirs.attr_dict()
    assert ours.list_attr() == theirs.list_attr()
    assert ours.name == theirs.name
    assert repr(ours) == repr(theirs)


def net(s, scopes):
    with scopes[0]():
        x = s.Convolution(s.Variable("data"), kernel=(3, 3), num_filter=4)
        x, y = s.BatchNorm(x), s.flatten(x)
        return s.Group([s.SoftmaxOutput(s.FullyConnected(x, num_hidden=3), name="out"), y])


def test_scopes_name_and_attribute_layers():
    def build(s, scopes):
        manager, prefix, attributes = scopes
        with manager(), prefix("net_"), attributes(ctx_group="dev1", __own__="2"):
            with attributes(__own__="3"):
                return s.FullyConnected(s.Variable("x", attr={"a": "b"}), num_hidden=2)

    ours, theirs = same(build)
    assert graph(ours) == graph(theirs)
    assert ours.attr_dict() == theirs.attr_dict()


def test_parts_of_a_graph():
    ours, theirs = same(net)
    assert len(ours) == len(theirs) == 2
    for index in (0, 1, "out_output", "flatten0_output", slice(0, 2), slice(1, None)):
        assert graph(ours[index]) == graph(theirs[index])
    internals = ours.get_internals(), theirs.get_internals()
    assert internals[0].list_outputs() == internals[1].list_outputs()
    for name in internals[1].list_outputs():
        assert graph(internals[0][name]) == graph(internals[1][name])
    assert [x.name for x in ours] == [x.name for x in theirs]
    assert ours.get_children().list_outputs() == theirs.get_children().list_outputs()
    assert sym.Variable("x").get_children() is None
    for wrong, error in ((2, IndexError), ("none", ValueError), (1.5, TypeError)):
        with pytest.raises(error):
            ours[wrong]


def test_copies_files_and_pickles(tmp_path):
    ours, theirs = same(net)
    for other in (
        copy.deepcopy(ours),
        copy.copy(ours),
        pickle.loads(pickle.dumps(ours)),
        sym.load_json(ours.tojson()),
    ):
        assert graph(other) == graph(theirs)
    ours.save(str(tmp_path / "net.json"))
    assert graph(mx.sym.load(str(tmp_path / "net.json"))) == graph(theirs)
    theirs.save(str(tmp_path / "net.json"))
    assert graph(sym.load(str(tmp_path / "net.json"))) == graph(theirs)
    copied = copy.deepcopy(ours)
    copied[0]._set_attr(mood="angry")
    assert ours[0].attr("mood") is None
    assert copied[0].attr("mood") == "angry"


def test_a_variable_is_replaced():
    def build(s, scopes):
        with scopes[0]():
            x = s.FullyConnected(s.Variable("x"), num_hidden=3, name="fc")
            return x(x=s.relu(s.Variable("y")), name="again")

    ours, theirs = same(build)
    assert graph(ours) == graph(theirs)
    with pytest.raises(ConfigError, match="no such variables"):
        ours(z=sym.Variable("q"))


def test_an_auxiliary_state_that_two_layers_write():
    def build(s, scopes):
        with scopes[0]():
            mean, x = s.Variable("mean"), s.Variable("x")
            first = s.BatchNorm(x, moving_mean=mean)
            return s.BatchNorm(first, moving_mean=mean)

    ours, theirs = same(build)
    assert graph(ours) == graph(theirs)
    assert graph(ours.get_internals()) == graph(theirs.get_internals())


OLD = {
    "nodes": [
        {"op": "null", "param": {}, "name": "data", "inputs": [], "backward_source_id": -1},
        {"op": "null", "param": {}, "name": "c_weight", "inputs": [], "attr": {"lr_mult": "2"}},
        {"op": "null", "param": {}, "name": "c_bias", "inputs": []},
        {
            "op": "Convolution",
            "param": {"kernel": "(3,3)", "num_filter": "4", "no_bias": "False"},
            "name": "c",
            "inputs": [[0, 0], [1, 0], [2, 0]],
            "attr": {"weight_lr_mult": "3", "ctx_group": "a"},
        },
        {"op": "null", "param": {}, "name": "bn_gamma", "inputs": []},
        {"op": "null", "param": {}, "name": "bn_beta", "inputs": []},
        {
            "op": "BatchNorm",
            "param": {"eps": "0.001", "fix_gamma": "True"},
            "name": "bn",
            "inputs": [[3, 0], [4, 0], [5, 0]],
        },
    ],
    "arg_nodes": [0, 1, 2, 4, 5],
    "heads": [[6, 0]],
}


def test_graphs_of_early_versions_are_read():
    """Before 0.9 they have "param", and no auxiliary states."""
    ours, theirs = sym.load_json(json.dumps(OLD)), mx.sym.load_json(json.dumps(OLD))
    assert ours.list_arguments() == theirs.list_arguments()
    assert ours.list_auxiliary_states() == theirs.list_auxiliary_states()
    assert ours.attr_dict() == theirs.attr_dict()
    shape = (2, 3, 8, 8)
    assert ours.infer_shape(data=shape) == theirs.infer_shape(data=shape)


def test_shapes_of_auxiliary_states_may_be_stated():
    ours, theirs = same(lambda s, scopes: s.BatchNorm(s.var("x"), name="n"))
    shapes = {"x": (2, 3, 4, 4), "n_moving_mean": (3,)}
    assert ours.infer_shape(**shapes) == theirs.infer_shape(**shapes)


def test_a_graph_of_nodes_reads_it():
    ours, theirs = same(net)
    own, other = SymbolGraph.of(ours), SymbolGraph.of(theirs)
    assert own.symbol is ours
    assert [node.name for node in own.nodes] == [node.name for node in other.nodes]
    assert list(own.outputs) == list(other.outputs)
    assert own.internals[0].list_outputs() == other.internals[0].list_outputs()
    assert [out.node.name for out in own.internals[1]] == [o.node.name for o in other.internals[1]]
    rewritten = own.rewrite(
        lambda _, node: node.with_attrs(own="1") if node.op == "Flatten" else node
    )
    assert rewritten.symbol.list_outputs() == ours.list_outputs()
