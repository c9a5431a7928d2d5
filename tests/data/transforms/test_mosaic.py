import numpy as np
import pytest

import densefit as df
from densefit.data.geometry.instance_map import extents
from densefit.data.sample import LostGeometry
from densefit.data.transforms.extra_samples import draw_from
from densefit.data.transforms.mosaic import Mosaic
from densefit.datasets import Shapes
from densefit.errors import ConfigError, DataError

DATA = Shapes(12, size=(48, 60), empty=0.0, keypoints=True)


def made(seed, **settings):
    rng = np.random.default_rng(seed)
    step = Mosaic(**{"height": 64, "width": 80, "p": 1.0, "drop": ["label"], **settings})
    return step(DATA[seed % 12], rng, draw_from(DATA, seed % 12, rng))


@pytest.mark.parametrize("seed", range(8))
def test_boxes_masks_instances_and_keypoints_agree(seed):
    after = made(seed)
    targets = after.targets
    ids, around = extents(targets["instances"])
    assert len(np.unique(targets["instance_ids"])) == len(targets["boxes"])
    for box, one, kind in zip(targets["boxes"], targets["instance_ids"], targets["classes"]):
        inner = around[list(ids).index(one)]
        assert (box[:2] <= inner[:2] + 1).all()
        assert (box[2:] >= inner[2:] - 1).all()
        assert set(targets["mask"][targets["instances"] == one]) == {kind + 1}
    for points, box in zip(targets["keypoints"], targets["boxes"]):
        seen = points[:, 2] > 0
        assert ((points[seen, :2] >= box[:2] - 1) & (points[seen, :2] <= box[2:] + 1)).all()
        assert (points[~seen] == 0).all()


def test_four_pictures_come_together_at_one_point():
    """Pictures of one colour each: the mosaic is four rectangles of them, and no box crosses."""
    colours = [DATA[i] for i in range(4)]
    for value, sample in enumerate(colours):
        sample.image = np.full_like(sample.image, 10 * value + 10)

    def draw(count):
        assert count == 3
        return colours[1:]

    for seed in range(10):
        step = Mosaic(64, 80, p=1.0, low=1.5, high=2.0, drop=["label"])
        after = step(colours[0], np.random.default_rng(seed), draw)
        grey = after.image[..., 0]
        assert set(np.unique(grey)) == {10, 20, 30, 40}
        y, x = (grey[:, 0] == 10).sum(), (grey[0] == 10).sum()
        assert 16 <= y <= 48
        assert 20 <= x <= 60
        expected = np.full((64, 80), 10)
        expected[:y, x:], expected[y:, :x], expected[y:, x:] = 20, 30, 40
        np.testing.assert_array_equal(grey, expected)
        x1, y1, x2, y2 = after.targets["boxes"].T
        assert ((x2 <= x) | (x1 >= x)).all()
        assert ((y2 <= y) | (y1 >= y)).all()


def test_small_pictures_leave_fill_at_the_edges_and_touch_the_middle():
    after = made(0, low=0.2, high=0.2)
    assert (after.image[0] == 114).all()
    assert (after.targets["mask"][0] == 255).all()
    assert (after.targets["mask"] != 255).mean() == pytest.approx(4 * 0.2**2 * 0.94, abs=0.03)


def test_it_is_for_training_only():
    after = made(1)
    assert isinstance(after.geometry, LostGeometry)
    assert after.geometry.size == (48, 60)
    with pytest.raises(DataError, match="mosaic"):
        _ = after.geometry.matrix


def test_the_class_of_a_picture_must_be_dropped():
    with pytest.raises(DataError, match=r"'label'[\s\S]*drop"):
        made(1, drop=())


def test_further_pictures_are_prepared():
    def paint(sample, rng):
        sample.image = np.full_like(sample.image, 200)
        return sample

    after = made(2, prepare=paint, low=2.0, high=2.0)
    assert (after.image == 200).all(axis=2).mean() > 0.4
    assert (after.image[0, 0] != 200).any()


@pytest.mark.parametrize("workers", [0, 2])
def test_in_a_loader_with_any_number_of_workers(workers):
    def epoch(workers):
        steps = df.transforms.Compose(
            [Mosaic(48, 48, drop=["label"]), df.transform("resize", height=48, width=48)]
        )
        with df.Loader(
            DATA, batch_size=4, transform=steps, workers=workers, shuffle=True, seed=3
        ) as loader:
            return np.concatenate([batch.data["data"] for batch in loader])

    np.testing.assert_array_equal(epoch(workers), epoch(1))


def test_bad_settings():
    for settings in ({"low": 0}, {"low": 2, "high": 1}, {"middle": 0.6}, {"p": 2}, {"height": 0}):
        with pytest.raises(ConfigError, match="Mosaic"):
            made(0, **settings)
