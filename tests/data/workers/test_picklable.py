import pickle
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from densefit.data.loader.sample_task import SampleTask
from densefit.data.transforms import Compose, RandomFlip
from densefit.data.workers.picklable import find_unpicklable, from_pickle, to_pickle
from densefit.datasets import Shapes
from densefit.errors import ConfigError


@dataclass
class Holds:
    parts: list = field(default_factory=list)
    other: Any = None


def test_what_can_be_sent_is():
    work = SampleTask(Shapes(3), Compose([RandomFlip()]), [], 0, 0)
    assert len(pickle.loads(to_pickle(work)).dataset) == 3


def test_the_innermost_part_is_named():
    lock = threading.Lock()
    thing = Holds([1, {"a": Holds(other=lock)}])
    assert find_unpicklable(thing, "dataset") == ("dataset.parts[1]['a'].other", lock)


def test_the_error_says_which_attribute_of_the_work():
    def shift(sample, rng):
        return sample

    work = SampleTask(Shapes(3), Compose([RandomFlip(), shift]), [], 0, 0)
    with pytest.raises(ConfigError, match=r"transform\.steps\[1\]") as caught:
        to_pickle(work)
    assert "shift" in caught.value.received
    assert caught.value.__cause__ is not None


def test_classes_of_an_interactive_session_are_refused():
    """Nothing but a script, or a module, can be imported by another process."""
    lines = (
        "from densefit.data.workers.picklable import to_pickle\n"
        "from densefit.errors import ConfigError\n"
        "class Data: pass\n"
        "try:\n    to_pickle([Data()])\n"
        "except ConfigError as error:\n    print(error.what)\n"
    )
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True)
    assert done.stdout.splitlines()[0].endswith("in a notebook or an interactive session")


def test_the_dataset_is_left_out_and_put_in():
    data, other = [1, 2, 3] * 1000, [4]
    work = {"dataset": data, "same": [data], "equal": list(data[:3])}
    text = to_pickle(work, dataset=data)
    assert len(text) < 200
    restored = from_pickle(text, lambda: other)
    assert restored["dataset"] is restored["same"][0] is other
    assert restored["equal"] == [1, 2, 3]
    assert from_pickle(to_pickle(work), lambda: other) == work
