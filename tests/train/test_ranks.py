"""Trainings of several ranks on loopback equal the training of one process."""

import json
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from densefit.data.batch import Batch
from densefit.distributed import World
from densefit.train.ranks import Ranks
from densefit.train.signals import Signals
from tests.distributed import ranks

PROGRAM = Path(__file__).with_name("rank_program.py")
FROZEN = {"fit": {"freeze": ["*_gamma"]}}


def results(out, size):
    parameters = [dict(np.load(f"{out}-{rank}.npz")) for rank in range(size)]
    return parameters, [json.loads(Path(f"{out}-{rank}.json").read_text()) for rank in range(size)]


def train(folder, size, trainings):
    """Make several trainings in the same ranks: name -> (parameters, histories) of each rank."""
    arguments = [
        json.dumps(
            [{**settings, "out": str(folder / name)} for name, settings in trainings.items()]
        )
    ]
    ranks.run(PROGRAM.read_text(), size, arguments)
    return {name: results(folder / name, size) for name in trainings}


def launch(tmp_path, size, name, *options, **settings):
    """Run a training by the launcher; returns its status and messages."""
    program = [str(PROGRAM), json.dumps([{**settings, "out": str(tmp_path / name)}])]
    return ranks.launch(["--nproc", str(size), *options, "--", *program])


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


#: Trainings of one process with a global batch, and of two ranks with half of it each.
ALIKE = {
    "plain": {"batch": 8, "scores": True, **FROZEN},
    "all at once": {
        "batch": 4,
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
    },
    "gradients": {"batch": 8, "fit": {**FROZEN["fit"], "balance": "db_mtl"}},
    "losses again": {"batch": 8, "fit": {**FROZEN["fit"], "balance": "famo"}},
    "a rank without a sample": {"batch": 8, "length": 9, "epochs": 3, **FROZEN},  # 9 = 8 + 1
    "refused": {"batch": 8, "broken": [7], "fit": {"on_nonfinite": "skip", **FROZEN["fit"]}},
    "three epochs": {"batch": 8, "epochs": 3, "every": "2st", "checkpoint": "frozen", **FROZEN},
}
#: What two ranks do beside: their settings, with 4 samples each.
ENDS = {
    "dropout": {"dropout": 0.5, "checkpoint": "dropout"},
    "undisturbed": {"epochs": 3, "every": "2st", "checkpoint": "undisturbed"},
    "unfrozen": {"fit": {"freeze": ["tiny_*"], "unfreeze": "1ep"}},
    "broken": {"missing": [3, 8], "on_error": "skip"},
    "signal": {"checkpoint": "signal", "every": "1ep", "terminate": 4},
    "stop": {"stop": 2},
    "stop at save": {"stop_at_save": True, "checkpoint": "s", "every": "2st", "background": False},
}


def settings_of(folder, size, trainings):
    """Settings of trainings of several ranks, whose checkpoints are in a folder."""
    chosen = {}
    for name, settings in trainings.items():
        settings = dict(settings)
        settings["batch_size"] = settings.pop("batch", 8) // size
        if "checkpoint" in settings:
            settings["checkpoint"] = str(folder / settings["checkpoint"])
        chosen[name] = settings
    return chosen


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    trained = train(folder, 1, settings_of(folder, 1, ALIKE))
    return {
        name: (parameters, histories) for name, ((parameters,), (histories,)) in trained.items()
    }


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Folder and messages of a training whose rank 0 was killed, in the second of three epochs."""
    folder = tmp_path_factory.mktemp("killed")
    settings = settings_of(folder, 2, {"k": ALIKE["three epochs"]})["k"]
    status, err = launch(folder, 2, "killed", kill=5, rank=0, **settings)
    assert status == 128 + signal.SIGKILL, err
    return folder, err


@pytest.fixture(scope="module")
def two(tmp_path_factory, killed):
    """Trainings of two ranks; the last one goes on where ranks were killed."""
    folder = tmp_path_factory.mktemp("two")
    copied = shutil.copytree(killed[0] / "frozen", folder / "copied")
    resumed = {**ALIKE["three epochs"], "checkpoint": str(copied), "resume": "auto"}
    return train(folder, 2, settings_of(folder, 2, {**ALIKE, **ENDS, "resumed": resumed}))


@pytest.fixture(scope="module")
def four(tmp_path_factory, killed):
    """Trainings of four ranks; the last one goes on where two ranks were killed."""
    folder = tmp_path_factory.mktemp("four")
    copied = shutil.copytree(killed[0] / "frozen", folder / "copied")
    resumed = {**ALIKE["three epochs"], "checkpoint": str(copied), "resume": "auto"}
    return train(folder, 4, settings_of(folder, 4, {"plain": ALIKE["plain"], "resumed": resumed}))


@pytest.mark.parametrize("name", ALIKE)
def test_two_ranks_train_as_one_process_with_the_global_batch(alone, two, name):
    parameters, histories = two[name]
    assert_same(parameters[0], parameters[1])
    assert histories[0] == histories[1]
    assert_same(alone[name][0], parameters[0], exactly=False)
    assert np.isfinite(parameters[0]["value_fc_weight"]).all()
    if name != "refused":  # the other rank's samples of a refused update are in its metrics
        close(alone[name][1], histories[0])


def test_four_ranks_train_as_one_process_with_the_global_batch(alone, four):
    parameters, histories = four["plain"]
    for other, history in zip(parameters[1:], histories[1:]):
        assert_same(parameters[0], other)
        assert history == histories[0]
    assert_same(alone["plain"][0], parameters[0], exactly=False)
    close(alone["plain"][1], histories[0])
    assert histories[0]["epochs"][0]["samples"] == 21  # 21 = 8 + 8 + 5: the last batch is uneven


def test_statistics_and_dropout_leave_the_ranks_equal(two):
    parameters, histories = two["dropout"]
    assert_same(parameters[0], parameters[1])
    assert histories[0] == histories[1]


def test_gradients_of_newly_trained_parameters_are_summed(two):
    parameters, histories = two["unfrozen"]
    assert_same(parameters[0], parameters[1])
    assert histories[0] == histories[1]
    assert [epoch.get("frozen") for epoch in histories[0]["epochs"]] == [3, None]


def test_broken_samples_leave_their_batches_smaller(two):
    parameters, histories = two["broken"]
    assert_same(parameters[0], parameters[1])
    assert [epoch["samples"] for epoch in histories[1]["epochs"]] == [19, 19]
    assert histories[0] == histories[1]


def test_a_killed_rank_is_told_and_a_restart_ends_as_if_undisturbed(tmp_path, two):
    settings = settings_of(tmp_path, 2, {"u": ENDS["undisturbed"]})["u"]
    status, err = launch(tmp_path, 2, "two", "--restarts", "1", kill=5, **settings)
    assert status == 0, err
    assert re.search(r"rank 1 \(process \d+\) was ended by SIGKILL", err)
    parameters, histories = results(tmp_path / "two", 2)
    for rank in range(2):
        assert_same(parameters[rank], two["undisturbed"][0][rank])
        assert histories[rank] == two["undisturbed"][1][rank]


def test_without_restarts_a_later_start_resumes(killed, two):
    err = killed[1]
    assert "rank 0 (process" in err
    assert re.search(r"\[1\] densefit.*: Rank 0 has died", err)  # by itself, or by the launcher
    for rank in range(2):
        assert_same(two["resumed"][0][rank], two["three epochs"][0][rank])
        assert two["resumed"][1][rank] == two["three epochs"][1][rank]


def test_another_number_of_ranks_resumes_in_mid_epoch(alone, four):
    parameters, histories = four["resumed"]
    for rank in range(4):
        assert_same(parameters[0], parameters[rank])
    assert_same(alone["three epochs"][0], parameters[3], exactly=False)
    close(alone["three epochs"][1], histories[3])


def test_a_signal_to_one_rank_ends_all_after_a_checkpoint(two):
    parameters, histories = two["signal"]
    assert_same(parameters[0], parameters[1])
    for history in histories:
        assert "SIGTERM; saved" in history["failure"]


@pytest.mark.parametrize(
    ("name", "reason", "updates"), [("stop", "enough", 2), ("stop at save", "saved twice", 4)]
)
def test_a_stop_of_one_ranks_callback_stops_all(two, name, reason, updates):
    for history in two[name][1]:
        assert history["stop"] == reason
        assert history["epochs"][-1]["update"] == updates


def test_an_error_of_one_rank_ends_all(tmp_path):
    arguments = [json.dumps([{"out": str(tmp_path / "x"), "batch_size": 4, "raise": 2}])]
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
        ({"balance": "modo", "accumulate": 2}, "those of one rank's samples"),
    ],
)
def test_what_ranks_cannot_do_is_refused_by_name(tmp_path, fit, text):
    arguments = [json.dumps([{"out": str(tmp_path / "x"), "batch_size": 4, "fit": fit}])]
    for status, _, err in ranks.finish(ranks.start(PROGRAM.read_text(), 2, arguments)):
        assert status in (1, 76)
        assert text in err


def test_a_signal_that_one_rank_alone_knows_of_waits_until_all_do():
    class Two(World):
        is_shared = True
        numbers = (None, None)

        def all_gather(self, name, value):
            return [{**(value or {}), "signal": number} for number in self.numbers]

    world, signals = Two(), Signals()
    ranks_of_two = Ranks(world, None, signals=signals)
    ranks_of_two.share_requests("the end of update 1")
    signals.received = signal.SIGTERM  # now; the other rank is past this point
    assert ranks_of_two.signal is None
    world.numbers = (None, signal.SIGTERM)
    ranks_of_two.share_requests("the end of update 2")
    assert ranks_of_two.signal == signal.SIGTERM


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
