import pytest

from densefit.datasets.coco.ids import read_id
from densefit.errors import DataError


@pytest.mark.parametrize(
    ("value", "key"),
    [(7, 7), (7.0, 7), ("7", 7), ("-7", -7), ("007", "007"), ("7.0", "7.0"), ("-", "-")]
    + [(2**60, 2**60), (str(2**60), 2**60), ("9" * 30, "9" * 30), ("\u0667", "\u0667"), ("a", "a")],
)
def test_ids_that_mean_the_same_are_equal(value, key):
    found = read_id(value, "f.json")
    assert (found, type(found)) == (key, type(key))


@pytest.mark.parametrize(
    "value", [None, True, 1.5, float("nan"), float("inf"), 2.0**60, "", [], {}]
)
def test_what_is_no_id(value):
    with pytest.raises(DataError, match=r"image_id is not usable[\s\S]*f\.json, annotation 3"):
        read_id(value, "f.json, annotation 3", "image_id")
