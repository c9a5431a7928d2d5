"""What users' datasets give: read where there is one way, else told with object and kind."""

import pickle

import numpy as np
import pytest
from PIL import Image

import densefit as df
from densefit.data.checks.sample import read_sample
from densefit.data.sample import Sample
from densefit.data.transforms import Resize
from densefit.errors import ConfigError, DataError

SIZE = (48, 64)
GOOD = [[4, 4, 20, 30], [10, 12, 40, 44]]


class Own:
    """A dataset as users write them: a list of dicts."""

    classes = ["cat", "dog", "cow"]

    def __init__(self, *targets, image=None):
        self.targets = targets
        self.image = np.zeros((*SIZE, 3), np.uint8) if image is None else image

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        return Sample(index, self.image, self.targets[index])


def objects(boxes=GOOD, classes=None, **more):
    return {"boxes": boxes, "classes": [0] * len(boxes) if classes is None else classes, **more}


def read(targets, **settings):
    return read_sample(Own(targets, **settings), 0, []).targets


def told(targets, **settings):
    with pytest.raises(DataError) as caught:
        read(targets, **settings)
    return str(caught.value)


BAD = {
    "wrong order": [[4, 4, 20, 30], [40, 12, 10, 44]],
    "not finite": [[4, 4, 20, 30], [np.nan, 12, 40, 44]],
    "outside": [[4, 4, 20, 30], [64, 12, 90, 44]],
    "infinite": [[4, 4, 20, 30], [10, 12, np.inf, 44]],
    "above": [[4, 4, 20, 30], [10, -30, 40, -2]],
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_box_names_dataset_object_and_kind(kind):
    text = told(objects(BAD[kind]))
    assert "dataset Own" in text
    assert "object 1 of 2" in text
    assert "64 pixels wide and 48 high" in text
    words = {"infinite": "not finite", "above": "outside"}
    assert words.get(kind, kind) in text.splitlines()[0]


@pytest.mark.parametrize(
    "boxes",
    [
        [[0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0]],
        [[-0.02, 0.1, 1.03, 0.8], [0, 0, 0, 0]],
    ],
)
def test_boxes_in_parts_of_the_sides_are_told_with_what_to_type(boxes):
    text = told(objects(boxes))
    assert "fractions of the image's size" in text
    assert "boxes * (width, height, width, height)" in text


def test_other_pictures_tell_whether_a_box_at_the_corner_is_in_pixels():
    pixel, eyes = objects([[0, 0, 1, 1]]), {"keypoints": [[[0.2, 0.5, 2], [0.6, 0.1, 2]]]}
    plain = [objects() for _ in range(38)]
    for corner in (pixel, objects([[0.2, 0.1, 0.9, 1]]), objects([[0.5, 0.5, 1, 1]], **eyes)):
        far = objects(GOOD, keypoints=np.full((2, 2, 3), 2)) if "keypoints" in corner else plain[0]
        data = Own(objects([]), {}, *plain[1:], far, corner)
        with df.Loader(data, batch_size=5, transform=Resize(32, 32), workers=0) as loader:
            assert sum(len(batch.ids) for batch in loader) == 41
    with pytest.raises(DataError, match="fractions of"):
        read_sample(Own(pixel, pixel, pixel), 1, [])
    with pytest.raises(DataError, match="fractions of"):
        read_sample(Own(objects([[0.1, 0.2, 0.4, 1]]), {}, pixel), 2, [])
    assert len(read_sample(Own(pixel, objects([]), {}), 0, []).targets["boxes"]) == 1


def test_boxes_are_cut_to_the_picture_as_readers_do_and_small_pictures_may_have_small_boxes():
    found = read(objects([[-5, 4, 70, 30]]))["boxes"]
    assert found.tolist() == [[0, 4, 64, 30]]
    small = read(objects([[0, 0, 1, 1]]), image=np.zeros((3, 4, 3), np.uint8))["boxes"]
    assert small.tolist() == [[0, 0, 1, 1]]


def test_boxes_without_area_are_left_out_with_all_that_belongs_to_them():
    targets = objects(
        [[4, 4, 20, 30], [9, 9, 9, 20], [10, 12, 40, 44]],
        [0, 1, 2],
        area=[1.0, 2.0, 3.0],
        keypoints=np.ones((3, 2, 3)) * 2,
        keypoint_flip=[0, 1],
    )
    lines = []
    found = read_sample(Own(targets), 0, lines).targets
    assert found["classes"].tolist() == [0, 2]
    assert found["area"].tolist() == [1, 3]
    assert len(found["keypoints"]) == len(found["boxes"]) == 2
    assert lines == [("without area", "object 1 of sample '0', [9.0, 9.0, 9.0, 20.0]")]
    assert len(read_sample(Own(targets), 0).targets["boxes"]) == 3  # for another dataset


@pytest.mark.parametrize("none", [[], np.array([]), np.zeros((0, 4)), np.zeros((0, 5))])
def test_no_boxes_in_any_form(none):
    found = read({"boxes": none, "classes": [], "difficult": [], "area": [], "crowd": []})
    assert (found["boxes"].shape, found["boxes"].dtype) == ((0, 4), np.float32)
    assert (found["classes"].shape, found["classes"].dtype) == ((0,), np.int64)
    assert found["difficult"].dtype == found["crowd"].dtype == bool


@pytest.mark.parametrize(
    "classes",
    [[1, 2], np.array([1.0, 2.0]), np.array([1, 2], np.uint8), ["dog", "cow"], (np.int8(1), 2)],
)
def test_classes_in_any_form_that_can_be_read_in_one_way(classes):
    found = read(objects(classes=classes))["classes"]
    assert (found.tolist(), found.dtype) == ([1, 2], np.int64)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("classes", [0, 1.5], "not whole"),
        ("classes", [0, 3], "object 1 of 2"),
        ("classes", [-1, 0], "object 0 of 2"),
        ("classes", ["dog", "dgo"], "'dog'"),
        ("classes", [True, False], "no numbers"),
        ("classes", [0], "one row a box"),
        ("boxes", [4, 4, 20, 30], "(n, 4)"),
        ("boxes", [[4, 4, 20, 30], [1, 2]], "'boxes'"),
        ("boxes", [["4", "4", "20", "30"]], "no numbers"),
        ("difficult", ["0", "1"], "yes or no"),
        ("crowd", [0, 2], "yes or no"),
        ("area", [5, np.nan], "object 1 of 2"),
        ("area", [-1, 5], "object 0 of 2"),
        ("keypoints", np.ones((2, 5, 2)), "(n, K, 3)"),
        ("keypoints", [[[9, 9, 3]], [[9, 9, 2]]], "object 0 of 2, keypoint 0"),
        ("keypoints", [[[9, 9, 2]], [[np.nan, 9, 1]]], "object 1 of 2, keypoint 0"),
        ("keypoints", [[[0.5, 0.2, 2]], [[0.1, 0.9, 1]]], "fractions of"),
        ("keypoints", np.ones((1, 5, 3)) * 2, "one row a box"),
        ("mask", np.zeros((64, 48)), "transpose"),
        ("mask", np.zeros((*SIZE, 3), np.uint8), "not a colour"),
        ("mask", np.full(SIZE, 0.5), "not whole"),
        ("mask", np.full(SIZE, 300), "0 to 255"),
        ("mask", np.full(SIZE, -1), "mask[mask < 0] = 255"),
        ("instances", np.full(SIZE, 70000), "0 to 65535"),
        ("depth", np.full(SIZE, 1500, np.uint16), "0.001"),
        ("depth", np.linspace(-3, -1, 48 * 64).reshape(SIZE), "negative"),
        ("normals", np.zeros(SIZE), "vector a pixel"),
        ("normals", np.zeros((*SIZE, 3), np.uint8), "127.5"),
        ("label", 1.5, "not whole"),
        ("label", -2, "no known class"),
        ("label", "dgo", "no known class"),
        ("label", [0, 1], "`labels`"),
        ("labels", [0, 1, 2], "2 for class 2"),
        ("labels", [[0, 1, 0]], "(classes,)"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_target(name, value, words):
    targets = objects(area=[1, 2], keypoint_flip=None) if name != "keypoints" else objects()
    targets.pop("keypoint_flip", None)
    text = told({**targets, name: value})
    assert repr(name) in text
    assert words in text


def test_the_number_of_keypoints_is_that_of_their_mirrored_order():
    targets = objects(keypoints=np.ones((2, 5, 3)) * 2, keypoint_flip=[0, 2, 1])
    assert "3 keypoints" in told(targets)
    empty = read({**objects([]), "keypoints": [], "keypoint_flip": [0, 2, 1]})
    assert empty["keypoints"].shape == (0, 3, 3)


def test_maps_in_any_form_that_can_be_read_in_one_way():
    stripes = np.arange(48 * 64).reshape(SIZE) % 2
    for mask in (stripes.astype(bool), stripes.astype(float), stripes[..., None], stripes.tolist()):
        found = read({"mask": mask})["mask"]
        assert (found.dtype, found.shape) == (np.uint8, SIZE)
        np.testing.assert_array_equal(found, stripes)
    palette = Image.fromarray(stripes.astype(np.uint8), "P")
    np.testing.assert_array_equal(read({"mask": palette})["mask"], stripes)
    assert read({"instances": stripes})["instances"].dtype == np.uint16
    depth = np.full(SIZE, 2.5)
    depth[0, :3] = np.nan, np.inf, -1
    found = read({"depth": depth[..., None]})["depth"]
    assert found[0, :4].tolist() == [0, 0, 0, 2.5]
    assert found.dtype == np.float32
    assert read({"normals": np.ones((*SIZE, 3))})["normals"].dtype == np.float32


def test_labels_of_pictures_in_any_form_that_can_be_read_in_one_way():
    for label in (1, 1.0, np.uint8(1), [1], "dog", np.array(1)):
        assert read({"label": label})["label"].tolist() == 1
    assert read({"label": -1})["label"].tolist() == -1
    assert read({"labels": [True, False]})["labels"].tolist() == [1, 0]
    assert read({"labels": np.array([1.0, 0.0, -1.0])})["labels"].tolist() == [1, 0, -1]


def test_pictures_in_any_form_that_can_be_read_in_one_way():
    rng = np.random.default_rng(0)
    colours = rng.integers(256, size=(*SIZE, 3), dtype=np.uint8)
    alpha = np.dstack([colours, np.full(SIZE, 9, np.uint8)])
    for image in (colours, alpha, colours.tolist(), Image.fromarray(colours)):
        found = read_sample(Own({}, image=image), 0).image
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, colours)
    grey = colours[..., 0]
    for image in (grey, grey[..., None], Image.fromarray(grey)):
        found = read_sample(Own({}, image=image), 0).image
        np.testing.assert_array_equal(found, np.dstack([grey] * 3))
    palette = Image.fromarray(colours).quantize(16)
    found = read_sample(Own({}, image=palette), 0).image
    np.testing.assert_array_equal(found, np.asarray(palette.convert("RGB")))


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.full((*SIZE, 3), 0.5), "np.rint(image * 255)"),
        (np.full((*SIZE, 3), 99.5), "np.rint(image).astype"),
        (np.full((*SIZE, 3), -1.5), "before a mean"),
        (np.full((*SIZE, 3), 3000, np.uint16), "image >> 8"),
        (np.zeros(SIZE, bool), "np.uint8(255)"),
        (np.zeros((3, *SIZE), np.uint8), "transpose(1, 2, 0)"),
        (np.zeros((0, 9, 3), np.uint8), "(0, 9, 3)"),
    ],
)
def test_other_pictures_are_told_with_what_to_type(image, words):
    assert words in told({}, image=image)


@pytest.mark.parametrize("image", [None, "cat.jpg", 7, np.zeros(5)])
def test_what_is_no_picture_is_told(image):
    with pytest.raises(DataError, match="not an image"):
        Sample("a", image, {})


def test_what_is_no_sample_is_told():
    with pytest.raises(DataError, match=r"else than samples[\s\S]*tuple[\s\S]*a list of 1"):
        read_sample([(np.zeros((*SIZE, 3), np.uint8), 1)], 0)
    with pytest.raises(DataError, match=r"not named[\s\S]*list"):
        read([1, 2])


def test_a_sample_is_a_copy_that_transforms_may_change():
    data = [Sample("a", np.zeros((*SIZE, 3), np.uint8), {"label": 1})]
    sample = read_sample(data, 0)
    sample.targets["label"] = np.array(5)
    sample.image = None
    assert (data[0].targets, data[0].image.shape) == ({"label": 1}, (*SIZE, 3))


LOADERS = {
    "Loader": lambda data: df.Loader(data, batch_size=2, transform=Resize(32, 32), workers=0),
    "Loader, threads": lambda data: df.Loader(data, batch_size=2, transform=Resize(32, 32)),
    "OriginalSizeLoader": lambda data: df.Loader.original_size(data, batch_size=2, workers=0),
    "ViewLoader": lambda data: df.Loader.views(data, batch_size=2, input_size=(32, 32), workers=0),
}
AROUND = {
    "alone": lambda data: data,
    "cached": lambda data: df.Cached(data, memory="1MiB"),
    "mixed": lambda data: df.Mixture({"own": data}),
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("kind", LOADERS)
def test_every_loader_checks_every_sample_also_behind_another_dataset(kind, around):
    data = Own(*[objects()] * 3, objects(BAD["wrong order"]))
    with LOADERS[kind](AROUND[around](data)) as loader:
        with pytest.raises(DataError, match=r"wrong order[\s\S]*object 1 of 2") as caught:
            list(loader)
    name = "'own/3'" if around == "mixed" else "'3'"
    assert f"sample {name}" in str(caught.value)


@pytest.mark.parametrize("kind", LOADERS)
def test_every_loader_counts_boxes_without_area_and_scores_without_them(kind, caplog):
    data = Own(objects(), objects([[5, 5, 5, 9], [1, 1, 9, 9]]), objects([[5, 5, 5, 9]]))
    with LOADERS[kind](data) as loader:
        found = {key: one for b in loader for key, one in zip(b.ids, b.targets)}
        if isinstance(loader, df.Loader):
            assert loader.left_out.count == 2
    assert [len(found[key]["boxes"]) for key in "012"] == [2, 1, 0]
    (record,) = caplog.records
    assert "Boxes without area are left out of the dataset Own" in record.getMessage()
    assert "object 0 of sample '1', [5.0, 5.0, 5.0, 9.0]" in record.getMessage()


def test_boxes_that_are_left_out_are_told_once_and_not_with_every_epoch_or_loader(caplog):
    data = Own(objects([[5, 5, 5, 9], [1, 1, 9, 9]]), objects([[5, 5, 5, 9], [0, 0, 640, 480]]))
    for around in (AROUND["cached"], AROUND["alone"]):
        for make in LOADERS.values():
            with make(around(data)) as loader:
                assert sum(len(batch.ids) for _ in range(3) for batch in loader) == 6
    assert [one.getMessage()[:18] for one in caplog.records] == [
        "Boxes without area",
        "Boxes of the datas",
    ]
    assert all("dataset Own" in one.getMessage() for one in caplog.records)
    with df.Loader(Own(*data.targets, {}), batch_size=2, workers=0) as loader:
        list(loader)
    assert len(caplog.records) == 4  # of another dataset


@pytest.mark.parametrize("around", ["alone", "cached", "mixed"])
@pytest.mark.parametrize("kind", LOADERS)
def test_every_loader_tells_boxes_of_a_larger_picture_and_no_overhang(kind, around, caplog):
    small = [[-2, 5, 1, 9], [60, 40, 66, 50], [-9, -9, 64, 48]]
    big = [[4, 4, 20, 30], [20, 10, 900, 800]]
    with LOADERS[kind](AROUND[around](Own(objects(small), objects(big), objects(big)))) as loader:
        found = {key: one for b in loader for key, one in zip(b.ids, b.targets)}
        if isinstance(loader, df.Loader):
            assert (loader.left_out.cut, loader.left_out.count) == (2, 0)
    key = "own/1" if around == "mixed" else "1"
    assert found[key]["boxes"].tolist() == [[4, 4, 20, 30], [20, 10, 64, 48]]
    (record,) = caplog.records
    assert "lose more than half of their area" in record.getMessage()
    where = f"object 1 of sample '{key}', an image 64 pixels wide and 48 high"
    assert f"{where}, [20.0, 10.0, 900.0, 800.0]" in record.getMessage()


def test_a_plain_list_of_samples_with_numbers_as_ids_is_a_dataset():
    data = [Sample(k, np.full((8, 8, 3), k, np.uint8), {"label": k % 2}) for k in range(5)]
    with df.Loader(data, batch_size=2, workers=0) as loader:
        batches = list(loader)
        assert loader.fingerprint["samples"] == 5
        assert loader.identity()
    assert [key for batch in batches for key in batch.ids] == ["0", "1", "2", "3", "4"]
    assert [int(one["label"]) for one in batches[1].targets] == [0, 1]
    cached = df.Cached(data, memory="1MiB")
    assert [cached[3].id, cached[3].id] == ["3", "3"]
    with pytest.raises(ConfigError, match="does not name the classes"):
        df.Mixture({"own": data})


def test_an_error_is_not_replaced_by_that_of_the_samples_name():
    class Nameless(Own):
        def id_of(self, index):
            raise KeyError("no name")

        def __repr__(self):
            raise ValueError("no text")

        def __getitem__(self, index):
            raise OSError("the disk is gone")

    with pytest.raises(DataError, match=r"the disk is gone[\s\S]*sample '0'"):
        next(df.Loader(Nameless({}), batch_size=1, transform=Resize(8, 8), workers=0))
    with pytest.raises(DataError, match="the disk is gone"):
        df.Mixture({"own": Nameless({})})


def test_checked_arrays_of_a_sample_can_be_sent_to_another_process():
    sample = read_sample(Own(objects()), 0)
    assert pickle.loads(pickle.dumps(sample)).targets["boxes"].tolist() == GOOD
