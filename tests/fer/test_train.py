"""The trainer learns a handful of patterns that it makes itself, and survives ``kill -9``."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bengali_feedback import cli
from bengali_feedback.checkpoints import checkpoint
from bengali_feedback.errors import DataError
from bengali_feedback.fer.dataset import SPLITS
from bengali_feedback.fer.train import fit_temperature, train

Y, X = np.mgrid[:48, :48] - 23.5
PATTERNS = [
    Y // 3 % 2,  # fine bars
    X // 3 % 2,  # fine columns
    (X // 8 + Y // 8) % 2,  # chess board
    np.hypot(X, Y) < 14,  # a bright disc
    np.hypot(X, Y) > 14,  # a dark one
    Y > 0,  # bright below
    Y < 0,  # bright above
]


def write_fer2013(path: Path, copies: dict[str, int], seed: int = 0) -> Path:
    """A CSV like Kaggle's in which every emotion is one pattern under noise, ``copies`` times in each split."""
    random = np.random.default_rng(seed)
    lines = ["emotion,pixels,Usage"]
    for split in SPLITS:
        for _ in range(copies[split]):
            for label, pattern in enumerate(PATTERNS):
                pixels = np.clip(60 + 140 * pattern + random.normal(0, 15, (48, 48)), 0, 255).astype(np.uint8)
                lines.append(f"{label},{' '.join(map(str, pixels.ravel()))},{split}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def handful(tmp_path_factory) -> Path:
    """Seven samples in each split."""
    return write_fer2013(tmp_path_factory.mktemp("fer") / "fer2013.csv", dict.fromkeys(SPLITS, 1))


def epochs_of(run: Path) -> list[str]:
    """First column (epoch) of the run's history."""
    return [line.partition(",")[0] for line in (run / "history.csv").read_text().splitlines()[1:]]


def test_training_learns_seven_patterns_and_writes_a_verified_checkpoint(tmp_path, monkeypatch):
    data = write_fer2013(tmp_path / "fer2013.csv", {"Training": 24, "PublicTest": 2, "PrivateTest": 1})
    out = tmp_path / "checkpoints"
    record = train(
        data, out, tmp_path / "run", epochs=8, batch_size=8, learning_rate=2e-3, mixed_precision=False, verbose=0
    )

    assert record["public_test_accuracy"] > 0.8
    assert record["training_faces"] == 7 * 24
    assert 0.2 < record["temperature"] < 5.0
    assert [row["epoch"] for row in record["history"]] == list(range(8))
    assert record["public_test_accuracy"] == pytest.approx(max(row["val_accuracy"] for row in record["history"]))
    monkeypatch.setenv("BENGALI_FEEDBACK_HOME", str(tmp_path))
    assert json.loads(checkpoint("fer/custom_cnn.json").read_text(encoding="utf-8")) == record

    import keras

    from bengali_feedback.fer.dataset import network_input, read_fer2013

    network = keras.saving.load_model(checkpoint("fer/custom_cnn.keras"), compile=False)
    public = read_fer2013(data)["PublicTest"]
    predicted = np.asarray(network(network_input(public.images), training=False)).argmax(axis=1)
    assert (predicted == public.labels).mean() == pytest.approx(record["public_test_accuracy"])
    assert not [path for path in tmp_path.rglob("*") if "part" in path.name]


