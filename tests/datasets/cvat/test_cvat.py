"""Exports as CVAT writes them, of images, of projects with subsets, and of videos."""

import numpy as np
import pytest
from PIL import Image

from densefit.data.geometry import rle
from densefit.datasets.cvat.cvat import CVAT
from densefit.errors import ConfigError, DataError, MissingSplitError

HEIGHT, WIDTH = 40, 60
SVG = (
    "&lt;line x1=&quot;36.8&quot; data-type=&quot;edge&quot; data-node-from=&quot;2&quot; "
    "stroke-width=&quot;0.5&quot; data-node-to=&quot;3&quot;&gt;&lt;/line&gt;"
    + "".join(
        f"&lt;circle r=&quot;1.5&quot; data-type=&quot;element node&quot; data-element-id="
        f"&quot;{i}&quot; data-node-id=&quot;{i}&quot; data-label-name=&quot;{name}&quot;&gt;"
        "&lt;/circle&gt;"
        for i, name in enumerate(("nose", "left_ear", "right_ear"), 1)
    )
)


def label(name, kind="any", more=""):
    attributes = "<attributes><attribute><name>colour</name></attribute></attributes>"
    return f"<label><name>{name}</name><type>{kind}</type>{attributes}{more}</label>"


LABELS = (
    label("dog")
    + label("cat")
    + label("pose", "skeleton", f"<svg>{SVG}</svg>")
    + "".join(
        label(name, "points", "<parent>pose</parent>") for name in ("nose", "left_ear", "right_ear")
    )
    + label("sunny", "tag")
)


def xml(body, labels=LABELS, root="task", more=""):
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
        f"  <meta><{root}><id>4</id><name>x</name><labels>{labels}</labels>{more}</{root}></meta>\n"
        f"{body}\n</annotations>\n"
    )


def image(name, shapes="", more="", number=0):
    size = f'width="{WIDTH}" height="{HEIGHT}"'
    return f'<image id="{number}" name="{name}" {more} {size}>{shapes}</image>'


def box(name, corners, more="", inner=""):
    keys = zip(("xtl", "ytl", "xbr", "ybr"), corners)
    sides = " ".join(f'{key}="{value:.2f}"' for key, value in keys)
    return f'<box label="{name}" source="manual" occluded="0" {sides} {more}>{inner}</box>'


def write(folder, text, images=("a.png",)):
    folder.mkdir(exist_ok=True)
    (folder / "annotations.xml").write_text(text)
    for name in images:
        path = folder / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), 90, np.uint8)).save(path)
    return folder


MASK = np.array([[0, 0, 1, 1], [1, 0, 1, 0], [1, 1, 1, 0]], bool)
SKELETON = """<skeleton label="pose" source="manual" z_order="0">
  <points label="left_ear" source="manual" outside="0" occluded="1" points="12.00,20.00"></points>
  <points label="nose" source="manual" outside="0" occluded="0" points="10.50,25.25"></points>
  <points label="right_ear" source="manual" outside="1" occluded="0" points="8.00,20.00"></points>
</skeleton>"""


def test_each_kind_of_shape(tmp_path, caplog):
    cuboid = {"tl1": (5, 5), "bl1": (5, 9), "tr1": (9, 5), "br1": (9, 9)}
    cuboid.update({"tl2": (7, 3), "bl2": (7, 7), "tr2": (11, 3), "br2": (11, 7)})
    corners = " ".join(f'x{key}="{x}" y{key}="{y}"' for key, (x, y) in cuboid.items())
    shapes = [
        box("cat", (10, 5, 30.5, 25.5)),
        '<polygon label="dog" occluded="0" points="40.00,10.00;50.50,10.00;40.00,30.00"></polygon>',
        '<mask label="cat" source="manual" occluded="0" rle="2, 3, 1, 1, 1, 3, 1" left="3" top="30"'
        ' width="4" height="3" z_order="0"></mask>',
        '<ellipse label="dog" cx="30.00" cy="30.00" rx="6.00" ry="3.00" rotation="90.00"/>',
        f'<cuboid label="cat" {corners}/>',
        box("dog", (40, 32, 50, 36), 'rotation="90.00"'),
        '<points label="dog" points="1.00,1.00;2.00,2.00"/>',
        '<polyline label="dog" points="1.00,1.00;2.00,2.00"/>',
        '<tag label="sunny" source="manual"></tag>',
    ]
    data = CVAT(
        write(tmp_path / "a", xml(image("a.png", "".join(shapes)))),
        masks=True,
        instances=True,
        labels=True,
    )
    assert data.classes == ["dog", "cat", "pose", "sunny"]
    assert data.left_out == {"points": 1, "polyline": 1}
    assert "2 shapes are left out" in caplog.text
    targets = data[0].targets
    expected = [[10, 5, 30.5, 25.5], [40, 10, 50.5, 30], [3, 30, 7, 33], [27, 24, 33, 36]]
    expected += [[5, 3, 11, 9], [43, 29, 47, 39]]
    np.testing.assert_allclose(targets["boxes"], expected, atol=1e-4)
    np.testing.assert_array_equal(targets["classes"], [1, 0, 1, 0, 1, 0])
    areas = [20.5 * 20.5, 105, 7, 18 * np.pi, 32, 40]
    np.testing.assert_allclose(targets["area"], areas, rtol=0.01)
    np.testing.assert_array_equal(targets["labels"], [1, 1, 0, 1])
    np.testing.assert_array_equal(rle.decode(targets["instance_masks"][2])[30:33, 3:7], MASK)
    np.testing.assert_array_equal(targets["mask"][30:33, 3:7] == 2, MASK)
    assert set(data.targets_of(0)) == set(targets)


def test_skeletons_are_objects_with_keypoints(tmp_path):
    text = xml(image("a.png", SKELETON + box("dog", (1, 1, 9, 9))))
    data = CVAT(write(tmp_path / "a", text), keypoints=True)
    assert data.keypoint_names == ["nose", "left_ear", "right_ear"]
    assert data.limbs == [["left_ear", "right_ear"]]
    assert data.flip_pairs == [["left_ear", "right_ear"]]
    targets = data[0].targets
    np.testing.assert_array_equal(targets["boxes"], [[10.5, 20, 12, 25.25], [1, 1, 9, 9]])
    expected = [[[10.5, 25.25, 2], [12, 20, 1], [0, 0, 0]], np.zeros((3, 3))]
    np.testing.assert_array_equal(targets["keypoints"], expected)
    assert "keypoints" not in CVAT(tmp_path / "a").targets_of(0)


def test_groups_layers_and_flags(tmp_path):
    flags = (
        '<attribute name="difficult">true</attribute><attribute name="is_crowd">false</attribute>'
    )
    shapes = [
        box("cat", (2, 2, 20, 20), 'z_order="3"'),
        box("cat", (1, 1, 30, 30), 'z_order="0" group_id="2"', flags),
        box("cat", (40, 1, 50, 30), 'z_order="0" group_id="2"'),
        box("dog", (2, 2, 4, 4), 'z_order="1" group_id="2"'),
    ]
    targets = CVAT(write(tmp_path / "a", xml(image("a.png", "".join(shapes)))), masks=True)[
        0
    ].targets
    np.testing.assert_array_equal(targets["boxes"], [[1, 1, 50, 30], [2, 2, 4, 4], [2, 2, 20, 20]])
    np.testing.assert_array_equal(targets["difficult"], [True, False, False])
    assert not targets["crowd"].any()
    assert targets["mask"][3, 3] == 2  # the highest layer


def project(folder):
    images = [
        image("a.png", box("cat", (1, 1, 9, 9)), 'subset="train"'),
        image("a.png", box("dog", (1, 1, 9, 9)), 'subset="val"'),
        image("x/b.png", "", 'subset="train"'),
    ]
    files = ("train/a.png", "val/a.png", "train/x/b.png")
    return write(folder, xml("".join(images), root="project"), files)


def test_subsets_are_splits(tmp_path):
    folder = project(tmp_path / "a")
    data = CVAT(folder)
    assert [data.id_of(i) for i in range(3)] == ["train/a", "val/a", "train/x/b"]
    data = CVAT(folder, "train")
    assert [data.id_of(i) for i in range(len(data))] == ["train/a", "train/x/b"]
    assert data[1].targets["boxes"].shape == (0, 4)
    with pytest.raises(MissingSplitError, match=r"(?s)'test'.*train"):
        CVAT(folder, "test")


def test_classes_of_some_labels(tmp_path):
    shapes = box("cat", (1, 1, 9, 9)) + box("dog", (2, 2, 8, 8)) + '<tag label="sunny"/>'
    folder = write(tmp_path / "a", xml(image("a.png", shapes)))
    targets = CVAT(folder, classes=["cat"], labels=True)[0].targets
    np.testing.assert_array_equal(targets["boxes"], [[1, 1, 9, 9]])
    assert targets["labels"].tolist() == [1]
    with pytest.raises(DataError, match=r"Unknown class 'bird'"):
        CVAT(folder, classes=["bird"])


def test_a_file_without_a_head(tmp_path):
    body = image("a.png", box("dog", (1, 1, 9, 9)) + box("cat", (1, 1, 9, 9)))
    folder = write(tmp_path / "a", f"<annotations>{body}</annotations>")
    data = CVAT(folder)
    assert data.classes == ["cat", "dog"]
    assert data[0].targets["classes"].tolist() == [1, 0]


def test_a_file_of_points_alone_has_no_classes(tmp_path):
    body = image("a.png", '<points label="nose" occluded="0" points="1,1;2,2"/>')
    folder = write(tmp_path / "a", f"<annotations>{body}</annotations>")
    with pytest.raises(DataError, match=r"enclose an area[\s\S]*1 points[\s\S]*annotations.xml"):
        CVAT(folder)


def track(name, shapes, number=0, more=""):
    return f'<track id="{number}" label="{name}" source="manual" {more}>{shapes}</track>'


def framed(corners, frame, outside=0, keyframe=1):
    sides = " ".join(f'{k}="{v:.2f}"' for k, v in zip(("xtl", "ytl", "xbr", "ybr"), corners))
    state = f'outside="{outside}" occluded="0" keyframe="{keyframe}"'
    return f'<box frame="{frame}" {state} {sides} z_order="0"></box>'


SIZE = f"<original_size><width>{WIDTH}</width><height>{HEIGHT}</height></original_size>"


def video(folder, names, more=""):
    boxes = [framed((1, 1, 9, 9), 0), framed((2, 2, 10, 10), 1, 0, 0), framed((3, 3, 11, 11), 2, 1)]
    skeleton = SKELETON.replace('label="pose" source="manual"', 'frame="1" keyframe="1"')
    tracks = track("cat", "".join(boxes)) + track("pose", skeleton, 1)
    return write(folder, xml(tracks + more, more=SIZE), names)


@pytest.mark.parametrize("ending", ["PNG", "png", "jpg"])
def test_tracks_of_a_video_with_frames(tmp_path, ending):
    folder = video(tmp_path / "a", [f"frame_{i:06}.{ending}" for i in range(4)])
    data = CVAT(folder, keypoints=True)
    assert [data.id_of(i) for i in range(4)] == [f"frame_{i:06}" for i in range(4)]
    counts = [len(data[i].targets["boxes"]) for i in range(4)]
    assert counts == [1, 2, 0, 0]
    np.testing.assert_array_equal(data[1].targets["boxes"][0], [2, 2, 10, 10])
    assert data[1].targets["keypoints"][1, 0].tolist() == [10.5, 25.25, 2]


def test_frames_of_other_names(tmp_path):
    folder = video(tmp_path / "a", ["street-0.png", "street-1.png"])
    with pytest.raises(DataError, match=r"(?s)frame_000000\.PNG.*images/frame_000000\.PNG"):
        CVAT(folder)
    assert len(CVAT(folder, frames="street-%d")) == 2
    with pytest.raises(ConfigError, match="no number"):
        CVAT(folder, frames="street")


def test_tracks_of_several_videos_are_refused(tmp_path):
    other = track("cat", framed((1, 1, 9, 9), 0), 7, 'task_id="5"')
    folder = video(tmp_path / "a", ["frame_000000.PNG"], other)
    with pytest.raises(DataError, match="several videos"):
        CVAT(folder)


def test_images_in_a_folder_of_their_own(tmp_path):
    folder = write(tmp_path / "a", xml(image("x\\a.png", box("cat", (1, 1, 9, 9)))), ["x/a.png"])
    (folder / "images").rename(tmp_path / "pictures")
    with pytest.raises(DataError, match=r"(?s)None of the images.*annotations\.xml"):
        CVAT(folder)
    data = CVAT(folder, images=tmp_path / "pictures")
    assert data.id_of(0) == "x/a"
    assert len(data[0].targets["boxes"]) == 1


def mask(more):
    return f'<mask label="cat" left="3" top="30" width="4" height="3" {more}/>'


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (box("bird", (1, 1, 9, 9)), "no label that the file declares"),
        ('<box xtl="1" ytl="1" xbr="9" ybr="9"/>', "no label"),
        ('<box label="cat" xtl="1" ytl="1" xbr="9"/>', "'ybr'"),
        ('<box label="cat" xtl="1" ytl="nan" xbr="9" ybr="9"/>', "'ytl'"),
        ('<polygon label="cat" points="1,1;2;3,3"/>', "x,y;x,y"),
        ('<polygon label="cat"/>', "x,y;x,y"),
        (mask('rle="1,2"'), "rle"),
        (mask('rle="1,-2,13"'), "rle"),
        (mask('rle="a"'), "rle"),
        (mask(""), "rle"),
        ('<mask label="cat" left="0" top="0" width="99999" height="99999" rle="1"/>', "within"),
        ('<ellipse label="cat" cx="1" cy="1" rx="0" ry="2"/>', "radii"),
        ('<cuboid label="cat" xtl1="1"/>', "cuboid"),
        ('<skeleton label="pose"><points label="nose" points="1,1;2,2"/></skeleton>', "a point of"),
        (box("cat", (1, 1, 9, 9), 'z_order="x"'), "z_order"),
        (box("cat", (1, 1, 9, 9), 'rotation="x"'), "rotation"),
    ],
)
def test_a_broken_element_is_a_fault_of_its_image(tmp_path, shape, message):
    images = image("a.png", box("cat", (1, 1, 9, 9)) + shape) + image("b.png", number=1)
    data = CVAT(write(tmp_path / "a", xml(images), ("a.png", "b.png")))
    assert data[1].id == "b"
    with pytest.raises(DataError, match=message) as error:
        data[0]
    assert "annotations.xml, image a.png" in str(error.value)


def test_bad_boxes_are_dropped_with_a_count(tmp_path, caplog):
    shapes = box("cat", (9, 1, 1, 9)) + box("cat", (5, 5, 5, 9)) + box("cat", (1, 1, 9, 9))
    data = CVAT(write(tmp_path / "a", xml(image("a.png", shapes))))
    assert data.dropped == 2
    assert "annotations.xml, image a.png, box 1" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotations>", "not valid XML"),
        ("", "not valid XML"),
        (xml(""), "neither images nor tracks"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotations/>', "document type"),
        (xml(track("cat", framed((1, 1, 9, 9), "x"))), "'frame'"),
        (xml(track("cat", framed((1, 1, 9, 9), 0.5))), "no number"),
        (xml(track("bird", framed((1, 1, 9, 9), 0))), "no label"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path, text, message):
    with pytest.raises(DataError, match=message) as error:
        CVAT(write(tmp_path / "a", text))
    assert "annotations.xml" in str(error.value)


def test_a_missing_file_shows_the_tree(tmp_path):
    with pytest.raises(DataError, match=r"(?s)no annotations\.xml of CVAT.*images/street"):
        CVAT(tmp_path)
    assert not CVAT.looks_like(tmp_path)
    assert CVAT.looks_like(write(tmp_path / "a", xml("")))


def test_an_absent_image_and_a_hostile_path_are_faults_of_their_own(tmp_path):
    images = [image("a.png"), image("b.png", number=1), image("../../x.png", number=2)]
    data = CVAT(write(tmp_path / "a", xml("".join(images))))
    assert data[0].id == "a"
    for index, message in ((1, r"b\.png"), (2, "leads out")):
        with pytest.raises(DataError, match=message):
            data[index]


def test_the_repr_has_the_settings(tmp_path):
    folder = project(tmp_path / "a")
    assert (
        repr(CVAT(folder, "val", masks=True)) == f"CVAT({str(folder)!r}, split='val', masks=True)"
    )


def test_the_next_start_reads_no_xml(tmp_path, monkeypatch):
    monkeypatch.setattr("densefit.datasets.objects.table_cache.SMALLEST_BYTES", 0)
    monkeypatch.setenv("DENSEFIT_CACHE", str(tmp_path / "cache"))
    lines = '<polyline label="cat" points="1,1;9,9" z_order="0"></polyline>'
    shapes = box("dog", (1, 1, 20, 20)) + lines + SKELETON
    root = write(tmp_path / "data", xml(image("a.png", shapes)))
    settings = {"masks": True, "keypoints": True, "classes": ["dog", "pose"]}
    first = CVAT(root, **settings)
    with monkeypatch.context() as patch:
        patch.setattr("densefit.datasets.cvat.cvat.read_images", None)
        again = CVAT(root, **settings)
    assert (again.classes, again.left_out) == (first.classes, {"polyline": 1})
    assert again.flip_pairs == first.flip_pairs != []
    for name, values in first[0].targets.items():
        np.testing.assert_array_equal(again[0].targets[name], values)
    write(root, xml(image("a.png", box("cat", (1, 1, 20, 20)))), ("a.png", "more.png"))
    assert len(CVAT(root)[0].targets["boxes"]) == 1
