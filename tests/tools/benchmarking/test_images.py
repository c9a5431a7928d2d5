import numpy as np

import densefit as df
from densefit.datasets import Shapes
from densefit.tools.benchmarking.images import images_of, spread


def test_images_are_those_of_the_input_and_repeated_if_there_are_few():
    shapes = Shapes(3, (32, 48))
    fit_in = df.transform("resize", height=16, width=24)

    def loader(dataset):
        return df.Loader(dataset, batch_size=2, transform=fit_in, workers=0)

    images = images_of(shapes, loader, 5)
    assert [(image.shape, image.dtype) for image in images] == [((16, 24, 3), np.uint8)] * 5
    for index, image in enumerate(images):
        expected = fit_in(shapes[index % 3], np.random.default_rng(0)).image
        np.testing.assert_array_equal(image, expected)


def test_samples_are_at_even_distances():
    dataset = Shapes(9, (24, 24))
    some = spread(dataset, 3)
    assert [some.id_of(index) for index in range(3)] == [dataset.id_of(n) for n in (0, 4, 8)]
