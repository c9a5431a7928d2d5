import json
import logging
import math
import os
import shutil

import numpy as np
import pytest

from densefit.checkpoint.storage import store
from densefit.errors import CheckpointError


def content(number):
    """A checkpoint that can be told from another."""
    return {
        "model": {"w": np.full((2, 3), number, np.float32), "n": np.array(number, np.int64)},
        "optimizer": {},
    }, {"update": number}


def write(directory, name, number):
    parts, state = content(number)
    return store.write(directory, name, parts, state)


def number_in(path):
    parts, state = store.read(path)
    assert set(parts) == {"model", "optimizer"}
    assert (parts["model"]["w"] == state["update"]).all()
    return state["update"]


def harm(path, damage):
    """What happens to files."""
    data = path.read_bytes()
    if damage == "flip":
        path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
    elif damage == "cut":
        path.write_bytes(data[:-1])
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "uint8", "int32", "int64", "bool"]
)
def test_arrays_keep_dtype_shape_and_bits(tmp_path, dtype):
    arrays = {
        "matrix": (np.arange(6).reshape(2, 3) % 2).astype(dtype),
        "transposed": np.arange(6).reshape(2, 3).T.astype(dtype, order="K"),
        "scalar": np.array(1, dtype),
        "empty": np.zeros((0, 4), dtype),
    }
    path = store.write(tmp_path, "a", {"model": arrays, "nothing": {}}, {})
    parts, _ = store.read(path)
    assert parts["nothing"] == {}
    assert parts["model"].keys() == arrays.keys()
    for name, array in arrays.items():
        assert parts["model"][name].dtype == array.dtype
        assert parts["model"][name].shape == array.shape
        assert parts["model"][name].tobytes() == array.tobytes()


def test_numpy_scalars_and_nan(tmp_path):
    arrays = {"x": np.float32(1.5), "y": np.array([np.nan, np.inf])}
    parts, _ = store.read(store.write(tmp_path, "a", {"m": arrays}, {}))
    assert parts["m"]["x"].shape == ()
    np.testing.assert_array_equal(parts["m"]["y"], [np.nan, np.inf])


def test_state_round_trips_with_nan(tmp_path):
    state = {"best": float("nan"), "worst": -float("inf"), "names": ["a", None], "n": 3}
    _, again = store.read(store.write(tmp_path, "a", {}, state))
    assert math.isnan(again.pop("best"))
    state.pop("best")
    assert again == state


def test_only_some_parts(tmp_path):
    path = write(tmp_path, "a", 1)
    (path / "optimizer.safetensors").write_bytes(b"damaged")
    parts, state = store.read(path, only=["model"])
    assert list(parts) == ["model"]
    assert state == {"update": 1}
    with pytest.raises(CheckpointError, match="no part 'ema'"):
        store.read(path, only=["ema"])


def test_replacing_leaves_only_the_new(tmp_path):
    write(tmp_path, "a", 1)
    path = write(tmp_path, "a", 2)
    assert number_in(path) == 2
    assert os.listdir(tmp_path) == ["a"]


def test_links_are_independent_and_cost_no_space(tmp_path):
    path = write(tmp_path, "update-1", 1)
    best = store.link(path, "best")
    assert os.path.samefile(path / "model.safetensors", best / "model.safetensors")
    store.remove(path)
    assert number_in(best) == 1
    store.remove(path)  # again: nothing to do


def test_links_where_the_file_system_has_none(tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    path = write(tmp_path, "a", 1)
    assert number_in(store.link(path, "best")) == 1


@pytest.mark.parametrize("file", ["model.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "delete", "empty"])
def test_damage_is_found_and_the_file_named(tmp_path, file, damage):
    path = write(tmp_path, "a", 1)
    harm(path / file, damage)
    with pytest.raises(CheckpointError, match=file):
        store.read(path)


def test_a_newer_format_is_refused(tmp_path):
    path = write(tmp_path, "a", 1)
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(CheckpointError, match="newer densefit"):
        store.read(path)


def test_missing_names_what_is_beside(tmp_path):
    write(tmp_path, "update-1", 1)
    with pytest.raises(CheckpointError, match="beside it are: update-1"):
        store.read(tmp_path / "update-2")
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        store.resolve(tmp_path / "update-2", tmp_path)
    with pytest.raises(CheckpointError, match="No checkpoint is beside it"):
        store.resolve(tmp_path / "empty" / "update-2", tmp_path)
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        store.link(tmp_path / "update-2", "best")


def test_latest_is_the_one_written_last(tmp_path):
    assert store.latest(tmp_path) is None
    assert store.latest(tmp_path / "nowhere") is None
    write(tmp_path, "update-1", 1)
    write(tmp_path, "update-3", 3)
    back = write(tmp_path, "update-2", 2)  # a training set back to an earlier checkpoint
    assert store.latest(tmp_path) == back
    store.link(back, "last")
    assert number_in(store.latest(tmp_path)) == 2
    (tmp_path / "notes").mkdir()
    assert sorted(store.names(tmp_path)) == ["last", "update-1", "update-2", "update-3"]


@pytest.mark.parametrize("file", ["model.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "delete"])
def test_latest_passes_over_a_damaged_one_and_says_so(tmp_path, caplog, file, damage):
    good, bad = write(tmp_path, "update-1", 1), write(tmp_path, "update-2", 2)
    store.link(bad, "last")  # the same files
    harm(bad / file, damage)
    if file == "manifest.json" or damage == "delete":
        harm(tmp_path / "last" / file, damage)
    assert store.resolve("auto", tmp_path) == good
    assert store.resolve(tmp_path, tmp_path) == good
    said = [record.getMessage() for record in caplog.records[: len(caplog.records) // 2]]
    assert len(said) == 2
    assert all(record.levelno == logging.WARNING for record in caplog.records)
    for name in ("update-2", "last"):
        assert any(f"{name}/{file}" in text and "damaged: " in text for text in said)
    assert all(f"instead:  {good}" in text for text in said)


def test_what_is_damaged_and_older_is_not_spoken_of(tmp_path, caplog):
    bad, good = write(tmp_path, "update-1", 1), write(tmp_path, "update-2", 2)
    harm(bad / "model.safetensors", "flip")
    assert store.latest(tmp_path) == good
    assert caplog.records == []


@pytest.mark.parametrize("damage", ["flip", "cut", "delete"])
def test_a_damaged_one_that_was_asked_for_is_an_error(tmp_path, damage):
    write(tmp_path, "update-1", 1)
    bad = write(tmp_path, "update-2", 2)
    harm(bad / "model.safetensors", damage)
    with pytest.raises(CheckpointError, match="damaged") as caught:
        store.read(store.resolve(bad, tmp_path))
    assert caught.value.fix == "use another one beside it: update-1"
    with pytest.raises(CheckpointError, match="damaged"):
        store.read(store.resolve(str(bad), tmp_path / "elsewhere"))


def test_half_written_ones_are_none(tmp_path):
    path = write(tmp_path, "update-1", 1)
    shutil.copytree(path, tmp_path / ".tmp-update-2-99999-0123abcd")
    shutil.copytree(path, tmp_path / "update-3")
    for file in ("manifest.json", "state.json"):  # copied by hand, and not to the end
        (tmp_path / "update-3" / file).unlink()
    assert sorted(store.names(tmp_path)) == ["update-1", "update-3"]
    assert store.latest(tmp_path) == path
    with pytest.raises(CheckpointError, match="manifest.json"):
        store.read(tmp_path / "update-3")
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        store.read(tmp_path / ".tmp-update-2-99999-0123abcd")


def test_links_out_of_a_checkpoint_are_not_followed(tmp_path):
    path = write(tmp_path, "a", 1)
    (path / "model.safetensors").rename(tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", path / "model.safetensors")
    for look in (store.read, store.latest, lambda place: store.link(place, "best")):
        with pytest.raises(CheckpointError, match="model.safetensors"):
            look(tmp_path if look is store.latest else path)
    assert "best" not in os.listdir(tmp_path)


def test_the_state_is_taken_when_it_is_prepared(tmp_path):
    state = {"epochs": [1]}
    content = store.prepare({"model": {}}, state)
    state["epochs"].append(2)
    _, again = store.read(store.write_content(tmp_path, "a", content))
    assert again == {"epochs": [1]}


def test_if_all_are_damaged_nothing_starts_anew_silently(tmp_path):
    (write(tmp_path, "update-1", 1) / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="damaged"):
        store.resolve("auto", tmp_path)


def test_resolve(tmp_path):
    run = tmp_path / "run"
    directory = run / "checkpoints"
    assert store.resolve("auto", directory) is None
    path = write(directory, "update-1", 1)
    assert store.resolve(None, directory) is None
    assert store.resolve("none", directory) is None
    assert store.resolve("auto", directory) == path
    for given in (path, str(path), directory, run):
        assert store.resolve(given, tmp_path / "elsewhere") == path


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "-x", "ü"])
def test_names_are_plain(tmp_path, name):
    with pytest.raises(CheckpointError, match="name"):
        store.write(tmp_path, name, {}, {})
    with pytest.raises(CheckpointError, match="name"):
        store.write(tmp_path, "a", {name: {}}, {})
    assert os.listdir(tmp_path) == []


def test_arrays_of_things_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="'b': 'object'"):
        store.write(tmp_path, "a", {"model": {"b": np.array([object()])}}, {})
    assert os.listdir(tmp_path) == []
