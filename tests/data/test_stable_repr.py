"""Texts of settings that do not change from process to process."""

import numpy as np

import densefit as df
from densefit.data.stable_repr import stable_repr


class Noisy:
    def __init__(self, amount, inner=None):
        self.amount, self.inner, self._cache = amount, inner, object()

    def __call__(self, sample, rng):
        return sample


def test_equal_settings_have_equal_texts():
    assert stable_repr(Noisy(3, Noisy(4))) == stable_repr(Noisy(3, Noisy(4)))
    assert (
        stable_repr(Noisy(3, Noisy(4))) == "Noisy{amount: 3, inner: Noisy{amount: 4, inner: None}}"
    )
    assert stable_repr(Noisy(3)) != stable_repr(Noisy(4))
    assert " at 0x" not in stable_repr([Noisy(1), test_equal_settings_have_equal_texts, object()])


def test_what_tells_itself_is_taken_at_its_word():
    resize = df.transform("resize", height=8, width=9)
    assert stable_repr(df.transforms.Compose([resize])) == stable_repr(
        df.transforms.Compose([df.transform("resize", height=8, width=9)])
    )
    assert stable_repr(df.Cosine(0.1)) == repr(df.Cosine(0.1))
    assert stable_repr(np.float32) == "numpy.float32"
    assert stable_repr({3, 1, 2}) == "[1, 2, 3]"


def test_optimizers_of_mxnet(mx):
    first, second = (mx.optimizer.SGD(momentum=0.9, wd=1e-3) for _ in range(2))
    assert stable_repr(first) == stable_repr(second)
    assert stable_repr(first) != stable_repr(mx.optimizer.SGD(momentum=0.8, wd=1e-3))


def test_things_that_hold_themselves_come_to_an_end():
    loop = Noisy(1)
    loop.inner = loop
    assert stable_repr(loop).count("Noisy") < 10


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
    told = stable_repr(Holder(Plain(3), 0.5))
    assert "share=0.5" in told
    assert "size: 3" in told
    assert " at 0x" not in told
    assert told == stable_repr(Holder(Plain(3), 0.5))
    assert len({told, stable_repr(Holder(Plain(3), 1.0)), stable_repr(Holder(Plain(4), 0.5))}) == 3


def test_what_changes_nothing_is_seen_through():
    assert stable_repr(Through(Plain(3))) == stable_repr(Plain(3)) == "Plain{size: 3}"
    assert stable_repr(Through(Through(7))) == "7"
