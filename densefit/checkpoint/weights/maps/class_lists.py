"""Class lists of published weights, by row. The background is called so.

Names are those of the datasets (and of densefit's datasets): COCO's `airplane` and VOC's
`aeroplane` are different classes, unless the user gives the head the file's name.
"""

from __future__ import annotations

BACKGROUND = "background"
#: Another name of the background, in torchvision's lists.
ALIAS = "__background__"

#: PASCAL VOC's 21, which torchvision's segmenters have, also those that were trained on COCO.
VOC = (
    *(BACKGROUND, "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair"),
    *("cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)

#: COCO's 80 in order, as of its annotations' ids.
COCO_80 = tuple(
    (
        "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,"
        "stop sign,parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,"
        "backpack,umbrella,handbag,tie,suitcase,frisbee,skis,snowboard,sports ball,kite,"
        "baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,"
        "knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,"
        "chair,couch,potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,"
        "cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,"
        "hair drier,toothbrush"
    ).split(",")
)

#: Ids below 91 that no category of COCO has: torchvision's detectors have a row for each id.
_FREE = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)


def _by_id() -> tuple[str, ...]:
    names = iter(COCO_80)
    return tuple("N/A" if number in _FREE else next(names) for number in range(1, 91))


#: COCO by id: the background at 0, and "N/A" at ids of no category: 91 rows.
COCO = (BACKGROUND, *_by_id())
