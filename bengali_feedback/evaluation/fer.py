"""The facial emotion network's score on FER2013."""

import json
from pathlib import Path

import numpy as np

from ..checkpoints import checkpoint as shipped
from ..emotion import EMOTIONS, Emotion
from ..errors import DataError
from ..fer.dataset import SPLITS, read_fer2013
from ..fer.recognizer import NETWORK, FaceEmotionRecognizer
from . import plots
from .robustness import evaluate_robustness

BINS = 15  # of the expected calibration error (Guo et al. 2017)


# What the papers report of their own networks, on their own splits: precision, recall, F1.
PAPERS = {
    "seed 004, Table 3 (best_fer)": dict(zip(EMOTIONS, (
        (0.45, 0.50, 0.47), (0.44, 0.48, 0.46), (0.46, 0.40, 0.43), (0.80, 0.78, 0.79), (0.45, 0.42, 0.43),
        (0.58, 0.62, 0.60), (0.65, 0.65, 0.65),
    ), strict=True)),
    "seed 000, Table I (custom CNN)": dict(zip(EMOTIONS, (
        (0.67, 0.65, 0.66), (0.40, 0.38, 0.39), (0.58, 0.56, 0.57), (0.78, 0.81, 0.79), (0.64, 0.62, 0.63),
        (0.73, 0.70, 0.71), (0.72, 0.74, 0.73),
    ), strict=True)),
}  # fmt: skip


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
        ``network``, ``accuracy``; ``accuracy_without_copies``, on the faces that have no pixel-identical copy in
        Training; ``accuracy_of_ten_views``, with test-time augmentation; ``expected_calibration_error`` of the
        tempered probabilities and ``reliability``, its bins; ``threshold``, ``answered`` and ``accuracy_answered``:
        the share of faces that count as certain, and how many of them are right; ``risk_coverage``: the accuracy of
        the most confident 5, 10 … 100 %; ``classes``: precision, recall, F1 and support of each emotion;
        ``confusion``: counts [true][predicted]; ``robustness``, see :func:`~.robustness.evaluate_robustness`.

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
    probabilities = in_batches(recognizer.probabilities, faces.images)
    views = in_batches(lambda images: recognizer.probabilities(images, augmented=True), faces.images)
    right_of_views = views.argmax(axis=1) == faces.labels
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right, certain = predicted == faces.labels, confidence >= recognizer.threshold
    codes = range(len(EMOTIONS))
    scores = precision_recall_fscore_support(faces.labels, predicted, labels=codes, zero_division=0)
    return {
        "network": checkpoint.stem if checkpoint else NETWORK,
        "split": split,
        "faces": len(faces),
        "accuracy": float(right.mean()),
        "faces_without_copies": int(new.sum()),
        "accuracy_without_copies": float(right[new].mean()),
        "accuracy_of_ten_views": float(right_of_views.mean()),
        "accuracy_of_ten_views_without_copies": float(right_of_views[new].mean()),
        "expected_calibration_error": expected_calibration_error(confidence, right),
        "reliability": reliability(confidence, right),
        "threshold": recognizer.threshold,
        "answered": float(certain.mean()),
        "accuracy_answered": float(right[certain].mean()) if certain.any() else 0.0,
        "risk_coverage": risk_coverage(confidence, right),
        "classes": {
            str(emotion): dict(zip(("precision", "recall", "f1", "support"), map(float, row), strict=True))
            for emotion, row in zip(EMOTIONS, np.stack(scores, axis=1), strict=True)
        },
        "confusion": confusion_matrix(faces.labels, predicted, labels=codes).tolist(),
        "robustness": evaluate_robustness(
            lambda images: in_batches(recognizer.probabilities, images), faces.images, faces.labels
        ),
    }


def training_record(checkpoint: Path | None = None) -> dict:
    """What :func:`~bengali_feedback.fer.train.train` wrote beside a network; by default beside the shipped one."""
    settings = checkpoint.with_suffix(".json") if checkpoint else shipped(f"fer/{NETWORK}.json")
    return json.loads(settings.read_text(encoding="utf-8"))


def training_history(checkpoint: Path | None = None) -> list[dict[str, float]]:
    """One dict an epoch of a network's training."""
    return training_record(checkpoint)["history"]


def in_batches(predict, images: np.ndarray) -> np.ndarray:
    """``predict`` over uint8 [n, 48, 48] in parts that fit into memory."""
    return np.concatenate([predict(images[start : start + 256]) for start in range(0, len(images), 256)])


def reliability(confidence: np.ndarray, right: np.ndarray) -> list[dict[str, float]]:
    """Confidence, accuracy and share of the faces in each of 15 equal bins of confidence that holds any."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        {
            "confidence": float(confidence[bins == number].mean()),
            "accuracy": float(right[bins == number].mean()),
            "share": float((bins == number).mean()),
        }
        for number in np.unique(bins)
    ]


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Mean distance between confidence and accuracy over 15 equal bins, weighted by their size; 0 is perfect."""
    return float(sum(row["share"] * abs(row["confidence"] - row["accuracy"]) for row in reliability(confidence, right)))


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """Accuracy of the most confident 5, 10 … 100 % of the faces, by the share as ``"0.05"``."""
    sure_first = right[np.argsort(-confidence, kind="stable")]
    shares = np.arange(1, 21) / 20
    return {f"{share:.2f}": float(sure_first[: max(1, round(share * len(right)))].mean()) for share in shares}


def fer_markdown(result: dict) -> str:
    """The report as Markdown."""
    lines = [
        f"# {result['network']} on FER2013 {result['split']}",
        "",
        f"- accuracy: **{result['accuracy']:.2%}** of {result['faces']} faces; "
        f"with ten views of each face {result['accuracy_of_ten_views']:.2%}",
        f"- without the faces that have a copy in Training: {result['accuracy_without_copies']:.2%} "
        f"of {result['faces_without_copies']}; with ten views {result['accuracy_of_ten_views_without_copies']:.2%}",
        f"- expected calibration error: {result['expected_calibration_error']:.3f}",
        f"- certain (probability of {result['threshold']:.2f} or more): {result['answered']:.1%} of the faces, "
        f"and {result['accuracy_answered']:.1%} of them right",
        "",
        "| emotion | faces | precision | recall | F1 | " + " | ".join(PAPERS) + " |",
        "|---" * (5 + len(PAPERS)) + "|",
    ]
    for emotion, row in result["classes"].items():
        papers = " | ".join(" ".join(f"{value:.2f}" for value in table[Emotion(emotion)]) for table in PAPERS.values())
        lines.append(
            f"| {emotion} | {row['support']:.0f} | {row['precision']:.2f} | {row['recall']:.2f} | {row['f1']:.2f} "
            f"| {papers} |"
        )
    lines += ["", "The papers' columns: precision, recall and F1 of their own networks on their own splits.", ""]
    lines += ["Confusion, rows true, columns predicted:", "", "| | " + " | ".join(map(str, EMOTIONS)) + " |"]
    lines.append("|---" * 8 + "|")
    for emotion, row in zip(EMOTIONS, result["confusion"], strict=True):
        lines.append(f"| {emotion} | " + " | ".join(map(str, row)) + " |")
    lines += ["", "| worse faces | accuracy | of the clean accuracy |", "|---|---|---|"]
    for name, row in result["robustness"].items():
        lines.append(f"| {name} | {row['accuracy']:.2%} | {row['kept']:.0%} |")
    tenths = list(result["risk_coverage"].items())[1::2]
    lines += ["", "| most confident | " + " | ".join(f"{float(share):.0%}" for share, _ in tenths) + " |"]
    lines.append("|---" * 11 + "|")
    lines.append("| accuracy | " + " | ".join(f"{accuracy:.1%}" for _, accuracy in tenths) + " |")
    return "\n".join(lines) + "\n"


def fer_pictures(result: dict, folder: Path, history: list[dict[str, float]]) -> None:
    """Draw ``confusion.png``, ``reliability.png``, ``risk-coverage.png`` and ``curves.png``."""
    title = f"{result['network']}, FER2013 {result['split']}"
    plots.confusion_matrix(result["confusion"], title, folder / "confusion.png")
    error = result["expected_calibration_error"]
    plots.reliability_diagram(result["reliability"], error, title, folder / "reliability.png")
    curve = result["risk_coverage"]
    chosen = {"coverage": result["answered"], "accuracy": result["accuracy_answered"]}
    plots.risk_coverage([*map(float, curve)], [*curve.values()], chosen, title, folder / "risk-coverage.png")
    plots.training_curves(history, result["network"], folder / "curves.png")
