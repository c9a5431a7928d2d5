import cv2
import numpy as np
import pytest

from densefit.datasets import NYUDepth
from densefit.errors import DataError

MILLIMETRES = np.arange(24, dtype=np.uint16).reshape(4, 6) * 100


def write(root, image, depth, values=MILLIMETRES):
    for name, array in ((image, np.zeros((4, 6, 3), np.uint8)), (depth, values)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(root / name), array)


@pytest.fixture
def synced(tmp_path):
    """The form of BTS: two scenes with frames of one number."""
    for number, scene in enumerate(("kitchen_0028b", "office_0001a")):
        folder = f"sync/{scene}"
        write(tmp_path, f"{folder}/rgb_00045.jpg", f"{folder}/sync_depth_00045.png",
              MILLIMETRES + np.uint16(number))  # fmt: skip
    folder = "official_splits/test/bathroom"
    write(tmp_path, f"{folder}/rgb_00045.jpg", f"{folder}/sync_depth_00045.png")
    return tmp_path


def test_scenes_and_frames_pair_the_files(synced):
    data = NYUDepth(synced)
    assert [data.id_of(i) for i in range(2)] == ["kitchen_0028b/00045", "office_0001a/00045"]
    depths = [data[i].targets["depth"] for i in range(2)]
    np.testing.assert_allclose(depths[0], MILLIMETRES / 1000, rtol=1e-6)
    np.testing.assert_allclose(depths[1], (MILLIMETRES + 1) / 1000, rtol=1e-6)
    assert NYUDepth(synced, "test").id_of(0) == "bathroom/00045"
    assert repr(data) == f"NYUDepth({str(synced)!r}, split='train')"


def test_lists_with_focal_lengths(synced):
    (synced / "nyudepthv2_train.txt").write_text(
        "/office_0001a/rgb_00045.jpg /office_0001a/sync_depth_00045.png 518.8579\n"
        "/kitchen_0028b/rgb_00045.jpg /kitchen_0028b/sync_depth_00045.png 518.8579\n"
    )
    (synced / "test.txt").write_text(
        "bathroom/rgb_00045.jpg bathroom/sync_depth_00045.png 518.8579\n"
    )
    data = NYUDepth(synced, "nyudepthv2_train")
    assert [data.id_of(i) for i in range(2)] == [
        "office_0001a/rgb_00045",
        "kitchen_0028b/rgb_00045",
    ]
    np.testing.assert_allclose(data[0].targets["depth"], (MILLIMETRES + 1) / 1000, rtol=1e-6)
    assert NYUDepth(synced, "test")[0].targets["depth"].max() == pytest.approx(2.3)


def test_maps_of_8_bits_have_255_at_10_metres(tmp_path):
    values = np.array([[0, 51, 255]] * 2, np.uint8)
    write(tmp_path, "data/nyu2_train/living_room_0038_out/37.jpg",
          "data/nyu2_train/living_room_0038_out/37.png",
          np.repeat(np.repeat(values, 2, 0), 2, 1))  # fmt: skip
    write(tmp_path, "data/nyu2_test/00000_colors.png", "data/nyu2_test/00000_depth.png")
    depth = NYUDepth(tmp_path)[0].targets["depth"]
    np.testing.assert_allclose(depth[0, ::2], [0, 2, 10], rtol=1e-6)
    test = NYUDepth(tmp_path, "test")
    assert test.id_of(0) == "00000"
    assert test[0].targets["depth"].max() == pytest.approx(2.3)
    assert NYUDepth(tmp_path, "test", scale=0.01)[0].targets["depth"].max() == pytest.approx(23)


def test_folders_of_splits(tmp_path):
    write(tmp_path, "train/rgb/1.png", "train/depth/1.png")
    assert NYUDepth(tmp_path)[0].targets["depth"].max() == pytest.approx(2.3)
    with pytest.raises(DataError, match=r"no files of the split 'test'[\s\S]*official_splits/test"):
        NYUDepth(tmp_path, "test")
