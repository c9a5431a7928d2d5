import numpy as np
import pytest
from PIL import Image

from densefit.datasets.objects import ImageAnnotation, ObjectAnnotation, ObjectDataset
from densefit.datasets.objects.skeleton import Skeleton
from densefit.errors import ConfigError, DataError


class Layout(ObjectDataset):
    def __repr__(self):
        return "Layout()"


def write_image(folder, name, size=(40, 60)):
    Image.fromarray(np.full((*size, 3), 90, np.uint8)).save(folder / name)


@pytest.fixture
def folder(tmp_path):
    write_image(tmp_path, "a.png")
    write_image(tmp_path, "b.png", (20, 30))
    return tmp_path


SQUARE = [[10.0, 10.0, 20.0, 10.0, 20.0, 20.0, 10.0, 20.0]]


def test_all_targets_of_objects(folder):
    objects = [
        ObjectAnnotation("cat", (10.0, 10.0, 20.0, 20.0), segmentation=SQUARE),
        ObjectAnnotation("dog", (30.0, 5.0, 75.0, 15.0), difficult=True, segmentation=SQUARE),
    ]
    images = [ImageAnnotation("a", "a.png", objects, "a.txt"), ImageAnnotation("b", "b.png")]
    data = Layout(images, ["cat", "dog"], folder, masks=True, instances=True, labels=True)
    targets = data[0].targets
    np.testing.assert_array_equal(targets["boxes"], [[10, 10, 20, 20], [30, 5, 60, 15]])
    np.testing.assert_array_equal(targets["area"], [100, 300])
    np.testing.assert_array_equal(targets["difficult"], [False, True])
    np.testing.assert_array_equal(targets["labels"], [1, -1])
    assert targets["mask"][15, 15] == 1
    assert np.count_nonzero(targets["mask"]) == 100
    assert set(data.targets_of(0)) == set(targets)
    assert data[1].targets["boxes"].shape == (0, 4)
    assert data[-1].id == "b"


def test_relative_boxes_and_polygons_become_pixels_of_the_image(folder):
    polygon = [[0.5, 0.5, 1.0, 0.5, 1.0, 1.0, 0.5, 1.0]]
    cat = ObjectAnnotation("cat", (0.5, 0.5, 1.0, 1.0), segmentation=polygon)
    images = [ImageAnnotation("b", "b.png", [cat], "b.txt", is_relative=True)]
    targets = Layout(images, ["cat"], folder, masks=True)[0].targets
    np.testing.assert_array_equal(targets["boxes"], [[15, 10, 30, 20]])
    np.testing.assert_array_equal(targets["area"], [150])
    assert targets["mask"][10:, 15:].all()
    assert np.count_nonzero(targets["mask"]) == 150


def test_relative_keypoints_become_pixels_and_objects_without_outline_are_dropped(folder):
    points = np.array([[0.5, 0.25, 2], [1, 1, 1], [0, 0, 0]], np.float32)
    cat = ObjectAnnotation("cat", (0.5, 0.5, 1.0, 1.0), keypoints=points)
    images = [ImageAnnotation("b", "b.png", [cat], "b.txt", is_relative=True)]
    skeleton = Skeleton(["a", "b", "c"], [], [])
    targets = Layout(images, ["cat"], folder, skeleton=skeleton)[0].targets
    np.testing.assert_array_equal(targets["keypoints"], [[[15, 5, 2], [30, 20, 1], [0, 0, 0]]])
    data = Layout(images, ["cat"], folder, masks=True)
    assert data.dropped == 1
    assert not data[0].targets["mask"].any()


def test_bad_boxes_are_dropped_or_raise_when_read(folder, caplog):
    bad = ObjectAnnotation("cat", (5.0, 5.0, 5.0, 9.0), where="line 1")
    good = ObjectAnnotation("cat", (5.0, 5.0, 8.0, 9.0))
    images = [ImageAnnotation("a", "a.png", [good, bad], "a.txt")]
    data = Layout(images, ["cat"], folder)
    assert data.dropped == 1
    assert len(data[0].targets["boxes"]) == 1
    assert "a.txt, line 1" in caplog.text
    data = Layout(images, ["cat"], folder, bad_boxes="raise")
    assert list(data.faults) == [0]
    with pytest.raises(DataError, match="has no area"):
        data[0]


def test_an_unknown_class_is_a_fault_of_its_image_alone(folder):
    emu = ObjectAnnotation("emu", (5.0, 5.0, 9.0, 9.0))
    images = [ImageAnnotation("a", "a.png", [emu], "a.txt"), ImageAnnotation("b", "b.png")]
    data = Layout(images, ["cat"], folder)
    assert data[1].id == "b"
    with pytest.raises(DataError, match="Unknown class 'emu'"):
        data[0]


def test_a_stated_size_is_compared_with_the_image(folder):
    cat = ObjectAnnotation("cat", (5.0, 5.0, 9.0, 9.0))
    data = Layout([ImageAnnotation("a", "a.png", [cat], "a.txt", (60, 40))], ["cat"], folder)
    with pytest.raises(DataError, match="exif=False"):
        data[0]


def test_contradictions_are_refused(folder):
    with pytest.raises(ConfigError, match="No targets"):
        Layout([ImageAnnotation("a", "a.png")], ["cat"], folder, boxes=False)
    with pytest.raises(DataError, match="no images"):
        Layout([], ["cat"], folder)
    with pytest.raises(DataError, match="have the id 'a'"):
        Layout([ImageAnnotation("a", "a.png"), ImageAnnotation("a", "b.png")], ["cat"], folder)


def test_labels_of_a_whole_image_count_as_those_of_objects(folder):
    cat = ObjectAnnotation("cat", (5.0, 5.0, 9.0, 9.0))
    images = [
        ImageAnnotation("a", "a.png", [cat], labels=["dog"]),
        ImageAnnotation("b", "b.png", labels=["emu"]),
    ]
    data = Layout(images, ["bird", "cat", "dog"], folder, labels=True)
    np.testing.assert_array_equal(data[0].targets["labels"], [0, 1, 1])
    with pytest.raises(DataError, match="Unknown class 'emu'"):
        data[1]


def test_masks_are_painted_by_size_or_in_order(folder):
    small = ObjectAnnotation("cat", (10.0, 10.0, 20.0, 20.0), segmentation=SQUARE, area=100)
    polygon = [[0.0, 0.0, 30.0, 0.0, 30.0, 30.0, 0.0, 30.0]]
    large = ObjectAnnotation("dog", (0.0, 0.0, 30.0, 30.0), segmentation=polygon, area=900)
    images = [ImageAnnotation("a", "a.png", [small, large])]

    class InOrder(Layout):
        paints_in_order = True

    for kind, value in ((Layout, 1), (InOrder, 2)):
        targets = kind(images, ["cat", "dog"], folder, masks=True, instances=True)[0].targets
        assert targets["mask"][15, 15] == targets["instances"][15, 15] == value


def test_annotations_are_the_targets_without_the_image(folder):
    cat = ObjectAnnotation("cat", (0.5, 0.5, 1.0, 1.0))
    dog = ObjectAnnotation("dog", (5.0, 5.0, 5.0, 9.0))
    images = [
        ImageAnnotation("a", "a.png", [dog, ObjectAnnotation("dog", (1.0, 2.0, 9.0, 9.0))]),
        ImageAnnotation("b", "b.png", [cat], is_relative=True),
        ImageAnnotation("c", "missing.png"),
    ]
    data = Layout(images, ["cat", "dog"], folder)
    sizes = [(40, 60), (20, 30)]
    for index, size in enumerate(sizes):
        targets = data[index].targets
        annotations = data.annotations_of(index, size)
        assert set(annotations) == set(targets)
        for name, value in annotations.items():
            assert value.dtype == targets[name].dtype
            np.testing.assert_array_equal(value, targets[name])
    assert "boxes" not in data.annotations_of(1)
    assert data.annotations_of(2)["boxes"].shape == (0, 4)
    assert data.size_of(0) == (40, 60)
    assert data.size_of(1) is None
    assert data.drop_reasons == {"A box has no area": 1}
