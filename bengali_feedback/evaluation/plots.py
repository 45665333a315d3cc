"""Pictures of the reports, drawn with matplotlib into PNG files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..emotion import EMOTIONS
from ..files import replacing

BLUE, ORANGE, GREY = "#2266aa", "#cc6622", "#9aa0a6"


@contextmanager
def _axes(path: Path, width: float = 6.4, height: float = 4.8, columns: int = 1) -> Iterator:
    """Axes to draw on; the picture is written when the block ends, completely or not at all."""
    from matplotlib.figure import Figure  # not pyplot: no display, no global state

    figure = Figure(figsize=(width, height), layout="constrained")
    yield figure.subplots(1, columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=130, format="png", metadata={"Software": None})


def confusion_matrix(confusion: Sequence[Sequence[int]], title: str, path: Path) -> None:
    """Draw counts [7][7], rows true and columns predicted, shaded by the share of the row."""
    counts = np.asarray(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [str(emotion) for emotion in EMOTIONS]
    with _axes(path, 7.2, 6.2) as axes:
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(counts.shape):
            colour = "white" if shares[row, column] > 0.55 else "black"
            text = f"{shares[row, column]:.0%}\n{counts[row, column]}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
        axes.set_xticks(range(len(names)), names)
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel="predicted", ylabel="true", title=title)


def reliability_diagram(bins: Sequence[dict], error: float, title: str, path: Path) -> None:
    """Draw accuracy over confidence (Guo et al. 2017, Fig. 1); ``bins`` have confidence, accuracy and share."""
    confidence, accuracy, share = ([row[name] for row in bins] for name in ("confidence", "accuracy", "share"))
    with _axes(path) as axes:
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="calibrated")
        axes.plot(confidence, accuracy, color=BLUE, marker="o", label=f"network, error {error:.3f}")
        axes.bar(confidence, share, width=0.05, color=ORANGE, alpha=0.6, label="share of the faces")
        axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), title=title)
        axes.legend(loc="upper left")


def risk_coverage(coverage: Sequence[float], accuracy: Sequence[float], chosen: dict, title: str, path: Path) -> None:
    """Draw the accuracy of the most confident share of the faces; ``chosen`` has coverage and accuracy."""
    with _axes(path) as axes:
        axes.plot(coverage, accuracy, color=BLUE)
        point = f"threshold: {chosen['accuracy']:.1%} of {chosen['coverage']:.1%}"
        axes.plot(chosen["coverage"], chosen["accuracy"], "o", color=ORANGE, label=point)
        axes.set(xlabel="share of the faces answered", ylabel="accuracy on the answered", xlim=(0, 1), title=title)
        axes.grid(alpha=0.3)
        axes.legend(loc="lower left")


def training_curves(
    history: Sequence[dict[str, float]],
    title: str,
    path: Path,
    labels: tuple[str, str] = ("Training, augmented", "PublicTest"),
) -> None:
    """Draw loss and accuracy over the epochs, as Keras' history names them; ``labels`` of training and validation.

    A history need not have all four: what it lacks is not drawn.
    """
    prefix = "emotion_" if "emotion_loss" in history[0] else ""
    epochs = np.arange(1, len(history) + 1)
    with _axes(path, 10, 4, columns=2) as axes:
        for part, name in zip(axes, ("loss", "accuracy"), strict=True):
            for key, label, colour in zip(("", "val_"), labels, (GREY, BLUE), strict=True):
                if f"{key}{prefix}{name}" in history[0]:
                    part.plot(epochs, [row[f"{key}{prefix}{name}"] for row in history], color=colour, label=label)
            part.set(xlabel="epoch", ylabel=name)
            part.grid(alpha=0.3)
            part.legend()
        axes[0].set_title(title, loc="left")


def attention_picture(weights: dict[str, float], title: str, path: Path) -> None:
    """Draw how much each cue token weighs in the context, as :meth:`~..nlg.generator.FeedbackGenerator.attention` says.

    ``weights`` is ``{token: share}``, drawn from the first token down, control tokens such as ``<sad>`` in another
    colour; the dashed line is where all would weigh the same. Matplotlib shapes Bengali conjuncts and vowel signs from
    its version 3.11 on.
    """
    from matplotlib import font_manager

    from .picture import bengali_fonts  # the same font as in the picture of a reply

    file, _ = bengali_fonts()
    font_manager.fontManager.addfont(file)
    family = ["DejaVu Sans", font_manager.FontProperties(fname=file).get_name()]  # the second lacks Latin letters
    with _axes(path, 6.4, 1.2 + 0.36 * len(weights)) as axes:
        places = range(len(weights))
        bars = axes.barh(places, [*weights.values()], color=[ORANGE if t.startswith("<") else BLUE for t in weights])
        axes.bar_label(bars, [f"{share:.1%}" for share in weights.values()], padding=3)
        axes.set_yticks(places, [token.strip("<>") for token in weights], family=family, fontsize=12)
        axes.axvline(1 / len(weights), color=GREY, linestyle="--", linewidth=1, zorder=0)
        axes.set(xlabel="attention weight", xlim=(0, 1.15 * max(weights.values())), title=title)
        axes.invert_yaxis()


def group_bars(attributes: dict[str, dict[str, dict]], overall: float | None, title: str, path: Path) -> None:
    """Draw the accuracy of every group of every attribute with its interval, and the whole set's as a line.

    ``attributes`` is ``{attribute: {group: score}}``; a score has accuracy, accuracy_interval (both None where no face
    was found), faces and too_few, which makes the bar pale.
    """
    from matplotlib import font_manager

    rows = [(None, name) if score is None else (score, f"{name} ({score['faces']})")
            for attribute, groups in attributes.items()
            for name, score in ((attribute, None), *groups.items())]  # fmt: skip
    # Groups may have Bengali names, which matplotlib's own font lacks.
    family = ["DejaVu Sans", *({"Noto Sans Bengali"} & set(font_manager.get_font_names()))]
    with _axes(path, 7.2, 1.2 + 0.3 * len(rows)) as axes:
        for place, (score, _) in enumerate(rows):
            if score is None or score["accuracy"] is None:
                continue
            accuracy, (low, high) = score["accuracy"], score["accuracy_interval"]
            axes.barh(place, accuracy, color=GREY if score["too_few"] else BLUE, alpha=0.5 if score["too_few"] else 1)
            axes.errorbar(
                accuracy, place, xerr=[[max(0, accuracy - low)], [max(0, high - accuracy)]], color="black", capsize=3
            )
        if overall is not None:
            axes.axvline(overall, color=ORANGE, linestyle="--", label=f"all faces {overall:.1%}")
            axes.legend(loc="upper right", bbox_to_anchor=(1, -0.08), frameon=False)
        axes.set_yticks(range(len(rows)), [label for _, label in rows], family=family)
        for (score, _), label in zip(rows, axes.get_yticklabels(), strict=True):
            label.set_fontweight("bold" if score is None else "normal")
        axes.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6), title=title)
