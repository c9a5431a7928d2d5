import math
import os

import pytest

from densefit.datasets.voc import xml_files
from densefit.datasets.voc.xml import VocFile
from densefit.datasets.voc.xml_files import read_xml_files
from densefit.errors import DataError


def xml(name, corners=(1, 2, 3, 4), size="<size><width>60</width><height>40</height></size>"):
    sides = zip(("xmin", "ymin", "xmax", "ymax"), corners)
    box = "".join(f"<{side}>{value}</{side}>" for side, value in sides)
    entry = f"<object><name>{name}</name><difficult>1</difficult><bndbox>{box}</bndbox></object>"
    return f"<annotation><filename>a.jpg</filename>{size}{entry}</annotation>"


CONTENTS = {
    "a.xml": xml("dog"),
    "b.xml": xml("\u72d7", ("nan", 0.5, "inf", -3)),
    "c.xml": "<annotation></annotation>",
    "d.xml": "no xml",
    "e.xml": xml("cat", size=""),
    "f.xml": xml("dog"),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("DENSEFIT_CACHE", raising=False)
    monkeypatch.setattr("densefit.datasets.objects.table_cache.SMALLEST_BYTES", 0)
    for name, text in CONTENTS.items():
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (1e9, 1e9))
    return tmp_path


def texts(files):
    return {path: repr(file) + str(file) for path, file in files.items()}


def test_the_second_start_parses_nothing(folder, monkeypatch):
    files = read_xml_files(folder, list(CONTENTS))
    assert isinstance(files["d.xml"], DataError)
    assert math.isnan(files["b.xml"].objects[0].corners[0])
    assert files["c.xml"] == VocFile("", None, ())
    monkeypatch.setattr(xml_files, "read_voc_xml", None)
    assert texts(read_xml_files(folder, list(CONTENTS))) == texts(files)
    assert read_xml_files(folder, []) == {}


def test_a_changed_file_is_read_again(folder):
    read_xml_files(folder, list(CONTENTS))
    (folder / "a.xml").write_text(xml("fox"))
    assert read_xml_files(folder, list(CONTENTS))["a.xml"].objects[0].name == "fox"
    os.utime(folder / "a.xml", (1e9 + 1, 1e9 + 1))
    assert read_xml_files(folder, list(CONTENTS))["a.xml"].objects[0].name == "fox"
