"""Texts of settings that do not change from process to process."""

import numpy as np

import densefit as df
from densefit.backend import mx
from densefit.data.described import described


class Noisy:
    def __init__(self, amount, inner=None):
        self.amount, self.inner, self._cache = amount, inner, object()

    def __call__(self, sample, rng):
        return sample


def test_equal_settings_have_equal_texts():
    assert described(Noisy(3, Noisy(4))) == described(Noisy(3, Noisy(4)))
    assert described(Noisy(3, Noisy(4))) == "Noisy{amount: 3, inner: Noisy{amount: 4, inner: None}}"
    assert described(Noisy(3)) != described(Noisy(4))
    assert " at 0x" not in described([Noisy(1), test_equal_settings_have_equal_texts, object()])


def test_what_tells_itself_is_taken_at_its_word():
    resize = df.transform("resize", height=8, width=9)
    assert described(df.Compose([resize])) == described(
        df.Compose([df.transform("resize", height=8, width=9)])
    )
    assert described(df.Cosine(0.1)) == repr(df.Cosine(0.1))
    assert described(np.float32) == "numpy.float32"
    assert described({3, 1, 2}) == "[1, 2, 3]"


def test_optimizers_of_mxnet():
    first, second = (mx.optimizer.SGD(momentum=0.9, wd=1e-3) for _ in range(2))
    assert described(first) == described(second)
    assert described(first) != described(mx.optimizer.SGD(momentum=0.8, wd=1e-3))


def test_things_that_hold_themselves_come_to_an_end():
    loop = Noisy(1)
    loop.inner = loop
    assert described(loop).count("Noisy") < 10
