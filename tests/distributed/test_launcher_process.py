import os
import subprocess
import sys

from densefit.distributed.launcher_process import LauncherProcess


def test_a_parent_is_followed_by_its_children():
    assert not LauncherProcess(os.getppid()).has_died()


def test_a_process_above_the_parent_is_followed_until_it_ends():
    code = "input()"
    with subprocess.Popen([sys.executable, "-Sc", code], stdin=subprocess.PIPE) as other:
        launcher = LauncherProcess(other.pid)
        assert not launcher.has_died()
        other.stdin.close()
        other.wait()
        assert launcher.has_died()


def test_what_cannot_be_followed_does_not_die():
    assert not LauncherProcess(0).has_died()
    with subprocess.Popen(["true"]) as other:
        other.wait()
    assert not LauncherProcess(other.pid).has_died()  # of another container, say
