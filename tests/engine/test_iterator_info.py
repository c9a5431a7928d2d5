"""What iterators tell of themselves."""

import pytest

import densefit as df
from densefit.engine.iterator_info import check_iterator, specs
from densefit.engine.iterator_info import last_real as last_real_of
from densefit.engine.sources import source_of
from densefit.errors import DataError


def samples(data):
    return source_of(data).samples


def length(data):
    return source_of(data).length()


def last_real(data, batch_size):
    return last_real_of(data, length(data), samples(data), batch_size)


def test_specs_of_plain_pairs():
    (one,) = specs([("data", (2, 3))])
    assert (one.name, one.shape) == ("data", (2, 3))
    assert specs(None) == []


def test_what_is_no_iterator():
    with pytest.raises(DataError, match="train data are not an iterator(.|\n)*no provide_data"):
        check_iterator([1], "train")


@pytest.mark.mxnet
@pytest.mark.parametrize(
    ("handling", "expected"),
    [("pad", (10, 3, 2)), ("discard", (10, 2, 4)), ("roll_over", (10, None, None))],
)
def test_an_ndarray_iterator(tiny, handling, expected):
    data = tiny.iterator(10, 4, last_batch_handle=handling)
    assert (samples(data), length(data), last_real(data, 4)) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"length": 9}, (9, 3, 1)), ({"length": 8}, (8, 2, 4)), ({"last": "drop"}, (10, 2, 4))],
)
def test_a_loader(tiny, settings, expected):
    data = tiny.loader(tiny.network(), **settings)
    assert (samples(data), length(data), last_real(data, 4)) == expected


def test_an_iterator_that_tells_nothing():
    assert (samples(object()), length(object()), last_real(object(), 4)) == (None, None, None)


def test_the_last_batch_of_an_epoch_that_is_not_the_dataset(tiny):
    mixture = df.Mixture({"a": tiny.Pictures(4), "b": tiny.Pictures(6)}, length=27)
    loader = df.Loader(mixture, batch_size=8)
    assert (samples(loader), length(loader), last_real(loader, 8)) == (10, 4, 3)
