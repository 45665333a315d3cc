"""Sentences from the decoder: nucleus sampling and beam search along word sequences that somebody wrote."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..emotion import Emotion
from .dataset import Sample
from .models import WordDecoder
from .rules import MARKS
from .text import END, START, TEXT_TOKENS, UNKNOWN, Vocabulary, tokenize

# Words before a word that must have stood before it in a sample. With 2, two in three sentences are new
# and one in four is odd or wrong; chosen by reading, see checkpoints/nlg/README.md.
CONTEXT = 3
COMMON = slice(1000)  # the vocabulary's first words, the commonest; see mean_log_probability
_NOTHING = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Draw:
    """One drawn sentence."""

    tokens: list[str]
    """Words and marks."""
    finished: bool
    """Whether the decoder ended it, within ``TEXT_TOKENS`` tokens."""
    log_probability: float
    """Mean over its tokens, in nats, of the decoder's own distribution (temperature 1, no word excluded).

    Where that is too little anyhow, an upper bound; see :func:`mean_log_probability`.
    """


class WordLattice:
    """Which words may follow which: every four neighbouring tokens of the samples of one emotion and register.

    A decoder trained on some thousand sentences knows what to talk about but strays from the grammar within a
    few words; along sequences that a person wrote it keeps to sentences that read as written, and still leaves
    one for another where they meet. Behind a mark, sentences meet more freely: there a clause may follow that
    stands behind the same mark in another sample of the same intent.

    Parameters
    ----------
    samples
        The corpus, all splits.
    vocabulary
        Gives the tokens their numbers.
    """

    def __init__(self, samples: list[Sample], vocabulary: Vocabulary):
        self._marks = {vocabulary.ids[mark] for mark in MARKS if mark in vocabulary}
        unknown = vocabulary.ids[UNKNOWN]
        following = defaultdict(set)
        for sample in samples:
            tokens = [START] * CONTEXT + tokenize(sample.text) + [END]
            # A word that came into the corpus after the training is a gap, not a bridge between its neighbours.
            numbers = [vocabulary.ids.get(token, unknown) for token in tokens]
            for end in range(CONTEXT, len(numbers)):
                if numbers[end] != unknown:
                    following[self._place(numbers[:end], sample.emotion, sample.register, sample.intent)].add(
                        numbers[end]
                    )
        self._following = {place: np.array(sorted(after)) for place, after in following.items()}

    def following(self, before: list[int], emotion: Emotion, register: str, intent: str) -> np.ndarray:
        """Numbers of the tokens that may follow the sentence so far, ``before`` with its start tokens; int [n]."""
        return self._following.get(self._place(before, emotion, register, intent), _NOTHING)

    def _place(self, before: list[int], emotion: Emotion, register: str, intent: str) -> tuple:
        """What the next word depends on: the last :data:`CONTEXT` tokens, of which none is before a mark."""
        context = before[-CONTEXT:]
        while any(token in self._marks for token in context[1:]):
            context = context[1:]
        behind_mark = context[-1] in self._marks
        return emotion, register, intent if behind_mark else None, *context


def draw_sentences(
    decoder: WordDecoder,
    contexts: np.ndarray,
    lattice: WordLattice,
    asked: Sequence[tuple[Emotion, str, str]],
    vocabulary: Vocabulary,
    random: np.random.Generator,
    temperature: float,
    top_p: float,
    least: float,
) -> list[Draw]:
    """Draw one sentence for each context, word by word, all side by side.

    Parameters
    ----------
    contexts
        From the cue encoder, float32 [sentences, d].
    asked
        Emotion, register and intent of each sentence.
    temperature
        Below 1 the likely words become likelier.
    top_p
        Each word is drawn from the fewest words that together have this probability (Holtzman et al. 2020).
    least
        Mean log-probability below which a sentence will be refused, so that it need not be known exactly.
    """
    end = vocabulary.ids[END]
    sentences = [[vocabulary.ids[START]] * CONTEXT for _ in contexts]
    spoken = [[] for _ in contexts]  # the decoder's vectors, for the probabilities
    rows, state = np.arange(len(contexts)), decoder.start(contexts)
    for _ in range(TEXT_TOKENS):
        vectors, state = decoder.step([sentences[row][-1] for row in rows], state)
        going_on = []
        for place, row in enumerate(rows):
            following = lattice.following(sentences[row], *asked[row])
            if len(following) == 0:
                continue
            drawn = 0
            if len(following) > 1:
                drawn = nucleus(decoder.scores(vectors[place], following) / temperature, top_p, random)
            sentences[row].append(int(following[drawn]))
            spoken[row].append(vectors[place])
            if sentences[row][-1] != end:
                going_on.append(place)
        if not going_on:
            break
        rows, state = rows[going_on], tuple(part[going_on] for part in state)
    return [
        _draw(sentence, vocabulary, lambda words, own=own: mean_log_probability(decoder, np.stack(own), words, least))
        for sentence, own in zip(sentences, spoken, strict=True)
    ]


def mean_log_probability(decoder: WordDecoder, vectors: np.ndarray, words: Sequence[int], least: float) -> float:
    """Mean log-probability in nats of the words said from these vectors of :meth:`~.models.WordDecoder.step`.

    Most finished sentences are unlikelier than the guard allows. The commonest thousand words usually have
    probability enough to show that, in a seventh of the time; then the bound they give is the answer.
    """
    scores = (vectors * decoder.words[words]).sum(axis=-1) + decoder.word_bias[words]
    bound = float((scores - decoder.log_totals(vectors, COMMON)).mean())
    return bound if bound < least else float((scores - decoder.log_totals(vectors)).mean())


def beam_sentences(
    decoder: WordDecoder,
    context: np.ndarray,
    lattice: WordLattice,
    asked: tuple[Emotion, str, str],
    vocabulary: Vocabulary,
    width: int,
) -> list[Draw]:
    """The likeliest sentences for one context that a beam search finds, best first.

    Parameters
    ----------
    context
        From the cue encoder, float32 [d].
    asked
        Emotion, register and intent.
    width
        Beginnings that are carried on from one word to the next. Sentences are ranked by their mean over the tokens,
        as by their sum the short ones would always win (Wu et al. 2016, §7).
    """
    end = vocabulary.ids[END]
    beam, finished = [([vocabulary.ids[START]] * CONTEXT, 0.0)], []
    state = decoder.start(context[None])
    for _ in range(TEXT_TOKENS):
        vectors, state = decoder.step([sentence[-1] for sentence, _ in beam], state)
        log_probabilities = decoder.scores(vectors) - decoder.log_totals(vectors)[:, None]
        grown = [
            ([*sentence, int(word)], total + float(log_probabilities[row, word]), row)
            for row, (sentence, total) in enumerate(beam)
            for word in lattice.following(sentence, *asked)
        ]
        finished += [(sentence, total) for sentence, total, _ in grown if sentence[-1] == end]
        best = sorted((g for g in grown if g[0][-1] != end), key=lambda g: -g[1])[:width]
        if not best:
            break
        beam = [(sentence, total) for sentence, total, _ in best]
        state = tuple(part[[row for *_, row in best]] for part in state)
    draws = [_draw(s, vocabulary, lambda words, total=total: total / len(words)) for s, total in finished]
    return sorted(draws, key=lambda draw: -draw.log_probability)


def _draw(sentence: list[int], vocabulary: Vocabulary, log_probability: Callable[[list[int]], float]) -> Draw:
    """A sentence of token numbers with its start tokens; one that did not end has no probability."""
    words = sentence[CONTEXT:]
    if sentence[-1] != vocabulary.ids[END]:
        return Draw([vocabulary.tokens[word] for word in words], False, -np.inf)
    return Draw([vocabulary.tokens[word] for word in words[:-1]], True, log_probability(words))


def nucleus(scores: np.ndarray, top_p: float, random: np.random.Generator) -> int:
    """Draw one index from the fewest scores whose softmax adds up to ``top_p``."""
    probabilities = np.exp(scores - scores.max(), dtype=np.float64)
    probabilities /= probabilities.sum()
    order = np.argsort(-probabilities, kind="stable")
    count = int(np.searchsorted(np.cumsum(probabilities[order]), top_p - 1e-9)) + 1
    kept = np.cumsum(probabilities[order[:count]])
    return int(order[np.searchsorted(kept, random.random() * kept[-1], side="right")])  # random.choice: 10 times slower
