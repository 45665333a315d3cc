"""The score on FER2013 is the one counted by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from bengali_feedback.errors import CheckpointError, DataError
from bengali_feedback.evaluation.fer import (
    evaluate_fer,
    expected_calibration_error,
    fer_markdown,
    fer_pictures,
    reliability,
    risk_coverage,
    training_history,
)
from bengali_feedback.evaluation.networks import evaluate_networks, networks_markdown
from bengali_feedback.fer.recognizer import FaceEmotionRecognizer

# Which of PrivateTest's twelve faces the network gets right: 8 of 12, and 4 of the 7 after the copies.
COPIES = 5
THRESHOLD = 0.6
HISTORY = [
    {"epoch": n, "accuracy": 0.2 + n / 10, "loss": 2.0 - n / 10, "val_accuracy": 0.3, "val_loss": 1.8} for n in range(4)
]
RIGHT = np.array([1, 1, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1], bool)


@pytest.mark.parametrize(
    "confidence, right, expected",
    [
        ([1.0, 1.0], [True, True], 0.0),
        ([1.0, 1.0], [False, False], 1.0),
        ([1.0, 1.0, 1.0, 1.0], [True, True, True, False], 0.25),
        ([0.75, 0.75, 0.75, 0.75], [True, True, True, False], 0.0),
        ([0.5, 0.5, 0.9], [True, False, False], 0.3),  # a third of the faces, 0.9 too sure
        ([0.98, 0.5], [False, True], (0.98 + 0.5) / 2),
        # 0.61 and 0.66 share the bin from 0.6 to 0.667: |0.635 - 0.5|; 0.59 is alone in the one below: |0.59 - 0|.
        ([0.61, 0.66, 0.59], [True, False, False], 2 / 3 * 0.135 + 1 / 3 * 0.59),
    ],
)
def test_expected_calibration_error_by_hand(confidence, right, expected):
    result = expected_calibration_error(np.array(confidence), np.array(right))
    assert type(result) is float and result == pytest.approx(expected)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    """A network that was never trained, with a last layer that lets it guess more than one emotion."""
    import keras

    from bengali_feedback.fer.models import custom_cnn

    keras.utils.set_random_seed(0)
    network = custom_cnn()
    network.layers[-1].set_weights([np.random.default_rng(5).normal(0, 3, (256, 7)), np.zeros(7)])
    path = tmp_path_factory.mktemp("fer") / "untrained.keras"
    keras.saving.save_model(network, path)
    path.with_suffix(".json").write_text(
        json.dumps({"temperature": 1.0, "threshold": THRESHOLD, "seed": 3, "history": HISTORY}), encoding="utf-8"
    )
    return path


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """uint8 [12, 48, 48]: flat greys and noise in turn, so that the guesses differ."""
    random = np.random.default_rng(0)
    return np.stack(
        [random.integers(0, 256, (48, 48)) if n % 2 else np.full((48, 48), 20 * n) for n in range(12)]
    ).astype(np.uint8)


@pytest.fixture(scope="module")
def probabilities(checkpoint, faces) -> np.ndarray:
    """What the network says of the twelve, float [12, 7]."""
    probabilities = FaceEmotionRecognizer.load(checkpoint).probabilities(faces)
    assert len(set(probabilities.argmax(axis=1))) > 1
    return probabilities


@pytest.fixture(scope="module")
def labels(probabilities) -> np.ndarray:
    """Its guess where it shall be right, the next emotion where it shall be wrong."""
    return (probabilities.argmax(axis=1) + ~RIGHT) % 7


@pytest.fixture(scope="module")
def data(tmp_path_factory, faces, labels) -> Path:
    """PrivateTest holds the twelve faces; the first five stand in Training too."""
    rows = [(0, face, "Training") for face in faces[:COPIES]] + [(3, np.full((48, 48), 5), "PublicTest")]
    rows += [(label, face, "PrivateTest") for label, face in zip(labels, faces, strict=True)]
    lines = [f"{label},{' '.join(map(str, face.ravel()))},{split}" for label, face, split in rows]
    path = tmp_path_factory.mktemp("fer") / "fer2013.csv"
    path.write_text("\n".join(["emotion,pixels,Usage", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def result(data, checkpoint) -> dict:
    return evaluate_fer(data, "PrivateTest", checkpoint)


def test_accuracy_is_the_hand_count(result):
    assert (result["split"], result["faces"], result["faces_without_copies"]) == ("PrivateTest", 12, 7)
    assert result["accuracy"] == pytest.approx(8 / 12)
    assert result["accuracy_without_copies"] == pytest.approx(4 / 7)


def test_the_confusion_counts_every_face_once(result, labels, probabilities):
    confusion = np.zeros((7, 7), int)
    for label, guess in zip(labels, probabilities.argmax(axis=1), strict=True):
        confusion[label, guess] += 1
    assert result["confusion"] == confusion.tolist()
    assert (confusion.sum(), np.trace(confusion)) == (12, 8)


def test_each_emotion_has_its_precision_recall_and_support(result, labels):
    confusion = np.array(result["confusion"])
    for code, row in enumerate(result["classes"].values()):
        hits, named, shown = confusion[code, code], confusion[:, code].sum(), confusion[code].sum()
        assert row["support"] == shown == (labels == code).sum()
        assert row["precision"] == pytest.approx(hits / named if named else 0.0)
        assert row["recall"] == pytest.approx(hits / shown if shown else 0.0)
    assert list(result["classes"]) == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def test_the_calibration_error_is_that_of_the_tempered_probabilities(result, probabilities):
    expected = expected_calibration_error(probabilities.max(axis=1), RIGHT)
    assert result["expected_calibration_error"] == pytest.approx(expected, abs=1e-6)


def test_the_bins_of_the_reliability_hold_every_face_once(result):
    assert sum(row["share"] for row in result["reliability"]) == pytest.approx(1.0)
    error = sum(row["share"] * abs(row["confidence"] - row["accuracy"]) for row in result["reliability"])
    assert error == pytest.approx(result["expected_calibration_error"])
    (row,) = reliability(np.array([0.61, 0.65]), np.array([True, False]))
    assert row == {"confidence": pytest.approx(0.63), "accuracy": 0.5, "share": 1.0}


def test_risk_coverage_counts_the_most_confident_first():
    curve = risk_coverage(np.arange(20) / 20, np.arange(20) >= 10)  # the surer half is right
    assert list(curve)[0] == "0.05" and len(curve) == 20
    assert curve["0.50"] == 1.0 and curve["0.80"] == pytest.approx(10 / 16) and curve["1.00"] == 0.5


def test_certain_faces_are_those_from_the_threshold_on(result, probabilities):
    certain = probabilities.max(axis=1) >= THRESHOLD
    assert 0 < certain.sum() < 12
    assert (result["threshold"], result["answered"]) == (THRESHOLD, pytest.approx(certain.mean()))
    assert result["accuracy_answered"] == pytest.approx(RIGHT[certain].mean())


def test_ten_views_are_scored_beside_the_single_one(result, data, checkpoint, faces, labels):
    views = FaceEmotionRecognizer.load(checkpoint).probabilities(faces, augmented=True).argmax(axis=1)
    assert result["accuracy_of_ten_views"] == pytest.approx((views == labels).mean())
    assert result["accuracy_of_ten_views_without_copies"] == pytest.approx((views == labels)[COPIES:].mean())


def test_pictures_are_drawn_for_the_report(result, checkpoint, tmp_path):
    from PIL import Image

    assert training_history(checkpoint) == HISTORY
    fer_pictures(result, tmp_path / "report", training_history(checkpoint))
    drawn = {path.name: np.asarray(Image.open(path).convert("L")) for path in (tmp_path / "report").iterdir()}
    assert set(drawn) == {"confusion.png", "reliability.png", "risk-coverage.png", "curves.png"}
    assert all(min(pixels.shape) > 400 and len(np.unique(pixels)) > 20 for pixels in drawn.values())


def test_every_network_of_a_folder_is_compared(checkpoint, data, result, tmp_path, monkeypatch):
    monkeypatch.setattr("bengali_feedback.evaluation.networks.SECONDS", 0.0)
    (tmp_path / "fer").mkdir()
    for suffix in (".keras", ".json"):
        (tmp_path / "fer" / f"custom_cnn{suffix}").write_bytes(checkpoint.with_suffix(suffix).read_bytes())
    comparison = evaluate_networks(data, tmp_path)
    (row,) = comparison["networks"]
    assert (row["network"], row["epochs"], row["seed"], row["parameters"]) == ("custom_cnn", 4, 3, 1_167_015)
    assert row["private_test"] == pytest.approx(result["accuracy"])
    assert row["private_test_of_ten_views"] == pytest.approx(result["accuracy_of_ten_views"])
    assert row["megabytes"] == pytest.approx(checkpoint.stat().st_size / 1e6)
    assert row["milliseconds"] > 0 and row["faces_per_second"] > 0
    assert "| custom_cnn | 66.67% |" in networks_markdown(comparison)
    with pytest.raises(DataError, match="holds no trained network"):
        evaluate_networks(data, tmp_path / "fer")


def test_another_split_is_another_score(data, checkpoint):
    result = evaluate_fer(data, "PublicTest", checkpoint)
    assert (result["split"], result["faces"], result["faces_without_copies"]) == ("PublicTest", 1, 1)
    assert [sum(row) for row in result["confusion"]] == [0, 0, 0, 1, 0, 0, 0]


def test_the_result_is_json_and_its_markdown_names_both_scores(result):
    assert json.loads(json.dumps(result)) == result
    text = fer_markdown(result)
    assert f"accuracy: **{result['accuracy']:.2%}** of 12 faces" in text
    assert f"{result['accuracy_without_copies']:.2%} of 7" in text
    assert text.count("\n| ") >= 14  # two tables of seven emotions


def test_an_unknown_split_is_refused(data, checkpoint):
    with pytest.raises(DataError, match="split is 'Test' but must be one of Training, PublicTest, PrivateTest"):
        evaluate_fer(data, "Test", checkpoint)


def test_a_checkpoint_without_settings_is_refused(data, checkpoint, tmp_path):
    (tmp_path / "alone.keras").write_bytes(checkpoint.read_bytes())
    with pytest.raises(CheckpointError, match="alone.json"):
        evaluate_fer(data, checkpoint=tmp_path / "alone.keras")
