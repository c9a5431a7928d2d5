import os
import xml.etree.ElementTree as ElementTree

import pytest

from densefit.datasets.files.xml_file import read_xml
from densefit.errors import DataError

TEXT = "<a><name>{}</name></a>"
HEAD = '<?xml version="1.0" encoding="{}"?>'
WORDS = {
    "\u72d7 \u4eba": ("gb2312", "GBK", "gb18030", "cp936", "big5", "Big5-HKSCS"),
    "\u72ac\u732b \u8868 \u30c6\u30b9\u30c8": ("Shift_JIS", "shift-jis", "cp932", "EUC-JP"),
    "\uac1c": ("EUC-KR", "cp949"),
    "\u043a\u043e\u0442": ("windows-1251", "koi8-r", "ISO-8859-5"),
    "caf\xe9": ("iso-8859-1", "cp1252", "UTF-8", "utf8", "UTF_8", "utf-16", "UTF-8-SIG"),
    "plain": ("us-ascii", "ASCII", "utf-8"),
}


@pytest.mark.parametrize(
    ("word", "encoding"), [(word, name) for word, names in WORDS.items() for name in names]
)
def test_declared_encodings(tmp_path, word, encoding):
    path = tmp_path / "x.xml"
    text = TEXT.format(word)
    path.write_bytes((HEAD.format(encoding) + text).encode(encoding))
    assert ElementTree.tostring(read_xml(path)) == ElementTree.tostring(
        ElementTree.fromstring(text)
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_that_is_not_declared(tmp_path, encoding):
    (tmp_path / "x.xml").write_bytes(TEXT.format("\u72d7").encode(encoding))
    assert read_xml(tmp_path / "x.xml").findtext("name") == "\u72d7"


def test_a_larger_encoding_than_declared_and_a_copied_declaration(tmp_path):
    path = tmp_path / "x.xml"
    for declared, written in (("gb2312", "gbk"), ("shift_jis", "cp932"), ("GBK", "utf-8")):
        word = {"gbk": "\u9555", "cp932": "\u2460", "utf-8": "\u72d7"}[written]
        path.write_bytes((HEAD.format(declared) + TEXT.format(word)).encode(written))
        assert read_xml(path).findtext("name") == word


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not valid XML"),
        (b"<a>", "not valid XML"),
        (b"<a>\xb9\xb7</a>", r"not valid XML[\s\S]*encoding=\"GBK\""),
        (HEAD.format("utf-8").encode() + b"<a>\xb9\xb7</a>", "not valid XML"),
        (HEAD.format("nonsense").encode() + b"<a>\xb9\xb7</a>", "encoding that it declares"),
        (HEAD.format("big5").encode() + b"<a>\xff\xff</a>", "encoding that it declares"),
        (HEAD.format("gbk").encode() + b"<a>", "not valid XML"),
        (HEAD.format("base64").encode() + b"<a>\xff</a>", "encoding that it declares"),
        (HEAD.format("idna").encode() + b"<a>\xff</a>", "encoding that it declares"),
        (b"<a>\0</a>", "not valid XML"),
        (b"\xff\xfe<", "(not valid XML|encoding)"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "declares entities"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16"), "declares entities"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16-be"), "declares entities"),
    ],
)
def test_what_is_no_xml(tmp_path, data, message):
    path = tmp_path / "x.xml"
    path.write_bytes(data)
    with pytest.raises(DataError, match=message) as caught:
        read_xml(path)
    assert "x.xml" in str(caught.value)


def test_elements_in_each_other_without_end(tmp_path):
    path = tmp_path / "x.xml"
    path.write_bytes(b"<a>" * 100_000 + b"</a>" * 100_000)
    assert read_xml(path).tag == "a"


def test_a_pipe_is_no_annotation(tmp_path):
    os.mkfifo(tmp_path / "x.xml")
    with pytest.raises(DataError, match="no regular file"):
        read_xml(tmp_path / "x.xml")
