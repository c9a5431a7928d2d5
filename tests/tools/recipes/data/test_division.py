import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from densefit.data.sample import Sample, datasets
from densefit.data.wrapped import attribute_of
from densefit.errors import ConfigError, DataError, MissingSplitError
from densefit.tools import score, train_det, train_multi
from densefit.tools.recipes.data import split_dataset
from densefit.tools.recipes.data.division import check_distinct, division_lines, read_once
from densefit.tools.recipes.data.mixed_stream import stream
from densefit.tools.recipes.data.paths import with_absolute_paths
from densefit.tools.recipes.data.run_data import prepare
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.multi_recipe import MultiRecipe, Part
from densefit.tools.recipes.recipe import Data, Recipe

PATIENTS = ("p1", "p2", "p3", "p4", "p5", "p6")
SPLITS = {"train": 0.6, "val": 0.2, "test": 0.2}
BOX = "<bndbox><xmin>3</xmin><ymin>2</ymin><xmax>15</xmax><ymax>18</ymax></bndbox>"


def write(root, name, label="dog"):
    """An image with an XML file beside it."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(0).integers(0, 255, (32, 40, 3), np.uint8)
    Image.fromarray(image).save(root / f"{name}.jpg")
    (root / f"{name}.xml").write_text(
        f"<annotation><object><name>{label}</name>{BOX}</object></annotation>"
    )


@pytest.fixture
def root(tmp_path):
    for index in range(40):
        write(tmp_path / "data", f"video{index % 8}/frame{index:03}", "cat" if index % 3 else "dog")
    return tmp_path / "data"


def labelimg(root, **settings):
    return Data(dataset="labelimg", root=str(root), **{"splits": SPLITS, **settings})


def ids_of(data):
    splits = data.splits or ("train", "val", "test")
    made = {
        name: make_dataset(data, name) for name in splits if name not in ("seed", "of", "existing")
    }
    return {name: {dataset.id_of(i) for i in range(len(dataset))} for name, dataset in made.items()}


def test_the_splits_are_a_division_of_all_samples(root):
    ids = ids_of(labelimg(root))
    assert sum(map(len, ids.values())) == 40 == len(set.union(*ids.values()))
    assert all(ids.values())
    assert ids != ids_of(labelimg(root, splits={**SPLITS, "seed": 1}))
    train = make_dataset(labelimg(root), "train")
    assert train.classes == ["cat", "dog"]
    assert train[0].id == train.id_of(0)
    assert train.picture_file(0) == root / f"{train.id_of(0)}.jpg"
    assert repr(train) == (
        f"Subset(LabelImg({str(root)!r}), train of {{test: 0.2, train: 0.6, val: 0.2, seed: 0}})"
    )


def test_added_images_move_no_others(root):
    before = ids_of(labelimg(root))
    for index in range(40, 60):
        write(root, f"video9/frame{index:03}")
    after = ids_of(labelimg(root))
    assert all(before[name] <= after[name] for name in before)
    assert sum(map(len, after.values())) == 60


@pytest.mark.parametrize("group_by", ["folder", r"(video\d+)", "groups.csv"])
def test_groups_stay_together(root, group_by):
    lines = [f"video{i % 8}/frame{i:03},v{i % 8}" for i in range(40)]
    (root / "groups.csv").write_text("\n".join(["id,group", *lines]))
    splits = {**SPLITS, "seed": 4}
    ids = ids_of(labelimg(root, splits=splits, group_by=group_by))
    videos = [{key.partition("/")[0] for key in keys} for keys in ids.values()]
    assert sum(map(len, videos)) == 8 == len(set.union(*videos))
    dataset = make_dataset(labelimg(root, splits=splits, group_by=group_by), "val")
    assert attribute_of(dataset, "division").endswith("of 40 samples in 8 groups")


def test_an_expression_is_looked_for_in_the_path_where_the_id_has_no_such_text(tmp_path):
    names = [f"{patient}/{index}.jpg" for index in range(3) for patient in PATIENTS]
    images = [{"id": i, "file_name": name} for i, name in enumerate(names)]
    for name in names:
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((32, 40), np.uint8)).save(tmp_path / "images" / name)
    box = {"image_id": 0, "category_id": 1, "bbox": [1, 1, 4, 4], "id": 1}
    content = {"images": images, "annotations": [box], "categories": [{"id": 1, "name": "a"}]}
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/instances_default.json").write_text(json.dumps(content))
    splits = {"train": 0.5, "val": 0.5}
    for group_by in (r"/(p\d)/", "folder"):
        data = Data(dataset="coco", root=str(tmp_path), splits=splits, group_by=group_by)
        ids = ids_of(data)
        patients = [{int(key) % len(PATIENTS) for key in keys} for keys in ids.values()]
        assert sum(map(len, patients)) == len(PATIENTS) == len(set.union(*patients))


def test_a_table_of_groups_must_have_every_sample(root):
    (root / "groups.csv").write_text("id,group\nvideo0/frame000,a\n")
    with pytest.raises(DataError, match=r"39 of 40 samples have no group[\s\S]*video0/frame008"):
        make_dataset(labelimg(root, group_by="groups.csv"), "train")
    with pytest.raises(DataError, match=r"40 of 40 samples have no group"):
        make_dataset(labelimg(root, group_by="(patient)"), "train")


@pytest.mark.parametrize("group_by", ["video", "(a)(b)", "(video"])
def test_an_expression_has_one_group(root, group_by):
    with pytest.raises(ConfigError, match=r"regular expression[\s\S]*data\.group_by"):
        make_dataset(labelimg(root, group_by=group_by), "train")


@pytest.mark.parametrize(
    "splits",
    [
        {"train": 0.7, "val": 0.2},
        {"train": 1.2, "val": -0.2},
        {"train": "0.5", "val": 0.5},
        {"train": True},
        {"train": float("nan"), "val": 1.0},
        {"train": 0.5, "val": 0.5, "seed": 1.5},
        {"train": 0.5, "val": 0.5, "of": 3},
        {},
    ],
)
def test_settings_that_are_no_division(root, splits):
    with pytest.raises(ConfigError, match=r"data\.splits"):
        make_dataset(labelimg(root, splits=splits), "train")


def test_fractions_may_be_rounded_floats(root):
    splits = {"a": 0.1, "b": 0.2, "train": 0.7}
    assert sum(map(len, ids_of(labelimg(root, splits=splits)).values())) == 40


def test_groups_without_splits_are_an_error(root):
    with pytest.raises(ConfigError, match=r"makes none[\s\S]*--data\.splits"):
        make_dataset(labelimg(root, splits=None, group_by="folder"), "train")


def test_an_empty_split_is_an_error_with_all_counts(root):
    splits = {"train": 0.998, "val": 0.001, "test": 0.001}
    with pytest.raises(DataError, match=r"'val' has no samples[\s\S]*train 40, val 0, test 0 of"):
        make_dataset(labelimg(root, splits=splits), "train")
    with pytest.raises(DataError, match=r"in 1 group[\s\S]*smaller groups"):
        make_dataset(labelimg(root, group_by="(video)"), "train")


def test_a_split_that_is_not_made(root):
    data = labelimg(root, splits={"train": 0.7, "val": 0.3})
    with pytest.raises(MissingSplitError, match=r"no split 'test'[\s\S]*--data\.test null"):
        make_dataset(data, "test")


def test_a_split_of_the_datasets_own_is_divided_and_the_others_stay(tmp_path):
    for split, count in (("train", 20), ("test", 3)):
        for index in range(count):
            write(tmp_path / split, f"{split}{index}")
    data = labelimg(tmp_path, splits={"train": 0.7, "val": 0.3, "of": "train"})
    ids = {name: len(make_dataset(data, name)) for name in ("train", "val", "test")}
    assert ids["test"] == 3
    assert ids["train"] + ids["val"] == 20
    data.splits["of"] = "trainval"
    with pytest.raises(MissingSplitError, match=r"'trainval'[\s\S]*--data\.splits\.of NAME"):
        make_dataset(data, "train")


def test_a_mask_folder_is_divided(tmp_path):
    for index in range(20):
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / folder / f"{index}.png")
    data = Data("mask_folder", str(tmp_path), settings={"classes": ["a"]}, splits=SPLITS)
    assert sum(map(len, ids_of(data).values())) == 20


def test_existing_splits_are_divided_by_name_only():
    data = Data(settings={"length": 30}, splits={"train": 0.7, "val": 0.3})
    with pytest.raises(ConfigError, match=r"splits of its own[\s\S]*--data\.splits\.of train"):
        make_dataset(data, "train")
    data.splits["of"] = "train"
    assert len(make_dataset(data, "train")) + len(make_dataset(data, "val")) == 30


@pytest.fixture(params=["labelimg", "yolo"])
def with_splits(request, tmp_path):
    """Settings of a folder with splits of its own, as exports of annotation programs are."""
    for split, count in (("train", 6), ("valid", 2), ("test", 3)):
        for index in range(count):
            name = f"{split}{index}"
            if request.param == "labelimg":
                write(tmp_path / split, name)
                continue
            write(tmp_path / split / "images", name)
            (tmp_path / split / "images" / f"{name}.xml").unlink()
            (tmp_path / split / "labels").mkdir(exist_ok=True)
            (tmp_path / split / "labels" / f"{name}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "data.yaml").write_text(
        "train: train/images\nval: valid/images\ntest: test/images\nnames: [dog]\n"
    )
    return Data(dataset=request.param, root=str(tmp_path))


def test_existing_splits_are_not_mixed_without_a_word(with_splits):
    with_splits.splits = SPLITS
    with pytest.raises(ConfigError, match="splits of its own") as error:
        make_dataset(with_splits, "train")
    assert "the splits train, val, test" in str(error.value)
    for fix in ("splits null", "splits.of train", "splits.of all", "existing: keep"):
        assert fix in str(error.value)


def test_existing_splits_are_kept(with_splits):
    with_splits.splits = {**SPLITS, "existing": "keep"}
    assert [len(make_dataset(with_splits, name)) for name in SPLITS] == [6, 2, 3]


def test_existing_splits_are_mixed_by_request(with_splits):
    with_splits.splits = {**SPLITS, "of": "all"}
    ids = ids_of(with_splits)
    assert sum(map(len, ids.values())) == 11 == len(set.union(*ids.values()))


def test_existing_splits_are_kept_only_where_there_are_any(root):
    data = labelimg(root, splits={**SPLITS, "existing": "keep"})
    assert sum(map(len, ids_of(data).values())) == 40


def test_a_training_says_whose_splits_it_uses(with_splits, tiny, tmp_path, capsys):
    data = ["--data.dataset", with_splits.dataset, "--data.root", with_splits.root]
    data += ["--data.settings", "{}", "--data.splits", str({**SPLITS, "existing": "keep"})]
    heads = ["--model.heads", "{detection: {strides: [8, 16], channels: 16}}"]
    arguments = [*tiny(out=tmp_path / "run"), *data, *heads, "--training.epochs", "1"]
    assert train_det.main(arguments) == 0
    assert "data: the dataset's own splits, train 6, val 2, test 3;" in capsys.readouterr().out


def test_a_folder_without_splits_is_an_error_with_the_line_to_add(root):
    with pytest.raises(MissingSplitError) as error:
        make_dataset(labelimg(root, splits=None), "train")
    assert "--data.splits '{train: 0.7, val: 0.15, test: 0.15}' divides" in str(error.value)


@pytest.mark.parametrize("dataset", ["voc", "coco", "image_folder", "labelimg"])
def test_a_folder_that_is_not_there_is_named_as_such(tmp_path, dataset):
    data = Data(dataset=dataset, root=str(tmp_path / "gone"))
    with pytest.raises(DataError, match=r"The folder of the dataset .* is not there[\s\S]*gone"):
        make_dataset(data, "train")


class NoSplits:
    classes = ("a", "b")

    def __init__(self, length=30):
        self.length = length

    def __len__(self):
        return self.length

    def id_of(self, index):
        return str(index)

    def __getitem__(self, index):
        image = np.zeros((32, 32, 3), np.uint8)
        return Sample(self.id_of(index), image, {"label": np.array(index % 2)})


def test_a_dataset_without_splits_is_not_trained_and_scored_on_the_same_samples(monkeypatch):
    monkeypatch.setattr(datasets, "_factories", {**datasets._factories, "own": NoSplits})
    recipe = Recipe(data=Data("own", workers=1))
    recipe.model.heads = {"kind": {"task": "classification"}}
    with pytest.raises(ConfigError, match=r"would be the same samples[\s\S]*--data\.splits '"):
        prepare(recipe)
    recipe.data.splits = SPLITS
    with prepare(recipe).train as loader:
        assert 0 < len(loader.dataset) < 30
    recipe.data = Data("own", workers=1, validation=None, test=None)
    with prepare(recipe).train as loader:
        assert len(loader.dataset) == 30
    several = MultiRecipe(datasets={"a": Part("own")}, model=recipe.model)
    with pytest.raises(ConfigError, match=r"same samples[\s\S]*datasets\.a"):
        stream(several)


def test_the_dataset_is_read_once_for_all_splits(root, monkeypatch):
    calls = []
    create = datasets.create
    monkeypatch.setattr(
        split_dataset.datasets, "create", lambda *args, **kw: created(create(*args, **kw))
    )

    def created(dataset):
        calls.append(dataset)
        return dataset

    with read_once():
        parts = [make_dataset(labelimg(root), name) for name in SPLITS]
    assert len(calls) == 1
    assert len({id(part.dataset) for part in parts}) == 1
    make_dataset(labelimg(root), "train")
    assert len(calls) == 2


def test_lines_with_the_counts(root):
    parts = {name: make_dataset(labelimg(root), name) for name in SPLITS}
    counts = ", ".join(f"{name} {len(part)}" for name, part in parts.items())
    assert division_lines(parts) == [f"data: {counts} of 40 samples"]
    several = {f"a/{name}": part for name, part in parts.items()} | {"b/train": NoSplits()}
    assert division_lines(several) == [f"a: {counts} of 40 samples"]


def test_the_table_of_groups_is_an_absolute_path_in_the_record(root, monkeypatch):
    (root / "groups.csv").write_text("id,group\n")
    monkeypatch.chdir(root.parent)
    recipe = Recipe(data=dataclasses.replace(labelimg("data"), group_by="groups.csv"))
    assert with_absolute_paths(recipe).data.group_by == str(root / "groups.csv")
    recipe.data.group_by = r"(a)"
    assert with_absolute_paths(recipe).data.group_by == "(a)"


def test_a_training_and_its_checkpoint_have_the_same_splits(root, tiny, tmp_path, capsys):
    out = tmp_path / "run"
    data = ["--data.dataset", "labelimg", "--data.root", str(root), "--data.settings", "{}"]
    data += ["--data.splits", "{train: 0.6, val: 0.2, test: 0.2, seed: 4}"]
    data += ["--data.group_by", "folder", "--training.epochs", "1"]
    heads = ["--model.heads", "{detection: {strides: [8, 16], channels: 16}}"]
    assert train_det.main([*tiny(out=out), *data, *heads]) == 0
    printed = capsys.readouterr().out
    ids = ids_of(labelimg(root, splits={**SPLITS, "seed": 4}, group_by="folder"))
    counts = ", ".join(f"{name} {len(keys)}" for name, keys in ids.items())
    assert f"data: {counts} of 40 samples in 8 groups" in printed
    assert json.loads((out / "scored.json").read_text())["samples"] == len(ids["test"])
    assert score.main(["--checkpoint", str(out), "--split", "val"]) == 0
    assert f"split 'val', {len(ids['val'])} samples:" in capsys.readouterr().out


def test_several_datasets_have_splits_each(root, tiny, tmp_path, capsys):
    out = tmp_path / "run"
    part = f"{{dataset: labelimg, root: {root}, splits: {SPLITS}, group_by: null}}"
    arguments = tiny(out=out, training__epochs=1)
    start = arguments.index("--data.settings")
    del arguments[start : start + 2]
    arguments += ["--datasets", f"{{a: {part}}}"]
    arguments += ["--model.heads", "{detection: {strides: [8, 16], channels: 16}}"]
    assert train_multi.main(arguments) == 0
    ids = ids_of(labelimg(root))
    counts = ", ".join(f"{name} {len(keys)}" for name, keys in ids.items())
    assert f"a: {counts} of 40 samples" in capsys.readouterr().out
    assert score.main(["--checkpoint", str(out), "--split", "test"]) == 0
    assert f"split 'test' of 'a', {len(ids['test'])} samples:" in capsys.readouterr().out


def test_masks_and_depths_without_splits(tmp_path):
    """Datasets whose split may be None need no word of it."""
    rng = np.random.default_rng(0)
    for folder in ("images", "masks", "depth"):
        (tmp_path / folder).mkdir()
    for index in range(40):
        name, ids = f"{index:03}.png", np.eye(6, 8)
        image = rng.integers(0, 255, (6, 8, 3), np.uint8)
        Image.fromarray(image).save(tmp_path / "images" / name)
        Image.fromarray((ids * 255).astype(np.uint8)).save(tmp_path / "masks" / name)
        Image.fromarray((ids * 1000).astype(np.uint16)).save(tmp_path / "depth" / name)
    colors = {"colors": {"ground": "#000000", "line": "#ffffff"}}
    masks = Data(dataset="mask_folder", root=str(tmp_path), splits=SPLITS, settings=colors)
    depths = Data(
        dataset="depth_folder", root=str(tmp_path), splits=SPLITS, settings={"images": "images"}
    )
    for data, target in ((masks, "mask"), (depths, "depth")):
        ids = ids_of(data)
        assert sum(map(len, ids.values())) == 40 == len(set.union(*ids.values()))
        assert make_dataset(data, "train")[0].targets[target].max() == 1


def test_splits_of_the_same_images_are_no_splits(tmp_path):
    for kind in ("photos", "masks"):
        (tmp_path / kind).mkdir()
        for index in range(3):
            Image.fromarray(np.zeros((24, 24), np.uint8)).save(tmp_path / kind / f"{index}.png")
    settings = {"images": "photos", "masks": "masks", "classes": ["ground", "crop"]}
    data = Data(dataset="mask_folder", root=str(tmp_path), settings=settings, test=None)
    same = {split: make_dataset(data, split) for split in ("train", "val")}
    with pytest.raises(DataError, match=r"'train' and 'val' are the same images[\s\S]*splits"):
        check_distinct(same)
    check_distinct({"train": same["train"]})
    (tmp_path / "val").mkdir()
    data.settings = {**settings, "images": "{split}"}
    (tmp_path / "photos").rename(tmp_path / "train")
    Image.fromarray(np.zeros((24, 24), np.uint8)).save(tmp_path / "val/0.png")
    check_distinct({split: make_dataset(data, split) for split in ("train", "val")})
