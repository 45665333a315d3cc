"""The picture of a reply: right parts in the right places, and Bengali letters shaped as they are written."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageColor, ImageFont

from bengali_feedback.emotion import EMOTIONS, Emotion
from bengali_feedback.errors import MissingDependencyError
from bengali_feedback.evaluation import picture
from bengali_feedback.evaluation.picture import bengali_fonts, fit_sentence, mel_picture, reply_picture
from bengali_feedback.fer.detector import FaceBox
from bengali_feedback.fer.recognizer import Face
from bengali_feedback.pipeline import Feedback

SAMPLE_RATE = 16000
LONG_SENTENCE = (
    "আপনার মুখে বিস্ম\u09dfের ছাপ দেখছি; হঠাৎ এমন কিছু ঘটলে একটু থেমে শ্বাস নিন, তারপর ধীরে ধীরে বলুন ঠিক কী "
    "হ\u09dfেছে, আমরা ক্ষমতা অনুযা\u09dfী আপনাকে সাহায্য করব।"
)


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE)).astype(np.float32)


def face(box, emotion=Emotion.HAPPY):
    return Face(FaceBox(*box, score=0.99), emotion, probabilities={}, certain=True)


def make_feedback(emotion=Emotion.HAPPY, **changes) -> Feedback:
    probabilities = dict.fromkeys(EMOTIONS, 0.04) | {emotion: 0.76}
    fields = {
        "photo": np.full((300, 300, 3), 128, np.uint8),
        "faces": [face((90, 90, 120, 120), emotion)],
        "emotion": emotion,
        "probabilities": probabilities,
        "certain": True,
        "text": "তোমার হাসিটা দেখে মনটা ভরে গেল!",
        "source": "generated",
        "register": "tumi",
        "intent": "acknowledge",
        "audio": tone(440),
        "sample_rate": SAMPLE_RATE,
        "timings": {"fer": 0.04, "nlg": 0.2, "tacotron2": 0.7, "waveglow": 2.3},
    }
    return Feedback(**fields | changes)


def draw(tmp_path, **changes) -> np.ndarray:
    reply_picture(make_feedback(**changes), tmp_path / "reply.png")
    return np.asarray(Image.open(tmp_path / "reply.png").convert("RGB")).astype(int)


def count(pixels: np.ndarray, colour: str) -> int:
    return int((np.abs(pixels - ImageColor.getrgb(colour)).max(axis=-1) <= 2).sum())


def bar_lengths(pixels: np.ndarray) -> list[int]:
    """Pixels of each emotion's own colour in the middle line of its bar."""
    left, top, right, bottom = picture._BARS
    pitch = (bottom - top) / 7
    rows = [int((top + (i + 0.5) * pitch) / 2) for i in range(7)]
    return [
        count(pixels[row, left // 2 + 235 : right // 2 - 75], picture.COLOURS[e])
        for row, e in zip(rows, EMOTIONS, strict=True)
    ]


def test_picture_has_the_promised_size_and_leaves_no_temporary_file(tmp_path):
    assert draw(tmp_path).shape == (1000, 1600, 3)
    assert [file.name for file in tmp_path.iterdir()] == ["reply.png"]


def test_bars_are_as_long_as_the_probabilities(tmp_path):
    probabilities = dict(zip(EMOTIONS, [0.5, 0.25, 0.125, 0.125, 0, 0, 0], strict=True))
    lengths = bar_lengths(draw(tmp_path, emotion=Emotion.ANGRY, probabilities=probabilities))
    assert lengths[0] == pytest.approx(2 * lengths[1], rel=0.05)
    assert lengths[1] == pytest.approx(2 * lengths[2], rel=0.05)
    assert lengths[4:] == [0, 0, 0]


def test_box_is_drawn_around_the_face_in_the_colour_of_its_emotion(tmp_path):
    pixels = draw(tmp_path, emotion=Emotion.SAD)
    scale = 550 / 300  # a photo 300 pixels wide fills the frame of 550
    row = 40 + round(150 * scale)  # through the middle of the face
    inside = np.flatnonzero(
        np.abs(pixels[row, 40:590] - ImageColor.getrgb(picture.COLOURS[Emotion.SAD])).max(axis=-1) <= 2
    )
    assert inside.min() == pytest.approx(90 * scale, abs=4)
    assert inside.max() == pytest.approx(210 * scale, abs=4)


def test_every_face_is_drawn_and_the_largest_most_strongly(tmp_path):
    faces = [face((120, 80, 150, 150), Emotion.ANGRY), face((10, 200, 60, 60), Emotion.FEAR)]
    photo = draw(tmp_path, faces=faces, emotion=Emotion.ANGRY)[40:590, 40:590]
    fear, angry = count(photo, picture.COLOURS[Emotion.FEAR]), count(photo, picture.COLOURS[Emotion.ANGRY])
    assert fear > 200
    assert angry > 3 * fear


@pytest.mark.parametrize("size", [(60, 1500), (1500, 60), (1, 1), (2000, 1500)], ids=str)
def test_photo_of_any_shape_stays_in_its_frame(tmp_path, size):
    photo = np.zeros((*size, 3), np.uint8)
    photo[..., 1] = 255
    box_past_the_edges = (-5, -5, size[1] + 10, size[0] + 10)
    pixels = draw(tmp_path, photo=photo, faces=[face(box_past_the_edges)])
    rows, columns = np.nonzero(np.abs(pixels - (0, 255, 0)).max(axis=-1) <= 2)
    assert rows.min() >= 40 and columns.min() >= 40
    assert rows.max() < 590 and columns.max() < 590


def test_a_reply_without_faces_or_sound_is_still_drawn(tmp_path):
    assert draw(tmp_path, faces=[], audio=np.zeros(0, np.float32)).shape == (1000, 1600, 3)


@pytest.mark.parametrize(("amplitude", "share"), [(0.99, 0.99), (0.5, 1.0), (0.2, 0.8)])
def test_waveform_is_drawn_to_the_scale_that_shows_it_best(tmp_path, amplitude, share):
    left, top, right, bottom = (edge // 2 for edge in picture._WAVEFORM)
    wave = draw(tmp_path, audio=2 * amplitude * tone(440))[top - 10 : bottom + 10, left:right]
    rows = np.flatnonzero(
        np.abs(wave - ImageColor.getrgb(picture.COLOURS[Emotion.HAPPY])).max(axis=-1).min(axis=1) < 60
    )
    assert (rows.max() - rows.min()) / (bottom - top) == pytest.approx(share, abs=0.05)


def test_conjuncts_are_shaped():
    """ক্ষ is one glyph, so it is narrower than its letters; the same font unshaped shows the virama."""
    regular = str(bengali_fonts()[0])
    shaped = ImageFont.truetype(regular, 100, layout_engine=ImageFont.Layout.RAQM)
    unshaped = ImageFont.truetype(regular, 100, layout_engine=ImageFont.Layout.BASIC)
    for word in ("ক্ষমতা", "বিস্ম\u09df", "কৃষ্ণ", "কর্ম", "আনন্দ", "র\u200d\u09cd\u09afাব"):
        assert shaped.getlength(word) < 0.95 * unshaped.getlength(word), word


def test_vowel_sign_i_stands_before_its_consonant():
    """কি: the ink left of the ক is the sign; unshaped it would stand to the right."""
    font = picture._bengali(200)
    plain, with_sign = (np.asarray(font.getmask(text)).reshape(font.getmask(text).size[::-1]) for text in ("ক", "কি"))
    added = with_sign.shape[1] - plain.shape[1]
    body = plain[plain.shape[0] // 2 :]  # below the headline, where ি is one thin upright stroke
    assert np.corrcoef(body.ravel(), with_sign[-body.shape[0] :, added:].ravel())[0, 1] > 0.95


def test_long_sentence_is_wrapped_whole_and_fits():
    lines, size = fit_sentence(LONG_SENTENCE, 1660, 340)
    assert " ".join(lines) == LONG_SENTENCE
    assert len(lines) * 1.5 * size <= 340
    assert max(picture._bengali(size, bold=True).getlength(line) for line in lines) <= 1660


def test_short_sentence_gets_the_largest_letters():
    assert fit_sentence("কি খবর?", 1660, 340) == (["কি খবর?"], 108)


def test_endless_text_is_cut_with_an_ellipsis():
    lines, size = fit_sentence(" ".join([LONG_SENTENCE] * 10) + " " + "ক" * 500, 1660, 340)
    assert size == 44 and len(lines) == 5
    assert lines[-1].endswith("…")
    assert fit_sentence("ক" * 500, 1660, 340)[0][0].endswith("…")


@pytest.mark.parametrize("hertz", [500, 1000, 4000])
def test_mel_spectrogram_shows_a_tone_at_its_own_height(hertz):
    colours, ticks = mel_picture(tone(hertz))
    assert colours.shape == (80, 1 + SAMPLE_RATE // 256, 3)
    brightest = 80 - 0.5 - colours[:, 30].astype(int).sum(axis=1).argmax()
    assert brightest / 80 == pytest.approx(ticks[hertz / 1000], abs=0.02)


def test_silence_is_black():
    colours, _ = mel_picture(np.zeros(SAMPLE_RATE, np.float32))
    assert colours.shape == (80, 63, 3)
    assert colours.max() <= 4  # magma begins at RGB 0, 0, 4


@pytest.fixture
def fresh_fonts():
    bengali_fonts.cache_clear()
    yield
    bengali_fonts.cache_clear()


def test_missing_font_names_the_package_and_writes_nothing(tmp_path, monkeypatch, fresh_fonts):
    monkeypatch.setattr(picture, "FONT_FOLDERS", (tmp_path,))
    monkeypatch.setattr(picture, "_fontconfig_bengali", lambda style: None)
    with pytest.raises(MissingDependencyError, match="apt-get install fonts-noto-core"):
        reply_picture(make_feedback(), tmp_path / "reply.png")
    assert list(tmp_path.iterdir()) == []


def test_missing_text_shaping_names_the_package(tmp_path, monkeypatch, fresh_fonts):
    monkeypatch.setattr(picture.features, "check", lambda name: False)
    with pytest.raises(MissingDependencyError, match="apt-get install libfribidi0"):
        reply_picture(make_feedback(), tmp_path / "reply.png")


def test_another_bengali_font_is_found_through_fontconfig(tmp_path, monkeypatch, fresh_fonts):
    monkeypatch.setattr(picture, "FONT_FOLDERS", (tmp_path,))
    monkeypatch.setattr(picture.shutil, "which", lambda name: "/usr/bin/fc-match")
    answer = SimpleNamespace(stdout=f"{tmp_path / 'Other.ttf'}\nas|bn|mni")
    monkeypatch.setattr(picture.subprocess, "run", lambda *args, **kwargs: answer)
    (tmp_path / "Other.ttf").touch()
    assert bengali_fonts() == (tmp_path / "Other.ttf", tmp_path / "Other.ttf")


def test_fontconfig_answer_that_does_not_cover_bengali_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(picture.shutil, "which", lambda name: "/usr/bin/fc-match")
    answer = SimpleNamespace(stdout=f"{tmp_path / 'Latin.ttf'}\nen|fr")
    monkeypatch.setattr(picture.subprocess, "run", lambda *args, **kwargs: answer)
    (tmp_path / "Latin.ttf").touch()
    assert picture._fontconfig_bengali("Regular") is None
