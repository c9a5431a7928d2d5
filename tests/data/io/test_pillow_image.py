"""Grey files of few bits: numbers are those that were stored, pictures are stretched to 8 bits."""

import struct
import zlib

import numpy as np
import pytest

import densefit as df
from densefit.data.io.image import read_image
from densefit.data.io.index_image import read_ids, read_mask
from densefit.data.io.value_image import read_values
from densefit.datasets import MaskFolder

NUMBERS = [read_mask, read_ids, read_values]


def packed(values, bits, reverse=False):
    """Rows of numbers of so many bits, each row to whole bytes."""
    planes = [np.unpackbits(values[..., None], axis=2)[..., 8 - bits :]]
    rows = np.concatenate(planes, axis=2).reshape(len(values), -1)
    return np.packbits(rows, axis=1, bitorder="little" if reverse else "big").tobytes()


def png(values, bits):
    def chunk(name, body):
        check = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + check

    lines = [packed(row[None], bits) for row in values]
    header = struct.pack(">IIBBBBB", values.shape[1], len(values), bits, 0, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + line for line in lines))
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def tiff(values, bits, white=False, order="<", reverse=False):
    """A grey TIFF in one strip; `white`: 0 is white; `reverse`: the lowest bit comes first."""
    data = packed(values, bits, reverse)
    height, width = values.shape
    photometric, fill = int(not white), 1 + reverse
    start = 8 + 2 + 12 * 9 + 4
    pairs = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (266, fill)]
    pairs += [(273, start), (278, height), (279, len(data))]
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entries = b"".join(struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in pairs)
    return mark + struct.pack(order + "IH", 8, 9) + entries + bytes(4) + data


def numbers(bits):
    """(2, 16) numbers, among them the largest of so many bits."""
    row = np.arange(16) % 2**bits
    return np.stack([row, row[::-1]]).astype(np.uint8)


@pytest.mark.parametrize("reader", NUMBERS)
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("kind", ["png", "tif", "big-endian", "reverse"])
def test_numbers_of_few_bits_are_those_that_are_stored(tmp_path, caplog, reader, bits, kind):
    values = numbers(bits)
    settings = {"big-endian": {"order": ">"}, "reverse": {"reverse": bits < 8}}.get(kind, {})
    data = png(values, bits) if kind == "png" else tiff(values, bits, **settings)
    path = tmp_path / ("m.png" if kind == "png" else "m.tif")
    path.write_bytes(data)
    found = reader(path)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, values)
    assert not caplog.records


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("kind", ["png", "tif", "white"])
def test_pictures_of_few_bits_are_stretched(tmp_path, capfd, bits, kind):
    values = numbers(bits)
    data = png(values, bits) if kind == "png" else tiff(values, bits, kind == "white")
    path = tmp_path / ("m.png" if kind == "png" else "m.tif")
    path.write_bytes(data)
    grey = values.astype(int) * 255 // (2**bits - 1)
    grey = 255 - grey if kind == "white" else grey
    np.testing.assert_array_equal(read_image(path), np.dstack([grey] * 3))
    assert "OpenCV" not in capfd.readouterr().err


@pytest.mark.parametrize("reader", NUMBERS)
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_where_0_is_white_numbers_are_turned_over_as_their_copies_in_8_bits_are(
    tmp_path, caplog, reader, bits
):
    values = numbers(bits)
    for name in ("a.tif", "b.tif"):
        (tmp_path / name).write_bytes(tiff(values, bits, white=True))
        np.testing.assert_array_equal(reader(tmp_path / name), 2**bits - 1 - values)
    (record,) = caplog.records
    assert "0 is white" in record.message
    assert f"stored as 0 is {2**bits - 1}" in record.message


def test_masks_of_2_bits_score_as_their_copies_in_8_bits(tmp_path):
    """The top class would be ignored, and others would be of no class."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, (32, 32)).astype(np.uint8)
    for split, data in (("two", tiff(truth, 2)), ("eight", tiff(truth, 8))):
        for folder in (split, f"{split}annot"):
            (tmp_path / folder).mkdir()
        (tmp_path / f"{split}annot" / "a.tif").write_bytes(data)
        (tmp_path / split / "a.tif").write_bytes(tiff(truth * 60, 8))
    masks = [
        MaskFolder(tmp_path, split, classes=list("abcd"))[0].targets["mask"]
        for split in ("two", "eight")
    ]
    np.testing.assert_array_equal(*masks)
    np.testing.assert_array_equal(masks[0], truth)


def test_depths_of_few_bits(tmp_path):
    for folder in ("rgb", "depth"):
        (tmp_path / folder).mkdir()
    values = numbers(4)
    (tmp_path / "rgb" / "a.png").write_bytes(png(values, 8))
    (tmp_path / "depth" / "a.png").write_bytes(png(values, 4))
    data = df.dataset("depth_folder", root=tmp_path, scale=0.5)
    np.testing.assert_array_equal(data[0].targets["depth"], values * np.float32(0.5))


def bmp(values, bits, palette):
    """A BMP of indices into grey values."""
    lines = [packed(row[None], bits) for row in values[::-1]]
    body = b"".join(line + bytes(-len(line) % 4) for line in lines)
    colours = b"".join(bytes([grey, grey, grey, 0]) for grey in palette)
    sizes = (40, values.shape[1], len(values), 1, bits, 0, len(body), 0, 0, len(palette), 0)
    start = 54 + len(colours)
    file = struct.pack("<2sIII", b"BM", start + len(body), 0, start)
    return file + struct.pack("<IiiHHIIiiII", *sizes) + colours + body


@pytest.mark.parametrize("read", [read_mask, read_ids])
@pytest.mark.parametrize("palette", [range(16), range(3), (0, 255), (255, 0), range(0, 256, 17)])
@pytest.mark.parametrize("bits", [1, 4, 8])
def test_indices_of_a_bmp_with_a_grey_palette(tmp_path, read, palette, bits):
    """Pillow takes such indices for grey values of 8 bits, or for black and white of one."""
    palette = list(palette)[: 2**bits]
    values = np.random.default_rng(0).integers(0, len(palette), (6, 9)).astype(np.uint8)
    path = tmp_path / "a.bmp"
    path.write_bytes(bmp(values, bits, palette))
    np.testing.assert_array_equal(read(path), values)
