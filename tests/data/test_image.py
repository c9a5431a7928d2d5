import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from densefit.data.image import (
    planes,
    read_ids,
    read_image,
    read_mask,
    read_triples,
    read_values,
)
from densefit.errors import DataError


@pytest.fixture
def picture():
    """A smooth (40, 60, 3) RGB picture whose channels differ: survives JPEG nearly unchanged."""
    y, x = np.mgrid[:40, :60]
    return np.stack([x * 4, y * 6, 255 - x * 2 - y], axis=2).astype(np.uint8)


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def jpeg_bytes(array, **options):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.PNG", "a.webp"])
def test_lossless_kinds_give_rgb(tmp_path, picture, name):
    path = tmp_path / name
    save(path, picture, **({"lossless": True} if name.endswith("webp") else {}))
    np.testing.assert_array_equal(read_image(path), picture)


def test_jpeg_with_capital_letters(tmp_path, picture):
    image = read_image(save(tmp_path / "A.JPG", picture, quality=95))
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - picture).mean() < 3


def test_grey_becomes_three_equal_channels(tmp_path, picture):
    image = read_image(save(tmp_path / "a.png", picture[..., 0]))
    np.testing.assert_array_equal(image, np.repeat(picture[..., :1], 3, axis=2))


def test_alpha_is_dropped(tmp_path, picture):
    rgba = np.dstack([picture, np.full(picture.shape[:2], 7, np.uint8)])
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.png", rgba)), picture)


def test_palette_picture_gives_its_colours(tmp_path, picture):
    path = tmp_path / "a.png"
    paletted = Image.fromarray(picture).quantize(16)
    paletted.save(path)
    np.testing.assert_array_equal(read_image(path), np.asarray(paletted.convert("RGB")))


def test_sixteen_bits_are_cut_to_eight(tmp_path, picture):
    cv2.imwrite(str(tmp_path / "a.png"), picture[..., ::-1].astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), picture)


def test_cmyk_jpeg_looks_as_in_pillow(tmp_path, picture):
    path = tmp_path / "a.jpg"
    Image.fromarray(picture).convert("CMYK").save(path, quality=95)
    expected = np.asarray(Image.open(path).convert("RGB")).astype(int)
    assert np.abs(read_image(path) - expected).mean() < 3


@pytest.mark.parametrize(
    ("orientation", "undo"),
    [(3, lambda a: a[::-1, ::-1]), (6, lambda a: np.rot90(a, -1)), (8, np.rot90)],
)
def test_exif_orientation_is_applied_or_not(tmp_path, picture, orientation, undo):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.jpg", picture, quality=95, exif=exif)
    turned = read_image(path)
    assert turned.shape == undo(picture).shape
    assert np.abs(turned.astype(int) - undo(picture)).mean() < 3
    assert read_image(path, exif=False).shape == picture.shape


@pytest.mark.parametrize("kind", ["a.jpg", "a.png", "a.webp", "a.bmp", "a.tif"])
@pytest.mark.parametrize("keep", [0.0, 0.02, 0.5])
def test_truncated_files_are_errors_that_name_the_file(tmp_path, kind, keep):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    path = save(tmp_path / kind, noise)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(DataError, match=kind.replace(".", r"\.")):
        read_image(path)


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_without_end_marker_is_refused(tmp_path, picture, progressive):
    data = jpeg_bytes(picture, progressive=progressive)
    path = tmp_path / "a.jpg"
    path.write_bytes(data + b"trailing \xff\xda bytes are harmless")
    read_image(path)
    path.write_bytes(data[:-2])
    with pytest.raises(DataError, match="cut short"):
        read_image(path)


def test_end_marker_of_a_preview_does_not_count(tmp_path, picture):
    data = jpeg_bytes(picture)
    preview = jpeg_bytes(picture[:8, :8])
    segment = b"\xff\xe1" + (len(preview) + 2).to_bytes(2, "big") + preview
    path = tmp_path / "a.jpg"
    path.write_bytes(data[:2] + segment + data[2:])
    assert read_image(path).shape == picture.shape
    path.write_bytes((data[:2] + segment + data[2:])[:-40])
    with pytest.raises(DataError, match="cut short"):
        read_image(path)


@pytest.mark.parametrize("reader", [read_image, read_mask, read_values])
def test_what_is_no_picture(tmp_path, reader):
    path = tmp_path / "note.jpg"
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"empty[\s\S]*note\.jpg"):
        reader(path)
    path.write_text("this is a text")
    with pytest.raises(DataError, match=r"cannot be decoded[\s\S]*note\.jpg"):
        reader(path)
    with pytest.raises(DataError, match=r"cannot be read[\s\S]*gone\.jpg"):
        reader(tmp_path / "gone.jpg")
    with pytest.raises(DataError, match="cannot be read"):
        reader(tmp_path)


def test_palette_mask_gives_indices(tmp_path):
    indices = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = Image.fromarray(indices, "P")
    picture.putpalette(np.random.default_rng(0).integers(0, 256, 768, np.uint8).tobytes())
    picture.save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png"), indices)


@pytest.mark.parametrize(
    ("dtype", "name"), [(np.uint8, "m.png"), (np.uint16, "m.png"), (np.int32, "m.tif")]
)
def test_grey_mask_of_any_depth_gives_its_values(tmp_path, dtype, name):
    indices = np.arange(200).reshape(10, 20).astype(dtype)
    mask = read_mask(save(tmp_path / name, indices))
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, indices)


def test_one_bit_mask(tmp_path):
    bits = np.eye(9, dtype=bool)
    Image.fromarray(bits).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png"), bits.astype(np.uint8))


@pytest.mark.parametrize("bits", [2, 4])
def test_grey_mask_of_few_bits_is_not_stretched(tmp_path, bits):
    values = np.arange(2**bits, dtype=np.uint8)
    line = bytearray(len(values) * bits // 8)
    for i, value in enumerate(values):
        line[i * bits // 8] |= int(value) << (8 - bits - (i * bits) % 8)

    def chunk(name, body):
        check = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + check

    header = struct.pack(">IIBBBBB", len(values), 1, bits, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" + bytes(line)))
    (tmp_path / "m.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data + chunk(b"IEND", b""))
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png"), values[None])


def test_colour_mask_and_large_values_are_refused(tmp_path, picture):
    with pytest.raises(DataError, match="colour picture"):
        read_mask(save(tmp_path / "m.png", picture))
    with pytest.raises(DataError, match=r"0\.\.300"):
        read_mask(save(tmp_path / "n.png", np.array([[0, 300]], np.uint16)))


def test_truncated_mask_names_its_file(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    path = save(tmp_path / "m.png", noise)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match=r"m\.png"):
        read_mask(path)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_ids_keep_their_values(tmp_path, dtype):
    ids = np.array([[0, 3], [255, np.iinfo(dtype).max % 65536]]).astype(dtype)
    save(tmp_path / "m.tif", ids)
    read = read_ids(tmp_path / "m.tif")
    assert read.dtype == (np.uint8 if dtype == np.uint8 else np.uint16)
    np.testing.assert_array_equal(read, ids)


def test_ids_beyond_16_bits_are_refused(tmp_path):
    save(tmp_path / "m.tif", np.array([[0, 70000]], np.int32))
    with pytest.raises(DataError, match=r"(?s)no ids of objects.*0\.\.65535.*0\.\.70000"):
        read_ids(tmp_path / "m.tif")


@pytest.mark.parametrize(
    ("dtype", "name"), [(np.uint8, "d.png"), (np.uint16, "d.png"), (np.float32, "d.tiff")]
)
def test_values_are_as_stored(tmp_path, dtype, name):
    values = np.array([[0, 1, 200], [255, 7, 3]]).astype(dtype)
    if dtype != np.uint8:
        values[0, 2] = 61234
    found = read_values(save(tmp_path / name, values))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, values)


def test_broken_and_coloured_values_name_their_file(tmp_path, picture):
    with pytest.raises(DataError, match=r"coloured[\s\S]*\(40, 60, 3\)[\s\S]*c\.png"):
        read_values(save(tmp_path / "c.png", picture))
    noise = np.random.default_rng(0).integers(0, 65536, (64, 64)).astype(np.uint16)
    path = save(tmp_path / "d.png", noise)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match=r"cannot be decoded[\s\S]*d\.png"):
        read_values(path)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_triples_are_red_green_and_blue_as_stored(tmp_path, picture, kind):
    values = picture.astype(kind) * (1 if kind == np.uint8 else 257)
    path = str(tmp_path / "a.png")
    assert cv2.imwrite(path, values[..., ::-1])
    found = read_triples(path)
    assert found.dtype == kind
    np.testing.assert_array_equal(found, values)
    assert cv2.imwrite(path, np.dstack([values[..., ::-1], values[..., 0]]))
    np.testing.assert_array_equal(read_triples(path), values)


def test_triples_of_a_palette_and_of_none(tmp_path, picture):
    few = Image.fromarray(picture).quantize(16)
    few.save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_triples(tmp_path / "p.png"), np.asarray(few.convert("RGB")))
    with pytest.raises(DataError, match=r"grey one[\s\S]*g\.png"):
        read_triples(save(tmp_path / "g.png", picture[..., 0]))
    (tmp_path / "cut.png").write_bytes((tmp_path / "p.png").read_bytes()[:-30])
    with pytest.raises(DataError, match=r"cannot be decoded[\s\S]*cut\.png"):
        read_triples(tmp_path / "cut.png")


@pytest.mark.parametrize(
    "view",
    [
        lambda image: image,
        lambda image: image[:, ::-1],
        lambda image: image[3:30:2, 5:40],
        lambda image: image.transpose(1, 0, 2),
        lambda image: np.broadcast_to(image[:1, :1], (4, 6, 3)),
        lambda image: image[:1, :1],
        lambda image: image[:0],
    ],
)
def test_planes_are_the_transposed_picture_wherever_it_lies(picture, view):
    made = planes(view(picture))
    np.testing.assert_array_equal(made, view(picture).transpose(2, 0, 1))
    assert made.dtype == np.uint8
    assert made.flags.c_contiguous
    made[:] = 0
    assert picture.any()


@pytest.mark.parametrize(
    ("least", "factor"), [(None, 1), (41, 1), (20, 2), (21, 1), (10, 4), (1, 8)]
)
def test_a_jpeg_is_decoded_smaller_as_long_as_enough_is_left(tmp_path, picture, least, factor):
    path = save(tmp_path / "a.jpg", picture, quality=95)
    found = read_image(path, least=least)
    size = -(-40 // factor), -(-60 // factor)
    assert found.shape == (*size, 3)
    whole = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(found.astype(int) - whole).mean() < 4


def test_a_smaller_jpeg_is_turned_as_a_whole_one_is(tmp_path, picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    path = save(tmp_path / "a.jpg", picture, quality=95, exif=exif)
    assert read_image(path, least=20).shape == (30, 20, 3)
    assert read_image(path, exif=False, least=20).shape == (20, 30, 3)


def test_what_is_no_jpeg_is_decoded_whole(tmp_path, picture):
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.png", picture), least=1), picture)
