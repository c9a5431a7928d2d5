import pytest

from densefit.datasets.voc.xml import annotations_by_stem, read_voc_xml
from densefit.errors import DataError

BOX = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3.5</xmax><ymax>4</ymax></bndbox>"


@pytest.fixture
def read(tmp_path):
    def parse(text):
        path = tmp_path / "x.xml"
        path.write_text(text)
        return read_voc_xml(path)

    return parse


def test_fields(read):
    file = read(
        "<annotation><filename> x.jpg </filename><size><width>9</width><height>7</height></size>"
        f"<object><name> dog </name><difficult>1</difficult>{BOX}</object></annotation>"
    )
    assert (file.filename, file.size) == ("x.jpg", (7, 9))
    (thing,) = file.objects
    assert (thing.name, thing.corners, thing.difficult) == ("dog", (1, 2, 3.5, 4), True)


def test_what_may_be_missing(read):
    file = read(f"<annotation><object><name>dog</name>{BOX}</object></annotation>")
    assert (file.filename, file.size, file.objects[0].difficult) == ("", None, False)
    assert read("<annotation><size><width>0</width></size></annotation>").size is None


def test_parts_of_an_object_are_not_objects(read):
    part = f"<part><name>head</name>{BOX.replace('1', '2')}</part>"
    file = read(f"<annotation><object><name>dog</name>{part}{BOX}</object></annotation>")
    assert [thing.corners for thing in file.objects] == [(1, 2, 3.5, 4)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotation>", "not valid XML"),
        ("", "not valid XML"),
        (f"<annotation><object>{BOX}</object></annotation>", "no class name[\\s\\S]*object 1"),
        ("<annotation><object><name>d</name></object></annotation>", "'bndbox/xmin' is missing"),
        (
            f"<annotation><object><name>d</name>{BOX.replace('3.5', 'wide')}</object></annotation>",
            r"'bndbox/xmax'[\s\S]*'wide'",
        ),
        (
            f"<annotation><object><name>d</name>{BOX.replace('3.5', '1_0')}</object></annotation>",
            r"'bndbox/xmax'",
        ),
        ("<annotation><size><width>inf</width></size></annotation>", "'size/width'"),
        ("<annotation><size><height>9.5</height></size></annotation>", "'size/height'"),
        (
            f"<annotation><object><name>d</name><difficult>nan</difficult>{BOX}</object></annotation>",
            "'difficult'",
        ),
    ],
)
def test_errors_name_file_and_object(read, text, message):
    with pytest.raises(DataError, match=message) as caught:
        read(text)
    assert "x.xml" in str(caught.value)


def test_no_such_file(tmp_path):
    with pytest.raises(DataError, match=r"gone\.xml"):
        read_voc_xml(tmp_path / "gone.xml")


def test_corners_that_are_no_finite_numbers_are_left_to_the_dataset(read):
    file = read(
        f"<annotation><object><name>d</name>{BOX.replace('3.5', 'nan')}</object></annotation>"
    )
    assert str(file.objects[0].corners[2]) == "nan"


def test_annotations_by_stem(tmp_path):
    (tmp_path / "more").mkdir()
    for name in ("b.xml", "a.XML", "a.xml", "c.txt", ".d.xml", "more/e.1.xml"):
        (tmp_path / name).write_text("")
    found = annotations_by_stem(tmp_path)
    assert found == {"a": ["a.XML", "a.xml"], "b": ["b.xml"], "more/e.1": ["more/e.1.xml"]}
    assert annotations_by_stem(tmp_path / "gone") == {}
