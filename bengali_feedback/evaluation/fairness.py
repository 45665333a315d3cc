"""Whether the facial emotion network serves every group of people alike (seed 004 asks for it).

Any labelled set of photos will do: a CSV with the columns ``path`` and ``emotion``; every other column is a
demographic attribute, such as age_group, gender or skin_type. The repository holds no such set.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..emotion import EMOTIONS, Emotion
from ..errors import DataError, ImageError
from ..fer.recognizer import Face, FaceEmotionRecognizer
from ..images import load_image
from .plots import group_bars

REQUIRED = ("path", "emotion")
FEWEST = 30  # faces; fewer tell a share no better than ±17 points, and their group is not compared
SIGNIFICANCE = 0.05  # of the whole report: divided by the number of its tests (Bonferroni)
LEAST_EXPECTED = 5  # faces in a cell, below which the chi-square distribution is a poor guide (Cochran 1954)
RANDOM_TABLES = 9999  # drawn where it is and there are more than two groups


@dataclass(frozen=True)
class LabelledPhoto:
    """One row of a labelled set."""

    path: Path
    """The photo, or a bare crop of a face."""
    emotion: Emotion
    """What its face shows, by the label."""
    groups: dict[str, str]
    """The group of each demographic attribute."""
    row: str
    """File and line, for messages."""


@dataclass(frozen=True)
class Answer:
    """A labelled photo and its largest face, None where none was found."""

    photo: LabelledPhoto
    face: Face | None

    @property
    def right(self) -> bool:
        return self.face is not None and self.face.emotion is self.photo.emotion


def read_labelled_photos(path: Path) -> list[LabelledPhoto]:
    """Read a labelled set.

    Parameters
    ----------
    path
        A UTF-8 CSV with the columns ``path`` (of an image, relative to the CSV), ``emotion`` (one of our seven names)
        and at least one demographic attribute.

    Raises
    ------
    DataError
        When the file or a photo of it is missing, or a column, a name or a value is wrong; the message names the
        file, the line and the column.
    """
    try:
        content = Path(path).read_bytes()
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        header = _check_header([name.strip() for name in next(rows, [])], path)
        photos = [_parse(header, row, path, rows.line_num) for row in rows if row]
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror}; give a CSV with the columns path and emotion."
        ) from None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(f"{path}, line {line}: not UTF-8; save the file as UTF-8.") from None
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.line_num}: {error}; quote the cells as CSV asks for.") from None
    if not photos:
        raise DataError(f"{path} has no row below its header: add one row for each photo.")
    return photos


def _check_header(header: list[str], path: Path) -> list[str]:
    for number, name in enumerate(header, start=1):
        if not name:
            raise DataError(f"{path}, line 1, column {number}: the column has no name; give it one.")
        if name in header[: number - 1]:
            raise DataError(f"{path}, line 1, column {number}: {name!r} stands there twice; rename or drop one.")
    for name in REQUIRED:
        if name not in header:
            raise DataError(f"{path}, line 1: the column {name!r} is missing; the header must name path and emotion.")
    if len(header) == len(REQUIRED):
        raise DataError(f"{path}, line 1: there is no demographic column; add one, such as age_group.")
    return header


def _parse(header: list[str], row: list[str], path: Path, line: int) -> LabelledPhoto:
    where = f"{path}, line {line}"
    if len(row) != len(header):
        raise DataError(f"{where}: {len(row)} columns instead of the header's {len(header)}.")
    values = {name: value.strip() for name, value in zip(header, row, strict=True)}
    for name, value in values.items():
        if not value:
            hint = "" if name in REQUIRED else "; write a group, such as unknown"
            raise DataError(f"{where}, column {name}: the value is empty{hint}.")
    emotion = values.pop("emotion")
    if emotion not in EMOTIONS:
        names = ", ".join(map(str, EMOTIONS))
        raise DataError(f"{where}, column emotion: {emotion!r} is not one of {names}.")
    photo = Path(path).parent / values.pop("path")
    if not photo.is_file():
        raise DataError(f"{where}, column path: {photo} does not exist; paths are relative to the CSV.")
    return LabelledPhoto(photo, Emotion(emotion), values, where)


def evaluate_fairness(photos: Sequence[LabelledPhoto], recognizer: FaceEmotionRecognizer) -> dict:
    """Recognise every photo as a user's would be, and score each group of each attribute.

    Returns
    -------
    dict
        ``all``, the score of the whole set; ``attributes`` and ``intersections`` (pairs of attributes), each
        ``{name: {groups: {group: score}, gaps: {accuracy, found}}}``; ``tests``, the number of p-values, and
        ``significance``, the level below which one of them counts; ``fewest``, the faces a group needs.

        A score has ``faces`` (labelled), ``found`` (share of them, with ``found_interval``); of the faces found
        ``accuracy`` with ``accuracy_interval`` (both Wilson 95 %), ``macro_recall`` over the emotions that the group
        shows, ``confidence`` (mean) and ``certain`` (share), None when none was found; and ``too_few``. A gap has
        ``difference``, ``best``, ``worst``, ``p_value`` and ``test`` (:func:`independence`), all None where fewer than
        two groups are large enough.

    Raises
    ------
    DataError
        When there is no photo, or one cannot be read; the message names its row.
    """
    if not photos:
        raise DataError("there is no labelled photo: give at least one.")
    # Silent unless someone watches: a progress bar in a log is noise.
    answers = [_recognise(photo, recognizer) for photo in tqdm(photos, desc="photos", disable=None)]
    names = list(photos[0].groups)
    attributes = {name: _compare(answers, (name,)) for name in names}
    intersections = {" × ".join(pair): _compare(answers, pair) for pair in combinations(names, 2)}
    compared = [*attributes.values(), *intersections.values()]
    tests = sum(gap["p_value"] is not None for attribute in compared for gap in attribute["gaps"].values())
    return {
        "all": _score(answers),
        "attributes": attributes,
        "intersections": intersections,
        "tests": tests,
        "significance": SIGNIFICANCE / max(tests, 1),
        "fewest": FEWEST,
    }


def _recognise(photo: LabelledPhoto, recognizer: FaceEmotionRecognizer) -> Answer:
    try:
        image = load_image(photo.path)
    except ImageError as error:
        raise DataError(f"{photo.row}, column path: {error}") from None
    faces = recognizer.recognize(image)
    return Answer(photo, faces[0] if faces else None)


def _compare(answers: Sequence[Answer], attributes: tuple[str, ...]) -> dict:
    """Scores of the groups that one attribute makes, or several together, and the gaps between them."""
    groups: dict[str, list[Answer]] = {}
    for answer in answers:
        groups.setdefault(" × ".join(answer.photo.groups[name] for name in attributes), []).append(answer)
    scores = {name: _score(groups[name]) for name in sorted(groups)}
    found = {name: [answer for answer in group if answer.face] for name, group in groups.items()}
    return {
        "groups": scores,
        "gaps": {
            "accuracy": _gap({name: [a.right for a in found[name]] for name in scores}),
            "found": _gap({name: [a.face is not None for a in groups[name]] for name in scores}),
        },
    }


def _score(answers: Sequence[Answer]) -> dict:
    """The score of one group, as :func:`evaluate_fairness` describes it."""
    found = [answer for answer in answers if answer.face]
    score = {
        "faces": len(answers),
        "found": len(found) / len(answers),
        "found_interval": wilson_interval(len(found), len(answers)),
        "too_few": len(found) < FEWEST,
    }
    if not found:
        return score | dict.fromkeys(("accuracy", "accuracy_interval", "macro_recall", "confidence", "certain"))
    right = sum(answer.right for answer in found)
    return score | {
        "accuracy": right / len(found),
        "accuracy_interval": wilson_interval(right, len(found)),
        "macro_recall": _macro_recall(found),
        "confidence": float(np.mean([answer.face.probabilities[answer.face.emotion] for answer in found])),
        "certain": float(np.mean([answer.face.certain for answer in found])),
    }


def wilson_interval(hits: int, count: int) -> list[float]:
    """The 95 % interval of a share (Wilson 1927), which stays within 0 and 1 and holds for few faces too."""
    from scipy.stats import binomtest

    return list(map(float, binomtest(hits, count).proportion_ci(0.95, method="wilson")))


def _macro_recall(found: Sequence[Answer]) -> float:
    from sklearn.metrics import recall_score

    labels = [answer.photo.emotion.index for answer in found]
    predicted = [answer.face.emotion.index for answer in found]
    # Only the emotions that the group shows: without a face of it an emotion has no recall.
    return float(recall_score(labels, predicted, labels=sorted(set(labels)), average="macro", zero_division=0))


def _gap(hits: dict[str, list[bool]]) -> dict:
    """Difference of the best and the worst group that is large enough, and whether chance explains the groups."""
    counts = {name: (sum(group), len(group) - sum(group)) for name, group in hits.items() if len(group) >= FEWEST}
    if len(counts) < 2:
        return dict.fromkeys(("difference", "best", "worst", "p_value", "test"))
    shares = {name: hit / (hit + miss) for name, (hit, miss) in counts.items()}
    best, worst = max(shares, key=shares.get), min(shares, key=shares.get)
    p_value, test = independence(np.array(list(counts.values())))
    return {"difference": shares[best] - shares[worst], "best": best, "worst": worst, "p_value": p_value, "test": test}


def independence(table: np.ndarray) -> tuple[float, str]:
    """Probability of groups that differ at least this much when hits do not depend on the group, and the test.

    All groups are tested together: best and worst were picked for their difference, which would look significant too
    often if tested alone.

    Parameters
    ----------
    table
        int [groups, 2], hits and misses; every group has some of either.

    Returns
    -------
    p_value, test
        ``chi-square`` (Pearson, uncorrected); where a cell expects fewer than 5, ``Fisher`` for two groups and
        ``chi-square, random tables`` for more (9,999 of the same margins, seed 0); ``none needed`` and 1 when all
        hit or all miss.
    """
    from scipy.stats import chi2_contingency, fisher_exact, random_table

    rows, columns = table.sum(axis=1), table.sum(axis=0)
    if not columns.all():
        return 1.0, "none needed"
    expected = np.outer(rows, columns) / table.sum()
    if expected.min() >= LEAST_EXPECTED:
        return float(chi2_contingency(table, correction=False).pvalue), "chi-square"
    if len(table) == 2:
        return float(fisher_exact(table)[1]), "Fisher"
    drawn = random_table(rows, columns).rvs(RANDOM_TABLES, random_state=0)
    distances = ((np.concatenate([table[np.newaxis], drawn]) - expected) ** 2 / expected).sum(axis=(1, 2))
    return float(np.mean(distances >= distances[0] * (1 - 1e-12))), "chi-square, random tables"


def fairness_markdown(result: dict) -> str:
    """The report as Markdown."""
    whole = result["all"]
    lines = [
        "# Fairness of the facial emotion network",
        "",
        f"{whole['faces']} labelled faces, {whole['found']:.1%} found, accuracy {_share(whole['accuracy'])} of those "
        "found. Intervals: 95 %, Wilson.",
        "",
        f"Groups with fewer than {result['fewest']} faces found are marked “too few”; their accuracy is not compared. "
        "A p-value tells how often chance alone makes all groups differ at least this much; with "
        f"{result['tests']} tests one counts below {result['significance']:.2g} (0.05 by Bonferroni). Groups that show "
        "other emotions differ in accuracy for that reason too: compare their macro recall.",
    ]
    for name, attribute in (result["attributes"] | result["intersections"]).items():
        lines += ["", f"## {name}", "", *_table(attribute["groups"]), ""]
        lines += [_gap_line(measure, gap, result["significance"]) for measure, gap in attribute["gaps"].items()]
    return "\n".join(lines) + "\n"


def fairness_picture(result: dict, path: Path) -> None:
    """Draw each group's accuracy with its interval into a PNG; the groups that are too small are pale."""
    bars = {name: attribute["groups"] for name, attribute in result["attributes"].items()}
    group_bars(bars, result["all"]["accuracy"], "Accuracy on the faces found, with 95 % intervals", path)


def _table(groups: dict[str, dict]) -> list[str]:
    lines = [
        "| group | faces | found | accuracy | 95 % interval | macro recall | mean confidence | certain | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, score in groups.items():
        name = name.replace("|", r"\|")  # would end the cell
        interval = "–".join(map(_share, score["accuracy_interval"] or (None, None)))
        shares = " | ".join(_share(score[key]) for key in ("macro_recall", "confidence", "certain"))
        lines.append(
            f"| {name} | {score['faces']} | {_share(score['found'])} | {_share(score['accuracy'])} "
            f"| {interval} | {shares} | {'too few' if score['too_few'] else ''} |"
        )
    return lines


def _gap_line(measure: str, gap: dict, significance: float) -> str:
    name = {"accuracy": "Accuracy", "found": "Faces found"}[measure]
    if gap["difference"] is None:
        return f"- {name}: too few faces to compare groups."
    judgement = "beyond chance" if gap["p_value"] < significance else "chance could explain it"
    return (
        f"- {name}: {100 * gap['difference']:.1f} points between {gap['best']} (best) and {gap['worst']} (worst), "
        f"p = {gap['p_value']:.2g} ({gap['test']}): {judgement}."
    )


def _share(value: float | None) -> str:
    return "?" if value is None else f"{value:.1%}"
