import os
import time

import pytest

from densefit.errors import ConfigError
from densefit.yaml_files.document import Document, load, read_document

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi")
)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (BOMB, 6, "more than 200000 values"),
        ("a: 1\nb: &x {c: *x}\n", 2, "'x' contains itself"),
        ("a: 1\nb: *x\n", 2, "anchor 'x'"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' is given twice"),
        ("a:\n  b: 1\n  b: 1\n", 3, "'b' is given twice"),
        ("a:\n\tb: 1\n", 2, "not YAML[\\s\\S]*not with tabs"),
        ("a: 1\nb: [1, 2\n", 2, "not YAML"),
        ("a: 1\nb: 'x\n", 2, "not YAML"),
        ("a: 1\nb: \0\n", 2, "control characters"),
        ("a: 1\nb: on\n", 2, "on is a switch"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("a: 1\nb: !!python/name:os.system\n", 2, "tag"),
        ("a: !!int x\n", 1, "no int"),
        ("a: !!set {b}\n", 1, "tag"),
        ("? [a, b]\n: 2\n", 1, "key is a list"),
        ("<<: 3\n", 1, "takes in mappings"),
        ("a: " + "[" * 60, 1, "deep"),
        ("a:\n" + "[" * 100_000, 2, "deep|nesting"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text, line, said):
    begun = time.process_time()
    with pytest.raises(ConfigError, match=said) as told:
        Document(text, "r.yaml")
    assert told.value.where == f"r.yaml, line {line}"
    assert time.process_time() - begun < 2


def test_anchors_and_merges_are_copies():
    value = load("a: &a {x: 1, y: [2]}\nb: *a\nc: {<<: *a, x: 3}\nd: {<<: [{x: 4}, *a]}\n")
    assert value == {
        "a": {"x": 1, "y": [2]},
        "b": {"x": 1, "y": [2]},
        "c": {"x": 3, "y": [2]},
        "d": {"x": 4, "y": [2]},
    }
    assert value["a"]["y"] is not value["b"]["y"]


def test_quotes_and_tags_make_texts():
    assert load('["1", \'1e3\', ! 1, !!str 1, !!float 1, "no"]') == ["1", "1e3", "1", "1", 1, "no"]


def test_lines_of_keys():
    document = Document("a:\n  b: 1\n\n  c:\n    - {d: 2}\n")
    assert document.lines == {"a": 1, "a.b": 2, "a.c": 4, "a.c.0.d": 5}


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_no_document_is_null(text):
    assert load(text) is None


def test_a_text_of_undecodable_bytes_is_told():
    with pytest.raises(ConfigError, match="no characters"):
        load("a: \udcff")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_may_have_a_byte_order_mark(tmp_path, encoding):
    (tmp_path / "r.yaml").write_bytes("a: é\n".encode(encoding))
    assert read_document(tmp_path / "r.yaml").value == {"a": "é"}


def test_files_that_are_none_are_told(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_bytes("a: 1\nb: ä\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8[\\s\\S]*0xe4[\\s\\S]*r.yaml, line 2"):
        read_document(path)
    path.write_bytes(b" \n")
    with pytest.raises(ConfigError, match="empty[\\s\\S]*r.yaml"):
        read_document(path)
    path.write_bytes(b"#" * (5 << 20))
    with pytest.raises(ConfigError, match="bytes[\\s\\S]*r.yaml"):
        read_document(path)
    with pytest.raises(ConfigError, match="a folder"):
        read_document(tmp_path)
    with pytest.raises(ConfigError, match="no such recipe"):
        read_document(tmp_path / "other.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_document("a\0b")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ConfigError, match="no regular file"):
        read_document(tmp_path / "fifo")
