import cv2
import numpy as np
import pytest
from PIL import Image

from densefit.datasets.files.color_masks import ColorMaskReader
from densefit.errors import ConfigError, DataError

COLORS = {"soil": [0, 0, 0], "crop": "#00ff00", "weed": [[255, 0, 0], [200, 0, 0]]}
PALETTE = np.array([[0, 0, 0], [0, 255, 0], [255, 0, 0], [200, 0, 0]], np.uint8)
INDICES = np.arange(600, dtype=np.uint8).reshape(20, 30) % 4
CLASSES = INDICES.clip(max=2)
SIZE = (20, 30)


def save(path, array, **settings):
    Image.fromarray(array).save(path, **settings)
    return path


def read(path, *arguments, **settings):
    reader = ColorMaskReader(*(arguments or (COLORS,)), **settings)
    return reader(path, "a.jpg", SIZE)


def test_rgb_and_rgba(tmp_path):
    assert ColorMaskReader(COLORS).classes == ["soil", "crop", "weed"]
    mask = read(save(tmp_path / "a.png", PALETTE[INDICES]))
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, CLASSES)
    for alpha in (255, 128, np.where(INDICES == 0, 0, 255)):
        layers = np.dstack([PALETTE[INDICES], np.broadcast_to(alpha, SIZE).astype(np.uint8)])
        np.testing.assert_array_equal(read(save(tmp_path / "b.png", layers)), CLASSES)
    layers[0, 0, 3] = 90
    with pytest.raises(DataError, match=r"partly transparent[\s\S]*1 pixels[\s\S]*b\.png"):
        read(save(tmp_path / "b.png", layers))


@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.bmp", "a.tif"])
def test_palettes_give_their_colours(tmp_path, name):
    picture = Image.fromarray(INDICES, "P")
    picture.putpalette(PALETTE.tobytes() + bytes(3 * 252))
    picture.save(tmp_path / name)
    np.testing.assert_array_equal(read(tmp_path / name), CLASSES)


@pytest.mark.parametrize("name", ["a.ppm", "a.webp", "a.tif", "a.bmp"])
def test_other_kinds_without_loss(tmp_path, name):
    settings = {"lossless": True, "exact": True} if name.endswith("webp") else {}
    np.testing.assert_array_equal(
        read(save(tmp_path / name, PALETTE[INDICES], **settings)), CLASSES
    )


def test_grey_masks_have_equal_parts(tmp_path):
    grey = np.where(INDICES == 0, 0, 255).astype(np.uint8)
    colors = {"no": [0, 0, 0], "yes": [255, 255, 255]}
    np.testing.assert_array_equal(read(save(tmp_path / "a.png", grey), colors), INDICES > 0)
    np.testing.assert_array_equal(read(save(tmp_path / "b.png", grey > 0), colors), INDICES > 0)


def test_order_of_classes_and_void_colours(tmp_path):
    path = save(tmp_path / "a.png", PALETTE[INDICES])
    np.testing.assert_array_equal(
        read(path, COLORS, ["weed", "soil", "crop"]), np.array([1, 2, 0, 0])[INDICES]
    )
    expected = np.array([255, 0, 1, 1])[INDICES]
    np.testing.assert_array_equal(read(path, COLORS, ignore_colors=["soil"]), expected)
    two = {"crop": COLORS["crop"], "weed": COLORS["weed"]}
    for ignored in ([[0, 0, 0]], ["#000000"], [0, 0, 0], "#000000", "unlisted"):
        np.testing.assert_array_equal(read(path, two, ignore_colors=ignored), expected)
    np.testing.assert_array_equal(
        read(path, COLORS, ["crop"], "unlisted"), np.array([255, 0, 255, 255])[INDICES]
    )


def test_colours_of_no_class_are_counted_with_the_nearest(tmp_path):
    image = PALETTE[INDICES]
    image[:2, :3], image[5, 5] = (0, 250, 1), (9, 9, 9)
    with pytest.raises(DataError) as error:
        read(save(tmp_path / "a.png", image))
    text = str(error.value)
    assert "7 of 600 pixels in colours of no class" in text
    assert "6 x (0, 250, 1), nearest 'crop' (0, 255, 0); 1 x (9, 9, 9), nearest 'soil'" in text
    assert "a.png" in text
    assert "ignore_colors" in text


def test_smooth_edges_and_jpegs_are_refused_with_the_way_out(tmp_path):
    large = cv2.resize(PALETTE[INDICES], (300, 200), interpolation=cv2.INTER_CUBIC)
    save(tmp_path / "a.png", large)
    with pytest.raises(DataError, match=r"more colours[\s\S]*anti-aliased[\s\S]*unlisted"):
        ColorMaskReader(COLORS)(tmp_path / "a.png", "a.jpg", (200, 300))
    with pytest.raises(DataError, match=r"JPEG file with losses[\s\S]*as PNG"):
        read(save(tmp_path / "a.jpg", PALETTE[INDICES]))


def test_size_and_depth(tmp_path):
    with pytest.raises(DataError, match=r"picture's size[\s\S]*\(20, 29\)"):
        read(save(tmp_path / "a.png", PALETTE[INDICES[:, 1:]]))
    assert cv2.imwrite(str(tmp_path / "b.png"), PALETTE[INDICES].astype(np.uint16))
    with pytest.raises(DataError, match=r"more than 8 bits[\s\S]*16 bits"):
        read(tmp_path / "b.png")


def test_settings_that_do_not_fit():
    with pytest.raises(ConfigError, match=r"'wed' has no colour[\s\S]*did you mean 'weed'"):
        ColorMaskReader(COLORS, ["soil", "crop", "wed"])
    with pytest.raises(ConfigError, match=r"no classes[\s\S]*received: *weed"):
        ColorMaskReader(COLORS, ["soil", "crop"])
    with pytest.raises(ConfigError, match=r"ignored, and the one of a class[\s\S]*soil"):
        ColorMaskReader(COLORS, ignore_colors=[[0, 0, 0]])
    with pytest.raises(ConfigError, match="no list"):
        ColorMaskReader(COLORS, ignore_colors={"a": 1})
    many = {str(i): [i, 0, 0] for i in range(255)}
    with pytest.raises(ConfigError, match="so many classes"):
        ColorMaskReader(many)
