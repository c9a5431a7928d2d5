from types import SimpleNamespace

from densefit.engine.mxnet.monitoring import Monitoring


class Monitor:
    def __init__(self):
        self.exes, self.tics = [], 0

    def install(self, executor):
        self.exes.append(executor)

    def tic(self):
        self.tics += 1


class Module:
    def __init__(self, *executors):
        self._exec_group = SimpleNamespace(execs=list(executors))

    def install_monitor(self, monitor):
        for executor in self._exec_group.execs:
            monitor.install(executor)


def test_follows_the_executors_in_use():
    monitor = Monitor()
    monitoring, large, small = Monitoring(monitor), Module("a", "b"), Module("c")
    for module, expected in ((large, ["a", "b"]), (large, ["a", "b"]), (small, ["c"])):
        monitoring.begin(module, first=True)
        assert monitor.exes == expected
    small._exec_group.execs = ["d"]  # bound for another shape
    monitoring.begin(small, first=False)
    assert monitor.exes == ["d"]
    assert monitor.tics == 3
