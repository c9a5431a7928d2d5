import json
import struct
import sys
import time

import cv2
import numpy as np
import pytest

from densefit.callbacks import WandB
from densefit.errors import ConfigError
from tests.callbacks.test_run_tracker import Die, train


def records(folder):
    """Records of the folder of a start; the file is a log of LevelDB behind a header of 7 bytes."""
    from wandb.proto import wandb_internal_pb2

    (path,) = folder.glob("*.wandb")
    content, offset, data = path.read_bytes(), 7, b""
    while offset + 7 <= len(content):
        left = 32768 - offset % 32768  # a block
        if left < 7:
            offset += left
            continue
        length, kind = struct.unpack_from("<HB", content, offset + 4)
        data += content[offset + 7 : offset + 7 + length]
        offset += 7 + length
        if kind in (1, 4):  # whole, or the last part
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            data = b""
            yield record


def read(folder):
    """(steps of each number, exit code, parameters) of a start that has ended."""
    until = time.monotonic() + 30
    while True:  # the last record is written by wandb's process, which may be late
        steps, code, params = {}, None, {}
        for record in records(folder):
            kind = record.WhichOneof("record_type")
            if kind == "history":
                row = {"/".join(item.nested_key): item.value_json for item in record.history.item}
                for key in row:
                    steps.setdefault(key, []).append(int(row["_step"]))
            elif kind == "exit":
                code = record.exit.exit_code
            elif kind == "run":
                update = record.run.config.update
                params = {entry.key: json.loads(entry.value_json) for entry in update}
        if code is not None or time.monotonic() > until:
            return steps, code, params
        time.sleep(0.05)


def starts(folder):
    return sorted((folder / "wandb").glob("offline-run-*"))


def test_a_run_that_fails_is_continued_in_another_file(tiny, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_X_DISABLE_STATS", "true")
    saved = {"checkpoint": tmp_path / "saved", "resume": "auto"}
    begun = WandB(tmp_path, every=1, params={"training.lr": 0.1}, run_name="first")
    with pytest.raises(RuntimeError):
        train(tiny, begun, [Die(5)], **saved)
    (first,) = starts(tmp_path)
    steps, code, params = read(first)
    assert code == 1
    assert params["training.lr"] == 0.1
    assert steps["optimizer/lr"] == [1, 2, 3, 4, 5]
    continued = WandB(tmp_path, every=1)
    continued.waits_for_results = True
    train(tiny, continued, **saved)
    assert continued.run_id == begun.run_id
    page, picture = tmp_path / "report.html", tmp_path / "curves.png"
    page.write_text("<p>done</p>")
    cv2.imwrite(str(picture), np.zeros((8, 8, 3), np.uint8))
    continued.log_results({"a/AP": 0.5}, [page, picture])
    (second,) = {*starts(tmp_path)} - {first}
    steps, code, _ = read(second)
    assert second.name.endswith(begun.run_id)
    assert code == 0
    assert steps["optimizer/lr"] == [4, 5, 6]
    assert steps["test/a/AP"] == [6]
    kept = second / "files" / "report.html"
    assert kept.read_text() == "<p>done</p>"
    assert not kept.is_symlink()
    assert list((second / "files" / "media" / "images").rglob("curves*.png"))


def test_without_wandb_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ConfigError, match=r"pip install densefit\[wandb\]"):
        WandB(tmp_path)


def test_another_mode_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="offline or online"):
        WandB(tmp_path, mode="dryrun")
