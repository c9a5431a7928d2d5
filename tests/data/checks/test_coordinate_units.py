import numpy as np
import pytest

from densefit.data.checks.coordinate_units import are_parts, elsewhere_in
from densefit.data.sample import Sample

SIZE = (48, 64)


def places(*values):
    return lambda: iter([np.array(one, float) for one in values])


@pytest.mark.parametrize(
    ("own", "others", "parts"),
    [
        ([0.1, 0.9], [], True),
        ([0.1, 0.9], [[]], True),
        ([0.1, 0.9], [[0, 1], [3, 9]], False),
        ([0, 1], [], False),
        ([0, 1], [[0, 1]], False),
        ([0, 1], [[0, 1], [0, 1]], True),
        ([0, 1], [[0, 0.25]], True),
        ([0, 9], [[0, 0.25]], False),
        ([], [[0, 0.25]], False),
    ],
)
def test_one_coordinate_that_no_part_can_be_makes_all_pixels(own, others, parts):
    assert are_parts(np.array(own, float), SIZE, places(*others)) is parts
    assert not are_parts(np.array(own, float), (4, 7), places(*others))


def test_other_samples_are_read_that_can_be_and_no_more_than_it_takes():
    class Some:
        seen = []

        def __len__(self):
            return 500

        def __getitem__(self, index):
            self.seen.append(index)
            if index % 200 == 100:
                raise OSError("broken")
            boxes = [[index, np.nan, 3, 4]]
            return Sample("a", np.zeros((8, 8, 3), np.uint8), {"boxes": boxes} if index else {})

    data = Some()
    found = elsewhere_in(data, 40, "boxes", np.ravel)()
    assert next(found).tolist() == [20, 3, 4]
    assert data.seen == [0, 20]
    assert len(list(found)) == 20
