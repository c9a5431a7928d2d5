import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from densefit.distributed import launcher
from densefit.distributed.environment import settings_of
from densefit.distributed.launcher import Launch
from densefit.errors import ConfigError
from densefit.tools.launch import command, parse

TOOL = [sys.executable, "-m", "densefit.tools.launch"]
HEAD = "import os, signal, sys, time\nfrom densefit.distributed import world\nworld = world()\n"


def launch(tmp_path, code, *options):
    program = tmp_path / "program.py"
    program.write_text(HEAD + code)
    return subprocess.Popen(
        [*TOOL, *options, "--", str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def finished(process, seconds=60):
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def test_output_comes_behind_the_number_of_its_rank(tmp_path):
    code = "print(world.all_gather('x', world.rank))\nprint('to stderr', file=sys.stderr)"
    status, out, err = finished(launch(tmp_path, code, "--nproc", "2"))
    assert (status, out) == (0, "[0] [0, 1]\n")
    assert sorted(err.splitlines()) == ["[0] to stderr", "[1] to stderr"]


def test_all_output_is_shown_on_request(tmp_path):
    status, out, _ = finished(launch(tmp_path, "print('hello')", "--nproc", "2", "--all-output"))
    assert status == 0
    assert sorted(out.splitlines()) == ["[0] hello", "[1] hello"]


def test_a_killed_rank_ends_the_others_and_is_named(tmp_path):
    code = "world.barrier('one')\nif world.rank == 1: os.kill(os.getpid(), signal.SIGKILL)\n"
    before = time.monotonic()
    status, _, err = finished(launch(tmp_path, code + "world.barrier('two')", "--nproc", "3"))
    assert time.monotonic() - before < 30
    assert status == 128 + signal.SIGKILL
    assert "densefit launch: rank 1 (process " in err
    assert "was ended by SIGKILL; the others are ended" in err
    assert "[0] densefit.errors.DistributedError: Rank 1 has died" in err


def test_the_status_of_a_failed_rank_is_the_launchers(tmp_path):
    code = "if world.rank == 1: sys.exit(7)\nworld.barrier('one')"
    status, _, err = finished(launch(tmp_path, code, "--nproc", "2"))
    assert status == 7
    assert "ended with status 7" in err


def test_ranks_that_wait_elsewhere_are_ended(tmp_path, monkeypatch):
    assert launcher.OWN_END + launcher.AFTER_TERM < 25  # the others end within 30 s
    monkeypatch.setattr(launcher, "OWN_END", 0.5)
    monkeypatch.setattr(launcher, "AFTER_TERM", 0.5)
    code = (
        "if world.rank == 1: sys.exit(3)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(100)"
    )
    program = tmp_path / "program.py"
    program.write_text(HEAD + code)
    texts = []
    ranks = Launch([sys.executable, str(program)], nproc=2)
    assert launcher.Launcher(ranks, texts.append).run() == 3
    assert "rank 1" in texts[0]


def test_restarts_begin_again_with_the_number_of_the_restart(tmp_path):
    code = "print('restart', world.restart, flush=True)\nif world.restart < 2: sys.exit(1)"
    status, out, err = finished(launch(tmp_path, code, "--nproc", "2", "--restarts", "3"))
    assert status == 0
    assert out.splitlines() == [f"[0] restart {number}" for number in range(3)]
    assert "all ranks start again (2 of 3 restarts)" in err


def test_restarts_come_to_an_end(tmp_path):
    status, _, err = finished(launch(tmp_path, "sys.exit(5)", "--nproc", "1", "--restarts", "1"))
    assert status == 5
    assert err.count("all ranks start again") == 1


def test_signals_reach_all_ranks(tmp_path):
    code = """
got = []
signal.signal(signal.SIGTERM, lambda number, frame: got.append(number))
world.barrier("ready")
print("ready", flush=True)
while not got: time.sleep(0.05)
print("got", got, world.all_gather("signals", got), flush=True)
"""
    process = launch(tmp_path, code, "--nproc", "2", "--restarts", "1")
    assert process.stdout.readline() == "[0] ready\n"
    process.send_signal(signal.SIGTERM)
    status, out, _ = finished(process)
    assert (status, out) == (0, "[0] got [15] [[15], [15]]\n")


def test_ranks_do_not_outlive_a_killed_launcher(tmp_path):
    code = (
        "print(os.getpid(), flush=True)\nworld.barrier('ready')\ntime.sleep(1)\nworld.barrier('x')"
    )
    code += "\nwhile True: time.sleep(0.1); world.barrier('y')"
    process = launch(tmp_path, code, "--nproc", "2")
    pid = int(process.stdout.readline().split()[1])
    time.sleep(1.5)
    process.kill()
    process.communicate()
    end = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert not Path(f"/proc/{pid}").exists()


def test_a_machine_knows_its_ranks():
    chosen = Launch(["x"], nproc=3, nnodes=2, node_rank=1)
    environment = chosen.environment(2, restart=1, master=("10.0.0.1", 500))
    settings = settings_of({**environment, "DENSEFIT_TOKEN": "t"})
    assert (settings.rank, settings.size, settings.local_rank) == (5, 6, 2)
    assert (settings.host, settings.ports, settings.restart) == ("10.0.0.1", (500,), 1)
    assert environment["MASTER_PORT"] == "501"


def test_programs_are_files_modules_and_commands(tmp_path):
    program = tmp_path / "train.py"
    program.write_text("")
    assert command([str(program), "-x"]) == [sys.executable, str(program), "-x"]
    assert command(["-m", "a.b"]) == [sys.executable, "-m", "a.b"]
    densefit = command(["densefit", "train", "det"])
    assert densefit == [sys.executable, "-m", "densefit.tools.cli", "train", "det"]
    assert command(["sh", "-c", "true"]) == ["sh", "-c", "true"]
    assert parse(["--nproc", "2", "--", "sh", "--nproc", "3"]).command == ["sh", "--nproc", "3"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "no program"),
        (["--nproc", "0", "--", "sh"], "--nproc is out of range"),
        (["--nproc", "x", "--", "sh"], "invalid int"),
        (["--restarts", "-1", "--", "sh"], "--restarts is out of range"),
        (["--node-rank", "1", "--", "sh"], "--node-rank is out of range"),
        (["--nnodes", "2", "--", "sh"], "a common secret"),
        (["--master", "here", "--", "sh"], "host:port"),
        (["--", "no-such-program"], "not found"),
        (["--", "no_such_file.py"], "does not exist"),
    ],
)
def test_what_cannot_start_is_refused(arguments, text, monkeypatch):
    monkeypatch.delenv("DENSEFIT_TOKEN", raising=False)
    with pytest.raises(ConfigError, match=text):
        parse(arguments)
