import pytest

from densefit.datasets.files import xml_stream
from densefit.datasets.files.xml_stream import root_children
from densefit.errors import DataError


def write(folder, text):
    path = folder / "a.xml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_children_come_one_after_another_whatever_the_chunk(tmp_path, monkeypatch):
    path = write(tmp_path, '<r a="1"><b x="ü">te&amp;xt<c/>tail</b> <b x="2"/><d><e>5</e></d></r>')
    for chunk in (1, 7, 1 << 20):
        monkeypatch.setattr(xml_stream, "_CHUNK", chunk)
        first, second, third = root_children(path)
        assert (first.tag, first.get("x"), first.text, len(first)) == ("b", "ü", "te&xt", 1)
        assert second.get("x") == "2"
        assert third.findtext("e") == "5"


def test_utf_16_is_read(tmp_path):
    path = write(
        tmp_path, '<?xml version="1.0" encoding="utf-16"?><r><b x="犬"/></r>'.encode("utf-16")
    )
    assert [child.get("x") for child in root_children(path)] == ["犬"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('<!DOCTYPE r [<!ENTITY a "aaaa">]><r>&a;</r>', "document type"),
        ('<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', "document type"),
        ("<r><b></r>", "not valid XML"),
        ("<r><b/>", "not valid XML"),
        ("", "not valid XML"),
        (f"<r>{'<a>' * 100}{'</a>' * 100}</r>", "too deep"),
        ("<r>&other;</r>", "not valid XML"),
    ],
)
def test_what_is_no_plain_xml_is_refused(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=message) as error:
        list(root_children(path))
    assert "a.xml" in str(error.value)
