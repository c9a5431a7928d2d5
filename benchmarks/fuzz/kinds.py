"""All kinds of files."""

from __future__ import annotations

from fuzz.annotation_tools import (
    CvatImages,
    CvatVideo,
    LabelmeJson,
    SuperviselyJson,
    SuperviselyMeta,
)
from fuzz.annotations import CocoKeypoints, CocoObjects, LabelImgXml, VocXml
from fuzz.kind import Kind
from fuzz.lists import ClassList, MaskList, Recipe, VocList, VocTable
from fuzz.mask_layouts import COLOR_MASKS, ColorTable, DepthList, KittiList
from fuzz.pictures import MAPS, PICTURES
from fuzz.records import Idx, Packed, Rec, RecBoxes
from fuzz.text_layouts import TEXT_LAYOUTS

KINDS: tuple[Kind, ...] = (
    *(VocXml(), CocoObjects(), CocoKeypoints(), VocList(), ClassList(), MaskList(), VocTable()),
    LabelImgXml(),
    *(Recipe(), Rec(), RecBoxes(), Idx(), Packed("rec"), Packed("json")),
    *(LabelmeJson(), CvatImages(), CvatVideo(), SuperviselyJson(), SuperviselyMeta()),
    *MAPS,
    *(COLOR_MASKS, ColorTable(), DepthList(), KittiList()),
    *PICTURES,
    *TEXT_LAYOUTS,
)
