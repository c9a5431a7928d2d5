import errno
import os

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.checkpoint.storage import atomic, space
from densefit.errors import BindError, CheckpointError, ConfigError
from densefit.interop.data_batch import data_batch


def trained(tiny, epochs=1):
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    df.fit(network, tiny.iterator(8, 4), epochs=epochs, optimizer="adam")
    return network


@pytest.fixture(scope="module")
def network(tiny):
    return trained(tiny)


@pytest.fixture(scope="module")
def pictures(tiny):
    """A network of a backbone and a head, with BatchNorm."""
    network = tiny.network()
    df.fit(network, tiny.loader(network), epochs=1)
    return network


def same(first, second):
    assert list(first) == list(second)
    for name, value in first.items():
        other = second[name]
        assert value.dtype == other.dtype
        assert value.shape == other.shape
        assert value.asnumpy().tobytes() == other.asnumpy().tobytes()


def test_bit_for_bit_there_and_back(network, tmp_path):
    written = df.save_mxnet(network, tmp_path / "sub" / "model", 3)
    assert [path.name for path in written] == ["model-symbol.json", "model-0003.params"]
    assert sorted(os.listdir(tmp_path / "sub")) == ["model-0003.params", "model-symbol.json"]
    own = df.load_mxnet(tmp_path / "sub" / "model", 3)
    theirs = mx.model.load_checkpoint(str(tmp_path / "sub" / "model"), 3)
    for symbol, arguments, auxiliary in (own, theirs):
        assert symbol.tojson() == network.symbol.tojson()
        same(arguments, df.interop.arg_params(network))
        same(auxiliary, df.interop.aux_params(network))


def test_a_network_of_it(network, tiny, tmp_path):
    df.save_mxnet(network, tmp_path / "model")
    again = df.load_mxnet(tmp_path / "model", routes=tiny.routes())
    tiny.assert_equal(network, again)
    assert df.score(again, tiny.iterator()) == df.score(network, tiny.iterator())
    with pytest.raises(BindError, match="nothing_output"):
        df.load_mxnet(tmp_path / "model", routes={"a": df.Route(["nothing_output"])})


def test_what_mxnet_writes_is_read(network, tmp_path):
    arguments, auxiliary = (df.interop.arg_params(network), df.interop.aux_params(network))
    mx.model.save_checkpoint(str(tmp_path / "model"), 12, network.symbol, arguments, auxiliary)
    ours = df.save_mxnet((network.symbol, arguments, auxiliary), tmp_path / "ours", 12)
    for path, name in zip(ours, ("model-symbol.json", "model-0012.params")):
        assert path.read_bytes() == (tmp_path / name).read_bytes()
    symbol, found, _ = df.load_mxnet(tmp_path / "model", 12)
    assert symbol.list_outputs() == network.symbol.list_outputs()
    same(found, arguments)


def test_a_module_predicts_what_the_network_does(pictures, tiny, tmp_path):
    """The evaluation graph: no labels, no parameters too many."""
    df.save_mxnet(pictures, tmp_path / "model", input_size=(32, 32))
    module = mx.mod.Module.load(str(tmp_path / "model"), 0, label_names=None)
    module.bind([("data", (4, 3, 32, 32))], for_training=False)
    loader = tiny.loader(pictures, length=4)
    batch = next(iter(loader))
    module.forward(data_batch(batch), is_train=False)
    expected = df.predict(pictures, loader)
    outputs = module.get_outputs()[0].asnumpy()
    # Scores are computed with BatchNorm folded into the layers before it: rounding differs.
    wanted = np.array([found["bright"] for _, found in expected])
    np.testing.assert_allclose(np.array(outputs), wanted, rtol=1e-4, atol=1e-6)


def test_a_module_trains_the_training_graph(pictures, tmp_path):
    symbol_path, _ = df.save_mxnet(pictures, tmp_path / "model", mode="train", input_size=(32, 32))
    module = mx.mod.Module.load(
        str(tmp_path / "model"), 0, data_names=["data"], label_names=["bright_value"]
    )
    module.bind([("data", (2, 3, 32, 32))], [("bright_value", (2,))])
    assert "MakeLoss" in symbol_path.read_text()
    same(module.get_params()[0], df.interop.arg_params(pictures))


def test_numpy_arrays_of_any_kind(tmp_path):
    x = mx.sym.Variable("x") + mx.sym.Variable("y") + mx.sym.Variable("z")
    rng = np.random.default_rng(0)
    given = {"x": rng.normal(size=(2, 3)).astype(np.float16), "y": np.array([1 << 40]),
             "z": np.arange(6.0).reshape(2, 3).T}  # fmt: skip
    df.save_mxnet((x, {**given, "unused": np.ones(1)}, {}), tmp_path / "model")
    for _, arguments, auxiliary in (
        df.load_mxnet(tmp_path / "model"),
        mx.model.load_checkpoint(str(tmp_path / "model"), 0),
    ):
        assert auxiliary == {}
        assert arguments.keys() == given.keys()
        for name, value in given.items():
            assert arguments[name].dtype == value.dtype
            np.testing.assert_array_equal(arguments[name].asnumpy(), value)


def test_what_cannot_be_written(tiny, network, pictures, tmp_path):
    with pytest.raises(BindError, match="no parameters yet"):
        df.save_mxnet(df.Network(symbol=tiny.two_heads(), routes=tiny.routes()), tmp_path / "m")
    with pytest.raises(BindError, match="height, width"):
        df.save_mxnet(pictures, tmp_path / "m")
    with pytest.raises(ConfigError, match="0 or more"):
        df.save_mxnet(network, tmp_path / "m", -1)
    with pytest.raises(CheckpointError, match="arg:x"):
        df.save_mxnet((mx.sym.Variable("x"), {"x": np.zeros((0, 2))}, {}), tmp_path / "m")
    assert os.listdir(tmp_path) == []


def test_missing_files_say_what_there_is(network, tmp_path):
    with pytest.raises(CheckpointError, match="epochs: none"):
        df.load_mxnet(tmp_path / "nowhere" / "model")
    for epoch in (1, 12):
        df.save_mxnet(network, tmp_path / "model", epoch)
    df.save_mxnet(network, tmp_path / "model-b", 7)
    with pytest.raises(CheckpointError, match="epochs: 0001, 0012"):
        df.load_mxnet(tmp_path / "model", 7)
    (tmp_path / "model-symbol.json").unlink()
    with pytest.raises(CheckpointError, match="model-symbol.json"):
        df.load_mxnet(tmp_path / "model", 1)


def test_links_are_followed(network, tmp_path):
    """Weights often lie on another disk; these files name no others, so that no harm is done."""
    for path in df.save_mxnet(network, tmp_path / "there" / "model"):
        os.symlink(path, tmp_path / path.name)
    same(df.load_mxnet(tmp_path / "model")[1], df.interop.arg_params(network))
    (tmp_path / "loop-symbol.json").symlink_to("loop-symbol.json")
    (tmp_path / "pipe-symbol.json").mkdir()
    for name in ("loop", "pipe"):
        with pytest.raises(CheckpointError, match=f"{name}-symbol.json"):
            df.load_mxnet(tmp_path / name)


@pytest.mark.parametrize("file", ["model-symbol.json", "model-0000.params"])
def test_truncated_files(network, tmp_path, file):
    df.save_mxnet(network, tmp_path / "model")
    data = (tmp_path / file).read_bytes()
    for length in (0, 1, 7, 8, 24, 31, len(data) // 2, len(data) - 1):
        (tmp_path / file).write_bytes(data[:length])
        with pytest.raises(CheckpointError, match=file):
            df.load_mxnet(tmp_path / "model")


def test_names_that_are_neither_arguments_nor_states(tmp_path):
    mx.sym.Variable("x").save(str(tmp_path / "model-symbol.json"))
    for saved in ({"x": mx.nd.ones(1)}, {"argx": mx.nd.ones(1)}, [mx.nd.ones(1)]):
        mx.nd.save(str(tmp_path / "model-0000.params"), saved)
        with pytest.raises(CheckpointError, match="model-0000.params"):
            df.load_mxnet(tmp_path / "model")


def test_a_disk_that_refuses_leaves_the_old_files(tiny, network, tmp_path, monkeypatch):
    """At any step; each of the two files is the old one or the new one, and loads."""
    other = trained(tiny, epochs=2)
    state = {"left": 0, "failed": False}

    def failing(function):
        def wrapped(*args):
            if state["left"] == 0:
                state["failed"] = True
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            state["left"] -= 1
            return function(*args)

        return wrapped

    for step in range(50):
        prefix = tmp_path / str(step) / "model"
        df.save_mxnet(network, prefix)
        state.update(left=step, failed=False)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", failing(os.fsync))
            patch.setattr(os, "replace", failing(os.replace))
            patch.setattr(atomic, "write_file", failing(atomic.write_file))
            try:
                df.save_mxnet(other, prefix)
                assert not state["failed"]
            except CheckpointError as error:
                text = str(error)
                assert "No space left" in text
        assert sorted(os.listdir(prefix.parent)) == ["model-0000.params", "model-symbol.json"]
        found = df.load_mxnet(prefix)[1]["trunk_weight"].asnumpy()
        assert any(np.array_equal(found, df.interop.arg_params(one)["trunk_weight"].asnumpy())
                   for one in (network, other))  # fmt: skip
        if not state["failed"]:
            break
    assert step == 8  # two files: written, flushed, renamed, and their directory flushed
    tiny.assert_equal(df.load_mxnet(prefix, routes=tiny.routes()), other)


def test_a_disk_without_room(network, tmp_path, monkeypatch):
    def full(directory, sizes):
        assert directory == tmp_path
        assert sum(sizes) > 1000
        raise CheckpointError("The disk has no room for the checkpoint")

    monkeypatch.setattr(space, "check_room", full)
    with pytest.raises(CheckpointError, match="no room"):
        df.save_mxnet(network, tmp_path / "model")
    assert os.listdir(tmp_path) == []
