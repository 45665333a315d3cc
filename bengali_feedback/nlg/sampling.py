"""Drawing sentences from the decoder: nucleus sampling along word sequences that somebody wrote."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from ..emotion import EMOTIONS, Emotion
from .dataset import Sample
from .models import WordDecoder
from .rules import REGISTERS
from .text import END, START, TEXT_TOKENS, UNKNOWN, Vocabulary, tokenize

# Words before a word that must have stood before it somewhere in the corpus. With 2, two in three sentences are new
# and one in four is odd or wrong; chosen by reading, see checkpoints/nlg/README.md.
CONTEXT = 3


@dataclass(frozen=True)
class Draw:
    """One drawn sentence."""

    tokens: list[str]
    """Words and marks."""
    finished: bool
    """Whether the decoder ended it, within ``TEXT_TOKENS`` tokens."""
    log_probability: float
    """Mean over its tokens, in nats, of the decoder's own distribution (temperature 1, no word excluded)."""


class WordLattice:
    """Which words may follow which: every four neighbouring tokens of the corpus.

    A decoder trained on some thousand sentences knows what to talk about but strays from the grammar within a
    few words; along sequences that a person wrote it keeps to sentences that read as written, and still leaves
    one for another where they meet.

    Parameters
    ----------
    samples
        The corpus, all splits.
    vocabulary
        Gives the tokens their numbers.
    """

    def __init__(self, samples: list[Sample], vocabulary: Vocabulary):
        following = defaultdict(set)
        unknown = vocabulary.ids[UNKNOWN]
        self._emotion = {emotion: np.zeros(len(vocabulary), bool) for emotion in EMOTIONS}
        self._register = {register: np.zeros(len(vocabulary), bool) for register in REGISTERS}
        for sample in samples:
            tokens = [START] * CONTEXT + tokenize(sample.text) + [END]
            # A word that came into the corpus after the training is a gap, not a bridge between its neighbours.
            numbers = [vocabulary.ids.get(token, unknown) for token in tokens]
            self._emotion[sample.emotion][numbers] = True
            self._register[sample.register][numbers] = True
            for end in range(CONTEXT, len(numbers)):
                following[tuple(numbers[end - CONTEXT : end])].add(numbers[end])
        for allowed in (*self._emotion.values(), *self._register.values()):
            allowed[unknown] = False
        self._following = {before: np.array(sorted(after)) for before, after in following.items()}

    def words_for(self, emotion: Emotion, register: str) -> np.ndarray:
        """Tokens that the corpus uses for this emotion and in this register, bool [vocabulary].

        Keeps sentences about joy from the sad, and verb forms in their register.
        """
        return self._emotion[emotion] & self._register[register]

    def following(self, before: tuple[int, ...]) -> np.ndarray:
        """Numbers of the tokens that follow these :data:`CONTEXT` tokens somewhere in the corpus, int [n]."""
        return self._following.get(before, np.zeros(0, np.int64))


def draw_sentences(
    decoder: WordDecoder,
    context: np.ndarray,
    lattice: WordLattice,
    allowed: np.ndarray,
    vocabulary: Vocabulary,
    random: np.random.Generator,
    count: int,
    temperature: float,
    top_p: float,
) -> list[Draw]:
    """Draw ``count`` sentences word by word from one context.

    Parameters
    ----------
    context
        From the cue encoder, float32 [d].
    allowed
        Tokens that may be said at all, bool [vocabulary]; see :meth:`WordLattice.words_for`.
    temperature
        Below 1 the likely words become likelier.
    top_p
        Each word is drawn from the fewest words that together have this probability.
    """
    start, end = vocabulary.ids[START], vocabulary.ids[END]
    contexts = np.repeat(context[None], count, axis=0)
    state = decoder.start(count)
    sentences = [[start] * CONTEXT for _ in range(count)]
    log_probabilities = np.zeros(count)
    open_ = set(range(count))
    finished = set()
    for _ in range(TEXT_TOKENS):
        scores, state = decoder.step(np.array([sentence[-1] for sentence in sentences]), contexts, state)
        highest = scores.max(axis=-1)
        total = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=-1))
        for row in sorted(open_):
            following = lattice.following(tuple(sentences[row][-CONTEXT:]))
            following = following[allowed[following]]
            if len(following) == 0:
                open_.remove(row)
                continue
            word = int(following[nucleus(scores[row, following] / temperature, top_p, random)])
            log_probabilities[row] += scores[row, word] - total[row]
            sentences[row].append(word)
            if word == end:
                open_.remove(row)
                finished.add(row)
        if not open_:
            break
    return [
        Draw(
            [vocabulary.tokens[number] for number in sentence[CONTEXT:] if number != end],
            row in finished,
            float(log_probabilities[row] / max(1, len(sentence) - CONTEXT)),
        )
        for row, sentence in enumerate(sentences)
    ]


def nucleus(scores: np.ndarray, top_p: float, random: np.random.Generator) -> int:
    """Draw one index from the fewest scores whose softmax adds up to ``top_p``."""
    probabilities = np.exp(scores - scores.max(), dtype=np.float64)
    probabilities /= probabilities.sum()
    order = np.argsort(-probabilities, kind="stable")
    count = int(np.searchsorted(np.cumsum(probabilities[order]), top_p - 1e-9)) + 1
    kept = probabilities[order[:count]]
    return int(random.choice(order[:count], p=kept / kept.sum()))
