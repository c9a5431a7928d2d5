"""Ranks on PyTorch train as one process with their global batch."""

import json
import signal
import subprocess
import sys

import pytest

from tests.distributed import ranks
from tests.train.test_ranks import PROGRAM, assert_same, close, launch, results, train

TORCH = {"engine": "torch"}
FROZEN = {"fit": {"freeze": ["*_gamma"], **TORCH}, "lr": 0.02, "scores": True}


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_frozen_statistics(tmp_path):
    (one,), (of_one,) = train(tmp_path, 1, "one", batch_size=8, **FROZEN)
    two, of_two = train(tmp_path, 2, "two", batch_size=4, **FROZEN)
    assert_same(two[0], two[1])
    assert of_two[0] == of_two[1]
    assert_same(one, two[0], exactly=False)
    close(of_one, of_two[0])


def test_synchronized_statistics_and_a_rank_without_a_sample(tmp_path):
    settings = {"length": 17, "lr": 0.02, "scores": True}  # 17 = 8 + 8 + 1
    (one,), (of_one,) = train(tmp_path, 1, "one", batch_size=8, fit=TORCH, **settings)
    synchronized = {**TORCH, "sync_batchnorm": True}
    two, of_two = train(tmp_path, 2, "two", batch_size=4, fit=synchronized, **settings)
    assert_same(two[0], two[1])
    assert_same(one, two[0], exactly=False)
    close(of_one, of_two[0])


def test_a_killed_rank_is_named_and_a_restart_ends_as_if_undisturbed(tmp_path):
    settings = {"batch_size": 4, "epochs": 3, "every": "2st", "lr": 0.02}
    settings["fit"] = {**TORCH, "sync_batchnorm": True}
    expected, histories = train(
        tmp_path, 2, "undisturbed", checkpoint=str(tmp_path / "undisturbed"), **settings
    )
    status, err = launch(
        tmp_path, 2, "two", "--restarts", "1", checkpoint=str(tmp_path / "b"), kill=5, **settings
    )
    assert status == 0, err
    assert "was ended by SIGKILL" in err
    assert "Rank 1 has died" in err
    parameters, again = results(tmp_path / "two", 2)
    assert_same(parameters[0], expected[0])
    assert again == histories


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
    (status, _, err), (killed, _, _) = ranks.finish(ranks.start(code, 2))
    assert killed == -signal.SIGKILL
    assert status == 76
    assert "DistributedError: Rank 1 has died" in err


def test_the_program_starts_under_torchrun(tmp_path):
    settings = {"batch_size": 4, "fit": TORCH, "lr": 0.02, "out": str(tmp_path / "run")}
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--master-addr", "127.0.0.1", "--master-port", str(ranks.free_port())]
    subprocess.run([*command, str(PROGRAM), json.dumps(settings)], check=True, timeout=120)
    parameters, histories = results(tmp_path / "run", 2)
    assert_same(parameters[0], parameters[1])
    assert histories[0] == histories[1]
