import logging

import numpy as np
import pytest

import densefit as df
from densefit.callbacks import Control, Memory, TrainState
from densefit.callbacks.jsonl import read_lines
from densefit.callbacks.memory_use import host_free, memory_in_use


def train(tiny, callback, epochs=3, **settings):
    network = tiny.network()
    loader = tiny.loader(network, length=8)
    params = {"learning_rate": 0.01}
    df.fit(
        network, loader, epochs=epochs, optimizer_params=params, callbacks=[callback], **settings
    )


def test_each_epoch_is_measured_and_logged(tiny, tmp_path, caplog):
    callback = Memory(tmp_path / "memory.jsonl")
    with caplog.at_level(logging.INFO, logger="densefit"):
        train(tiny, callback, epochs=2, checkpoint=tmp_path / "run")
        train(tiny, callback, epochs=3, checkpoint=tmp_path / "run", resume="auto")
    lines = read_lines(tmp_path / "memory.jsonl")
    assert [(line["kind"], line["epoch"], line["update"]) for line in lines] == [
        ("epoch", 0, 2),
        ("epoch", 1, 4),
        ("epoch", 2, 6),
    ]
    assert callback.numbers == {key: lines[-1][key] for key in callback.numbers}
    assert "at the end of epoch 3: host" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_the_measures_are_those_of_this_process():
    before = memory_in_use()
    taken = np.ones(64 * 2**17)  # 64 MiB, all of its pages touched
    after = memory_in_use()
    assert 55 < after["memory/host"] - before["memory/host"] < 75
    assert after["memory/host_peak"] >= after["memory/host"] - 1
    assert before["memory/host_peak"] <= after["memory/host_peak"]
    assert after["memory/host_free"] > 0
    del taken
    assert memory_in_use()["memory/host_peak"] >= after["memory/host_peak"]


def warned(tiny, caplog, host, free=500.0, **settings):
    """How often a training warns, in whose epoch e the process has `host(e)` MiB."""
    numbers = iter(range(1000))

    def measure():
        return {"memory/host": float(host(next(numbers))), "memory/host_free": free}

    train(tiny, Memory(measure=measure), **{"epochs": 12, **settings})
    return sum("grows steadily" in record.message for record in caplog.records)


def test_a_leak_that_will_end_the_training_is_told_once(tiny, caplog):
    # After epochs 3 to 8 it is known to grow by 100 an epoch, with 4 epochs left to train.
    assert warned(tiny, caplog, lambda epoch: 1000 + 100 * epoch, free=350) == 1
    assert "50000.0 MiB each 1,000 updates" in caplog.text
    assert "short by 50 MiB" in caplog.text


@pytest.mark.parametrize(
    ("what", "host", "free"),
    [
        ("there is enough for it", lambda epoch: 1000 + 100 * epoch, 450),
        ("a cache fills", lambda epoch: 1000 + 100 * min(epoch, 6), 10),
        ("it comes closer to its end", lambda epoch: 2000 - 1000 / (epoch + 1), 10),
        ("up and down", lambda epoch: 1000 + 50 * epoch + 200 * (epoch % 3), 10),
        ("a step now and then", lambda epoch: 1000 + 500 * (epoch // 4), 10),
        ("nothing", lambda epoch: 1000, 10),
    ],
)
def test_no_false_alarm(tiny, caplog, what, host, free):
    assert warned(tiny, caplog, host, free) == 0


def test_a_rollback_counts_no_epoch_twice():
    grown = iter(range(1000, 9999, 100))
    callback = Memory(measure=lambda: {"memory/host": next(grown)})
    control = Control()
    callback.fit_started(TrainState(None), control)
    for update in (2, 4, 6):
        callback.epoch_ended(TrainState(None, update=update), control)
    callback.rolled_back(TrainState(None, update=2), control)
    callback.epoch_ended(TrainState(None, update=4), control)
    assert callback._seen == [(2, 1000), (4, 1300)]


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_what_is_free_is_the_least_of_the_machine_and_all_cgroups(tmp_path):
    meminfo, membership, mount = tmp_path / "meminfo", tmp_path / "cgroup", tmp_path / "sys"

    def free():
        return host_free(meminfo, mount, membership)

    assert free() is None
    meminfo.write_text("MemTotal: 9000 kB\nMemAvailable:   5000 kB\nHugePages_Total:  0\n")
    assert free() == 5000 * 1024
    membership.write_text("1:cpu:/job\n0::/job/step\n")
    write(mount, memory__stat="inactive_file 5\n")
    write(mount / "job" / "step", memory__max="max\n", memory__current="9\n")
    assert free() == 5000 * 1024
    write(mount / "job", memory__max="2000\n", memory__current="1500\n")
    write(mount / "job", memory__stat="anon 1200\ninactive_file 300\n")
    assert free() == 2000 - 1500 + 300
    membership.write_text("4:cpuset,memory:/old\n")
    old = mount / "memory" / "old"
    write(old, memory__limit_in_bytes="1000\n", memory__usage_in_bytes="1200\n")
    assert free() == 0
    write(old, memory__stat="cache 5\ntotal_inactive_file 300\n")
    assert free() == 100
