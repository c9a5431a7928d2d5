import gc
import json
import random

import pytest

from densefit.datasets.files import json_lists
from densefit.datasets.files.json_lists import UnusualJsonError, last_value, read_lists


def read(data, names=("a", "b")):
    lists = {name: [] for name in names}
    text = data if isinstance(data, bytes) else data.encode()
    rest = read_lists(text, {name: values.extend for name, values in lists.items()})
    return rest, lists


HOSTILE = [
    "}, {",
    '"}, {',
    "\\",
    '\\"',
    "},{",
    "]",
    "[",
    "{",
    "\u72d7",
    "\U0001f600",
    'a"},{"b": "',
    "\n",
    "",
]


def element(rng, depth=0):
    kind = rng.randrange(8 if depth < 3 else 5)
    if kind == 0:
        return rng.choice(HOSTILE) * rng.randrange(3)
    if kind < 4:
        return rng.choice([0, -7, 1.25, 1e300, 5e-324, 0.1 + 0.2, True, None, 2**63, -(2**63)])
    if kind == 4:
        return [round(rng.uniform(0, 640), 2) for _ in range(rng.randrange(9))]
    if kind == 5:
        return [element(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(HOSTILE) + str(i): element(rng, depth + 1) for i in range(rng.randrange(4))}


@pytest.mark.parametrize("piece", [1, 40, 300, 1 << 18])
def test_random_objects_are_read_as_json_reads_them(piece, monkeypatch):
    monkeypatch.setattr(json_lists, "_PIECE", piece)
    rng = random.Random(piece)
    for trial in range(150):
        content = {
            "info": element(rng),
            "a": [{"k": element(rng)} for _ in range(rng.randrange(30))],
            "}, {": element(rng),
            "b": [element(rng) for _ in range(rng.randrange(9))],
            "c": {"a": [{"x": 1}, {"y": 2}]},
        }
        items = list(content.items())
        rng.shuffle(items)
        style = rng.choice([{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}])
        text = json.dumps(dict(items), **style)
        rest, lists = read(text)
        assert {**rest, **lists} == json.loads(text), trial
        assert set(rest) == {"info", "}, {", "c"}


def test_what_json_alone_takes(monkeypatch):
    monkeypatch.setattr(json_lists, "_PIECE", 30)
    text = '{"a": [{"x": NaN}, {"x": -Infinity}, {"x": "\\ud800"}, {"x": 1}]}'
    values = [entry["x"] for entry in read(text)[1]["a"]]
    assert values[0] != values[0]
    assert values[1:] == [float("-inf"), "\ud800", 1]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "7", "{", '{"a": [', '{"a": [1,]}', '{"a": [1 2]}', '{"a": 1 "b": 2}', '{"a" 1}']
    + ['{"a": [{"x": 1}, {"x": 1}}', '{"a": []} 1', '{"a": [], "a": []}', '{"c": 1, "c": 2}']
    + ['{"a": [{"x": 1},, {"x": 1}]}', "{,}", '{"a": [{"x": 01}]}', '{"a": "\t"}', '{"c": [}']
    + [b'{"c": "\xff"}', b'{"a": [{"x": "\xff"}]}', b"\xef\xbb\xbf{}", "{}".encode("utf-16")]
    + ['{"c": ' + "[" * 100_000, '{"a": [{"x": 1}' + ', {"x": 1}' * 9],
)
def test_what_is_unusual_is_left_to_another_reader(text):
    with pytest.raises(UnusualJsonError):
        read(text)


def test_another_value_than_a_list_is_given_back():
    assert read('{"a": {"x": [{"y": 1}, {"y": 2}]}, "b": [ ]}') == (
        {"a": {"x": [{"y": 1}, {"y": 2}]}},
        {"a": [], "b": []},
    )


def test_the_collector_is_on_again():
    with pytest.raises(UnusualJsonError):
        read("{")
    assert gc.isenabled()


def test_the_last_value_of_a_key_is_a_guess():
    text = b'{"a": [1], "b": {"a": [2]}, "c": "\xc3\xa9"}'
    assert last_value(text, "a") == [2]
    assert last_value(text, "c") == "\u00e9"
    assert last_value(text, "d") is None
    assert last_value(b'{"a": [1', "a") is None
    assert last_value(text, "a", window=9) is None
