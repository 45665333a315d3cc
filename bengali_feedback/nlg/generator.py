"""``FeedbackGenerator``: an emotion in, one Bengali feedback sentence out, never the same again soon."""

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..checkpoints import checkpoint, home
from ..emotion import EMOTIONS, Emotion
from ..errors import CheckpointError, DataError, TextError
from .dataset import Sample, read_corpus
from .rules import END_MARKS, INTENTS, MARKS, REGISTERS, text_problems, words
from .text import CUE_TOKENS, Vocabulary, cue_tokens, detokenize

ATTEMPTS = 5
# Chosen by reading; checkpoints/nlg/README.md tells what was read.
CANDIDATES, ROUNDS = 4, 3  # twelve sentences in each attempt, four at once, until a new one may be spoken
REMEMBERED = 100  # answers of which no PHRASE words in a row are said again
PHRASE = 4  # as many words as the shortest sentence has
BEGINNING = 3  # letters in which words of two clauses of a new sentence must differ
BEAM = 12  # beginnings that beam search carries on
METHODS = ("nucleus", "beam")
TEMPERATURE = 1.0
TOP_P = 0.95
MIN_LOG_PROBABILITY = -2.2  # nats a token
MIN_BOLDEST = -4.2  # nats, for any one token of a new sentence that was chosen among several


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
    """How often the network was asked, 1 to 5."""


class FeedbackGenerator:
    """Draws feedback sentences from the network of seed 004 §5.3; a guard refuses what must not be spoken.

    Use :meth:`load`. One object remembers its last 100 answers and repeats no four words in a row of them; asked with
    a seed, only of the very last one.

    Parameters
    ----------
    model
        A trained :func:`~bengali_feedback.nlg.models.feedback_generator`.
    vocabulary
        Its vocabulary.
    corpus
        Samples to take cues and word sequences from, and sentences when every drawn one is refused.
    """

    def __init__(self, model, vocabulary: Vocabulary, corpus: list[Sample]):
        from .models import WordDecoder, cue_encoder
        from .sampling import WordLattice

        self.model, self.vocabulary, self.corpus = model, vocabulary, corpus
        self.temperature, self.top_p = TEMPERATURE, TOP_P
        self._encoder = cue_encoder(model)
        self._decoder = WordDecoder(model)
        self._lattice = WordLattice(corpus, vocabulary)
        self._written = {tuple(words(sample.text)) for sample in corpus}
        cues = defaultdict(set)
        for sample in corpus:
            cues[sample.emotion, sample.intent].add(sample.cue)
        self._cues = {key: sorted(own) for key, own in cues.items()}
        self._random = np.random.default_rng()
        self._said: deque[str] = deque(maxlen=REMEMBERED)
        self._encoded: dict[tuple[str, ...], tuple[np.ndarray, np.ndarray]] = {}
        # All cues at once: one by one they would cost more than the sentences.
        self._encode(
            {tuple(cue_tokens(s.cue, register, s.emotion, s.intent)) for s in corpus for register in REGISTERS}
        )

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
        network, vocabulary_file = (checkpoint(f"nlg/{name}") if path is None else Path(path) / name for name in names)
        if not network.is_file():
            raise CheckpointError(f"generator {network} is missing: train it with `bengali-feedback train nlg`.")
        vocabulary = Vocabulary.load(vocabulary_file)
        try:
            model = keras.models.load_model(network, compile=False)
        except Exception as error:  # Keras raises whatever the zip, JSON and HDF5 readers raise
            reason = str(error).partition("\n")[0]
            raise CheckpointError(
                f"generator {network} cannot be read ({reason}): train it with `bengali-feedback train nlg`."
            ) from None
        if model.output_shape[-1] != len(vocabulary):
            raise CheckpointError(
                f"{network} knows {model.output_shape[-1]} words and {vocabulary_file} lists {len(vocabulary)}: "
                "they are not from one training; train with `bengali-feedback train nlg`."
            )
        return cls(model, vocabulary, read_corpus(corpus or home() / "corpus" / "feedback.tsv"))

    def generate(
        self,
        emotion: Emotion | str,
        register: str = "apni",
        intent: str | None = None,
        seed: int | None = None,
        method: str = "nucleus",
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
        method
            ``nucleus`` draws word after word; ``beam`` searches for the likeliest sentence to a drawn cue, which is
            the same each time that cue is drawn.

        Raises
        ------
        TextError
            When emotion, register, intent or method is not one of those there are.
        DataError
            When every attempt was refused and the corpus has no sentence for this emotion and register but the last
            answer.
        """
        return self.generate_batch([(emotion, register, intent)], seed, method)[0]

    def generate_batch(
        self,
        requests: Sequence[Emotion | str | tuple],
        seed: int | None = None,
        method: str = "nucleus",
    ) -> list[Generated]:
        """Answer many emotions at once, which is faster than one by one.

        Parameters
        ----------
        requests
            Each an emotion, or a tuple (emotion, register, intent) whose last parts may be left out or None.
        seed, method
            As for :meth:`generate`; one seed for the whole batch.

        Returns
        -------
        list of Generated
            In the order of the requests, no two with the same text as long as the corpus has others.
        """
        _require("method", method, METHODS)
        random = self._random if seed is None else np.random.default_rng(seed)
        asked = [_asked(request) for request in requests]
        asked = [(*which, intent or INTENTS[random.integers(len(INTENTS))]) for *which, intent in asked]
        remembered = list(self._said) if seed is None else list(self._said)[-1:]
        said = set().union(*map(phrases, remembered))
        answers: dict[int, Generated] = {}
        rounds = ROUNDS if method == "nucleus" else 1  # beam search finds all it can at once
        for turn in range(ATTEMPTS * rounds):
            open_ = [number for number in range(len(asked)) if number not in answers]
            if not open_:
                break
            if turn % rounds == 0:
                spare = defaultdict(list)
                cues = {number: self._cue(*asked[number], random) for number in open_}
            drawn = self.draw([(cues[number], *asked[number]) for number in open_], random, method)
            for number, draws in zip(open_, drawn, strict=True):
                emotion, register, intent = asked[number]
                spare[number] += draws
                fit = [d for d in spare[number] if not self.refusals(d, register, said)]
                new = [d for d in fit if self._is_new(d)]
                if new or (fit and turn % rounds == rounds - 1):
                    text = detokenize((new or fit)[0].tokens)
                    said |= phrases(text)
                    answers[number] = Generated(
                        text, "generated", cues[number], register, intent, emotion, 1 + turn // rounds
                    )
        for number, (emotion, register, intent) in enumerate(asked):
            if number not in answers:
                later = [answer.text for other, answer in answers.items() if other > number]
                before = [*later, *remembered, *(answers[other].text for other in range(number))]
                sample = self._corpus_sentence(emotion, register, intent, before, random)
                answers[number] = Generated(
                    sample.text, "corpus", sample.cue, register, sample.intent, emotion, ATTEMPTS
                )
        in_order = [answers[number] for number in range(len(asked))]
        self._said.extend(answer.text for answer in in_order)
        return in_order

    def restart(self, seed: int | None = None) -> None:
        """Forget what was said; the answers asked without a seed from now on are repeatable by this one."""
        self._random = np.random.default_rng(seed)
        self._said.clear()

    def draw(
        self, asked: Sequence[tuple], random: np.random.Generator, method: str = "nucleus", count: int = CANDIDATES
    ) -> list[list]:
        """For each (cue, emotion, register, intent) some sentences, unguarded; see :class:`~.sampling.Draw`.

        ``nucleus`` draws ``count``; ``beam`` gives those it finds, the likeliest first.
        """
        from .sampling import beam_sentences, draw_sentences

        cues = [tuple(cue_tokens(cue, register, emotion, intent)) for cue, emotion, register, intent in asked]
        contexts = np.stack([context for context, _ in self._encode(cues)])
        kinds = [(emotion, register, intent) for _, emotion, register, intent in asked]
        if method == "beam":
            return [
                beam_sentences(self._decoder, context, self._lattice, kind, self.vocabulary, BEAM)
                for context, kind in zip(contexts, kinds, strict=True)
            ]
        draws = draw_sentences(
            self._decoder, np.repeat(contexts, count, axis=0), self._lattice,
            [kind for kind in kinds for _ in range(count)],
            self.vocabulary, random, self.temperature, self.top_p, MIN_LOG_PROBABILITY,
        )  # fmt: skip
        return [draws[start : start + count] for start in range(0, len(draws), count)]

    def refusals(self, draw, register: str, said: Collection[tuple[str, ...]] = frozenset()) -> list[str]:
        """Why a drawn sentence must not be spoken now, after the :func:`phrases` ``said``; empty when it may."""
        text = detokenize(draw.tokens)
        if not draw.finished:
            return ["is not finished"]
        if draw.log_probability < MIN_LOG_PROBABILITY:  # the commonest reason, and the cheapest to find
            return [f"is unlikely ({draw.log_probability:.1f} nats a token)"]
        if not phrases(text).isdisjoint(said):
            return ["repeats what was said a short while ago"]
        reasons = [message for _, message in text_problems(text, register)]
        reasons += [f"{token} is not a known word" for token in draw.tokens if token not in self.vocabulary]
        if self._is_new(draw):
            if draw.boldest < MIN_BOLDEST:
                reasons.append(f"goes a way that is unlikely ({draw.boldest:.1f} nats for one token)")
            reasons += shared_beginnings(draw.tokens)
        return reasons + repetitions(draw.tokens)

    def _is_new(self, draw) -> bool:
        """Whether no sample of the corpus has these words; other marks make no new sentence."""
        return tuple(token for token in draw.tokens if token not in MARKS) not in self._written

    def attention(self, cue: str, register: str | None = None, emotion=None, intent: str | None = None) -> dict:
        """How much each cue token weighs in the context: the attention weights alpha, which sum to 1."""
        tokens = cue_tokens(cue, register, emotion, intent)
        _, weights = self._encode({tuple(tokens)})[0]
        return dict(zip(tokens, weights.tolist(), strict=False))

    def _encode(self, cues: Collection[tuple[str, ...]]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Context and attention weights of each cue, kept from then on."""
        new = sorted(set(cues) - self._encoded.keys())
        if new:
            numbers = np.stack([self.vocabulary.encode(list(cue), CUE_TOKENS) for cue in new])
            contexts, weights = self._encoder(numbers, training=False)
            self._encoded.update(zip(new, zip(contexts.numpy(), weights.numpy(), strict=True), strict=True))
        return [self._encoded[cue] for cue in cues]

    def _cue(self, emotion: Emotion, register: str, intent: str, random: np.random.Generator) -> str:
        cues = self._cues.get((emotion, intent), [""])
        return cues[random.integers(len(cues))]

    def _corpus_sentence(
        self, emotion: Emotion, register: str, intent: str, said: Sequence[str], random: np.random.Generator
    ) -> Sample:
        fitting = [s for s in self.corpus if (s.emotion, s.register) == (emotion, register) and s.text not in said[-1:]]
        fitting = [sample for sample in fitting if sample.text not in said] or fitting
        if not fitting:
            raise DataError(f"the corpus has no second {register} sentence for {emotion}: add samples to it.")
        same = [sample for sample in fitting if sample.intent == intent] or fitting
        return same[random.integers(len(same))]


def phrases(text: str) -> set[tuple[str, ...]]:
    """Every :data:`PHRASE` words in a row, over marks too; all words of a shorter text."""
    spoken = words(text)
    return {tuple(spoken[start : start + PHRASE]) for start in range(max(1, len(spoken) - PHRASE + 1))}


def repetitions(tokens: list[str]) -> list[str]:
    """Words that a sentence says too often: three times, or two words in a row twice.

    Bengali doubles words on purpose (``ধীরে ধীরে``), so one word twice is no fault.
    """
    spoken = [token for token in tokens if token not in MARKS]
    counts = Counter(spoken)
    pairs = Counter(zip(spoken, spoken[1:], strict=False))
    repeated = [word for word, count in counts.items() if count > 2]
    repeated += [" ".join(pair) for pair, count in pairs.items() if count > 1]
    return [f"says {word!r} again" for word in repeated]


def shared_beginnings(tokens: list[str]) -> list[str]:
    """Beginnings that words of two clauses share; where two written sentences meet, one thing may be said twice."""
    seen: set[str] = set()
    shared, clause = set(), set()
    for token in [*tokens, END_MARKS[0]]:
        if token in MARKS:
            shared |= clause & seen
            seen |= clause
            clause = set()
        elif len(token) >= BEGINNING:
            clause.add(token[:BEGINNING])
    return [f"begins words of two clauses with {beginning!r}" for beginning in sorted(shared)]


def _asked(request: Emotion | str | tuple) -> tuple[Emotion, str, str | None]:
    """Emotion, register and intent of a request; an intent of None is to be drawn."""
    parts = (request,) if isinstance(request, str) else tuple(request)
    if not 1 <= len(parts) <= 3:
        raise TextError(f"request {request!r} is not an emotion or a tuple (emotion, register, intent).")
    emotion, register, intent = (*parts, *(None, None)[len(parts) - 1 :])
    register = REGISTERS[0] if register is None else register
    _require("emotion", emotion, EMOTIONS)
    _require("register", register, REGISTERS)
    if intent is not None:
        _require("intent", intent, INTENTS)
    return Emotion(emotion), register, intent


def _require(name: str, value, allowed: Sequence[str]) -> None:
    if value not in tuple(allowed):
        raise TextError(f"{name} {str(value)!r} is not one of {', '.join(allowed)}.")
