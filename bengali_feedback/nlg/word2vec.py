"""Word vectors for the generator: gensim's Word2Vec, skip-gram (seed 004 §5.3)."""

import zlib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np

from ..errors import CheckpointError, DataError
from ..files import replacing
from ..text import read_texts
from .dataset import read_corpus
from .rules import blocked_problems, character_problems
from .text import VOCABULARY_SIZE, Vocabulary, clean_text, tokenize

VECTOR_SIZE = 128
WINDOW = 5
EPOCHS = 5
MIN_COUNT = 5  # of words outside the generator's vocabulary


def corpus_vocabulary(corpus: str | Path) -> Vocabulary:
    """The generator's vocabulary: every word and mark of the corpus's texts and cues, commonest first.

    Words that stand only in val or test sentences are listed too, so that each held-out word has a number and
    a perplexity can be told; no held-out sentence is trained on.
    """
    samples = read_corpus(corpus)
    return Vocabulary.from_texts([sample.text for sample in samples] + sorted({sample.cue for sample in samples}))


def generator_vocabulary(corpus: str | Path, vectors) -> Vocabulary:
    """The corpus's words and marks, then the words of open text that ``vectors`` hold besides."""
    words = corpus_vocabulary(corpus)
    more = [word for word in vectors.index_to_key if word not in words]
    return Vocabulary([*words.tokens[words.reserved :], *more][: VOCABULARY_SIZE - words.reserved])


def train_word2vec(
    texts: Iterable[str | Path],
    corpus: str | Path,
    out: str | Path,
    seed: int = 0,
    vector_size: int = VECTOR_SIZE,
    epochs: int = EPOCHS,
    progress: bool = True,
):
    """Train skip-gram vectors and keep those of the corpus's words and of the commonest others, 7,000 in all.

    bnlp's ``Word2VecTraining`` is this same gensim model without a seed, so gensim is called directly. One
    worker, because the order in which several update the vectors differs from run to run.

    Parameters
    ----------
    texts
        Text files, see :func:`~bengali_feedback.text.read_texts`. Their sentences are counted and forgotten.
    corpus
        The corpus file; its train sentences and all its cues are trained on as well.
    out
        Where the gensim ``KeyedVectors`` are written, atomically.

    Returns
    -------
    gensim.models.KeyedVectors
        One float32 row for each word: those of :func:`corpus_vocabulary` first, then words that only ``texts`` have,
        commonest first, until the vocabulary is full (seed 004 §5.1: 7,000 words).
    """
    from gensim.models import KeyedVectors, Word2Vec
    from gensim.utils import RULE_DEFAULT, RULE_KEEP
    from tqdm import tqdm

    texts = list(texts)
    for path in texts:
        if not Path(path).is_file():  # told at once, not after the files before it were read
            raise DataError(f"text {path} does not exist: give UTF-8 text, TSV or .gz files.")
    vocabulary = corpus_vocabulary(corpus)
    samples = read_corpus(corpus)
    own = [sample.text for sample in samples if sample.split == "train"] + [sample.cue for sample in samples]
    lines = tqdm(read_texts(texts), desc="tokenize", unit=" sentences", disable=not progress)
    sentences = [tokenize(clean_text(line)) for line in lines]
    sentences += [tokenize(line) for line in own]

    model = Word2Vec(
        vector_size=vector_size, window=WINDOW, sg=1, negative=5, min_count=MIN_COUNT, seed=seed, workers=1,
        hashfxn=lambda word: zlib.crc32(word.encode()),
    )  # fmt: skip
    keep = lambda word, count, minimum: RULE_KEEP if word in vocabulary else RULE_DEFAULT  # noqa: E731
    model.build_vocab(sentences, trim_rule=keep)
    bar = tqdm(total=epochs, desc="word2vec", unit=" epochs", disable=not progress)
    model.train(sentences, total_examples=len(sentences), epochs=epochs, callbacks=[_Progress(bar)])
    bar.close()

    known = [word for word in vocabulary.tokens[vocabulary.reserved :] if word in model.wv]
    others = (word for word in model.wv.index_to_key if word not in vocabulary and not blocked_problems(word))
    known += islice((word for word in others if not character_problems(word)), VOCABULARY_SIZE - len(vocabulary))
    vectors = KeyedVectors(vector_size)
    vectors.lifecycle_events = None  # gensim would write the path and the machine into the file
    vectors.add_vectors(known, model.wv[known].astype(np.float32))
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as temporary:
        vectors.save(str(temporary))
    return vectors


def load_word2vec(path: str | Path):
    """Read vectors that :func:`train_word2vec` wrote.

    Raises
    ------
    CheckpointError
        When the file is missing or unreadable.
    """
    import pickle

    from gensim.models import KeyedVectors

    try:
        return KeyedVectors.load(str(path))
    except (OSError, EOFError, AttributeError, pickle.UnpicklingError) as error:
        raise CheckpointError(
            f"word vectors {path} cannot be read ({error}): train them with `bengali-feedback train nlg`."
        ) from None


def neighbours(vectors, word: str, count: int = 5) -> list[tuple[str, float]]:
    """The ``count`` words nearest to ``word``, with their cosine similarity.

    Raises
    ------
    DataError
        When the word has no vector.
    """
    if word not in vectors:
        raise DataError(f"{word!r} has no vector: it is not among the 7,000 words of the vocabulary.")
    return vectors.most_similar(word, topn=count)


def embedding_matrix(vocabulary: Vocabulary, vectors, seed: int = 0) -> np.ndarray:
    """Rows for :class:`Vocabulary`'s numbers, float32 [len(vocabulary), vector_size].

    Scaled to a mean length of 1. Special and control tokens, and words without a vector, get small random rows.
    """
    matrix = np.random.default_rng(seed).normal(0, 0.1, (len(vocabulary), vectors.vector_size)).astype(np.float32)
    scale = 1 / np.linalg.norm(vectors.vectors.astype(np.float32), axis=1).mean()
    for number, token in enumerate(vocabulary.tokens):
        if token in vectors:
            matrix[number] = vectors[token].astype(np.float32) * scale
    return matrix


def _Progress(bar):
    """A gensim callback that moves a tqdm bar by one each epoch."""
    from gensim.models.callbacks import CallbackAny2Vec

    class Progress(CallbackAny2Vec):
        def on_epoch_end(self, model):
            bar.update()

    return Progress()
