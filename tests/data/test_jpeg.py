import io

import numpy as np
import pytest
from PIL import Image

from densefit.data.jpeg import head_of, reduction, size_of


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
