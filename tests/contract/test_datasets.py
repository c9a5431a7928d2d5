"""Every registered dataset keeps the promises of `densefit.data.sample`.

A new dataset needs an entry in BUILDERS: a function that writes a tiny one to a folder and
returns the arguments that open it.
"""

import inspect
import json

import numpy as np
import pytest
from PIL import Image

from densefit.data.annotated import all_targets
from densefit.data.fingerprint import fingerprint
from densefit.data.geometry.instance_map import extents
from densefit.data.io.image import read_image
from densefit.data.loader.loader import Loader
from densefit.data.loader.sample_task import SampleTask
from densefit.data.sample import Sample, datasets
from densefit.data.transforms import Compose, RandomFlip, RandomScaleCrop
from densefit.tools.formats.packed_records import pack
from densefit.tools.formats.packed_shards import pack_shards

SIZES = {"a": (30, 40), "b": (24, 20), "c": (50, 50)}


def picture(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.random.default_rng(0).integers(0, 256, tuple(size) + (3,), np.uint8)
    Image.fromarray(array).save(path)


def build_voc(root):
    for folder in (
        "Annotations",
        "ImageSets/Main",
        "SegmentationClass",
        "SegmentationObject",
    ):
        (root / folder).mkdir(parents=True)
    for name, (height, width) in SIZES.items():
        picture(root / f"JPEGImages/{name}.jpg", (height, width))
        Image.fromarray(np.eye(height, width).astype(np.uint8)).save(
            root / f"SegmentationClass/{name}.png"
        )
        ids = np.zeros((height, width), np.uint16)
        ids[1:18, 2:15] = name != "b"
        Image.fromarray(ids).save(root / f"SegmentationObject/{name}.png")
        box = "<bndbox><xmin>3</xmin><ymin>2</ymin><xmax>15</xmax><ymax>18</ymax></bndbox>"
        thing = f"<object><name>dog</name>{box}</object>" * (name != "b")
        (root / f"Annotations/{name}.xml").write_text(f"<annotation>{thing}</annotation>")
    (root / "ImageSets/Main/train.txt").write_text("\n".join(SIZES))
    (root / "labels.csv").write_text("id,label\na,red\nb,blue\nc,red\n")
    what = dict.fromkeys(("masks", "instances", "labels"), True)
    return {"root": root, "labels_csv": "labels.csv", **what}


def build_labelimg(root):
    (root / "annotations").mkdir()
    for name, size in SIZES.items():
        picture(root / f"images/{name}.jpg", size)
        box = "<bndbox><xmin>3</xmin><ymin>2</ymin><xmax>15</xmax><ymax>18</ymax></bndbox>"
        text = f"<annotation><object><name>dog</name>{box}</object></annotation>"
        if name != "b":
            (root / f"annotations/{name}.xml").write_text(text)
    return {"root": root, "labels": True}


def build_coco(root):
    images, annotations = [], []
    for key, (name, (height, width)) in enumerate(SIZES.items(), 10):
        picture(root / f"images/val/{name}.jpg", (height, width))
        images.append({"id": key, "file_name": f"{name}.jpg", "height": height, "width": width})
        if name != "b":
            polygon = [[2, 2, 12, 2, 12, 9]]
            one = {"id": key, "image_id": key, "category_id": 7, "bbox": [2, 2, 10, 7]}
            one = {**one, "segmentation": polygon, "area": 35.0, "iscrowd": 0}
            annotations.append({**one, "keypoints": [3, 3, 2, 9, 4, 1, 0, 0, 0]})
    dog = {"id": 7, "name": "dog", "keypoints": ["nose", "left_ear", "right_ear"]}
    categories = [dog, {"id": 2, "name": "cat"}]
    (root / "annotations").mkdir()
    (root / "annotations/person_keypoints_val.json").write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    what = dict.fromkeys(("masks", "instances", "labels", "keypoints"), True)
    return {"root": root, "split": "val", **what}


def build_mask_folder(root):
    for name, (height, width) in SIZES.items():
        picture(root / f"train/{name}.jpg", (height, width))
        (root / "trainannot").mkdir(exist_ok=True)
        Image.fromarray(np.eye(height, width).astype(np.uint8)).save(
            root / f"trainannot/{name}.png"
        )
    return {"root": root, "classes": ["ground", "line"]}


def build_cityscapes(root):
    for name, (height, width) in SIZES.items():
        picture(root / f"leftImg8bit/train/ulm/{name}_leftImg8bit.png", (height, width))
        folder = root / "gtFine/train/ulm"
        folder.mkdir(parents=True, exist_ok=True)
        labels = np.full((height, width), 7, np.uint8)
        labels[2:9, 3:12] = 26 if name != "b" else 7
        Image.fromarray(labels).save(folder / f"{name}_gtFine_labelIds.png")
        ids = np.where(labels == 26, np.uint16(26000), labels)
        Image.fromarray(ids).save(folder / f"{name}_gtFine_instanceIds.png")
    return {"root": root, "instances": True}


def build_ade20k(root):
    (root / "annotations/training").mkdir(parents=True)
    for name, (height, width) in SIZES.items():
        picture(root / f"images/training/{name}.jpg", (height, width))
        Image.fromarray(np.eye(height, width).astype(np.uint8)).save(
            root / f"annotations/training/{name}.png"
        )
    (root / "objectInfo150.txt").write_text("Idx\tName\n1\twall\n2\tsky\n")
    return {"root": root}


def build_voc_segmentation(root):
    build_voc(root)
    return {"root": root}


def build_image_folder(root):
    for name, size in SIZES.items():
        picture(root / ("cat" if name == "a" else "dog") / f"{name}.png", size)
    return {"root": root}


def build_depth_folder(root):
    for name, (height, width) in SIZES.items():
        picture(root / f"rgb/{name}.jpg", (height, width))
        for folder, values in (("depth", np.eye(height, width, dtype=np.uint16) * 2500),
                               ("normal", np.full((height, width, 3), (128, 128, 255), np.uint8)),
                               ("seg", np.eye(height, width).astype(np.uint8))):  # fmt: skip
            (root / folder).mkdir(exist_ok=True)
            Image.fromarray(values).save(root / f"{folder}/{name}.png")
    classes = ["unlabelled", "line"]
    return {"root": root, "masks": "seg", "classes": classes, "normals": "normal"}


def build_kitti_depth(root):
    for name, (height, width) in SIZES.items():
        picture(root / f"raw/2011_09_26/{name}_sync/image_02/data/5.png", (height, width))
        maps = root / f"train/{name}_sync/proj_depth/groundtruth/image_02"
        maps.mkdir(parents=True)
        Image.fromarray(np.eye(height, width, dtype=np.uint16) * 2560).save(maps / "5.png")
    return {"root": root}


def build_nyu_depth(root):
    for name, (height, width) in SIZES.items():
        picture(root / f"sync/{name}/rgb_1.jpg", (height, width))
        Image.fromarray(np.eye(height, width, dtype=np.uint16) * 2500).save(
            root / f"sync/{name}/sync_depth_1.png"
        )
    return {"root": root}


def build_bdd100k(root):
    for name, (height, width) in SIZES.items():
        picture(root / f"images/train/{name}.jpg", (height, width))
        box = {"x1": 2, "y1": 3, "x2": 15, "y2": 18}
        objects = [{"category": "car", "box2d": box}] * (name != "b")
        for kind in ("det", "da_seg", "ll_seg"):
            (root / f"{kind}_annotations/train").mkdir(parents=True, exist_ok=True)
            path = root / f"{kind}_annotations/train/{name}"
            if kind == "det":
                text = json.dumps({"frames": [{"objects": objects}]})
                path.with_suffix(".json").write_text(text)
            else:
                mask = np.eye(height, width) * 255
                Image.fromarray(mask.astype(np.uint8)).save(path.with_suffix(".png"))
    return {"root": root}


def build_nyuv2(root):
    for number, size in enumerate(SIZES.values()):
        normals = np.full((*size, 3), (0.6, 0.0, 0.8))
        normals[3] = 0
        label = np.eye(*size) * 3 - 1
        arrays = {"image": np.full((*size, 3), number / 4), "depth": np.eye(*size)[..., None]}
        for folder, array in {**arrays, "label": label, "normal": normals}.items():
            (root / "train" / folder).mkdir(parents=True, exist_ok=True)
            np.save(root / f"train/{folder}/{number}.npy", array)
    return {"root": root}


def build_nyu_depth_mat(root):
    h5py = pytest.importorskip("h5py")
    with h5py.File(root / "nyu_depth_v2_labeled.mat", "w") as file:
        file["images"] = np.zeros((3, 3, 40, 30), np.uint8)
        file["depths"] = np.arange(3600, dtype=np.float32).reshape(3, 40, 30)
    return {"root": root, "split": None}


def build_record(root):
    pack(datasets.create("voc", **build_voc(root / "voc")), root / "train.rec")
    return {"root": root}


def build_shards(root):
    pack_shards(datasets.create("voc", **build_voc(root / "voc")), root / "train.rec", 5000)
    return {"root": root}


def build_yolo(root):
    for name, (height, width) in SIZES.items():
        picture(root / f"images/train/{name}.jpg", (height, width))
        (root / "labels/train").mkdir(parents=True, exist_ok=True)
        polygon = "0 0.1 0.2 0.8 0.2 0.8 0.7\n" * (name != "b")
        (root / f"labels/train/{name}.txt").write_text(polygon)
    (root / "data.yaml").write_text("train: images/train\nnames: [dog, cat]\n")
    what = dict.fromkeys(("masks", "instances", "labels"), True)
    return {"root": root, "split": "train", **what}


def build_csv(root):
    rows = ["path,x1,y1,x2,y2,class"]
    for name, (height, width) in SIZES.items():
        picture(root / f"images/{name}.jpg", (height, width))
        rows.append(f"{name}.jpg," + ("2,3,15,18,dog" if name != "b" else ",,,,"))
    (root / "train.csv").write_text("\n".join(rows))
    return {"root": root, "split": "train", "labels": True}


def build_text_boxes(root):
    for name, (height, width) in SIZES.items():
        picture(root / f"images/{name}.jpg", (height, width))
        (root / "labels").mkdir(exist_ok=True)
        line = "dog 2 3 15 3 15 18 2 18\n" * (name != "b")
        (root / f"labels/{name}.txt").write_text(line)
    what = dict.fromkeys(("masks", "instances", "labels"), True)
    return {"root": root, "columns": "class x1 y1 x2 y2 x3 y3 x4 y4", **what}


def build_labelme(root):
    for name, (height, width) in SIZES.items():
        picture(root / f"{name}.jpg", (height, width))
        outline = {"label": "dog", "points": [[2, 2], [12, 2], [12, 9]], "group_id": 1}
        nose = {"label": "nose", "points": [[3, 4]], "shape_type": "point", "group_id": 1}
        shapes = [outline, nose] * (name != "b")
        content = {"shapes": shapes, "imagePath": f"{name}.jpg", "imageHeight": height}
        (root / f"{name}.json").write_text(json.dumps({**content, "imageWidth": width}))
    what = dict.fromkeys(("masks", "instances", "labels"), True)
    return {"root": root, "keypoints": ["nose"], **what}


def build_cvat(root):
    labels = "<label><name>dog</name></label><label><name>nose</name><parent>dog</parent></label>"
    images = []
    for name, (height, width) in SIZES.items():
        picture(root / f"images/{name}.jpg", (height, width))
        outline = '<polygon label="dog" points="2,2;12,2;12,9" group_id="1"/>'
        nose = '<points label="nose" outside="0" occluded="0" points="3,4"/>'
        shapes = f'{outline}<skeleton label="dog" group_id="1">{nose}</skeleton>' * (name != "b")
        images.append(
            f'<image name="{name}.jpg" width="{width}" height="{height}">{shapes}</image>'
        )
    text = f"<annotations><meta>{labels}</meta>{''.join(images)}</annotations>"
    (root / "annotations.xml").write_text(text)
    return {"root": root, **dict.fromkeys(("masks", "instances", "labels", "keypoints"), True)}


def build_supervisely(root):
    graph = {"nodes": {"k": {"label": "nose", "loc": [1, 1]}}, "edges": []}
    classes = [{"title": "dog", "shape": "any", "geometry_config": graph}]
    for name, (height, width) in SIZES.items():
        picture(root / f"street/img/{name}.jpg", (height, width))
        dog = {"classTitle": "dog", "instance": "1"}
        points = {"exterior": [[2, 2], [12, 2], [12, 9]], "interior": []}
        outline = {**dog, "geometryType": "polygon", "points": points}
        pose = {**dog, "geometryType": "graph", "nodes": {"k": {"loc": [3, 4]}}}
        content = {"size": {"height": height, "width": width}, "tags": []}
        content["objects"] = [outline, pose] * (name != "b")
        (root / "street/ann").mkdir(exist_ok=True)
        (root / f"street/ann/{name}.jpg.json").write_text(json.dumps(content))
    (root / "meta.json").write_text(json.dumps({"classes": classes, "tags": []}))
    return {"root": root, **dict.fromkeys(("masks", "instances", "labels", "keypoints"), True)}


BUILDERS = {
    "supervisely": build_supervisely,
    "cvat": build_cvat,
    "labelme": build_labelme,
    "depth_folder": build_depth_folder,
    "kitti_depth": build_kitti_depth,
    "nyu_depth": build_nyu_depth,
    "nyu_depth_mat": build_nyu_depth_mat,
    "nyuv2": build_nyuv2,
    "bdd100k": build_bdd100k,
    "voc": build_voc,
    "coco": build_coco,
    "labelimg": build_labelimg,
    "mask_folder": build_mask_folder,
    "cityscapes": build_cityscapes,
    "ade20k": build_ade20k,
    "voc_segmentation": build_voc_segmentation,
    "image_folder": build_image_folder,
    "record": build_record,
    "shards": build_shards,
    "text_boxes": build_text_boxes,
    "csv": build_csv,
    "yolo": build_yolo,
    "shapes": lambda root: {"length": 4, "size": (40, 48), "keypoints": True},
    "rooms": lambda root: {
        "length": 4,
        "size": (40, 48),
        "labelled": {"depth": 0.5},
        "conflict": 0.5,
    },
}
DTYPES = {
    "boxes": np.float32,
    "classes": np.int64,
    "difficult": np.bool_,
    "crowd": np.bool_,
    "area": np.float32,
    "keypoints": np.float32,
    "keypoint_flip": np.int64,
    "mask": np.uint8,
    "label": np.int64,
    "instances": np.uint16,
    "instance_ids": np.int64,
    "instance_masks": np.object_,
    "labels": np.int64,
    "depth": np.float32,
    "normals": np.float32,
    "edges": np.uint8,
    "drivable": np.uint8,
    "lanes": np.uint8,
    "stripes": np.uint8,
}


@pytest.fixture(params=sorted(BUILDERS))
def dataset(request, tmp_path):
    return datasets.create(request.param, **BUILDERS[request.param](tmp_path))


def test_every_dataset_is_in_this_contract():
    assert set(datasets.names()) == {*BUILDERS, "image_files"}  # which has no annotations


def test_length_ids_and_names(dataset):
    ids = [dataset.id_of(i) for i in range(len(dataset))]
    assert len(ids) >= 3
    assert len(set(ids)) == len(ids)
    assert all(isinstance(name, str) and name for name in ids)
    assert isinstance(dataset.classes, list)
    assert len(set(dataset.classes)) == len(dataset.classes)
    if not {"classes", "mask", "label", "labels"}.isdisjoint(dataset.targets_of(0)):
        assert len(dataset.classes) > 0
    with pytest.raises(IndexError):
        dataset[len(dataset)]


def test_samples_are_what_they_must_be(dataset):
    for i in range(len(dataset)):
        sample = dataset[i]
        assert isinstance(sample, Sample)
        assert sample.id == dataset.id_of(i)
        assert sample.image.dtype == np.uint8
        height, width = size = sample.image.shape[:2]
        assert sample.image.shape == size + (3,)
        assert (sample.geometry.size, sample.geometry.input_size) == (size, size)
        np.testing.assert_array_equal(sample.geometry.matrix, np.eye(2, 3))
        targets = sample.targets
        assert targets
        for name, value in targets.items():
            assert isinstance(value, np.ndarray)
            assert value.dtype == DTYPES[name], name
        if "boxes" in targets:
            boxes = targets["boxes"]
            count = len(boxes)
            assert boxes.shape == (count, 4)
            assert (boxes[:, :2] >= 0).all()
            assert (boxes[:, :2] < boxes[:, 2:]).all()
            assert (boxes[:, 2:] <= (width, height)).all()
            for name in ("classes", "difficult", "crowd", "area"):
                assert targets[name].shape == (count,)
            assert ((targets["classes"] >= 0) & (targets["classes"] < len(dataset.classes))).all()
        if "instances" in targets:
            ids = targets["instance_ids"]
            assert targets["instances"].shape == size
            assert ids.shape == (len(targets["boxes"]),)
            known, around = extents(targets["instances"])
            assert set(known) <= set(ids)
            for one, box in zip(known, around):
                own = targets["boxes"][ids == one][0]
                assert (box[:2] >= own[:2] - 1).all()
                assert (box[2:] <= own[2:] + 1).all()
        if "instance_masks" in targets:
            assert [tuple(one["size"]) for one in targets["instance_masks"]] == [size] * len(ids)
        if "keypoints" in targets:
            points, names = targets["keypoints"], dataset.keypoint_names
            assert points.shape == (len(targets["boxes"]), len(names), 3)
            labelled = points[..., 2] > 0
            assert (points[~labelled] == 0).all()
            assert (points[..., :2] >= 0).all()
            assert (points[..., :2] <= (width, height)).all()
            swapped = [names[place] for place in targets["keypoint_flip"]]
            pairs = dict(dataset.flip_pairs)
            pairs.update({right: left for left, right in pairs.items()})
            assert swapped == [pairs.get(name, name) for name in names]
            assert {name for limb in dataset.limbs for name in limb} <= set(names)
        if "mask" in targets:
            names = getattr(dataset, "mask_classes", dataset.classes)
            mask = targets["mask"]
            assert mask.shape == size
            assert ((mask < len(names)) | (mask == 255)).all()
        if "label" in targets:
            names = getattr(dataset, "label_classes", dataset.classes)
            assert targets["label"].shape == ()
            assert 0 <= targets["label"] < len(names)
        if "labels" in targets:
            assert targets["labels"].shape == (len(dataset.classes),)
            assert np.isin(targets["labels"], (0, 1, -1)).all()
        if "depth" in targets:
            assert targets["depth"].shape == size
            assert np.isfinite(targets["depth"]).all()
            assert (targets["depth"] >= 0).all()
        if "normals" in targets:
            assert targets["normals"].shape == (*size, 3)
            length = np.linalg.norm(targets["normals"], axis=2)
            assert ((abs(length - 1) < 1e-5) | (length == 0)).all()


def test_the_annotations_say_which_targets_each_sample_has(dataset):
    said = all_targets(dataset)
    assert [set(own) for own in said] == [set(dataset[i].targets) for i in range(len(dataset))]


def test_reading_twice_gives_equal_samples_of_their_own(dataset):
    first = dataset[1]
    kept = {name: value.copy() for name, value in first.targets.items()}
    image = first.image.copy()
    first.image[:] = 0
    for value in first.targets.values():
        value[...] = 0
    second = dataset[1]
    np.testing.assert_array_equal(second.image, image)
    for name, value in kept.items():
        np.testing.assert_array_equal(second.targets[name], value)


def test_the_file_of_a_picture_is_its_own(dataset):
    if not hasattr(dataset, "picture_file"):
        pytest.skip("its pictures are no files")
    for i in range(len(dataset)):
        path = dataset.picture_file(i)
        np.testing.assert_array_equal(read_image(path), dataset[i].image)


def test_packed_samples_are_equal_to_the_last_bit(dataset, tmp_path):
    pack(dataset, tmp_path / "packed/all.rec")
    packed = datasets.create("record", root=tmp_path / "packed", split="all")
    if not hasattr(dataset, "ids_digest"):  # which stands for the ids
        assert fingerprint(packed) == fingerprint(dataset)
    for i in range(len(dataset)):
        np.testing.assert_array_equal(packed[i].image, dataset[i].image)
        assert list(packed[i].targets) == list(dataset[i].targets)
        for name, value in dataset[i].targets.items():
            assert packed[i].targets[name].dtype == value.dtype
            np.testing.assert_array_equal(packed[i].targets[name], value)


def test_it_goes_through_transforms_and_loader(dataset):
    transform = Compose([RandomFlip(), RandomScaleCrop(32, 40)])
    with Loader(dataset, batch_size=2, transform=transform, shuffle=True) as loader:
        batches = list(loader)
    assert sorted(name for batch in batches for name in batch.ids) == sorted(
        dataset.id_of(i) for i in range(len(dataset))
    )
    for batch in batches:
        assert batch.data["data"].shape[1:] == (3, 32, 40)
        for index, targets in zip(batch.index, batch.targets):
            for name, value in dataset[int(index)].targets.items():
                np.testing.assert_array_equal(targets[name], value)


def test_a_worker_process_makes_the_same(dataset, in_a_process):
    transform = Compose([RandomFlip(), RandomScaleCrop(32, 40)])
    in_a_process(SampleTask(dataset, transform, [], 3, 1), range(len(dataset)))


WITHOUT_EXIF = {"shapes", "rooms", "nyuv2", "nyu_depth_mat"}  # their pictures are no files


@pytest.mark.parametrize("name", sorted(set(BUILDERS) - WITHOUT_EXIF))
def test_what_changes_samples_is_in_the_repr(name, tmp_path):
    """Caches on disk and resumes tell by it whether a dataset is the same."""
    settings = BUILDERS[name](tmp_path)
    if "exif" not in inspect.signature(datasets.get(name)).parameters:
        pytest.fail("a dataset of files that does not say how it turns them")
    plain = datasets.create(name, **settings)
    turned = datasets.create(name, **{**settings, "exif": False})
    assert repr(turned).replace(", exif=False", "") == repr(plain) != repr(turned)
    assert "exif" not in repr(plain)
