"""Every facial emotion network of both papers, side by side."""

from pathlib import Path

from ..errors import DataError
from ..fer.dataset import Faces, read_fer2013
from ..fer.recognizer import FaceEmotionRecognizer
from ..fer.train import NETWORKS
from .fer import in_batches, training_record
from .timing import median_seconds

# Accuracy as the papers report it, on their own splits and settings.
PAPERS = {
    "custom_cnn": "68 % validation (seed 000, Table III)",
    "vgg13": "71 % (seed 000, Table III, pre-trained)",
    "resnet50": "72 % (seed 000, Table III, pre-trained); 33.42 % validation (seed 004, Table 4)",
    "mobilenetv2": "45.69 % validation (seed 004, Table 4)",
    "best_fer": "58 % test, 50.34 % validation (seed 004, Tables 3 and 4)",
}
SECONDS = 3.0  # of timing, after warming up


def evaluate_networks(data: Path, checkpoints: Path) -> dict:
    """Score every trained network of a folder on PublicTest and PrivateTest.

    Parameters
    ----------
    data
        Kaggle's ``fer2013.csv``.
    checkpoints
        A checkpoint folder; each ``fer/NAME.keras`` of a known network is scored.

    Returns
    -------
    dict
        ``networks``: a list of ``{network, public_test, private_test, private_test_of_ten_views, parameters,
        megabytes, milliseconds, faces_per_second, epochs, seed, paper}`` in the order of ``NETWORKS``.

    Raises
    ------
    DataError
        When ``data`` is unreadable or the folder holds no trained network.
    CheckpointError
        When a network cannot be read.
    """
    files = [path for name in NETWORKS if (path := checkpoints / "fer" / f"{name}.keras").is_file()]
    if not files:
        raise DataError(f"{checkpoints / 'fer'} holds no trained network: train one with `bengali-feedback train fer`.")
    splits = read_fer2013(data)
    return {"networks": [_score(path, splits["PublicTest"], splits["PrivateTest"]) for path in files]}


def _score(path: Path, public: Faces, private: Faces) -> dict:
    recognizer, record = FaceEmotionRecognizer.load(path), training_record(path)

    def accuracy(faces: Faces, augmented: bool = False) -> float:
        probabilities = in_batches(lambda images: recognizer.probabilities(images, augmented), faces.images)
        return float((probabilities.argmax(axis=1) == faces.labels).mean())

    return {
        "network": path.stem,
        "public_test": accuracy(public),
        "private_test": accuracy(private),
        "private_test_of_ten_views": accuracy(private, augmented=True),
        "parameters": recognizer.network.count_params(),
        "megabytes": path.stat().st_size / 1e6,
        "milliseconds": 1e3 * median_seconds(lambda: recognizer.probabilities(public.images[:1]), SECONDS),
        "faces_per_second": 256 / median_seconds(lambda: recognizer.probabilities(public.images[:256]), SECONDS),
        "epochs": len(record["history"]),
        "seed": record["seed"],
        "paper": PAPERS.get(path.stem, ""),
    }


def networks_markdown(result: dict) -> str:
    """The comparison as one Markdown table."""
    lines = [
        "| network | PrivateTest | with ten views | PublicTest | parameters | MB | ms a face | faces/s | epochs, seed "
        "| the papers' own figure |",
        "|---" * 10 + "|",
    ]
    lines += [
        f"| {row['network']} | {row['private_test']:.2%} | {row['private_test_of_ten_views']:.2%} "
        f"| {row['public_test']:.2%} | {row['parameters'] / 1e6:.2f} M | {row['megabytes']:.1f} "
        f"| {row['milliseconds']:.1f} | {row['faces_per_second']:.0f} "
        f"| {row['epochs']}, {row['seed']} | {row['paper']} |"
        for row in result["networks"]
    ]
    return "\n".join(lines) + "\n"
