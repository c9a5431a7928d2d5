"""The tables of a check's page."""

import re

from densefit.tools.data_check.report_page import sections

SPLIT = {
    "images": 8,
    "unusable": 0,
    "unlabelled": 0,
    "objects": 0,
    "dropped_objects": 0,
    "crowds": 0,
    "formats": {},
    "width": None,
    "height": None,
}


def cells(annotations):
    """Texts of the row of a split whose annotations were read, or not."""
    checked = {"images": 8, "annotations": annotations, "files": 0, "headers": 0, "decoded": 0}
    report = {"splits": {"train": SPLIT}, "classes": {}, "anchors": [], "findings": []}
    report["checked"] = {"train": {**checked, "equal_images": False}}
    text = dict(sections(report))["Splits"]
    return re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", text.partition("<tbody>")[2])


def test_what_was_not_looked_at_is_not_said_to_be_none():
    looked_at, generated = cells(8), cells(0)
    assert looked_at[1:7] == ["8", "0", "0", "0", "0", "0"]
    assert looked_at[-1] == "annotations"
    assert generated[1:7] == ["8", "-", "-", "-", "-", "-"]
    assert generated[-1] == "nothing could be checked"
