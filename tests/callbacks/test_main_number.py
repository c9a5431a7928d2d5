"""Numbers of whole heads are told from those of classes."""

import pytest

from densefit.callbacks.main_number import is_main


@pytest.mark.parametrize(
    ("key", "main"),
    [
        ("composite", True),
        ("boxes/AP", True),
        ("boxes/AP/cat", False),
        ("cells/boxes/AP", True),
        ("cells/boxes/AP/cat", False),
        ("boxes/AP/cat/dog", False),  # a class with a slash
        ("cells/mask/mIoU", False),  # no such head
    ],
)
def test_main_numbers(key, main):
    assert is_main(key, {"boxes": 1}) is main
