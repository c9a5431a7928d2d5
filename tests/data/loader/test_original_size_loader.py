"""Pictures at their own sizes, padded and grouped."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError, DataError


class Sizes:
    """Random pictures of given (height, width), with a mask each."""

    classes = ("a", "b")

    def __init__(self, *sizes):
        self.sizes = sizes

    def __len__(self):
        return len(self.sizes)

    def id_of(self, index):
        return f"picture {index}"

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        image = rng.integers(0, 256, (*self.sizes[index], 3), np.uint8)
        mask = rng.integers(0, 2, self.sizes[index], np.uint8)
        return df.Sample(self.id_of(index), image, {"mask": mask})


SIZES = [(40, 60), (64, 64), (33, 50), (100, 30), (60, 40), (32, 32), (41, 61)]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("ahead", [0, 2, 100])
def test_every_picture_comes_once_unchanged_at_the_left_top_of_grey(workers, ahead):
    dataset = Sizes(*SIZES)
    seen = []
    loader = df.Loader.original_size(
        dataset, batch_size=2, multiple=32, ahead=ahead, workers=workers
    )
    with loader:
        for _ in range(2):
            seen.append([])
            for batch in loader:
                array = batch.data["data"]
                assert array.dtype == np.uint8
                for row, index in enumerate(batch.index):
                    sample, (height, width) = dataset[index], SIZES[index]
                    assert batch.ids[row] == sample.id
                    assert array.shape[2:] == (-(-height // 32) * 32, -(-width // 32) * 32)
                    inside = array[row, :, :height, :width].transpose(1, 2, 0)
                    np.testing.assert_array_equal(inside, sample.image)
                    assert (array[row, :, height:] == 114).all()
                    assert (array[row, :, :, width:] == 114).all()
                    np.testing.assert_array_equal(
                        batch.targets[row]["mask"], sample.targets["mask"]
                    )
                    geometry = batch.geometries[row]
                    assert geometry.size == (height, width)
                    assert geometry.input_size == array.shape[2:]
                    np.testing.assert_array_equal(geometry.matrix, np.eye(2, 3))
                    seen[-1].append(int(index))
    assert seen[0] == seen[1]
    assert sorted(seen[0]) == list(range(len(SIZES)))


def test_pictures_of_one_bucket_share_a_batch():
    loader = df.Loader.original_size(Sizes(*SIZES), batch_size=8, multiple=64, workers=0)
    assert sorted(len(batch.ids) for batch in loader) == [1, 6]


def test_few_pixels_a_batch_make_small_batches():
    loader = df.Loader.original_size(
        Sizes(*SIZES), batch_size=8, multiple=64, max_pixels=2 * 64 * 64, workers=0
    )
    assert sorted(len(batch.ids) for batch in loader) == [1, 2, 2, 2]


def test_scaled_pictures_lead_boxes_back():
    loader = df.Loader.original_size(
        Sizes((40, 60)), batch_size=1, multiple=32, short_side=80, long_side=90, workers=0
    )
    (batch,) = loader
    assert batch.data["data"].shape == (1, 3, 64, 96)  # 60 x 90, padded
    box = batch.geometries[0].boxes_to_original(np.array([[15, 30, 90, 60]]))
    np.testing.assert_allclose(box, [[10, 20, 60, 40]])


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="'multiple'"):
        df.Loader.original_size(Sizes((40, 60)), batch_size=1, multiple=0)
    with pytest.raises(DataError, match="empty"):
        df.Loader.original_size(Sizes(), batch_size=1)


def test_a_broken_picture_is_named():
    dataset = Sizes((40, 60), (0, 5))
    with pytest.raises(DataError, match="picture 1"):
        list(df.Loader.original_size(dataset, batch_size=1, workers=0))


def test_two_iterations_at_once_are_refused():
    with df.Loader.original_size(Sizes(*SIZES), batch_size=2) as loader:
        first = iter(loader)
        next(first)
        assert sum(len(batch.ids) for batch in loader) == len(SIZES)
        with pytest.raises(DataError, match="begun anew"):
            list(first)
        for _ in loader:
            break
        assert sum(len(batch.ids) for batch in loader) == len(SIZES)
