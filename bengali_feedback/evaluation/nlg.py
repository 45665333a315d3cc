"""How the sentence generator does: what it says, how often it says something new, and how fast."""

import time
from collections import Counter
from pathlib import Path

import numpy as np

from ..emotion import EMOTIONS
from ..nlg.dataset import read_corpus
from ..nlg.rules import REGISTERS, address_problems, words


def evaluate_nlg(generator, corpus: str | Path, n_per_emotion: int = 100, seed: int = 0) -> dict:
    """Draw sentences for each emotion, in both registers by turns, and score the network on the test split.

    Parameters
    ----------
    generator
        A :class:`~bengali_feedback.nlg.generator.FeedbackGenerator`.
    corpus
        The corpus file: its test split is scored, and sentences are compared with all of it.
    n_per_emotion
        Sentences for each of the seven emotions.

    Returns
    -------
    dict
        ``sentences``; shares of them: ``generated`` (the rest came from the corpus), ``not_in_corpus``,
        ``first_attempt``, ``repeated`` (said before for the same emotion and register) and ``register_right``;
        ``most_often``, how often the commonest sentence was said;
        ``equal_in_a_row`` (a count, always 0); ``distinct_2``, different pairs of neighbouring words among all
        pairs, with ``corpus_distinct_2`` of equally many corpus sentences beside it; ``average_words``;
        ``milliseconds`` a sentence (``median``, ``p95``); ``train`` and ``test``, the scores of
        :func:`~bengali_feedback.nlg.train.teacher_forced_scores`; ``emotions``, ``generated`` and
        ``not_in_corpus`` of each; ``answers``, every sentence with what was asked and where it came from.
    """
    from ..nlg.train import encode_cues, encode_texts, teacher_forced_scores

    samples = read_corpus(corpus)
    known = {sample.text for sample in samples}
    generator.generate(EMOTIONS[0], seed=seed)  # the first call sets up TensorFlow
    answers, seconds = [], []
    for emotion in EMOTIONS:
        for number in range(n_per_emotion):
            start = time.perf_counter()
            answers.append(generator.generate(emotion, REGISTERS[number % 2], seed=seed + number))
            seconds.append(time.perf_counter() - start)

    said = set()
    repeated = 0
    for answer in answers:
        key = (answer.emotion, answer.register, answer.text)
        repeated += key in said
        said.add(key)
    chosen = np.random.default_rng(seed).permutation(len(samples))[: len(answers)]
    vocabulary = generator.vocabulary
    scores = {}
    for split in ("train", "test"):
        chosen_split = [sample for sample in samples if sample.split == split]
        arrays = (encode_cues(vocabulary, chosen_split), *encode_texts(vocabulary, chosen_split))
        scores[split] = teacher_forced_scores(generator.model, *arrays)
    return {
        "sentences": len(answers),
        "generated": _share(answer.source == "generated" for answer in answers),
        "not_in_corpus": _share(answer.text not in known for answer in answers),
        "first_attempt": _share(answer.attempts == 1 for answer in answers),
        "repeated": repeated / len(answers),
        "equal_in_a_row": sum(a.text == b.text for a, b in zip(answers, answers[1:], strict=False)),
        "most_often": max(Counter(answer.text for answer in answers).values()),
        "register_right": _share(not address_problems(answer.text, answer.register) for answer in answers),
        "distinct_2": distinct_2([answer.text for answer in answers]),
        "corpus_distinct_2": distinct_2([samples[number].text for number in chosen]),
        "average_words": float(np.mean([len(words(answer.text)) for answer in answers])),
        "milliseconds": {
            "median": float(1000 * np.median(seconds)),
            "p95": float(1000 * np.quantile(seconds, 0.95)),
        },
        **scores,
        "emotions": {
            emotion.value: {
                "generated": _share(a.source == "generated" for a in answers if a.emotion is emotion),
                "not_in_corpus": _share(a.text not in known for a in answers if a.emotion is emotion),
            }
            for emotion in EMOTIONS
        },
        "answers": [
            {
                "emotion": a.emotion.value,
                "register": a.register,
                "intent": a.intent,
                "text": a.text,
                "source": a.source,
                "new": a.text not in known,
            }
            for a in answers
        ],
    }


def distinct_2(texts: list[str]) -> float:
    """Different pairs of neighbouring words, as a share of all such pairs in ``texts``."""
    pairs = [pair for text in texts for pair in zip(words(text), words(text)[1:], strict=False)]
    return len(set(pairs)) / max(1, len(pairs))


def nlg_markdown(report: dict) -> str:
    """The report of :func:`evaluate_nlg` as Markdown tables."""
    train, test, time_ = report["train"], report["test"], report["milliseconds"]
    rows = [
        ("sentences drawn", f"{report['sentences']}"),
        ("said by the network", f"{report['generated']:.1%}"),
        ("first attempt accepted", f"{report['first_attempt']:.1%}"),
        ("not a sentence of the corpus", f"{report['not_in_corpus']:.1%}"),
        ("said before for the same emotion and register", f"{report['repeated']:.1%}"),
        ("times the commonest sentence was said", f"{report['most_often']}"),
        ("equal to the answer before", f"{report['equal_in_a_row']}"),
        ("register right", f"{report['register_right']:.1%}"),
        ("distinct-2", f"{report['distinct_2']:.2f} (corpus sentences: {report['corpus_distinct_2']:.2f})"),
        ("average words", f"{report['average_words']:.1f}"),
        ("milliseconds a sentence", f"{time_['median']:.1f} (95 % under {time_['p95']:.1f})"),
        ("training loss, nats a token, teacher-forced", f"{train['loss']:.2f} (the paper: 0.65)"),
        ("training accuracy of the next token", f"{train['accuracy']:.1%} (the paper: 83.18 %)"),
        ("test loss, nats a token", f"{test['loss']:.2f}"),
        ("test perplexity", f"{test['perplexity']:.0f}"),
        ("test accuracy of the next token", f"{test['accuracy']:.1%}"),
        ("the same with padding counted", f"{test['padded_accuracy']:.1%}"),
    ]
    lines = ["| measure | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    lines += ["", "| emotion | said by the network | not in the corpus |", "|---|---|---|"]
    lines += [
        f"| {emotion} | {row['generated']:.0%} | {row['not_in_corpus']:.0%} |"
        for emotion, row in report["emotions"].items()
    ]
    return "\n".join(lines)


def _share(hits) -> float:
    hits = list(hits)
    return sum(hits) / max(1, len(hits))
