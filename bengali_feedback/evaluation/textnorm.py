"""How well :mod:`bengali_feedback.tts.verbalize` reads numbers: a comparison with a list of known readings."""

import re
from collections import Counter
from pathlib import Path

from ..errors import DataError, TextError
from ..text import normalize_bengali

# Equally right spellings of one word: a pattern at the start of a word, and the form both sides are brought to.
VARIANTS: tuple[tuple[str, str], ...] = (
    ("ঊন", "উন"),
    ("পনের(?!\\S)", "পনেরো"),
    ("ষোল(?!\\S)", "ষোলো"),
    ("সতের(?!\\S)", "সতেরো"),
    ("আঠ[াে]রো?(?!\\w)", "আঠারো"),
    ("চোদ্দ", "চৌদ্দ"),
    ("আঠাশ", "আটাশ"),
    ("আটাশি", "অষ্টাশি"),
    ("কুড়ি", "বিশ"),
    ("তিরিশ", "ত্রিশ"),
    ("লক্ষ(?!\\S)", "লাখ"),
    ("পহেলা", "পয়লা"),
    ("(?:ঋণাত্মক|বিয়োগ)(?!\\S)", "মাইনাস"),
    ("শতকরা হার(?!\\S)", "শতাংশ"),
)
_HUNDRED = re.compile(r"(?<=\S) ?(?:শো|শত|শ)(?!\S)")  # এক শো, একশো, একশ, একশত


def canonical(words: str) -> str:
    """``words`` with every listed variant replaced by one form."""
    words = normalize_bengali(words)
    for pattern, form in VARIANTS:
        words = re.sub(r"(?<!\S)" + normalize_bengali(pattern), normalize_bengali(form), words)
    return _HUNDRED.sub("শো", words)


def evaluate_verbalize(tsv: Path) -> dict:
    """Read every ``raw`` text of a list and compare it with its ``words``.

    Parameters
    ----------
    tsv
        A TSV with the columns ``class``, ``raw`` and ``words``.

    Returns
    -------
    dict
        ``cases``, ``score`` (share of exact readings, variants accepted, 0 to 1), ``by_class`` (class to
        ``[right, cases]``) and ``misses`` (``class``, ``raw``, ``expected``, ``got``, ``why``; no reading is an
        empty ``got``).

    Raises
    ------
    DataError
        When the file is missing or has other columns.
    """
    from ..tts.verbalize import verbalize

    if not Path(tsv).is_file():
        raise DataError(f"{tsv} does not exist: give a TSV file with the columns class, raw and words.")
    lines = Path(tsv).read_text(encoding="utf-8").splitlines()
    if not lines or lines[0].split("\t") != ["class", "raw", "words"] or len(lines) < 2:
        raise DataError(f"{tsv} must have a header line with the columns class, raw and words, and cases below it.")
    right, cases, misses = Counter(), Counter(), []
    for number, line in enumerate(lines[1:], start=2):
        if line.count("\t") != 2:
            raise DataError(f"{tsv}, line {number}: expected three columns, found {line.count(chr(9)) + 1}.")
        kind, raw, expected = line.split("\t")
        try:
            got = verbalize(raw)
        except TextError:
            got = ""
        cases[kind] += 1
        if canonical(got) == canonical(expected):
            right[kind] += 1
        else:
            misses.append({"class": kind, "raw": raw, "expected": expected, "got": got, "why": explain(raw, got)})
    return {
        "cases": cases.total(),
        "score": right.total() / cases.total(),
        "by_class": {kind: [right[kind], n] for kind, n in cases.items()},
        "misses": misses,
    }


def explain(raw: str, got: str) -> str:
    """Why a reading differs from the listed one, as far as the text itself tells."""
    if re.search(r"\d", raw) and re.fullmatch(r"[\w\s.,/-]+", raw):
        return "a number that is read otherwise"
    if not got:
        return "only marks: they are not named in running text, so nothing is left to say"
    if re.search("[\u0985-\u09b9\u09c7-\u09ce\u09e0\u09e1\u09f0\u09f1]", raw):
        return "letters that form no word: listed by their names, read as a syllable"
    return "marks beside a word or number: not named in running text"


def textnorm_markdown(result: dict) -> str:
    """The report as Markdown."""
    lines = [
        "# Reading of numbers, dates and symbols",
        "",
        f"- read as listed: **{result['score']:.2%}** of {result['cases']} cases",
        "",
        "| class | right | cases |",
        "|---|---|---|",
        *(f"| {kind} | {right} | {cases} |" for kind, (right, cases) in result["by_class"].items()),
    ]
    if result["misses"]:
        lines += ["", "| class | text | listed | read | why |", "|---|---|---|---|---|"]
        lines += [
            f"| {m['class']} | {m['raw']} | {m['expected']} | {m['got']} | {m['why']} |" for m in result["misses"]
        ]
    return "\n".join(lines) + "\n"
