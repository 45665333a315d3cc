"""How alike texts are: clauses they share, and near duplicates."""

from collections.abc import Iterator

import numpy as np

from .rules import words

CLAUSE_WORDS = 5  # a clause longer than four words
NEAR_DUPLICATE = 0.9  # 1 - edit distance / length of the longer text


def clauses(spoken: list[str]) -> set[str]:
    """Every five words in a row."""
    return {" ".join(spoken[i : i + CLAUSE_WORDS]) for i in range(len(spoken) - CLAUSE_WORDS + 1)}


def clause_groups(texts: list[str]) -> list[int]:
    """For each text the first text that it shares a clause with, directly or through others."""
    group = list(range(len(texts)))

    def root(number: int) -> int:
        while group[number] != number:
            number = group[number]
        return number

    first = {}
    for number, text in enumerate(texts):
        for clause in clauses(words(text)):
            one, other = sorted((root(first.setdefault(clause, number)), root(number)))
            group[other] = one
    return [root(number) for number in range(len(texts))]


def near_duplicates(texts: list[str]) -> Iterator[tuple[int, int, float]]:
    """Pairs (later, earlier, similarity) of texts at least :data:`NEAR_DUPLICATE` alike.

    The edit distance is at least half the difference of the letter counts (plus that of the lengths); this
    bound, for all pairs at once, leaves few to compare letter by letter.
    """
    alphabet = {character: number for number, character in enumerate(sorted(set("".join(texts))))}
    counts = np.zeros((len(texts), len(alphabet)), dtype=np.int16)
    for number, text in enumerate(texts):
        for character in text:
            counts[number, alphabet[character]] += 1
    lengths = counts.sum(axis=1)
    for later in range(1, len(texts)):
        longer = np.maximum(lengths[:later], lengths[later])
        difference = np.abs(counts[:later] - counts[later]).sum(axis=1) + np.abs(lengths[:later] - lengths[later])
        for earlier in np.flatnonzero(difference / 2 <= (1 - NEAR_DUPLICATE) * longer + 1e-9):
            similarity = 1 - edit_distance(texts[later], texts[earlier]) / longer[earlier]
            if similarity >= NEAR_DUPLICATE - 1e-9:
                yield later, int(earlier), float(similarity)


def edit_distance(a: str, b: str) -> int:
    """Levenshtein distance: the fewest letters to insert, delete or replace."""
    previous = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        current = [i]
        for j, other in enumerate(b, 1):
            current.append(min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (letter != other)))
        previous = current
    return previous[-1]
