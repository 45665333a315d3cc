"""The trainer learns a handful of patterns that it makes itself, and survives ``kill -9``."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from bengali_feedback import cli
from bengali_feedback.checkpoints import checkpoint
from bengali_feedback.errors import DataError
from bengali_feedback.fer import train as training
from bengali_feedback.fer.dataset import FERPLUS_CLASSES, SPLITS
from bengali_feedback.fer.train import Recipe, fit_temperature, fit_threshold, train

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
    record = train(data, out, tmp_path / "run", "custom_cnn", epochs=5, batch_size=8, mixed_precision=False, verbose=0)

    assert record["public_test_accuracy"] > 0.8
    assert record["training_faces"] == 7 * 24
    assert 0.2 <= record["temperature"] < 2.0
    assert [row["epoch"] for row in record["history"]] == list(range(5))
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


def test_a_longer_training_goes_on_where_a_shorter_one_ended(handful, tmp_path):
    import h5py

    run, settings = tmp_path / "run", {"network": "custom_cnn", "batch_size": 7, "mixed_precision": False, "verbose": 0}
    first = train(handful, tmp_path / "out", run, epochs=2, **settings)
    (run / "part-state.weights.h5").write_bytes(b"what a killed run had begun to write")
    second = train(handful, tmp_path / "out", run, epochs=4, **settings)

    assert [row["epoch"] for row in second["history"]] == [0, 1, 2, 3]
    assert second["history"][:2] == first["history"]
    assert epochs_of(run) == ["0", "1", "2", "3"]
    with h5py.File(run / "state.weights.h5") as state:
        assert int(state["optimizer/vars/0"][()]) == 4  # Adam has counted every step: seven samples, one step an epoch

    again = train(handful, tmp_path / "out", run, epochs=4, **settings)  # all is done: only exported again
    assert again == second and epochs_of(run) == ["0", "1", "2", "3"]


def test_a_killed_training_goes_on_with_the_same_command(tmp_path, monkeypatch, capfd, kill_when):
    data = write_fer2013(tmp_path / "fer2013.csv", {"Training": 8, "PublicTest": 1, "PrivateTest": 1})
    out, run = tmp_path / "checkpoints", tmp_path / "run"
    command = ["train", "fer", "--data", data, "--out", out, "--run", run, "--model", "custom_cnn"]
    command = [*map(str, command), "--epochs", "4", "--batch-size", "8"]
    kill_when(
        ["-m", "bengali_feedback.cli", *command], lambda: (run / "history.csv").exists() and len(epochs_of(run)) > 0
    )
    before = (run / "history.csv").read_text()
    assert epochs_of(run)[0] == "0" and len(epochs_of(run)) < 4
    assert not (out / "manifest.json").exists()

    monkeypatch.setattr(sys, "argv", ["bengali-feedback", *command])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert "PublicTest accuracy" in capfd.readouterr().out
    assert epochs_of(run) == ["0", "1", "2", "3"]
    assert (run / "history.csv").read_text().startswith(before)

    import keras

    monkeypatch.setenv("BENGALI_FEEDBACK_HOME", str(tmp_path))
    network = keras.saving.load_model(checkpoint("fer/custom_cnn.keras"), compile=False)
    # Trained in bfloat16, shipped in float32; and the process's own policy is what it was.
    assert {layer.dtype_policy.name for layer in network.layers} == {keras.config.dtype_policy().name} == {"float32"}


def test_a_rate_that_falls_on_plateaus_goes_on_falling_after_an_interruption(handful, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "PLATEAU_PATIENCE", 1)
    monkeypatch.setattr(training, "STOP_PATIENCE", 3)
    recipe = Recipe(12, 7, 0.3, "adam")  # far too fast: the loss rises, the rate falls
    monkeypatch.setitem(training.RECIPES, "lightweight_cnn", recipe)
    settings = {"network": "lightweight_cnn", "mixed_precision": False, "verbose": 0}
    train(handful, tmp_path / "out", tmp_path / "run", epochs=3, **settings)
    record = train(handful, tmp_path / "out", tmp_path / "run", **settings)

    losses = [row["val_loss"] for row in record["history"]]
    rates = [row["learning_rate"] for row in record["history"]]
    expected, best, waited = 0.3, np.inf, 0
    for rate, loss in zip(rates, losses, strict=True):  # ReduceLROnPlateau by hand
        assert rate == pytest.approx(expected)
        best, waited = (loss, 0) if loss < best - 1e-4 else (best, waited + 1)
        if waited >= 1:
            expected, waited = expected / 2, 0
    assert len(losses) == min(12, losses.index(min(losses)) + 1 + 3)  # EarlyStopping by hand
    assert train(handful, tmp_path / "out", tmp_path / "run", **settings) == record  # nothing is left to do


def test_ferplus_votes_are_learned_beside_the_emotion_and_left_out_of_the_checkpoint(tmp_path):
    data = write_fer2013(tmp_path / "fer2013.csv", {"Training": 4, "PublicTest": 1, "PrivateTest": 1})
    lines = [",".join(["Usage", "Image name", *FERPLUS_CLASSES])]
    rows = [",".join("10" if n == label else "0" for n in range(10)) for label in range(7)]
    for split, count in (("Training", 4), ("PublicTest", 1), ("PrivateTest", 1)):
        lines += [f"{split},x.png,{row}" for row in rows] * count
    votes = tmp_path / "fer2013new.csv"
    votes.write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = {"network": "bengali_fer", "ferplus": votes, "batch_size": 14, "mixed_precision": False, "verbose": 0}
    train(data, tmp_path / "out", tmp_path / "run", epochs=1, **settings)
    record = train(data, tmp_path / "out", tmp_path / "run", epochs=2, **settings)
    assert record["ferplus"] and [row["epoch"] for row in record["history"]] == [0, 1]
    assert all(np.isfinite(row["val_ferplus_loss"]) for row in record["history"])

    import keras

    network = keras.saving.load_model(tmp_path / "out" / "fer" / "bengali_fer.keras", compile=False)
    assert network.output.shape == (None, 7)
    assert record["public_test_accuracy"] == pytest.approx(
        max(row["val_emotion_accuracy"] for row in record["history"])
    )


@pytest.mark.parametrize("option", [{"side": 96}, {"weights": Path("imagenet.h5")}])
def test_options_of_the_baselines_are_refused_elsewhere(tmp_path, option):
    with pytest.raises(DataError, match="custom_cnn takes faces of 48 pixels"):
        train(tmp_path / "nowhere.csv", tmp_path, tmp_path / "run", **option)
    with pytest.raises(DataError, match="nowhere.h5 does not exist"):
        train(tmp_path / "x.csv", tmp_path, tmp_path / "run", "resnet50", weights=tmp_path / "nowhere.h5")


def test_an_unknown_network_is_refused_before_the_data_is_read(tmp_path):
    with pytest.raises(DataError, match="unknown network 'vgg': choose one of custom_cnn, bengali_fer"):
        train(tmp_path / "nowhere.csv", tmp_path, tmp_path / "run", network="vgg")


def test_missing_data_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*nowhere\.csv"):
        train(tmp_path / "nowhere.csv", tmp_path / "out", tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_fit_temperature_recovers_the_temperature_of_synthetic_logits(temperature):
    random = np.random.default_rng(0)
    logits = random.normal(0, 1.5, (20_000, 7))
    labels = (logits + random.gumbel(size=logits.shape)).argmax(axis=1)  # drawn from softmax(logits)
    shown = np.exp(temperature * logits)  # a network that is this much too sure
    assert fit_temperature(shown / shown.sum(axis=1, keepdims=True), labels) == pytest.approx(temperature, rel=0.05)


def test_fit_temperature_stays_in_bounds_for_a_network_that_is_always_or_never_right():
    sure = np.tile([0.4] + 6 * [0.1], (50, 1))
    assert fit_temperature(sure, np.zeros(50, int)) == pytest.approx(0.2, abs=0.01)
    assert fit_temperature(sure, np.ones(50, int)) == pytest.approx(5.0, abs=0.01)


def test_the_threshold_lets_as_many_faces_pass_as_the_accuracy_allows():
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    probabilities = np.column_stack([confidence, *[(1 - confidence) / 6] * 6])
    assert fit_threshold(probabilities, np.array([0, 0, 1, 0, 1]), accuracy=0.75) == 0.6  # 3 of 4
    assert fit_threshold(probabilities, np.array([0, 0, 1, 0, 1]), accuracy=0.8) == 0.8  # 2 of 2
    assert fit_threshold(probabilities[::-1], np.zeros(5, int), accuracy=0.9) == 0.5  # all of them
    assert fit_threshold(probabilities, np.ones(5, int), accuracy=0.9) == 1.0  # never sure enough


def test_fused_normalisation_computes_what_keras_computes():
    import keras

    plain = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.BatchNormalization(name="normal")])
    plain.set_weights(np.array([[1.0, 2.0, 3.0], [0.5, 0.0, -0.5], [0.0, 0.1, 0.2], [1.0, 2.0, 0.5]]))
    fused = training._with_fused_normalization(plain)
    fused.set_weights(plain.get_weights())
    x = np.random.default_rng(0).normal(1, 2, (50, 6, 6, 3)).astype(np.float32)
    for learning in (True, False):  # first by the batch's statistics, which moves the averages; then by the averages
        expected, got = (np.asarray(model(x, training=learning)) for model in (plain, fused))
        np.testing.assert_allclose(got, expected, atol=2e-3)
    for expected, got in zip(plain.get_weights(), fused.get_weights(), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-5)
