import numpy as np
import pytest

import densefit as df
from densefit.evaluation.batch_sizes import BatchSizes, equal_batch_sizes
from densefit.evaluation.image_fit import Transformed
from densefit.evaluation.predictor import Predictor


class Fake:
    """Outputs that depend on the size of the batch, or on the place in it."""

    def __init__(self, change):
        self._change = change

    def outputs(self, images, rows):
        sums = [float(image.rows[0].sum()) for image in images]
        noise = [self._change(rows, place) for place in range(rows)]
        return {"a": np.array([[s, n] for s, n in zip(sums, noise)], np.float32)}


@pytest.mark.parametrize(
    ("change", "prefers_large", "rows"),
    [
        (lambda rows, place: 0, False, (1, 2, 4, 8)),
        (lambda rows, place: rows > 2, False, (1, 2)),
        (lambda rows, place: rows > 2, True, (4, 8)),
        (lambda rows, place: rows == 8 and place == 5, False, (1, 2, 4)),
        (lambda rows, place: rows == 8 and place == 5, True, (1, 2, 4)),
        (lambda rows, place: place, True, (1,)),
    ],
)
def test_sizes_give_equal_bits_at_each_place(change, prefers_large, rows):
    assert equal_batch_sizes(Fake(change), (8, 8), 8, prefers_large) == BatchSizes(rows)


@pytest.mark.parametrize("rows", [(1,), (1, 2, 8), (4,), (2, 4)])
def test_every_image_is_in_one_part(rows):
    sizes = BatchSizes(rows)
    for count in range(1, 20):
        parts = sizes.parts(count)
        assert sum(images for images, _ in parts) == count
        assert all(images <= size and size in rows for images, size in parts)


def test_a_network_has_the_bits_of_a_batch_of_one():
    shapes = df.dataset("shapes", length=4, size=(32, 32))
    network = df.Network(
        "resnet18", [df.head("segmentation", classes=4, channels=8)], settings={"width": 8}
    )
    fit = df.transform("resize", height=32, width=32)
    train = df.Loader(shapes, batch_size=4, transform=fit, heads=network.heads)
    network = df.fit(network, train, updates=1).network
    predictor = Predictor(network, Transformed(fit))
    sizes = equal_batch_sizes(predictor, (32, 32), 4)
    assert 1 in sizes.rows
    images = [predictor.fit(shapes[index].image) for index in range(4)]
    for rows in sizes.rows:
        together = predictor.outputs(images[:rows], rows)
        for place in range(rows):
            for name, alone in predictor.outputs([images[place]]).items():
                np.testing.assert_array_equal(together[name][place], alone[0])
