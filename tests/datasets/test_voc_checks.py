"""What VOC tells of its annotations when it is made."""

import numpy as np
import pytest
from PIL import Image

from densefit.datasets import VOC
from densefit.errors import DataError

OBJECT = """<object><name>{}</name><difficult>{}</difficult><bndbox>
<xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>{}</object>"""


def write_xml(root, name, objects, size=(40, 60), filename=None, extra=""):
    parts = "".join(OBJECT.format(cls, hard, *box, extra) for cls, hard, box in objects)
    sizes = f"<size><width>{size[1]}</width><height>{size[0]}</height></size>" if size else ""
    text = (
        f"<annotation><filename>{filename or name + '.jpg'}</filename>{sizes}{parts}</annotation>"
    )
    (root / "Annotations" / f"{name}.xml").write_text(text)


def write_image(root, file, size=(40, 60)):
    image = np.random.default_rng(0).integers(0, 256, size + (3,), np.uint8)
    Image.fromarray(image).save(root / "JPEGImages" / file)


@pytest.fixture
def root(tmp_path):
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main", "SegmentationClass"):
        (tmp_path / folder).mkdir(parents=True)
    write_xml(tmp_path, "a", [("dog", 0, (1, 1, 60, 40)), ("cat", 1, (11, 6, 20, 15.5))])
    write_xml(tmp_path, "b.1", [])
    write_xml(tmp_path, "c", [("emu", 0, (2, 2, 2, 9))])
    for name in ("a.jpg", "b.1.JPG", "c.PNG"):
        write_image(tmp_path, name)
    (tmp_path / "ImageSets/Main/train.txt").write_text("a\nb.1\r\n\n")
    (tmp_path / "ImageSets/Main/val.txt").write_text("c\n")
    return tmp_path


@pytest.mark.parametrize("box", [(0, 3, 9, 9), (10.25, 3, 20, 9), (3, 0, 9, 9)])
def test_zeros_and_fractions_are_told_once(root, caplog, box):
    write_xml(root, "a", [("dog", 0, (1, 1, 60, 40))])
    VOC(root)
    assert not caplog.records
    write_xml(root, "a", [("dog", 0, (1, 1, 60, 40)), ("cat", 0, box), ("cat", 0, box)])
    for _ in range(2):
        VOC(root)
    VOC(root, one_based=False)
    (message,) = (record.getMessage() for record in caplog.records)
    for part in ("2 of 3 boxes", "a.xml", str(float(box[0])), "one_based=False"):
        assert part in message


def test_misspelt_classes_are_told_at_once(root, caplog):
    for classes in (["cat", "dgo", "emu"], ["Cat", "dog"], ["x"]):
        with pytest.raises(DataError, match=r"Unknown class '(dog|cat)'[\s\S]*a\.xml"):
            VOC(root, classes=classes)
    assert not [record for record in caplog.records if "no class" in record.getMessage()]
    data = VOC(root, classes=["cat", "zebra"])
    (message,) = (r.getMessage() for r in caplog.records if "of no class" in r.getMessage())
    assert "dog" in message
    with pytest.raises(DataError, match="Unknown class 'dog'"):
        data[0]
