import pytest

from densefit.errors import DataError
from densefit.tools.formats.voc_truth import read_voc

BOX = "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"


def write(path, *things):
    path.parent.mkdir(parents=True, exist_ok=True)
    objects = "".join(
        f"<object><name>{name}</name><difficult>{difficult}</difficult>{BOX.format(*box)}</object>"
        for name, difficult, box in things
    )
    path.write_text(f"<annotation>{objects}</annotation>")


@pytest.fixture
def year(tmp_path):
    """A folder as the devkit has it, with the lists train and val."""
    root = tmp_path / "VOC2012"
    write(root / "Annotations/a.xml", ("cat", 0, (1, 2, 30.5, 40)), ("dog", 1, (3, 3, 3, 3)))
    write(root / "Annotations/b.xml", ("emu", 0, (1, 1, 9, 9)))
    write(root / "Annotations/c.xml")
    (root / "ImageSets/Main").mkdir(parents=True)
    (root / "ImageSets/Main/train.txt").write_text("b\n")
    (root / "ImageSets/Main/val.txt").write_text("c\na\n")
    return root


def test_boxes_are_those_of_the_files(year):
    truth = read_voc(year)
    assert (truth.split, list(truth.files)) == ("val", ["c", "a"])
    assert truth.names() == ["cat", "dog"]
    target = truth.target("a", ["dog", "cat"])
    assert target["boxes"].tolist() == [[1, 2, 30.5, 40], [3, 3, 3, 3]]
    assert target["classes"].tolist() == [1, 0]
    assert target["difficult"].tolist() == [False, True]
    assert truth.target("a", ["cat"])["boxes"].shape == (1, 4)
    assert truth.target("c", ["cat"])["boxes"].shape == (0, 4)


def test_test_comes_before_val_before_all(year):
    (year / "ImageSets/Main/test.txt").write_text("b\n")
    assert read_voc(year).split == "test"
    assert read_voc(year, "train").split == "train"
    for name in ("test", "val"):
        (year / f"ImageSets/Main/{name}.txt").unlink()
    assert (read_voc(year).split, list(read_voc(year).files)) == (None, ["a", "b", "c"])


def test_the_folder_of_annotations_itself_will_do(year):
    folder = year / "Annotations"
    assert list(read_voc(folder).files) == ["a", "b", "c"]
    assert list(read_voc(folder, "train").files) == ["b"]


def test_mistakes_are_told(year):
    with pytest.raises(DataError, match="no such folder"):
        read_voc(year / "nowhere")
    with pytest.raises(DataError, match=r"no split 'vall'[\s\S]*did you mean 'val'"):
        read_voc(year, "vall")
    with pytest.raises(DataError, match=r"no annotations[\s\S]*--annotations .*VOC2012"):
        read_voc(year.parent)
    (year / "ImageSets/Main/val.txt").write_text("a\nzebra\n")
    with pytest.raises(DataError, match=r"'zebra' has no annotation[\s\S]*val\.txt"):
        read_voc(year)
    (year / "ImageSets/Main/val.txt").write_text("a\na\n")
    with pytest.raises(DataError, match=r"'a' is listed twice[\s\S]*val\.txt"):
        read_voc(year)
    write(year / "Annotations/b.xml", ("emu", 0, (1, 1, 9, 9)), ("emu", 0, (9, 1, 1, 9)))
    with pytest.raises(DataError, match=r"wrong order[\s\S]*b\.xml, object 2"):
        read_voc(year, "train")
