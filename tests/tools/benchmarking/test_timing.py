from densefit.tools.benchmarking import timing
from densefit.tools.benchmarking.timing import milliseconds


def test_the_median_of_rounds_in_turn_without_the_first(monkeypatch):
    now, calls = [0.0], []
    seconds = {"a": iter([50.0, 0.1, 9.0, 0.3]), "b": iter([50.0, 0.4, 0.4, 0.4])}
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(timing.time, "sleep", lambda spent: None)

    def passing(name):
        def compute():
            calls.append(name)
            now[0] += next(seconds[name])

        return compute

    spent = milliseconds({name: passing(name) for name in seconds}, count=10, rounds=3)
    assert calls == ["a", "b"] * 4
    assert {name: round(value, 6) for name, value in spent.items()} == {"a": 30.0, "b": 40.0}
