"""The corpus of feedback samples: reading, checking, counting and building ``corpus/feedback.tsv``."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from ..emotion import EMOTIONS, Emotion
from ..errors import DataError
from ..files import write_text
from ..text import normalize_bengali
from .rules import INTENTS, REGISTERS, blocked_problems, character_problems, text_problems, words
from .similarity import CLAUSE_WORDS, clause_groups, clauses, near_duplicates

COLUMNS = ("id", "emotion", "register", "intent", "cue", "text", "split")
BATCH_COLUMNS = COLUMNS[1:6]
SPLITS = ("train", "val", "test")
HELD_OUT_SHARE = 0.1  # of each emotion and register, for val and for test

MIN_CUE_WORDS, MAX_CUE_WORDS = 2, 6
MIN_CUES = 20  # for each emotion
MAX_SHARED_CLAUSE = 12
OPENING_WORDS, MAX_SHARED_OPENING = 3, 40

# Seed 004, Table 2: text samples and average words. The paper's total says 6,065, its rows add up to 5,065;
# GOAL has the rows' proportions at 6,065, by largest remainder.
PAPER_SAMPLES = dict(zip(EMOTIONS, (721, 497, 603, 912, 840, 672, 820), strict=True))
PAPER_AVERAGE_WORDS = dict(zip(EMOTIONS, (7.4, 7.9, 8.2, 8.6, 9.1, 8.7, 7.8), strict=True))
PAPER_TOTAL = 6065
GOAL = dict(zip(EMOTIONS, (863, 595, 722, 1092, 1006, 805, 982), strict=True))


@dataclass(frozen=True)
class Sample:
    """One row of the corpus."""

    id: str
    """Emotion and number, for example ``happy-0001``."""
    emotion: Emotion
    """What the listener's face shows."""
    register: str
    """``apni`` (respectful) or ``tumi`` (familiar)."""
    intent: str
    """``acknowledge``, ``comfort``, ``encourage``, ``suggest`` or ``ask``."""
    cue: str
    """The generator's input: 2 to 6 Bengali words."""
    text: str
    """The feedback: one or two sentences, 4 to 20 words."""
    split: str
    """``train``, ``val`` or ``test``."""


@dataclass(frozen=True)
class Fault:
    """One place where a corpus file breaks the rules of the corpus."""

    line: int
    """Line of the file, counted from 1; the header is line 1."""
    column: str
    """Name of the column, or ``line`` for the whole line."""
    position: int | None
    """Character in the column's field, counted from 1, where the fault has a place."""
    message: str
    warning: bool = False
    """True for what a growing corpus may still lack."""

    def __str__(self) -> str:
        place = f"{self.line}:{self.column}" + (f":{self.position}" if self.position else "")
        return f"{place}: {'warning: ' if self.warning else ''}{self.message}"


def read_corpus(path: str | Path) -> list[Sample]:
    """Read a corpus file, its texts in the package's one Unicode form.

    Raises
    ------
    DataError
        Naming file, line and column, when the file is missing, not UTF-8, or a row is malformed. The style
        rules are :func:`check_corpus`'s business.
    """
    path = Path(path)
    samples = []
    for line, fields in _rows(path):
        faults = _field_faults(line, fields)
        if faults:
            raise DataError(f"{path}:{faults[0]}: run `bengali-feedback corpus check {path}` and correct the file.")
        row = dict(zip(COLUMNS, fields, strict=True))
        row |= {
            "emotion": Emotion(row["emotion"]),
            "cue": normalize_bengali(row["cue"]),
            "text": normalize_bengali(row["text"]),
        }
        samples.append(Sample(**row))
    if not samples:
        raise DataError(f"{path} holds no samples: restore it, or build it with `build_corpus`.")
    return samples


def check_corpus(path: str | Path) -> list[Fault]:
    """Every place where a corpus file breaks the rules of ``corpus/README.md``, in the file's order.

    Raises
    ------
    DataError
        Only when the file cannot be read as a UTF-8 table with the corpus's header.
    """
    faults, rows = [], {}
    for line, fields in _rows(Path(path)):
        row_faults = _field_faults(line, fields)
        faults += row_faults
        if not row_faults:
            row = Sample(**dict(zip(COLUMNS, fields, strict=True)))
            faults += text_faults(line, row)
            rows[line] = row
    faults += [*_id_faults(rows), *variety_faults(rows), *_duplicate_faults(rows), *_cue_faults(rows)]
    return sorted(
        faults + list(_split_faults(rows)), key=lambda fault: (fault.line, ("line", *COLUMNS).index(fault.column))
    )


def build_corpus(batches: Iterable[str | Path], out: str | Path, seed: int = 0) -> list[Sample]:
    """Join batch files into one corpus file, written atomically.

    Parameters
    ----------
    batches
        TSV files without a header, columns emotion, register, intent, cue, text.
    out
        The corpus file to write.
    seed
        Decides which sentences are held out.

    Returns
    -------
    list of Sample
        By emotion, then in the order of the batches; so ids stay the same when a batch is added at the end.
    """
    from .text import clean_text

    rows: dict[Emotion, list[tuple]] = {emotion: [] for emotion in EMOTIONS}
    for path in map(Path, batches):
        for line, text in enumerate(_lines(path), 1):
            fields = text.split("\t")
            if len(fields) != len(BATCH_COLUMNS):
                raise DataError(f"{path}:{line}: {len(fields)} columns instead of {len(BATCH_COLUMNS)}.")
            emotion, register, intent, cue, feedback = map(clean_text, fields)
            if emotion not in rows:
                raise DataError(f"{path}:{line}:emotion: {emotion!r} is not one of {', '.join(EMOTIONS)}.")
            rows[Emotion(emotion)].append((Emotion(emotion), register, intent, cue, feedback))
    samples = number_samples((Sample("", *row, split="train") for own in rows.values() for row in own), seed)
    write_corpus(samples, out)
    return samples


def number_samples(samples: Iterable[Sample], seed: int) -> list[Sample]:
    """The samples by emotion, in their order, with ids and splits; ``seed`` decides which are held out."""
    numbers: Counter = Counter()
    numbered = []
    for sample in sorted(samples, key=lambda sample: sample.emotion.index):
        numbers[sample.emotion] += 1
        numbered.append(replace(sample, id=f"{sample.emotion}-{numbers[sample.emotion]:04d}"))
    return split_samples(numbered, seed)


def write_corpus(samples: Iterable[Sample], out: str | Path) -> None:
    """Write a corpus file atomically; its folder is made when there is none."""
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(COLUMNS), *("\t".join(map(str, astuple(sample))) for sample in samples)]
    write_text(out, "\n".join(lines) + "\n")


def split_samples(samples: list[Sample], seed: int) -> list[Sample]:
    """Assign train, val and test (80/10/10 of each emotion and register), without shared clauses between them.

    Sentences that share five words in a row form a group that stays together. A hash of the sentence, not a
    shuffle, decides which groups are held out, so that most sentences keep their split as the corpus grows.
    """
    groups = clause_groups([sample.text for sample in samples])
    members = defaultdict(list)
    for number, group in enumerate(groups):
        members[group].append(number)
    room = {
        (stratum, split): round(count * HELD_OUT_SHARE)
        for stratum, count in Counter((sample.emotion, sample.register) for sample in samples).items()
        for split in ("val", "test")
    }
    digests = [hashlib.sha256(f"{seed}:{sample.text}".encode()).digest() for sample in samples]
    splits = ["train"] * len(samples)
    for group in sorted(members.values(), key=lambda group: digests[group[0]]):
        needed = Counter((samples[number].emotion, samples[number].register) for number in group)
        for split in ("val", "test") if digests[group[0]][-1] % 2 else ("test", "val"):
            if all(room[stratum, split] >= count for stratum, count in needed.items()):
                for stratum, count in needed.items():
                    room[stratum, split] -= count
                for number in group:
                    splits[number] = split
                break
    return [Sample(*astuple(sample)[:-1], split) for sample, split in zip(samples, splits, strict=True)]


def corpus_stats(path: str | Path) -> dict:
    """Counts of a corpus file beside Table 2 of seed 004.

    Returns
    -------
    dict
        ``samples``, ``distinct_words``, ``words``, ``longest_text_tokens``, ``registers``, ``intents``,
        ``splits``; ``emotions``: for each, ``samples``, ``average_words``, ``cues``, ``paper_samples``,
        ``paper_average_words`` and ``goal``; ``markdown``: the same as tables.
    """
    samples = read_corpus(path)
    texts = {sample.id: words(sample.text) for sample in samples}
    emotions = {}
    for emotion in EMOTIONS:
        own = [sample for sample in samples if sample.emotion is emotion]
        emotions[emotion.value] = {
            "samples": len(own),
            "average_words": round(sum(len(texts[sample.id]) for sample in own) / max(1, len(own)), 2),
            "cues": len({sample.cue for sample in own}),
            "paper_samples": PAPER_SAMPLES[emotion],
            "paper_average_words": PAPER_AVERAGE_WORDS[emotion],
            "goal": GOAL[emotion],
        }
    stats = {
        "samples": len(samples),
        "words": sum(map(len, texts.values())),
        "distinct_words": len({word for text in texts.values() for word in text}),
        "emotions": emotions,
        "registers": {name: sum(sample.register == name for sample in samples) for name in REGISTERS},
        "intents": {name: sum(sample.intent == name for sample in samples) for name in INTENTS},
        "splits": {name: sum(sample.split == name for sample in samples) for name in SPLITS},
    }
    return stats | {"markdown": _stats_markdown(stats)}


def _stats_markdown(stats: dict) -> str:
    rows = [
        f"| {name} | {row['paper_samples']} | {row['samples']} | {row['goal']} | {row['paper_average_words']} | "
        f"{row['average_words']:.1f} | {row['cues']} |"
        for name, row in stats["emotions"].items()
    ]
    average = stats["words"] / stats["samples"]
    counts = [
        f"| {kind} | " + ", ".join(f"{name} {count}" for name, count in stats[kind].items()) + " |"
        for kind in ("registers", "intents", "splits")
    ]
    return "\n".join(
        [
            "| emotion | samples, paper | samples, here | goal | average words, paper | average words, here | cues |",
            "|---|---|---|---|---|---|---|",
            *rows,
            f"| total | {PAPER_TOTAL} (rows: {sum(PAPER_SAMPLES.values())}) | {stats['samples']} | "
            f"{sum(GOAL.values())} | – | {average:.1f} | {sum(row['cues'] for row in stats['emotions'].values())} |",
            "",
            "| | |",
            "|---|---|",
            f"| words | {stats['words']}, {stats['distinct_words']} distinct forms |",
            *counts,
        ]
    )


def _lines(path: Path) -> list[str]:
    """Lines of a UTF-8 file; a wrong byte is reported with its line."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): give the path of a corpus file.") from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}:{line}: byte {error.start} is not UTF-8; save the file as UTF-8.") from None
    return text.removesuffix("\n").split("\n")


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of every row after the header."""
    lines = _lines(path)
    if lines[0].rstrip("\r") != "\t".join(COLUMNS):
        raise DataError(f"{path}:1: the header is not the columns {', '.join(COLUMNS)}, tab-separated, without a BOM.")
    for line, text in enumerate(lines[1:], 2):
        yield line, text.split("\t")


def _field_faults(line: int, fields: list[str]) -> list[Fault]:
    """What makes a row unreadable: number of columns, and values outside the fixed ones."""
    if fields == [""]:
        return [Fault(line, "line", None, "empty line")]
    if len(fields) != len(COLUMNS):
        return [Fault(line, "line", None, f"{len(fields)} columns instead of {len(COLUMNS)}")]
    row = dict(zip(COLUMNS, fields, strict=True))
    faults = [
        Fault(line, column, None, f"{row[column]!r} is not one of {', '.join(allowed)}")
        for column, allowed in zip(
            ("emotion", "register", "intent", "split"), (EMOTIONS, REGISTERS, INTENTS, SPLITS), strict=True
        )
        if row[column] not in tuple(allowed)
    ]
    return faults + [Fault(line, column, None, "empty") for column in ("id", "cue", "text") if not row[column].strip()]


def text_faults(line: int, row: Sample) -> Iterator[Fault]:
    """What a row's text and cue break by themselves, without a look at other rows."""
    for position, message in text_problems(row.text, row.register):
        yield Fault(line, "text", position, message)
    for position, message in character_problems(row.cue) + blocked_problems(row.cue):
        yield Fault(line, "cue", position, message)
    if any(mark in row.cue for mark in "।?!,") or row.cue != " ".join(row.cue.split()):
        yield Fault(line, "cue", None, "marks or stray blanks in a cue")
    count = len(row.cue.split())
    if not MIN_CUE_WORDS <= count <= MAX_CUE_WORDS:
        yield Fault(line, "cue", None, f"{count} words instead of {MIN_CUE_WORDS} to {MAX_CUE_WORDS}")


def _id_faults(rows: dict[int, Sample]) -> Iterator[Fault]:
    first = {}
    for line, row in rows.items():
        if not re.fullmatch(f"{row.emotion}-[0-9]{{4}}", row.id):
            yield Fault(line, "id", None, f"{row.id!r} is not {row.emotion}- and four digits")
        elif first.setdefault(row.id, line) != line:
            yield Fault(line, "id", None, f"{row.id} is already the id of line {first[row.id]}")


def variety_faults(rows: dict[int, Sample]) -> Iterator[Fault]:
    """Clauses and openings that too many samples share; each sample beyond the limit is named."""
    shared, openings = Counter(), Counter()
    for line, row in rows.items():
        spoken = words(row.text)
        opening = " ".join(spoken[:OPENING_WORDS])
        openings[opening] += 1
        if openings[opening] > MAX_SHARED_OPENING:
            yield Fault(line, "text", 1, f"more than {MAX_SHARED_OPENING} samples open with {opening!r}")
        for clause in clauses(spoken):
            shared[clause] += 1
            if shared[clause] > MAX_SHARED_CLAUSE:
                yield Fault(line, "text", None, f"more than {MAX_SHARED_CLAUSE} samples share {clause!r}")


def _duplicate_faults(rows: dict[int, Sample]) -> Iterator[Fault]:
    lines = list(rows)
    for later, earlier, similarity in near_duplicates([row.text for row in rows.values()]):
        yield Fault(lines[later], "text", None, f"{similarity:.2f} alike with line {lines[earlier]}")


def _cue_faults(rows: dict[int, Sample]) -> Iterator[Fault]:
    used, first, cues = {}, {}, defaultdict(set)
    for line, row in rows.items():
        first.setdefault(row.emotion, line)
        cues[row.emotion].add(row.cue)
        use = (row.emotion, row.intent)
        if used.setdefault(row.cue, use) != use:
            emotion, intent = used[row.cue]
            yield Fault(line, "cue", None, f"the cue already stands for {emotion} and {intent}", warning=True)
    for emotion, line in first.items():
        if len(cues[emotion]) < MIN_CUES:
            message = f"{emotion} has {len(cues[emotion])} different cues instead of {MIN_CUES} or more"
            yield Fault(line, "cue", None, message, warning=True)


def _split_faults(rows: dict[int, Sample]) -> Iterator[Fault]:
    lines = list(rows)
    splits = {}
    for line, group in zip(lines, clause_groups([row.text for row in rows.values()]), strict=True):
        split, first = splits.setdefault(group, (rows[line].split, line))
        if rows[line].split != split:
            message = f"shares {CLAUSE_WORDS} words in a row with line {first}, which is in {split}"
            yield Fault(line, "split", None, message)
    strata = defaultdict(list)
    for line in lines:
        strata[rows[line].emotion, rows[line].register].append(line)
    for (emotion, register), own in strata.items():
        counts = Counter(rows[line].split for line in own)
        for split in ("val", "test"):
            if abs(counts[split] - HELD_OUT_SHARE * len(own)) > max(2, 0.03 * len(own)):
                message = f"{counts[split]} of {len(own)} {emotion} {register} samples are {split} instead of a tenth"
                yield Fault(own[0], "split", None, message, warning=True)
