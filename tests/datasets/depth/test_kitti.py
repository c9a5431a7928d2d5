import cv2
import numpy as np
import pytest

from densefit.datasets import KITTIDepth
from densefit.errors import DataError

DATE = "2011_09_26"
DRIVES = (f"{DATE}_drive_0001_sync", f"{DATE}_drive_0002_sync")
VALUES = np.zeros((4, 6), np.uint16)
VALUES[1, 1], VALUES[2, 3] = 256, 2048 + 128


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), array)


@pytest.fixture
def root(tmp_path):
    """Two drives of three raw frames, one for training, one for validation; one map each."""
    for drive, split in zip(DRIVES, ("train", "val")):
        for frame in (4, 5, 6):
            image = np.zeros((4, 6, 3), np.uint8)
            write(tmp_path / f"raw/{DATE}/{drive}/image_02/data/{frame:010d}.png", image)
        maps = tmp_path / split / drive / "proj_depth/groundtruth"
        write(maps / f"image_02/{5:010d}.png", VALUES)
    return tmp_path


def test_drives_and_frames_pair_images_and_maps(root, caplog):
    data = KITTIDepth(root)
    assert [data.id_of(i) for i in range(len(data))] == [f"{DRIVES[0]}/{5:010d}"]
    depth = data[0].targets["depth"]
    assert depth.dtype == np.float32
    assert (depth[1, 1], depth[2, 3], np.count_nonzero(depth)) == (1.0, 8.5, 2)
    assert "5 images without a map are left out" in caplog.text
    assert KITTIDepth(root, "val").id_of(0).startswith(DRIVES[1])
    assert repr(data) == f"KITTIDepth({str(root)!r}, split='train')"


def test_lists_of_paths(root, caplog):
    lines = []
    for drive in DRIVES:
        depth = f"{drive}/proj_depth/groundtruth/image_02/{5:010d}.png"
        for frame, text in ((5, depth), (6, "None")):
            lines.append(f"{DATE}/{drive}/image_02/data/{frame:010d}.png {text} 721.5377")
    (root / "eigen_train_files_with_gt.txt").write_text("\n".join(lines))
    data = KITTIDepth(root, "eigen_train_files_with_gt")
    assert [data.id_of(i) for i in range(len(data))] == [
        f"raw/{DATE}/{drive}/image_02/data/{5:010d}" for drive in DRIVES
    ]
    assert data[1].targets["depth"].max() == 8.5
    assert "2 of 4 images have no map" in caplog.text


def test_lists_of_folder_frame_and_camera(root):
    for frame in (5, 6):  # JPEGs, as monodepth2 recommends
        png = root / f"raw/{DATE}/{DRIVES[0]}/image_02/data/{frame:010d}.png"
        assert cv2.imwrite(str(png.with_suffix(".jpg")), cv2.imread(str(png)))
        png.unlink()
    (root / "eigen_zhou.txt").write_text(
        f"{DATE}/{DRIVES[0]} 5 l\n{DATE}/{DRIVES[1]} 5 l\n{DATE}/{DRIVES[1]} 5 r\n"
    )
    data = KITTIDepth(root, "eigen_zhou")
    assert len(data) == 2
    assert data[0].targets["depth"].max() == data[1].targets["depth"].max() == 8.5


def test_what_is_wrong_is_named(root):
    with pytest.raises(DataError, match=r"no split 'vall'[\s\S]*did you mean 'val'"):
        KITTIDepth(root, "vall")
    with pytest.raises(DataError, match="no folder 'nowhere'"):
        KITTIDepth(root, raw="nowhere")
    (root / "bad.txt").write_text(
        f"{DATE}/{DRIVES[0]} 5 l\n../../secret.png ../x.png 7\none two three four\n"
    )
    data = KITTIDepth(root, "bad")
    assert len(data) == 3
    assert data[0].id == data.id_of(0)
    for index, message in ((1, r"leads out[\s\S]*bad\.txt"), (2, r"neither[\s\S]*entry 3")):
        with pytest.raises(DataError, match=message):
            data[index]
    (root / "none.txt").write_text(f"{DATE}/{DRIVES[0]} 4 l\n")
    with pytest.raises(DataError, match="No image of the list has a depth map"):
        KITTIDepth(root, "none")
