import json
import math
import os
import shutil

import numpy as np
import pytest

from densefit.checkpoint import store
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


class Dead(BaseException):
    """The process ends here."""


class Killer:
    """Ends the process at its n-th touch of the disk; afterwards nothing more happens."""

    def __init__(self, monkeypatch, after):
        self.left, self.dead = after, False
        touches = [(os, "rename"), (os, "fsync"), (os, "link"), (shutil, "rmtree")]
        for module, name in touches:
            monkeypatch.setattr(module, name, self.wrap(name, getattr(module, name)))

    def wrap(self, name, function):
        def wrapped(*args, **kwargs):
            if self.dead:
                return None
            if self.left == 0:
                self.dead = True
                if name == "rmtree":  # half of it is gone already
                    files = sorted(os.listdir(args[0])) if os.path.isdir(args[0]) else []
                    for file in files[: len(files) // 2]:
                        os.remove(os.path.join(args[0], file))
                raise Dead
            self.left -= 1
            return function(*args, **kwargs)

        return wrapped


def crash(monkeypatch, after, action):
    """Whether `action` died at its touch number `after` (from 0)."""
    with monkeypatch.context() as patch:
        killer = Killer(patch, after)
        try:
            action()
        except Dead:
            pass
        return killer.dead


def test_a_crash_at_any_step_leaves_one_of_the_two(tmp_path, monkeypatch):
    seen = set()
    for step in range(100):
        directory = tmp_path / str(step)
        path = write(directory, "a", 1)
        died = crash(monkeypatch, step, lambda d=directory: write(d, "a", 2))
        found = number_in(path)
        assert store.latest(directory) == path
        assert store.resolve("auto", directory) == path
        assert store.resolve(path, directory) == path
        seen.add(found)
        # The next write puts everything in order.
        write(directory, "b", 3)
        assert sorted(os.listdir(directory)) == ["a", "b"]
        assert number_in(path) == found
        if not died:
            break
    else:
        pytest.fail("writing never ended")
    assert step > 8  # files, directories, two renames, removal
    assert seen == {1, 2}


def test_a_crash_at_any_step_of_the_first_write(tmp_path, monkeypatch):
    for step in range(100):
        directory = tmp_path / str(step)
        died = crash(monkeypatch, step, lambda d=directory: write(d, "a", 1))
        path = store.latest(directory)
        assert path is None or number_in(path) == 1
        write(directory, "a", 2)
        assert number_in(directory / "a") == 2
        assert os.listdir(directory) == ["a"]
        if not died:
            break


def test_a_crash_at_any_step_of_linking_and_removing(tmp_path, monkeypatch):
    for step in range(100):
        directory = tmp_path / str(step)
        write(directory, "best", 1)
        path = write(directory, "a", 2)
        died = crash(monkeypatch, step, lambda p=path: store.link(p, "best"))
        assert number_in(directory / "best") in (1, 2)
        died |= crash(monkeypatch, step, lambda p=path: store.remove(p))
        assert number_in(directory / "best") in (1, 2)
        assert "a" not in store.names(directory) or number_in(path) == 2
        if not died:
            break
    assert number_in(directory / "best") == 2
    assert os.listdir(directory) == ["best"]


@pytest.mark.parametrize("function", ["rename", "fsync"])
def test_a_refusing_disk_is_reported_and_leaves_the_old_one(tmp_path, monkeypatch, function):
    path = write(tmp_path, "a", 1)

    def refuse(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, function, refuse)
        with pytest.raises(CheckpointError, match="No space left"):
            write(tmp_path, "a", 2)
    assert number_in(path) == 1
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
    target = path / file
    data = target.read_bytes()
    if damage == "flip":
        target.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
    elif damage == "cut":
        target.write_bytes(data[:-1])
    elif damage == "empty":
        target.write_bytes(b"")
    else:
        target.unlink()
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


def test_latest_passes_over_a_damaged_one_and_says_so(tmp_path, caplog):
    good, bad = write(tmp_path, "update-1", 1), write(tmp_path, "update-2", 2)
    (bad / "model.safetensors").unlink()
    assert store.latest(tmp_path) == good
    assert "update-2/model.safetensors" in caplog.text


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
