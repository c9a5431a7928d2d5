from math import isnan

from densefit.callbacks.clock import Clock
from densefit.callbacks.pace import Speed, Waiting, duration


def test_speed_is_measured_since_the_last_reading():
    speed = Speed()
    speed.start(0, 10.0)
    assert speed.read(16, 12.0) == 8
    assert speed.read(32, 13.0) == 16
    assert isnan(speed.read(32, 13.0))  # no time has passed


def test_the_share_of_waiting_is_that_of_the_epoch_so_far():
    clock, waiting = Clock(), Waiting()
    assert isnan(waiting.read(clock))
    clock.seconds.update(data=1.0, forward=2.0, backward=1.0, validation=100.0)
    assert waiting.read(clock) == 0.25
    clock.seconds.update(data=2.0)
    assert waiting.read(clock) == waiting.read(clock) == 0.4
    waiting.start(clock)
    assert isnan(waiting.read(clock))
    clock.seconds.update(data=3.0)
    assert waiting.read(clock) == 1.0


def test_durations():
    assert [duration(s) for s in (0, 59.4, 60, 3599.6)] == ["0:00", "0:59", "1:00", "1:00:00"]
