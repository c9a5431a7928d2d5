"""The table of pretrained weights."""

import re

import pytest

import densefit as df
from densefit.checkpoint.weights.library.search import VARIABLE, find_imagenet
from densefit.checkpoint.weights.library.table import TABLE, by_sha256
from densefit.errors import CheckpointError
from densefit.model.backbones import backbones


def test_names_and_files_are_distinct_and_sums_agree_with_names():
    for attribute in ("name", "file", "sha256", "address"):
        values = [getattr(entry, attribute) for entry in TABLE]
        assert len({*values}) == len(values), attribute
    for entry in TABLE:
        assert re.fullmatch("[0-9a-f]{8,64}", entry.sha256)
        # The publishers' files end with the first digits of their sha256.
        assert entry.sha256.startswith(entry.file.rpartition("-")[2].removesuffix(".pth"))
        assert entry.address.endswith(f"/{entry.file}") or entry.package is not None
        assert by_sha256(entry.sha256.ljust(64, "0")) is entry


@pytest.mark.parametrize("entry", TABLE, ids=[entry.name for entry in TABLE])
def test_every_entry_fits_a_backbone_that_can_be_made(entry):
    assert entry.fits(backbones.create(entry.backbone, **entry.built))
    assert not entry.fits(backbones.create(entry.backbone, **dict.fromkeys(entry.built, 8)))


def test_imagenet_names_the_file_that_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "a"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    with pytest.raises(CheckpointError) as caught:
        find_imagenet(backbones.create("resnet50"))
    for text in ("resnet50-0676ba61.pth", "0676ba61", str(tmp_path / "a"), "fetch resnet50"):
        assert text in str(caught.value)
    with pytest.raises(CheckpointError, match="of this width"):
        find_imagenet(backbones.create("resnet50", width=8))
    head = df.head("classification", classes=2)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "resnet50-11ad3fa6.pth").write_bytes(b"damaged")
    assert find_imagenet(backbones.create("resnet50")).name == "resnet50-11ad3fa6.pth"
    with pytest.raises(CheckpointError, match="its sha256 differs"):
        df.load_weights(df.Network("resnet50", [head]), "imagenet")
