"""Tables of labelled texts that somebody else wrote: their rows, their columns, and what a label means."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ..emotion import EMOTIONS, Emotion
from ..errors import DataError, MissingDependencyError
from ..text import normalize_bengali
from .rules import words

DELIMITERS = ",;\t"
TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
SAMPLE_CHARACTERS = 10_000  # by which the delimiter is guessed
LABEL_NAMES = "label emotion sentiment class category emotions labels feeling mood tag target আবেগ অনুভূতি লেবেল শ্রেণি"
TEXT_NAMES = (
    "text sentence feedback comment comments sentences utterance message content tweet review বাক্য মন্তব্য লেখা টেক্সট"
)
_SYNONYMS = {
    Emotion.ANGRY: "angry, anger, mad, rage, fury, furious, annoyed, annoyance, irritated, irritation, "
    "রাগান্বিত, রাগী, ক্রোধ, ক্রুদ্ধ, ক্ষোভ, বিরক্ত, বিরক্তি",
    Emotion.DISGUST: "disgust, disgusted, disgusting, ঘেন্না",
    Emotion.FEAR: "fear, fearful, afraid, scared, terror, anxiety, anxious, ভীত, ভীতি, আতঙ্ক",
    Emotion.HAPPY: "happy, happiness, joy, joyful, joyous, glad, delight, আনন্দিত, খুশি, সুখ, সুখী",
    Emotion.SAD: "sad, sadness, sorrow, unhappy, grief, দুঃখিত, দুঃখী, বিষাদ, বিষণ্ন, কষ্ট, মন খারাপ",
    Emotion.SURPRISE: "surprise, surprised, astonishment, astonished, amazement, amazed, বিস্মিত, অবাক",
    Emotion.NEUTRAL: "neutral, calm, normal, no emotion, নিরপেক্ষ, শান্ত",  # calm: RAVDESS counts it as neutral
}


@dataclass(frozen=True)
class Row:
    """One row that is not blank."""

    line: int
    """Where it begins: line of the text file or row of the sheet, counted from 1."""
    cells: list[str]
    """Without blanks at their ends and without empty cells behind the last filled one."""

    def cell(self, column: int) -> str:
        """The cell of a column counted from 0; empty where the row ends before it."""
        return self.cells[column] if column < len(self.cells) else ""


@dataclass(frozen=True)
class Columns:
    """Where a table has its labels and texts."""

    label: int
    """Column of the labels, counted from 0."""
    text: int
    """Column of the texts, counted from 0."""
    header: list[str] | None
    """The first row, when it names the columns."""

    @property
    def places(self) -> tuple[int, int]:
        """Both columns, counted from 1."""
        return self.label + 1, self.text + 1

    def __str__(self) -> str:
        names = Row(1, self.header or [])
        told = [
            f"column {place}" + (f" ({names.cell(place - 1)})" if names.cell(place - 1) else "")
            for place in self.places
        ]
        return "labels in {}, texts in {}".format(*told)


def read_table(path: str | Path) -> list[Row]:
    """Read the rows of a CSV, TSV or plain text file in UTF-8, or of the first sheet of an XLSX workbook.

    Commas, semicolons or tabs may separate the columns of a text file. Blank rows are left out.

    Raises
    ------
    DataError
        When the file is missing, of another kind, not UTF-8, damaged, or holds no row.
    MissingDependencyError
        When openpyxl, which reads XLSX, is not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in (*TEXT_SUFFIXES, ".xlsx"):
        raise DataError(f"{path} is neither CSV, TSV nor XLSX: save the table as one of them.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): give the path of a CSV, TSV or XLSX file."
        ) from None
    found = _sheet_rows(path, data) if path.suffix.lower() == ".xlsx" else _text_rows(path, data)
    rows = [Row(line, _trimmed(cells)) for line, cells in found]
    rows = [row for row in rows if row.cells]
    if not rows:
        raise DataError(f"{path} is empty: give a table with a column of labels and a column of texts.")
    return rows


def emotion_of(label: str, others: Mapping[str, Emotion] = MappingProxyType({})) -> Emotion | None:
    """The emotion that a label names in English or Bengali or by FER2013's code 0 to 6; None for an unknown one.

    ``others``, by :func:`folded` label, comes first.
    """
    name = folded(label)
    if name in others:
        return others[name]
    try:
        code = float(label)  # spreadsheets make 3.0 of 3; Bengali digits are read too
    except ValueError:
        return _LABELS.get(name)
    return EMOTIONS[int(code)] if code in range(len(EMOTIONS)) else None


def folded(label: str) -> str:
    """A label or column name in lower case, one Unicode form, with blanks for underscores and hyphens."""
    return normalize_bengali(re.sub("[_-]", " ", label).casefold().strip(".:;#\"' "))


def find_columns(
    path: Path,
    rows: list[Row],
    label_column: str | None = None,
    text_column: str | None = None,
    labels: Mapping[str, Emotion] = MappingProxyType({}),
) -> Columns:
    """Find the columns of labels and texts: as given, else by the names of a header, else by what they hold.

    Parameters
    ----------
    path
        The table, for messages.
    label_column, text_column
        Name of a column in the first row, or number counted from 1.
    labels
        Further labels, see :func:`emotion_of`.

    Raises
    ------
    DataError
        When a given column is not there, or they cannot be told apart.
    """
    first = rows[0].cells
    header = first if _is_header(first, (label_column, text_column), labels) else None
    body = rows[1:] if header else rows
    width = max(len(row.cells) for row in rows)
    label = _given(path, first, width, label_column)
    text = _given(path, first, width, text_column)
    if header:
        label = _named(header, LABEL_NAMES, text) if label is None else label
        text = _named(header, TEXT_NAMES, label) if text is None else text
    if text is None:
        text = _fullest(body, width, label, lambda cell: len(words(cell)))
    if label is None:
        label = _fullest(body, width, text, lambda cell: emotion_of(cell, labels) is not None)
        if label is None and width == 2 and text is not None:
            label = 1 - text
    if label is None or text is None or label == text:
        raise DataError(
            f"{path}: cannot tell which column holds the emotion labels and which the Bengali texts: "
            "give --label-column and --text-column, each a name or a number from 1."
        )
    return Columns(label, text, header)


def _given(path: Path, first: list[str], width: int, column: str | None) -> int | None:
    """Number, from 0, of a column given by the user as a name of the first row or as a number from 1."""
    if column is None:
        return None
    if column in first:
        return first.index(column)
    if column.isdecimal() and 1 <= int(column) <= width:
        return int(column) - 1
    raise DataError(
        f"{path} has no column {column!r}: name one of {', '.join(filter(None, first))}, or give a number from 1 "
        f"to {width}."
    )


def _is_header(first: list[str], given: tuple[str | None, ...], labels: Mapping[str, Emotion]) -> bool:
    """Whether the first row names columns: a given or a usual name is among it, or nothing that a sample has."""
    if any(column in first for column in given if column and not column.isdecimal()):
        return True
    if any(_named(first, names, None) is not None for names in (LABEL_NAMES, TEXT_NAMES)):
        return True
    return not any(words(cell) or emotion_of(cell, labels) for cell in first)


def _named(header: list[str], names: str, taken: int | None) -> int | None:
    """The column whose name is one of ``names``, else the first that has one as a word (``bangla_text``)."""
    known = normalize_bengali(names).split()
    titles = [folded(cell) for cell in header]
    columns = [i for i in range(len(header)) if i != taken]
    by_name = [i for name in known for i in columns if titles[i] == name]
    by_word = [i for i in columns if titles[i].isascii() and set(titles[i].split()) & set(known)]
    return next(iter(by_name + by_word), None)


def _fullest(rows: list[Row], width: int, taken: int | None, measure: Callable[[str], int]) -> int | None:
    """The column, other than ``taken``, with the largest sum of ``measure`` over its cells; None when all are 0."""
    totals = {column: sum(measure(row.cell(column)) for row in rows) for column in range(width) if column != taken}
    best = max(totals, key=totals.get, default=None)
    return best if best is not None and totals[best] else None


def _trimmed(cells: list[str]) -> list[str]:
    cells = [cell.strip() for cell in cells]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _text_rows(path: Path, data: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}:{line}: byte {error.start} is not UTF-8; save the file as UTF-8.") from None
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text[:SAMPLE_CHARACTERS])
    # A tab cannot stand in a sentence, so TSV files are mostly written without quoting.
    quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)
    line = 1
    try:
        for cells in reader:
            yield line, list(map(_unquoted, cells)) if delimiter == "\t" else cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}:{line}: {error}; look for a quotation mark that is not closed.") from None


def _delimiter(sample: str) -> str:
    try:
        return csv.Sniffer().sniff(sample, DELIMITERS).delimiter
    except csv.Error:  # commas inside the texts, or one column
        first = sample.partition("\n")[0]
        return next((mark for mark in "\t,;" if mark in first), ",")


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if re.fullmatch('".*"', cell.strip()) else cell


def _sheet_rows(path: Path, data: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        import openpyxl
    except ImportError:
        raise MissingDependencyError(
            f"{path} needs openpyxl, which is not installed: run `pip install openpyxl`, or save the table as CSV."
        ) from None
    try:
        workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        rows = list(workbook.worksheets[0].iter_rows(values_only=True))
    except Exception:  # openpyxl raises whatever the ZIP and XML readers raise
        raise DataError(f"{path} is not an XLSX workbook that can be read: save it again, or as CSV.") from None
    for number, cells in enumerate(rows, 1):
        yield number, ["" if cell is None else str(cell) for cell in cells]


_LABELS = {
    folded(label): emotion for emotion in EMOTIONS for label in (emotion.bengali, *_SYNONYMS[emotion].split(", "))
}
