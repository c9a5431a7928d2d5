"""The number of CPUs under quotas of cgroups."""

import os

import pytest

from densefit.process import cpus


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "150000 100000"}, 1.5),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3.0),
        ({}, None),
        ({"cpu.max": ""}, None),
    ],
)
def test_quota_of_a_container(tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert cpus._cgroup_quota(tmp_path, tmp_path / "nowhere") == expected


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        # a service: the limit is that of its own group, or of one above it
        ("0::/a.slice/b:c", {"a.slice/b:c/cpu.max": "200000 100000"}, 2.0),
        ("0::/a/b", {"cpu.max": "max 100000", "a/cpu.max": "150000 100000"}, 1.5),
        ("0::/a/b", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "100000 100000"}, 1.0),
        ("0::/a/b", {"a/cpu.max": "100000 100000", "a/b/cpu.max": "300000 100000"}, 1.0),
        ("0::/a", {"b/cpu.max": "100000 100000"}, None),  # of others
        # a container, whose path is that of its host
        ("0::/docker/f00", {"cpu.max": "250000 100000"}, 2.5),
        ("0::/../other", {"cpu.max": "50000 100000", "other/cpu.max": "1 100000"}, 0.5),
        # version 1
        (
            "5:memory:/m\n4:cpu,cpuacct:/a/b\n0::/x",
            {
                "cpu,cpuacct/a/cpu.cfs_quota_us": "400000",
                "cpu,cpuacct/a/cpu.cfs_period_us": "100000",
            },
            4.0,
        ),
        ("2:cpu:/a", {"cpu/a/cpu.cfs_quota_us": "50000", "cpu/a/cpu.cfs_period_us": "100000"}, 0.5),
        ("2:cpuset:/a", {"cpu/a/cpu.cfs_quota_us": "1", "cpu/a/cpu.cfs_period_us": "1"}, None),
        ("strange", {"cpu.max": "100000 100000"}, 1.0),
    ],
)
def test_quota_of_a_group_in_the_tree(tmp_path, membership, files, expected):
    (tmp_path / "membership").write_text(f"{membership}\n")
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert cpus._cgroup_quota(tmp_path, tmp_path / "membership") == expected


def test_available_cpus(tmp_path):
    (tmp_path / "cpu.max").write_text("50000 100000")
    assert cpus.available_cpus(tmp_path) == 1
    (tmp_path / "cpu.max").write_text("max 100000")
    assert cpus.available_cpus(tmp_path) == len(os.sched_getaffinity(0))
