"""Faces are found where they are, the largest first, and cropped as FER2013's were."""

import io
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from bengali_feedback.errors import CheckpointError, ImageError
from bengali_feedback.fer import detector as module
from bengali_feedback.fer.detector import FaceBox, FaceDetector, crop_face, intersection_over_union
from bengali_feedback.images import load_image

ASTRONAUT = (183, 78, 84, 102)  # her face, boxed by eye: left, top, width, height


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


def overlap(face: FaceBox, expected: tuple[float, float, float, float]) -> float:
    return intersection_over_union(face.rectangle, expected)


def test_finds_the_astronaut_and_nothing_else(detector, astronaut):
    (face,) = detector.detect(astronaut)
    assert overlap(face, ASTRONAUT) > 0.7
    assert 0.95 < face.score <= 1


def test_finds_nothing_on_a_blank_wall(detector):
    assert detector.detect(np.full((480, 640, 3), 200, np.uint8)) == []


def test_finds_nothing_in_noise_and_in_a_cat(detector):
    import skimage.data

    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    assert detector.detect(noise) == []
    assert detector.detect(skimage.data.cat()) == []


def test_the_largest_face_comes_first(detector, astronaut):
    head = astronaut[:256, 90:346]
    scene = np.full((320, 640, 3), 128, np.uint8)
    scene[20:148, 30:158] = cv2.resize(head, (128, 128), interpolation=cv2.INTER_AREA)
    scene[40:296, 320:576] = head
    large, small = detector.detect(scene)
    assert overlap(large, (183 - 90 + 320, 78 + 40, 84, 102)) > 0.7
    assert overlap(small, (93 / 2 + 30, 78 / 2 + 20, 42, 51)) > 0.7


def test_finds_a_face_that_only_exif_turns_upright(detector, astronaut):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright and stored the photo lying
    buffer = io.BytesIO()
    Image.fromarray(astronaut).transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", quality=95, exif=exif)
    (face,) = detector.detect(load_image(buffer.getvalue()))
    assert overlap(face, ASTRONAUT) > 0.7


@pytest.mark.parametrize("cut", [215, 235, 255], ids=["five eighths", "three eighths", "an eighth of it is gone"])
def test_a_face_that_the_edge_cuts_is_found_once(detector, astronaut, cut):
    left, top, width, height = ASTRONAUT
    for photo, mirrored in ((astronaut[:, :cut], False), (astronaut[:, ::-1][:, -cut:], True)):
        (face,) = detector.detect(np.ascontiguousarray(photo))
        x = cut - face.x - face.width if mirrored else face.x
        visible = (x, face.y, min(x + face.width, cut) - x, face.height)
        assert intersection_over_union(visible, (left, top, min(width, cut - left), height)) > 0.6


def test_mirror_images_beyond_the_edge_are_no_faces(detector, astronaut):
    (face,) = detector.detect(np.ascontiguousarray(astronaut[:, 175:]))  # her cheek is a few pixels from the edge
    assert overlap(face, (ASTRONAUT[0] - 175, *ASTRONAUT[1:])) > 0.7


def test_boxes_are_in_pixels_of_the_original_however_large(detector, astronaut):
    (face,) = detector.detect(cv2.resize(astronaut, (3072, 3072)))
    assert overlap(face, tuple(6 * value for value in ASTRONAUT)) > 0.7


def test_finds_the_face_in_a_bare_48_pixel_crop(detector, astronaut):
    crop = crop_face(astronaut, FaceBox(*ASTRONAUT, score=1.0))
    (face,) = detector.detect(crop)
    assert overlap(face, (7, 2, 34, 44)) > 0.6


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 3), (12, 12)])
def test_photos_too_small_for_a_face_have_none(detector, shape):
    assert detector.detect(np.zeros((*shape, 3), np.uint8)) == []


def test_a_mirrored_photo_gives_the_mirrored_box(detector, astronaut):
    (face,) = detector.detect(astronaut)
    (mirrored,) = detector.detect(astronaut[:, ::-1])
    assert mirrored.x + mirrored.width / 2 == pytest.approx(512 - face.x - face.width / 2, abs=0.05 * face.width)


def test_grey_photos_are_as_good(detector, astronaut):
    (face,) = detector.detect(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY))
    assert overlap(face, ASTRONAUT) > 0.7


def test_other_arrays_are_refused(detector):
    with pytest.raises(ImageError, match="must be uint8"):
        detector.detect(np.zeros((64, 64, 3), np.float32))


def test_crop_frames_eyes_and_mouth_as_fer2013_does(detector, astronaut):
    (face,) = detector.detect(astronaut)
    crop = crop_face(astronaut, face)
    assert crop.shape == (48, 48) and crop.dtype == np.uint8
    _, _, landmarks = detector.find(astronaut)
    side = module.FER2013_FRAME * (face.width + face.height) / 2
    corner = np.array([face.x + face.width / 2 - side / 2, face.y + face.height / 2 - side / 2])
    eye1, eye2, _, mouth1, mouth2 = (landmarks[0] - corner) / side
    # Medians of FER2013 ± its own spread; a smile like hers lifts the corners of the mouth.
    assert (eye1 + eye2)[1] / 2 == pytest.approx(0.39, abs=0.06)
    assert (mouth1 + mouth2)[1] / 2 == pytest.approx(0.79, abs=0.09)
    assert math.dist(eye1, eye2) == pytest.approx(0.37, abs=0.06)
    assert (eye1 + eye2)[0] / 2 == pytest.approx(0.5, abs=0.06)


def test_crop_is_the_concentric_square_scaled():
    image = np.zeros((200, 200), np.uint8)
    image[50:100, 50:100] = 255  # a bright square; its box is (50, 50, 50, 50), the frame 53 or 54 pixels wide
    crop = crop_face(image, FaceBox(50, 50, 50, 50, 1.0), size=96)
    assert crop.shape == (96, 96)
    assert crop[0].max() < 80 and crop[:, -1].max() < 80
    assert (crop[6:-6, 6:-6] > 250).all()


def test_crop_of_a_colour_photo_is_its_luma(astronaut):
    box = FaceBox(*ASTRONAUT, score=1.0)
    np.testing.assert_array_equal(
        crop_face(astronaut, box), crop_face(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY), box)
    )


def tilted(image: np.ndarray, degrees: float) -> np.ndarray:
    """The photo turned clockwise about the astronaut's face."""
    left, top, width, height = ASTRONAUT
    turn = cv2.getRotationMatrix2D((left + width / 2, top + height / 2), -degrees, 1.0)
    return cv2.warpAffine(image, turn, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("degrees", [-30, 30])
def test_a_tilted_face_is_cropped_with_level_eyes(detector, astronaut, degrees):
    (upright,) = detector.detect(astronaut)
    photo = tilted(astronaut, degrees)
    (face,) = detector.detect(photo)
    assert face.roll - upright.roll == pytest.approx(degrees, abs=8)
    expected, levelled = crop_face(astronaut, upright), crop_face(photo, face)
    as_it_is = crop_face(photo, replace(face, roll=0.0))
    likeness = [np.corrcoef(expected.ravel(), crop.ravel())[0, 1] for crop in (levelled, as_it_is)]
    assert likeness[0] > 0.7 > likeness[1]


def test_a_face_that_is_hardly_tilted_is_cropped_as_it_is(astronaut):
    level, hardly = (crop_face(astronaut, FaceBox(*ASTRONAUT, score=1.0, roll=roll)) for roll in (0.0, 14.0))
    np.testing.assert_array_equal(hardly, level)


def test_crop_mirrors_the_photo_where_the_frame_leaves_it_at_a_side():
    image = np.tile(np.arange(100, dtype=np.uint8), (100, 1))  # each column one grey, 0 at the left
    crop = crop_face(image, FaceBox(-28, 20, 56, 56, 1.0), size=60)
    np.testing.assert_array_equal(crop[:, :30], crop[:, :29:-1])
    assert crop[0, 30] == 0 and crop[0, 59] == 29


def test_crop_repeats_the_edge_where_the_frame_leaves_the_photo():
    image = np.tile(np.arange(100, dtype=np.uint8)[:, None], (1, 100))  # each row one grey, 0 at the top
    crop = crop_face(image, FaceBox(30, -30, 56, 56, 1.0), size=60)
    assert crop.shape == (60, 60)
    assert (crop[:30] == 0).all() and crop[-1].min() > 20
    assert crop_face(np.full((20, 20, 3), 7, np.uint8), FaceBox(-10, -10, 40, 40, 1.0)).tolist() == [[7] * 48] * 48


@pytest.mark.parametrize("box", [(500, 10, 40, 40), (-90, 10, 40, 40), (10, 10, 0, 40), (10, 10, 40, -5)])
def test_crop_refuses_boxes_outside_the_photo(box):
    with pytest.raises(ImageError, match="empty or outside the photo of 120 × 100 pixels"):
        crop_face(np.zeros((100, 120, 3), np.uint8), FaceBox(*box, score=1.0))


def test_damaged_weights_are_a_clear_error(tmp_path, monkeypatch):
    folder = tmp_path / "assets" / "weights"
    folder.mkdir(parents=True)
    (folder / "pnet.lz4").write_bytes(b"\x04\x22\x4d\x18 cut off")
    monkeypatch.setattr(module.resources, "files", lambda package: tmp_path)
    with pytest.raises(CheckpointError, match=r"pnet\.lz4 cannot be read .*pip install"):
        FaceDetector()


def test_weights_in_the_working_folder_are_not_taken(tmp_path, monkeypatch, astronaut):
    for name in ("pnet.lz4", "rnet.lz4", "onet.lz4"):
        (tmp_path / name).write_bytes(b"a stranger's pickle")
    monkeypatch.chdir(tmp_path)
    assert len(FaceDetector().detect(astronaut)) == 1
