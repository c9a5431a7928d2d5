import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.data.transforms.resize import Letterbox, Resize
from densefit.errors import ConfigError


def sample(height, width):
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : height // 2, width // 4 : width // 2] = 1
    box = [[width // 4, height // 4, width // 2, height // 2]]
    targets = {"boxes": np.array(box, np.float32), "classes": np.array([0]), "mask": mask}
    return Sample("s", np.full((height, width, 3), 200, np.uint8), targets)


@pytest.mark.parametrize("kind", [Resize, Letterbox])
@pytest.mark.parametrize("size", [(40, 80), (80, 40), (37, 91), (64, 64), (300, 7), (1000, 1000)])
def test_size_and_way_back(kind, size):
    before = sample(*size)
    after = kind(64, 96)(before, np.random.default_rng(0))
    assert after.image.shape == (64, 96, 3)
    assert after.targets["mask"].shape == (64, 96)
    if len(after.targets["boxes"]):
        back = after.geometry.boxes_to_original(after.targets["boxes"])
        np.testing.assert_allclose(back, before.targets["boxes"], atol=1e-3)
    assert after.geometry.size == size


def test_letterbox_keeps_proportions_and_pads_evenly():
    after = Letterbox(64, 96)(sample(40, 40), np.random.default_rng(0))
    assert (after.image[:, 16:80] == 200).all()
    assert (after.image[:, :16] == 114).all()
    assert (after.image[:, 80:] == 114).all()
    assert (after.targets["mask"][:, :16] == 255).all()
    np.testing.assert_allclose(after.geometry.matrix, [[1.6, 0, 16], [0, 1.6, 0]])
    np.testing.assert_allclose(after.targets["boxes"], [[32, 16, 48, 32]])


def test_bad_sizes():
    for bad in ((0, 3), (3, -1), (2.5, 3)):
        with pytest.raises(ConfigError, match="whole numbers"):
            Resize(*bad)
