"""How the sentence generator does: what it says, how often it says something new, how it is heard, and how fast."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..checkpoints import checkpoint
from ..emotion import EMOTIONS
from ..nlg.dataset import Sample, read_corpus
from ..nlg.rules import REGISTERS, address_problems, words
from . import plots
from .heard_emotion import guard_by_ear, heard_right, train_hearer

BATCH = 32  # answers asked for at once when the throughput is measured
BATCHES = 10


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
        pairs, and ``self_bleu`` (:func:`self_bleu`), with ``corpus_distinct_2`` and ``corpus_self_bleu`` of equally
        many corpus sentences of each emotion beside them, and ``self_bleu_without_repeats``, each answer counted once;
        ``average_words``; ``milliseconds`` a sentence (``median``, ``p95``) and ``sentences_a_second`` in batches of
        32; ``train`` and ``test``, the scores of :func:`~bengali_feedback.nlg.train.teacher_forced_scores`;
        ``hearer``, those of :func:`~.heard_emotion.train_hearer`; ``heard`` and ``heard_new``,
        :func:`~.heard_emotion.heard_right` of all answers and of those that are no corpus sentence;
        ``guard_by_ear``, :func:`~.heard_emotion.guard_by_ear`; ``emotions``, ``generated``, ``not_in_corpus`` and
        ``heard_right`` of each; ``answers``, every sentence with what was asked and where it came from.
    """
    import tensorflow as tf

    from ..nlg.train import encode_cues, encode_texts, teacher_forced_scores

    samples = read_corpus(corpus)
    known = {sample.text for sample in samples}
    generator.generate(EMOTIONS[0])  # the first call sets up TensorFlow
    generator.restart(seed)
    answers, seconds = [], []
    for emotion in EMOTIONS:
        for number in range(n_per_emotion):
            start = time.perf_counter()
            answers.append(generator.generate(emotion, REGISTERS[number % 2]))
            seconds.append(time.perf_counter() - start)

    said = set()
    repeated = 0
    for answer in answers:
        key = (answer.emotion, answer.register, answer.text)
        repeated += key in said
        said.add(key)
    written = some_of_each(samples, n_per_emotion, seed)
    new = [answer for answer in answers if answer.text not in known]
    hearer, hearer_scores = train_hearer(samples)
    heard = heard_right(hearer, answers)
    vocabulary = generator.vocabulary
    forward = tf.function(generator.model.call, reduce_retracing=True)  # run eagerly, the LSTMs take far longer
    scores = {}
    for split in ("train", "test"):
        chosen_split = [sample for sample in samples if sample.split == split]
        arrays = (encode_cues(vocabulary, chosen_split), *encode_texts(vocabulary, chosen_split))
        scores[split] = teacher_forced_scores(forward, *arrays)
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
        "corpus_distinct_2": distinct_2([sample.text for sample in written]),
        "self_bleu": self_bleu(answers),
        "self_bleu_without_repeats": self_bleu([*{(a.emotion, a.text): a for a in answers}.values()]),
        "corpus_self_bleu": self_bleu(written),
        "average_words": float(np.mean([len(words(answer.text)) for answer in answers])),
        "milliseconds": {
            "median": float(1000 * np.median(seconds)),
            "p95": float(1000 * np.quantile(seconds, 0.95)),
        },
        "sentences_a_second": throughput(generator, seed),
        **scores,
        "hearer": hearer_scores,
        "heard": heard,
        "heard_new": heard_right(hearer, new),
        "guard_by_ear": guard_by_ear(hearer, answers, samples),
        "emotions": {
            emotion.value: {
                "generated": _share(a.source == "generated" for a in answers if a.emotion is emotion),
                "not_in_corpus": _share(a.text not in known for a in answers if a.emotion is emotion),
                "heard_right": heard["emotions"][emotion.value],
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


def some_of_each(samples: Sequence[Sample], count: int, seed: int) -> list[Sample]:
    """Up to ``count`` samples of each emotion, drawn at random, to compare as many answers with."""
    random = np.random.default_rng(seed)
    chosen = []
    for emotion in EMOTIONS:
        own = [sample for sample in samples if sample.emotion is emotion]
        chosen += [own[number] for number in random.permutation(len(own))[:count]]
    return chosen


def self_bleu(answers: Sequence) -> float:
    """Self-BLEU (Zhu et al. 2018, *Texygen*): how much sentences are put together from the same pieces, 0 to 1.

    Mean over the sentences of the BLEU-4 against all others of the same emotion, since a listener who looks sad hears
    those. Smoothed by adding 0.1 to a count of 0 (method 1 of Chen & Cherry 2014). ``answers`` have ``emotion`` and
    ``text``; a sentence said twice counts 1 both times.
    """
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    smoothing = SmoothingFunction().method1
    groups = defaultdict(list)
    for answer in answers:
        groups[answer.emotion].append(words(answer.text))
    scores = [
        sentence_bleu(group[:number] + group[number + 1 :], sentence, smoothing_function=smoothing)
        for group in groups.values()
        if len(group) > 1
        for number, sentence in enumerate(group)
    ]
    return float(np.mean(scores)) if scores else 0.0


def throughput(generator, seed: int = 0) -> float:
    """Answers a second in batches of 32 that ask for all emotions and registers by turns; the median batch counts."""
    requests = [(EMOTIONS[number % 7], REGISTERS[number % 2]) for number in range(BATCH)]
    seconds = []
    for number in range(BATCHES):
        start = time.perf_counter()
        generator.generate_batch(requests, seed=seed + number)
        seconds.append(time.perf_counter() - start)
    return float(BATCH / np.median(seconds))


def nlg_pictures(generator, folder: Path, history: Sequence[dict] | None = None) -> None:
    """Draw ``curves.png``, the training, and ``attention-apni.png`` and ``attention-tumi.png``, what the cues weigh.

    ``history`` holds one dict an epoch; by default that of the shipped network.
    """
    if history is None:
        history = json.loads(checkpoint("nlg/generator.keras").with_name("history.json").read_text("utf-8"))["epochs"]
    labels = ("train, with dropout and label smoothing", "validation")
    plots.training_curves(history, "generator on the corpus", folder / "curves.png", labels)
    for register, emotion, intent in (("apni", EMOTIONS[4], "comfort"), ("tumi", EMOTIONS[3], "ask")):
        cues = sorted({s.cue for s in generator.corpus if (s.emotion, s.intent) == (emotion, intent)})
        if cues:
            weights = generator.attention(cues[0], register, emotion, intent)
            plots.attention_picture(weights, f"attention, {emotion}", folder / f"attention-{register}.png")


def nlg_markdown(report: dict) -> str:
    """The report of :func:`evaluate_nlg` as Markdown tables."""
    train, test, time_, hearer = report["train"], report["test"], report["milliseconds"], report["hearer"]
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
        (
            "self-BLEU within an emotion",
            f"{report['self_bleu']:.2f}; each answer once {report['self_bleu_without_repeats']:.2f} "
            f"(corpus sentences: {report['corpus_self_bleu']:.2f})",
        ),
        ("average words", f"{report['average_words']:.1f}"),
        ("milliseconds a sentence", f"{time_['median']:.1f} (95 % under {time_['p95']:.1f})"),
        ("sentences a second in batches of 32", f"{report['sentences_a_second']:.0f}"),
        ("training loss, nats a token, teacher-forced", f"{train['loss']:.2f}"),
        ("training accuracy of the next token", f"{train['accuracy']:.1%}"),
        (
            "both with padding counted (the paper: 0.6493, 83.18 %)",
            f"{train['padded_loss']:.4f}, {train['padded_accuracy']:.2%}",
        ),
        ("test loss, nats a token", f"{test['loss']:.2f}"),
        ("test perplexity", f"{test['perplexity']:.0f}"),
        ("test accuracy of the next token", f"{test['accuracy']:.1%}"),
        ("both with padding counted", f"{test['padded_loss']:.2f}, {test['padded_accuracy']:.1%}"),
        ("emotion heard right", f"{report['heard']['right']:.1%}; of new sentences {report['heard_new']['right']:.1%}"),
        ("emotion among the two likeliest", f"{report['heard']['among_two']:.1%}"),
        (
            "the classifier on written test sentences",
            f"{hearer['test_accuracy']:.1%}; {hearer['test_second']:.1%} of two",
        ),
    ]
    lines = ["| measure | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    lines += ["", "| emotion | said by the network | not in the corpus | heard right | of written test sentences |"]
    lines.append("|---" * 5 + "|")
    lines += [
        f"| {emotion} | {row['generated']:.0%} | {row['not_in_corpus']:.0%} | {row['heard_right']:.0%} | "
        f"{hearer['test_emotions'].get(emotion, 0):.0%} |"
        for emotion, row in report["emotions"].items()
    ]
    lines += ["", "Were an answer refused when the classifier hears otherwise:", ""]
    lines += ["| refused when | of the answers | of the new answers | of written test sentences |", "|---|---|---|---|"]
    lines += [
        f"| {row['rule']} | {row['refused_answers']:.1%} | {row['refused_new']:.1%} | {row['refused_test']:.1%} |"
        for row in report["guard_by_ear"]
    ]
    return "\n".join(lines)


def _share(hits) -> float:
    hits = list(hits)
    return sum(hits) / max(1, len(hits))
