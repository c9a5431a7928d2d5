"""MXNet's random generator."""

from densefit.backend import mx
from densefit.engine.mxnet.seeding import draw_seed, seed, seed_update


def test_it_depends_on_seed_and_epoch():
    values = {}
    for number, epoch in ((0, 0), (0, 1), (1, 0), (0, 0), (-3, 0)):
        seed_update(number, epoch)
        values.setdefault((number, epoch), set()).add(mx.nd.random.uniform(shape=(1,)).asscalar())
    assert all(len(drawn) == 1 for drawn in values.values())
    assert len(set.union(*values.values())) == 4


def test_a_seed_that_is_drawn_follows_from_the_one_before():
    drawn = []
    for number in (5, 5, 6):
        seed(number)
        drawn.append((draw_seed(), draw_seed()))
    assert drawn[0] == drawn[1]
    assert len({*drawn[0], *drawn[2]}) == 4
