import numpy as np
import pytest

from densefit.visualize import letters
from densefit.visualize.letters import put_text, shortened, text_size, transliterated


def written(text, height=12.0):
    image = np.zeros((60, 240, 3), np.uint8)
    put_text(image, text, 10, 40, (255, 255, 255), height)
    return image


def test_a_letter_outside_of_ascii_is_no_question_mark():
    """An umlaut is as its vowel, with dots above."""
    umlaut, vowel, unknown = written("Ä"), written("A"), written("??")
    assert umlaut.any()
    assert not np.array_equal(umlaut, unknown)
    assert umlaut[:30].sum() > vowel[:30].sum()
    assert 0.5 < umlaut[30:41].sum() / vowel[30:41].sum() < 2
    assert 0.8 < text_size("Größe", 12.0)[0] / text_size("Grose", 12.0)[0] < 1.3


@pytest.mark.parametrize("left", [-30, 0, 230])
def test_a_text_is_cut_at_the_border_of_the_picture(left):
    for text in ("Äpfel", "Apfel"):
        image = np.zeros((20, 240, 3), np.uint8)
        put_text(image, text, left, 12, (255, 0, 0), 12.0)
        assert image[..., 0].any()
        assert not image[..., 1:].any()


def test_without_a_font_that_has_them_letters_are_as_like_as_ascii_goes(monkeypatch):
    monkeypatch.setattr(letters, "_font", lambda name, size: None)
    np.testing.assert_array_equal(written("Größe"), written("Grosse"))
    assert text_size("Größe", 12.0) == text_size("Grosse", 12.0)


def test_transliteration():
    assert transliterated("Äpfel & b") == "Apfel & b"
    assert transliterated("e\u0301t\u00e9") == "ete"
    assert transliterated("\U0001f600 x") == "? x"


def test_a_caption_keeps_as_much_as_fits():
    for whole in ("some words, and more", "größere Wörter, und mehr"):
        for width in range(1, 200, 7):
            text = shortened(whole, width, 8.0)
            assert text_size(text, 8.0)[0] <= width or text == ""
            assert text == "" or text.endswith("...") or text == whole
        assert shortened(whole, 1000, 8.0) == whole
