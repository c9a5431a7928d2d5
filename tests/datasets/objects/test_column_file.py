import numpy as np
import pytest

from densefit.datasets.objects.column_file import (
    BrokenColumnsError,
    open_columns,
    read_meta,
    write_columns,
)

ARRAYS = {
    "boxes": np.arange(12, dtype=np.float64).reshape(3, 4),
    "empty": np.zeros((0, 2), np.int32),
    "flags": np.array([True, False, True]),
    "text": np.frombuffer(b"abc", np.uint8),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.columns"
    write_columns(path, ARRAYS, {"classes": ["cat"]})
    return path


def test_arrays_come_back_mapped_and_read_only(path):
    file = open_columns(path)
    assert file.meta == read_meta(path) == {"classes": ["cat"]}
    assert set(file.arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert file.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(file.arrays[name], array)
    with pytest.raises(ValueError, match="read-only"):
        file.arrays["boxes"][0] = 1
    assert [one.name for one in path.parent.iterdir()] == ["a.columns"]  # nothing temporary


def test_a_replaced_file_stays_mapped_and_is_noticed(path):
    file = open_columns(path)
    assert file.is_in_place
    write_columns(path, {"boxes": np.zeros(1)}, {})
    assert not file.is_in_place
    np.testing.assert_array_equal(file.arrays["boxes"], ARRAYS["boxes"])
    path.unlink()
    assert not file.is_in_place


def test_every_changed_or_missing_byte_is_noticed(path):
    good = path.read_bytes()
    for length in range(0, len(good), 7):
        path.write_bytes(good[:length])
        with pytest.raises(BrokenColumnsError):
            open_columns(path)
    path.write_bytes(good + b"\0")
    with pytest.raises(BrokenColumnsError):
        open_columns(path)
    unnoticed = 0
    for i in range(len(good)):
        path.write_bytes(good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :])
        try:
            file = open_columns(path)
        except BrokenColumnsError:
            continue
        unnoticed += 1  # it lies between two arrays
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(file.arrays[name], array)
    assert unnoticed < len(good) / 2


def test_no_file_is_left_where_writing_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_columns(tmp_path / "a.columns", ARRAYS, {})
    assert list(tmp_path.iterdir()) == []
