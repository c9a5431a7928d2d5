import shutil

import numpy as np
import pytest

from densefit.data.classes.renamed_classes import RenamedClasses
from densefit.data.io.cache import Cached
from densefit.datasets import ImageFolder, MaskFolder, Shapes
from densefit.tools.data_check.check import DataCheck, data_folder
from densefit.tools.data_check.report import report
from tests.tools.data_check.listed import Listed, change, write_image


def checked(root, deep=False, splits=("train", "val"), **settings):
    return finished({split: Listed(root, split, **settings) for split in splits}, deep)


def finished(data, deep=False):
    check = DataCheck.of(data, [next(iter(data))])
    check.read_headers()
    if deep:
        check.decode()
    else:
        check.read_labels()
    check.compare_images()
    check.save_cache()
    return check


def kinds(check):
    return {(finding.kind, finding.split): finding for finding in check.findings()}


def test_sound_data(root):
    check = checked(root)
    assert check.findings() == []
    made = report(check, [])
    assert made["sound"]
    assert made["checked"]["train"] == {
        **{"images": 6, "annotations": 6, "files": 6, "headers": 6, "decoded": 0},
        "equal_images": True,
    }
    assert made["classes"]["classes"] == {
        "unit": "objects",
        "counts": {"train": {"cat": 6, "dog": 6}, "val": {"cat": 2, "dog": 2}},
    }
    split = made["splits"]["train"]
    assert (split["images"], split["objects"], split["unusable"]) == (6, 12, 0)
    assert split["formats"] == {"PNG": 6}
    assert split["width"] == {"min": 80, "median": 80.0, "max": 80}
    sizes = split["object_sizes"]
    assert (sizes["small"], sizes["medium"], sizes["large"]) == (12, 0, 0)
    assert sum(sizes["counts"]) == 12


def test_broken_annotations_and_missing_files(root):
    change(root, "val1.png", "broken")
    (root / "train3.png").unlink()
    found = kinds(checked(root))
    assert set(found) == {("unreadable_annotation", "val"), ("missing_file", "train")}
    annotation = found["unreadable_annotation", "val"]
    assert (annotation.severity, annotation.count) == ("error", 1)
    assert annotation.examples[0].id == "val1.png"
    assert "The line is broken" in annotation.examples[0].text
    assert annotation.examples[0].where.endswith("val.txt")
    assert found["missing_file", "train"].examples[0].id == "train3.png"


def test_files_that_are_no_images(root):
    (root / "train0.png").write_bytes(b"text")
    (root / "train1.png").write_bytes(b"")
    check = checked(root)
    assert kinds(check)["unreadable_image", "train"].count == 2
    made = report(check, check.findings())
    assert not made["sound"]
    assert made["checked"]["train"]["headers"] == 6
    assert made["splits"]["train"]["unusable"] == 2
    assert made["splits"]["train"]["objects"] == 8


def test_sizes_that_disagree(root):
    from PIL import Image

    write_image(root / "train0.png", 3, (10, 12))
    exif = Image.Exif()
    exif[0x0112] = 6
    (root / "train1.png").unlink()
    write_image(root / "train1.jpg", 4, exif=exif)
    (root / "train1.jpg").rename(root / "train1.png")
    found = kinds(checked(root))
    assert found["size_differs", "train"].examples[0].id == "train0.png"
    assert found["exif_disagrees", "train"].examples[0].id == "train1.png"
    assert found["exif_orientation", "train"].severity == "note"
    assert ("exif_disagrees", "train") not in kinds(checked(root, exif=False))


def test_equal_images_are_told_across_and_within_splits(root):
    shutil.copy(root / "train0.png", root / "val0.png")
    shutil.copy(root / "train2.png", root / "train3.png")
    found = kinds(checked(root))
    assert set(found) == {("image_in_several_splits", ""), ("duplicate_image", "train")}
    assert found["image_in_several_splits", ""].examples[0].id == "train: train0.png, val: val0.png"
    assert found["duplicate_image", "train"].count == 1


def test_one_file_in_two_splits_needs_no_hash(root):
    with open(root / "val.txt", "a") as lines:
        lines.write("\ntrain0.png cat 5 5 20 25")
    check = DataCheck.of({split: Listed(root, split) for split in ("train", "val")}, ["train"])
    check.compare_images()
    assert kinds(check)["image_in_several_splits", ""].count == 1


def test_files_of_different_sizes_are_not_read(root, monkeypatch):
    from densefit.tools.data_check import equal_images

    hashed = []
    monkeypatch.setattr(equal_images, "digest_of", lambda path, *rest: hashed.append(path))
    (root / "train0.png").write_bytes(b"a" * 11)
    (root / "train1.png").write_bytes(b"b" * 11)
    check = DataCheck.of({"train": Listed(root)}, ["train"])
    assert check.missing_bytes >= 22
    check.compare_images()
    assert {str(root / "train0.png"), str(root / "train1.png")} <= set(hashed)
    sizes = [len((root / f"train{i}.png").read_bytes()) for i in range(6)]
    assert len(hashed) == sum(sizes.count(size) > 1 for size in sizes)


def test_odd_objects(root):
    change(root, "train0.png", "cat 5 5 20 25 cat 5 5 20 25 cat 90 5 99 25 cat 5 5 5 9")
    change(root, "train1.png", "")
    found = kinds(checked(root))
    assert found["duplicate_box", "train"].examples[0].text == "cat [5.0, 5.0, 20.0, 25.0]"
    dropped = [f.text for f in checked(root).findings() if f.kind == "dropped_object"]
    assert dropped == [
        "1 object left out: a box lies outside of its picture",
        "1 object left out: a box has no area",
    ]
    assert found["unlabelled_image", "train"].examples[0].id == "train1.png"
    assert {finding.severity for finding in found.values()} == {"warning", "note"}


def test_boxes_that_reach_out_of_their_image_are_counted(root):
    change(root, "train1.png", "cat 5 5 20 63 dog 5 5 20 64")
    found = kinds(checked(root))
    assert list(found) == [("box_outside", "train")]
    assert found["box_outside", "train"].count == 1
    assert "order and the unit" in found["box_outside", "train"].text


def test_classes_without_training_samples_and_imbalance(root):
    for index in range(6):
        change(root, f"train{index}.png", "cat 5 5 20 25 cat 5 5 20 26 " * 4)
    found = kinds(checked(root))
    absent = found["class_without_training_samples", "train"]
    assert [example.id for example in absent.examples] == ["dog"]
    change(root, "train0.png", "dog 5 5 20 25")
    found = kinds(checked(root))
    assert ("class_without_training_samples", "train") not in found
    assert "'cat' has 40 times" in found["imbalance", "train"].text


def test_class_names_of_several_spellings_are_noticed(root):
    check = checked(root)
    for split in check.splits.values():
        split.dataset.classes = ["Red cell", "dog", "red_cell"]
    similar = kinds(check)["similar_class_names", "train"]
    assert [example.id for example in similar.examples] == ["'Red cell' and 'red_cell'"]
    assert similar.severity == "warning"


def test_only_decoding_finds_damage_behind_the_header(root):
    data = (root / "train0.png").read_bytes()
    (root / "train0.png").write_bytes(data[: len(data) // 2])
    assert kinds(checked(root)) == {}
    check = checked(root, deep=True)
    assert kinds(check)["unreadable_sample", "train"].examples[0].id == "train0.png"
    made = report(check, check.findings())
    assert made["checked"]["train"]["decoded"] == 6
    assert made["splits"]["train"]["objects"] == 10


def test_wrapped_datasets(root):
    renamed = RenamedClasses(Cached(Listed(root), memory="1MiB"), {"dog": None})
    change(root, "val0.png", "broken")
    check = finished({"train": renamed, "val": Cached(Listed(root, "val"), memory="1MiB")})
    assert set(kinds(check)) == {("unreadable_annotation", "val")}
    assert report(check, [])["classes"]["classes"]["counts"]["train"] == {"cat": 6}


def mask_folder(root):
    for index in range(3):
        write_image(root / f"train/{index}.png", index, (8, 9))
        path = root / f"trainannot/{index}.png"
        path.parent.mkdir(exist_ok=True)
        from PIL import Image

        Image.fromarray(np.full((8, 9), index % 2, np.uint8)).save(path)
    return root


def test_values_of_masks_are_checked_by_decoding_alone(tmp_path):
    from PIL import Image

    root = mask_folder(tmp_path)
    Image.fromarray(np.full((8, 9), 7, np.uint8)).save(root / "trainannot/2.png")
    data = {"train": MaskFolder(root, classes=["a", "b"])}
    check = finished(data)
    assert check.findings() == []
    assert report(check, [])["checked"]["train"]["annotations"] == 0
    check = finished(data, deep=True)
    assert kinds(check)["unreadable_sample", "train"].count == 1
    assert report(check, [])["classes"]["mask"]["counts"]["train"] == {"a": 72, "b": 72}


def test_missing_masks(tmp_path):
    data = MaskFolder(mask_folder(tmp_path), classes=["a", "b"])
    (tmp_path / "trainannot/1.png").unlink()
    check = finished({"train": data})
    assert kinds(check)["missing_file", "train"].examples[0].id == "train/1"


def test_images_of_whole_classes(tmp_path):
    for name in ("a/1.png", "a/2.png", "b/1.png"):
        write_image(tmp_path / name, len(name) + ord(name[2]))
    check = finished({"all": ImageFolder(tmp_path, classes=["a", "b", "c"])})
    made = report(check, [])
    assert made["classes"]["label"]["counts"]["all"] == {"a": 2, "b": 1, "c": 0}
    assert kinds(check)["class_without_training_samples", "all"].count == 1


def test_datasets_without_files_claim_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check = finished({"train": Shapes(4, size=(32, 32))})
    steps = report(check, [])["checked"]["train"]
    assert steps.pop("images") == 4
    assert not any(steps.values())
    assert list(tmp_path.iterdir()) == []
    check.decode()
    assert report(check, [])["checked"]["train"]["decoded"] == 4


class Failing:
    classes = ("a",)

    def __len__(self):
        return 2

    def __getitem__(self, index):
        raise KeyError("no such key")


@pytest.mark.parametrize("deep", [False, True])
def test_any_error_of_a_plugin(deep):
    found = kinds(finished({"train": Failing()}, deep))
    assert set(found) == ({("unreadable_sample", "train")} if deep else set())


class Unsure(Failing):
    """Its methods fail, each for another sample."""

    def picture_file(self, index):
        if index == 0:
            raise KeyError("no such image")
        return __file__

    def annotations_of(self, index, size=None):
        return {"classes": np.array([0, 0]), "boxes": np.zeros((1, 4))}


def test_methods_of_a_plugin_that_fail():
    check = DataCheck.of({"train": Unsure()}, ["train"])
    check.read_labels()
    found = kinds(check)
    assert "KeyError: 'no such image'" in found["missing_file", "train"].examples[0].text
    assert "do not belong together" in found["unreadable_annotation", "train"].examples[0].text


def test_the_folder_of_the_cache(root, tmp_path):
    assert data_folder(Listed(root)) == root

    class Elsewhere:
        json_path = tmp_path / "annotations" / "a.json"

    assert data_folder(Elsewhere()) == tmp_path / "annotations"
