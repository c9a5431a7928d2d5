import numpy as np
import pytest
from PIL import Image

import densefit as df
from densefit.datasets import Cityscapes
from densefit.errors import DataError

CITY = "bonn/bonn_000000_000019"
SIZE = (16, 24)


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def root(tmp_path):
    """An image as the archives have it: road, two cars and a group of cars, ego vehicle, sky."""
    labels = np.full(SIZE, 7, np.uint8)
    labels[:4], labels[-2:] = 23, 1  # sky; ego vehicle, which is void
    labels[5:9, 2:6] = labels[5:9, 8:12] = labels[10:12, 2:20] = 26
    ids = labels.astype(np.uint16)
    ids[5:9, 2:6], ids[5:9, 8:12] = 26000, 26001
    for kind, array in (("labelIds", labels), ("instanceIds", ids), ("color", labels)):
        write(tmp_path / f"gtFine/val/{CITY}_gtFine_{kind}.png", array)
    (tmp_path / f"gtFine/val/{CITY}_gtFine_polygons.json").write_text("{}")
    write(tmp_path / f"leftImg8bit/val/{CITY}_leftImg8bit.png", np.zeros((*SIZE, 3), np.uint8))
    return tmp_path


def test_label_ids_become_the_classes_of_the_benchmark(root):
    data = Cityscapes(root, "val")
    assert len(data) == 1
    assert data.id_of(0) == f"leftImg8bit/val/{CITY}_leftImg8bit"
    assert data.classes[:3] == ["road", "sidewalk", "building"]
    assert len(data.classes) == 19
    assert data.classes[-1] == "bicycle"
    mask = data[0].targets["mask"]
    assert mask[0, 0] == data.classes.index("sky") == 10
    assert mask[6, 3] == data.classes.index("car") == 13
    assert mask[4, 0] == 0
    assert mask[-1, 0] == 255
    assert data.targets_of(0) == tuple(data[0].targets) == ("mask",)


def test_instances_of_things(root):
    data = Cityscapes(root, "val", instances=True)
    assert data.classes == [
        *("person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle")
    ]
    assert len(data.mask_classes) == 19
    targets = data[0].targets
    assert set(targets) == set(data.targets_of(0))
    np.testing.assert_array_equal(targets["boxes"], [[2, 10, 20, 12], [2, 5, 6, 9], [8, 5, 12, 9]])
    np.testing.assert_array_equal(targets["classes"], [2, 2, 2])
    np.testing.assert_array_equal(targets["crowd"], [True, False, False])
    np.testing.assert_array_equal(targets["area"], [36, 16, 16])
    np.testing.assert_array_equal(targets["instance_ids"], [26, 26000, 26001])
    assert (targets["instances"] == 26001).sum() == 16
    assert targets["instances"][0, 0] == 0


def test_a_panoptic_head_takes_its_classes_and_things(root):
    data = Cityscapes(root, "val", instances=True)
    head = df.head("panoptic", classes=data.mask_classes, things=data.classes)
    assert next(iter(df.Loader(data, batch_size=1, heads=[head], workers=0))).ids


def test_what_is_missing_is_named(root):
    with pytest.raises(DataError, match=r"no split 'vall'[\s\S]*did you mean 'val'"):
        Cityscapes(root, "vall")
    with pytest.raises(DataError, match=r"no folder 'leftImg8bit/train'[\s\S]*looks like city"):
        Cityscapes(root / "nowhere")
    (root / f"gtFine/val/{CITY}_gtFine_labelIds.png").unlink()
    with pytest.raises(DataError, match=r"exactly one mask[\s\S]*gtFine"):
        Cityscapes(root, "val")
