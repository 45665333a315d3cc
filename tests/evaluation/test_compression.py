"""Smaller networks are smaller, say what the large one says, and are counted rightly."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from bengali_feedback.errors import CheckpointError, DataError
from bengali_feedback.evaluation import compression
from bengali_feedback.evaluation.compression import (
    PRECISIONS,
    compression_markdown,
    dequantise,
    evaluate_compression,
    keras_predict,
    litert_model,
    litert_predict,
    load_network,
    prune,
    quantise,
    write_litert,
)

FACES = 40


@pytest.fixture(scope="module")
def network():
    """A network of our kinds of layers that was never trained, small enough to convert in a second."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    face = keras.Input((48, 48, 1))
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(face)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.AveragePooling2D(4)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dropout(0.5)(x)
    network = keras.Model(face, layers.Dense(7, activation="softmax")(x))
    network.layers[-1].kernel.assign(np.random.default_rng(0).normal(0, 3, (64, 7)))  # so that it makes up its mind
    return network


@pytest.fixture(scope="module")
def model(network, tmp_path_factory) -> Path:
    import keras

    path = tmp_path_factory.mktemp("compression") / "tiny.keras"
    keras.saving.save_model(network, path)
    return path


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """uint8 [40, 48, 48]: smooth spots of light in different places."""
    y, x = np.mgrid[:48, :48]
    places = np.random.default_rng(0).uniform(8, 40, (FACES, 2))
    return np.stack([255 * np.exp(-((y - a) ** 2 + (x - b) ** 2) / 150) for a, b in places]).astype(np.uint8)


@pytest.fixture(scope="module")
def guesses(network, faces) -> np.ndarray:
    guesses = keras_predict(network)(faces).argmax(axis=1)
    assert len(set(guesses)) > 2
    return guesses


@pytest.fixture(scope="module")
def data(tmp_path_factory, faces, guesses) -> Path:
    """PublicTest holds the faces labelled with the network's guess, but for the first ten; PrivateTest all of them."""
    labels = (guesses + (np.arange(FACES) < 10)) % 7
    rows = [(0, face, "Training") for face in faces]
    rows += [(label, face, "PublicTest") for label, face in zip(labels, faces, strict=True)]
    rows += [(label, face, "PrivateTest") for label, face in zip(guesses, faces, strict=True)]
    path = tmp_path_factory.mktemp("compression") / "fer2013.csv"
    lines = [f"{label},{' '.join(map(str, face.ravel()))},{split}" for label, face, split in rows]
    path.write_text("\n".join(["emotion,pixels,Usage", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def converted(network, faces) -> dict[str, bytes]:
    return {precision: litert_model(network, precision, faces) for precision in PRECISIONS}


@pytest.fixture(scope="module")
def result(data, model, converted) -> dict:
    with pytest.MonkeyPatch.context() as patch:  # converting them once is enough
        patch.setattr(compression, "litert_model", lambda network, precision, calibration: converted[precision])
        return evaluate_compression(data, model, ("PublicTest", "PrivateTest"), seconds=0.02)


@pytest.mark.parametrize(
    "precision, tolerance", [("float32", 1e-5), ("float16", 0.01), ("dynamic", 0.1), ("int8", 0.15)]
)
def test_a_quantised_network_says_what_the_large_one_says(network, converted, faces, precision, tolerance):
    expected, got = keras_predict(network)(faces), litert_predict(converted[precision])(faces)
    assert got.shape == (FACES, 7) and got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=tolerance)
    np.testing.assert_allclose(got.sum(axis=1), 1.0, atol=0.03)  # int8 tells probabilities in steps of 1/256


def test_fewer_bits_are_fewer_bytes(converted):
    sizes = {precision: len(content) for precision, content in converted.items()}
    weights = 16 * 9 + 576 * 64 + 64 * 7
    assert 4 * weights < sizes["float32"] < 4 * weights + 10_000
    assert sizes["float16"] < 0.6 * sizes["float32"] and sizes["dynamic"] < 0.35 * sizes["float32"]
    assert sizes["int8"] < 0.4 * sizes["float32"]


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_full_int8_takes_and_gives_int8(converted):
    import tensorflow as tf

    for precision, kind in (("float32", np.float32), ("dynamic", np.float32), ("int8", np.int8)):
        interpreter = tf.lite.Interpreter(model_content=converted[precision])
        assert interpreter.get_input_details()[0]["dtype"] is kind
        assert interpreter.get_output_details()[0]["dtype"] is kind


def test_quantise_by_hand():
    tensor = {"dtype": np.int8, "quantization": (0.5, 10)}
    assert quantise(np.array([0.0, 1.0, -100.0, 100.0]), tensor).tolist() == [10, 12, -128, 127]
    assert dequantise(np.array([10, 12], np.int8), tensor).tolist() == [0.0, 1.0]
    real = {"dtype": np.float32, "quantization": (0.0, 0)}
    assert quantise(np.array([0.25]), real).tolist() == dequantise(np.array([0.25]), real).tolist() == [0.25]


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_pruning_zeroes_the_least_weights_of_every_kernel_and_nothing_else(network, share):
    before = [weight.numpy() for weight in network.weights]
    for old, weight in zip(before, prune(network, share).weights, strict=True):
        new = weight.numpy()
        if new.ndim == 1:
            np.testing.assert_array_equal(new, old)
            continue
        assert (new == 0).sum() == round(share * new.size)
        np.testing.assert_array_equal(new[new != 0], old[new != 0])
        assert np.abs(old[new == 0]).max() <= np.abs(new[new != 0]).min()
    for old, weight in zip(before, network.weights, strict=True):  # the network itself is as it was
        np.testing.assert_array_equal(weight.numpy(), old)


def test_accuracy_and_agreement_are_counted_by_split(result):
    keras_row, float32 = result["variants"][:2]
    for row in (keras_row, float32):
        assert row["accuracy"] == {"PublicTest": 30 / 40, "PrivateTest": 1.0}
        assert row["agreement"] == {"PublicTest": 1.0, "PrivateTest": 1.0}
    for row in result["variants"]:  # PrivateTest's labels are what the Keras network says
        assert row["accuracy"]["PrivateTest"] == row["agreement"]["PrivateTest"] == row["agreement"]["PublicTest"]
        assert row["milliseconds"] > 0
    assert result["faces"] == {"PublicTest": 40, "PrivateTest": 40} and result["calibration_faces"] == 40


def test_every_variant_has_its_size_and_pruning_shows_once_compressed(result, model):
    names = [row["name"] for row in result["variants"]]
    assert names[:5] == ["Keras float32", *PRECISIONS.values()] and len(names) == 8
    rows = {row["name"]: row for row in result["variants"]}
    assert rows["Keras float32"]["bytes"] == model.stat().st_size
    assert rows["Keras float32"]["gzip_bytes"] == len(gzip.compress(model.read_bytes(), mtime=0))
    zipped = [row["gzip_bytes"] for name, row in rows.items() if "Keras" in name]
    assert zipped == sorted(zipped, reverse=True) and zipped[-1] < 0.5 * zipped[0]
    assert rows["Keras float32, 70% of the weights zero"]["bytes"] > 0.9 * rows["Keras float32"]["bytes"]


def test_the_result_is_json_and_its_markdown_is_one_table(result):
    assert json.loads(json.dumps(result)) == result
    text = compression_markdown(result)
    assert "# tiny made smaller" in text and "40 faces of PublicTest, 40 faces of PrivateTest" in text
    assert "75.00% | 100.00% | 100.00% | 100.00% |" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 10 and len({line.count("|") for line in table}) == 1


def test_only_the_splits_asked_for_are_scored_and_the_file_written_runs(
    data, model, faces, guesses, tmp_path, capfd, monkeypatch
):
    monkeypatch.setattr(compression, "PRECISIONS", {"float16": "LiteRT float16"})
    monkeypatch.setattr(compression, "PRUNED_SHARES", (0.5,))
    result = evaluate_compression(data, model, out=tmp_path / "fer.tflite", precision="float16", seconds=0.02)
    assert list(result["faces"]) == ["PublicTest"] and len(result["variants"]) == 3
    assert all(list(row["accuracy"]) == ["PublicTest"] for row in result["variants"])
    assert [path.name for path in tmp_path.iterdir()] == ["fer.tflite"]
    predict = litert_predict((tmp_path / "fer.tflite").read_bytes())
    assert (predict(faces).argmax(axis=1) == guesses).mean() > 0.95
    assert capfd.readouterr().err == ""  # neither the converter nor the interpreter talks


def test_a_file_that_cannot_be_written_leaves_nothing(network, converted, tmp_path, monkeypatch):
    monkeypatch.setattr(compression, "litert_model", lambda network, precision, calibration: converted[precision])
    (tmp_path / "folder.tflite").mkdir()
    with pytest.raises(DataError, match="cannot write .*folder.tflite: Is a directory; give another file."):
        write_litert(network, tmp_path / "folder.tflite", "float32")

    def killed(self, content):
        self.touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", killed)
    with pytest.raises(KeyboardInterrupt):
        write_litert(network, tmp_path / "fer.tflite", "float32")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.tflite"]


def test_full_int8_of_a_recurrent_network_is_told_as_not_possible(tmp_path):
    from bengali_feedback.fer.models import best_fer

    faces = np.zeros((1, 48, 48), np.uint8)
    with pytest.raises(
        DataError, match="fer.tflite cannot be written with int8: .* recurrent layers .* another precis"
    ):
        write_litert(best_fer(), tmp_path / "fer.tflite", "int8", faces)
    assert list(tmp_path.iterdir()) == []


def test_a_variant_that_is_not_possible_keeps_its_line(data, model, monkeypatch):
    def unavailable(network, precision, calibration):
        raise compression._UnavailableError("no such thing")

    monkeypatch.setattr(compression, "litert_model", unavailable)
    monkeypatch.setattr(compression, "PRUNED_SHARES", (0.5,))
    result = evaluate_compression(data, model, seconds=0.0)
    assert result["variants"][1] == {"name": "LiteRT float32", "unavailable": "no such thing"}
    assert "accuracy" in result["variants"][-1]
    table = [line for line in compression_markdown(result).splitlines() if line.startswith("|")]
    assert "| LiteRT float32 | not possible: no such thing |" in table[3]
    assert len({line.count("|") for line in table}) == 1


def test_unknown_names_are_refused_before_anything_is_read(tmp_path):
    with pytest.raises(DataError, match="'Test' is not one of Training, PublicTest, PrivateTest"):
        evaluate_compression(tmp_path / "none.csv", splits=("PublicTest", "Test"))
    with pytest.raises(DataError, match="'int4' is not one of float32, float16, dynamic, int8"):
        evaluate_compression(tmp_path / "none.csv", precision="int4")


def test_what_is_not_one_of_our_networks_is_refused(tmp_path):
    import keras

    with pytest.raises(CheckpointError, match="cannot read .*none.keras"):
        load_network(tmp_path / "none.keras")
    (tmp_path / "torn.keras").write_bytes(b"PK\3\4 torn")
    with pytest.raises(CheckpointError, match="cannot read .*torn.keras"):
        load_network(tmp_path / "torn.keras")
    keras.Sequential([keras.Input((5,)), keras.layers.Dense(7)]).save(tmp_path / "other.keras")
    with pytest.raises(CheckpointError, match=r"other.keras takes and gives \(None, 5\) and \(None, 7\)"):
        load_network(tmp_path / "other.keras")
