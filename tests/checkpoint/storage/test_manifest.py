import hashlib
import json
import os

import pytest

from densefit.checkpoint.storage import manifest
from densefit.checkpoint.storage.manifest import Manifest
from densefit.errors import CheckpointError


@pytest.fixture
def place(tmp_path):
    """A checkpoint of one file."""
    (tmp_path / "state.json").write_bytes(b"content")
    own = Manifest(7, {"state.json": (7, hashlib.sha256(b"content").hexdigest())})
    (tmp_path / "manifest.json").write_bytes(own.dumps())
    return tmp_path


def rewrite(place, change, own_sum=True):
    """Change the manifest as somebody would who knows how it is made."""
    path = place / "manifest.json"
    content = json.loads(path.read_bytes())
    change(content)
    if own_sum:
        content["sha256"] = manifest._own_sum(content)
    path.write_text(json.dumps(content))


def refused(place, match):
    with pytest.raises(CheckpointError, match=match) as caught:
        Manifest.read(place)
    assert str(place) in str(caught.value.where)


def test_what_is_written_is_read(place):
    own = Manifest.read(place)
    assert own.serial == 7
    assert own == Manifest(7, own.files)
    assert own.content(place, "state.json") == b"content"
    own.verify(place)


def test_the_first_format_had_no_sum_of_its_own(place):
    rewrite(place, lambda content: content.update(format=1), own_sum=False)
    refused(place, "other keys")  # a changed digit does not make a second format a first

    def first(content):
        content["format"] = 1
        del content["sha256"]

    rewrite(place, first, own_sum=False)
    assert Manifest.read(place).serial == 7


def test_a_newer_format(place):
    rewrite(place, lambda content: content.update(format=99))
    refused(place, "newer densefit")


@pytest.mark.parametrize(
    "file",
    [
        "../state.json",
        "/etc/passwd",
        "a/b",
        "..",
        ".",
        "",
        ".hidden",
        "a\0b",
        "a\n",
        "manifest.json",
    ],
)
def test_a_file_of_elsewhere_is_not_looked_at(place, file):
    def change(content):
        content["files"][file] = content["files"].pop("state.json")

    rewrite(place, change)
    refused(place, "names the file")


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(serial=8),
        lambda content: content["files"]["state.json"].update(bytes=8),
        lambda content: content["files"].update({"a": content["files"]["state.json"]}),
        lambda content: content["files"].clear(),
    ],
)
def test_any_change_is_seen(place, change):
    rewrite(place, change, own_sum=False)
    refused(place, "changed since it was written")


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(format=0),
        lambda content: content.update(format=True),
        lambda content: content.update(format="2"),
        lambda content: content.update(serial=0),
        lambda content: content.update(serial=1.5),
        lambda content: content.update(more=1),
        lambda content: content.pop("serial"),
        lambda content: content.update(files=[]),
        lambda content: content["files"].update({"a": None}),
        lambda content: content["files"]["state.json"].update(bytes=-1),
        lambda content: content["files"]["state.json"].update(bytes="7"),
        lambda content: content["files"]["state.json"].update(sha256="0"),
        lambda content: content["files"]["state.json"].update(sha256=None),
        lambda content: content["files"]["state.json"].update(more=1),
    ],
)
def test_other_content(place, change):
    rewrite(place, change)
    refused(place, "not a manifest")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"format": 2, "format": 2}',
        b'{"format": NaN}', b'{"format": 1e999}', b'{"format": ' + b"9" * 5000 + b"}",
        b" " * (manifest.MAX_BYTES + 1),
    ],
    ids=lambda data: str(data[:20]),
)  # fmt: skip
def test_other_json(place, data):
    (place / "manifest.json").write_bytes(data)
    refused(place, "damaged")


@pytest.mark.parametrize("kind", ["link", "pipe", "directory", "device", "endless", "nothing"])
@pytest.mark.parametrize("file", ["manifest.json", "state.json"])
def test_only_plain_files_are_opened(place, kind, file):
    """A link could lead out of the checkpoint, and a pipe or a device has no end."""
    own = Manifest.read(place)
    path = place / file
    path.rename(place / "moved")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind != "nothing":
        path.symlink_to({"link": "moved", "device": "/dev/zero", "endless": file}[kind])
    with pytest.raises(CheckpointError, match=f"damaged: (.|\n)*{file}"):
        Manifest.read(place).verify(place)
    if file == "state.json":
        for look in (own.check_size, own.content):
            with pytest.raises(CheckpointError, match="damaged"):
                look(place, file)


def test_a_file_larger_than_all_memory(place):
    """It has no blocks on the disk, but the size that the manifest says."""
    size = 2**43  # what ext4 takes at most is 2 ** 44
    os.truncate(place / "state.json", size)
    rewrite(place, lambda content: content["files"]["state.json"].update(bytes=size))
    own = Manifest.read(place)
    with pytest.raises(CheckpointError, match="bytes are too many"):
        own.content(place, "state.json")


def test_changed_cut_and_grown_files(place):
    own = Manifest.read(place)
    for data, match in ((b"contenT", "SHA-256"), (b"conten", "6 bytes instead of 7"),
                        (b"content!", "8 bytes instead of 7")):  # fmt: skip
        (place / "state.json").write_bytes(data)
        with pytest.raises(CheckpointError, match=match):
            own.verify(place)
    with pytest.raises(CheckpointError, match="does not have the file"):
        own.content(place, "other.json")
