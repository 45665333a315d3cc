"""Other people's labelled texts as a corpus file: two columns of any table in, ``corpus/README.md``'s layout out.

What is imported obeys every rule of the corpus; what does not is left out and named with its line and the reason, so
that it can be corrected in the table and imported again. Only blank rows and the header go unnamed.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..checkpoints import home
from ..emotion import EMOTIONS, Emotion
from ..errors import DataError
from .dataset import Sample, number_samples, read_corpus, text_faults, variety_faults, write_corpus
from .rules import END_MARKS, INTENTS, MARKS, MIN_WORDS, REGISTERS, address_problems, words
from .similarity import near_duplicates
from .tables import Columns, Row, emotion_of, find_columns, folded, read_table

MAX_SAMPLES = 9999  # of one emotion: an id has four digits
INTENT_WORDS = dict(zip(INTENTS, ("স্বীকার", "সান্ত্বনা", "উৎসাহ", "পরামর্শ", "প্রশ্ন"), strict=True))  # as in the corpus's cues

# Why a row is dropped, and the words of a fault's message that tell it; the first that fits counts.
_REASONS = {
    "Latin letters": "character '[A-Za-z]'",
    "digits": "character '[0-9\u09e6-\u09ef]'",
    "other characters": "is not allowed|Unicode form",
    "too short": f"^({'|'.join(map(str, range(MIN_WORDS)))}) words instead",
    "too long": "words instead|two sentences",
    "blocked word": "blocked word",
    "tui address": "তুই",
    "gendered address": "gendered",
    "apni and tumi mixed": "form in an? (apni|tumi) sample",
    "marks and blanks": "",
}
# Typing habits that change nothing in what is said.
_TIDYING = (
    (re.compile("^[\"'“”‘’]+|[\"'“”‘’]+$"), ""),
    (re.compile("[|॥]"), "।"),
    (re.compile(r"(\.+|…)$"), "।"),
    (re.compile(f" +(?=[{MARKS}])"), ""),
    (re.compile(f"([{MARKS}])[{MARKS}]+"), r"\1"),
    (re.compile(f"(?<=[{MARKS}])(?=[^{MARKS} ])"), " "),
    (re.compile(f"^[{MARKS} ]+"), ""),
    (re.compile(f"(?<![{END_MARKS},]),?$"), "।"),
)


@dataclass(frozen=True)
class Dropped:
    """A row that was not imported."""

    line: int
    """Line of the text file or row of the sheet, counted from 1."""
    reason: str
    """In a few words, the same for all rows of its kind, for example ``too short``."""
    detail: str
    """What exactly is wrong, for example ``2 words instead of 4 to 20``."""
    text: str
    """The row's text as it stands in the table."""

    def __str__(self) -> str:
        return f"{self.line}: {self.reason}: {self.detail}: {' '.join(self.text.split())}"


Problem = tuple[str, str]
"""Reason and detail of a :class:`Dropped` row."""


@dataclass(frozen=True)
class Import:
    """What became of a table."""

    file: Path
    """The table."""
    out: Path
    """The corpus file; not written when ``samples`` is empty."""
    columns: Columns
    samples: list[Sample]
    """What was imported, as :func:`~bengali_feedback.nlg.dataset.read_corpus` reads it back."""
    dropped: list[Dropped]
    """What was not, by line."""
    labels: dict[str, tuple[Emotion | None, int]]
    """Each label of the table: the emotion that it was read as, None for an unknown one, and its number of rows."""
    undecided: int
    """Samples without a pronoun or verb that tells their register; they have the given one."""
    tidied: int
    """Samples whose marks, blanks or Unicode form were put right."""

    @property
    def reasons(self) -> dict[str, int]:
        """Number of dropped rows for each reason, the commonest first."""
        return dict(Counter(row.reason for row in self.dropped).most_common())

    def counts(self, field: str) -> dict[str, int]:
        """Number of samples for each value of ``emotion``, ``register``, ``intent`` or ``split``."""
        return dict(Counter(str(getattr(sample, field)) for sample in self.samples))

    def to_dict(self) -> dict:
        """Everything but the samples' texts, ready for JSON."""
        return {
            "file": str(self.file),
            "out": str(self.out) if self.samples else None,
            "imported": len(self.samples),
            **{f"{field}s": self.counts(field) for field in ("emotion", "register", "intent", "split")},
            "register_undecided": self.undecided,
            "tidied": self.tidied,
            "labels": {label: {"emotion": e and e.value, "rows": n} for label, (e, n) in self.labels.items()},
            "reasons": self.reasons,
            "dropped": [vars(row) for row in self.dropped],
        }

    def report(self) -> str:
        """Every dropped row, then the counts."""
        unknown = [label for label, (emotion, _) in self.labels.items() if emotion is None]
        lines = [
            *map(str, self.dropped),
            f"{self.file}: {self.columns}",
            "labels: " + _listed({f"{label} → {e or 'unknown'}": n for label, (e, n) in self.labels.items()}),
            *(f"{field}s: " + _listed(self.counts(field)) for field in ("register", "intent", "split") if self.samples),
            f"register not told by any word: {self.undecided}; marks or blanks tidied: {self.tidied}",
            f"dropped: {len(self.dropped)}" + (f" ({_listed(self.reasons)})" if self.dropped else ""),
            f"imported: {len(self.samples)}" + (f", in {self.out}" if self.samples else ""),
        ]
        if unknown:
            lines.insert(-2, f"for an unknown label name its emotion, for example: --map {unknown[0]}=happy")
        return "\n".join(lines)


def import_corpus(
    path: str | Path,
    out: str | Path,
    register: str = "apni",
    intent: str | None = None,
    label_column: str | None = None,
    text_column: str | None = None,
    labels: Mapping[str, str] | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> Import:
    """Bring a table of labels and texts into the corpus's layout.

    Parameters
    ----------
    path
        CSV, TSV or XLSX, see :func:`~bengali_feedback.nlg.tables.read_table`; with or without a header.
    out
        The corpus file to write. Nothing is written when no row can be imported.
    register
        Of texts that no pronoun or verb places.
    intent
        Of all texts. Default: ``ask`` for what ends with a question mark, else ``acknowledge``.
    label_column, text_column
        Name, or number counted from 1. Default: by the header's names, else by what the columns hold.
    labels
        Emotions for labels that :func:`emotion_of` does not know, or reads otherwise.
    seed
        Decides which sentences are held out.
    overwrite
        Replace ``out`` when there is such a file.

    Raises
    ------
    DataError
        When the table cannot be read, its columns cannot be told apart, ``out`` exists, or register, intent or an
        emotion of ``labels`` is not one of those there are.
    MissingDependencyError
        When an XLSX file is given and openpyxl is not installed.
    """
    path, out = Path(path), Path(out)
    _require("register", register, REGISTERS)
    _require("intent", intent or INTENTS[0], INTENTS)
    for emotion in (labels or {}).values():
        _require("emotion", emotion, tuple(map(str, EMOTIONS)))
    known = {folded(label): Emotion(emotion) for label, emotion in (labels or {}).items()}
    rows = read_table(path)
    columns = find_columns(path, rows, label_column, text_column, known)
    if out.exists() and (not overwrite or out.is_dir() or out.samefile(path)):
        raise DataError(f"{out} exists already: give the new corpus another name, or delete that file.")

    rows = rows[1:] if columns.header else rows
    problems = _row_problems(rows, columns, known)
    samples = _samples([row for row in rows if row.line not in problems], columns, known, register, intent)
    for search in (_text_problems, _repeated, _too_common, _too_many):
        problems |= search({line: sample for line, sample in samples.items() if line not in problems})
    texts = {row.line: row.cell(columns.text) for row in rows}
    kept = {line: sample for line, sample in samples.items() if line not in problems}
    numbered = number_samples(kept.values(), seed)
    if numbered:
        write_corpus(numbered, out)
    found = Counter(row.cell(columns.label) for row in rows if row.cell(columns.label))
    return Import(
        path,
        out,
        columns,
        samples=numbered,
        dropped=[Dropped(line, *problems[line], texts[line]) for line in sorted(problems)],
        labels={label: (emotion_of(label, known), count) for label, count in found.most_common()},
        undecided=sum(register_of(sample.text) is None for sample in numbered),
        tidied=sum(sample.text != texts[line] for line, sample in kept.items()),
    )


def register_of(text: str) -> str | None:
    """The register whose pronouns and verbs a text has; None when it has those of neither, or of both."""
    against_apni, against_tumi = (set(address_problems(text, register)) for register in REGISTERS)
    tumi_forms, apni_forms = against_apni - against_tumi, against_tumi - against_apni
    if bool(tumi_forms) == bool(apni_forms):
        return None
    return "tumi" if tumi_forms else "apni"


def tidy(text: str) -> str:
    """``text`` in the package's Unicode form, without links and emoji, its marks spaced and ended as in the corpus."""
    from .text import clean_text

    text = clean_text(text)
    for pattern, replacement in _TIDYING:
        text = pattern.sub(replacement, text)
    return text.strip()


def default_cue(cues: Mapping, emotion: Emotion, intent: str, text: str) -> str:
    """The cue that shares most words with ``text``, of those the most used; without any a plain one is made.

    Parameters
    ----------
    cues
        For (emotion, intent) a Counter of cues.
    """
    own = cues.get((emotion, intent))
    if not own:
        return f"{emotion.bengali} {INTENT_WORDS[intent]}"
    spoken = words(text)

    def fit(cue: str) -> tuple[int, int]:
        # A word of the text may carry an ending; of two letters, too many words begin alike.
        parts = [part for part in cue.split() if len(part) > 2]
        return sum(any(word.startswith(part) for word in spoken) for part in parts), own[cue]

    return max(sorted(own), key=fit)


def _row_problems(rows: list[Row], columns: Columns, labels: Mapping[str, Emotion]) -> dict[int, Problem]:
    """Rows, by line, without a usable label or text."""
    width = max(Counter(len(row.cells) for row in rows).most_common(1)[0][0] if rows else 0, *columns.places)
    problems = {}
    for row in rows:
        label, text = row.cell(columns.label), row.cell(columns.text)
        if len(row.cells) > width:
            detail = f"{len(row.cells)} instead of {width}; a text with commas needs quotation marks around it"
            problems[row.line] = "number of columns", detail
        elif not label:
            problems[row.line] = "empty", "no label"
        elif emotion_of(label, labels) is None:
            problems[row.line] = "unknown label", repr(label)
        elif not tidy(text).strip(MARKS):
            problems[row.line] = "empty", "no text"
    return problems


def _samples(
    rows: list[Row], columns: Columns, labels: Mapping[str, Emotion], register: str, intent: str | None
) -> dict[int, Sample]:
    """The rows, by line, as samples without an id."""
    corpus = home() / "corpus" / "feedback.tsv"
    cues = _corpus_cues(corpus, corpus.stat().st_mtime_ns) if corpus.is_file() else {}
    samples = {}
    for row in rows:
        emotion, text = emotion_of(row.cell(columns.label), labels), tidy(row.cell(columns.text))
        aim = intent or ("ask" if text.endswith("?") else "acknowledge")
        cue = default_cue(cues, emotion, aim, text)
        samples[row.line] = Sample("", emotion, register_of(text) or register, aim, cue, text, "train")
    return samples


def _text_problems(samples: dict[int, Sample]) -> dict[int, Problem]:
    """Texts that break the rules of the corpus by themselves."""
    problems = {}
    for line, sample in samples.items():
        messages = [fault.message for fault in text_faults(line, sample)]
        told = ((reason, m) for reason, pattern in _REASONS.items() for m in messages if re.search(pattern, m))
        problem = next(told, None)
        if problem:
            problems[line] = problem
    return problems


def _repeated(samples: dict[int, Sample]) -> dict[int, Problem]:
    """Texts that stand in an earlier row, wholly or nearly."""
    first: dict[str, int] = {}
    problems = {}
    for line, sample in samples.items():
        if first.setdefault(sample.text, line) != line:
            earlier = first[sample.text]
            problems[line] = "duplicate", f"the text of line {earlier} ({samples[earlier].emotion})"
    lines = list(first.values())
    for later, earlier, similarity in near_duplicates(list(first)):
        if lines[earlier] not in problems and lines[later] not in problems:
            problems[lines[later]] = "near duplicate", f"{similarity:.2f} alike with line {lines[earlier]}"
    return problems


def _too_common(samples: dict[int, Sample]) -> dict[int, Problem]:
    """Texts beyond the number of samples that may share a clause or an opening."""
    return {fault.line: ("too common", fault.message) for fault in variety_faults(samples)}


def _too_many(samples: dict[int, Sample]) -> dict[int, Problem]:
    """Samples of an emotion that no id is left for."""
    lines = defaultdict(list)
    for line, sample in samples.items():
        lines[sample.emotion].append(line)
    return {
        line: ("too many", f"more than {MAX_SAMPLES} samples are {emotion}")
        for emotion, own in lines.items()
        for line in own[MAX_SAMPLES:]
    }


@lru_cache(maxsize=1)
def _corpus_cues(corpus: Path, modified_ns: int) -> dict[tuple[Emotion, str], Counter]:
    """How often a corpus, unchanged since ``modified_ns``, uses each cue."""
    cues = defaultdict(Counter)
    for sample in read_corpus(corpus):
        cues[sample.emotion, sample.intent][sample.cue] += 1
    return cues


def _require(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise DataError(f"{what} {value!r} is not one of {', '.join(allowed)}.")


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
