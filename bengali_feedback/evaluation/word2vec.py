"""What the word vectors know: whose neighbour is who, and how many of the corpus's words they hold."""

from collections import Counter
from pathlib import Path

from ..nlg.dataset import read_corpus
from ..nlg.rules import MARKS
from ..nlg.text import tokenize
from ..nlg.word2vec import load_word2vec, neighbours
from ..text import normalize_bengali

COUNT = 5  # neighbours shown of each word
COVERAGE_BAR = 0.98  # share of the corpus's words that should have a trained vector

# Thirty words about feelings, four or five for each emotion, with what they mean.
EMOTION_WORDS = {
    normalize_bengali(word): meaning
    for word, meaning in {
        "রাগ": "anger", "রেগে": "angry", "মেজাজ": "temper", "বিরক্তি": "annoyance", "ক্ষোভ": "grievance",
        "ঘৃণা": "disgust", "ঘেন্না": "loathing", "গন্ধ": "smell", "নোংরা": "dirty", "অস্বস্তি": "unease",
        "ভয়": "fear", "সাহস": "courage", "আশঙ্কা": "dread", "চিন্তা": "worry", "নিরাপদ": "safe",
        "আনন্দ": "joy", "হাসি": "smile", "খুশি": "happy", "সুখ": "happiness",
        "দুঃখ": "sorrow", "কান্না": "crying", "কষ্ট": "pain", "একা": "alone", "মন": "mind, heart",
        "বিস্ময়": "wonder", "অবাক": "astonished", "চমক": "surprise", "হঠাৎ": "suddenly",
        "শান্ত": "calm", "স্বাভাবিক": "ordinary",
    }.items()
}  # fmt: skip


def evaluate_word2vec(vectors: str | Path, corpus: str | Path) -> dict:
    """Neighbours of thirty emotion words, and coverage of the corpus.

    Parameters
    ----------
    vectors
        A file of :func:`~bengali_feedback.nlg.word2vec.train_word2vec`.
    corpus
        The corpus file.

    Returns
    -------
    dict
        ``vectors`` and ``dimensions``; ``corpus_words``, different words in texts and cues of all splits;
        ``coverage``, the share of them that has a vector, ``coverage_of_running_words``, the same with each word
        counted as often as it stands in the texts, and ``without_vector``, those that have none, the commonest first;
        ``neighbours``, for each word its ``meaning`` and ``nearest``, pairs of word and cosine similarity, empty for
        a word that has no vector.
    """
    known = load_word2vec(vectors)
    samples = read_corpus(corpus)
    texts = Counter(word for sample in samples for word in tokenize(sample.text) if word not in MARKS)
    cues = Counter(word for cue in {sample.cue for sample in samples} for word in cue.split())
    words = texts + cues
    missing = [word for word, _ in words.most_common() if word not in known]
    return {
        "vectors": len(known),
        "dimensions": known.vector_size,
        "corpus_words": len(words),
        "coverage": 1 - len(missing) / len(words),
        "coverage_of_running_words": 1 - sum(texts[word] for word in missing) / sum(texts.values()),
        "without_vector": missing,
        "neighbours": {
            word: {
                "meaning": meaning,
                "nearest": [(other, round(similarity, 3)) for other, similarity in neighbours(known, word, COUNT)]
                if word in known
                else [],
            }
            for word, meaning in EMOTION_WORDS.items()
        },
    }


def word2vec_markdown(report: dict) -> str:
    """The report of :func:`evaluate_word2vec` as Markdown."""
    missing = report["without_vector"]
    lines = [
        f"- vectors: {report['vectors']} of {report['dimensions']} dimensions",
        f"- coverage: {report['coverage']:.2%} of the corpus's {report['corpus_words']} different words (at least "
        f"{COVERAGE_BAR:.0%} wanted), {report['coverage_of_running_words']:.2%} of its running words",
        f"- without a vector: {len(missing)}" + (f", such as {', '.join(missing[:10])}" if missing else ""),
        "",
        "| word | meaning | nearest words, cosine similarity |",
        "|---|---|---|",
    ]
    for word, row in report["neighbours"].items():
        nearest = ", ".join(f"{other} {similarity:.2f}" for other, similarity in row["nearest"]) or "no vector"
        lines.append(f"| {word} | {row['meaning']} | {nearest} |")
    return "\n".join(lines) + "\n"
