"""Where the system has fewer calls than POSIX asks for."""

import os
import shutil
import sys

from densefit.process import system_calls
from tests import forked

#: A process of a system like Windows: these are gone before densefit is imported.
WITHOUT = """
import importlib.util, os, shutil, signal, sys
import cv2, numpy  # other packages are made for this system
for engine in ("mxnet", "torch"):
    if importlib.util.find_spec(engine):
        importlib.import_module(engine)
usage = shutil.disk_usage(".")
shutil.disk_usage = lambda path: usage  # on Windows it needs no `statvfs`
shutil._use_fd_functions = False  # and `rmtree` no descriptors of directories
sys.modules["fcntl"] = sys.modules["resource"] = None  # their import fails
for name in ("fork", "forkpty", "register_at_fork", "link", "readlink", "pread", "pwrite",
             "sysconf", "statvfs", "sched_getaffinity", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY",
             "O_CLOEXEC", "memfd_create", "getuid", "geteuid", "kill", "killpg", "posix_fadvise"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("pthread_sigmask", "SIGKILL", "SIGUSR1", "SIGALRM", "SIGHUP"):
    if hasattr(signal, name):
        delattr(signal, name)
real_open = os.open
def open_file(path, flags, *rest, **more):
    if not isinstance(path, int) and os.path.isdir(path):
        raise PermissionError(13, "a directory", path)
    return real_open(path, flags, *rest, **more)
os.open = open_file
"""


def run(code, folder):
    done = forked.run(
        [sys.executable, "-c", WITHOUT + code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        forget=["densefit"],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_training_is_saved_and_resumed(tmp_path):
    code = """
import numpy as np
import densefit as df
class Images:
    classes = ("a", "b")
    def __len__(self): return 8
    def id_of(self, index): return str(index)
    def __repr__(self): return "Images()"
    def __getitem__(self, index):
        image = np.full((32, 32, 3), 200 * (index % 2), np.uint8)
        return df.Sample(str(index), image, {"label": np.array(index % 2)})
network = df.Network("resnet18", [df.head("classification", classes=("a", "b"))],
                     settings={"width": 4})
def train(epochs):
    data = df.Cached(Images(), folder="cache", disk=10**7)
    loader = df.Loader(data, batch_size=4, heads=network.heads, worker_kind="threads", workers=1)
    return df.fit(network, loader, epochs=epochs, lr=0.01, checkpoint="out", progress=False,
                  callbacks=["memory"])
train(1)
def resume():
    data = df.Cached(Images(), folder="cache", disk=10**7)
    loader = df.Loader(data, batch_size=4, heads=network.heads, worker_kind="threads", workers=1)
    return df.fit(network, loader, epochs=2, lr=0.01, checkpoint="out", resume="auto",
                  progress=False)
print(len(resume().epochs))
"""
    assert run(code, tmp_path).split()[-1] == "2"


def test_a_file_is_read_at_a_position_without_pread(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"0123456789")
    descriptor = os.open(tmp_path / "file", os.O_RDONLY)
    expected = os.pread(descriptor, 4, 3)
    monkeypatch.delattr(os, "pread")
    assert system_calls.read_at(descriptor, 4, 3) == expected == b"3456"
    assert system_calls.read_at(descriptor, 4, 8) == b"89"
    os.close(descriptor)


def test_a_disk_is_queried_without_statvfs(tmp_path, monkeypatch):
    expected, usage = system_calls.disk_of(tmp_path), shutil.disk_usage(tmp_path)
    monkeypatch.delattr(os, "statvfs")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)  # as on Windows
    disk = system_calls.disk_of(tmp_path)
    assert disk.has_size
    assert disk.inodes is None
    assert abs(disk.free - expected.free) < 0.05 * expected.free


def test_memory_is_known_without_sysconf(monkeypatch):
    assert system_calls.total_memory() > 2**28
    monkeypatch.delattr(os, "sysconf")
    assert system_calls.total_memory() == 64 * 2**30


def test_remote_shards_come_through_a_cache(tmp_path):
    code = """
from densefit.datasets import Shapes, Shards
from densefit.tools.formats.packed_shards import pack_shards
pack_shards(Shapes(length=9, size=(24, 24)), __import__("pathlib").Path("p/train.rec"), 4000)
size = sum(os.path.getsize(f"p/{name}") for name in os.listdir("p"))
data = Shards(f"file://{os.getcwd()}/p", cache="c", cache_size=size * 4 // 5, buffer=0)
ids = [data[index].id for _ in range(2) for index in data.order(False, 1).indices(0, 0)]
print(len(set(ids)), len(ids))
"""
    assert run(code, tmp_path).split() == ["9", "18"]
