import pytest

from densefit.datasets.voc.split_list import listed_ids
from densefit.errors import DataError


def listed(folder, text, name="train.txt"):
    (folder / name).write_text(text)
    return listed_ids(folder / name, folder / "Annotations")


def test_flags_are_no_part_of_the_id(tmp_path, caplog):
    for _ in range(2):
        assert listed(tmp_path, "a b  1\nc -1\nd  0\n") == ["a b", "c", "d"]
    (message,) = (record.getMessage() for record in caplog.records)
    assert "all ids are taken (3 of 3)" in message
    assert listed(tmp_path, "a  1\nc -1\nd  0\n", "dog_train.txt") == ["a", "d"]
    assert "-1 are left out (2 of 3)" in caplog.records[-1].getMessage()
    with pytest.raises(DataError, match="no picture of its class"):
        listed(tmp_path, "a -1\n", "dog_val.txt")


def test_other_lines_are_ids(tmp_path, caplog):
    assert listed(tmp_path, "Blood 1\nBlood x\n") == ["Blood 1", "Blood x"]
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations/Blood 1.xml").write_text("")
    assert listed(tmp_path, "Blood 1\nBlood 0\n") == ["Blood 1", "Blood 0"]
    assert not caplog.records


def test_endings_of_pictures_are_left_out(tmp_path):
    assert listed(tmp_path, "a.jpg\nb.PNG\nc.1\n") == ["a", "b", "c.1"]
    with pytest.raises(DataError, match="'a' is listed twice"):
        listed(tmp_path, "a.jpg\na\n")
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations/a.jpg.xml").write_text("")
    assert listed(tmp_path, "a.jpg\nb.PNG\n") == ["a.jpg", "b.PNG"]
