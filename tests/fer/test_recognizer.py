"""The shipped recognizer on real and made-up photos."""

import io
import json
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from bengali_feedback.checkpoints import home
from bengali_feedback.emotion import EMOTIONS, Emotion
from bengali_feedback.errors import CheckpointError, ImageError
from bengali_feedback.fer.dataset import ten_views
from bengali_feedback.fer.recognizer import FaceEmotionRecognizer


@pytest.fixture(scope="module")
def recognizer() -> FaceEmotionRecognizer:
    return FaceEmotionRecognizer.load()


@pytest.fixture
def copy(tmp_path):
    """A copy of the shipped network and its settings, to be damaged."""
    for suffix in (".keras", ".json"):
        shutil.copy(home() / "checkpoints" / "fer" / f"custom_cnn{suffix}", tmp_path)
    return tmp_path / "custom_cnn.keras"


def test_the_astronaut_is_happy(recognizer, astronaut):
    (face,) = recognizer.recognize(astronaut)
    assert face.emotion is Emotion.HAPPY
    assert tuple(face.probabilities) == EMOTIONS
    assert face.probabilities[Emotion.HAPPY] == max(face.probabilities.values()) > 0.5
    assert sum(face.probabilities.values()) == pytest.approx(1.0, abs=1e-5)
    assert all(type(p) is float and 0 <= p <= 1 for p in face.probabilities.values())
    assert 0 < face.box.x < 512 and 0 < face.box.y < 512


def test_a_blank_wall_has_no_face(recognizer):
    assert recognizer.recognize(np.full((240, 320, 3), 200, np.uint8)) == []


def test_several_faces_come_largest_first(recognizer, two_astronauts):
    large, small = recognizer.recognize(two_astronauts)
    assert large.box.width * large.box.height > 2 * small.box.width * small.box.height
    assert large.box.x > 320 > small.box.x
    assert large.emotion is Emotion.HAPPY
    assert sum(small.probabilities.values()) == pytest.approx(1.0, abs=1e-5)


def test_every_kind_of_source_gives_the_same_face(recognizer, astronaut, tmp_path):
    image = Image.fromarray(astronaut)
    image.save(tmp_path / "photo.png")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    (expected,) = recognizer.recognize(astronaut)
    for source in (tmp_path / "photo.png", str(tmp_path / "photo.png"), buffer.getvalue(), image):
        assert recognizer.recognize(source) == [expected]


def test_a_photo_that_cannot_be_read_is_an_image_error(recognizer, tmp_path):
    with pytest.raises(ImageError, match=r"nowhere\.jpg does not exist"):
        recognizer.recognize(tmp_path / "nowhere.jpg")


def test_probabilities_of_a_batch_are_those_of_each_crop(recognizer):
    crops = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    together = recognizer.probabilities(crops)
    assert together.shape == (3, 7) and together.dtype == np.float32
    np.testing.assert_allclose(together.sum(axis=1), 1.0, atol=1e-5)
    for crop, row in zip(crops, together, strict=True):
        np.testing.assert_allclose(recognizer.probabilities(crop[None])[0], row, atol=1e-4)


def test_the_temperature_softens_without_changing_the_order():
    import tensorflow as tf

    shown = np.array([[0.6, 0.2, 0.1, 0.05, 0.03, 0.01, 0.01]], np.float32)
    recognizer = FaceEmotionRecognizer(lambda x, training: tf.constant(shown), temperature=2.0, threshold=0.5)
    softened = recognizer.probabilities(np.zeros((1, 48, 48), np.uint8))
    np.testing.assert_allclose(softened, np.sqrt(shown) / np.sqrt(shown).sum(), atol=1e-6)


def test_a_network_that_is_not_shipped_is_loaded_with_its_own_temperature(copy, astronaut, recognizer):
    settings = json.loads(copy.with_suffix(".json").read_text(encoding="utf-8"))
    copy.with_suffix(".json").write_text(json.dumps({"temperature": 100.0, "threshold": 0.4}), encoding="utf-8")
    (face,) = FaceEmotionRecognizer.load(copy).recognize(astronaut)
    assert max(face.probabilities.values()) < 0.3  # so high a temperature leaves nearly nothing but doubt
    assert not face.certain
    assert settings["temperature"] == pytest.approx(recognizer._temperature)


@pytest.mark.parametrize("above", [False, True])
def test_a_face_is_certain_from_the_threshold_on(astronaut, above):
    recognizer = FaceEmotionRecognizer.load()
    (face,) = recognizer.recognize(astronaut)
    highest = max(face.probabilities.values())
    recognizer.threshold = highest + 0.01 if above else highest - 0.01
    assert recognizer.recognize(astronaut)[0].certain is not above


def test_ten_views_are_averaged_before_the_temperature():
    import tensorflow as tf

    def first_pixel(x, training):  # a network that sees one corner only, so that shifts and mirror images differ
        happy = (x[:, 0, 0] + 1.0) / 2.0
        return tf.concat([1.0 - happy, happy, tf.zeros((tf.shape(x)[0], 5))], axis=1)

    faces = np.random.default_rng(0).integers(0, 256, (2, 48, 48), dtype=np.uint8)
    recognizer = FaceEmotionRecognizer(first_pixel, temperature=1.0, threshold=0.5)
    corners = [view[:, 0, 0] / 255.0 for view in ten_views(faces)]
    np.testing.assert_allclose(recognizer.probabilities(faces, augmented=True)[:, 1], np.mean(corners, 0), atol=1e-5)


def truncate(network):
    network.write_bytes(network.read_bytes()[: network.stat().st_size // 2])


def empty(network):
    network.write_bytes(b"")


def flip_weights(network):
    data = bytearray(network.read_bytes())
    data[len(data) // 2] ^= 0xFF
    network.write_bytes(data)


def empty_configuration(network):
    with zipfile.ZipFile(network) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(network, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, b"{}" if name == "config.json" else content)


def remove(network):
    network.unlink()


def no_settings(network):
    network.with_suffix(".json").unlink()


def settings_without_temperature(network):
    network.with_suffix(".json").write_text("{}", encoding="utf-8")


def settings_of_another_shape(network):
    network.with_suffix(".json").write_text("[1.0]", encoding="utf-8")


def truncated_settings(network):
    network.with_suffix(".json").write_text('{"temperature": 1.', encoding="utf-8")


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        empty,
        flip_weights,
        empty_configuration,
        remove,
        no_settings,
        settings_without_temperature,
        settings_of_another_shape,
        truncated_settings,
    ],
)
def test_a_damaged_checkpoint_is_one_clear_error(copy, damage):
    damage(copy)
    with pytest.raises(
        CheckpointError, match="(?s)cannot read .*custom_cnn.keras.*bengali-feedback train fer"
    ) as caught:
        FaceEmotionRecognizer.load(copy)
    assert "\n" not in str(caught.value)


def test_a_shipped_checkpoint_that_was_altered_is_refused_by_its_hash(copy, monkeypatch, tmp_path):
    shutil.copytree(home() / "checkpoints" / "fer", tmp_path / "checkpoints" / "fer")
    shutil.copy(home() / "checkpoints" / "manifest.json", tmp_path / "checkpoints")
    monkeypatch.setenv("BENGALI_FEEDBACK_HOME", str(tmp_path))
    flip_weights(tmp_path / "checkpoints" / "fer" / "custom_cnn.keras")
    with pytest.raises(CheckpointError, match="does not match its SHA-256"):
        FaceEmotionRecognizer.load()
