"""All kinds of files."""

from __future__ import annotations

from fuzz.annotations import CocoKeypoints, CocoObjects, LabelImgXml, VocXml
from fuzz.cvat_files import CvatImages, CvatVideo
from fuzz.kind import Kind
from fuzz.labelme_file import LabelmeJson
from fuzz.lists import ClassList, MaskList, Recipe, VocList, VocTable
from fuzz.mask_layouts import COLOR_MASKS, ColorTable, DepthList, KittiList
from fuzz.pictures import MAPS, PICTURES
from fuzz.records import Idx, Packed, Rec, RecBoxes
from fuzz.supervisely_files import SuperviselyJson, SuperviselyMeta
from fuzz.text_layouts import TEXT_LAYOUTS
from fuzz.weight_files import WEIGHTS

KINDS: tuple[Kind, ...] = (
    *(VocXml(), CocoObjects(), CocoKeypoints(), VocList(), ClassList(), MaskList(), VocTable()),
    LabelImgXml(),
    *(Recipe(), Rec(), RecBoxes(), Idx(), Packed("rec"), Packed("json")),
    *(LabelmeJson(), CvatImages(), CvatVideo(), SuperviselyJson(), SuperviselyMeta()),
    *MAPS,
    *(COLOR_MASKS, ColorTable(), DepthList(), KittiList()),
    *PICTURES,
    *TEXT_LAYOUTS,
    *WEIGHTS,
)
