import numpy as np

from densefit.data.sampler import epoch_order, sample_rng


def test_each_index_once_and_by_seed_and_epoch_alone():
    first = epoch_order(50, True, 3, 7)
    np.testing.assert_array_equal(np.sort(first), np.arange(50))
    np.testing.assert_array_equal(first, epoch_order(50, True, 3, 7))
    assert (first != epoch_order(50, True, 3, 8)).any()
    assert (first != epoch_order(50, True, 4, 7)).any()


def test_without_shuffling_the_order_is_the_datasets():
    np.testing.assert_array_equal(epoch_order(5, False, 3, 7), np.arange(5))


def test_no_two_generators_are_alike():
    # (3, 7) and (3, 7, 0) are the same seed to numpy: order and sample 0 must not share one.
    draws = {tuple(sample_rng(3, 7, i).integers(1 << 30, size=2)) for i in range(50)}
    draws.add(tuple(np.random.default_rng((3, 7, 50)).integers(1 << 30, size=2)))
    draws.add(tuple(sample_rng(3, 8, 0).integers(1 << 30, size=2)))
    assert len(draws) == 52
