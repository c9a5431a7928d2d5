import numpy as np
import pytest
from PIL import Image

from densefit.datasets import VOC, VOCSegmentation
from densefit.datasets.semantic.voc_segmentation import CLASSES
from densefit.errors import DataError

INDICES = np.zeros((10, 12), np.uint8)
INDICES[2:5, 2:8], INDICES[5:8] = 15, 20
INDICES[2] = 255


def voc_palette():
    """The devkit's palette: the bits of the index, spread over the three channels."""
    palette = np.zeros((256, 3), np.uint8)
    for index in range(256):
        for bit in range(8):
            for channel in range(3):
                palette[index, channel] |= (index >> (3 * bit + channel) & 1) << (7 - bit)
    return palette


def write_image(root, name, folder="JPEGImages"):
    (root / folder).mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((10, 12, 3), np.uint8)).save(root / f"{folder}/{name}.jpg")


def write_list(root, name, text, folder="Segmentation"):
    (root / f"ImageSets/{folder}").mkdir(parents=True, exist_ok=True)
    (root / f"ImageSets/{folder}/{name}.txt").write_text(text)


@pytest.fixture
def root(tmp_path):
    """VOC2012 without Annotations."""
    (tmp_path / "SegmentationClass").mkdir()
    for name in ("2007_000032", "2007_000033"):
        write_image(tmp_path, name)
        mask = Image.fromarray(INDICES, "P")
        mask.putpalette(voc_palette().tobytes())
        mask.save(tmp_path / f"SegmentationClass/{name}.png")
    write_list(tmp_path, "train", "2007_000033\n2007_000032\n")
    return tmp_path


def test_palette_indices_are_the_21_classes(root):
    data = VOCSegmentation(root)
    assert data.classes == list(CLASSES)
    assert len(data.classes) == 21
    assert data.id_of(0) == "JPEGImages/2007_000033"
    np.testing.assert_array_equal(data[0].targets["mask"], INDICES)


def test_masks_are_those_of_voc(root):
    other = VOC(root, boxes=False, masks=True, classes=list(CLASSES[1:]))
    data = VOCSegmentation(root)
    assert other.mask_classes == data.classes
    for index in range(2):
        np.testing.assert_array_equal(other[index].targets["mask"], data[index].targets["mask"])


def test_the_folder_above_and_additional_masks(root, tmp_path):
    inside = tmp_path / "VOCdevkit/VOC2012"
    inside.mkdir(parents=True)
    for name in ("JPEGImages", "ImageSets"):
        (root / name).rename(inside / name)
    (root / "SegmentationClass").rename(inside / "SegmentationClassAug")
    write_list(
        inside,
        "train_aug",
        "/JPEGImages/2007_000032.jpg /SegmentationClassAug/2007_000032.png\n",
        "SegmentationAug",
    )
    data = VOCSegmentation(root, "train_aug", masks="SegmentationClassAug")
    assert [data.id_of(i) for i in range(len(data))] == ["JPEGImages/2007_000032"]
    assert data[0].targets["mask"].max() == 255
    assert len(VOCSegmentation(root, "train", masks="SegmentationClassAug")) == 2


def test_cvat_writes_colours_and_their_table(root):
    palette = np.zeros((256, 3), np.uint8)
    palette[[0, 15, 20, 255]] = [[0, 0, 0], [250, 50, 83], [51, 221, 255], [224, 224, 192]]
    for name in ("2007_000032", "2007_000033"):
        Image.fromarray(palette[INDICES]).save(root / f"SegmentationClass/{name}.png")
    (root / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:250,50,83::\ndog:51,221,255::\n"
    )
    write_list(root, "default", "2007_000032\n")
    data = VOCSegmentation(root, "default")
    assert data.classes == ["background", "cat", "dog"]
    expected = np.select([INDICES == 15, INDICES == 20, INDICES == 255], [1, 2, 255], 0)
    np.testing.assert_array_equal(data[0].targets["mask"], expected)
    void = VOCSegmentation(root, "default", colors="labelmap.txt", ignore_colors=["background"])
    assert void.classes == ["cat", "dog"]


def test_a_label_map_without_colours_has_the_order_of_indices(root):
    names = [f"c{i}" for i in range(21)]
    lines = ["# label:color_rgb:parts:actions", *(f"{name}:::" for name in names)]
    (root / "labelmap.txt").write_text("\n".join(lines))
    data = VOCSegmentation(root)
    assert data.classes == names
    np.testing.assert_array_equal(data[0].targets["mask"], INDICES)


def test_labelme_writes_names_and_no_lists(root):
    (root / "class_names.txt").write_text(
        "_background_\n" + "\n".join(f"c{i}" for i in range(1, 21)) + "\n"
    )
    data = VOCSegmentation(root, None)
    assert data.classes[:2] == ["background", "c1"]
    assert len(data) == 2
    np.testing.assert_array_equal(data[1].targets["mask"], INDICES)


def test_what_is_missing_is_named(root):
    with pytest.raises(DataError, match=r"no split 'trian'[\s\S]*did you mean 'train'"):
        VOCSegmentation(root, "trian")
    write_list(root, "val", "2007_000032\n../secret\n2007_000099\n")
    data = VOCSegmentation(root, "val")
    assert data[0].id == "JPEGImages/2007_000032"
    for index, message in ((1, "leads out"), (2, "exactly one image")):
        with pytest.raises(DataError, match=message):
            data[index]
    assert sorted(data.faults) == [1, 2]
    with pytest.raises(DataError, match=r"no folder .Nowhere.[\s\S]*JPEGImages"):
        VOCSegmentation(root, masks="Nowhere")
