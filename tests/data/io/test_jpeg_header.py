import io

import numpy as np
import pytest
from PIL import Image

from densefit.data.io.jpeg_header import head_of, reduction, size_of


def jpeg(height, width, **options):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (40, 60), (300, 7)])
def test_the_size_is_that_of_the_picture_not_of_a_preview(size, progressive):
    preview = jpeg(2, 3)
    segment = b"\xff\xe1" + (len(preview) + 2).to_bytes(2, "big") + preview
    data = jpeg(*size, progressive=progressive)
    data = data[:2] + b"\xff" + segment + data[2:]  # a fill byte, and a segment
    assert size_of(data) == size
    place = head_of(data).scan
    assert data[place : place + 2] == b"\xff\xda"
    assert place > len(segment)


@pytest.mark.parametrize("end", [0, 2, 5, 160])
def test_what_is_cut_short_has_no_size(end):
    assert size_of(jpeg(40, 60)[:end]) is None
    assert head_of(jpeg(40, 60)[:end]).scan == -1


def test_as_small_as_the_shorter_side_allows():
    tall = (160, 90)
    assert [reduction(tall, least) for least in (1, 11, 12, 22, 23, 45, 46, 999)] == [
        8, 8, 4, 4, 2, 2, 1, 1,
    ]  # fmt: skip


@pytest.mark.parametrize("orientation", range(10))
def test_the_orientation_is_pillow_s(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = jpeg(4, 6, exif=exif)
    assert head_of(data).orientation == (orientation if 1 <= orientation <= 8 else 1)
    place = data.index(b"Exif")
    for end in range(place, place + 30):
        assert head_of(data[:end]).orientation in (1, orientation)


def test_the_orientation_behind_another_segment_of_its_kind():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = jpeg(4, 6, exif=exif)
    other = b"http://ns.adobe.com/xap/1.0/\0<x/>"
    data = data[:2] + b"\xff\xe1" + (len(other) + 2).to_bytes(2, "big") + other + data[2:]
    assert head_of(data).orientation == 6


def test_bytes_between_segments_are_stepped_over_as_decoders_do():
    data = jpeg(40, 60)
    place = data.index(b"\xff\xdb")
    assert size_of(data[:place] + b"\0\1\2" + data[place:]) == (40, 60)
