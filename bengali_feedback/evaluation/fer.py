"""The facial emotion network's score on FER2013."""

from pathlib import Path

import numpy as np

from ..emotion import EMOTIONS
from ..errors import DataError
from ..fer.dataset import SPLITS, read_fer2013
from ..fer.recognizer import FaceEmotionRecognizer

BINS = 15  # of the expected calibration error (Guo et al. 2017)


def evaluate_fer(data: Path, split: str = "PrivateTest", checkpoint: Path | None = None) -> dict:
    """Score a network on one split of FER2013.

    Parameters
    ----------
    data
        Kaggle's ``fer2013.csv``.
    split
        ``PrivateTest`` for the score; ``PublicTest`` for choosing.
    checkpoint
        A ``.keras`` file; by default the shipped one.

    Returns
    -------
    dict
        ``accuracy``; ``accuracy_without_copies``, on the faces that have no pixel-identical copy in Training;
        ``expected_calibration_error`` of the tempered probabilities; ``classes``: precision, recall, F1 and support
        of each emotion; ``confusion``: counts [true][predicted].

    Raises
    ------
    DataError
        When ``data`` is unreadable or ``split`` is not one of its splits.
    CheckpointError
        When the network cannot be read.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    if split not in SPLITS:
        raise DataError(f"split is {split!r} but must be one of {', '.join(SPLITS)}.")
    splits = read_fer2013(data)
    faces = splits[split]
    training = {image.tobytes() for image in splits["Training"].images}
    new = np.array([image.tobytes() not in training for image in faces.images])

    recognizer = FaceEmotionRecognizer.load(checkpoint)
    parts = [recognizer.probabilities(faces.images[i : i + 256]) for i in range(0, len(faces), 256)]
    probabilities = np.concatenate(parts)
    predicted = probabilities.argmax(axis=1)
    right = predicted == faces.labels
    codes = range(len(EMOTIONS))
    scores = precision_recall_fscore_support(faces.labels, predicted, labels=codes, zero_division=0)
    return {
        "split": split,
        "faces": len(faces),
        "accuracy": float(right.mean()),
        "faces_without_copies": int(new.sum()),
        "accuracy_without_copies": float(right[new].mean()),
        "expected_calibration_error": expected_calibration_error(probabilities.max(axis=1), right),
        "classes": {
            str(emotion): dict(zip(("precision", "recall", "f1", "support"), map(float, row), strict=True))
            for emotion, row in zip(EMOTIONS, np.stack(scores, axis=1), strict=True)
        },
        "confusion": confusion_matrix(faces.labels, predicted, labels=codes).tolist(),
    }


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Mean distance between confidence and accuracy over 15 equal bins, weighted by their size; 0 is perfect."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    error = 0.0
    for number in np.unique(bins):
        inside = bins == number
        error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return float(error)


def fer_markdown(result: dict) -> str:
    """The report as Markdown."""
    lines = [
        f"# FER2013 {result['split']}",
        "",
        f"- accuracy: **{result['accuracy']:.2%}** of {result['faces']} faces",
        f"- without the faces that have a copy in Training: {result['accuracy_without_copies']:.2%} "
        f"of {result['faces_without_copies']}",
        f"- expected calibration error: {result['expected_calibration_error']:.3f}",
        "",
        "| emotion | precision | recall | F1 | faces |",
        "|---|---|---|---|---|",
    ]
    for emotion, row in result["classes"].items():
        lines.append(
            f"| {emotion} | {row['precision']:.2f} | {row['recall']:.2f} | {row['f1']:.2f} | {row['support']:.0f} |"
        )
    lines += ["", "Confusion, rows true, columns predicted:", "", "| | " + " | ".join(map(str, EMOTIONS)) + " |"]
    lines.append("|---" * 8 + "|")
    for emotion, row in zip(EMOTIONS, result["confusion"], strict=True):
        lines.append(f"| {emotion} | " + " | ".join(map(str, row)) + " |")
    return "\n".join(lines) + "\n"
