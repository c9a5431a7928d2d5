import cv2
import numpy as np
import pytest

from densefit.datasets.files.normal_maps import NormalsReader, decoded
from densefit.errors import ConfigError, DataError

SIZE = (6, 8)


def normals(seed=0, size=SIZE):
    vectors = np.random.default_rng(seed).normal(size=(*size, 3))
    return vectors / np.linalg.norm(vectors, axis=2, keepdims=True)


def stored(vectors, kind):
    return np.rint((vectors + 1) / 2 * np.iinfo(kind).max).astype(kind)


def write(path, values):
    assert cv2.imwrite(str(path), values[..., ::-1])
    return path


def angles(first, second):
    return np.degrees(np.arccos(np.clip((first * second).sum(axis=-1), -1, 1)))


@pytest.mark.parametrize(("kind", "off"), [(np.uint8, 0.4), (np.uint16, 0.03)])
def test_colours_are_vectors_as_well_as_their_bits_can_say(tmp_path, kind, off):
    vectors = normals()
    found = NormalsReader()(write(tmp_path / "a.png", stored(vectors, kind)), "a.jpg", SIZE)
    assert found.dtype == np.float32
    assert angles(found, vectors).max() < off
    np.testing.assert_allclose(np.linalg.norm(found, axis=2), 1, rtol=1e-6)
    up = NormalsReader("up")(tmp_path / "a.png", "a.jpg", SIZE)
    np.testing.assert_array_equal(up * [1, -1, 1], found)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_mid_grey_black_and_white_are_unknown(kind):
    top = np.iinfo(kind).max
    middle = top // 2
    values = np.array([[0] * 3, [middle] * 3, [middle + 1] * 3, [top] * 3, [0, 0, 1]], kind)
    np.testing.assert_array_equal(decoded(values), 0)
    axes = np.where(np.eye(3, dtype=bool), top, middle).astype(kind)
    np.testing.assert_allclose(decoded(axes), np.eye(3), atol=0.01)


def test_taskonomys_middle_is_half_a_step_lower():
    vectors = normals(1)
    centred = np.rint(vectors * 127 + 127).astype(np.uint8)
    assert angles(decoded(centred), vectors).max() < 0.7


def test_alpha_does_not_matter(tmp_path):
    values = stored(normals(), np.uint8)
    clear = np.dstack([values[..., ::-1], np.full(SIZE, 7, np.uint8)])
    cv2.imwrite(str(tmp_path / "a.png"), clear)
    found = NormalsReader()(tmp_path / "a.png", "a.jpg", SIZE)
    np.testing.assert_array_equal(found, decoded(values))


def test_what_is_no_map_of_its_picture(tmp_path):
    path = write(tmp_path / "a.png", stored(normals(), np.uint8))
    with pytest.raises(DataError, match=r"picture's size[\s\S]*\(6, 9\), as|\(6, 9\)"):
        NormalsReader()(path, "a.jpg", (6, 9))
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros(SIZE, np.uint8))
    with pytest.raises(DataError, match=r"grey one[\s\S]*b\.png"):
        NormalsReader()(tmp_path / "b.png", "b.jpg", SIZE)
    cv2.imwrite(str(tmp_path / "c.tiff"), np.zeros((*SIZE, 3), np.float32))
    with pytest.raises(DataError, match=r"8 or 16 bits[\s\S]*float32"):
        NormalsReader()(tmp_path / "c.tiff", "c.jpg", SIZE)


def test_y_points_down_or_up():
    with pytest.raises(ConfigError, match=r"'down' or 'up'[\s\S]*'left'"):
        NormalsReader("left")
