"""Sentences from the decoder: nucleus sampling and beam search along word sequences that somebody wrote."""

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
        unknown, self._end = vocabulary.ids[UNKNOWN], vocabulary.ids[END]
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
        self._before_end = [before for before, after in following.items() if self._end in after]
        self._earlier = defaultdict(list)
        for before, after in following.items():
            for word in after:
                self._earlier[(*before[1:], word)].append(before)
        self._paths: dict[tuple[Emotion, str], dict] = {}

    def words_for(self, emotion: Emotion, register: str) -> np.ndarray:
        """Tokens that the corpus uses for this emotion and in this register, bool [vocabulary].

        Keeps sentences about joy from the sad, and verb forms in their register.
        """
        return self._emotion[emotion] & self._register[register]

    def paths(self, emotion: Emotion, register: str) -> dict[tuple[int, ...], np.ndarray]:
        """What may follow each :data:`CONTEXT` tokens in a sentence of this emotion and register, int [n].

        Only of the words that :meth:`words_for` allows, and only those from which the sentence can still end: a walk
        into a dead end costs as much as a sentence and says nothing.
        """
        if (emotion, register) not in self._paths:
            allowed = self.words_for(emotion, register)
            reached, paths = [(before, self._end) for before in self._before_end], defaultdict(list)
            while reached:  # backwards from the end, each step of the corpus once
                before, word = reached.pop()
                if allowed[word]:
                    if before not in paths:
                        reached += [(earlier, before[-1]) for earlier in self._earlier[before]]
                    paths[before].append(word)
            self._paths[emotion, register] = {before: np.array(sorted(after)) for before, after in paths.items()}
        return self._paths[emotion, register]

    def following(self, before: tuple[int, ...]) -> np.ndarray:
        """Numbers of the tokens that follow these :data:`CONTEXT` tokens somewhere in the corpus, int [n]."""
        return self._following.get(before, np.zeros(0, np.int64))


def draw_sentences(
    decoder: WordDecoder,
    contexts: np.ndarray,
    paths: list[dict[tuple[int, ...], np.ndarray]],
    vocabulary: Vocabulary,
    random: np.random.Generator,
    temperature: float,
    top_p: float,
) -> list[Draw]:
    """Draw one sentence for each context, word by word, all side by side.

    Parameters
    ----------
    contexts
        From the cue encoder, float32 [sentences, d].
    paths
        For each sentence which words may follow; see :meth:`WordLattice.paths`.
    temperature
        Below 1 the likely words become likelier.
    top_p
        Each word is drawn from the fewest words that together have this probability (Holtzman et al. 2020).
    """
    end = vocabulary.ids[END]
    sentences = [[vocabulary.ids[START]] * CONTEXT for _ in contexts]
    spoken = [[] for _ in contexts]  # the decoder's vectors behind the words
    rows, state = np.arange(len(contexts)), decoder.start(len(contexts))
    for _ in range(TEXT_TOKENS):
        vectors, state = decoder.step([sentences[row][-1] for row in rows], contexts[rows], state)
        going_on = []
        for place, row in enumerate(rows):
            following = paths[row].get(tuple(sentences[row][-CONTEXT:]), ())
            if len(following) == 0:
                continue
            word = int(following[0])
            if len(following) > 1:
                scores = decoder.scores(vectors[place], following)
                word = int(following[nucleus(scores / temperature, top_p, random)])
            sentences[row].append(word)
            spoken[row].append(vectors[place])
            if word != end:
                going_on.append(place)
        if not going_on:
            break
        rows, state = rows[going_on], tuple(part[going_on] for part in state)
    draws = []
    for sentence, vectors in zip(sentences, spoken, strict=True):
        total = -np.inf
        if sentence[-1] == end:  # what is not finished is refused unscored
            total = decoder.log_probabilities(np.stack(vectors))[np.arange(len(vectors)), sentence[CONTEXT:]].sum()
        draws.append(_draw(sentence, total, vocabulary))
    return draws


def beam_sentences(
    decoder: WordDecoder,
    context: np.ndarray,
    paths: dict[tuple[int, ...], np.ndarray],
    vocabulary: Vocabulary,
    width: int,
) -> list[Draw]:
    """The likeliest sentences for one context that a beam search finds, best first.

    Parameters
    ----------
    context
        From the cue encoder, float32 [d].
    paths
        Which words may follow; see :meth:`WordLattice.paths`.
    width
        Beginnings that are carried on from one word to the next. Sentences are ranked by their mean over the tokens,
        as by their sum the short ones would always win (Wu et al. 2016, §7).
    """
    end = vocabulary.ids[END]
    beam, finished = [([vocabulary.ids[START]] * CONTEXT, 0.0)], []
    state = decoder.start(1)
    for _ in range(TEXT_TOKENS):
        last = [sentence[-1] for sentence, _ in beam]
        vectors, state = decoder.step(last, np.repeat(context[None], len(beam), axis=0), state)
        log_probabilities = decoder.log_probabilities(vectors)
        grown = [
            ([*sentence, int(word)], total + float(log_probabilities[row, word]), row)
            for row, (sentence, total) in enumerate(beam)
            for word in paths.get(tuple(sentence[-CONTEXT:]), ())
        ]
        finished += [(sentence, total) for sentence, total, _ in grown if sentence[-1] == end]
        best = sorted((g for g in grown if g[0][-1] != end), key=lambda g: -g[1])[:width]
        if not best:
            break
        beam = [(sentence, total) for sentence, total, _ in best]
        state = tuple(part[[row for *_, row in best]] for part in state)
    draws = [_draw(sentence, total, vocabulary) for sentence, total in finished]
    return sorted(draws, key=lambda draw: -draw.log_probability)


def _draw(sentence: list[int], log_probability: float, vocabulary: Vocabulary) -> Draw:
    """A sentence of token numbers, its start tokens before it, and the sum of its tokens' log-probabilities."""
    numbers = sentence[CONTEXT:]
    finished = bool(numbers) and numbers[-1] == vocabulary.ids[END]
    tokens = [vocabulary.tokens[number] for number in (numbers[:-1] if finished else numbers)]
    return Draw(tokens, finished, float(log_probability / max(1, len(numbers))))


def nucleus(scores: np.ndarray, top_p: float, random: np.random.Generator) -> int:
    """Draw one index from the fewest scores whose softmax adds up to ``top_p``."""
    probabilities = np.exp(scores - scores.max(), dtype=np.float64)
    probabilities /= probabilities.sum()
    order = np.argsort(-probabilities, kind="stable")
    count = int(np.searchsorted(np.cumsum(probabilities[order]), top_p - 1e-9)) + 1
    kept = probabilities[order[:count]]
    return int(random.choice(order[:count], p=kept / kept.sum()))
