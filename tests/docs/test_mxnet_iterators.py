"""What docs/mxnet-iterators.md measured covers every iterator that densefit knows."""

import re
from pathlib import Path

from densefit.interop.iterators.native import NATIVE

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "mxnet-iterators.md").read_text()


def test_the_table_has_every_iterator():
    measured = set(re.findall(r"^\| (\w+)[^|]*\| 90 \|", TEXT, re.M))
    own = {"NDArrayIter", "ImageIter", "ImageDetIter", "PrefetchingIter", "ResizeIter"}
    assert measured == {*NATIVE, *own}


def test_the_table_has_no_wrong_score():
    assert "WRONG" not in TEXT
    assert "@@" not in TEXT
