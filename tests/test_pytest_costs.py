"""Of a test that passes one report is sent; of another, each that did not pass."""

import logging
from types import SimpleNamespace

import pytest
from _pytest.logging import catching_logs

from tests import pytest_costs


def report(when, passed=True):
    return SimpleNamespace(when=when, passed=passed)


@pytest.mark.parametrize(
    ("reports", "sent"),
    [
        ([report("setup"), report("call"), report("teardown")], ["call"]),
        ([report("setup", False), report("teardown")], ["setup"]),
        ([report("setup"), report("call", False), report("teardown")], ["call"]),
        ([report("setup"), report("call"), report("teardown", False)], ["call", "teardown"]),
    ],
)
def test_what_is_sent(monkeypatch, reports, sent):
    monkeypatch.setattr(pytest_costs, "runtestprotocol", lambda item, log, nextitem: reports)
    seen, ended = [], []
    hooks = SimpleNamespace(
        pytest_runtest_logreport=lambda report: seen.append(report.when),
        pytest_runtest_logfinish=lambda nodeid, location: ended.append(nodeid),
    )
    item = SimpleNamespace(nodeid="test", location=("file", 1, "test"), ihook=hooks)
    assert pytest_costs.report_shortly(item, None)
    assert (seen, ended) == (sent, ["test"])


@pytest.mark.parametrize("setting", [{"durations": 0}, {"xmlpath": "file"}, {"worker": False}])
def test_all_is_sent_where_it_is_printed(monkeypatch, setting):
    monkeypatch.setattr(pytest_costs, "watch_for_hangs", lambda config: None)
    monkeypatch.setattr(pytest_costs, "report_shortly", lambda item, nextitem: "shortly")
    options = SimpleNamespace(**{"durations": None, "xmlpath": None, **setting})
    config = SimpleNamespace(option=options, workerinput={})
    item = SimpleNamespace(config=config)
    if not setting.get("worker", True):
        del config.workerinput
    assert pytest_costs.pytest_runtest_protocol(item, None) is None
    options.durations = options.xmlpath = None
    config.workerinput = {}
    assert pytest_costs.pytest_runtest_protocol(item, None) == "shortly"


def test_messages_and_levels_are_caught_at_the_root_as_ever(caplog):
    logger = logging.getLogger("tests.a_logger")
    with caplog.at_level("DEBUG"), catching_logs(logging.NullHandler(), level=logging.INFO):
        assert logging.getLogger().level == logging.DEBUG
        logger.debug("a message")
    assert caplog.messages == ["a message"]
    before, level = list(logging.getLogger().handlers), logging.getLogger().level
    with catching_logs(logging.NullHandler(), level=logging.DEBUG) as handler:
        assert logging.getLogger().handlers == [*before, handler]
        assert (handler.level, logging.getLogger().level) == (logging.DEBUG, logging.DEBUG)
    assert (logging.getLogger().handlers, logging.getLogger().level) == (before, level)


def test_hangs_are_watched_for_once_a_minute(monkeypatch):
    now, begun = [1000.0], []
    monkeypatch.setattr(pytest_costs, "_watched_since", -float("inf"))
    monkeypatch.setattr(pytest_costs.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(
        pytest_costs.faulthandler, "dump_traceback_later", lambda *_, **__: begun.append(now[0])
    )
    config = SimpleNamespace(stash={pytest_costs.fault_handler_stderr_fd_key: 2})
    for now[0] in (1000.0, 1030.0, 1060.0, 1061.0, 1100.0, 1130.0):
        pytest_costs.watch_for_hangs(config)
    assert begun == [1000.0, 1061.0, 1130.0]
