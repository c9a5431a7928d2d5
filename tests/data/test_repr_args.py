from pathlib import Path

import numpy as np

from densefit.data.repr_args import unusual


class Thing:
    def __init__(self, root, split="train", names=None, path=None):
        self.text = unusual(Thing, locals(), but=("root", "split"))


def test_only_what_is_not_the_default_and_not_shown_already():
    assert Thing("a").text == ""
    assert Thing("a", "val").text == ""
    assert Thing("a", names=["x", "y"]).text == ", names=['x', 'y']"
    assert Thing("a", names=np.array(["x"])).text == ", names=['x']"
    assert Thing("a", names=("x",), path=Path("b/c")).text == ", names=['x'], path='b/c'"
