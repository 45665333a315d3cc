"""Trains the pronunciation model of :mod:`bengali_feedback.tts.phonemize` on a pronunciation lexicon."""

import math
import random
import time
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from ..errors import DataError
from ..files import replacing
from ..text import normalize_bengali
from .phonemize import (
    CONSONANTS,
    DEFAULT_PHONE,
    LETTERS,
    PHONES,
    VOWELS,
    Phonemizer,
    clean_word,
    encode_label,
    letter_features,
)

HELD_OUT = 0.05  # share of the words kept for the score
MAX_PHONES = 3  # of one letter
MIN_LABEL_COUNT = 12  # words that need a rarer label are left out: mostly slips of the lexicon
ITERATIONS = 80
ALIGNMENT_ROUNDS = 4
UNSEEN_COST = 14.0  # -ln P of a split never counted, about one in a million

Alignment = list[tuple[str, ...]]  # the phonemes of each letter


def read_lexicon(path: Path) -> list[tuple[str, tuple[str, ...]]]:
    """Read a lexicon: a TSV with the columns ``word`` and ``phones`` (blank between phonemes).

    Syllable dots are dropped, words with other than Bengali letters too; of several pronunciations of a
    word the first counts.

    Raises
    ------
    DataError
        When the file is missing, has other columns, or a phoneme is not one of :data:`PHONES`.
    """
    if not Path(path).is_file():
        raise DataError(f"lexicon {path} does not exist: give a TSV file with the columns word and phones.")
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    if not lines or lines[0].split("\t")[:2] != ["word", "phones"]:
        raise DataError(f"lexicon {path} must begin with a header line whose first columns are word and phones.")
    lexicon: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(lines[1:], start=2):
        columns = line.split("\t")
        phones = tuple(p for p in columns[1].split() if p != ".") if len(columns) > 1 else ()
        if not phones or not set(phones) <= set(PHONES):
            raise DataError(f"{path}, line {number}: expected a word, a tab and known phonemes, found {line[:60]!r}.")
        word = normalize_bengali(columns[0])
        if set(word) <= LETTERS | set("\u200d-'"):
            lexicon.setdefault(clean_word(word), phones)
    return list(lexicon.items())


def align(lexicon: list[tuple[str, tuple[str, ...]]]) -> dict[str, Alignment]:
    """Share each word's phonemes out among its letters, in order, 0 to 3 each.

    Hard expectation maximisation: the best split of every word under ``P(phonemes | letter)``, counted anew
    four times, from a start that prefers a letter's default phoneme. Words that cannot be split are left out.
    """
    cost: dict[tuple[str, tuple[str, ...]], float] = {}
    alignments: dict[str, Alignment] = {}
    for _ in range(ALIGNMENT_ROUNDS):
        alignments = {
            word: best for word, phones in tqdm(lexicon, desc="align") if (best := _best_split(word, phones, cost))
        }
        pairs = Counter(pair for word, parts in alignments.items() for pair in zip(word, parts, strict=True))
        letters = Counter(letter for word in alignments for letter in word)
        cost = {(letter, part): -math.log(n / letters[letter]) for (letter, part), n in pairs.items()}
    return alignments


def _first_cost(letter: str, part: tuple[str, ...]) -> float:
    default = DEFAULT_PHONE.get(letter, "")
    if not part:
        return 1.0 if not default else 4.0
    if part[0] == default or part[-1] == default and part[0] + "h" == default:
        return 0.1 + sum(0.5 if phone in VOWELS else 3.0 for phone in part[1:])
    same_kind = (part[0] in CONSONANTS) == (default in CONSONANTS)
    return 2.0 * len(part) + (0.0 if same_kind else 2.0)


def _best_split(word: str, phones: tuple[str, ...], cost: dict[tuple[str, tuple[str, ...]], float]) -> Alignment | None:
    n, m = len(word), len(phones)
    best = [[math.inf] * (m + 1) for _ in range(n + 1)]
    taken = [[0] * (m + 1) for _ in range(n + 1)]
    best[0][0] = 0.0
    for i, letter in enumerate(word):
        for j in range(m + 1):
            if best[i][j] == math.inf:
                continue
            for k in range(min(MAX_PHONES, m - j) + 1):
                part = phones[j : j + k]
                total = best[i][j] + (cost.get((letter, part), UNSEEN_COST) if cost else _first_cost(letter, part))
                if total < best[i + 1][j + k]:
                    best[i + 1][j + k] = total
                    taken[i + 1][j + k] = k
    if best[n][m] == math.inf:
        return None
    parts, j = [], m
    for i in range(n, 0, -1):
        k = taken[i][j]
        parts.append(phones[j - k : j])
        j -= k
    return parts[::-1]


def train_g2p(lexicon: Path, out: Path, seed: int = 0, iterations: int = ITERATIONS) -> dict[str, float]:
    """Train the model and score it on the words held out.

    Training takes some minutes on one core and gives the same file for the same seed; a run that was
    interrupted starts over and leaves no half-written model.

    Parameters
    ----------
    lexicon
        TSV with the columns ``word`` and ``phones``.
    out
        The model file to write.
    seed
        Chooses the held-out 5 %.

    Returns
    -------
    dict[str, float]
        ``train_words``, ``held_out_words``, ``per`` (phoneme error rate) and ``wer`` (share of words with any
        error), both 0 to 1, and ``words_per_second`` on one core, each word being read once.

    Raises
    ------
    DataError
        When the lexicon cannot be read or holds fewer than 20 words.
    """
    import pycrfsuite

    words = sorted(read_lexicon(Path(lexicon)))
    if len(words) < 20:
        raise DataError(f"lexicon {lexicon} has {len(words)} usable words: at least 20 are needed to train.")
    random.Random(seed).shuffle(words)
    n_held_out = max(1, round(HELD_OUT * len(words)))
    held_out, training = words[:n_held_out], words[n_held_out:]

    labels = {word: _labels(word, parts) for word, parts in align(training).items()}
    counts = Counter(label for sequence in labels.values() for label in sequence)
    threshold = MIN_LABEL_COUNT if len(training) > 5000 else 1
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params({"c1": 0.08, "c2": 0.01, "max_iterations": iterations, "feature.possible_transitions": False})
    for word, sequence in tqdm(labels.items(), desc="features"):
        if all(counts[label] >= threshold for label in sequence):
            trainer.append(letter_features(word), sequence)

    bar = tqdm(total=iterations, desc="train")
    trainer.on_iteration = lambda log, info: bar.update()
    trainer.verbose = True  # pycrfsuite calls on_iteration only then; the other reports are silenced here
    for report in ("on_start", "on_featgen_progress", "on_featgen_end", "on_prepared", "on_prepare_error",
                   "on_optimization_end", "on_end"):  # fmt: skip
        setattr(trainer, report, lambda *_: None)
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as temporary:
        trainer.train(str(temporary))
    bar.close()
    return {"train_words": len(labels), "held_out_words": len(held_out), **score_g2p(out, held_out)}


def _labels(word: str, parts: Alignment) -> list[str]:
    labels, previous = [], ""
    for letter, part in zip(word, parts, strict=True):
        labels.append(encode_label(letter, part, previous))
        previous = part[-1] if part else previous
    return labels


def score_g2p(model: Path, words: list[tuple[str, tuple[str, ...]]]) -> dict[str, float]:
    """``per``, ``wer`` and ``words_per_second`` of :func:`train_g2p`: the model alone, without exceptions or cache."""
    phonemizer = Phonemizer(model, {})
    started = time.perf_counter()
    readings = [phonemizer.word(word) for word, _ in words]
    seconds = time.perf_counter() - started
    errors = [_edit_distance(tuple(read), phones) for read, (_, phones) in zip(readings, words, strict=True)]
    return {
        "per": sum(errors) / sum(len(phones) for _, phones in words),
        "wer": sum(map(bool, errors)) / len(words),
        "words_per_second": len(words) / seconds,
    }


def _edit_distance(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]
