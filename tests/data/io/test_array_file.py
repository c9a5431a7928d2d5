import io

import numpy as np
import pytest

from densefit.data.io.array_file import read_array
from densefit.errors import DataError


def stored(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=">i2").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.float16(2),
        np.zeros((0, 3), bool),
    ],
)
def test_arrays_are_as_numpy_reads_them(tmp_path, array):
    (tmp_path / "a.npy").write_bytes(stored(array))
    read, expected = read_array(tmp_path / "a.npy"), np.load(tmp_path / "a.npy")
    assert read.dtype == expected.dtype
    np.testing.assert_array_equal(read, expected)


WHOLE = stored(np.arange(6.0))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "file of np.save[\\s\\S]*0 bytes"),
        (WHOLE[:-1], "48 bytes for \\(6,\\) float64[\\s\\S]*47 bytes"),
        (WHOLE + b"x", "48 bytes[\\s\\S]*49 bytes"),
        # np.load would reserve 8 TB for it.
        (WHOLE.replace(b"(6,), }        ", b"(1099511627776,), }")[:-4], "does not fit"),
        (WHOLE.replace(b"(6,)", b"(-6,)"), "cannot be read"),
        (WHOLE.replace(b"'<f8'", b"'zz8'"), "cannot be read"),
        (stored(np.array(["a"])), "numbers[\\s\\S]*<U1"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS"),
    ],
)
def test_broken_files_are_errors_that_name_them(tmp_path, data, text):
    path = tmp_path / "a.npy"
    path.write_bytes(data)
    with pytest.raises(DataError, match=f"{text}[\\s\\S]*a.npy"):
        read_array(path)


def test_objects_are_not_read(tmp_path):
    np.save(tmp_path / "a.npy", np.array([None]), allow_pickle=True)
    with pytest.raises(DataError, match="not one of numbers"):
        read_array(tmp_path / "a.npy")
