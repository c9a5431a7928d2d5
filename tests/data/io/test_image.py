import io
import logging
import os
import struct
import threading
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

import densefit as df
from densefit.data.io.image import planes, read_image
from densefit.data.io.image_limits import BYTES, DAMAGED, PIXELS
from densefit.data.io.index_image import read_ids, read_mask
from densefit.data.io.value_image import read_triples, read_values
from densefit.datasets import ImageFolder
from densefit.errors import ConfigError, DataError

READERS = [read_image, read_mask, read_ids, read_values, read_triples]


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
    with pytest.raises(DataError, match="colour image"):
        read_mask(save(tmp_path / "m.png", picture))
    with pytest.raises(DataError, match=r"0\.\.300"):
        read_mask(save(tmp_path / "n.png", np.array([[0, 300]], np.uint16)))


@pytest.mark.parametrize("channels", [1, 3, 4, 2])
@pytest.mark.parametrize("reader", [read_mask, read_ids])
def test_equal_channels_are_one(tmp_path, channels, reader):
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    opaque = np.full((3, 4), 255, np.uint8)
    many = np.dstack([values] * (3 if channels > 2 else 1) + [opaque] * (channels in (2, 4)))
    path = save(tmp_path / "m.png", many[..., 0] if channels == 1 else many)
    np.testing.assert_array_equal(reader(path), values)
    if channels in (2, 4):
        many[0, 0, -1] = 0
        with pytest.raises(DataError, match="colour image"):
            reader(save(path, many))


def test_float_masks_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"no class indices[\s\S]*m\.tif"):
        read_mask(save(tmp_path / "m.tif", np.zeros((3, 4), np.float32)))


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
    with pytest.raises(DataError, match=r"cut short[\s\S]*d\.png"):
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
    with pytest.raises(DataError, match=r"cut short[\s\S]*cut\.png"):
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


def with_size(data, height, width):
    """A JPEG whose header states another size."""
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + struct.pack(">HH", height, width) + data[place + 4 :]


@pytest.mark.parametrize("reader", READERS)
def test_eps_under_another_name_reaches_no_interpreter(tmp_path, monkeypatch, reader):
    started = []
    monkeypatch.setattr("subprocess.Popen", lambda *args, **_: started.append(args))
    monkeypatch.setattr("subprocess.check_call", lambda *args, **_: started.append(args))
    path = tmp_path / "m.png"
    Image.new("RGB", (8, 8)).save(path, "EPS")
    with pytest.raises(DataError, match=r"no kind that is read[\s\S]*m\.png"):
        reader(path)
    assert not started


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", ["pipe", "device", "link to a device"])
def test_what_is_no_regular_file_is_refused_unopened(tmp_path, reader, kind):
    path = tmp_path / "a.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = "/dev/zero"
    else:
        path.symlink_to("/dev/zero")
    caught = []

    def read():
        try:
            reader(path)
        except DataError as error:
            caught.append(str(error))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(5)
    assert "no regular file" in caught[0]
    assert str(path) in caught[0]


def test_links_to_pictures_are_followed(tmp_path, picture):
    save(tmp_path / "a.png", picture)
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "b.png"), picture)


def test_a_file_of_too_many_bytes_is_not_read(tmp_path, picture, monkeypatch):
    path = save(tmp_path / "a.png", picture)
    os.truncate(path, 1 << 40)  # sparse
    with pytest.raises(DataError, match=rf"too large[\s\S]*a\.png[\s\S]*{BYTES}"):
        read_image(path)
    monkeypatch.setenv(BYTES, "100")
    with pytest.raises(DataError, match="at most 100 bytes"):
        read_image(save(tmp_path / "b.png", picture))


def headers(height, width):
    """Files that state a size, by kind."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    ihdr = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    bits = struct.pack("<I", (height - 1) << 14 | (width - 1)) if height <= 1 << 14 else b""
    x = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    tags = ((256, width), (257, height), (259, 5))
    tiff = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return {
        "png": b"\x89PNG\r\n\x1a\n" + ihdr + bytes(100),
        "gif": b"GIF89a" + struct.pack("<HH", width, height) + bytes(100),
        "bmp": b"BM" + bytes(8) + struct.pack("<IIii", 54, 40, width, -height) + bytes(100),
        "webp": b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + x + bytes(100),
        "tif": b"II*\0" + struct.pack("<IH", 8, 3) + tiff + bytes(100),
        "ppm": b"P6\n# a remark\n%d %d\n255\n" % (width, height) + bytes(100),
        **({"lossless.webp": b"RIFF\xff\0\0\0WEBPVP8L\xff\0\0\0/" + bits} if bits else {}),
    }


@pytest.mark.parametrize("kind", [*headers(30000, 30000), "jpg"])
def test_the_size_is_read_before_anything_is_decoded(tmp_path, picture, kind):
    path = tmp_path / f"a.{kind}"
    files = headers(30000, 30000)
    path.write_bytes(files.get(kind) or with_size(jpeg_bytes(picture), 30000, 30000))
    for reader in (read_image, read_values):
        with pytest.raises(DataError, match=rf"30,000 x 30,000[\s\S]*a\.{kind}[\s\S]*{PIXELS}"):
            reader(path)


@pytest.mark.parametrize("kind", ["png", "bmp", "tif", "gif", "webp", "ppm", "jpg"])
def test_the_limit_of_pixels_is_a_setting(tmp_path, picture, monkeypatch, kind):
    path = tmp_path / f"a.{kind}"
    save(path, picture, **({"lossless": True} if kind == "webp" else {}))
    monkeypatch.setenv(PIXELS, "2_399")
    with pytest.raises(DataError, match=r"at most 2,399 pixels[\s\S]*40 x 60"):
        read_image(path)
    monkeypatch.setenv(PIXELS, "2400")
    assert read_image(path).shape == (40, 60, 3)
    monkeypatch.setenv(PIXELS, "many")
    with pytest.raises(ConfigError, match=PIXELS):
        read_image(path)


def test_masks_above_pillow_s_limit_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    mask = np.arange(48, dtype=np.uint8).reshape(6, 8)
    np.testing.assert_array_equal(read_mask(save(tmp_path / "m.png", mask)), mask)


@pytest.mark.parametrize("reader", [read_mask, read_ids])
@pytest.mark.parametrize("kind", ["jpg", "webp", "png", "tif"])
def test_class_indices_in_lossy_files_are_refused(tmp_path, reader, kind):
    mask = np.zeros((16, 16), np.uint8)
    mask[:, 8:] = 1
    path = tmp_path / f"m.{kind}"
    formats = {"jpg": "JPEG", "png": "JPEG", "webp": "WEBP", "tif": "TIFF"}
    more = (
        {"compression": "jpeg"}
        if kind == "tif"
        else {"exif": Image.Exif(), "icc_profile": b"x" * 99}
    )
    save(path, mask, format=formats[kind], **more)
    with pytest.raises(DataError, match=rf"changes[\s\S]*m\.{kind}[\s\S]*as PNG"):
        reader(path)


def test_the_first_frame_of_a_gif(tmp_path, picture):
    frames = [Image.fromarray(picture).quantize(32), Image.new("P", (60, 40), 3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(
        read_image(tmp_path / "a.gif"), np.asarray(frames[0].convert("RGB"))
    )
    indices = np.arange(64, dtype=np.uint8).reshape(8, 8)
    mask = Image.fromarray(indices, "P")
    mask.putpalette(np.random.default_rng(0).integers(0, 256, 768, np.uint8).tobytes())
    mask.save(tmp_path / "m.gif", optimize=False)
    np.testing.assert_array_equal(read_mask(tmp_path / "m.gif"), indices)


def test_pnm_files_are_scaled_as_pictures_and_not_as_masks(tmp_path):
    (tmp_path / "m.pgm").write_bytes(b"P5\n4 1\n51\n" + bytes([0, 1, 50, 51]))
    np.testing.assert_array_equal(read_mask(tmp_path / "m.pgm"), [[0, 1, 50, 51]])
    np.testing.assert_array_equal(read_image(tmp_path / "m.pgm")[0, :, 0], [0, 5, 250, 255])
    (tmp_path / "d.pgm").write_bytes(b"P5\n2 1\n65535\n" + struct.pack(">HH", 258, 65535))
    np.testing.assert_array_equal(read_values(tmp_path / "d.pgm"), [[258, 65535]])
    np.testing.assert_array_equal(read_image(tmp_path / "d.pgm")[0, :, 0], [1, 255])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_opencv_s(tmp_path, picture, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.jpg", picture, exif=exif)
    expected = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(read_image(path), expected)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
@pytest.mark.parametrize("size", [(40, 60), (37, 51), (1, 9)])
@pytest.mark.parametrize("least", [None, 4])
def test_the_pixels_of_a_jpeg_are_opencv_s(tmp_path, picture, options, size, least):
    path = save(tmp_path / "a.jpg", picture[: size[0], : size[1]], **options)
    shorter = min(size)
    flag = {40: cv2.IMREAD_REDUCED_COLOR_8, 37: cv2.IMREAD_REDUCED_COLOR_8}.get(shorter)
    flag = cv2.IMREAD_COLOR if least is None or flag is None else flag
    expected = cv2.cvtColor(cv2.imread(str(path), flag), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(read_image(path, least=least), expected)


def damaged_jpeg(picture, mode="RGB"):
    """A JPEG with its end, whose data lack a piece."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).convert(mode).save(buffer, "JPEG", quality=95)
    data = buffer.getvalue()
    return data[: len(data) // 2] + data[len(data) // 2 + 700 :]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_damaged_jpeg_is_told_once_by_its_name(tmp_path, picture, caplog, mode):
    path = tmp_path / "a.jpg"
    path.write_bytes(damaged_jpeg(picture, mode))
    with caplog.at_level(logging.WARNING):
        first, _ = read_image(path), read_image(path)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert str(path) in caplog.text
    assert "Corrupt JPEG data" in caplog.text
    expected = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(first, expected)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("reader", [read_image, read_values])
def test_a_damaged_jpeg_is_an_error_where_it_shall_be(tmp_path, picture, monkeypatch, mode, reader):
    path = tmp_path / "a.jpg"
    path.write_bytes(damaged_jpeg(picture, mode))
    monkeypatch.setenv(DAMAGED, "raise")
    with pytest.raises(DataError, match=rf"damaged[\s\S]*a\.jpg[\s\S]*{DAMAGED}=warn"):
        reader(path)
    monkeypatch.setenv(DAMAGED, "skip")
    with pytest.raises(ConfigError, match=rf'{DAMAGED}=raise[^\n]*on_error="skip"'):
        reader(path)


def test_a_jpeg_that_breaks_off_in_the_middle_is_no_picture(tmp_path, picture):
    data = damaged_jpeg(picture)
    place = len(data) // 2
    path = tmp_path / "a.jpg"
    path.write_bytes(data[:place] + b"\xff\x7f\0\0" + data[place:])  # no marker that there is
    with pytest.raises(DataError, match=r"cannot be decoded[\s\S]*a\.jpg"):
        read_image(path)


@pytest.mark.parametrize("reader", [read_image, read_mask, read_values])
def test_a_png_chunk_that_differs_from_its_checksum_is_told(tmp_path, picture, reader):
    path = save(tmp_path / "a.png", picture[..., 0])
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 40] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"IDAT[\s\S]*a\.png"):
        reader(path)


def test_a_damaged_tiff_is_told(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    path = save(tmp_path / "a.tif", noise, compression="tiff_lzw")
    read_image(path)
    data = bytearray(path.read_bytes())
    data[3000:3200] = bytes(200)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"cannot be decoded[\s\S]*a\.tif"):
        read_image(path)


@pytest.mark.parametrize("kind", ["webp", "tif"])
def test_masks_in_lossless_files_of_such_kinds_are_read(tmp_path, kind):
    mask = np.zeros((16, 16), np.uint8)
    mask[:, 8:] = 1
    more = {"lossless": True} if kind == "webp" else {"compression": "tiff_adobe_deflate"}
    np.testing.assert_array_equal(read_mask(save(tmp_path / f"m.{kind}", mask, **more)), mask)


@pytest.mark.parametrize("policy", ["warn", "raise"])
def test_a_loader_skips_damaged_jpegs_where_these_are_errors(tmp_path, monkeypatch, policy):
    for name in "abc":
        (tmp_path / name).mkdir()
        save(tmp_path / f"{name}/1.jpg", np.zeros((64, 64, 3), np.uint8))
    (tmp_path / "b/1.jpg").write_bytes(damaged_jpeg(None))
    monkeypatch.setenv(DAMAGED, policy)
    loader = df.Loader(ImageFolder(tmp_path), batch_size=1, on_error="skip", workers=0)
    ids = [key for batch in loader for key in batch.ids]
    assert ("b/1.jpg" in ids) == (policy == "warn")
    assert [key for key, _ in loader.skipped] == ([] if policy == "warn" else ["b/1.jpg"])


@pytest.mark.parametrize(
    ("kind", "place", "value"),
    [
        ("bmp", 10, b"\0\0\0\0"),
        ("bmp", 14, b"\xff"),
        ("bmp", 46, b"\xff\x7f"),
        ("tif", None, b""),
        ("pgm", 9, b"x"),
    ],
)
def test_headers_that_cannot_be_right_are_told(tmp_path, kind, place, value):
    """OpenCV makes pictures of these, black ones or of other bytes."""
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    data = bytearray(save(tmp_path / f"a.{kind}", grey).read_bytes())
    if kind == "tif":  # a compression that nobody knows
        place, value = data.index(b"\x03\x01\x03\x00\x01\x00\x00\x00") + 8, b"\x01\x02"
    data[place : place + len(value)] = value
    (tmp_path / f"a.{kind}").write_bytes(data)
    for reader in READERS:
        with pytest.raises(DataError, match=rf"header of its \w+ file[\s\S]*a\.{kind}"):
            reader(tmp_path / f"a.{kind}")


def test_a_tiff_that_states_more_pixels_than_it_has_bytes(tmp_path):
    path = save(tmp_path / "a.tif", np.zeros((6, 8, 3), np.uint8))
    data = path.read_bytes()
    tag = struct.pack("<HHII", 257, 4, 1, 6)
    assert tag in data
    path.write_bytes(data.replace(tag, struct.pack("<HHII", 257, 4, 1, 1_000_000)))
    for reader in READERS:
        with pytest.raises(DataError, match=r"header of its TIFF file[\s\S]*a\.tif"):
            reader(path)


def test_a_tiff_that_lacks_strips_is_told(tmp_path):
    """OpenCV gives what it had read when the next strip was not there."""
    path = save(tmp_path / "a.tif", np.zeros((6, 8, 3), np.uint8))
    data = path.read_bytes()
    for form in ("HHII", "HHIHxx"):
        for rows in (6, 2**32 - 1):
            tag = struct.pack(f"<{form}", 278, 4 if form == "HHII" else 3, 1, min(rows, 65535))
            if tag in data:
                one = struct.pack(f"<{form}", 278, 4 if form == "HHII" else 3, 1, 1)
                path.write_bytes(data.replace(tag, one))
                with pytest.raises(DataError, match=r"header of its TIFF file[\s\S]*a\.tif"):
                    read_image(path)
                return
    raise AssertionError("the file does not say how many rows a strip has")


def test_a_picture_for_which_there_is_no_memory_is_named(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", np.zeros((6, 8, 3), np.uint8))

    def full(*_):
        raise MemoryError

    monkeypatch.setattr("densefit.data.io.image.decode_by_opencv", full)
    with pytest.raises(DataError, match=r"more memory than there is[\s\S]*a\.png"):
        read_image(path)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("a.png", {}),
        ("a.tiff", {"compression": "tiff_adobe_deflate"}),
        ("a.webp", {"lossless": True}),
    ],
)
def test_which_damage_is_seen(tmp_path, name, settings):
    """A missing end always, and a changed bit where there are checksums."""
    path = tmp_path / name
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    Image.fromarray(noise).save(path, **settings)
    data = path.read_bytes()
    for kept in (len(data) // 2, len(data) - 9):
        path.write_bytes(data[:kept])
        with pytest.raises(DataError, match=name):
            read_image(path)
    for place in range(len(data) // 4, 3 * len(data) // 4, 97):
        changed = bytearray(data)
        changed[place] ^= 0x40
        path.write_bytes(changed)
        if name == "a.webp":
            assert read_image(path).shape == noise.shape  # there are none: another picture
        else:
            with pytest.raises(DataError, match=name):
                read_image(path)
