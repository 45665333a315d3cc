"""One door for every Bengali text that enters: reading files, Unicode form, stray joiners."""

import csv
import gzip
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import DataError

# NFC always decomposes these three (they are composition exclusions), while eSpeak NG 1.51 and most
# keyboards know only the single code point; so NFC first, then these back to one code point each.
_SINGLE_CODE_POINT = {"\u09a1\u09bc": "\u09dc", "\u09a2\u09bc": "\u09dd", "\u09af\u09bc": "\u09df"}
# A joiner means something only in র‍্য (ra + ZWJ + virama + ya); elsewhere it only changes the glyphs.
_STRAY_JOINER = re.compile("(?<!\u09b0)\u200d|\u200d(?!\u09cd\u09af)|[\u200b\u200c\u2060\ufeff]")


def normalize_bengali(text: str) -> str:
    """Return ``text`` in the package's one Unicode form.

    NFC, then য় ড় ঢ় as single code points (U+09DF, U+09DC, U+09DD); ``অা`` becomes ``আ``; zero-width
    joiners go, except in ``র‍্য``; every run of white space becomes one blank.
    """
    # Joiners first: one between a letter and its dot, or inside a two-part vowel sign, keeps NFC from joining them.
    text = unicodedata.normalize("NFC", _STRAY_JOINER.sub("", text))
    for decomposed, single in _SINGLE_CODE_POINT.items():
        text = text.replace(decomposed, single)
    return " ".join(text.replace("\u0985\u09be", "\u0986").split())


def read_texts(paths: Iterable[str | Path]) -> Iterator[str]:
    """Sentences of plain text files (one a line; ``.gz`` too) and of TSV files (column ``text`` or ``bn``).

    Raises
    ------
    DataError
        When a file is missing, not UTF-8, or a TSV file without such a column.
    """
    for path in map(Path, paths):
        try:
            with (
                gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file
            ):
                if ".tsv" not in path.suffixes:
                    yield from file
                    continue
                table = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
                column = next((name for name in ("text", "bn") if name in (table.fieldnames or ())), None)
                if column is None:
                    raise DataError(f"{path} has no column named text or bn: give a TSV file with one of them.")
                yield from (row[column] or "" for row in table)
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"text {path} cannot be read ({error}): give UTF-8 text, TSV or .gz files.") from None
