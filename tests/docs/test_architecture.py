"""docs/architecture.md names the files of an update, and they are few and short."""

import re

import pytest

from tests.docs.batch_trace import ROOT, functions, trace_update

FILES = 27  # on the main thread's way through one update
FILE_LINES = 200
FUNCTION_LINES = 60
PAGE = (ROOT / "docs/architecture.md").read_text()


@pytest.fixture(scope="module")
def trace():
    return trace_update()


@pytest.mark.mxnet
def test_the_page_names_the_files_of_an_update(trace):
    table = PAGE[PAGE.index("| file | purpose |") : PAGE.index("## Extensions")]
    assert {*trace.main} - {*re.findall(r"`([\w/]+\.py)`", table)} == set()


@pytest.mark.mxnet
def test_an_update_enters_few_files(trace):
    assert len(trace.main) <= FILES
    # What makes samples shares nothing with what makes updates but the pool and the counts.
    assert len({*trace.main} & {*trace.workers}) <= 2


@pytest.mark.mxnet
def test_the_files_and_functions_are_short(trace):
    lines = {file: len((ROOT / file).read_text().splitlines()) for file in trace.main}
    assert {file: count for file, count in lines.items() if count > FILE_LINES} == {}
    long = [(file, *each) for file in trace.main for each in functions(file)]
    assert [each for each in long if each[-1] > FUNCTION_LINES] == []


def test_all_files_that_the_page_names_are_there():
    for name in re.findall(r"`([\w/]+\.py)\b", PAGE):
        assert any((ROOT / folder / name).is_file() for folder in ("", "densefit")), name
