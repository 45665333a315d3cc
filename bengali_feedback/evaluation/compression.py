"""What the facial emotion network loses and gains when it is made smaller: quantised with LiteRT, or pruned.

Nothing is retrained. Quantisation is LiteRT's after training (``tf.lite.TFLiteConverter``); pruning sets the weights
nearest to zero to zero (Han et al. 2015, arXiv:1506.02626, without its retraining).
"""

import gzip
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..checkpoints import checkpoint
from ..emotion import EMOTIONS
from ..errors import CheckpointError, DataError
from ..fer.dataset import SIDE, SPLITS, Faces, network_input, read_fer2013
from ..fer.recognizer import NETWORK
from ..files import replacing
from .fer import in_batches
from .networks import SECONDS
from .timing import cores, median_seconds

PRECISIONS = {
    "float32": "LiteRT float32",
    "float16": "LiteRT float16 weights",
    "dynamic": "LiteRT int8 weights (dynamic range)",
    "int8": "LiteRT full int8, input and output too",
}
CALIBRATION_FACES = 500  # of Training, from which full int8 learns the ranges; LiteRT advises 100 to 500
PRUNED_SHARES = (0.3, 0.5, 0.7)

Predict = Callable[[np.ndarray], np.ndarray]  # uint8 [n, 48, 48] → float32 [n, 7]


def evaluate_compression(
    data: Path,
    model: Path | None = None,
    splits: Sequence[str] = ("PublicTest",),
    out: Path | None = None,
    precision: str = "dynamic",
    seconds: float = SECONDS,
    seed: int = 0,
) -> dict:
    """Quantise and prune a network in every way, and measure each.

    Parameters
    ----------
    data
        Kaggle's ``fer2013.csv``.
    model
        A ``.keras`` file; by default the shipped one.
    splits
        What to score on: ``PublicTest`` to choose by; ``PrivateTest`` once, when the choice is made.
    out, precision
        Where to write a LiteRT file, and which of ``PRECISIONS``; by default none is written.
    seconds
        How long each network is timed.
    seed
        Decides which faces of Training full int8 learns its ranges from.

    Returns
    -------
    dict
        ``network``, ``parameters``, ``faces`` of each split, ``calibration_faces``, ``seed``, ``cores``, ``versions``
        and ``variants``, the float32 Keras network first: ``{name, bytes, gzip_bytes, milliseconds, accuracy,
        agreement}``; milliseconds are the median for one face, warm; accuracy and agreement (share of the faces that
        get the emotion which the Keras network gives them) are by split. A variant that LiteRT cannot make has
        ``unavailable``, the reason, instead.

    Raises
    ------
    DataError
        When ``data`` is unreadable, or ``splits`` or ``precision`` has an unknown name.
    CheckpointError
        When the network cannot be read or is not one of ours.
    """
    import keras
    import tensorflow as tf

    for name, known in (*((split, SPLITS) for split in splits), (precision, PRECISIONS)):
        if name not in known:
            raise DataError(f"{name!r} is not one of {', '.join(known)}.")
    path = Path(model) if model else checkpoint(f"fer/{NETWORK}.keras")
    network = load_network(path)
    faces = read_fer2013(data)
    calibration = _draw(faces["Training"].images, seed)
    chosen = {split: faces[split] for split in splits}
    if out:
        write_litert(network, out, precision, calibration)

    predict = keras_predict(network)
    expected = {split: in_batches(predict, part.images).argmax(axis=1) for split, part in chosen.items()}
    variants = {"Keras float32": lambda: (path.read_bytes(), predict), **_variants(network, calibration)}
    rows = []
    for name, make in tqdm(variants.items(), desc="networks", disable=None):
        try:
            content, smaller = make()
        except _UnavailableError as error:
            rows.append({"name": name, "unavailable": str(error)})
            continue
        rows.append({"name": name, **_measure(content, smaller, chosen, expected, seconds)})
    return {
        "network": path.stem,
        "parameters": network.count_params(),
        "faces": {split: len(part) for split, part in chosen.items()},
        "calibration_faces": len(calibration),
        "seed": seed,
        "cores": cores(),
        "versions": {"TensorFlow": tf.__version__, "Keras": keras.__version__},
        "variants": rows,
    }


class _UnavailableError(Exception):
    """LiteRT cannot make this variant; the message says why."""


def _draw(images: np.ndarray, seed: int) -> np.ndarray:
    """The faces from which full int8 learns its ranges, uint8 [at most 500, 48, 48]."""
    count = min(CALIBRATION_FACES, len(images))
    return images[np.random.default_rng(seed).choice(len(images), count, replace=False)]


def _variants(network, calibration: np.ndarray) -> dict[str, Callable[[], tuple[bytes, Predict]]]:
    """Every smaller network by name; each makes the bytes of its file and the prediction, when it is its turn."""

    def quantised(precision: str) -> tuple[bytes, Predict]:
        content = litert_model(network, precision, calibration)
        return content, litert_predict(content)

    def pruned(share: float) -> tuple[bytes, Predict]:
        smaller = prune(network, share)
        return _keras_file(smaller), keras_predict(smaller)

    return {
        **{title: lambda kind=kind: quantised(kind) for kind, title in PRECISIONS.items()},
        **{
            f"Keras float32, {share:.0%} of the weights zero": lambda share=share: pruned(share)
            for share in PRUNED_SHARES
        },
    }


def _measure(content: bytes, predict: Predict, faces: dict[str, Faces], expected: dict, seconds: float) -> dict:
    """Size, time, accuracy and agreement of one variant."""
    named = {split: in_batches(predict, part.images).argmax(axis=1) for split, part in faces.items()}
    one = next(iter(faces.values())).images[:1]
    return {
        "bytes": len(content),
        "gzip_bytes": len(gzip.compress(content, mtime=0)),
        "milliseconds": 1e3 * median_seconds(lambda: predict(one), seconds),
        "accuracy": {split: float((named[split] == part.labels).mean()) for split, part in faces.items()},
        "agreement": {split: float((named[split] == expected[split]).mean()) for split in faces},
    }


def load_network(path: Path):
    """A trained network, checked to take faces [b, 48, 48, 1] and to give [b, 7].

    Raises
    ------
    CheckpointError
        When it cannot be read or takes or gives something else.
    """
    import keras

    try:
        network = keras.saving.load_model(path, compile=False)
    except Exception as error:  # the zip, JSON and HDF5 readers raise nearly anything on a damaged file
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise CheckpointError(f"cannot read {path} ({reason}): train it with `bengali-feedback train fer`.") from None
    shapes = network.input_shape, network.output_shape
    if shapes != ((None, SIDE, SIDE, 1), (None, len(EMOTIONS))):
        raise CheckpointError(f"{path} takes and gives {shapes[0]} and {shapes[1]}: give a network of `train fer`.")
    return network


def litert_model(network, precision: str, calibration: np.ndarray | None = None) -> bytes:
    """Convert a network into a LiteRT file that takes one face at a time.

    Parameters
    ----------
    network
        A Keras network of ``fer/models.py``.
    precision
        One of ``PRECISIONS``.
    calibration
        uint8 [n, 48, 48], typical faces; ``int8`` learns the ranges of its sums from them and needs them.
    """
    import keras
    import tensorflow as tf

    recurrent = any(isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional) for layer in network.layers)
    if precision == "int8" and recurrent:  # the whole process would die of a segmentation fault while it calibrates
        raise _UnavailableError("LiteRT's converter crashes on recurrent layers in full int8")
    with tempfile.TemporaryDirectory() as folder, _without_notes():
        archive = keras.export.ExportArchive()
        archive.track(network)
        # A fixed batch of one: with an open one the converter gives up on recurrent layers.
        signature = [tf.TensorSpec([1, SIDE, SIDE, 1], tf.float32)]
        archive.add_endpoint("serve", lambda face: network(face, training=False), input_signature=signature)
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if precision == "int8":
            inputs = network_input(calibration)
            converter.representative_dataset = lambda: ([face[np.newaxis]] for face in inputs)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        return converter.convert()


def write_litert(network, path: Path, precision: str, calibration: np.ndarray | None = None) -> None:
    """Write :func:`litert_model` into a file, completely or not at all.

    Raises
    ------
    DataError
        When LiteRT cannot convert this network with this precision, or the file cannot be written.
    """
    try:
        content = litert_model(network, precision, calibration)
        with replacing(Path(path)) as temporary:
            temporary.write_bytes(content)
    except _UnavailableError as error:
        raise DataError(f"{path} cannot be written with {precision}: {error}; choose another precision.") from None
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}; give another file.") from None


def litert_predict(content: bytes) -> Predict:
    """The probabilities that a LiteRT file gives, one face after the other, on all cores of this process."""
    import tensorflow as tf

    with _without_notes(), warnings.catch_warnings():
        # TensorFlow announces that the interpreter will move to a package of its own, ai-edge-litert.
        warnings.simplefilter("ignore", UserWarning)
        interpreter = tf.lite.Interpreter(model_content=content, num_threads=cores())
        interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def predict(images: np.ndarray) -> np.ndarray:
        rows = []
        for face in quantise(network_input(images), source):
            interpreter.set_tensor(source["index"], face[np.newaxis])
            interpreter.invoke()
            rows.append(interpreter.get_tensor(result["index"])[0])
        return dequantise(np.stack(rows), result)

    return predict


def quantise(values: np.ndarray, tensor: dict) -> np.ndarray:
    """Real numbers as what a LiteRT tensor takes: int8 by its scale and zero point, or float32 as they are."""
    scale, zero = tensor["quantization"]
    if tensor["dtype"] != np.int8:
        return values
    return np.clip(np.rint(values / scale + zero), -128, 127).astype(np.int8)


def dequantise(values: np.ndarray, tensor: dict) -> np.ndarray:
    """The inverse of :func:`quantise`, float32."""
    scale, zero = tensor["quantization"]
    return values if tensor["dtype"] != np.int8 else (values.astype(np.float32) - zero) * np.float32(scale)


def keras_predict(network) -> Predict:
    """The probabilities that a Keras network gives, compiled as the recognizer compiles it."""
    import tensorflow as tf

    signature = [tf.TensorSpec([None, SIDE, SIDE, 1], tf.float32)]
    predict = tf.function(lambda faces: network(faces, training=False), input_signature=signature)
    return lambda images: predict(network_input(images)).numpy()


def prune(network, share: float):
    """A copy of ``network`` in which, of every layer's kernel, the ``share`` with the least magnitude is zero.

    Biases and batch normalisation stay: they are few, and each moves a whole channel.
    """
    import keras

    pruned = keras.models.clone_model(network)
    pruned.set_weights(network.get_weights())
    for weight in pruned.weights:
        if len(weight.shape) > 1:
            values = weight.numpy()
            flat = values.reshape(-1)
            flat[np.argsort(np.abs(flat), kind="stable")[: round(share * flat.size)]] = 0.0
            weight.assign(values)
    return pruned


def _keras_file(network) -> bytes:
    import keras

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        keras.saving.save_model(network, path)
        return path.read_bytes()


@contextmanager
def _without_notes() -> Iterator[None]:
    """Drop what TensorFlow's C++ writes on stderr, for the converter heeds no log level; errors are exceptions."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def compression_markdown(result: dict) -> str:
    """The report as Markdown."""
    splits = list(result["faces"])
    counts = ", ".join(f"{count} faces of {split}" for split, count in result["faces"].items())
    lines = [
        f"# {result['network']} made smaller",
        "",
        f"{result['parameters'] / 1e6:.2f} M parameters, {counts}; nothing is retrained. Full int8 learnt its ranges "
        f"from {result['calibration_faces']} faces of Training (seed {result['seed']}). Milliseconds: one face, warm, "
        f"median, {result['cores']} core{'s' * (result['cores'] > 1)}; agreement: share of the faces that get the same "
        "emotion as from the Keras network.",
        "",
        "| network | kB | kB gzip | ms | " + " | ".join(f"{split} | agreement" for split in splits) + " |",
        "|---" * (4 + 2 * len(splits)) + "|",
    ]
    for row in result["variants"]:
        if "unavailable" in row:
            lines.append(f"| {row['name']} | not possible: {row['unavailable']} |" + " |" * (2 + 2 * len(splits)))
            continue
        scores = " | ".join(f"{row['accuracy'][split]:.2%} | {row['agreement'][split]:.2%}" for split in splits)
        sizes = f"{row['bytes'] / 1e3:,.0f} | {row['gzip_bytes'] / 1e3:,.0f}"
        lines.append(f"| {row['name']} | {sizes} | {row['milliseconds']:.2f} | {scores} |")
    lines += ["", ", ".join(f"{package} {number}" for package, number in result["versions"].items())]
    return "\n".join(lines) + "\n"
