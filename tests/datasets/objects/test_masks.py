import numpy as np
import pytest
from pycocotools import mask as coco

from densefit.datasets.objects.masks import decode, paint, paint_instances
from densefit.errors import DataError

SIZE = (20, 30)
POLYGON = [[6, 4, 16, 4, 16, 9, 6, 9]]


@pytest.fixture
def square():
    pixels = np.zeros(SIZE, np.uint8)
    pixels[4:9, 6:16] = 1
    return pixels


def test_every_kind_of_segmentation(square):
    packed = coco.encode(np.asfortranarray(square))
    text = {"size": [20, 30], "counts": packed["counts"].decode()}
    edges = np.flatnonzero(np.diff(square.T.ravel(), prepend=0))
    runs = {"size": [20, 30], "counts": np.diff(edges, prepend=0, append=600).tolist()}
    for segmentation in (packed, text, runs, POLYGON, [*POLYGON, [1, 1, 2, 2]]):
        np.testing.assert_array_equal(decode(segmentation, SIZE, "x"), square == 1)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        [[1, 1, 2, 2]],
        [[1, 1, 2, 2, 3, 3, 4]],
        [1, 2, 3, 4, 5, 6],
        {"counts": [600]},
        {"size": [9, 9], "counts": [81]},
    ],
)
def test_broken_ones_are_named(broken):
    with pytest.raises(DataError, match=r"not usable[\s\S]*annotation 3"):
        decode(broken, SIZE, "annotation 3")


def test_small_ones_lie_on_top_and_crowds_below(square):
    whole = {"size": [20, 30], "counts": [0, 600]}
    large = [[0, 0, 20, 0, 20, 10, 0, 10]]
    objects = [
        {"class": 1, "crowd": False, "area": 50.0, "segmentation": POLYGON},
        {"class": 0, "crowd": False, "area": 200.0, "segmentation": large},
        {"class": 2, "crowd": True, "area": 9.0, "segmentation": whole},
    ]
    mask = paint(objects, SIZE, "x")
    assert mask.dtype == np.uint8
    assert (mask[square == 1] == 2).all()
    assert (mask[:4, :20] == 1).all()
    assert (mask[10:] == 255).all()
    assert (paint([], SIZE, "x") == 0).all()


def test_instances_lie_as_the_classes_do(square):
    everything = [[0, 0, 30, 0, 30, 20, 0, 20]]
    things = [
        {"class": 0, "crowd": False, "area": 50.0, "segmentation": POLYGON},
        {"class": 1, "crowd": False, "area": 600.0, "segmentation": everything},
        {"class": 1, "crowd": True, "area": 9.0, "segmentation": everything},
    ]
    instances, masks = paint_instances(things, SIZE, "x")
    np.testing.assert_array_equal(instances, np.where(square, 1, 2))
    assert instances.dtype == np.uint16
    assert [int(coco.area(mask)) for mask in masks] == [50, 600, 600]
    np.testing.assert_array_equal(paint(things, SIZE, "x"), np.where(square, 1, 2))
