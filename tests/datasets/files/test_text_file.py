import os

import pytest

from densefit.datasets.files.json_file import read_json
from densefit.datasets.files.text_file import read_text
from densefit.datasets.files.xml_file import read_xml
from densefit.errors import ConfigError, DataError


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"]
)
def test_encodings_that_tell_themselves(tmp_path, encoding):
    path = tmp_path / "x.txt"
    path.write_bytes("Rad, \u72d7, \u00e9".encode(encoding))
    assert read_text(path, "The list") == "Rad, \u72d7, \u00e9"
    path.write_bytes('{"\u72d7": 1}'.encode(encoding))
    assert read_json(path) == {"\u72d7": 1}


@pytest.mark.parametrize("data", ["\u72d7\u732b".encode("gbk"), b"\xff\xfe\x00", b"\xe9t\xe9"])
def test_other_encodings_are_told(tmp_path, data):
    path = tmp_path / "x.txt"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"not text in UTF-8[\s\S]*x\.txt[\s\S]*iconv"):
        read_text(path, "The list")


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for path, kind in ((tmp_path / "pipe", "a named pipe"), (tmp_path / "zero", "a device")):
        with pytest.raises(DataError, match=rf"no regular file[\s\S]*{kind}"):
            read_text(path, "The list")
    for path in (tmp_path, tmp_path / "gone", tmp_path / "a\0b"):
        with pytest.raises(DataError, match="cannot be read"):
            read_text(path, "The list")


def test_a_file_without_blocks_may_say_any_size(tmp_path):
    with open(tmp_path / "large", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DataError, match=r"too large[\s\S]*at most[\s\S]*large"):
        read_text(tmp_path / "large", "The list")


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a":' * 100_000, "9" * 5000, "nul"])
def test_what_is_no_json(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"are not valid JSON[\s\S]*x\.json"):
        read_json(path)


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "shift_jis"])
def test_the_environment_names_what_leaves_no_mark(encoding, tmp_path, monkeypatch):
    text = {"gb18030": "\u732b\u72d7", "big5": "\u8c93", "shift_jis": "\u30cd\u30b3"}[encoding]
    path = tmp_path / "classes.txt"
    path.write_bytes(text.encode(encoding))
    monkeypatch.setenv("DENSEFIT_TEXT_ENCODING", encoding)
    assert read_text(path, "The list") == text
    path.write_bytes(text.encode())
    assert read_text(path, "The list") == text  # what is UTF-8 stays so
    xml = tmp_path / "a.xml"
    xml.write_bytes(f"<annotation><name>{text}</name></annotation>".encode(encoding))
    assert read_xml(xml).findtext("name") == text


def test_a_wrong_name_of_an_encoding_is_told(tmp_path, monkeypatch):
    path = tmp_path / "classes.txt"
    path.write_bytes("\u732b\u72d7".encode("gb18030"))
    monkeypatch.setenv("DENSEFIT_TEXT_ENCODING", "gb99")
    with pytest.raises(ConfigError, match=r"'gb99'[\s\S]*DENSEFIT_TEXT_ENCODING"):
        read_text(path, "The list")
    monkeypatch.setenv("DENSEFIT_TEXT_ENCODING", "ascii")
    with pytest.raises(DataError, match=r"neither in UTF-8 nor in ascii[\s\S]*classes.txt"):
        read_text(path, "The list")
