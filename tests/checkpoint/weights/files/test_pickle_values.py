"""Pickles are computed as values; whatever they name else is refused, and never run."""

import io
import os
import pickle
import random
from collections import OrderedDict

import pytest

from densefit.checkpoint.weights.files.pickle_values import RefusedPickleError, evaluate, pairs


def value(data, **meanings):
    return evaluate(io.BytesIO(data), meanings, lambda identity: ("persistent", identity))


PLAIN = {
    "numbers": [0, 1, 255, 256, 65536, -1, 2**40, -(2**70), 1.5],
    "text": ["a", "ä" * 300],
    "bytes": [b"a", b"b" * 300],
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    "constants": [None, True, False],
    "nested": {"a": {"b": {}, 3: []}},
}
PLAIN["shared"] = [PLAIN["nested"], PLAIN["nested"]]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL))
def test_plain_values_are_equal_to_the_unpicklers(protocol):
    content = {key: entry for key, entry in PLAIN.items() if key != "bytes" or protocol > 2}
    assert value(pickle.dumps(content, protocol)) == content


def test_names_are_looked_up_in_the_table_alone():
    data = pickle.dumps(OrderedDict(a=1), 2)
    table = {"collections.OrderedDict": lambda entries=(): pairs([x for e in entries for x in e])}
    assert evaluate(io.BytesIO(data), table, None) == {"a": 1}
    with pytest.raises(RefusedPickleError, match="names 'collections.OrderedDict'"):
        value(data)


class Program:
    """A pickle of it makes a folder, with the unpickler of Python."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_program_is_refused_by_name_and_not_run(protocol, tmp_path):
    data = pickle.dumps(["harmless", Program(tmp_path / "made")], protocol)
    with pytest.raises(RefusedPickleError, match=r"(posix|nt)\.mkdir|opcode"):
        value(data)
    assert not (tmp_path / "made").exists()
    pickle.loads(data)
    assert (tmp_path / "made").exists()  # so it is a program


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02(cos\nmkdir\nX\x01\x00\x00\x00aio.",  # INST and OBJ call, too
        b"\x80\x02(X\x01\x00\x00\x00aios\nmkdir\n.",
        b"\x80\x02\x82\x01.",  # an extension code of copyreg
        b"\x80\x05\x97.",  # a buffer beside the pickle
        b"\x80\x02}(K\x01K\x02\x86K\x03u.",  # a tuple as a key
        b"\x80\x02K\x01)R.",  # a call of a number
    ],
)
def test_opcodes_of_other_objects_are_refused(data):
    with pytest.raises(ValueError, match=r"."):
        value(data)


def test_damage_is_an_error_and_takes_no_memory():
    data, draw = pickle.dumps(PLAIN, 4), random.Random(0)
    for length in range(0, len(data) - 1, 7):
        with pytest.raises(ValueError, match=r"."):
            value(data[:length])
    for _ in range(500):
        changed = bytearray(data)
        for _ in range(draw.randint(1, 4)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        try:
            value(bytes(changed))
        except ValueError:
            pass


def test_doubled_tuples_are_no_keys():
    # Each tuple holds the former twice: its hash would take 2^60 steps.
    doubled = b"\x80\x02)" + b"q\x00h\x00\x86" * 60
    assert len(value(doubled + b".")) == 2
    with pytest.raises(RefusedPickleError, match="keys"):
        value(b"\x80\x02}" + doubled[2:] + b"K\x01s.")
