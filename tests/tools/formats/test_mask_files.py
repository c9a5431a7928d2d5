from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from densefit.errors import DataError
from densefit.tools.formats.mask_files import pair_masks

MASK = np.array([[0, 1, 2], [3, 0, 1]], np.uint8)


def write(path, mask=MASK, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(mask, mode)
    if mode == "P":
        image.putpalette([200, 10, 10] * 256)
    image.save(path)


@pytest.fixture
def trees(tmp_path):
    for name in ("a/1", "a/2", "b/1.left"):
        write(tmp_path / f"t/{name}.png")
        write(tmp_path / f"p/{name}.png")
    return tmp_path / "t", tmp_path / "p"


def test_both_sides_are_read_as_ids(trees):
    truth, predicted = trees
    large = MASK.astype(np.uint16) * 300 + 64000
    cv2.imwrite(str(truth / "a/1.png"), large)
    write(predicted / "a/1.png", np.dstack([MASK] * 3))
    prediction, target = pair_masks(truth, predicted).by_name("a/1")
    np.testing.assert_array_equal(target, large)
    np.testing.assert_array_equal(prediction, MASK)


@pytest.mark.parametrize("data", [b"", b"no picture", None])
def test_broken_files_are_named(trees, data):
    path = trees[1] / "a/1.png"
    path.write_bytes(path.read_bytes()[:50] if data is None else data)
    with pytest.raises(DataError, match=r"p/a/1\.png"):
        pair_masks(*trees).by_name("a/1")


def test_pairs_go_by_their_path_without_ending(trees):
    truth, predicted = trees
    (predicted / "a/1.png").rename(predicted / "a/1.BMP")
    write(predicted / "c.png")
    pairs = pair_masks(truth, predicted)
    assert [pairs.id_of(index) for index in range(len(pairs))] == ["a/1", "a/2", "b/1.left"]
    assert pairs.files["a/1"] == (Path("a/1.png"), Path("a/1.BMP"))
    assert pairs.extra == [Path("c.png")]
    prediction, target = pairs.read(1)
    np.testing.assert_array_equal(prediction, target)
    assert pairs.where(1) == f"truth {truth}/a/2.png, prediction {predicted}/a/2.png"


def test_endings_can_be_cut_off(tmp_path):
    write(tmp_path / "t/x/1_labelIds.png")
    write(tmp_path / "t/x/1_color.png")
    write(tmp_path / "p/x/1_pred.png")
    pairs = pair_masks(tmp_path / "t", tmp_path / "p", "_labelIds.png", "_pred.png")
    assert pairs.files == {"x/1": (Path("x/1_labelIds.png"), Path("x/1_pred.png"))}
    with pytest.raises(DataError, match=r"2 of 2 masks have no prediction[\s\S]*--truth-ending"):
        pair_masks(tmp_path / "t", tmp_path / "p")


def test_what_does_not_belong_together_is_told(trees):
    truth, predicted = trees
    (predicted / "a/2.png").unlink()
    with pytest.raises(DataError, match=r"1 of 3 masks have no prediction, the first is 'a/2'"):
        pair_masks(truth, predicted)
    write(predicted / "a/2.png", MASK.T.copy())
    with pytest.raises(
        DataError, match=r"size of its ground truth[\s\S]*\(2, 3\)[\s\S]*\(3, 2\)[\s\S]*p/a/2"
    ):
        pair_masks(truth, predicted).read(1)
    write(truth / "a/2.bmp")
    with pytest.raises(DataError, match=r"Two masks are called 'a/2'[\s\S]*2\.bmp"):
        pair_masks(truth, predicted)
    with pytest.raises(DataError, match="nowhere"):
        pair_masks(predicted, truth / "nowhere")


def test_folders_without_masks_are_told(trees, tmp_path):
    with pytest.raises(DataError, match=r"no masks[\s\S]*names that end in 'x'"):
        pair_masks(*trees, "x")
    (tmp_path / "jpeg").mkdir()
    with pytest.raises(DataError, match=r"no masks[\s\S]*no image"):
        pair_masks(tmp_path / "jpeg", trees[1])
    write(tmp_path / "jpeg/a.jpg")
    with pytest.raises(DataError, match=r"JPEG changes class indices"):
        pair_masks(tmp_path / "jpeg", trees[1])
