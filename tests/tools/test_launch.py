import io
import os
import signal
import sys
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from densefit.distributed import launcher
from densefit.distributed.environment import settings_of
from densefit.distributed.launcher import Launch
from densefit.errors import ConfigError
from densefit.tools import launch as launch_tool
from densefit.tools.launch import command, parse
from tests import forked

TOOL = [sys.executable, "-m", "densefit.tools.launch"]
#: A rank ends by itself in the end: it is no child of the test, nor in a group with the launcher.
HEAD = """
import os, signal, sys, time
signal.alarm(120)
from densefit.distributed import world
world = world()
"""


def launch(tmp_path, code, *options):
    """Run a program by the launcher in this process; returns (status, stdout, stderr)."""
    program = tmp_path / "program.py"
    program.write_text(HEAD + code)
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(launcher, "subprocess", forked)
        status = launch_tool.main([*options, "--", str(program)])
    return status, out.getvalue(), err.getvalue()


@pytest.fixture
def started(tmp_path):
    """Start launchers as processes of their own, which end with the test, and their ranks too."""
    processes = []

    def start(code, *options, **streams):
        program = tmp_path / "program.py"
        program.write_text(HEAD + code)
        processes.append(
            forked.Popen(
                [*TOOL, *options, "--", str(program)],
                **{"stdout": forked.PIPE, "stderr": forked.PIPE, "text": True, **streams},
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def finished(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_output_comes_behind_the_number_of_its_rank(tmp_path):
    code = (
        "print(world.all_gather('x', world.rank))\n"
        "print('a warning of all', file=sys.stderr)\n"
        "print('a warning of', world.rank, file=sys.stderr)"
    )
    status, out, err = launch(tmp_path, code, "--nproc", "2")
    assert (status, out) == (0, "[0] [0, 1]\n")
    assert err.splitlines() == ["[0] a warning of all", "[0] a warning of 0", "[1] a warning of 1"]


def test_all_output_is_shown_on_request(tmp_path):
    code = "print('hello')\nprint('a warning', file=sys.stderr)"
    status, out, err = launch(tmp_path, code, "--nproc", "2", "--all-output")
    assert status == 0
    assert sorted(out.splitlines()) == ["[0] hello", "[1] hello"]
    assert sorted(err.splitlines()) == ["[0] a warning", "[1] a warning"]


def test_a_killed_rank_ends_the_others_and_is_named(tmp_path):
    code = "world.barrier('one')\nif world.rank == 1: os.kill(os.getpid(), signal.SIGKILL)\n"
    before = time.monotonic()
    status, _, err = launch(tmp_path, code + "world.barrier('two')", "--nproc", "3")
    assert time.monotonic() - before < 55  # after 60 s of silence a rank is dead too
    assert status == 128 + signal.SIGKILL
    assert "densefit launch: rank 1 (process " in err
    assert "was ended by SIGKILL; the others are ended" in err
    assert "[0] densefit.errors.DistributedError: Rank 1 has died" in err


def test_the_rank_that_failed_is_named_though_it_ends_last(tmp_path):
    code = (
        "if world.rank == 1:\n"
        "    world.fail(ValueError('first'))\n"
        "    time.sleep(1.2)  # what a library does at its end\n"
        "    os._exit(7)\n"
        "world.barrier('one')"
    )
    status, _, err = launch(tmp_path, code, "--nproc", "2")
    assert status == 7
    assert "densefit launch: rank 1 (process " in err
    assert "ended with status 7" in err


def test_ranks_that_wait_elsewhere_are_ended(tmp_path, monkeypatch):
    assert launcher.OWN_END + launcher.AFTER_TERM < 25  # the others end within 30 s
    monkeypatch.setattr(launcher, "OWN_END", 0.5)
    monkeypatch.setattr(launcher, "AFTER_TERM", 0.5)
    code = (
        "if world.rank == 1: sys.exit(3)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(100)"
    )
    status, _, err = launch(tmp_path, code, "--nproc", "2")
    assert status == 3
    assert "launch: rank 1" in err


def test_a_rank_that_stops_is_waited_for_no_longer(tmp_path, monkeypatch):
    monkeypatch.setattr(launcher, "OWN_END", 1.5)
    monkeypatch.setattr(launcher, "AFTER_TERM", 0.2)
    monkeypatch.setenv("DENSEFIT_SILENT_SECONDS", "1")
    code = (
        "world.barrier('one')\n"
        "if world.rank == 1: os.kill(os.getpid(), signal.SIGSTOP)\n"
        "world.barrier('two')"
    )
    ended = []
    end_all = launcher.Launcher._end_all
    monkeypatch.setattr(
        launcher.Launcher,
        "_end_all",
        lambda self, seconds: ended.append(seconds) or end_all(self, seconds),
    )
    status, _, err = launch(tmp_path, code, "--nproc", "2")
    assert status == 76
    assert "rank 0" in err
    assert "as another rank had failed or did not answer" in err
    assert ended[0] < 0.1  # the launcher has waited already, for the one that is to blame


def test_restarts_begin_again_and_come_to_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = "print('restart', world.restart, flush=True)\nif world.restart < 2: sys.exit(5)"
    status, out, err = launch(tmp_path, code, "--nproc", "2", "--restarts", "3")
    assert status == 0
    assert out.splitlines() == [f"[0] restart {number}" for number in range(3)]
    assert "all ranks start again (2 of 3 restarts)" in err
    status, out, err = launch(tmp_path, code, "--nproc", "1", "--restarts", "1")
    assert (status, len(out.splitlines())) == (5, 2)
    assert err.count("all ranks start again") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["program.py"]


def test_signals_reach_all_ranks(started):
    code = """
got = []
signal.signal(signal.SIGTERM, lambda number, frame: got.append(number))
world.barrier("ready")
print("ready", flush=True)
while not got: time.sleep(0.05)
print("got", got, world.all_gather("signals", got), flush=True)
"""
    process = started(code, "--nproc", "2", "--restarts", "1")
    assert process.stdout.readline() == "[0] ready\n"
    process.send_signal(signal.SIGTERM)
    status, out, _ = finished(process)
    assert (status, out) == (0, "[0] got [15] [[15], [15]]\n")


def test_a_training_that_a_signal_stopped_has_not_failed(started):
    code = """
signal.signal(signal.SIGINT, lambda number, frame: sys.exit(128 + number))
world.barrier("ready")
print("ready", flush=True)
time.sleep(100)
"""
    process = started(code, "--nproc", "2")
    assert process.stdout.readline() == "[0] ready\n"
    process.send_signal(signal.SIGINT)
    status, _, err = finished(process)
    assert status == 128 + signal.SIGINT
    assert "densefit launch: stopped by SIGINT" in err
    assert "ended with status" not in err


def test_a_signal_while_ranks_are_started_ends_them(tmp_path, monkeypatch):
    class Interrupted(forked.Popen):
        """As if the signal came between the start of a process and what the launcher does next."""

        def __init__(self, *arguments, **settings):
            super().__init__(*arguments, **settings)
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(forked, "Popen", Interrupted)
    status, out, _ = launch(tmp_path, "print('trains')", "--nproc", "2", "--restarts", "1")
    assert status != 0
    assert out == ""


@pytest.mark.parametrize("ranks", ["1", "2"])
def test_ranks_do_not_outlive_a_killed_launcher(started, ranks):
    code = (
        "print(os.getpid(), os.environ['DENSEFIT_LAUNCH_FOLDER'], flush=True)\n"
        "while True: time.sleep(0.1); world.barrier('y')"
    )
    process = started(code, "--nproc", ranks, start_new_session=True)
    *_, pid, folder = process.stdout.readline().split()
    assert Path(folder).is_dir()
    process.kill()
    process.communicate()
    end = time.monotonic() + 60  # they would wait for ever
    while (Path(f"/proc/{pid}").exists() or Path(folder).exists()) and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()
    assert not Path(folder).exists()


def test_output_that_nobody_reads_does_not_stop_the_ranks(started):
    code = "print('x' * 200_000)\nworld.barrier('one')\nprint('y' * 200_000)\nworld.barrier('two')"
    reading, writing = os.pipe()
    process = started(code, "--nproc", "2", stdout=writing)
    os.close(writing)
    os.close(reading)
    status, _, err = finished(process)
    assert status in (0, 141), err


def test_a_shell_may_stand_between_launcher_and_rank(tmp_path, monkeypatch):
    program = tmp_path / "program.py"
    program.write_text(HEAD + "time.sleep(1.5)\nworld.barrier('one')\nprint('done')")
    out = io.StringIO()
    with redirect_stdout(out):
        script = f"{sys.executable} {program}; exit $?"
        assert launch_tool.main(["--nproc", "2", "--", "sh", "-c", script]) == 0
    assert out.getvalue() == "[0] done\n"


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
