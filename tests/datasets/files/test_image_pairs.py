import pytest

from densefit.datasets.files.image_pairs import find_folders, match_images, split_folder


def make(root, *files):
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(b"")


def test_images_of_an_annotation_file():
    images = ["a.jpg", "a.png", "day1/images/b.jpg", "day2/images/b.jpg", "c.jpg", "images/c.jpg"]
    files = ["a.xml", "day1/labels/b.xml", "c.xml", "gone.xml"]
    assert match_images(images, files) == {
        "a.xml": ["a.jpg", "a.png"],
        "day1/labels/b.xml": ["day1/images/b.jpg"],
        "c.xml": ["c.jpg"],
        "gone.xml": [],
    }


@pytest.mark.parametrize(
    ("files", "images", "annotations"),
    [
        (("a.jpg", "a.xml"), ".", "."),
        (("images/a.jpg", "Annotations/a.xml"), "images", "Annotations"),
        (("fotos/day/a.JPG", "boxen/day/a.XML"), "fotos", "boxen"),
        (("a.jpg", "xml/a.xml"), ".", "xml"),
        (("images/a.jpg", "a.xml", "readme.txt"), "images", "."),
        (("images/a.jpg", "more/b.jpg", "annotations/a.xml"), "images", "annotations"),
        (("one/a.jpg", "two/b.jpg", "annotations/a.xml"), ".", "annotations"),
        (("day1/a.jpg", "day1/a.xml", "day2/b.jpg", "day2/b.xml"), ".", "."),
    ],
)
def test_folders_of_images_and_annotations(tmp_path, files, images, annotations):
    make(tmp_path, *files)
    assert find_folders(tmp_path, ".xml") == (tmp_path / images, tmp_path / annotations)


def test_folder_of_a_split(tmp_path):
    make(tmp_path, "valid/a.jpg", "training/a.jpg", "mine/a.jpg")
    assert split_folder(tmp_path, "val") == tmp_path / "valid"
    assert split_folder(tmp_path, "train") == tmp_path / "training"
    assert split_folder(tmp_path, "mine") == tmp_path / "mine"
    assert split_folder(tmp_path, "test") is None
    assert split_folder(tmp_path, "..") is None
