import os

import pytest

from densefit.datasets.files.labels_csv import read_labels
from densefit.errors import DataError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.csv"


def test_one_column_of_many(path):
    path.write_text('\ufeffid,split,kind\na,train,red\nb,val," blue, dark "\nc,val,\n', "utf-8")
    assert read_labels(path, "kind") == {"a": "red", "b": "blue, dark"}
    assert read_labels(path, "split") == {"a": "train", "b": "val", "c": "val"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,kind\na,red\na,red\n", "(?s)'a' has two lines.*line 3"),
        ("id,kinds\na,red\n", "(?s)no column 'kind'.*did you mean 'kinds'"),
        ("name,kind\na,red\n", "no column 'id'"),
        ("id,kind\na,\nb\n", "'kind' is empty"),
        ("", "no column 'id'"),
        ("id,kind,kind\na,red,blue\n", "2 columns 'kind'"),
        ("id,kind\na,light, red\n", "(?s)more fields.*entry 2"),
        ('id,kind\na,"red\nb,blue\n', "unexpected end"),
        ('id,kind\na,"red"x\n', "expected after"),
    ],
)
def test_broken_tables_are_named(path, text, told):
    path.write_text(text)
    with pytest.raises(DataError, match=told) as error:
        read_labels(path, "kind")
    assert str(path) in str(error.value)


def test_a_missing_table_is_named(path):
    with pytest.raises(DataError, match=r"labels\.csv"):
        read_labels(path, "kind")


def test_a_pipe_is_not_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(DataError, match=r"no regular file[\s\S]*labels\.csv"):
        read_labels(path, "kind")


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("key", ["id", "ID", "image_id", "filename", "image"])
def test_other_marks_and_names_of_the_id(path, mark, key):
    lines = [
        [key, "site", "kind"],
        ["a.jpg", "x", "red"],
        ["b/c.PNG", "y", "blue"],
        ["d.1", "", "red"],
    ]
    path.write_text("\n".join(map(mark.join, lines)))
    assert read_labels(path, "kind") == {"a": "red", "b/c": "blue", "d.1": "red"}


def test_two_columns_that_may_be_the_id_are_not_chosen_from(path):
    path.write_text("filename,image_id,kind\na.jpg,1,red\n")
    with pytest.raises(DataError, match="no column 'id'"):
        read_labels(path, "kind")
    path.write_text("filename,id,kind\na.jpg,1,red\n")
    assert read_labels(path, "kind") == {"1": "red"}
