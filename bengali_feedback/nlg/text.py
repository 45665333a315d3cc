"""Bengali text for the networks: cleaning, words and marks as tokens, and the vocabulary."""

import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..emotion import EMOTIONS, Emotion
from ..errors import CheckpointError, TextError
from ..files import write_text
from ..text import normalize_bengali
from .rules import INTENTS, MARKS, MAX_WORDS, REGISTERS

VOCABULARY_SIZE = 7000  # seed 004 §5.1
PAD, START, END, UNKNOWN = "<pad>", "<start>", "<end>", "<unknown>"
SPECIAL_TOKENS = (PAD, START, END, UNKNOWN)
CONTROL_TOKENS = tuple(f"<{name}>" for name in (*REGISTERS, *EMOTIONS, *INTENTS))

# Seed 004 §5.1 pads to 20 tokens, where a token is a word. The corpus has texts of 20 words, and marks are
# tokens too, so that the network learns where to end; 20 words + 7 marks + the end token lose nothing.
TEXT_TOKENS = MAX_WORDS + 7 + 1
CUE_TOKENS = 3 + 6  # register, emotion and intent, and the longest cue


@lru_cache(maxsize=1)
def _bnlp():
    """Import bnlp without its attempt to download NLTK data.

    ``import bnlp`` looks for NLTK's ``tokenizers/punkt`` and goes to the network when there is none. An empty
    folder of that name satisfies it; nothing used here reads that data.
    """
    import nltk

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "tokenizers", "punkt").mkdir(parents=True)
        nltk.data.path.insert(0, folder)
        try:
            import bnlp
        finally:
            nltk.data.path.remove(folder)
    # The only arguments with which CleanText leaves Bengali whole: remove_punct, for one, deletes the ঃ of দুঃখ.
    clean = bnlp.CleanText(
        remove_url=True, remove_email=True, remove_emoji=True, replace_with_url="", replace_with_email=""
    )
    return clean, bnlp.BasicTokenizer()


def clean_text(text: str) -> str:
    """``text`` without links, e-mail addresses and emoji, in the package's one Unicode form (seed 004 §5.1)."""
    clean, _ = _bnlp()
    return normalize_bengali(clean(text))


def tokenize(text: str) -> list[str]:
    """Split a text into words and marks.

    For texts that obey the corpus's spacing, ``detokenize(tokenize(text)) == text``.
    """
    _, tokenizer = _bnlp()
    return tokenizer.tokenize(text)


def detokenize(tokens: Iterable[str]) -> str:
    """Join words with blanks and put each mark behind its word."""
    text = ""
    for token in tokens:
        text += token if token in MARKS or not text else f" {token}"
    return text


def cue_tokens(
    cue: str = "", register: str | None = None, emotion: Emotion | str | None = None, intent: str | None = None
) -> list[str]:
    """The generator's input: register, emotion and intent as tokens, each optional, then the cue's words."""
    controls = [f"<{name}>" for name in (register, emotion, intent) if name]
    return controls + cue.split()


class Vocabulary:
    """The words the generator knows, numbered; four special and fourteen control tokens come first.

    Parameters
    ----------
    words
        Without special and control tokens, at most :data:`VOCABULARY_SIZE` less those.
    """

    def __init__(self, words: Iterable[str]):
        self.tokens = [*SPECIAL_TOKENS, *CONTROL_TOKENS, *words]
        self.ids = {token: number for number, token in enumerate(self.tokens)}
        if len(self.ids) != len(self.tokens):
            raise ValueError("a vocabulary word is listed twice.")
        if len(self.tokens) > VOCABULARY_SIZE:
            raise ValueError(f"{len(self.tokens)} tokens are more than the vocabulary's {VOCABULARY_SIZE}.")
        self.reserved = len(SPECIAL_TOKENS) + len(CONTROL_TOKENS)

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> "Vocabulary":
        """Vocabulary of the most frequent words and marks of ``texts``; ties in alphabetical order."""
        counts = Counter(token for text in texts for token in tokenize(text))
        ranked = sorted(counts, key=lambda token: (-counts[token], token))
        return cls(ranked[: VOCABULARY_SIZE - len(SPECIAL_TOKENS) - len(CONTROL_TOKENS)])

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self.ids

    def encode(self, tokens: list[str], length: int) -> np.ndarray:
        """Token numbers, int32 [length], padded at the end.

        Raises
        ------
        TextError
            When there are more than ``length`` tokens: nothing is cut in silence.
        """
        if len(tokens) > length:
            raise TextError(f"{len(tokens)} tokens do not fit into {length}: shorten the text {detokenize(tokens)!r}.")
        numbers = [self.ids.get(token, self.ids[UNKNOWN]) for token in tokens]
        return np.array(numbers + [self.ids[PAD]] * (length - len(numbers)), dtype=np.int32)

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """Tokens up to the first end or pad token."""
        tokens = []
        for number in numbers:
            if self.tokens[number] in (END, PAD):
                break
            tokens.append(self.tokens[number])
        return tokens

    def save(self, path: Path) -> None:
        """Write the words as JSON, atomically."""
        words = self.tokens[self.reserved :]
        write_text(path, json.dumps({"words": words}, ensure_ascii=False, indent=0) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read what :meth:`save` wrote.

        Raises
        ------
        CheckpointError
            When the file is missing or not a vocabulary.
        """
        try:
            return cls(json.loads(path.read_text(encoding="utf-8"))["words"])
        except FileNotFoundError:
            raise CheckpointError(f"vocabulary {path} is missing: train with `bengali-feedback train nlg`.") from None
        except (ValueError, KeyError, TypeError):
            raise CheckpointError(f"{path} is not a vocabulary: train with `bengali-feedback train nlg`.") from None
