from densefit.data.classes.class_lists import dataset_list, is_from_classes
from densefit.data.sample_id import dataset_classes
from densefit.data.wrapped import attribute_of


class Whole:
    classes = ("cat", "dog")
    mask_classes = ("ground", "cat")
    keypoint_names = ["nose"]


class Part:
    def __init__(self, dataset):
        self.dataset = dataset


class Joined:
    def __init__(self, *datasets):
        self.datasets = list(datasets)


class Other:
    classes = ("dog", "cat")


def test_a_wrapper_has_the_names_of_what_it_wraps_at_any_depth():
    for dataset in (Part(Whole()), Part(Part(Part(Whole()))), Joined(Whole(), Part(Whole()))):
        assert dataset_list(dataset, "classes") == ["cat", "dog"]
        assert dataset_list(dataset, "mask") == ["ground", "cat"]
        assert dataset_list(dataset, "keypoints") == ["nose"]
        assert not is_from_classes(dataset, "mask")
        assert is_from_classes(dataset, "labels")
        assert dataset_classes(dataset, "label") == ["cat", "dog"]


def test_what_a_wrapper_says_itself_goes_before():
    part = Part(Whole())
    part.classes = ["dog"]
    assert dataset_list(part, "classes") == ["dog"]
    part.classes = None
    assert dataset_list(part, "classes") is None


def test_joined_datasets_of_other_orders_have_no_names():
    assert dataset_list(Joined(Whole(), Other()), "classes") is None
    assert dataset_list(Joined(), "classes") is None


def test_a_dataset_that_wraps_itself_ends():
    part = Part(None)
    part.dataset = part
    assert attribute_of(part, "classes") is None
