"""``FeedbackGenerator``: an emotion in, one Bengali feedback sentence out, never twice the same in a row."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..checkpoints import checkpoint, home
from ..emotion import EMOTIONS, Emotion
from ..errors import CheckpointError, DataError, TextError
from .dataset import Sample, read_corpus
from .rules import INTENTS, MARKS, REGISTERS, text_problems
from .text import CUE_TOKENS, END, START, TEXT_TOKENS, Vocabulary, cue_tokens, detokenize

ATTEMPTS = 5
TEMPERATURE = 0.7
TOP_P = 0.9


@dataclass(frozen=True)
class Generated:
    """A feedback sentence and where it came from."""

    text: str
    """The sentence, ready to be spoken."""
    source: str
    """``generated`` by the network, or a sentence of the ``corpus`` when every attempt was refused."""
    cue: str
    """The cue words the network was given, or those of the corpus sentence."""
    register: str
    """``apni`` or ``tumi``."""
    intent: str
    """What the sentence sets out to do, one of :data:`~bengali_feedback.nlg.rules.INTENTS`."""
    emotion: Emotion
    """What it answers."""
    attempts: int
    """How many sentences were drawn, 1 to 5."""


class FeedbackGenerator:
    """Draws feedback sentences from the network of seed 004 §5.3; a guard refuses what must not be spoken.

    Use :meth:`load`. One object remembers its last answer and never gives it again right away.

    Parameters
    ----------
    model
        A trained :func:`~bengali_feedback.nlg.models.feedback_generator`.
    vocabulary
        Its vocabulary.
    corpus
        Samples to take cues from, and sentences when every drawn one is refused.
    temperature
        Below 1 the likely words become likelier.
    top_p
        Each word is drawn from the fewest words that together have this probability (nucleus sampling).
    """

    def __init__(
        self,
        model,
        vocabulary: Vocabulary,
        corpus: list[Sample],
        temperature: float = TEMPERATURE,
        top_p: float = TOP_P,
    ):
        from .models import WordDecoder, cue_encoder

        self.model, self.vocabulary, self.corpus = model, vocabulary, corpus
        self.temperature, self.top_p = temperature, top_p
        self._encode = cue_encoder(model)
        self._decoder = WordDecoder(model)
        self._contexts: dict[tuple[str, ...], tuple[np.ndarray, np.ndarray]] = {}
        self._random = np.random.default_rng()
        self._last = ""
        # Special and control tokens are no words: they get no probability.
        self._forbidden = [n for n in range(vocabulary.reserved) if n != vocabulary.ids[END]]

    @classmethod
    def load(cls, path: str | Path | None = None, corpus: str | Path | None = None) -> "FeedbackGenerator":
        """Load the shipped generator, or the one in the folder ``path``.

        Parameters
        ----------
        path
            A folder that ``train_generator`` filled. Default: the shipped checkpoint, checked against the manifest.
        corpus
            A corpus file. Default: the shipped one.

        Raises
        ------
        CheckpointError
            When the network or its vocabulary is missing, altered or unreadable.
        DataError
            When the corpus is missing or malformed.
        """
        import keras

        from . import models  # noqa: F401  registers the layers that the file names

        names = ("generator.keras", "vocabulary.json")
        network, words = (checkpoint(f"nlg/{name}") if path is None else Path(path) / name for name in names)
        if not network.is_file():
            raise CheckpointError(f"generator {network} is missing: train it with `bengali-feedback train nlg`.")
        vocabulary = Vocabulary.load(words)
        try:
            model = keras.models.load_model(network, compile=False)
        except Exception as error:  # Keras raises whatever the zip, JSON and HDF5 readers raise
            raise CheckpointError(
                f"generator {network} cannot be read ({error}): train it with `bengali-feedback train nlg`."
            ) from None
        if model.output_shape[-1] != len(vocabulary):
            raise CheckpointError(
                f"{network} knows {model.output_shape[-1]} words and {words} lists {len(vocabulary)}: "
                "they are not from one training; train with `bengali-feedback train nlg`."
            )
        return cls(model, vocabulary, read_corpus(corpus or home() / "corpus" / "feedback.tsv"))

    def generate(
        self,
        emotion: Emotion | str,
        register: str = "apni",
        intent: str | None = None,
        seed: int | None = None,
    ) -> Generated:
        """Answer an emotion with one sentence.

        Parameters
        ----------
        emotion
            What the listener's face shows.
        register
            ``apni`` (respectful) or ``tumi`` (familiar).
        intent
            One of :data:`~bengali_feedback.nlg.rules.INTENTS`. Default: drawn.
        seed
            Makes the answer repeatable: two objects answer the same calls with the same seeds alike. The same
            seed twice in a row gives two different answers, because no answer follows itself.

        Raises
        ------
        TextError
            When emotion, register or intent is not one of those there are.
        DataError
            When every attempt was refused and the corpus has no other sentence for this emotion and register.
        """
        _require("emotion", emotion, EMOTIONS)
        _require("register", register, REGISTERS)
        if intent is not None:
            _require("intent", intent, INTENTS)
        emotion = Emotion(emotion)
        random = self._random if seed is None else np.random.default_rng(seed)
        intent = intent or INTENTS[random.integers(len(INTENTS))]
        cues = sorted({sample.cue for sample in self.corpus if (sample.emotion, sample.intent) == (emotion, intent)})

        for attempt in range(1, ATTEMPTS + 1):
            cue = cues[random.integers(len(cues))] if cues else ""
            tokens, finished = self.draw(cue_tokens(cue, register, emotion, intent), random)
            text = detokenize(tokens)
            if finished and text != self._last and not self.refusals(tokens, register):
                self._last = text
                return Generated(text, "generated", cue, register, intent, emotion, attempt)

        sample = self._corpus_sentence(emotion, register, intent, random)
        self._last = sample.text
        return Generated(sample.text, "corpus", sample.cue, register, sample.intent, emotion, ATTEMPTS)

    def draw(self, cue: list[str], random: np.random.Generator) -> tuple[list[str], bool]:
        """Draw one sentence for cue tokens, unguarded.

        Returns
        -------
        tokens, finished
            Words and marks; and whether the network ended the sentence itself, within
            :data:`~bengali_feedback.nlg.text.TEXT_TOKENS`.
        """
        context, _ = self._context(cue)
        state = self._decoder.start(1)
        word = self.vocabulary.ids[START]
        numbers = []
        for _ in range(TEXT_TOKENS):
            scores, state = self._decoder.step(np.array([word]), context, state)
            scores = scores[0] / self.temperature
            scores[self._forbidden] = -np.inf
            word = nucleus(scores, self.top_p, random)
            if word == self.vocabulary.ids[END]:
                return self.vocabulary.decode(numbers), True
            numbers.append(word)
        return self.vocabulary.decode(numbers), False

    def refusals(self, tokens: list[str], register: str) -> list[str]:
        """Why a drawn sentence must not be spoken; empty when it may."""
        reasons = [message for _, message in text_problems(detokenize(tokens), register)]
        reasons += [f"{token} is not a known word" for token in tokens if token not in self.vocabulary]
        return reasons + repetitions(tokens)

    def attention(self, cue: list[str]) -> dict[str, float]:
        """How much each cue token weighs in the context: the attention weights alpha, which sum to 1."""
        _, weights = self._context(cue)
        return dict(zip(cue, weights[0].tolist(), strict=False))

    def _context(self, cue: list[str]) -> tuple[np.ndarray, np.ndarray]:
        if tuple(cue) not in self._contexts:  # a few hundred cues; each is encoded once
            numbers = self.vocabulary.encode(cue, CUE_TOKENS)[None]
            context, weights = self._encode(numbers, training=False)
            self._contexts[tuple(cue)] = np.asarray(context), np.asarray(weights)
        return self._contexts[tuple(cue)]

    def _corpus_sentence(self, emotion: Emotion, register: str, intent: str, random: np.random.Generator) -> Sample:
        fitting = [
            sample
            for sample in self.corpus
            if (sample.emotion, sample.register) == (emotion, register) and sample.text != self._last
        ]
        if not fitting:
            raise DataError(f"the corpus has no second {register} sentence for {emotion}: add samples to it.")
        same = [sample for sample in fitting if sample.intent == intent] or fitting
        return same[random.integers(len(same))]


def nucleus(scores: np.ndarray, top_p: float, random: np.random.Generator) -> int:
    """Draw one index from the fewest scores whose softmax adds up to ``top_p``."""
    probabilities = np.exp(scores - scores.max())
    probabilities /= probabilities.sum()
    order = np.argsort(-probabilities, kind="stable")
    count = int(np.searchsorted(np.cumsum(probabilities[order]), top_p)) + 1
    kept = probabilities[order[:count]].astype(np.float64)
    return int(random.choice(order[:count], p=kept / kept.sum()))


def repetitions(tokens: list[str]) -> list[str]:
    """Words that a sentence says too often: three times, or two words in a row twice.

    Bengali doubles words on purpose (``ধীরে ধীরে``), so one word twice is no fault.
    """
    spoken = [token for token in tokens if token not in MARKS]
    words = Counter(spoken)
    pairs = Counter(zip(spoken, spoken[1:], strict=False))
    repeated = [word for word, count in words.items() if count > 2]
    repeated += [" ".join(pair) for pair, count in pairs.items() if count > 1]
    return [f"says {word!r} again" for word in repeated]


def _require(name: str, value, allowed) -> None:
    if value not in tuple(allowed):
        raise TextError(f"{name} {str(value)!r} is not one of {', '.join(allowed)}.")
