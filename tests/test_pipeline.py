"""The whole house: a photograph in, emotion, Bengali sentence and speech out."""

import io
import json
import sys
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from PIL import Image

from bengali_feedback import Feedback, FeedbackPipeline
from bengali_feedback.emotion import EMOTIONS, Emotion
from bengali_feedback.errors import DataError, ImageError, MissingDependencyError, NoFaceError, TextError

WALL = np.full((240, 320, 3), 200, np.uint8)


@pytest.fixture(scope="module")
def feedback(pipeline, astronaut) -> Feedback:
    pipeline.generator.restart()  # no answer follows itself: here none came before
    return pipeline(astronaut, seed=1)


# --- The shipped pipeline on the astronaut


def test_the_astronaut_is_happy(feedback, astronaut):
    assert feedback.emotion is Emotion.HAPPY
    assert tuple(feedback.probabilities) == EMOTIONS
    assert feedback.probabilities[Emotion.HAPPY] == max(feedback.probabilities.values())
    assert sum(feedback.probabilities.values()) == pytest.approx(1.0, abs=1e-5)
    assert len(feedback.faces) == 1 and feedback.faces[0].emotion is Emotion.HAPPY
    np.testing.assert_array_equal(feedback.photo, astronaut)


def test_the_answer_is_a_whole_bengali_sentence(feedback):
    assert 4 <= len(feedback.text.split()) <= 20
    assert feedback.text[-1] in "।?!"
    assert all("\u0980" <= letter <= "\u09ff" or letter in "।?!, \u200d" for letter in feedback.text)
    assert feedback.source in ("generated", "corpus")
    assert feedback.register == "apni"
    assert feedback.intent in ("acknowledge", "comfort", "encourage", "suggest", "ask")


def test_the_sound_can_be_heard_and_does_not_clip(feedback):
    assert feedback.audio.dtype == np.float32 and feedback.audio.ndim == 1
    assert feedback.sample_rate == 16000
    assert 1.0 <= len(feedback.audio) / feedback.sample_rate <= 12.0
    assert np.isfinite(feedback.audio).all() and np.abs(feedback.audio).max() <= 1.0
    assert np.sqrt(np.mean(feedback.audio**2)) > 0.02


def test_every_stage_is_timed(feedback):
    assert list(feedback.timings) == ["fer", "nlg", "tacotron2", "waveglow"]
    assert all(0 < seconds < 60 for seconds in feedback.timings.values())


def test_save_writes_a_wav_that_reads_back(feedback, tmp_path):
    feedback.save(tmp_path / "reply.wav")
    information = soundfile.info(tmp_path / "reply.wav")
    assert (information.format, information.subtype) == ("WAV", "PCM_16")
    assert (information.samplerate, information.channels, information.frames) == (16000, 1, len(feedback.audio))
    audio, _ = soundfile.read(tmp_path / "reply.wav", dtype="float32")
    np.testing.assert_allclose(audio, feedback.audio, atol=1 / 32768)
    assert [path.name for path in tmp_path.iterdir()] == ["reply.wav"]


def test_to_dict_is_ready_for_json(feedback):
    reply = json.loads(json.dumps(feedback.to_dict(), ensure_ascii=False))
    assert reply["emotion"] == "happy" and reply["text"] == feedback.text
    assert reply["seconds"] == pytest.approx(len(feedback.audio) / 16000, abs=0.001)
    assert reply["faces"][0]["box"]["width"] == feedback.faces[0].box.width


def test_a_seed_repeats_sentence_and_sound(pipeline, astronaut, feedback):
    other = pipeline(astronaut, seed=2)
    again = pipeline(astronaut, seed=1)
    assert again.text == feedback.text != other.text
    np.testing.assert_array_equal(again.audio, feedback.audio)


def test_without_a_seed_every_answer_is_another(pipeline, astronaut):
    first, second = pipeline(astronaut), pipeline(astronaut)
    assert first.text != second.text
    assert first.audio.shape != second.audio.shape or not np.array_equal(first.audio, second.audio)


def test_register_and_intent_are_kept(pipeline, astronaut):
    feedback = pipeline(astronaut, register="tumi", intent="ask", seed=3)
    assert (feedback.register, feedback.intent) == ("tumi", "ask")


@pytest.mark.parametrize("wish", [{"register": "tui"}, {"intent": "scold"}])
def test_an_unknown_wish_is_a_text_error(pipeline, astronaut, wish):
    with pytest.raises(TextError, match="is not one of"):
        pipeline(astronaut, **wish)


def test_without_a_face_the_error_names_the_photo(pipeline, tmp_path):
    Image.fromarray(WALL).save(tmp_path / "wall.png")
    with pytest.raises(NoFaceError, match=r"no face found in .*wall\.png"):
        pipeline(tmp_path / "wall.png")
    with pytest.raises(NoFaceError, match="no face found in the photo"):
        pipeline(WALL)


# --- What a photo may come as. The voice does not change with it, so here it is silent.


@dataclass
class Sound:
    audio: np.ndarray = field(default_factory=lambda: np.zeros(16000, np.float32))
    sample_rate: int = 16000
    timings: dict = field(default_factory=lambda: {"tacotron2": 0.1, "waveglow": 0.2})


class SilentSpeech:
    """Stands in for the voice, and remembers what it was asked to say."""

    def __init__(self):
        self.said = []

    def synthesize(self, text: str, seed: int = 0) -> Sound:
        self.said.append((text, seed))
        return Sound()


@pytest.fixture
def silent(pipeline) -> FeedbackPipeline:
    return FeedbackPipeline(pipeline.recognizer, pipeline.generator, SilentSpeech())


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def grey(astronaut):
    return encoded(Image.fromarray(astronaut).convert("L"))


def transparent(astronaut):
    return encoded(Image.fromarray(astronaut).convert("RGBA"))


def sixteen_bits(astronaut):
    levels = np.asarray(Image.fromarray(astronaut).convert("L")).astype(np.uint16)
    return encoded(Image.fromarray(levels * 257))


def rotated(astronaut):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright and stored the photo lying
    lying = Image.fromarray(astronaut).transpose(Image.Transpose.ROTATE_90)
    return encoded(lying, "JPEG", quality=95, exif=exif)


def as_bytes(astronaut):
    return encoded(Image.fromarray(astronaut), "JPEG", quality=95)


def as_image(astronaut):
    return Image.fromarray(astronaut)


def grey_array(astronaut):
    return np.asarray(Image.fromarray(astronaut).convert("L"))


@pytest.mark.parametrize("form", [grey, transparent, sixteen_bits, rotated, as_bytes, as_image, grey_array])
def test_the_astronaut_is_happy_however_she_comes(silent, astronaut, feedback, form):
    answer = silent(form(astronaut))
    assert answer.emotion is Emotion.HAPPY
    assert answer.photo.shape == (512, 512, 3) and answer.photo.dtype == np.uint8
    found, expected = answer.faces[0].box, feedback.faces[0].box
    assert abs(found.x - expected.x) < 10 and abs(found.y - expected.y) < 10


def test_the_largest_of_several_faces_is_answered_and_all_are_listed(silent, two_astronauts):
    feedback = silent(two_astronauts)
    large, small = feedback.faces
    assert large.box.x > 320 > small.box.x
    assert (feedback.emotion, feedback.probabilities) == (large.emotion, large.probabilities)
    assert feedback.certain is large.certain is feedback.to_dict()["certain"]
    assert len(feedback.to_dict()["faces"]) == 2


def test_a_photo_that_cannot_be_read_is_an_image_error(silent, tmp_path):
    with pytest.raises(ImageError, match=r"nowhere\.jpg does not exist"):
        silent(tmp_path / "nowhere.jpg")


# --- Stand-in stages: the pipeline only hands results on


def face(emotion: Emotion, x: int) -> SimpleNamespace:
    probabilities = {other: 0.7 if other is emotion else 0.05 for other in EMOTIONS}
    box = SimpleNamespace(x=x, y=0, width=50, height=60)
    return SimpleNamespace(box=box, emotion=emotion, probabilities=probabilities, certain=True)


class FixedRecognizer:
    def __init__(self, *faces):
        self.faces = list(faces)

    def recognize(self, photo: np.ndarray) -> list:
        assert photo.dtype == np.uint8 and photo.ndim == 3
        return self.faces


class FixedGenerator:
    def __init__(self):
        self.asked = []

    def generate(self, emotion, register="apni", intent=None, seed=None):
        self.asked.append((emotion, register, intent, seed))
        return SimpleNamespace(text="ভালো থাকুন।", source="corpus", register=register, intent=intent or "ask")


@pytest.fixture
def stand_in() -> FeedbackPipeline:
    faces = face(Emotion.SAD, x=100), face(Emotion.HAPPY, x=0)
    return FeedbackPipeline(FixedRecognizer(*faces), FixedGenerator(), SilentSpeech())


def test_stand_in_stages_are_asked_in_turn(stand_in):
    feedback = stand_in(WALL, register="tumi", intent="comfort", seed=7)
    assert stand_in.generator.asked == [(Emotion.SAD, "tumi", "comfort", 7)]
    assert stand_in.speech.said == [("ভালো থাকুন।", 7)]
    assert (feedback.emotion, feedback.probabilities) == (Emotion.SAD, stand_in.recognizer.faces[0].probabilities)
    assert feedback.faces == stand_in.recognizer.faces
    assert (feedback.text, feedback.source, feedback.register, feedback.intent) == (
        "ভালো থাকুন।", "corpus", "tumi", "comfort",
    )  # fmt: skip
    assert list(feedback.timings) == ["fer", "nlg", "tacotron2", "waveglow"]
    assert (feedback.timings["tacotron2"], feedback.timings["waveglow"]) == (0.1, 0.2)


def test_without_a_seed_the_generator_chooses_freely(stand_in):
    stand_in(WALL)
    assert stand_in.generator.asked == [(Emotion.SAD, "apni", None, None)]


def test_without_a_face_nothing_is_said(stand_in):
    stand_in.recognizer.faces = []
    with pytest.raises(NoFaceError):
        stand_in(WALL)
    assert stand_in.generator.asked == stand_in.speech.said == []


def test_a_folder_that_does_not_exist_is_a_data_error(stand_in, tmp_path):
    with pytest.raises(DataError, match=r"cannot write .*reply\.wav"):
        stand_in(WALL).save(tmp_path / "nowhere" / "reply.wav")


def test_play_without_pyaudio_says_how_to_get_it(stand_in, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyaudio", None)
    with pytest.raises(MissingDependencyError, match=r"portaudio19-dev.*bengali-feedback\[audio\]"):
        stand_in(WALL).play()


class FakeAudio:
    """PyAudio's part that is used; ``broken`` where no loudspeaker is."""

    paFloat32 = 1
    broken = False
    played = b""
    closed = terminated = False

    def open(self, rate, channels, format, output):
        if self.broken:
            raise OSError("no default output device")
        assert (rate, channels, format, output) == (16000, 1, self.paFloat32, True)
        return SimpleNamespace(write=self.write, stop_stream=lambda: None, close=self.close)

    def write(self, data):
        self.played += data

    def close(self):
        self.closed = True

    def terminate(self):
        self.terminated = True


@pytest.fixture
def loudspeaker(monkeypatch) -> FakeAudio:
    device = FakeAudio()
    monkeypatch.setitem(sys.modules, "pyaudio", SimpleNamespace(PyAudio=lambda: device, paFloat32=device.paFloat32))
    return device


def test_play_hands_every_sample_to_the_loudspeaker(stand_in, loudspeaker):
    feedback = stand_in(WALL)
    feedback.play()
    assert loudspeaker.played == feedback.audio.tobytes()
    assert loudspeaker.closed and loudspeaker.terminated


def test_play_without_a_loudspeaker_is_one_clear_error(stand_in, loudspeaker):
    loudspeaker.broken = True
    with pytest.raises(MissingDependencyError, match="no loudspeaker to play on.*no default output device"):
        stand_in(WALL).play()
    assert loudspeaker.terminated
