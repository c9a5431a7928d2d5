import pytest

from densefit.tools.page.samples import PictureBudget, kinds_of, page_samples
from tests.tools.page.run_folder import HOSTILE, analysis, write_run


def of(folder, content, room=1 << 20):
    budget = PictureBudget(room)
    return page_samples(folder, content, kinds_of(content), budget), budget


def test_samples_with_names_of_their_outcomes(tmp_path):
    samples, _ = of(write_run(tmp_path / "run"), analysis(4, 64))
    assert [sample.id for sample in samples] == [f"image {index}" for index in range(4)]
    assert samples[1].outcomes == [(HOSTILE, "false detection", 1), ("platelet", "right", 2)]
    assert samples[1].tokens == "1:0 2:2"
    assert samples[0].images[0][1].startswith("data:image/jpeg;base64,/9j/")


def test_pictures_without_room_are_left_out(tmp_path):
    samples, budget = of(write_run(tmp_path / "run"), analysis(4, 64), room=9000)
    assert 0 < len(samples) < 4
    assert budget.left_out > 0
    assert budget.left >= 0


@pytest.mark.parametrize("name", ["../../secret.jpg", "/etc/hostname", "boxes/link.jpg"])
def test_no_file_outside_the_analysis_is_read(tmp_path, name):
    folder = write_run(tmp_path / "run", samples=1)
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (folder / "analysis" / "boxes" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    content = analysis(1, 64)
    content["shown"][0]["truth"] = name
    assert of(folder, content)[0] == []


def test_a_missing_picture_leaves_its_sample_out(tmp_path):
    folder = write_run(tmp_path / "run", samples=3)
    (folder / "analysis" / "boxes" / "001_truth.jpg").unlink()
    assert [sample.id for sample in of(folder, analysis(3, 64))[0]] == ["image 0", "image 2"]


def test_an_image_that_drawings_hide_comes_first(tmp_path):
    folder = write_run(tmp_path / "run", samples=2)
    content = analysis(2, 64)
    content["shown"][0]["image"] = content["shown"][0]["truth"]
    samples, _ = of(folder, content)
    assert [side for side, _ in samples[0].images] == ["image", "truth", "prediction"]
    assert [side for side, _ in samples[1].images] == ["truth", "prediction"]
