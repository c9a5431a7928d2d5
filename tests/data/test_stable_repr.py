"""Texts of settings that do not change from process to process."""

import numpy as np

import densefit as df
from densefit.backend import mx
from densefit.data.stable_repr import described


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
    assert described(df.transforms.Compose([resize])) == described(
        df.transforms.Compose([df.transform("resize", height=8, width=9)])
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


class Plain:
    def __init__(self, size):
        self.size = size


class Holder:
    """With a private setting that its own text tells, and parts that tell addresses."""

    def __init__(self, part, share):
        self.part, self._share = part, share

    def __repr__(self):
        return f"Holder({self.part!r}, share={self._share})"


class Through:
    described_by = "inner"

    def __init__(self, inner):
        self.inner = inner


def test_what_its_own_text_says_is_not_lost_with_an_address():
    told = described(Holder(Plain(3), 0.5))
    assert "share=0.5" in told
    assert "size: 3" in told
    assert " at 0x" not in told
    assert told == described(Holder(Plain(3), 0.5))
    assert len({told, described(Holder(Plain(3), 1.0)), described(Holder(Plain(4), 0.5))}) == 3


def test_what_changes_nothing_is_seen_through():
    assert described(Through(Plain(3))) == described(Plain(3)) == "Plain{size: 3}"
    assert described(Through(Through(7))) == "7"
