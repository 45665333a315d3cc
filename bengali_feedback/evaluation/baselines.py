"""Three simpler models of the next word, trained on the same sentences, beside the generator's scores.

Every model gives each of the vocabulary's 7,000 entries a probability after the same words of the same sentences, so
that their perplexities compare: the corpus's vocabulary is closed, and a word that no train sentence has is one of
those entries like any other.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..nlg.dataset import SPLITS, Sample, read_corpus
from ..nlg.text import CUE_TOKENS, Vocabulary

EPOCHS = 25
PATIENCE = 3  # epochs without a lower validation loss; then the best epoch's weights are taken
LEARNING_RATE = 2e-3  # the generator's own
LSTM_UNITS = 128  # of each of the three layers
LSTM_DROPOUT = 0.3

DESCRIPTIONS = {
    "network": "the shipped generator",
    "kneser_ney": "interpolated Kneser-Ney trigram; emotion and register stand before the first word",
    "plain_lstm": "embedding, three LSTMs, softmax; reads the cue before the sentence; no attention, no Word2Vec",
    "random_embeddings": "the generator's network from random word vectors, without pre-training",
}


class KneserNeyTrigram:
    """Interpolated Kneser-Ney over three words (Chen & Goodman 1999, *Computer Speech & Language* 13, 359–394).

    ``nltk.lm.KneserNeyInterpolated`` runs through all its contexts for each probability, which takes days where every
    word of the vocabulary is to be scored, and gives a word it has not seen the probability 0. Here, below the single
    words, an even share for each word of the vocabulary is interpolated.

    Parameters
    ----------
    sentences
        Token numbers; the first two are given, not foretold.
    words
        Size of the vocabulary.
    discounts
        Taken off each count of one, two and three words. Default: Ney's estimates n1 / (n1 + 2 n2), n1 and n2 being how
        many of the counts are 1 and 2.
    """

    def __init__(self, sentences: Iterable[list[int]], words: int, discounts: Sequence[float | None] = (None,) * 3):
        trigrams = Counter(trigram for row in sentences for trigram in zip(row, row[1:], row[2:], strict=False))
        # A shorter sequence counts once for each different word before it, not each time it occurs.
        bigrams = Counter(trigram[1:] for trigram in trigrams)
        unigrams = Counter(bigram[1:] for bigram in bigrams)
        self.words = words
        self._levels = [
            self._shares(counts, discount)
            for counts, discount in zip((unigrams, bigrams, trigrams), discounts, strict=True)
        ]

    @staticmethod
    def _shares(counts: Counter, discount: float | None) -> dict[tuple, tuple[np.ndarray, np.ndarray, float]]:
        """For each context the words behind it, their discounted shares, and what is left for the shorter context."""
        if discount is None:
            once, twice = (max(1, sum(count == times for count in counts.values())) for times in (1, 2))
            discount = once / (once + 2 * twice)
        behind = defaultdict(dict)
        for (*before, word), count in counts.items():
            behind[tuple(before)][word] = count
        shares = {}
        for before, after in behind.items():
            own = np.array([*after.values()])
            shares[before] = (np.array([*after]), (own - discount) / own.sum(), discount * len(own) / own.sum())
        return shares

    def probabilities(self, before: tuple[int, int]) -> np.ndarray:
        """The probability of every word behind these two, float64 [words]; the sum is 1."""
        result = np.full(self.words, 1 / self.words)
        for length, level in enumerate(self._levels):
            if before[2 - length :] in level:
                words, shares, left = level[before[2 - length :]]
                result *= left
                result[words] += shares
        return result

    def __call__(self, inputs: list[np.ndarray], training: bool = False) -> np.ndarray:
        """Log-probabilities of each next word, float32 [batch, N, words], in the generator's place.

        ``inputs`` are the generator's: cues, of which register and emotion are read, and the words so far.
        """
        cues, previous = inputs
        scores = np.zeros((*previous.shape, self.words), np.float32)
        for row, sentence in enumerate(conditioned(cues, previous[:, 1:])):
            for place in range(len(sentence) - 1):
                scores[row, place] = np.log(self.probabilities(tuple(sentence[place : place + 2])))
        return scores


def conditioned(cues: np.ndarray, sentences: np.ndarray) -> list[list[int]]:
    """Token numbers of each sentence behind its emotion and its register, without padding.

    The register stands next to the first word, since the first word often shows it.
    """
    return [
        [int(cue[1]), int(cue[0]), *(int(number) for number in sentence if number)]
        for cue, sentence in zip(cues, sentences, strict=True)
    ]


def plain_lstm(words: int, dimensions: int = 128, units: int = LSTM_UNITS, dropout: float = LSTM_DROPOUT):
    """Embedding, three LSTMs, softmax: the next word from all before it, the cue being the first of them.

    Returns
    -------
    keras.Model
        With the inputs and the output of :func:`~bengali_feedback.nlg.models.feedback_generator`.
    """
    import keras
    from keras import layers, ops

    cue = keras.Input((CUE_TOKENS,), dtype="int32", name="cue")
    previous = keras.Input((None,), dtype="int32", name="previous")
    tokens = layers.Concatenate(axis=1)([cue, previous])
    states = layers.Embedding(words, dimensions)(tokens)
    for _ in range(3):
        states = layers.LSTM(units, return_sequences=True)(states, mask=ops.not_equal(tokens, 0))
        states = layers.Dropout(dropout)(states)
    scores = layers.Dense(words)(states[:, CUE_TOKENS:])
    return keras.Model([cue, previous], scores, name="plain_lstm")


def evaluate_baselines(
    generator, corpus: str | Path, seed: int = 0, epochs: int = EPOCHS, size=None, progress: bool = True
) -> dict:
    """Train the three on the train split and score them, and the generator, on train and test split.

    Parameters
    ----------
    generator
        A :class:`~bengali_feedback.nlg.generator.FeedbackGenerator`; all share its vocabulary.
    corpus
        The corpus file. Its val split says when to stop.
    seed
        Of the networks' first weights and of the order of the sentences.
    epochs
        The most there can be.
    size
        :class:`~bengali_feedback.nlg.models.GeneratorSize` of the one with random embeddings. Default: the shipped.

    Returns
    -------
    dict
        ``samples`` of each split, ``words`` of the vocabulary, ``seed``; ``models``: for ``network`` and each baseline
        ``description``, ``train`` and ``test`` (:func:`~bengali_feedback.nlg.train.teacher_forced_scores`),
        and for those trained here ``seconds``, and ``epochs`` and ``best_epoch`` where there are epochs.

    Raises
    ------
    DataError
        When a split of the corpus is empty, or has a word that the vocabulary lacks.
    """
    import keras

    from ..nlg.models import feedback_generator
    from ..nlg.train import LABEL_SMOOTHING

    vocabulary = generator.vocabulary
    samples = read_corpus(corpus)
    splits = {split: [sample for sample in samples if sample.split == split] for split in SPLITS}
    arrays = {split: _encoded(vocabulary, own, split) for split, own in splits.items()}
    train_arrays = arrays["train"]

    models: dict[str, dict] = {"network": {}}
    scorers: dict[str, Callable] = {"network": generator.model}
    start = time.perf_counter()
    sentences = conditioned(train_arrays[0], train_arrays[2])
    scorers["kneser_ney"] = KneserNeyTrigram(sentences, len(vocabulary))
    models["kneser_ney"] = {"seconds": time.perf_counter() - start}
    dimensions = generator.model.get_layer("words").dimensions
    networks = {
        "plain_lstm": (lambda: plain_lstm(len(vocabulary), dimensions), 0.0),
        "random_embeddings": (
            lambda: feedback_generator(random_vectors(len(vocabulary), dimensions, seed), size),
            LABEL_SMOOTHING,
        ),
    }
    for name, (make, label_smoothing) in networks.items():
        start = time.perf_counter()
        keras.utils.set_random_seed(seed)
        model = make()
        record = _fit(model, vocabulary, splits["train"], arrays, epochs, seed, label_smoothing, name, progress)
        scorers[name] = model
        models[name] = {"seconds": time.perf_counter() - start, **record}
    for name, scorer in scorers.items():
        models[name]["description"] = DESCRIPTIONS[name]
        models[name] |= {split: _scores(scorer, arrays[split]) for split in ("train", "test")}
    return {
        "samples": {split: len(own) for split, own in splits.items()},
        "words": len(vocabulary),
        "seed": seed,
        "models": models,
    }


def _encoded(vocabulary: Vocabulary, samples: list[Sample], split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cues, decoder inputs and targets of one split."""
    from ..nlg.text import UNKNOWN
    from ..nlg.train import encode_cues, encode_texts

    if not samples:
        raise DataError(f"the corpus has no {split} samples: baselines need train, val and test.")
    encoded = (encode_cues(vocabulary, samples), *encode_texts(vocabulary, samples))
    if (encoded[2] == vocabulary.ids[UNKNOWN]).any():
        raise DataError(f"{split} has words that the network does not know: run `bengali-feedback train nlg` again.")
    return encoded


def random_vectors(words: int, dimensions: int, seed: int) -> np.ndarray:
    """Random word vectors, float32 [words, dimensions], of a mean length of 1 as those of Word2Vec are given."""
    return np.random.default_rng(seed).normal(0, dimensions**-0.5, (words, dimensions)).astype(np.float32)


def _fit(
    model,
    vocabulary: Vocabulary,
    train: list[Sample],
    arrays: dict,
    epochs: int,
    seed: int,
    label_smoothing: float,
    name: str,
    progress: bool,
) -> dict:
    """Train until the validation loss has not fallen for :data:`PATIENCE` epochs; the best epoch's weights stay."""
    import keras
    import tensorflow as tf
    from tqdm import tqdm

    from ..nlg.train import encode_cues, teacher_forced_scores, train_epoch, train_step

    step = train_step(model, keras.optimizers.Adam(LEARNING_RATE, clipnorm=1.0), label_smoothing)
    forward = tf.function(model.call, reduce_retracing=True)
    losses, best = [], model.get_weights()
    bar = tqdm(range(epochs), desc=name, unit=" epochs", disable=not progress)
    for epoch in bar:
        rng = np.random.default_rng([seed, epoch])
        train_epoch(step, encode_cues(vocabulary, train, rng), *arrays["train"][1:], rng)
        losses.append(teacher_forced_scores(forward, *arrays["val"])["loss"])
        bar.set_postfix(val_loss=f"{losses[-1]:.2f}")
        if losses[-1] == min(losses):
            best = model.get_weights()
        elif len(losses) - 1 - int(np.argmin(losses)) >= PATIENCE:
            break
    bar.close()
    model.set_weights(best)
    return {"epochs": len(losses), "best_epoch": int(np.argmin(losses)) + 1}


def _scores(model: Callable, arrays: tuple) -> dict:
    import tensorflow as tf

    from ..nlg.train import teacher_forced_scores

    # Run eagerly, the LSTMs take many times as long.
    call = model if isinstance(model, KneserNeyTrigram) else tf.function(model.call, reduce_retracing=True)
    return teacher_forced_scores(call, *arrays)


def baselines_markdown(report: dict) -> str:
    """The report of :func:`evaluate_baselines` as a Markdown table."""
    samples = report["samples"]
    lines = [
        f"Next-word scores, teacher-forced: {samples['train']} train and {samples['test']} test sentences, "
        f"a vocabulary of {report['words']} entries; words, marks and the end are counted, padding is not.",
        "",
        "| model | test perplexity | test accuracy | test loss, nats | train accuracy | train loss | trained in |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in report["models"].items():
        train, test = row["train"], row["test"]
        seconds = f"{row['seconds']:.0f} s" if "seconds" in row else "–"
        if "epochs" in row:
            seconds += f", best epoch {row['best_epoch']} of {row['epochs']}"
        lines.append(
            f"| {name} | {test['perplexity']:.1f} | {test['accuracy']:.1%} | {test['loss']:.2f} | "
            f"{train['accuracy']:.1%} | {train['loss']:.2f} | {seconds} |"
        )
    lines += ["", *(f"- {name}: {row['description']}" for name, row in report["models"].items())]
    return "\n".join(lines) + "\n"
