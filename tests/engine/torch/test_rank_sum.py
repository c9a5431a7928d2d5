"""Ranks on PyTorch train as one process with their global batch."""

import os
import signal
import sys

import pytest

from tests import forked
from tests.distributed import ranks
from tests.train.test_ranks import assert_same, close, launch, results, train

TORCH = {"engine": "torch"}
FROZEN = {"fit": {"freeze": ["*_gamma"], **TORCH}, "lr": 0.02, "scores": True}


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


SYNCHRONIZED = {**TORCH, "sync_batchnorm": True}
#: Trainings of one process, and of two ranks; 17 = 8 + 8 + 1 samples.
ONE = {"length": 17, "lr": 0.02, "scores": True, "fit": TORCH}
TWO = {**ONE, "fit": SYNCHRONIZED}
RESTARTED = {
    **{"batch_size": 4, "epochs": 3, "every": "2st", "lr": 0.02, "checkpoint": "undisturbed"},
    "fit": SYNCHRONIZED,
}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    trainings = {"frozen": {"batch_size": 8, **FROZEN}, "synchronized": {"batch_size": 8, **ONE}}
    return train(tmp_path_factory.mktemp("alone"), 1, trainings)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    return train(
        folder,
        2,
        {
            "frozen": {"batch_size": 4, **FROZEN},
            "synchronized": {"batch_size": 4, **TWO},
            "undisturbed": {**RESTARTED, "checkpoint": str(folder / "undisturbed")},
        },
    )


@pytest.mark.parametrize("name", ["frozen", "synchronized"])
def test_ranks_train_as_one_process(alone, two, name):
    """In the synchronized one, a rank has no sample in the last batch of an epoch."""
    parameters, histories = two[name]
    assert_same(parameters[0], parameters[1])
    assert histories[0] == histories[1]
    assert_same(alone[name][0][0], parameters[0], exactly=False)
    close(alone[name][1][0], histories[0])


def test_a_killed_rank_is_named_and_a_restart_ends_as_if_undisturbed(tmp_path, two):
    saved = str(tmp_path / "b")
    settings = {**RESTARTED, "checkpoint": saved}
    status, err = launch(tmp_path, 2, "two", "--restarts", "1", kill=5, **settings)
    assert status == 0, err
    assert "was ended by SIGKILL" in err
    assert "Rank 1 has died" in err
    parameters, again = results(tmp_path / "two", 2)
    assert_same(parameters[0], two["undisturbed"][0][0])
    assert again == two["undisturbed"][1]


def test_a_rank_that_dies_within_a_sum_is_named(tmp_path):
    code = """
import os, signal, sys, torch
from densefit.distributed import world
from densefit.engine.torch.process_group import join_group
from densefit.engine.torch.rank_sum import RankSum
world = world()
join_group(world, torch.device("cpu"))
parameter = torch.zeros(3, requires_grad=True)
parameter.grad = torch.full((3,), float(world.rank + 1))
total = RankSum(world, {"a": parameter})(4)
assert (total, parameter.grad.tolist()) == (8.0, [3.0] * 3)
if world.rank == 1:
    os.kill(os.getpid(), signal.SIGKILL)
RankSum(world, {"a": parameter})(4)
"""
    started = ranks.start(code, 2, TMPDIR=str(tmp_path))
    (status, _, err), (killed, _, _) = ranks.finish(started)
    assert killed == -signal.SIGKILL
    assert status == 76
    assert "DistributedError: Rank 1 has died" in err
    assert not list(tmp_path.iterdir())  # the file in which the ranks met


def test_ranks_start_under_torchrun(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("""
import sys, torch
from densefit.distributed import world
from densefit.engine.torch.process_group import join_group
from densefit.engine.torch.rank_sum import RankSum
world = world()
join_group(world, torch.device("cpu"))
parameter = torch.zeros(3, requires_grad=True)
parameter.grad = torch.full((3,), float(world.rank + 1))
assert RankSum(world, {"a": parameter})(4) == 8.0
open(f"{sys.argv[1]}/{world.rank} of {world.size}", "w").write(str(parameter.grad.tolist()))
""")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--master-addr", "127.0.0.1", "--master-port", str(ranks.free_port())]
    environment = {**os.environ, "DENSEFIT_SYMBOL": "densefit"}  # ranks need no MXNet
    forked.run([*command, str(program), str(tmp_path)], env=environment, check=True, timeout=120)
    for rank in range(2):
        assert (tmp_path / f"{rank} of 2").read_text() == "[3.0, 3.0, 3.0]"
