"""The corruptions do to a face what their names say."""

import numpy as np
import pytest

from bengali_feedback.evaluation.robustness import CORRUPTIONS, evaluate_robustness


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """uint8 [20, 48, 48] with a slope from left to right and some texture."""
    slope = np.tile(np.linspace(40, 150, 48), (20, 48, 1))
    return (slope + np.random.default_rng(0).uniform(0, 20, slope.shape)).astype(np.uint8)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_corruption_keeps_the_shape_changes_each_face_and_is_repeatable(name, faces):
    before = faces.copy()
    worse = CORRUPTIONS[name](faces)
    assert worse.shape == faces.shape and worse.dtype == np.uint8
    assert (worse != faces).any(axis=(1, 2)).all()
    np.testing.assert_array_equal(CORRUPTIONS[name](faces), worse)
    np.testing.assert_array_equal(faces, before)


def test_brightness_scales_and_clips(faces):
    darker, brighter = CORRUPTIONS["brightness −40 %"](faces), CORRUPTIONS["brightness +40 %"](faces)
    np.testing.assert_allclose(darker, faces * 0.6, atol=0.5)
    np.testing.assert_allclose(brighter, np.minimum(faces * 1.4, 255), atol=0.5)


def test_occlusion_covers_a_quarter_of_the_face_in_changing_places(faces):
    covered = CORRUPTIONS["occlusion, 25 % of the area"](faces) == 127
    areas = covered.mean(axis=(1, 2))
    assert ((areas >= 0.25) & (areas < 0.28)).all()  # a few pixels are 127 by themselves
    assert len({tuple(np.argwhere(face)[0]) for face in covered}) > 10


def test_noise_blur_and_rotation_have_their_measure(faces):
    noise = CORRUPTIONS["noise (Gaussian, σ 10 of 255)"](faces) - faces.astype(float)
    assert noise.std() == pytest.approx(10, rel=0.02)
    assert CORRUPTIONS["blur (Gaussian, σ 1 px)"](faces).std() < faces.std()
    line = np.zeros((1, 48, 48), np.uint8)
    line[:, 23:25] = 255  # level
    left, right = CORRUPTIONS["rotation +15°"](line)[0], CORRUPTIONS["rotation −15°"](line)[0]
    fall = np.tan(np.radians(15)) * 36  # pixels between columns 6 and 42
    assert left[:, 6].argmax() - left[:, 42].argmax() == pytest.approx(fall, abs=1.5)
    assert right[:, 42].argmax() - right[:, 6].argmax() == pytest.approx(fall, abs=1.5)


def test_what_is_kept_is_a_share_of_the_clean_accuracy(faces):
    def is_bright(images):  # class 3 for a mean above 90, class 0 below
        bright = images.mean(axis=(1, 2)) > 90
        return np.eye(7)[np.where(bright, 3, 0)]

    labels = np.where(np.arange(20) < 15, 3, 5)  # 15 of 20 right on the faces as they are
    result = evaluate_robustness(is_bright, faces, labels)
    assert list(result) == list(CORRUPTIONS)
    assert result["brightness +40 %"] == {"accuracy": 0.75, "kept": 1.0}
    assert result["brightness −40 %"] == {"accuracy": 0.0, "kept": 0.0}
