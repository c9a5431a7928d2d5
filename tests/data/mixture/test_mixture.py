from collections import Counter

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Sample
from densefit.data.transforms import transforms
from densefit.errors import ConfigError, DataError


class Boxes:
    """Pictures with objects: n of them, at (8, 10)."""

    classes = ("car", "pedestrian", "bird")

    def __init__(self, n=10, late=False):
        self.n, self.late = n, late

    def __repr__(self):
        return f"Boxes({self.n})"

    def __len__(self):
        return self.n

    def id_of(self, index):
        return f"{index:03d}"

    def __getitem__(self, index):
        targets = {
            "boxes": np.array([[0, 0, 4, 4], [2, 2, 8, 8], [1, 1, 5, 6]], np.float32),
            "classes": np.array([0, 1, 2]),
            "label": np.array(index % 3),
        }
        if self.late and index == 1:
            targets["mask"] = np.zeros((8, 10), np.uint8)
        return Sample(self.id_of(index), np.full((8, 10, 3), index, np.uint8), targets)


class Masks(Boxes):
    classes = ("road", "person", "car")

    def __getitem__(self, index):
        mask = np.tile(np.array([0, 1, 2, 255, 2], np.uint8), (8, 2))
        return Sample(self.id_of(index), np.full((8, 10, 3), index, np.uint8), {"mask": mask})


def made(**settings):
    return df.Mixture({"streets": Masks(20), "boxes": Boxes(5)}, **settings)


def noise(sample, rng):
    sample.image = sample.image + rng.integers(0, 99, sample.image.shape, np.uint8)
    return sample


def counted(loader):
    """Samples of each dataset in each batch of an epoch."""
    return [Counter(name.split("/")[0] for name in batch.ids) for batch in loader]


def test_it_is_a_dataset_of_all_samples_sorted_by_the_datasets_names():
    mixture = made()
    ids = [mixture.id_of(index) for index in range(len(mixture))]
    assert ids == [f"boxes/{n:03d}" for n in range(5)] + [f"streets/{n:03d}" for n in range(20)]
    assert [mixture[index].id for index in range(25)] == ids
    assert mixture[-1].id == "streets/019"
    with pytest.raises(IndexError):
        mixture[25]
    assert set(mixture[0].targets) == {"boxes", "classes", "label"}
    assert set(mixture[7].targets) == {"mask"}


def test_by_default_each_target_has_all_names_that_hold_it():
    mixture = made()
    assert mixture.classes == mixture.label_classes == ["car", "pedestrian", "bird"]
    assert mixture.mask_classes == ["road", "person", "car"]
    two = df.Mixture(
        {"a": Masks(3), "b": type("More", (Masks,), {"classes": ("sky", "car", "x")})(2)}
    )
    assert two.mask_classes == two.classes == ["road", "person", "car", "sky", "x"]
    mask = two[4].targets["mask"]
    assert mask[0, :5].tolist() == [3, 2, 4, 255, 4]


def test_one_list_for_all_and_renamed_classes():
    mixture = made(
        classes=["person", "car"],
        rename={"boxes": {"pedestrian": "person", "bird": None}},
        unknown="drop",
    )
    sample = mixture[2]
    assert sample.targets["classes"].tolist() == [1, 0]
    assert sample.targets["boxes"].tolist() == [[0, 0, 4, 4], [2, 2, 8, 8]]
    assert int(sample.targets["label"]) == -1
    assert mixture[6].targets["mask"][0, :5].tolist() == [255, 0, 1, 255, 1]
    assert mixture.classes == mixture.mask_classes == ["person", "car"]


def test_a_list_for_one_target_leaves_the_others():
    mixture = made(classes={"mask": ["car", "road", "person"]})
    assert mixture[6].targets["mask"][0, :5].tolist() == [1, 2, 0, 255, 0]
    assert mixture.classes == ["car", "pedestrian", "bird"]


def test_scores_see_the_common_classes():
    mixture = made(classes={"mask": ["car", "road", "person"]})
    batch = next(df.Loader(mixture, batch_size=25))
    for key, targets in zip(batch.ids, batch.targets):
        assert ("mask" in targets) == key.startswith("streets/")
        if "mask" in targets:
            assert targets["mask"][0, :3].tolist() == [1, 2, 0]


class Rooms(Masks):
    classes = ("wall", "car", "window")


def test_targets_of_one_name_and_different_things_get_names_of_their_own():
    """Their classes are two lists, and a class of the same name has a number in each."""
    parts = {"rooms": Rooms(3), "streets": Masks(2)}
    mixture = df.Mixture(parts, targets={"rooms": {"mask": "room_mask"}})
    assert mixture.mask_classes == ["road", "person", "car"]
    assert mixture.room_mask_classes == ["wall", "car", "window"]
    assert mixture.class_lists == {
        "mask": mixture.mask_classes,
        "room_mask": mixture.room_mask_classes,
    }
    assert set(mixture[0].targets) == {"room_mask"}
    assert set(mixture[3].targets) == {"mask"}
    assert parts["rooms"][0].targets.keys() == {"mask"}
    assert "targets={'rooms': {'mask': 'room_mask'}}" in repr(mixture)
    assert "targets" not in repr(made())


def test_classes_of_a_renamed_target_are_united_by_its_new_name():
    parts = {"flats": Rooms(2), "rooms": Rooms(3), "streets": Masks(2)}
    mixture = df.Mixture(
        parts,
        targets={"rooms": {"mask": "inside"}, "flats": {"mask": "inside"}},
        classes={"inside": ["window", "wall", "auto"]},
        rename={"rooms": {"car": "auto"}, "flats": {"car": None}},
    )
    assert mixture[0].targets["inside"][0, :4].tolist() == [1, 255, 0, 255]
    assert mixture[2].targets["inside"][0, :4].tolist() == [1, 2, 0, 255]
    assert mixture[5].targets["mask"][0, :4].tolist() == [0, 1, 2, 255]


def test_objects_of_a_renamed_target_are_dropped_with_their_classes():
    mixture = df.Mixture(
        {"boxes": Boxes(2)},
        targets={"boxes": {"classes": "kinds", "boxes": "frames"}},
        rename={"boxes": {"pedestrian": None}},
    )
    sample = mixture[0]
    assert mixture.kinds_classes == ["car", "bird"]
    assert sample.targets["kinds"].tolist() == [0, 1]
    assert sample.targets["frames"].tolist() == [[0, 0, 4, 4], [1, 1, 5, 6]]


def test_a_head_learns_a_renamed_target_and_transforms_know_it():
    mixture = df.Mixture(
        {"rooms": Rooms(3), "streets": Masks(2)}, targets={"rooms": {"mask": "room_mask"}}
    )
    names = {"street": "mask", "room": "room_mask"}
    heads = [
        df.head("segmentation", name=name, classes=3, decoder="fcn", target=target, channels=8)
        for name, target in names.items()
    ]
    crop = transforms.create("random_crop", height=16, width=16)
    batch = next(df.Loader(mixture, batch_size=5, transform=crop, heads=heads))
    labelled = {name: has.tolist() for name, has in batch.labelled.items()}
    inside = [key.startswith("rooms/") for key in batch.ids]
    assert labelled == {"room": inside, "street": [not one for one in inside]}
    for place, name in ((0, "room_mask"), (4, "mask")):  # padding is void in both
        moved = crop(mixture[place], np.random.default_rng(0)).targets[name]
        assert moved.shape == (16, 16)
        assert (moved == 255).sum() >= 16 * 16 - 8 * 10


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"targets": {"boxs": {}}}, "did you mean 'boxes'"),
        ({"targets": {"boxes": {"lable": "kind"}}}, "did you mean 'label'"),
        ({"targets": {"boxes": {"label": "classes"}}}, "Two targets would be called 'classes'"),
        ({"targets": {"streets": {"mask": "depth"}}}, "already declared otherwise"),
        ({"classes": ["person", "car"]}, "class 'pedestrian' of the dataset 'boxes'"),
        ({"rename": {"boxs": {}}}, "did you mean 'boxes'"),
        ({"rename": {"boxes": {"bord": "x"}}}, "no class 'bord' to rename"),
        ({"rename": {"boxes": {"road": "x"}}}, "no class 'road' to rename"),
        ({"ratio": {"boxes": 1}}, "share of each dataset"),
        ({"ratio": {"boxes": 1, "street": 1}}, "did you mean 'streets'"),
        ({"ratio": {"boxes": 0, "streets": 1}}, "above 0"),
        ({"ratio": {"boxes": 1, "streets": 1}, "temperature": 2}, "not by both"),
        ({"temperature": 0}, "above 0"),
        ({"length": 0}, "at least 1"),
        ({"batches": "turn"}, "mixed or in_turn or at_random"),
        ({"unknown": "ignore"}, "refuse or drop"),
        ({"classes": {"mask": ["road", "road"]}}, "different names"),
    ],
)
def test_wrong_settings_are_refused_when_made(settings, said):
    with pytest.raises(ConfigError, match=said):
        made(**settings)


def test_datasets_must_have_names_and_samples():
    for datasets in ({}, {"": Boxes()}, {"a/b": Boxes()}):
        with pytest.raises(ConfigError, match="without '/'"):
            df.Mixture(datasets)
    with pytest.raises(DataError, match="'b' is empty"):
        df.Mixture({"a": Boxes(), "b": Boxes(0)})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"boxes": 5, "streets": 20}),
        ({"length": 100}, {"boxes": 20, "streets": 80}),
        ({"ratio": {"boxes": 2, "streets": 1}, "length": 30}, {"boxes": 20, "streets": 10}),
        ({"temperature": 2, "length": 30}, {"boxes": 10, "streets": 20}),  # roots: 1 to 2
        ({"temperature": float("inf"), "length": 30}, {"boxes": 15, "streets": 15}),
    ],
)
@pytest.mark.parametrize("batches", ["mixed", "in_turn", "at_random"])
def test_shares_over_an_epoch(settings, expected, batches):
    with df.Loader(made(batches=batches, **settings), batch_size=5, shuffle=True) as loader:
        found = counted(loader)
    assert sum(found, Counter()) == expected
    assert len(found) == len(loader)
    if batches != "mixed":
        assert all(len(one) == 1 for one in found)


def test_mixed_batches_have_the_ratio_each():
    mixture = made(ratio={"boxes": 1, "streets": 3}, length=40)
    with df.Loader(mixture, batch_size=8, shuffle=True) as loader:
        assert counted(loader) == [{"boxes": 2, "streets": 6}] * 5


def test_natural_shares_are_exact_and_others_not():
    assert df.Loader(made(), batch_size=4).exact
    assert not df.Loader(made(length=24), batch_size=4).exact
    loader = df.Loader(made(batches="in_turn"), batch_size=4)
    assert (loader.epoch_samples, loader.exact) == (28, False)  # of 25, in whole batches


@pytest.mark.parametrize("batches", ["mixed", "at_random"])
def test_neither_workers_nor_the_order_of_the_datasets_matter(batches):
    settings = {"ratio": {"boxes": 2, "streets": 1}, "batches": batches}
    pair = {"boxes": Boxes(5), "streets": Masks(20)}
    read = []
    for datasets in (pair, dict(reversed(pair.items()))):
        for workers in (0, 1, 3):
            mixture = df.Mixture(datasets, **settings)
            with df.Loader(
                mixture, batch_size=4, shuffle=True, workers=workers, transform=noise, seed=3
            ) as loader:
                batches_read = [*loader, *loader]
            read.append([(b.ids, b.data["data"].tolist()) for b in batches_read])
    assert all(one == read[0] for one in read)
    pictures = [(i, str(p)) for ids, data in read[0] for i, p in zip(ids, data)]
    assert len(set(pictures)) == len(pictures)  # repeated samples are transformed anew


def test_an_epoch_can_be_entered_anywhere():
    mixture = made(ratio={"boxes": 2, "streets": 1}, batches="at_random")
    with df.Loader(mixture, batch_size=4, shuffle=True, transform=noise) as loader:
        whole = [[(b.ids, b.data["data"].tolist()) for b in loader] for _ in range(3)]
        for epoch, skip in ((2, 3), (0, 1), (1, 0)):
            loader.set_epoch(epoch, skip)
            rest = [(b.ids, b.data["data"].tolist()) for b in loader]
            assert rest == whole[epoch][skip:]


def test_a_small_dataset_is_looked_at_too():
    network = df.Network("resnet18", [df.head("detection", classes=["car", "pedestrian", "bird"])])
    mixture = df.Mixture({"a": Masks(500), "b": Boxes(2), "c": Masks(500)})
    df.Loader(mixture, batch_size=4, heads=network.heads)
    with pytest.raises(DataError, match="learns the target 'boxes'"):
        df.Loader(df.Mixture({"a": Masks(9)}), batch_size=4, heads=network.heads)


def test_a_target_that_comes_late_is_mapped_as_well():
    mixture = df.Mixture(
        {"a": Boxes(40, late=True), "b": Masks(3)},
        classes={"mask": ["person", "road", "car"]},
        unknown="drop",
    )
    assert set(mixture[1].targets["mask"].ravel()) == {2}  # "car" is the first of Boxes' classes
    alone = df.Mixture({"a": Boxes(40, late=True)})
    assert "mask" not in alone.class_lists
    assert set(alone[1].targets["mask"].ravel()) == {0}  # of `classes`, as a head matches them
    beside = df.Mixture({"a": Boxes(40, late=True), "b": Masks(3)})
    with pytest.raises(DataError, match=r"'mask', which none[\s\S]*dataset 'a'[\s\S]*targets_of"):
        beside[1]  # the head's list has no such classes


def test_a_rare_target_with_names_of_its_own_is_numbered_by_them():
    class Named(Boxes):
        mask_classes = ("sky", "road")

    mixture = df.Mixture({"a": Named(40, late=True), "b": Boxes(3)})
    assert mixture.mask_classes == ["sky", "road"]
    head = df.head("segmentation", classes=["road", "sky"])
    loader = df.Loader(mixture, batch_size=43, heads=[head], workers=0)
    batch = next(loader)
    assert np.flatnonzero(batch.labelled["segmentation"]).tolist() == [1]
    labels = batch.labels["segmentation_mask"]
    assert set(labels[1].ravel()) == {1}


def test_a_target_to_rename_may_come_late(caplog):
    settings = {"targets": {"a": {"mask": "rooms_mask"}}}
    mixture = df.Mixture({"a": Boxes(40, late=True)}, **settings)
    assert "no sample that was looked at has the target 'mask'" in caplog.text
    assert "rooms_mask" in mixture[1].targets
    with pytest.raises(ConfigError, match="no target 'mask' to rename"):
        df.Mixture({"a": Boxes(5)}, **settings)


@pytest.mark.parametrize(
    ("sizes", "settings", "expected"),
    [
        ({"a": 10, "b": 6}, {"batches": "in_turn"}, {"a": 600, "b": 360}),
        ({"a": 9, "b": 9, "c": 9}, {"length": 4}, {"a": 80, "b": 80, "c": 80}),
        ({"a": 10, "b": 6}, {"ratio": {"a": 5, "b": 2}, "length": 8}, {"a": 343, "b": 137}),
    ],
)
def test_shares_hold_over_epochs_and_an_epoch_is_entered_as_it_was(sizes, settings, expected):
    mixture = df.Mixture({name: Boxes(size) for name, size in sizes.items()}, **settings)
    order, total, seen = mixture.order(True, 4), Counter(), Counter()
    epochs = [order.indices(3, epoch) for epoch in range(60)]
    for visits in epochs:
        assert len(visits) == len(order)
        ids = [mixture.id_of(visit % len(mixture)) for visit in visits.tolist()]
        total.update(name.split("/")[0] for name in ids)
        seen.update(ids)
    assert total == expected
    for name in sizes:
        times = [count for key, count in seen.items() if key.startswith(f"{name}/")]
        assert len(times) == sizes[name]
        assert max(times) - min(times) <= 1
    again = mixture.order(True, 4)
    assert again.indices(3, 41).tolist() == epochs[41].tolist()


def test_a_dataset_that_an_epoch_may_lack_is_told(caplog):
    mixture = df.Mixture({"a": Boxes(100), "rare": Boxes(3)}, batches="in_turn")
    order = mixture.order(True, 16)
    assert "'rare' has samples in about one of 4.9 epochs only" in caplog.text
    with_it = [(order.indices(0, epoch) % 103 >= 100).any() for epoch in range(20)]
    assert sum(with_it) == 4


def test_a_small_share_by_size_is_hinted_at_unless_it_was_chosen(caplog):
    parts = {"large": Boxes(114), "small": Boxes(6)}
    df.Mixture(parts).order(True, 8)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "'small' is 6 of the 120 samples of an epoch (5.0 %)" in line
    assert "temperature=2 makes it 18.7 %" in line
    caplog.clear()
    df.Mixture(parts).order(True, 8)  # once
    for chosen in ({"temperature": 1}, {"ratio": {"large": 19, "small": 1}}):
        df.Mixture(parts, **chosen).order(True, 4)
    df.Mixture(parts).order(True, 16)  # some of each in most batches
    assert not caplog.records


def test_not_every_batch_has_samples_of_all():
    """As the page says: 1000 and 30 samples in batches of 8."""
    order = df.Mixture({"a": Boxes(1000), "b": Boxes(30)}).order(True, 8)
    batches = np.array_split(order.indices(0, 0) >= 1000, range(8, 1030, 8))
    assert (len(batches), sum(not batch.any() for batch in batches)) == (129, 99)


@pytest.mark.parametrize("batches", ["mixed", "in_turn"])
def test_a_mixture_in_a_mixture_keeps_its_ratio_and_length(batches):
    parts = {"a": Boxes(20), "b": Boxes(5)}
    inner = df.Mixture(parts, ratio={"a": 1, "b": 3}, length=8, batches=batches)
    outer = df.Mixture({"in": inner, "out": Boxes(8)}, batches=batches)
    order = outer.order(True, 4)
    assert (len(order), order.exact) == (16, False)
    total, seen = Counter(), Counter()
    for epoch in range(10):
        ids = [outer.id_of(visit % len(outer)) for visit in order.indices(1, epoch).tolist()]
        total.update(name.rpartition("/")[0] for name in ids)
        seen.update(ids)
        if batches == "in_turn":
            for start in range(0, 16, 4):
                assert len({name.rpartition("/")[0] for name in ids[start : start + 4]}) == 1
    assert total == {"in/a": 20, "in/b": 60, "out": 80}
    assert {seen[f"in/a/{n:03d}"] for n in range(20)} == {1}
    assert {seen[f"in/b/{n:03d}"] for n in range(5)} == {12}


def test_a_training_begun_with_other_remainders_is_told():
    def identity(**settings):
        mixture = df.Mixture({"a": Boxes(10), "b": Boxes(6)}, **settings)
        return df.Loader(mixture, batch_size=4, workers=0).identity()

    assert "remainders" not in identity()  # every epoch is what it always was
    assert "remainders are carried" in identity(batches="in_turn")


def visited(mixture, batch_size, epochs, **settings):
    """The ids of each epoch of a loader that drops the last batch."""
    settings = {"shuffle": True, "last": "drop", "workers": 0, **settings}
    with df.Loader(mixture, batch_size=batch_size, **settings) as loader:
        order = loader._order
        length = len(loader) * batch_size
        return [
            [mixture.id_of(visit % len(mixture)) for visit in order.indices(0, epoch)[:length]]
            for epoch in range(epochs)
        ]


@pytest.mark.parametrize(
    ("sizes", "batch_size"),
    [((30, 1), 16), ((40, 2), 32), ((97, 3), 64), ((197, 3), 64), ((21, 10), 8), ((5, 4), 7)],
)
@pytest.mark.parametrize("shuffle", [True, False])
def test_a_dropped_batch_takes_nothing_of_a_rare_dataset_s_share(sizes, batch_size, shuffle):
    parts = {"a": Boxes(sizes[0]), "b": Boxes(sizes[1])}
    mixture = df.Mixture(parts)
    epochs = visited(mixture, batch_size, 40, shuffle=shuffle)
    came = {name: [] for name in parts}
    for ids in epochs:
        assert len(ids) == sum(sizes) // batch_size * batch_size
        for key in ids:
            came[key[0]].append(key)
        done = sum(map(len, came.values()))
        for name, size in zip(parts, sizes):
            assert abs(len(came[name]) - done * size / sum(sizes)) < 1
    for name, size in zip(parts, sizes):  # none comes again before all others of its dataset have
        for start in range(0, len(came[name]) - size + 1, size):
            assert len(set(came[name][start : start + size])) == size
    again = visited(df.Mixture(parts), batch_size, 40, shuffle=shuffle)
    assert again[29] == epochs[29]


def test_a_nested_mixture_keeps_its_ratio_where_a_batch_is_dropped():
    inner = df.Mixture({"a": Boxes(20), "b": Boxes(5)}, ratio={"a": 1, "b": 3}, length=8)
    total = Counter()
    for ids in visited(df.Mixture({"in": inner, "out": Boxes(3)}), 8, 80):
        total.update(key.rpartition("/")[0] for key in ids)
    shares = {"in/a": 640 * 2 / 11, "in/b": 640 * 6 / 11, "out": 640 * 3 / 11}
    assert all(abs(total[name] - share) < 2 for name, share in shares.items())


def test_what_is_dropped_behind_skipped_samples_is_of_all_by_their_shares():
    """How many batches there are is not known before: nothing can be carried on."""
    parts = {"a": Boxes(30), "b": Boxes(1)}
    epochs = visited(df.Mixture(parts), 16, 300, on_error="skip")
    assert {len(ids) for ids in epochs} == {16}
    rare = sum(key[0] == "b" for ids in epochs for key in ids)
    assert abs(rare - 4800 / 31) < 30


def test_only_epochs_that_a_dropped_batch_changes_are_told_as_another_order():
    def made(last, sizes=(30, 1), batch_size=16, **settings):
        mixture = df.Mixture({name: Boxes(size) for name, size in zip("ab", sizes)}, **settings)
        loader = df.Loader(mixture, batch_size=batch_size, workers=0, last=last, shuffle=True)
        texts = loader.identity() + loader.identity_as_before()  # older checkpoints lack it, too
        return texts, loader._order.indices(3, 5).tolist()

    assert made("drop")[0].count("order: 'whole batches, all remainders are carried'") == 2
    assert "order" not in made("keep")[0]
    for settings in ({"sizes": (24, 8)}, {"batches": "in_turn"}, {"sizes": (9, 8), "length": 16}):
        text, visits = made("drop", **settings)
        assert "whole batches" not in text
        assert visits == made("keep", **settings)[1]


def test_a_loader_tells_after_how_many_epochs_every_sample_has_come(caplog):
    def covering(sizes, batch_size, last="drop", **settings):
        mixture = df.Mixture({name: Boxes(size) for name, size in zip("ab", sizes)}, **settings)
        own = {"batch_size": batch_size, "last": last, "workers": 0, "shuffle": True}
        return df.Loader(mixture, **own).covering

    assert covering((30, 1), 16) == 2
    assert "'b' has samples in about one of 1.94 epochs only: its share of 16" in caplog.text
    assert covering((30, 1), 16, "keep") == 1
    assert covering((30, 2), 16) == 1
    assert covering((30, 10), 8, ratio={"a": 1, "b": 1}, length=16) == 4
    plain = df.Loader(Boxes(20), batch_size=8, last="drop", shuffle=True, workers=0)
    assert plain.covering == 9  # 4 of 20 are dropped by chance: .2 ** 9 < 1e-6
    assert df.Loader(Boxes(20), batch_size=8, shuffle=True, workers=0).covering == 1
    assert df.Loader(Boxes(20), batch_size=8, last="drop", workers=0).covering == 1


def test_mixtures_can_be_mixed():
    outer = df.Mixture({"m": made(), "more": Boxes(2)})
    assert [outer[index].id for index in (0, 26)] == ["m/boxes/000", "more/001"]
    assert outer.mask_classes == ["road", "person", "car"]


@pytest.mark.parametrize(
    ("shares", "loading", "updates"),
    [
        ({"ratio": {"a": 1, "b": 1}, "length": 12}, {}, (4, 8)),
        ({}, {"last": "drop"}, (3, 7)),  # epochs of 9 samples are 2 batches of 4
    ],
)
def test_training_resumes_in_mid_epoch_as_if_it_had_not_stopped(
    tiny, tmp_path, shares, loading, updates
):
    """The mean brightness of pictures of two datasets, learned by a tiny head."""

    def fit(updates, **settings):
        mixture = df.Mixture({"a": tiny.Pictures(6), "b": tiny.Pictures(3)}, **shares)
        network = tiny.network()
        loading.update(batch_size=4, heads=network.heads, shuffle=True)
        with df.Loader(mixture, **loading) as loader:
            df.fit(network, loader, updates=updates, optimizer="adam", **settings)
        return network

    straight = fit(updates[1])
    fit(updates[0], checkpoint=tmp_path)
    tiny.assert_equal(fit(updates[1], checkpoint=tmp_path, resume="auto"), straight)


def test_with_natural_shares_a_mixture_is_scored_as_one_dataset(tiny):
    network = tiny.network()
    mixture = df.Mixture({"a": tiny.Pictures(7), "b": tiny.Pictures(4)})
    with df.Loader(mixture, batch_size=4, heads=network.heads, shuffle=True) as loader:
        df.fit(network, loader, epochs=1)
        values = [float(mixture[index].targets["value"]) for index in range(11)]
        whole = df.score(network, loader)["bright/mae"]
    parts = {"a": df.Loader(tiny.Pictures(7), batch_size=4), "b": tiny.loader(network, 4)}
    found = df.score(network, parts)
    assert len(set(values)) == 7
    assert whole == pytest.approx((7 * found["a/bright/mae"] + 4 * found["b/bright/mae"]) / 11)
    again = df.Mixture({"a": tiny.Pictures(7), "b": tiny.Pictures(4)}, length=20)
    with pytest.raises(DataError, match="exactly once"):
        df.score(network, df.Loader(again, batch_size=4))


def test_its_shares_are_part_of_what_a_loader_is():
    """A resume in mid-epoch with other shares would go on in another stream."""
    import densefit as df

    def identity(**settings):
        parts = {name: df.dataset("shapes", length=6, size=(24, 24)) for name in "ab"}
        return df.Loader(df.Mixture(parts, **settings), batch_size=2, workers=0).identity()

    told = [identity(ratio={"a": 1, "b": 3}, length=8), identity(ratio={"a": 3, "b": 1}, length=8),
            identity(length=8), identity(length=8, unknown="drop")]  # fmt: skip
    assert len(set(told)) == 4
    assert identity(ratio={"a": 1, "b": 3}, length=8) == told[0]
