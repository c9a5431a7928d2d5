import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.data.transforms import (
    ColorJitter,
    Compose,
    Letterbox,
    RandomCrop,
    RandomFlip,
    Resize,
    transforms,
)
from densefit.errors import ConfigError


def test_compose_runs_in_order_with_one_generator():
    seen = []

    def step(name):
        def run(sample, rng):
            seen.append((name, rng.integers(100)))
            return sample

        return run

    sample = Sample("s", np.zeros((4, 4, 3), np.uint8), {})
    Compose([step("a"), step("b")])(sample, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    assert seen == [("a", rng.integers(100)), ("b", rng.integers(100))]


def test_output_size_is_that_of_the_last_member_with_one():
    assert Compose([Resize(4, 5), RandomCrop(2, 3), RandomFlip()]).output_size == (2, 3)
    assert Compose([RandomFlip(), lambda sample, rng: sample]).output_size is None
    assert Compose([Compose([Letterbox(7, 8)]), ColorJitter()]).output_size == (7, 8)


def test_all_are_registered_and_made_by_name():
    names = transforms.names()
    for name in ("resize", "letterbox", "random_flip", "random_scale_crop", "color_jitter"):
        assert name in names
    assert transforms.create("resize", height=3, width=4).output_size == (3, 4)
    with pytest.raises(ConfigError, match="has no setting 'size'"):
        transforms.create("resize", size=3)


def test_what_cannot_be_called_is_refused():
    with pytest.raises(ConfigError, match="position 1"):
        Compose([RandomFlip(), "resize"])


def test_repr_tells_the_settings():
    text = repr(Compose([Resize(4, 5), RandomFlip(0.3)]))
    assert text == "Compose([Resize(4, 5), RandomFlip(0.3, vertical=False)])"
