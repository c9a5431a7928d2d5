import logging

import pytest

from densefit.errors import ConfigError
from densefit.tools.page import write
from tests.tools.page.run_folder import write_run


def test_an_earlier_page_is_replaced(tmp_path):
    folder = write_run(tmp_path / "run")
    (folder / "report.html").write_text("old")
    assert write.write_page(folder) == folder / "report.html"
    assert (folder / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_a_training_does_not_fail_by_its_report(tmp_path, caplog, monkeypatch):
    def fails(*arguments):
        raise ZeroDivisionError("a head draws wrongly")

    monkeypatch.setattr(write, "write_analysis", fails)
    with caplog.at_level(logging.WARNING, "densefit"):
        write.write_report(tmp_path, None, {}, {})
    assert "ZeroDivisionError: a head draws wrongly" in caplog.text
    assert f"densefit report {tmp_path}" in caplog.text


def test_a_folder_without_a_run_has_no_page(tmp_path):
    with pytest.raises(ConfigError):
        write.write_page(tmp_path)
