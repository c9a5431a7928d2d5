import math
import shutil

import numpy as np
import pytest

from densefit.checkpoint.storage import store
from densefit.checkpoint.training.policy import (
    Keep,
    Record,
    best_of,
    checkpoint_name,
    which_to_keep,
)
from densefit.errors import ConfigError

NAN = float("nan")


def saves(*scores):
    return [Record(f"s{index}", index, score) for index, score in enumerate(scores)]


@pytest.mark.parametrize(
    ("scores", "higher", "expected"),
    [
        ([], True, None),
        ([NAN], True, None),
        ([NAN, 0.1, NAN], True, "s1"),
        ([0.1, 0.3, 0.2], True, "s1"),
        ([0.1, 0.3, 0.2], False, "s0"),
        ([0.3, 0.3], True, "s0"),  # the earliest of equals
        ([0.3, 0.3], False, "s0"),
        ([-1.0, NAN], False, "s0"),
    ],
)
def test_best(scores, higher, expected):
    best = best_of(saves(*scores), higher)
    assert (best and best.name) == expected


@pytest.mark.parametrize(
    ("last", "best", "expected"),
    [
        (1, False, {"s3"}),
        (2, False, {"s2", "s3"}),
        (1, True, {"s1", "s3"}),
        (3, True, {"s1", "s2", "s3"}),
        (9, True, {"s0", "s1", "s2", "s3"}),
        (0, True, {"s1"}),
        (0, False, set()),
    ],
)
def test_which_to_keep(last, best, expected):
    assert which_to_keep(saves(0.1, 0.5, NAN, 0.2), last, best) == expected


def save(keep, directory, update, scores):
    """A save as `fit` makes it."""
    name = keep.record(update, scores)
    parts = {"model": {"w": np.array([update])}}
    store.write(directory, name, parts, {"update": update, "keep": keep.state_dict()})
    keep.apply(directory)


def on_disk(directory):
    """Names, and the update that each holds."""
    return {name: store.read(directory / name)[1]["update"] for name in store.names(directory)}


def test_a_training(tmp_path):
    keep = Keep(last=1, best="seg/mIoU")
    save(keep, tmp_path, 10, {})
    assert on_disk(tmp_path) == {"update-00000010": 10, "last": 10}
    save(keep, tmp_path, 20, {"seg/mIoU": 0.5})
    assert on_disk(tmp_path) == {"update-00000020": 20, "last": 20, "best": 20}
    save(keep, tmp_path, 30, {"seg/mIoU": 0.4})
    save(keep, tmp_path, 40, {"seg/mIoU": NAN})
    expected = {"update-00000020": 20, "update-00000040": 40, "last": 40, "best": 20}
    assert on_disk(tmp_path) == expected
    save(keep, tmp_path, 50, {"seg/mIoU": 0.6})
    assert on_disk(tmp_path) == {"update-00000050": 50, "last": 50, "best": 50}


def test_lower_is_better_and_more_than_one_stay(tmp_path):
    keep = Keep(last=2, best="depth/rmse", higher_is_better=False)
    for update, score in [(1, 0.5), (2, 0.7), (3, 0.6)]:
        save(keep, tmp_path, update, {"depth/rmse": score})
    names = [checkpoint_name(update) for update in (1, 2, 3)]
    assert on_disk(tmp_path) == {**dict(zip(names, (1, 2, 3))), "last": 3, "best": 1}


def test_without_a_best_there_is_none(tmp_path):
    keep = Keep()
    save(keep, tmp_path, 1, {"seg/mIoU": 0.5})
    assert keep.leader is None
    assert on_disk(tmp_path) == {"update-00000001": 1, "last": 1}


def test_a_second_save_at_the_same_update_keeps_the_score(tmp_path):
    keep = Keep(best="seg/mIoU")
    save(keep, tmp_path, 5, {"seg/mIoU": 0.5})
    save(keep, tmp_path, 5, {})
    assert [record.score for record in keep.records] == [0.5]
    assert on_disk(tmp_path) == {"update-00000005": 5, "last": 5, "best": 5}


def test_a_resumed_training_remembers_the_best(tmp_path):
    keep = Keep(best="seg/mIoU")
    save(keep, tmp_path, 1, {"seg/mIoU": 0.5})
    save(keep, tmp_path, 2, {"seg/mIoU": 0.4})
    _, state = store.read(store.latest(tmp_path))
    resumed = Keep(best="seg/mIoU")
    resumed.load_state_dict(state["keep"])
    resumed.apply(tmp_path)
    assert resumed.leader == Record("update-00000001", 1, 0.5)
    save(resumed, tmp_path, 3, {"seg/mIoU": 0.45})
    assert on_disk(tmp_path) == {
        "update-00000001": 1,
        "update-00000003": 3,
        "last": 3,
        "best": 1,
    }


def test_a_crash_before_the_links_is_made_good_after_the_resume(tmp_path):
    keep = Keep(best="seg/mIoU")
    save(keep, tmp_path, 1, {"seg/mIoU": 0.4})
    name = keep.record(2, {"seg/mIoU": 0.5})
    store.write(tmp_path, name, {}, {"update": 2, "keep": keep.state_dict()})
    # The process dies here.
    _, state = store.read(store.resolve("auto", tmp_path))
    resumed = Keep(best="seg/mIoU")
    resumed.load_state_dict(state["keep"])
    resumed.apply(tmp_path)
    assert on_disk(tmp_path) == {"update-00000002": 2, "last": 2, "best": 2}


def test_a_nan_score_survives_the_file(tmp_path):
    keep = Keep(best="seg/mIoU")
    save(keep, tmp_path, 1, {"seg/mIoU": NAN})
    _, state = store.read(tmp_path / "last")
    resumed = Keep(best="seg/mIoU")
    resumed.load_state_dict(state["keep"])
    assert math.isnan(resumed.records[0].score)


def test_resuming_into_another_directory_forgets_what_is_not_there(tmp_path):
    keep = Keep(best="seg/mIoU")
    save(keep, tmp_path / "old", 1, {"seg/mIoU": 0.9})
    resumed = Keep(best="seg/mIoU")
    resumed.load_state_dict(keep.state_dict())
    resumed.apply(tmp_path / "new")
    assert resumed.records == []
    save(resumed, tmp_path / "new", 2, {"seg/mIoU": 0.1})
    assert on_disk(tmp_path / "new") == {"update-00000002": 2, "last": 2, "best": 2}


def test_removing_by_hand_does_not_lose_the_best(tmp_path):
    keep = Keep(best="seg/mIoU")
    save(keep, tmp_path, 1, {"seg/mIoU": 0.9})
    shutil.rmtree(tmp_path / "update-00000001")
    save(keep, tmp_path, 2, {"seg/mIoU": 0.1})
    assert on_disk(tmp_path) == {"update-00000002": 2, "last": 2, "best": 1}


def test_others_in_the_directory_are_left_alone(tmp_path):
    store.write(tmp_path, "update-00000777", {}, {"update": 777})
    keep = Keep()
    save(keep, tmp_path, 1, {})
    save(keep, tmp_path, 2, {})
    assert on_disk(tmp_path) == {"update-00000002": 2, "update-00000777": 777, "last": 2}
    assert store.read(store.latest(tmp_path))[1]["update"] == 2


def test_nothing_recorded_nothing_done(tmp_path):
    Keep().apply(tmp_path)
    assert on_disk(tmp_path) == {}


def test_a_score_that_does_not_exist_is_an_error():
    with pytest.raises(ConfigError, match="did you mean 'seg/mIoU'"):
        Keep(best="seg/miou").record(1, {"seg/mIoU": 0.5})
    with pytest.raises(ConfigError, match="at least 1"):
        Keep(last=0)


def test_scores_of_other_numbers_of_samples_are_not_compared(tmp_path):
    lacking = {"a/mIoU": 0.9, "samples/scored": 9.0, "samples/unreadable": 1.0}
    keep = Keep(best="a/mIoU", higher_is_better=True)
    keep.record(1, lacking)
    assert keep.leader.name == checkpoint_name(1)
    assert keep.improves({"a/mIoU": 0.1})  # of all samples, which the record lacks
    keep.record(2, {"a/mIoU": 0.1})
    assert keep.leader.name == checkpoint_name(2)
    assert not keep.improves(lacking)
    keep.record(3, lacking)
    keep.record(4, {"a/mIoU": 0.2})
    again = Keep(best="a/mIoU", higher_is_better=True)
    again.load_state_dict(keep.state_dict())
    assert again.leader.name == checkpoint_name(4)
    assert [record.unreadable for record in again.records] == [1, 0, 1, 0]


def test_records_of_before_lack_no_samples():
    keep = Keep(best="a/mIoU", higher_is_better=True)
    keep.load_state_dict({"records": [{"name": "x", "update": 1, "score": 0.5}]})
    assert keep.records[0].unreadable == 0


def test_scores_relative_to_another_baseline_are_forgotten(caplog):
    keep = Keep(best="delta_m", relative_to={"a": 0.5})
    keep.record(1, {"delta_m": 0.25})
    same = Keep(best="delta_m", relative_to={"a": 0.5})
    same.load_state_dict(keep.state_dict())
    assert same.leader.score == 0.25
    assert not caplog.records
    changed = Keep(best="delta_m", relative_to={"a": 0.25})
    changed.load_state_dict(keep.state_dict())
    assert changed.leader is None
    assert "relative to {'a': 0.25}" in caplog.text
