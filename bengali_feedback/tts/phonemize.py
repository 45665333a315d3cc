"""Bengali spelling to phonemes: a lexicon of the user's, our exceptions, then a conditional random field over letters.

The phonemes are the 39 of Google's Bengali lexicon (``transcription.md`` there; colloquial Bangladeshi
standard, without contrastive nasal vowels: চাঁদ is ``c a d``). The network reads a word letter by letter
and gives each letter 0 to 3 phonemes; :mod:`bengali_feedback.tts.train_g2p` trains it.
"""

import re
from functools import lru_cache
from pathlib import Path

from ..checkpoints import checkpoint
from ..errors import CheckpointError, DataError
from ..text import normalize_bengali

# phoneme, IPA (the lexicon's phonemes.txt), mnemonic of eSpeak NG 1.51's voice bn. The mnemonics are checked with
# `espeak-ng -v bn --ipa "[[...]]"`. ɖʰ is two of them, because the voice's own d.# hardly differs from d. (mel
# distance 0.02; k and k#, b and b# and the other pairs 0.04 to 0.11).
_PHONE_TABLE = """
O   ɔ   O
a   a   a
i   i   i
u   u   u
e   e   e
E   æ   &
o   o   o
i^  i̯  I
u^  u̯  w
e^  e̯  E
o^  o̯  U
k   k   k
kh  kʰ  k#
g   ɡ   g
gh  ɡʰ  g#
N   ŋ   N
c   c   tS
ch  cʰ  tS#
j   ɟ   J
jh  ɟʰ  J#
T   ʈ   t.
Th  ʈʰ  t.#
D   ɖ   d.
Dh  ɖʰ  d.|h
t   t   t
th  tʰ  t#
d   d   d
dh  dʰ  d#
n   n   n
p   p   p
f   f   f
b   b   b
bh  bʰ  b#
m   m   m
r   r   r
l   l   l
sh  ʃ   S
s   s   s
h   h   h
"""
_ROWS = [line.split() for line in _PHONE_TABLE.strip().splitlines()]
PHONES: tuple[str, ...] = tuple(row[0] for row in _ROWS)
IPA: dict[str, str] = {phone: ipa for phone, ipa, _ in _ROWS}
ESPEAK: dict[str, str] = {phone: mnemonic for phone, _, mnemonic in _ROWS}
_PHONE_OF = {ipa: phone for phone, ipa in IPA.items()}
_SOUND = re.compile(rf"(?:{'|'.join(sorted(_PHONE_OF, key=len, reverse=True))})(?![\u0300-\u036f])|.[\u0300-\u036f]*")
VOWELS = PHONES[:7]
SEMIVOWELS = PHONES[7:11]
CONSONANTS = PHONES[11:]

PAD = "_"
SPACE = " "
PUNCTUATION = (",", ".", "?", "!")
SYMBOLS: tuple[str, ...] = (PAD, SPACE, *PUNCTUATION, *PHONES)  # Tacotron 2's input: a token's id is its index

_ON_GLIDE = {"i^": "j", "e^": "j", "u^": "w", "o^": "w"}  # before a vowel: যাওয়া is J'a|w|a

# The phoneme a letter stands for when nothing happens to it; the field predicts departures from this.
_CONSONANT_LETTERS = {
    "ক": "k", "খ": "kh", "গ": "g", "ঘ": "gh", "ঙ": "N", "ং": "N",
    "চ": "c", "ছ": "ch", "জ": "j", "য": "j", "ঝ": "jh", "ঞ": "n",
    "ট": "T", "ঠ": "Th", "ড": "D", "ঢ": "Dh", "ণ": "n", "\u09dc": "r", "\u09dd": "r",
    "ত": "t", "ৎ": "t", "থ": "th", "দ": "d", "ধ": "dh", "ন": "n",
    "প": "p", "ফ": "f", "ব": "b", "ভ": "bh", "ম": "m",
    "র": "r", "ল": "l", "শ": "sh", "ষ": "sh", "স": "sh", "হ": "h", "\u09df": "e^",
}  # fmt: skip
_VOWEL_LETTERS = {
    "অ": "O",
    "আ": "a",
    "ই": "i",
    "ঈ": "i",
    "উ": "u",
    "ঊ": "u",
    "ঋ": "r",
    "এ": "e",
    "ঐ": "o",
    "ও": "o",
    "ঔ": "o",
}
_VOWEL_SIGNS = {"া": "a", "ি": "i", "ী": "i", "ু": "u", "ূ": "u", "ৃ": "r", "ে": "e", "ৈ": "o", "ো": "o", "ৌ": "o"}
DEFAULT_PHONE: dict[str, str] = _CONSONANT_LETTERS | _VOWEL_LETTERS | _VOWEL_SIGNS
LETTERS = frozenset(DEFAULT_PHONE) | set("্ঁঃ")
_LETTER_CLASS = (
    dict.fromkeys(_CONSONANT_LETTERS, "C")
    | dict.fromkeys(_VOWEL_LETTERS, "A")
    | dict.fromkeys(_VOWEL_SIGNS, "V")
    | {"্": "H", "ঁ": "N", "ঃ": "X", "ৎ": "T", "ং": "M"}
)

_EXCEPTIONS = Path(__file__).with_name("exceptions.tsv")
_TOKEN = re.compile(r"[\u0980-\u09e3\u200d]+|[,;:।.?!]|\u2026")
_MARK = {"।": ".", ".": ".", "\u2026": ".", ",": ",", ";": ",", ":": ",", "?": "?", "!": "!"}


def letter_features(word: str) -> list[list[str]]:
    """Features of each letter of a word for the field.

    Parameters
    ----------
    word
        Letters of :data:`LETTERS` only.

    Returns
    -------
    list[list[str]]
        One list per letter: the letters within 4 positions, letter sequences of 2 to 5 around this letter,
        the consonant/vowel/virama pattern of 4 positions to each side, the next and the previous vowel
        (Bengali vowels rise before a high vowel), and the distance to both ends.
    """
    n = len(word)
    padded = "####" + word + "####"
    classes = "".join(_LETTER_CLASS.get(c, "#") for c in padded)
    next_vowel, following = [""] * n, "-"
    for i in range(n - 1, -1, -1):
        next_vowel[i] = following
        if classes[i + 4] in "AV":
            following = word[i]
        elif classes[i + 4] == "C" and classes[i + 5] == "C":
            following = "+"  # a bare consonant may or may not carry the inherent vowel
    features = []
    previous_vowel = "-"
    for i in range(n):
        p = i + 4
        here = padded[p]
        features.append(
            [
                "b",
                "0" + here,
                "1" + padded[p + 1],
                "2" + padded[p + 2],
                "3" + padded[p + 3],
                "4" + padded[p + 4],
                "-1" + padded[p - 1],
                "-2" + padded[p - 2],
                "-3" + padded[p - 3],
                "-4" + padded[p - 4],
                "a" + padded[p : p + 2],
                "b" + padded[p : p + 3],
                "c" + padded[p : p + 4],
                "d" + padded[p : p + 5],
                "e" + padded[p - 1 : p + 1],
                "f" + padded[p - 2 : p + 1],
                "g" + padded[p - 3 : p + 1],
                "h" + padded[p - 4 : p + 1],
                "i" + padded[p - 1 : p + 2],
                "j" + padded[p - 2 : p + 3],
                "k" + padded[p - 1 : p + 3],
                "l" + padded[p - 2 : p + 2],
                "m" + classes[p : p + 5],
                "n" + classes[p - 4 : p + 1],
                "o" + classes[p - 2 : p + 3],
                "p" + here + classes[p + 1 : p + 4],
                "q" + here + classes[p - 3 : p],
                "r" + next_vowel[i] + classes[p : p + 2],
                "s" + here + next_vowel[i],
                "t" + here + previous_vowel,
                "u" + previous_vowel + next_vowel[i] + classes[p - 1 : p + 2],
                f"v{min(i, 5)}{classes[p]}",
                f"w{min(n - 1 - i, 5)}{classes[p]}",
            ]
        )
        if classes[p] in "AV":
            previous_vowel = word[i]
        elif classes[p] == "C" and classes[p + 1] == "C":
            previous_vowel = "+"
    return features


def encode_label(letter: str, phones: tuple[str, ...], previous: str) -> str:
    """Label of a letter that stands for ``phones``, relative to its default phoneme.

    ``=`` is the default phoneme, ``~`` its unaspirated form, ``^`` a repetition of the phoneme ``previous`` and
    ``*`` its aspirated form (বাধ্য is ``b a d dh o``); so ক and খ share the decisions
    "with O, with o, alone, doubled", and 40 labels do instead of 150.
    """
    default = DEFAULT_PHONE.get(letter, "")
    codes = []
    for phone in phones:
        if phone == default:
            codes.append("=")
        elif phone + "h" == default and default != "sh":
            codes.append("~")
        elif phone == previous and phone in CONSONANTS:
            codes.append("^")
        elif phone == previous + "h" and phone != "sh":
            codes.append("*")
        else:
            codes.append(phone)
        previous = phone
    return " ".join(codes) or "-"


def decode_label(letter: str, label: str, previous: str) -> list[str]:
    """Phonemes of a label: the inverse of :func:`encode_label`."""
    default = DEFAULT_PHONE.get(letter, "")
    phones = []
    for code in label.split() if label != "-" else ():
        phone = {"=": default, "~": default.removesuffix("h"), "^": previous, "*": previous + "h"}.get(code, code)
        if phone in PHONES:  # a relative code can miss only where the field errs
            phones.append(phone)
            previous = phone
    return phones


def clean_word(word: str) -> str:
    """The letters of a word that can be read, in the package's Unicode form; everything else is dropped."""
    return "".join(c for c in normalize_bengali(word) if c in LETTERS)


class Phonemizer:
    """Reads Bengali words as phonemes: :meth:`word` for one word, calling it for a whole text.

    Examples
    --------
    >>> phonemizer = Phonemizer.load()  # doctest: +SKIP
    >>> phonemizer.word("করো")  # doctest: +SKIP
    ['k', 'O', 'r', 'o']
    """

    def __init__(self, model: Path, lexicon: dict[str, list[str]]) -> None:
        import pycrfsuite

        self._tagger = pycrfsuite.Tagger()
        try:
            self._tagger.open(str(model))
        except (OSError, ValueError) as error:
            raise CheckpointError(
                f"{model} is not a readable pronunciation model ({error}): restore it with "
                "`git checkout -- checkpoints`, or train it with `bengali-feedback train g2p`."
            ) from None
        self._lexicon = lexicon
        self._read = lru_cache(maxsize=65536)(self._pronounce)

    @classmethod
    def load(cls, path: Path | str | None = None, lexicon: Path | str | None = None) -> "Phonemizer":
        """Load a trained model; without a path the shipped, verified one.

        Parameters
        ----------
        lexicon
            A user's pronunciations (:func:`read_pronunciations`); they come before our exceptions.

        Raises
        ------
        CheckpointError
            When the model is missing, altered or unreadable.
        DataError
            When the lexicon is missing or has a fault.
        """
        pronunciations = read_pronunciations(_EXCEPTIONS) | (read_pronunciations(Path(lexicon)) if lexicon else {})
        model = checkpoint("tts/g2p.crfsuite") if path is None else Path(path)
        if not model.is_file():
            raise CheckpointError(
                f"pronunciation model {model} is missing: train it with `bengali-feedback train g2p --lexicon FILE`."
            )
        return cls(model, pronunciations)

    def word(self, word: str) -> list[str]:
        """Phonemes of one word, for example ``["k", "O", "r", "o"]``; empty when no letter of it is Bengali."""
        return list(self._read(word))

    def __call__(self, text: str) -> list[str]:
        """Token sequence of a spoken-form text (what :func:`~bengali_feedback.tts.verbalize.verbalize` returns).

        Returns
        -------
        list[str]
            Tokens of :data:`SYMBOLS`: phonemes, ``" "`` between words, and the marks ``, . ? !``. A mark follows
            its word directly and is followed by ``" "`` when more words come. Of several marks in a row the
            last strongest stays; marks before the first word and unknown characters are dropped.
        """
        tokens: list[str] = []
        for piece in _TOKEN.findall(normalize_bengali(text)):
            if piece in _MARK:
                mark = _MARK[piece]
                if tokens and tokens[-1] not in PUNCTUATION:
                    tokens.append(mark)
                elif tokens and PUNCTUATION.index(mark) > PUNCTUATION.index(tokens[-1]):
                    tokens[-1] = mark
            elif phones := self._read(piece):
                if tokens:
                    tokens.append(SPACE)
                tokens.extend(phones)
        return tokens

    def _pronounce(self, word: str) -> tuple[str, ...]:
        letters = clean_word(word)
        if not letters:
            return ()
        if letters in self._lexicon:
            return tuple(self._lexicon[letters])
        phones: list[str] = []
        for letter, label in zip(letters, self._tagger.tag(letter_features(letters)), strict=True):
            phones += decode_label(letter, label, phones[-1] if phones else "")
        return tuple(phones)


def read_pronunciations(path: Path) -> dict[str, list[str]]:
    """Pronunciations that a person wrote: ours (``exceptions.tsv``), or a user's lexicon.

    UTF-8 text with one word a line, as it is written in running text (``করেছি`` is another word than ``করে``), a tab,
    and its sounds in IPA, as ``bengali-feedback phonemize`` shows them: ``মন<TAB>mon``. Dots between syllables may
    stand or not; lines that are empty or begin with ``#`` are skipped.

    Returns
    -------
    dict[str, list[str]]
        Word, in the package's Unicode form, to phonemes of :data:`PHONES`.

    Raises
    ------
    DataError
        When the file cannot be read, or a line has another form, a word that is not Bengali, a sound that the voice
        does not have, or a word that was there before; the message names file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"lexicon {path} cannot be read ({error}): give a UTF-8 text file.") from None
    pronunciations: dict[str, list[str]] = {}
    line_of: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        where, columns = f"{path}, line {number}", line.rstrip().split("\t")
        if len(columns) != 2:
            raise DataError(f"{where}: expected a word, a tab and its sounds in IPA, found {line!r}.")
        word, ipa = map(normalize_bengali, columns)
        letters = clean_word(word)
        if not letters or letters != word.replace("\u200d", ""):
            raise DataError(f"{where}: {word!r} is not one Bengali word: write its letters only.")
        if letters in line_of:
            raise DataError(f"{where}: {word} stands in line {line_of[letters]} already: keep one of them.")
        line_of[letters] = number
        try:
            pronunciations[letters] = from_ipa(ipa)
        except ValueError as error:
            raise DataError(f"{where}: {error}: use {' '.join(_PHONE_OF)}.") from None
    return pronunciations


def from_ipa(ipa: str) -> list[str]:
    """Phonemes of a word in the International Phonetic Alphabet: the inverse of :func:`to_ipa`.

    Dots, as between syllables, are skipped; a keyboard's g is taken for ɡ.

    Raises
    ------
    ValueError
        When there is no sound, or one that the voice does not have.
    """
    sounds = _SOUND.findall(ipa.replace(".", "").replace("g", "ɡ"))
    unknown = [sound for sound in sounds or [""] if sound not in _PHONE_OF]
    if unknown:
        raise ValueError(f"the voice has no sound {unknown[0]!r}")
    return [_PHONE_OF[sound] for sound in sounds]


def to_ipa(tokens: list[str]) -> str:
    """Tokens in the International Phonetic Alphabet: ``["k", "O", "r", "o", "?"]`` becomes ``kɔro?``."""
    return "".join(IPA.get(token, token) for token in tokens if token != PAD)


def to_espeak(tokens: list[str]) -> str:
    """Tokens as input for eSpeak NG 1.51's voice ``bn``: ``[[k|'O|r|o]]?`` and so on.

    One ``[[...]]`` holds a clause; the marks stand outside, where eSpeak makes pauses and intonation of them.
    Each word is stressed on its first vowel, as Bengali is: words without a mark would all be weak but the
    last of a clause. ``|`` keeps eSpeak from reading two mnemonics as one (``aI``, ``tS#``).
    """
    clauses: list[str] = []
    words: list[str] = []
    phones: list[str] = []
    for token in [*tokens, "."]:
        if token == SPACE or token in PUNCTUATION:
            if phones:
                words.append(_espeak_word(phones))
            phones = []
            if token in PUNCTUATION and words:
                clauses.append(f"[[{' '.join(words)}]]{token}")
                words = []
        elif token != PAD:
            phones.append(token)
    return " ".join(clauses)


def _espeak_word(phones: list[str]) -> str:
    mnemonics = []
    stressed = False
    for i, phone in enumerate(phones):
        mnemonic = ESPEAK[phone]
        if phone in _ON_GLIDE and i + 1 < len(phones) and phones[i + 1] in VOWELS:
            mnemonic = _ON_GLIDE[phone]
        if phone in VOWELS and not stressed:
            mnemonic, stressed = "'" + mnemonic, True
        mnemonics.append(mnemonic)
    return "|".join(mnemonics)
