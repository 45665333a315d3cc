"""Sentences from the decoder: nucleus sampling and beam search along word sequences that somebody wrote."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..emotion import Emotion
from .dataset import Sample
from .models import WordDecoder
from .rules import MARKS
from .text import END, START, TEXT_TOKENS, UNKNOWN, Vocabulary, tokenize

# What the lattice asks for was chosen by reading new sentences; checkpoints/nlg/README.md tells what was read.
CONTEXT = 4  # words before a word that must have stood before it in a sample; with 3 one new sentence in seven is odd
SHARED = 2  # samples in which a clause must stand before it may stand behind another clause
ENDING = 3  # letters of a word that tell its form: করুন and ধরুন are imperatives
QUESTION_WORDS = frozenset(
    "কি কী কে কেন কোথায় কোন কখন কবে কীভাবে কেমন কার কাকে কীসে কীসের কত কতটা কতক্ষণ কয় কোনটা কোনটার".split()
)
NEGATION_WORDS = ("না", "নি", "নেই")  # behind a verb
COMMON = slice(1000)  # the vocabulary's first words, the commonest; see log_probabilities
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

    Where that is too little anyhow, an upper bound; see :func:`log_probabilities`.
    """
    boldest: float = 0.0
    """Lowest log-probability of a token behind the first, where the lattice left a choice; 0 where it left none."""


class WordLattice:
    """Which words may follow which, for an emotion, a register and an intent.

    A decoder trained on some thousand sentences knows what to talk about but strays from the grammar within a few
    words; along sequences that a person wrote it keeps to sentences that read as written, and leaves one for
    another where they meet. Sentences of one emotion and register meet

    - in a word that stands behind the same four words, where words before a mark count too, and all of the clause
      before it when that asks something, for the answers to choose from belong to the question;
    - in a mark, or the end, behind the same two words: where one sentence ends another may go on;
    - in a clause that stands in several samples of the intent (``আমি আছি।``): it may follow any clause whose last word
      ends like the last word of a clause before it there, both of them asking or neither; behind a question only
      another one (``বলবেন?``).

    Parameters
    ----------
    samples
        The corpus, all splits.
    vocabulary
        Gives the tokens their numbers.
    """

    def __init__(self, samples: list[Sample], vocabulary: Vocabulary):
        self._marks = {vocabulary.ids[mark] for mark in MARKS if mark in vocabulary}
        self._questions = {vocabulary.ids[word] for word in QUESTION_WORDS if word in vocabulary}
        self._negations = {vocabulary.ids[word] for word in NEGATION_WORDS if word in vocabulary}
        self._endings = [token[-ENDING:] for token in vocabulary.tokens]
        following = defaultdict(set)
        clauses = defaultdict(list)
        unknown = vocabulary.ids[UNKNOWN]
        for sample in samples:
            tokens = [START] * CONTEXT + tokenize(sample.text) + [END]
            # A word that came into the corpus after the training is a gap, not a bridge between its neighbours.
            numbers = [vocabulary.ids.get(token, unknown) for token in tokens]
            kind = sample.emotion, sample.register
            for end in range(CONTEXT, len(numbers)):
                if numbers[end] == unknown:
                    continue
                following[("word", *kind, *self._written(numbers[:end]))].add(numbers[end])
                words = self._last_words(numbers[:end])
                if tokens[end] in (*MARKS, END) and self._marks.isdisjoint(words[:2]):
                    following[("mark", *kind, *words)].add(numbers[end])
            marks = [place for place, number in enumerate(numbers) if number in self._marks]
            for first, last in zip(marks, marks[1:], strict=False):
                clause = sample.register, sample.intent, *numbers[first : last + 1]
                clauses[clause].append((sample.emotion, *self._form(numbers[:first])))
        for (register, intent, *clause), before in clauses.items():
            if len(before) >= SHARED and unknown not in clause:
                said = [vocabulary.tokens[number] for number in clause[1:]]
                answers = said[-1] != "?" or not {"না", "নাকি"}.isdisjoint(said)
                for emotion, *form in before:
                    if form[0] and answers:  # to choose from, or not asked any more: it belongs to its own question
                        continue
                    for length in range(1, len(clause)):
                        place = ("clause", emotion, register, intent, *form, *clause[:length])
                        following[place].add(clause[length])
        self._following = {place: np.array(sorted(after)) for place, after in following.items()}

    def following(self, before: list[int], emotion: Emotion, register: str, intent: str) -> np.ndarray:
        """Numbers of the tokens that may follow the sentence so far, ``before`` with its start tokens; int [n]."""
        kind = emotion, register
        written = self._at("word", *kind, *self._written(before))
        found = [written]
        if self._may_stop(before, written):
            found.append(self._at("mark", *kind, *self._last_words(before)))
        mark = self._last_mark(before)
        if mark is not None:
            found.append(self._at("clause", *kind, intent, *self._form(before[:mark]), *before[mark:]))
        found = [numbers for numbers in found if len(numbers)]
        return found[0] if len(found) == 1 else np.unique(np.concatenate([_NOTHING, *found]))

    def _may_stop(self, before: list[int], written: np.ndarray) -> bool:
        """Whether a mark may come where no sample has one behind the same four words, or the end behind such a mark."""
        if before[-1] in self._marks:
            return True
        clause = [token for token in self._clause(before) if token != before[0]]  # the first is a start token
        # To stop before a না would say the opposite, and a question has to be heard as one.
        return len(clause) > 2 and self._negations.isdisjoint(written.tolist()) and not self._asks(clause)

    def _at(self, *place) -> np.ndarray:
        return self._following.get(place, _NOTHING)

    def _written(self, before: list[int]) -> list[int]:
        """The tokens that must stand before a word in one sample."""
        mark = self._last_mark(before)
        if mark is None or len(before) - mark > CONTEXT:
            return before[-CONTEXT:]
        clause = self._clause(before[:mark])
        return [*(clause if self._asks(clause) else clause[-CONTEXT:]), *before[mark:]]

    def _last_words(self, before: list[int]) -> list[int]:
        """The last two tokens, and the mark behind them."""
        return before[-3:] if before[-1] in self._marks else before[-2:]

    def _form(self, before: list[int]) -> tuple[bool, str]:
        """Whether the clause at the end of ``before`` asks something, and how its last word ends."""
        return self._asks(self._clause(before)), self._endings[before[-1]]

    def _asks(self, clause: list[int]) -> bool:
        return not self._questions.isdisjoint(clause)

    def _clause(self, before: list[int]) -> list[int]:
        mark = self._last_mark(before)
        return before if mark is None else before[mark + 1 :]

    def _last_mark(self, before: list[int]) -> int | None:
        return next((place for place in reversed(range(len(before))) if before[place] in self._marks), None)


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
    chosen = [[] for _ in contexts]  # whether there was a choice
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
            chosen[row].append(len(following) > 1)
            if sentences[row][-1] != end:
                going_on.append(place)
        if not going_on:
            break
        rows, state = rows[going_on], tuple(part[going_on] for part in state)
    draws = []
    for sentence, own, choices in zip(sentences, spoken, chosen, strict=True):
        if sentence[-1] != end:
            draws.append(_draw(sentence, vocabulary))
            continue
        each = log_probabilities(decoder, np.stack(own), sentence[CONTEXT:], least)
        draws.append(_draw(sentence, vocabulary, float(each.mean()), float(each[1:][choices[1:]].min(initial=0.0))))
    return draws


def log_probabilities(decoder: WordDecoder, vectors: np.ndarray, words: Sequence[int], least: float) -> np.ndarray:
    """Log-probability in nats of each of the words said from these vectors of :meth:`~.models.WordDecoder.step`.

    Many finished sentences are unlikelier than the guard allows. The commonest thousand words usually have
    probability enough to show that, in a seventh of the time; then the upper bounds they give are the answer.
    """
    scores = (vectors * decoder.words[words]).sum(axis=-1) + decoder.word_bias[words]
    bounds = scores - decoder.log_totals(vectors, COMMON)
    return bounds if bounds.mean() < least else scores - decoder.log_totals(vectors)


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
    draws = [_draw(sentence, vocabulary, total / len(sentence[CONTEXT:])) for sentence, total in finished]
    return sorted(draws, key=lambda draw: -draw.log_probability)


def _draw(sentence: list[int], vocabulary: Vocabulary, log_probability: float = -np.inf, boldest: float = 0.0) -> Draw:
    """A sentence of token numbers with its start tokens; one that did not end has no probability."""
    tokens = [vocabulary.tokens[word] for word in sentence[CONTEXT:]]
    finished = tokens[-1:] == [END]
    return Draw(tokens[:-1] if finished else tokens, finished, log_probability, boldest)


def nucleus(scores: np.ndarray, top_p: float, random: np.random.Generator) -> int:
    """Draw one index from the fewest scores whose softmax adds up to ``top_p``."""
    probabilities = np.exp(scores - scores.max(), dtype=np.float64)
    probabilities /= probabilities.sum()
    order = np.argsort(-probabilities, kind="stable")
    count = int(np.searchsorted(np.cumsum(probabilities[order]), top_p - 1e-9)) + 1
    kept = np.cumsum(probabilities[order[:count]])
    return int(order[np.searchsorted(kept, random.random() * kept[-1], side="right")])  # random.choice: 10 times slower
