"""Training a facial emotion network on FER2013; resumable after any interruption."""

import csv
import json
import math
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ..checkpoints import register
from ..errors import DataError
from ..files import replacing, write_text
from ..processor import computes_bfloat16
from . import models
from .dataset import SIDE, network_input, read_fer2013, temper, training_batches, without_copies


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. What the papers leave open is ours."""

    epochs: int
    """Passes over Training; with ``adam`` the most there can be."""
    batch_size: int
    learning_rate: float
    optimizer: str
    """``adam``: half the rate after 3 epochs without a lower PublicTest loss, the end after 10 (both papers:
    ReduceLROnPlateau, EarlyStopping); ``adamw`` and ``sgd`` (Nesterov momentum): two epochs of warm-up and one cosine
    decay to nothing."""
    label_smoothing: float = 0.0
    erasing: float = 0.0
    """Probability that a rectangle of a face is covered."""
    mixup: float = 0.0
    """Parameter of mixup's beta distribution; 0 mixes no faces."""


RECIPES = {
    "custom_cnn": Recipe(34, 64, 2e-3, "adamw", label_smoothing=0.1),
    "bengali_fer": Recipe(80, 64, 7e-4, "adamw", label_smoothing=0.1, erasing=0.4),
    "lightweight_cnn": Recipe(60, 64, 1e-3, "adam"),
    "best_fer": Recipe(60, 64, 1e-3, "adam"),
    "vgg13": Recipe(20, 128, 1e-3, "adamw", label_smoothing=0.1),
    "resnet50": Recipe(20, 128, 1e-3, "adamw", label_smoothing=0.1),  # 20 epochs: seed 004 §6.1.1
    "mobilenetv2": Recipe(20, 128, 1e-3, "adamw", label_smoothing=0.1),
}
NETWORKS = tuple(RECIPES)
FERPLUS_WEIGHT = 0.5  # of the loss on FER+'s votes beside that on the emotion
CERTAIN_ACCURACY = 5 / 6  # of the PublicTest faces that the threshold lets pass as certain
PLATEAU_PATIENCE, STOP_PATIENCE = 3, 10  # epochs without a lower PublicTest loss


def train(
    data: Path,
    out: Path,
    run: Path,
    network: str = "custom_cnn",
    ferplus: Path | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    augmented: bool = True,
    side: int | None = None,
    weights: Path | None = None,
    seed: int = 0,
    mixed_precision: bool | None = None,
    verbose: int = 1,
) -> dict:
    """Train ``network`` on FER2013's Training split and keep the epoch that is best on PublicTest.

    Categorical cross-entropy, by the network's :class:`Recipe`. Training faces that also stand in PublicTest or
    PrivateTest are dropped. PrivateTest is not touched here (``bengali-feedback evaluate fer`` scores it).

    Parameters
    ----------
    data
        Kaggle's ``fer2013.csv``.
    out
        The ``checkpoints/`` folder; the network becomes ``out/fer/NETWORK.keras`` and its history, with the
        softmax temperature and the threshold of certainty fitted on PublicTest, ``out/fer/NETWORK.json``.
    run
        Folder of this run's state: ``history.csv``, one line an epoch; ``state.weights.h5``, network and optimiser
        after the last one; ``best.weights.h5``.
    ferplus
        FER+'s ``fer2013new.csv``: its votes become a second target while training.
    epochs, batch_size
        Instead of the recipe's.
    augmented
        False trains on the faces as they are, to measure what augmentation brings.
    side, weights
        For ``resnet50`` and ``mobilenetv2``: pixels to which the faces are scaled (the papers take 224; default 48),
        and a file with ImageNet weights to start from.
    seed
        Decides the first weights and every random choice.
    mixed_precision
        Compute convolutions in bfloat16. Default: where the processor can.
    verbose
        Keras' progress bar: 1 shows it, 0 is silent.

    Returns
    -------
    dict
        What was written to ``NETWORK.json``.

    Raises
    ------
    DataError
        When ``data`` is unreadable, ``network`` is not one of ``NETWORKS`` or does not take ``side`` or ``weights``.
    """
    import keras

    if network not in RECIPES:
        raise DataError(f"unknown network {network!r}: choose one of {', '.join(NETWORKS)}.")
    recipe = RECIPES[network]
    recipe = replace(recipe, epochs=epochs or recipe.epochs, batch_size=batch_size or recipe.batch_size)
    if not augmented:
        recipe = replace(recipe, erasing=0.0, mixup=0.0)
    build = _builder(network, side, weights)
    splits = read_fer2013(data, ferplus)
    validation = splits["PublicTest"]
    training = without_copies(splits["Training"], of=[validation, splits["PrivateTest"]])

    keras.utils.set_random_seed(seed)
    policy = keras.config.dtype_policy()
    if mixed_precision is None:
        mixed_precision = computes_bfloat16()
    keras.config.set_dtype_policy("mixed_bfloat16" if mixed_precision else "float32")
    model = build()
    if ferplus:
        model = models.with_ferplus(model)
    model = _with_fused_normalization(model)
    keras.config.set_dtype_policy(policy)
    _compile(model, recipe, math.ceil(len(training) / recipe.batch_size))
    run.mkdir(parents=True, exist_ok=True)
    history, state, best = run / "history.csv", run / "state.weights.h5", run / "best.weights.h5"
    finished = _read_history(history)
    if finished:
        model.optimizer.build(model.trainable_variables)
        model.load_weights(state)

    def keep(epoch: int, logs: dict[str, float]) -> None:
        if logs[accuracy] > max((row[accuracy] for row in _read_history(history)), default=-1.0):
            _save_weights(model, best)
        _save_weights(model, state)

    targets = {"emotion": np.eye(7, dtype=np.float32)[validation.labels]}
    if ferplus:
        targets["ferplus"] = validation.votes
    accuracy = "val_emotion_accuracy" if ferplus else "val_accuracy"
    if not _is_over(recipe, finished):
        model.fit(
            training_batches(
                training, recipe.batch_size, seed + len(finished), augmented, recipe.erasing, recipe.mixup
            ),
            validation_data=(network_input(validation.images), targets if ferplus else targets["emotion"]),
            validation_batch_size=256,
            initial_epoch=len(finished),
            epochs=recipe.epochs,
            shuffle=False,  # training_batches does
            verbose=verbose,
            callbacks=[
                *_schedule_callbacks(recipe, finished),
                # In this order: an epoch counts once its line is in the history, and then its weights are there too.
                keras.callbacks.LambdaCallback(on_epoch_end=keep),
                keras.callbacks.CSVLogger(history, append=True),
            ],
        )  # fmt: skip
    settings = {"network": network, **asdict(recipe), "augmented": augmented, "ferplus": bool(ferplus), "seed": seed}
    settings |= {"side": side or SIDE, "pretrained": bool(weights), "training_faces": len(training)}
    settings["mixed_precision"] = mixed_precision
    return _export(build, best, validation, _read_history(history), out, settings)


def _builder(network: str, side: int | None, weights: Path | None):
    """The network's function with its options bound."""
    options = {name: value for name, value in (("side", side), ("weights", weights)) if value is not None}
    if options and network not in ("resnet50", "mobilenetv2"):
        raise DataError(f"{network} takes faces of {SIDE} pixels and starts from scratch: leave side and weights out.")
    if weights is not None and not Path(weights).is_file():
        raise DataError(f"{weights} does not exist: give a Keras weights file without the top, or leave it out.")
    return partial(getattr(models, network), **options)


def _with_fused_normalization(model):
    """``model`` with TensorFlow's fused batch normalisation, which makes a step on the CPU a third shorter.

    Keras computes mean and variance in float32 from separate operations. Layers and weights keep their names, so that
    the plain network reads what this one saves.
    """
    import keras
    import tensorflow as tf

    class BatchNormalization(keras.layers.BatchNormalization):
        def call(self, inputs, training=None, mask=None):
            if len(inputs.shape) != 4:
                return super().call(inputs, training=training, mask=mask)
            training = bool(training) and self.trainable
            outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
                x=inputs, scale=self.gamma.value, offset=self.beta.value, mean=self.moving_mean.value,
                variance=self.moving_variance.value, epsilon=self.epsilon, is_training=training,
            )  # fmt: skip
            if training:
                for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
                    moving.assign(moving * self.momentum + new * (1.0 - self.momentum))
            return outputs

    def fused(layer):
        kind = BatchNormalization if type(layer) is keras.layers.BatchNormalization else type(layer)
        return kind.from_config(layer.get_config())

    return keras.models.clone_model(model, clone_function=fused)


def _compile(model, recipe: Recipe, steps: int) -> None:
    """Optimiser, rate and losses of ``recipe``; ``steps`` is the number of batches in an epoch."""
    import keras

    if recipe.optimizer == "adam":
        optimizer = keras.optimizers.Adam(recipe.learning_rate)
    else:
        schedule = keras.optimizers.schedules.CosineDecay(
            recipe.learning_rate / 20, max(1, (recipe.epochs - 2) * steps),
            warmup_target=recipe.learning_rate, warmup_steps=2 * steps,
        )  # fmt: skip
        if recipe.optimizer == "adamw":
            optimizer = keras.optimizers.AdamW(schedule, weight_decay=0.05)
        else:  # the decay is Keras' own, apart from the momentum: ten times the usual 5e-4 for the same effect
            optimizer = keras.optimizers.SGD(
                schedule, momentum=0.9, nesterov=True, weight_decay=5e-3, global_clipnorm=5.0
            )
            optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    if "ferplus" not in model.output_names:
        model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
        return
    model.compile(
        optimizer=optimizer,
        loss={"emotion": loss, "ferplus": keras.losses.CategoricalCrossentropy()},
        loss_weights={"emotion": 1.0, "ferplus": FERPLUS_WEIGHT},
        metrics={"emotion": ["accuracy"]},
    )


def _schedule_callbacks(recipe: Recipe, finished: list[dict]) -> list:
    """ReduceLROnPlateau and EarlyStopping as they stood after the ``finished`` epochs; none but for ``adam``."""
    import keras

    if recipe.optimizer != "adam":
        return []
    reduce = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=PLATEAU_PATIENCE)
    stop = keras.callbacks.EarlyStopping("val_loss", patience=STOP_PATIENCE)

    def replay(logs: dict | None) -> None:  # Keras has just reset both, and they are not part of the saved state
        reduce.model.optimizer.learning_rate = recipe.learning_rate
        for epoch, row in enumerate(finished):
            reduce.on_epoch_end(epoch, dict(row))
            stop.on_epoch_end(epoch, dict(row))

    return [reduce, stop, keras.callbacks.LambdaCallback(on_train_begin=replay)]


def _is_over(recipe: Recipe, finished: list[dict]) -> bool:
    """Whether a run with these epochs has nothing left to train."""
    if recipe.optimizer == "adam" and finished:
        losses = [row["val_loss"] for row in finished]
        if len(losses) - 1 - losses.index(min(losses)) >= STOP_PATIENCE:
            return True
    return len(finished) >= recipe.epochs


def _read_history(path: Path) -> list[dict[str, float]]:
    """One dict an epoch; empty before the first has ended."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def _save_weights(model, path: Path) -> None:
    """Write a ``.weights.h5`` file (optimiser included) that appears complete or not at all."""
    with replacing(path) as temporary:
        model.save_weights(temporary)


def _export(build, weights: Path, validation, history: list[dict], out: Path, settings: dict) -> dict:
    """Write the best epoch as a float32 ``.keras`` file without optimiser state, and its JSON beside it."""
    import keras

    network = settings["network"]
    model = build()
    (models.with_ferplus(model) if settings["ferplus"] else model).load_weights(weights)
    probabilities = model.predict(network_input(validation.images), batch_size=256, verbose=0)
    accuracy = float((probabilities.argmax(1) == validation.labels).mean())
    temperature = fit_temperature(probabilities, validation.labels)
    record = {
        **settings,
        "temperature": temperature,
        "threshold": fit_threshold(temper(probabilities, temperature), validation.labels),
        "public_test_accuracy": accuracy,
        "history": history,
    }
    folder = out / "fer"
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / f"{network}.keras") as temporary:
        keras.saving.save_model(model, temporary)
    write_text(folder / f"{network}.json", json.dumps(record, indent=1) + "\n")
    register(out, f"fer/{network}.keras")
    register(out, f"fer/{network}.json")
    return record


def fit_threshold(probabilities: np.ndarray, labels: np.ndarray, accuracy: float = CERTAIN_ACCURACY) -> float:
    """Lowest confidence from which on ``accuracy`` of the faces are right; 1.0 when no confidence is enough.

    ``probabilities`` float [n, 7], calibrated; ``labels`` int [n]. El-Yaniv & Wiener 2010 call this the
    risk–coverage trade-off of selective classification.
    """
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    right = (probabilities.argmax(axis=1) == labels)[order]
    enough = np.nonzero(np.cumsum(right) >= accuracy * np.arange(1, len(right) + 1))[0]
    return float(confidence[order[enough[-1]]]) if len(enough) else 1.0


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Temperature T that minimises the negative log-likelihood of ``softmax(log(p) / T)`` (Guo et al. 2017).

    ``probabilities`` float [n, 7], ``labels`` int [n]; T above 1 softens an overconfident network.
    """
    from scipy.optimize import minimize_scalar

    probabilities, rows = probabilities.astype(np.float64), np.arange(len(labels))

    def negative_log_likelihood(temperature: float) -> float:
        return -np.log(temper(probabilities, temperature)[rows, labels]).mean()

    return float(minimize_scalar(negative_log_likelihood, bounds=(0.2, 5.0), method="bounded").x)
