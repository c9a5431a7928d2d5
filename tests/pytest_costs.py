"""Hooks of pytest by which a test that does nothing costs 2 ms less: there are 20,000."""

import faulthandler
import logging
import math
import time

from _pytest.faulthandler import fault_handler_stderr_fd_key
from _pytest.logging import catching_logs
from _pytest.runner import runtestprotocol

#: Seconds after which a test that hangs tells where, and by which it may be early: the thread that
#: waits for it is not started anew for each test.
HANGS, EARLY = 300, 60
_watched_since = -math.inf


def watch_for_hangs(config):
    """Let all stacks be printed if no later test begins in time."""
    global _watched_since
    if time.monotonic() - _watched_since > EARLY:
        _watched_since = time.monotonic()
        stderr = config.stash[fault_handler_stderr_fd_key]
        faulthandler.dump_traceback_later(HANGS, file=stderr)


def catch_at_root(self):
    """Give a handler to the root logger alone.

    pytest 9.2 looks for loggers that do not propagate, six times a test, and gives it to them too:
    to 54 of PyTorch, whose messages no test looks at.
    """
    root = logging.getLogger()
    root.addHandler(self.handler)
    self.attached_loggers.append(root)
    if self.level is not None:
        self.handler.setLevel(self.level)
        self.orig_level = root.level
        root.setLevel(min(self.orig_level, self.level))
    return self.handler


def pytest_configure():
    if hasattr(catching_logs, "attached_loggers"):  # not in older ones
        catching_logs.__enter__ = catch_at_root


def pytest_unconfigure():
    faulthandler.cancel_dump_traceback_later()


def pytest_runtest_protocol(item, nextitem):
    """Of a test that passes, send the process that prints them one report and its end.

    pytest-xdist sends six messages, whose sending and receiving takes longer than a small test.
    Durations and JUnit's file need them all.
    """
    watch_for_hangs(item.config)
    options = item.config.option
    needs_all = options.durations is not None or options.xmlpath
    if needs_all or not hasattr(item.config, "workerinput"):
        return None
    return report_shortly(item, nextitem)


def report_shortly(item, nextitem):
    """Run a test; passed setups and teardowns are not reported."""
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
