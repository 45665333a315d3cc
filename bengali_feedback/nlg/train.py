"""Train the sentence generator with teacher forcing; a killed run goes on where it stopped."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from ..checkpoints import register
from ..errors import CheckpointError, DataError
from ..files import replacing, write_text
from ..text import read_texts
from .dataset import Sample, read_corpus
from .models import GeneratorSize, feedback_generator
from .rules import MARKS, MAX_WORDS
from .text import CUE_TOKENS, END, PAD, START, TEXT_TOKENS, UNKNOWN, Vocabulary, clean_text, cue_tokens, tokenize
from .word2vec import embedding_matrix, generator_vocabulary, load_word2vec

EPOCHS = 60
BATCH = 32
LEARNING_RATE = 2e-3
LABEL_SMOOTHING = 0.1
# Epochs without a lower validation loss after which training ends, and the last epoch's weights are kept. On so
# few sentences the validation loss turns long before whole phrases hang together: what is drawn from its best
# epoch reads worse than what is drawn from a later one (measured in checkpoints/nlg/README.md).
PATIENCE = 25
QUOTES = frozenset("\"'‘’“”—–-()")  # left out of open text: the corpus has none
PRETRAINING_ROUNDS = 12
ROUND = 20_000  # sentences of open text in one round of pre-training
MAX_UNKNOWN = 1  # words outside the vocabulary that a sentence of open text may have
PRETRAINING_CUES = (1, 4)  # words of the sentence itself that serve as its cue
PRETRAINING_DROPOUT = 0.2  # there is more open text than the network can learn by heart
CUE_DROPOUT = 0.1  # share of control tokens and cue words left out, so that each is optional when called


def train_generator(
    corpus: str | Path,
    vectors: str | Path,
    out: str | Path,
    texts: Sequence[str | Path] = (),
    seed: int = 0,
    epochs: int = EPOCHS,
    rounds: int = PRETRAINING_ROUNDS,
    run_dir: str | Path = "runs/nlg",
    size: GeneratorSize | None = None,
    patience: int = PATIENCE,
    learning_rate: float = LEARNING_RATE,
    progress: bool = True,
) -> dict:
    """Train on the corpus's train split until the validation loss has not fallen for ``patience`` epochs.

    With open text the network first learns to make sentences from some of their own words (:func:`pretrain`): the
    corpus says what to talk about, but holds too few sentences to learn a grammar from.

    Parameters
    ----------
    corpus
        The corpus file.
    vectors
        Word vectors of :func:`~bengali_feedback.nlg.word2vec.train_word2vec`.
    out
        The folder ``checkpoints``: receives ``nlg/generator.keras``, ``nlg/vocabulary.json`` and
        ``nlg/history.json``. The first two, and ``nlg/word2vec.kv`` where it lies there, are registered in its
        manifest.
    texts
        Files of open Bengali text for the pre-training, see :func:`~bengali_feedback.text.read_texts`; none skips it.
    rounds
        Of pre-training, each of 20,000 sentences.
    run_dir
        Holds ``pretraining/state.npz`` after each round and ``state.npz`` after each epoch. The same call goes on
        from there; a call with another corpus, seed or size raises.
    patience
        See :data:`PATIENCE`.
    progress
        Show a progress bar.

    Returns
    -------
    dict
        The history: for each of ``epochs`` its ``loss``, ``val_loss`` and ``val_accuracy``; ``best_epoch``, the one
        with the lowest validation loss, counted from 1; ``seed`` and ``size``.

    Raises
    ------
    DataError
        When the corpus has no train or no val samples, or ``run_dir`` belongs to another run.
    CheckpointError
        When the vectors or the state in ``run_dir`` cannot be read.
    """
    samples = read_corpus(corpus)
    train = [sample for sample in samples if sample.split == "train"]
    val = [sample for sample in samples if sample.split == "val"]
    if not train or not val:
        raise DataError(f"{corpus} has {len(train)} train and {len(val)} val samples: both are needed.")
    size = size or GeneratorSize()
    word_vectors = load_word2vec(vectors)
    vocabulary = generator_vocabulary(corpus, word_vectors)
    keras.utils.set_random_seed(seed)
    matrix = embedding_matrix(vocabulary, word_vectors, seed)
    model = feedback_generator(matrix, size)
    if texts:
        begun = feedback_generator(matrix, replace(size, dropout=min(size.dropout, PRETRAINING_DROPOUT)))
        pretrain(begun, vocabulary, texts, Path(run_dir) / "pretraining", rounds, seed, progress)
        model.set_weights(begun.get_weights())
    optimizer = keras.optimizers.Adam(learning_rate, clipnorm=1.0)
    optimizer.build(model.trainable_variables)
    settings = {"seed": seed, "pretrained": bool(texts), **asdict(size)}
    settings["data"] = fingerprint(repr((vocabulary.tokens, samples)).encode(), matrix.tobytes())
    run = _Run(Path(run_dir), model, optimizer, settings)
    step = train_step(model, optimizer)
    forward = tf.function(model.call, reduce_retracing=True)  # run eagerly, the LSTMs take most of an epoch
    texts_of_train = encode_texts(vocabulary, train)
    val_arrays = (encode_cues(vocabulary, val), *encode_texts(vocabulary, val))

    with tqdm(total=epochs, initial=len(run.epochs), desc="generator", unit=" epochs", disable=not progress) as bar:
        while len(run.epochs) < epochs and len(run.epochs) - run.best_epoch < patience:
            rng = np.random.default_rng([seed, len(run.epochs)])  # the same batches whether or not interrupted
            loss = train_epoch(step, encode_cues(vocabulary, train, rng), *texts_of_train, rng)
            scores = teacher_forced_scores(forward, *val_arrays)
            run.finish_epoch(loss=loss, val_loss=scores["loss"], val_accuracy=scores["accuracy"])
            bar.set_postfix(loss=f"{run.epochs[-1]['loss']:.2f}", val_loss=f"{scores['loss']:.2f}")
            bar.update()

    history = {"epochs": run.epochs, "best_epoch": run.best_epoch, "seed": seed, "size": asdict(size)}
    _publish(Path(out), model, vocabulary, history)
    return history


def train_epoch(
    step: Callable, cues: np.ndarray, inputs: np.ndarray, targets: np.ndarray, rng: np.random.Generator
) -> float:
    """One pass over all sentences in batches of :data:`BATCH`, in random order; the mean loss of the batches.

    ``step`` is of :func:`train_step`; the arrays are those of :func:`encode_cues` and :func:`encode_texts`.
    """
    longest = int((targets != 0).any(axis=0).sum())  # behind it is nothing but padding
    batches = np.array_split(rng.permutation(len(cues)), max(1, len(cues) // BATCH))
    return float(np.mean([step(cues[rows], inputs[rows, :longest], targets[rows, :longest]) for rows in batches]))


def pretrain(
    model: keras.Model,
    vocabulary: Vocabulary,
    texts: Sequence[str | Path],
    run_dir: Path,
    rounds: int = PRETRAINING_ROUNDS,
    seed: int = 0,
    progress: bool = True,
) -> None:
    """Let ``model`` learn to make a sentence of open text from one to four of its own words.

    Sentences of 3 to 20 words with at most one word outside the vocabulary; that word is read, but neither asked for
    nor made a cue. Resumable: ``run_dir/state.npz`` holds everything after each round.

    Raises
    ------
    DataError
        When a text cannot be read, or none of its sentences fits.
    """
    sentences = open_sentences(vocabulary, texts)
    if len(sentences) == 0:
        raise DataError(f"no sentence of {', '.join(map(str, texts))} fits the vocabulary: give more Bengali text.")
    optimizer = keras.optimizers.Adam(LEARNING_RATE, clipnorm=1.0)
    optimizer.build(model.trainable_variables)
    settings = {"seed": seed, "data": fingerprint(repr(vocabulary.tokens).encode(), sentences.tobytes())}
    run = _Run(run_dir, model, optimizer, settings)
    step = train_step(model, optimizer)
    start, unknown = vocabulary.ids[START], vocabulary.ids[UNKNOWN]
    with tqdm(total=rounds, initial=len(run.epochs), desc="pre-training", unit=" rounds", disable=not progress) as bar:
        while len(run.epochs) < rounds:
            rng = np.random.default_rng([seed, len(run.epochs)])  # the same batches whether or not interrupted
            chosen = rng.choice(len(sentences), min(ROUND, len(sentences)), replace=False)
            lengths = (sentences[chosen] != 0).sum(axis=1)
            chosen = chosen[np.argsort(lengths, kind="stable")]  # little padding in a batch
            batches = np.array_split(chosen, max(1, len(chosen) // BATCH))
            losses = []
            for number in rng.permutation(len(batches)):
                targets = sentences[batches[number]]
                targets = targets[:, : int((targets != 0).any(axis=0).sum())]
                inputs = np.concatenate([np.full((len(targets), 1), start, np.int32), targets[:, :-1]], axis=1)
                cues = own_words(targets, vocabulary, rng)
                losses.append(float(step(cues, inputs, np.where(targets == unknown, 0, targets))))
            run.finish_epoch(loss=float(np.mean(losses)))
            bar.set_postfix(loss=f"{run.epochs[-1]['loss']:.2f}")
            bar.update()


def open_sentences(vocabulary: Vocabulary, texts: Sequence[str | Path]) -> np.ndarray:
    """Sentences of open text as token numbers with an end token, int32 [sentences, TEXT_TOKENS], each once."""
    rows = {}
    for text in read_texts(texts):
        tokens = [token for token in tokenize(clean_text(text)) if token not in QUOTES]
        words = [token for token in tokens if token not in MARKS]
        unknown = sum(token not in vocabulary for token in tokens)
        if 3 <= len(words) <= MAX_WORDS and len(tokens) < TEXT_TOKENS and unknown <= MAX_UNKNOWN:
            rows[tuple(tokens)] = vocabulary.encode([*tokens, END], TEXT_TOKENS)
    return np.array(list(rows.values()), dtype=np.int32).reshape(-1, TEXT_TOKENS)


def own_words(targets: np.ndarray, vocabulary: Vocabulary, rng: np.random.Generator) -> np.ndarray:
    """For each sentence some of its own words in random order as a cue, int32 [sentences, CUE_TOKENS]."""
    special = [vocabulary.ids[token] for token in (PAD, END, UNKNOWN, *MARKS) if token in vocabulary]
    cues = np.zeros((len(targets), CUE_TOKENS), np.int32)
    for row, sentence in enumerate(targets):
        words = np.setdiff1d(sentence, special)
        count = min(len(words), int(rng.integers(PRETRAINING_CUES[0], PRETRAINING_CUES[1] + 1)))
        cues[row, :count] = rng.choice(words, count, replace=False)
    return cues


def encode_cues(vocabulary: Vocabulary, samples: list[Sample], rng: np.random.Generator | None = None) -> np.ndarray:
    """Cue inputs, int32 [samples, CUE_TOKENS]; with ``rng``, a share of the tokens is left out."""
    rows = []
    for sample in samples:
        tokens = cue_tokens(sample.cue, sample.register, sample.emotion, sample.intent)
        if rng is not None:
            tokens = [token for token in tokens if rng.random() >= CUE_DROPOUT] or tokens
        rows.append(vocabulary.encode(tokens, CUE_TOKENS))
    return np.stack(rows)


def encode_texts(vocabulary: Vocabulary, samples: list[Sample]) -> tuple[np.ndarray, np.ndarray]:
    """Decoder inputs and targets, both int32 [samples, TEXT_TOKENS]: each text from its start, and to its end."""
    targets = np.stack([vocabulary.encode([*tokenize(sample.text), END], TEXT_TOKENS) for sample in samples])
    inputs = np.full_like(targets, vocabulary.ids[PAD])
    inputs[:, 0] = vocabulary.ids[START]
    inputs[:, 1:] = np.where(targets[:, :-1] == vocabulary.ids[END], vocabulary.ids[PAD], targets[:, :-1])
    return inputs, targets


def teacher_forced_scores(model: Callable, cues: np.ndarray, inputs: np.ndarray, targets: np.ndarray) -> dict:
    """How well each next token is foretold when the true ones before it are given.

    Parameters
    ----------
    model
        The generator, its compiled call, or anything that scores the next words likewise.
    cues, inputs, targets
        From :func:`encode_cues` and :func:`encode_texts`.

    Returns
    -------
    dict
        ``loss``, nats a token; ``perplexity``; ``accuracy``, share of tokens (words, marks and the end) whose
        best guess is right; ``padded_loss`` and ``padded_accuracy``, the same over all positions of the padded
        sequences, with padding counted as foretold for certain: what a loss without a mask comes to.
    """
    losses, hits = [], []
    real = targets != 0
    for start in range(0, len(cues), 64):
        rows = slice(start, start + 64)
        scores = np.array(model([cues[rows], inputs[rows]], training=False))
        scores -= scores.max(axis=-1, keepdims=True)
        log_probabilities = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
        losses.append(-np.take_along_axis(log_probabilities, targets[rows][..., None], axis=-1)[..., 0])
        hits.append(scores.argmax(axis=-1) == targets[rows])
    loss, hit = np.concatenate(losses)[real], np.concatenate(hits)
    return {
        "loss": float(loss.mean()),
        "perplexity": float(np.exp(loss.mean())),
        "accuracy": float(hit[real].mean()),
        "padded_loss": float(loss.sum() / real.size),
        "padded_accuracy": float((hit | ~real).mean()),
    }


def train_step(model: keras.Model, optimizer: keras.optimizers.Optimizer, label_smoothing: float = LABEL_SMOOTHING):
    """One step on the label-smoothed cross-entropy of the tokens that are not padding, as a compiled function."""

    @tf.function(reduce_retracing=True)
    def step(cues, inputs, targets):
        with tf.GradientTape() as tape:
            log_probabilities = tf.nn.log_softmax(model([cues, inputs], training=True))
            true = tf.gather(log_probabilities, targets, batch_dims=2)
            smooth = tf.reduce_mean(log_probabilities, axis=-1)
            losses = -(1 - label_smoothing) * true - label_smoothing * smooth
            mask = tf.cast(targets != 0, losses.dtype)
            loss = tf.reduce_sum(losses * mask) / tf.reduce_sum(mask)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    return step


def fingerprint(*data: bytes) -> str:
    """Sixteen hex digits of a run's data, so that no run goes on with other data than it began with."""
    return hashlib.sha256(b"".join(data)).hexdigest()[:16]


class _Run:
    """A run's state in one file, replaced after every epoch: weights, optimizer, history.

    One file, so that a kill at any moment leaves either the old epoch or the new one, never half of each.
    """

    def __init__(self, folder: Path, model: keras.Model, optimizer: keras.optimizers.Optimizer, settings: dict):
        self.path = folder / "state.npz"
        self.model, self.optimizer, self.settings = model, optimizer, settings
        self.epochs: list[dict] = []
        if self.path.exists():
            self._load()

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest validation loss, from 1; 0 before the first."""
        losses = [epoch["val_loss"] for epoch in self.epochs]
        return losses.index(min(losses)) + 1 if losses else 0

    def finish_epoch(self, **scores: float) -> None:
        self.epochs.append(scores)
        meta = json.dumps({"epochs": self.epochs, "settings": self.settings})
        # model.variables holds the weights and the states of the dropout's random generators.
        variables = [*self.model.variables, *self.optimizer.variables]
        arrays = {f"variable_{i}": np.asarray(variable) for i, variable in enumerate(variables)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as temporary:
            np.savez(temporary, meta=np.array(meta), **arrays)

    def _load(self) -> None:
        try:
            with np.load(self.path) as saved:
                meta = json.loads(str(saved["meta"]))
                if meta["settings"] == self.settings:
                    for i, variable in enumerate([*self.model.variables, *self.optimizer.variables]):
                        variable.assign(saved[f"variable_{i}"])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise CheckpointError(f"{self.path} cannot be read ({error}): delete it to train from the start.") from None
        if meta["settings"] != self.settings:
            raise DataError(
                f"{self.path} belongs to a run with other settings or data ({meta['settings']}): "
                "delete it, or name another folder."
            )
        self.epochs = meta["epochs"]


def _publish(checkpoints: Path, model: keras.Model, vocabulary: Vocabulary, history: dict) -> None:
    out = checkpoints / "nlg"
    out.mkdir(parents=True, exist_ok=True)
    with replacing(out / "generator.keras") as temporary:
        model.save(temporary)
    vocabulary.save(out / "vocabulary.json")
    write_text(out / "history.json", json.dumps(history, indent=1) + "\n")
    for name in ("generator.keras", "vocabulary.json", "word2vec.kv"):
        if (out / name).exists():
            register(checkpoints, f"nlg/{name}")
