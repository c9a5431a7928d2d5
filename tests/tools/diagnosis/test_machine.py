import pytest

from densefit.tools.diagnosis import machine
from densefit.tools.diagnosis.finding import NOTE, OK, PROBLEM


@pytest.mark.parametrize(
    ("threads", "status", "said"),
    [
        (None, OK, "4"),
        ("4", OK, "OMP_NUM_THREADS 4"),
        ("8", NOTE, "set it to 4: threads without a CPU wait"),
        ("1", NOTE, "3 CPUs stand idle"),
        ("x", OK, "OMP_NUM_THREADS x"),
    ],
)
def test_threads_are_compared_with_the_cpus(threads, status, said, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    environment = {} if threads is None else {"OMP_NUM_THREADS": threads}
    finding = machine.threads(environment, cpus=4)
    assert finding.status == status
    assert "4 of 16 (affinity or the container's quota)" in finding.text
    assert said in finding.line()


@pytest.mark.parametrize(
    ("available", "limit", "status"),
    [(8 << 20, None, OK), (1 << 20, None, NOTE), (8 << 20, "max", OK), (8 << 20, 1 << 30, NOTE)],
)
def test_the_containers_limit_counts(available, limit, status, tmp_path):
    (tmp_path / "meminfo").write_text(f"MemTotal: {16 << 20} kB\nMemAvailable: {available} kB\n")
    if limit is not None:
        (tmp_path / "memory.max").write_text(f"{limit}\n")
    finding = machine.memory(tmp_path / "meminfo", tmp_path)
    assert finding.status == status
    assert ("container" in finding.text) == (limit == 1 << 30)
    assert machine.memory(tmp_path / "nowhere", tmp_path).text == "unknown"


class Usage:
    def __init__(self, free):
        self.free = free


@pytest.mark.parametrize(
    ("free", "status", "shared"),
    [(50 << 30, OK, OK), (1 << 30, NOTE, OK), (64 << 20, PROBLEM, NOTE)],
)
def test_little_space_is_told(free, status, shared, monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage(free))
    (finding,) = machine.disks({"here": tmp_path})
    assert finding.status == status
    assert machine.shared_memory(tmp_path).status == shared


def test_a_folder_that_is_not_there_is_a_problem(tmp_path):
    (finding,) = machine.disks({"temporary": tmp_path / "nowhere"})
    assert finding.status == PROBLEM
    assert machine.shared_memory(tmp_path / "nowhere") is None
