import cv2
import numpy as np
import pytest

from densefit.tools.analysis.sample_pictures import jpeg


@pytest.mark.parametrize("most", [60000, 8000, 2500])
def test_a_picture_fits_its_room(most):
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    data = jpeg(noise, most)
    assert len(data) <= most
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).std() > 10


def test_colors_are_kept():
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 255
    decoded = cv2.imdecode(np.frombuffer(jpeg(red, 60000), np.uint8), cv2.IMREAD_COLOR)
    assert decoded[8, 8, 2] > 240
    assert decoded[8, 8, 0] < 20
