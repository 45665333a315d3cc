"""Which emotion a sentence answers, as another kind of model than the generator hears it.

Words and letter sequences, weighted by TF-IDF, and a linear model: no word order beyond pairs, no Word2Vec, no cue.
It is trained on the corpus's train split, chosen by the val split and scored on the test split, whose sentences share
no five words in a row with the others. Many feedback sentences ("চলুন একটু হাঁটি", let us walk a little) suit several
emotions; so what it hears wrongly is not always said wrongly.
"""

from collections.abc import Sequence

import numpy as np

from ..emotion import EMOTIONS, Emotion
from ..errors import DataError
from ..nlg.dataset import SPLITS, Sample

STRENGTHS = (1.0, 3.0, 10.0, 30.0)  # inverse regularisation C to choose from
LETTERS = ((2, 4), (2, 5))  # lengths of letter sequences to choose from
GUARD_BELOW = (0.02, 0.05, 0.1, 0.2)  # probabilities of the asked emotion at which a guard might refuse
_TOKEN = "[\u0980-\u09ff\u200d]+|[?!]"


class EmotionHearer:
    """Probabilities of the seven emotions for sentences; made by :func:`train_hearer`."""

    def __init__(self, letters: tuple[int, int], strength: float):
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline, make_union

        self.letters, self.strength = letters, strength
        self._features = make_union(
            TfidfVectorizer(token_pattern=_TOKEN, ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32),
            TfidfVectorizer(analyzer="char_wb", ngram_range=letters, min_df=2, sublinear_tf=True, dtype=np.float32),
        )
        self._model = make_pipeline(self._features, LogisticRegression(C=strength, max_iter=200, tol=1e-3))

    def fit(self, samples: Sequence[Sample]) -> "EmotionHearer":
        """Learn from samples of at least two emotions."""
        self._model.fit([sample.text for sample in samples], [sample.emotion.index for sample in samples])
        return self

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Probability of each emotion, float64 [texts, 7], in the order of ``EMOTIONS``."""
        result = np.zeros((len(texts), len(EMOTIONS)))
        if texts:
            result[:, self._model.classes_] = self._model.predict_proba(texts)
        return result


def train_hearer(samples: Sequence[Sample]) -> tuple[EmotionHearer, dict]:
    """Train on the train split with the settings that hear the val split best, and score them on the test split.

    Parameters
    ----------
    samples
        The corpus, all splits.

    Returns
    -------
    hearer, scores
        ``letters`` and ``strength``, the chosen settings; ``val_accuracy`` and ``test_accuracy``; ``test_second``, how
        often the right emotion is among the two likeliest; ``test_emotions``, the share heard right of each.

    Raises
    ------
    DataError
        When a split is empty.
    """
    splits = {split: [sample for sample in samples if sample.split == split] for split in SPLITS}
    for split, own in splits.items():
        if not own:
            raise DataError(f"the corpus has no {split} samples: an emotion classifier needs train, val and test.")
    tried = [EmotionHearer(letters, strength).fit(splits["train"]) for letters in LETTERS for strength in STRENGTHS]
    accuracies = [heard_right(hearer, splits["val"])["right"] for hearer in tried]
    best = int(np.argmax(accuracies))
    test = heard_right(tried[best], splits["test"])
    return tried[best], {
        "letters": list(tried[best].letters),
        "strength": tried[best].strength,
        "val_accuracy": accuracies[best],
        "test_accuracy": test["right"],
        "test_second": test["among_two"],
        "test_emotions": test["emotions"],
    }


def heard_right(hearer: EmotionHearer, answers: Sequence) -> dict:
    """How often the emotion of samples or answers (both have ``emotion`` and ``text``) is heard.

    Returns
    -------
    dict
        ``right``, share whose likeliest emotion is theirs; ``among_two``, share of which it is one of the two
        likeliest; ``emotions``, ``right`` for each emotion that occurs.
    """
    asked = np.array([Emotion(answer.emotion).index for answer in answers], int)
    ranked = np.argsort(-hearer.probabilities([answer.text for answer in answers]), axis=1, kind="stable")
    right = ranked[:, 0] == asked
    return {
        "right": _mean(right),
        "among_two": _mean((ranked[:, :2] == asked[:, None]).any(axis=1)),
        "emotions": {
            emotion.value: _mean(right[asked == emotion.index])
            for emotion in EMOTIONS
            if (asked == emotion.index).any()
        },
    }


def guard_by_ear(hearer: EmotionHearer, answers: Sequence, samples: Sequence[Sample]) -> list[dict]:
    """What a guard would refuse that hears an answer as another emotion, or its own as too unlikely.

    Its false alarms are known for the test split, whose emotions people gave, so that the two shares compare: a guard
    that refuses no more of the answers than of written sentences finds nothing.

    Returns
    -------
    list of dict
        ``rule``; ``refused_answers``, ``refused_new`` (those that are no corpus sentence) and ``refused_test``, shares.
    """
    known = {sample.text for sample in samples}
    groups = {
        "refused_answers": answers,
        "refused_new": [answer for answer in answers if answer.text not in known],
        "refused_test": [sample for sample in samples if sample.split == "test"],
    }
    rules = {"another emotion is likelier": None, **{f"its own is below {limit}": limit for limit in GUARD_BELOW}}
    rows = [{"rule": rule} for rule in rules]
    for name, group in groups.items():
        probabilities = hearer.probabilities([answer.text for answer in group])
        own = probabilities[np.arange(len(group)), [Emotion(answer.emotion).index for answer in group]]
        for row, limit in zip(rows, rules.values(), strict=True):
            row[name] = _mean(own < (probabilities.max(axis=1, initial=0) if limit is None else limit))
    return rows


def _mean(hits: np.ndarray) -> float:
    return float(hits.mean()) if len(hits) else 0.0
