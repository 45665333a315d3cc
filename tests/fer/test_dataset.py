"""FER2013's CSV, its leaked copies, and augmentation, on a small file that the test writes."""

import re

import numpy as np
import pytest

from bengali_feedback.errors import DataError
from bengali_feedback.fer.dataset import (
    FERPLUS_CLASSES,
    SPLITS,
    VIEW_SHIFT,
    Faces,
    augment,
    erase,
    mix,
    network_input,
    read_fer2013,
    temper,
    ten_views,
    training_batches,
    without_copies,
)

HEADER = "emotion,pixels,Usage"


def face(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (48, 48), dtype=np.uint8)


def row(image: np.ndarray, label: int | str = 3, usage: str = "Training") -> str:
    return f"{label},{' '.join(map(str, image.ravel()))},{usage}"


ROWS = [
    row(face(0), 0, "Training"),
    row(face(1), 6, "PublicTest"),
    row(face(2), 3, "Training"),
    row(face(3), 5, "PrivateTest"),
]


def write(path, lines):
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return path


def faces(count: int) -> Faces:
    return Faces(np.stack([face(seed) for seed in range(count)]), np.arange(count) % 7)


def test_every_row_lands_in_its_split_in_file_order(tmp_path):
    splits = read_fer2013(write(tmp_path / "fer2013.csv", ROWS))
    assert tuple(splits) == SPLITS
    assert {name: split.labels.tolist() for name, split in splits.items()} == {
        "Training": [0, 3], "PublicTest": [6], "PrivateTest": [5],
    }  # fmt: skip
    assert len(splits["Training"]) == 2
    assert splits["Training"].images.dtype == np.uint8 and splits["Training"].images.shape == (2, 48, 48)
    np.testing.assert_array_equal(splits["Training"].images, [face(0), face(2)])
    np.testing.assert_array_equal(splits["PrivateTest"].images, [face(3)])


def test_kaggles_line_ends_are_read_too(tmp_path):
    path = write(tmp_path / "fer2013.csv", ROWS)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_fer2013(path)["PrivateTest"].labels.tolist() == [5]


@pytest.mark.parametrize(
    "line, message",
    [
        (row(face(9), 7), "emotion is '7' but must be a code from 0 to 6"),
        (row(face(9), "happy"), "emotion is 'happy'"),
        (row(face(9), ""), "emotion is ''"),
        (row(face(9), usage="Test"), "Usage is 'Test' but must be one of Training, PublicTest, PrivateTest"),
        ("3", "Usage is None"),
        (f"3,{'0 ' * 2303},Training", "2303 pixels instead of 2304"),
        (f"3,{'0 ' * 2305},Training", "2305 pixels instead of 2304"),
        ("3,,Training", "0 pixels instead of 2304"),
        (row(face(9)).replace(" ", " 256 ", 1), "pixels must be numbers from 0 to 255"),
        (row(face(9)).replace(" ", " -1 ", 1), "pixels must be numbers from 0 to 255"),
        (row(face(9)).replace(" ", " 1.5 ", 1), "pixels must be numbers from 0 to 255"),
        (row(face(9)).replace(" ", " x ", 1), "pixels must be numbers from 0 to 255"),
        (f"3,{'0 ' * 100_000},Training", "field larger than field limit"),
    ],
)
def test_a_malformed_row_is_named_by_file_and_line(tmp_path, line, message):
    path = write(tmp_path / "fer2013.csv", [ROWS[0], line, *ROWS[1:]])
    with pytest.raises(DataError, match=f"^{re.escape(str(path))}, line 3: .*{re.escape(message)}"):
        read_fer2013(path)


def test_a_byte_that_is_not_utf8_is_named_by_file_and_line(tmp_path):
    path = write(tmp_path / "fer2013.csv", ROWS)
    path.write_bytes(path.read_bytes().replace(b"\n6,", b"\n6,\xff ", 1))
    with pytest.raises(DataError, match="line 3: pixels must be numbers"):
        read_fer2013(path)


def test_a_row_without_pixels_is_named_whatever_the_columns_order(tmp_path):
    (tmp_path / "fer2013.csv").write_text("emotion,Usage,pixels\n3,Training\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2: 0 pixels"):
        read_fer2013(tmp_path / "fer2013.csv")


@pytest.mark.parametrize("content", ["", "emotion,pixels\n3,0\n", "a picture"], ids=["empty", "no Usage", "not a CSV"])
def test_other_columns_are_refused(tmp_path, content):
    path = tmp_path / "fer2013.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="line 1: the columns must be emotion,pixels,Usage"):
        read_fer2013(path)


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_without_rows_is_named(tmp_path, split):
    path = write(tmp_path / "fer2013.csv", [line for line in ROWS if not line.endswith(split)])
    with pytest.raises(DataError, match=f"no row with Usage {split}"):
        read_fer2013(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="cannot read .*nowhere.csv: No such file"):
        read_fer2013(tmp_path / "nowhere.csv")


def test_copies_and_blank_faces_are_dropped():
    training = Faces(np.stack([face(0), face(1), face(2), np.full((48, 48), 7, np.uint8)]), np.array([0, 1, 2, 3]))
    public = Faces(np.stack([face(1)]), np.array([5]))  # the copy may even carry another label
    private = Faces(np.stack([face(8), face(2)]), np.array([1, 2]))
    kept = without_copies(training, of=[public, private])
    assert kept.labels.tolist() == [0]
    np.testing.assert_array_equal(kept.images, [face(0)])


def test_a_face_that_differs_in_one_pixel_is_no_copy():
    other = face(0)
    other[10, 10] ^= 1
    assert len(without_copies(faces(1), of=[Faces(other[None], np.array([0]))])) == 1


def test_network_input_maps_black_to_minus_one_and_white_to_one():
    image = np.zeros((1, 48, 48), np.uint8)
    image[0, 0, :3] = 255, 51, 204
    result = network_input(image)
    assert result.dtype == np.float32 and result.shape == (1, 48, 48, 1)
    np.testing.assert_allclose(result[0, 0, :4, 0], [1.0, -0.6, 0.6, -1.0], atol=1e-6)


def test_augment_keeps_shape_and_range_and_changes_every_face():
    images = network_input(faces(16).images)
    result = augment(images, [1, 2]).numpy()
    assert result.shape == images.shape and result.dtype == np.float32
    assert result.min() >= -1.0 and result.max() <= 1.0
    assert (np.abs(result - images).reshape(16, -1).max(axis=1) > 0.1).all()


def test_augment_draws_by_its_seed_alone():
    images = network_input(faces(4).images)
    np.testing.assert_array_equal(augment(images, [1, 2]), augment(images, [1, 2]))
    assert not np.array_equal(augment(images, [1, 2]), augment(images, [1, 3]))


def test_augment_mirrors_about_half_of_the_faces_and_never_turns_one_upside_down():
    image = np.full((48, 48), 128, np.uint8)
    image[:20, :20] = 255  # bright at the upper left
    result = augment(network_input(np.repeat(image[None], 200, axis=0)), [0, 0]).numpy()[..., 0]
    left, right = result[:, 5:15, 5:15].mean(axis=(1, 2)), result[:, 5:15, -15:-5].mean(axis=(1, 2))
    assert 70 <= (right > left).sum() <= 130
    assert (result[:, :24].mean(axis=(1, 2)) > result[:, 24:].mean(axis=(1, 2))).all()


def test_a_pass_holds_every_face_once_with_its_own_label():
    images = np.repeat(np.array([0, 255], np.uint8), 6)[:, None, None] * np.ones((1, 48, 48), np.uint8)
    batches = list(training_batches(Faces(images, np.repeat([1, 4], 6)), batch_size=4, seed=0))
    assert [len(x) for x, _ in batches] == [4, 4, 4]
    # No augmentation makes black (-1) brighter than -0.45 or white (1) darker than 0.45.
    x, y = (np.concatenate([batch[part].numpy() for batch in batches]) for part in (0, 1))
    assert y.shape == (12, 7) and (y.sum(axis=1) == 1).all()
    assert (y.argmax(axis=1) == np.where(x.mean(axis=(1, 2, 3)) > 0, 4, 1)).all()
    assert y.sum(axis=0).tolist() == [0, 6, 0, 0, 6, 0, 0]


def test_fewer_faces_than_a_batch_are_one_batch():
    assert [len(x) for x, _ in training_batches(faces(5), batch_size=8, seed=0)] == [5]


def test_batches_are_seeded_and_every_pass_is_another():
    def passes(seed: int) -> list[np.ndarray]:
        data = training_batches(faces(12), batch_size=4, seed=seed)
        return [np.concatenate([x.numpy() for x, _ in data]) for _ in range(2)]

    first, again, other = passes(1), passes(1), passes(2)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(np.sort(first[0].mean(axis=(1, 2, 3))), np.sort(first[1].mean(axis=(1, 2, 3))))


# --- FER+'s votes

VOTES = ["Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0", "PublicTest,,0,0,0,0,0,0,0,0,0,10",
         "Training,fer0000002.png,0,10,0,0,0,0,0,0,0,0", "PrivateTest,fer0000003.png,0,0,0,0,0,0,5,5,0,0"]  # fmt: skip


def write_votes(path, lines):
    header = ",".join(["Usage", "Image name", *FERPLUS_CLASSES])
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def test_ferplus_votes_become_shares_beside_their_faces(tmp_path):
    votes = write_votes(tmp_path / "fer2013new.csv", VOTES)
    splits = read_fer2013(write(tmp_path / "fer2013.csv", ROWS), votes)
    np.testing.assert_allclose(splits["Training"].votes[0], [0.4, 0, 0, 0.1, 0.3, 0.2, 0, 0, 0, 0])
    assert splits["Training"].votes[1].argmax() == FERPLUS_CLASSES.index("happiness")
    assert splits["PublicTest"].votes.tolist() == [[0.0] * 10]  # FER+ names no picture there
    assert splits["Training"].votes.dtype == np.float32
    kept = without_copies(splits["Training"], of=[Faces(splits["Training"].images[:1], np.zeros(1, int))])
    assert len(kept) == 1 and kept.votes[0].argmax() == 1


@pytest.mark.parametrize(
    "lines, message",
    [
        (VOTES[:-1], "0 rows of PrivateTest and .* has 1"),
        ([*VOTES[:-1], "PrivateTest,x.png,0,0,many,0,0,0,5,5,0,0"], "line 5: expected a Usage and ten counts"),
        ([*VOTES[:-1], "Test,x.png,0,0,0,0,0,0,5,5,0,0"], "line 5: expected a Usage"),
    ],
)
def test_votes_of_other_faces_are_refused(tmp_path, lines, message):
    with pytest.raises(DataError, match=message):
        read_fer2013(write(tmp_path / "fer2013.csv", ROWS), write_votes(tmp_path / "fer2013new.csv", lines))


def test_another_table_and_a_missing_one_are_not_taken_for_votes(tmp_path):
    data = write(tmp_path / "fer2013.csv", ROWS)
    with pytest.raises(DataError, match="line 1: the columns must be those of FER"):
        read_fer2013(data, data)
    with pytest.raises(DataError, match="cannot read .*nowhere"):
        read_fer2013(data, tmp_path / "nowhere.csv")


# --- Erasing and mixing


def test_erasing_covers_one_rectangle_of_one_grey_in_a_share_of_the_faces():
    images = np.full((400, 48, 48, 1), 0.123, np.float32)
    erased = erase(images, 0.25, [1, 2]).numpy()
    changed = erased != images
    assert 0.17 < changed.any(axis=(1, 2, 3)).mean() < 0.33
    assert erased.min() >= -1 and erased.max() <= 1
    for face, cover in zip(erased, changed, strict=True):
        if cover.any():
            rows, columns = cover[..., 0].any(axis=1), cover[..., 0].any(axis=0)
            assert cover.sum() == rows.sum() * columns.sum()  # a whole rectangle
            assert len(np.unique(face[cover])) == 1
            assert cover.mean() < 0.31


def test_mixing_blends_faces_and_targets_by_the_same_share():
    images = np.arange(8, dtype=np.float32).reshape(8, 1, 1, 1) * np.ones((8, 48, 48, 1), np.float32)
    mixed, targets = mix(images, {"emotion": np.eye(8, dtype=np.float32)}, 0.4, [3, 4])
    mixed, targets = mixed.numpy(), targets["emotion"].numpy()
    np.testing.assert_allclose(targets.sum(axis=1), 1.0, atol=1e-6)
    for number in range(8):
        share = targets[number, number]
        assert 0.5 <= share <= 1.0
        np.testing.assert_allclose(mixed[number], share * number + (1 - share) * (7 - number), atol=1e-5)
    assert (targets.max(axis=1) < 0.999).any()


def test_batches_carry_the_votes_as_a_second_target():
    some = faces(6)
    votes = np.eye(10, dtype=np.float32)[some.labels]
    for images, targets in training_batches(Faces(some.images, some.labels, votes), 6, 0, erasing=0.5, mixup=0.2):
        assert images.shape == (6, 48, 48, 1)
        np.testing.assert_allclose(targets["emotion"], targets["ferplus"][:, :7], atol=1e-6)  # mixed alike


def test_without_augmentation_the_faces_come_as_they_are():
    some = faces(5)
    ((images, labels),) = training_batches(some, 5, 0, augmented=False)
    order = labels.numpy().argmax(axis=1)
    np.testing.assert_allclose(images, network_input(some.images)[order], atol=1e-6)


def test_ten_views_are_the_face_its_shifts_and_their_mirror_images():
    faces = np.stack([face(0), face(1)])
    views = ten_views(faces)
    assert views.shape == (10, 2, 48, 48) and views.dtype == np.uint8
    np.testing.assert_array_equal(views[0], faces)
    shift = VIEW_SHIFT
    np.testing.assert_array_equal(views[1][:, shift:, shift:], faces[:, :-shift, :-shift])  # down and to the right
    np.testing.assert_array_equal(views[4][:, :-shift, :-shift], faces[:, shift:, shift:])  # up and to the left
    np.testing.assert_array_equal(views[5:], views[:5, :, :, ::-1])


def test_tempering_softens_above_one_and_keeps_the_sum():
    probabilities = np.array([[0.64, 0.36, 0, 0, 0, 0, 0]])
    np.testing.assert_allclose(temper(probabilities, 2.0)[0, :2], [0.8 / 1.4, 0.6 / 1.4], atol=1e-3)
    np.testing.assert_allclose(temper(probabilities, 1.0), probabilities, atol=1e-6)
    np.testing.assert_allclose(temper(probabilities, 0.5).sum(axis=1), 1.0)


def test_half_of_the_augmented_faces_are_noisy():
    import tensorflow as tf

    grey = tf.zeros([400, 48, 48, 1])  # nothing but noise can make its pixels differ
    deviations = np.asarray(augment(grey, tf.constant([0, 1]))).std(axis=(1, 2, 3))
    assert 0.4 < (deviations > 1e-4).mean() < 0.6
    assert 0.1 < deviations.max() <= 0.13
