import cv2
import numpy as np
import pytest

from densefit.errors import ConfigError, DataError
from densefit.tools.predicting.frames import Frames


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (64, 48))
    for number in range(9):
        writer.write(np.full((48, 64, 3), (0, 0, 25 * number), np.uint8))
    writer.release()
    return path


def test_every_third_frame_has_its_number_and_time(video):
    frames = Frames(video, every=3)
    assert (frames.total, frames.rate) == (3, pytest.approx(10 / 3))
    read = list(frames)
    assert [frame.number for frame in read] == [0, 3, 6]
    assert [frame.seconds for frame in read] == pytest.approx([0, 0.3, 0.6])
    assert abs(int(read[2].image[..., 0].mean()) - 150) < 12  # red, as RGB
    assert read[2].image[..., 2].mean() < 30


def test_frames_end_where_they_are_told(video):
    assert len(list(Frames(video, most=4))) == 4
    frames = Frames(video)
    for number, _ in enumerate(frames):
        if number == 1:
            frames.stop()
    assert number == 1


def test_what_is_no_video_is_an_error(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    for path in (tmp_path / "broken.mp4", tmp_path / "nowhere.mp4"):
        with pytest.raises(DataError):
            Frames(path)
    with pytest.raises(ConfigError, match="1 or more"):
        Frames(tmp_path / "broken.mp4", every=0)
