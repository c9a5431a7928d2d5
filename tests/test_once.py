import logging

from densefit.once import collected_warnings, first_time, forget, warn_once, was_said


def test_what_was_said_is_not_said_again_until_it_is_forgotten():
    assert first_time("a", 1)
    assert first_time("a", 2)
    assert not first_time("a", 1)
    assert was_said("a", 2)
    assert not was_said("a", 3)
    forget()
    assert first_time("a", 1)


def test_memory_is_bounded():
    assert sum(first_time(number) for number in range(20_000)) == 10_000


def test_one_warning_comes_once(caplog):
    logger = logging.getLogger("densefit.x")
    for number in (1, 1, 2):
        warn_once(logger, "%d of 3", number)
    assert [record.getMessage() for record in caplog.records] == ["1 of 3", "2 of 3"]
    assert caplog.records[0].filename == "test_once.py"


def test_warnings_are_collected_also_when_they_were_logged_before(caplog):
    logger = logging.getLogger("densefit.x")
    warn_once(logger, "%d of 3", 1)
    with collected_warnings() as outer:
        warn_once(logger, "%d of 3", 1)
        with collected_warnings() as inner:
            warn_once(logger, "last")
    warn_once(logger, "later")
    assert outer == [("densefit.x", "1 of 3"), ("densefit.x", "last")]
    assert inner == [("densefit.x", "last")]
    assert [record.getMessage() for record in caplog.records] == ["1 of 3", "last", "later"]
