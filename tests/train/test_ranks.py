"""Trainings of several ranks on loopback equal the training of one process."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from densefit.data.batch import Batch
from densefit.distributed import World
from densefit.train.ranks import Ranks
from tests.distributed import ranks

PROGRAM = Path(__file__).with_name("rank_program.py")
FROZEN = {"fit": {"freeze": ["*_gamma"]}}


def results(out, size):
    parameters = [dict(np.load(f"{out}-{rank}.npz")) for rank in range(size)]
    return parameters, [json.loads(Path(f"{out}-{rank}.json").read_text()) for rank in range(size)]


def train(tmp_path, size, name, **settings):
    """Parameters and history of each rank."""
    out = tmp_path / name
    arguments = [json.dumps({**settings, "out": str(out)})]
    ranks.run(PROGRAM.read_text(), size, arguments)
    return results(out, size)


def launch(tmp_path, size, name, *options, **settings):
    """Run a training by the launcher; returns its status and messages."""
    out = tmp_path / name
    done = subprocess.run(
        [sys.executable, "-m", "densefit.tools.launch", "--nproc", str(size), *options, "--"]
        + [str(PROGRAM), json.dumps({**settings, "out": str(out)})],
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stderr


def assert_same(first, second, exactly=True):
    assert first.keys() == second.keys()
    for name, value in first.items():
        if exactly:
            np.testing.assert_array_equal(value, second[name], err_msg=name)
        else:
            np.testing.assert_allclose(value, second[name], rtol=1e-4, atol=1e-5, err_msg=name)


def close(first, second):
    """Compare numbers of histories, to rounding."""
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        for key, value in first.items():
            close(value, second[key])
    elif isinstance(first, list):
        assert len(first) == len(second)
        for one, other in zip(first, second):
            close(one, other)
    elif first is None or isinstance(first, str):
        assert first == second
    else:
        assert first == pytest.approx(second, rel=1e-4), (first, second)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One process with the global batch of 8; partial labels, and frozen BatchNorm."""
    parameters, histories = train(
        tmp_path_factory.mktemp("alone"), 1, "alone", batch_size=8, scores=True, **FROZEN
    )
    return parameters[0], histories[0]


@pytest.mark.parametrize(("size", "settings"), [(2, {}), (4, {"fit": {"accumulate": 1}})])
def test_ranks_train_as_one_process_with_the_global_batch(tmp_path, alone, size, settings):
    options = {**settings, **FROZEN}
    parameters, histories = train(
        tmp_path, size, "shared", batch_size=8 // size, scores=True, **options
    )
    for other, history in zip(parameters[1:], histories[1:]):
        assert_same(parameters[0], other)
        assert history == histories[0]
    assert_same(alone[0], parameters[0], exactly=False)
    close(alone[1], histories[0])
    assert histories[0]["epochs"][0]["samples"] == 21  # 21 = 8 + 8 + 5: the last batch is uneven


def test_accumulation_clipping_averages_and_balance(tmp_path):
    settings = {
        "optimizer": "adam",
        "optimizer_params": {},
        "lr": 0.01,
        "fit": {
            **FROZEN["fit"],
            "accumulate": 2,
            "clip_norm": 0.1,
            "ema": 0.9,
            "balance": "dwa",
        },
    }
    (one,), (of_one,) = train(tmp_path, 1, "one", batch_size=4, **settings)
    two, of_two = train(tmp_path, 2, "two", batch_size=2, **settings)
    assert_same(two[0], two[1])
    assert_same(one, two[0], exactly=False)
    close(of_one, of_two[0])


def test_statistics_and_dropout_leave_the_ranks_equal(tmp_path):
    settings = {"dropout": 0.5, "batch_size": 4, "checkpoint": str(tmp_path / "saved")}
    two, histories = train(tmp_path, 2, "two", **settings)
    assert_same(two[0], two[1])
    assert histories[0] == histories[1]


def test_a_rank_without_a_sample_takes_part(tmp_path):
    settings = {"length": 9, "epochs": 3, **FROZEN}  # 9 = 8 + 1
    (one,), _ = train(tmp_path, 1, "one", batch_size=8, **settings)
    two, _ = train(tmp_path, 2, "two", batch_size=4, **settings)
    assert_same(two[0], two[1])
    assert_same(one, two[0], exactly=False)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    path = tmp_path_factory.mktemp("undisturbed")
    saved = str(path / "saved")
    return train(path, 2, "two", batch_size=4, epochs=3, every="2st", checkpoint=saved)


def test_a_killed_rank_is_told_and_a_restart_ends_as_if_undisturbed(tmp_path, undisturbed):
    settings = {"batch_size": 4, "epochs": 3, "every": "2st", "kill": 5}
    status, err = launch(
        tmp_path, 2, "two", "--restarts", "1", checkpoint=str(tmp_path / "saved"), **settings
    )
    assert status == 0, err
    assert re.search(r"rank 1 \(process \d+\) was ended by SIGKILL", err)
    parameters, histories = results(tmp_path / "two", 2)
    for rank in range(2):
        assert_same(parameters[rank], undisturbed[0][rank])
        assert histories[rank] == undisturbed[1][rank]


def test_without_restarts_a_later_start_resumes(tmp_path, undisturbed):
    settings = {"batch_size": 4, "epochs": 3, "every": "2st", "checkpoint": str(tmp_path / "saved")}
    status, err = launch(tmp_path, 2, "two", kill=5, rank=0, **settings)
    assert status == 128 + signal.SIGKILL
    assert "rank 0 (process" in err
    assert "[1] densefit.errors.DistributedError: Rank 0 has died" in err
    status, err = launch(tmp_path, 2, "two", resume="auto", **settings)
    assert status == 0, err
    assert_same(results(tmp_path / "two", 2)[0][1], undisturbed[0][0])


def test_another_number_of_ranks_resumes_in_mid_epoch(tmp_path):
    settings = {"epochs": 2, "every": "2st", **FROZEN}
    (one,), (history,) = train(
        tmp_path, 1, "one", batch_size=8, checkpoint=str(tmp_path / "a"), **settings
    )
    saved = str(tmp_path / "b")
    status, err = launch(tmp_path, 2, "two", batch_size=4, checkpoint=saved, kill=3, **settings)
    assert status == 128 + signal.SIGKILL, err
    status, err = launch(tmp_path, 4, "four", batch_size=2, checkpoint=saved, resume="auto",
                         **settings)  # fmt: skip
    assert status == 0, err
    parameters, histories = results(tmp_path / "four", 4)
    assert_same(one, parameters[3], exactly=False)
    close(history, histories[3])


def test_an_update_that_one_rank_refuses_is_skipped_by_all(tmp_path):
    settings = {"broken": [7], "fit": {"on_nonfinite": "skip", **FROZEN["fit"]}}
    (one,), (of_one,) = train(tmp_path, 1, "one", batch_size=8, **settings)
    two, of_two = train(tmp_path, 2, "two", batch_size=4, **settings)
    assert_same(two[0], two[1])
    assert of_two[0] == of_two[1]
    assert_same(one, two[0], exactly=False)
    assert np.isfinite(one["value_fc_weight"]).all()


def test_a_signal_to_one_rank_ends_all_after_a_checkpoint(tmp_path):
    saved = str(tmp_path / "saved")
    parameters, histories = train(
        tmp_path, 2, "two", batch_size=4, checkpoint=saved, every="1ep", terminate=4
    )
    assert_same(parameters[0], parameters[1])
    for history in histories:
        assert "SIGTERM; saved" in history["failure"]
    assert (tmp_path / "saved").exists()


def test_a_stop_of_one_ranks_callback_stops_all(tmp_path):
    _, histories = train(tmp_path, 2, "two", batch_size=4, stop=2)
    assert [history["stop"] for history in histories] == ["enough"] * 2
    assert [history["epochs"][-1]["update"] for history in histories] == [2, 2]


def test_an_error_of_one_rank_ends_all(tmp_path):
    arguments = [json.dumps({"out": str(tmp_path / "x"), "batch_size": 4, "raise": 2})]
    done = ranks.finish(ranks.start(PROGRAM.read_text(), 2, arguments))
    assert done[1][0] == 1
    assert done[0][0] == 76
    assert "Rank 1 has failed: ValueError: a bug of a callback" in done[0][2]


@pytest.mark.parametrize(
    ("fit", "text"),
    [
        pytest.param(
            {"sync_batchnorm": True, "engine": "mxnet"},
            "SyncBatchNorm is not computed over ranks by MXNet",
            marks=pytest.mark.mxnet,
        ),
        ({"balance": "pcgrad"}, "gradients are compared within one process"),
    ],
)
def test_what_ranks_cannot_do_is_refused_by_name(tmp_path, fit, text):
    arguments = [json.dumps({"out": str(tmp_path / "x"), "batch_size": 4, "fit": fit})]
    for status, _, err in ranks.finish(ranks.start(PROGRAM.read_text(), 2, arguments)):
        assert status in (1, 76)
        assert text in err


def test_alone_nothing_is_exchanged():
    one = Ranks(World(), None)
    batch = Batch({}, {}, 3, labelled={"a": np.array([True, True, False])}, counts={"boxes": 4})
    assert one.sum_samples([batch], ["a"]) == (3, {"a": 2}, {"boxes": 4})
    assert one.sum_losses({"a": 0.5}) == {"a": 0.5}
    assert one.seed(7) == 7
    one.share_requests("here")
    one.gather_metrics()
    one.mean_statistics()
    one.check_equal("here")
