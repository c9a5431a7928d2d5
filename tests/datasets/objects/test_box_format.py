import pytest

from densefit.datasets.objects.box_format import BoxFormat, numbers
from densefit.datasets.objects.polygon import extent, polygon_area
from densefit.errors import ConfigError, DataError


@pytest.mark.parametrize(
    ("order", "values", "settings"),
    [
        ("xyxy", (10, 5, 30, 25), {}),
        ("xywh", (10, 5, 20, 20), {}),
        ("cxcywh", (20, 15, 20, 20), {}),
        ("xyxy", (11, 6, 30, 25), {"one_based": True}),
        ("xywh", (11, 6, 20, 20), {"one_based": True}),
    ],
)
def test_orders_and_units(order, values, settings):
    assert BoxFormat(order, **settings).box(values, "f") == (10, 5, 30, 25)


def test_a_single_pixel_counted_from_one_is_a_stray_click():
    assert BoxFormat(one_based=True).box((7, 7, 7, 7), "f") == (7, 7, 7, 7)
    assert BoxFormat(one_based=True).box((7, 7, 8, 7), "f") == (6, 6, 8, 7)


def test_relative_numbers_are_near_the_image():
    box = BoxFormat(is_relative=True)
    assert box.box((-0.1, 0, 1.2, 1), "f") == (-0.1, 0, 1.2, 1)
    for value in (1.6, -0.6, 300, float("inf")):
        with pytest.raises(DataError, match="not in parts of the image"):
            box.box((0, 0, 1, value), "f, line 3")
        with pytest.raises(DataError, match=r"f, line 3"):
            box.polygon([0, 0, 1, 0, 1, value], "f, line 3")


def test_polygons():
    assert BoxFormat(one_based=True).polygon([1, 1, 3, 1, 3, 3], "f") == [0, 0, 2, 0, 2, 2]
    assert polygon_area([0, 0, 2, 0, 2, 2]) == 2 == polygon_area([2, 2, 2, 0, 0, 0])
    assert extent([3, 1, 5, 2, 4, 7]) == (3, 1, 5, 7)
    assert all(value != value for value in extent([1, 2, 3, float("nan"), 5, 6]))


def test_settings_that_contradict_each_other():
    with pytest.raises(ConfigError, match="Unknown order"):
        BoxFormat("yxyx")
    for settings in ({"is_relative": True}, {"order": "cxcywh"}):
        with pytest.raises(ConfigError, match="count from 1"):
            BoxFormat(**{"one_based": True, **settings})


def test_numbers_of_texts():
    assert numbers(["1", " 2.5e1"], "f") == [1, 25]
    with pytest.raises(DataError, match="no number: '1,5'"):
        numbers(["1,5"], "f")
