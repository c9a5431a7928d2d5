import json
from pathlib import Path

import numpy as np
import pytest

from densefit.datasets.files.json_file import read_json
from densefit.errors import DataError
from densefit.tools.formats.json_records import Records

PATH = Path("some.json")


def records(*items):
    return Records.of(list(items), PATH, "things")


def of(values, field="x"):
    return records(*({field: value} for value in values))


def test_columns_are_taken_as_they_are():
    assert of([1, 2.5]).numbers("x").tolist() == [1.0, 2.5]
    assert records({"x": 1}, {}).numbers("x", default=[7, 8]).tolist() == [1.0, 8.0]
    found = of([[1, 2.5], [3, 4]]).vectors("x", 2, "")
    assert found.dtype == np.float64
    assert found.tolist() == [[1, 2.5], [3, 4]]
    assert records().vectors("x", 4, "").shape == (0, 4)
    assert records().numbers("x").shape == (0,)


def test_ids_keep_every_digit_and_their_kind():
    large = 900100581904900100
    assert of([large, "007", 3.0]).ids("x") == [large, "007", 3]


@pytest.mark.parametrize("value", [None, True, 1.5, 1e17, float("nan"), [1], {}])
def test_what_names_nothing(value):
    with pytest.raises(DataError, match=r"some\.json, things\[1\]"):
        of([1, value]).ids("x")


@pytest.mark.parametrize(
    "value", [None, "1", True, float("nan"), float("-inf"), 10**400, [1], -0.5]
)
def test_what_is_no_number(value):
    with pytest.raises(DataError, match=r"some\.json, things\[2\]"):
        of([1, 2, value]).numbers("x", least=0.0)


@pytest.mark.parametrize(
    "value", [None, "12", 5, [1], [1, 2, 3], [1, None], [1, "2"], [1, 10**400]]
)
def test_what_is_no_vector(value):
    with pytest.raises(DataError, match=r"2 finite numbers, pair[\s\S]*some\.json, things\[0\]"):
        of([value, [1, 2]]).vectors("x", 2, "pair")


def test_what_is_no_list_of_objects():
    with pytest.raises(DataError, match=r"things are not a list[\s\S]*dict"):
        Records.of({}, PATH, "things")
    with pytest.raises(DataError, match=r"not an object[\s\S]*\[5\][\s\S]*things\[1\]"):
        records({}, [5])


def test_what_is_no_json(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(DataError, match=r"The results cannot be read[\s\S]*a\.json"):
        read_json(path, "results")
    for text in (b"[1,", b"", b"\xff\xfe\x00\xd8"):
        path.write_bytes(text)
        with pytest.raises(DataError, match=r"(not valid JSON|not text)[\s\S]*a\.json"):
            read_json(path, "results")
    path.write_text(json.dumps([1]))
    assert read_json(path, "results") == [1]


def test_json_that_nests_without_end_is_told(tmp_path):
    path = tmp_path / "deep.json"
    path.write_text("[" * 100_000)
    with pytest.raises(DataError, match=r"(?s)not valid JSON.*deep\.json"):
        read_json(path, "results")
