"""One picture of one reply: the photo, what was seen in it, what was said, and how it sounds.

Everything is drawn with Pillow at twice the final size and then halved, which smooths every edge. Bengali
needs a shaping engine (conjuncts, reph, the vowel sign ি that stands before its consonant): Pillow's wheel
brings libraqm and HarfBuzz and loads the system's FriBiDi.
"""

import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

from ..emotion import EMOTIONS, Emotion
from ..errors import MissingDependencyError
from ..files import replacing
from ..tts.audio import F_MAX, FFT_LENGTH, LOG_FLOOR, mel_spectrogram

if TYPE_CHECKING:
    from ..fer.recognizer import Face
    from ..pipeline import Feedback

WIDTH, HEIGHT = 1600, 1000  # pixels of the PNG
SHOWN_RANGE = 80 / 20 * np.log(10)  # 80 dB as a natural logarithm of magnitudes

PAPER, CARD, INK, GREY, LINE = "#F5F2EC", "#FFFFFF", "#1F2430", "#6B707C", "#E6E1D7"
COLOURS = {
    Emotion.ANGRY: "#C0392B",
    Emotion.DISGUST: "#5B7F2B",
    Emotion.FEAR: "#6C4AA5",
    Emotion.HAPPY: "#C47F00",
    Emotion.SAD: "#2F6DA8",
    Emotion.SURPRISE: "#C2541B",
    Emotion.NEUTRAL: "#5C6672",
}
STAGES = {"fer": "FER", "nlg": "NLG", "tacotron2": "Tacotron 2", "waveglow": "WaveGlow"}

FONT_FOLDERS = (Path("/usr/share/fonts/truetype/noto"), Path("/usr/share/fonts/noto"))  # Debian; Alpine and Arch

# Corners (left, top, right, bottom) of each part, in units of half a pixel of the PNG.
_PHOTO = (80, 80, 1180, 1180)
_HEADING = (1260, 80, 3120, 190)
_SENTENCE = (1260, 230, 3120, 640)
_BARS = (1260, 680, 3120, 1180)
_SOUND = (80, 1240, 3120, 1856)
_WAVEFORM = (240, 1280, 3080, 1460)
_MEL = (240, 1500, 3080, 1796)
_FOOTER = 1926  # vertical middle of the last line


def reply_picture(feedback: "Feedback", path: str | Path) -> None:
    """Write the picture of one reply as a PNG of 1600 x 1000 pixels.

    Parameters
    ----------
    feedback
        What :class:`bengali_feedback.FeedbackPipeline` answered. Read are ``photo`` (uint8 RGB
        ``[H, W, 3]``), ``faces`` (the largest, which was answered, first), ``emotion``, ``probabilities``,
        ``text``, ``audio`` (float32 ``[n]`` in [-1, 1]), ``sample_rate`` (Hz) and ``timings`` (seconds).
    path
        Where the PNG goes; missing folders are made, and an older file is replaced only by a whole new one.

    Raises
    ------
    MissingDependencyError
        When no Bengali font or no text shaping is there; the message names the package to install.
    """
    bengali_fonts()  # fails here, before anything is drawn
    canvas = Image.new("RGB", (2 * WIDTH, 2 * HEIGHT), PAPER)
    draw = ImageDraw.Draw(canvas)
    _draw_photo(canvas, feedback)
    _draw_heading(draw, feedback)
    _draw_sentence(draw, feedback)
    _draw_bars(draw, feedback)
    _draw_sound(canvas, draw, feedback)
    _draw_timings(draw, feedback)

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        canvas.reduce(2).save(temporary, format="PNG")


@lru_cache(maxsize=1)
def bengali_fonts() -> tuple[Path, Path]:
    """The regular and the bold font file for Bengali, Noto Sans Bengali where it is installed.

    Raises
    ------
    MissingDependencyError
        When Pillow cannot shape complex scripts here, or when no installed font covers Bengali.
    """
    if not features.check("raqm"):
        raise MissingDependencyError(
            "Pillow cannot shape Bengali text here because FriBiDi is missing: "
            "install it with `sudo apt-get install libfribidi0`."
        )
    for folder in FONT_FOLDERS:
        regular, bold = (folder / f"NotoSansBengali-{weight}.ttf" for weight in ("Regular", "Bold"))
        if regular.is_file():
            return regular, bold if bold.is_file() else regular
    regular = _fontconfig_bengali("Regular")
    if regular is None:
        raise MissingDependencyError(
            "no font for Bengali was found: install one with `sudo apt-get install fonts-noto-core`."
        )
    return regular, _fontconfig_bengali("Bold") or regular


def _fontconfig_bengali(style: str) -> Path | None:
    """The font that fontconfig would take for Bengali, or None; it names some font even where none fits."""
    if not shutil.which("fc-match"):
        return None
    command = ["fc-match", "--format=%{file}\n%{lang}", f"Noto Sans Bengali:lang=bn:style={style}"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    file, _, languages = answer.partition("\n")
    return Path(file) if "bn" in languages.split("|") and Path(file).is_file() else None


@lru_cache(maxsize=64)
def _bengali(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    file = bengali_fonts()[1 if bold else 0]
    return ImageFont.truetype(str(file), size, layout_engine=ImageFont.Layout.RAQM)


@lru_cache(maxsize=64)
def _latin(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Noto Sans if it lies beside the Bengali font (which has no Latin letters), else Pillow's own font."""
    file = bengali_fonts()[0].with_name(f"NotoSans-{'Bold' if bold else 'Regular'}.ttf")
    return ImageFont.truetype(str(file), size) if file.is_file() else ImageFont.load_default(size)


def fit_sentence(text: str, width: int, height: int, largest: int = 108, smallest: int = 44) -> tuple[list[str], int]:
    """Break a Bengali sentence into lines at blanks, in the largest font size that fits a box.

    Parameters
    ----------
    text
        The sentence; a text too long for the smallest size is cut with an ellipsis.
    width, height
        The box, in the units of the font sizes ``largest`` and ``smallest``.

    Returns
    -------
    lines, size
        At least one line. Lines are ``1.5 * size`` apart.
    """
    for size in range(largest, smallest - 1, -4):
        lines = _wrap(text, _bengali(size, bold=True), width)
        if len(lines) * 1.5 * size <= height and all(_bengali(size, True).getlength(line) <= width for line in lines):
            return lines, size
    room = max(1, int(height // (1.5 * smallest)))
    if len(lines) > room:
        lines = [*lines[: room - 1], lines[room - 1] + " …"]
    return [_shorten(line, _bengali(smallest, bold=True), width) for line in lines], smallest


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Greedy line breaking at blanks; a single word wider than ``width`` keeps a line of its own."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines or [""]


def _shorten(line: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """Cut letters before a final ellipsis until the line fits."""
    while font.getlength(line) > width:
        line = line.rstrip(" …")[:-1] + " …"
    return line


def _draw_photo(canvas: Image.Image, feedback: "Feedback") -> None:
    """The photo as large as its frame allows, and a box with a label for each face."""
    left, top, right, bottom = _PHOTO
    photo = Image.fromarray(feedback.photo)
    scale = min((right - left) / photo.width, (bottom - top) / photo.height)
    photo = photo.resize((max(1, round(photo.width * scale)), max(1, round(photo.height * scale))), Image.LANCZOS)
    draw = ImageDraw.Draw(photo)
    for face in reversed(feedback.faces):  # the largest, which was answered, comes last and lies on top
        _draw_face(draw, photo.size, face, scale, answers=face is feedback.faces[0])
    frame = Image.new("RGB", (right - left, bottom - top), LINE)
    frame.paste(photo, ((frame.width - photo.width) // 2, (frame.height - photo.height) // 2))
    mask = Image.new("L", frame.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, frame.width - 1, frame.height - 1), 28, fill=255)
    canvas.paste(frame, (left, top), mask)


def _draw_face(draw: ImageDraw.ImageDraw, size: tuple[int, int], face: "Face", scale: float, answers: bool) -> None:
    box = face.box
    x, y, width, height = (round(scale * value) for value in (box.x, box.y, box.width, box.height))
    colour = COLOURS[face.emotion]
    draw.rounded_rectangle((x, y, x + width, y + height), 16, outline=colour, width=10 if answers else 5)

    font_size, padding = (40, 18) if answers else (28, 10)
    latin, bengali = _latin(font_size, bold=True), _bengali(font_size, bold=True)
    english, gap = face.emotion.value, font_size // 2
    label_width = latin.getlength(english) + gap + bengali.getlength(face.emotion.bengali) + 2 * padding
    label_height = round(1.7 * font_size)
    label_x = min(max(0, x), max(0, size[0] - label_width))
    label_y = y - label_height - 6
    if label_y < 0:  # no room above the box: below it, or inside at the photo's lower edge
        label_y = min(y + height + 6, size[1] - label_height)
    draw.rounded_rectangle((label_x, label_y, label_x + label_width, label_y + label_height), 12, fill=colour)
    middle = label_y + label_height / 2
    _text(draw, (label_x + padding, middle), english, latin, "white")
    start = label_x + padding + latin.getlength(english) + gap
    _text(draw, (start, middle), face.emotion.bengali, bengali, "white")


def _draw_heading(draw: ImageDraw.ImageDraw, feedback: "Feedback") -> None:
    left, top, right, bottom = _HEADING
    colour, middle = COLOURS[feedback.emotion], (top + bottom) / 2
    latin, bengali = _latin(96, bold=True), _bengali(96, bold=True)
    _text(draw, (left, middle), feedback.emotion.value, latin, colour)
    start = left + latin.getlength(feedback.emotion.value) + 44
    _text(draw, (start, middle), feedback.emotion.bengali, bengali, colour)
    _text(draw, (right, middle), f"{100 * feedback.probabilities[feedback.emotion]:.0f} %", latin, colour, "r")


def _draw_sentence(draw: ImageDraw.ImageDraw, feedback: "Feedback") -> None:
    left, top, right, bottom = _SENTENCE
    draw.rounded_rectangle(_SENTENCE, 28, fill=CARD)
    draw.rounded_rectangle((left, top, left + 20, bottom), 10, fill=COLOURS[feedback.emotion])
    lines, size = fit_sentence(feedback.text, right - left - 140, bottom - top - 70)
    pitch = 1.5 * size
    first = (top + bottom) / 2 - pitch * (len(lines) - 1) / 2
    for i, line in enumerate(lines):
        _text(draw, (left + 76, first + i * pitch), line, _bengali(size, bold=True), INK)


def _draw_bars(draw: ImageDraw.ImageDraw, feedback: "Feedback") -> None:
    left, top, right, bottom = _BARS
    pitch = (bottom - top) / len(EMOTIONS)
    bar_left, bar_right = left + 470, right - 150
    for i, emotion in enumerate(EMOTIONS):
        middle = top + (i + 0.5) * pitch
        answers = emotion is feedback.emotion
        colour, ink = COLOURS[emotion], INK if answers else GREY
        probability = feedback.probabilities[emotion]
        _text(draw, (left, middle), emotion.value, _latin(38, answers), ink)
        _text(draw, (left + 210, middle), emotion.bengali, _bengali(40, answers), ink)
        draw.rounded_rectangle((bar_left, middle - 17, bar_right, middle + 17), 17, fill=LINE)
        end = bar_left + probability * (bar_right - bar_left)
        if end - bar_left >= 4:
            radius = min(17, (end - bar_left) / 2)
            draw.rounded_rectangle((bar_left, middle - 17, end, middle + 17), radius, fill=colour)
        _text(draw, (right, middle), f"{100 * probability:.1f} %", _latin(36, answers), ink, "r")


def _draw_sound(canvas: Image.Image, draw: ImageDraw.ImageDraw, feedback: "Feedback") -> None:
    """Waveform above mel spectrogram, on one time axis."""
    draw.rounded_rectangle(_SOUND, 28, fill=CARD)
    audio = np.asarray(feedback.audio, dtype=np.float32)
    left, top, right, bottom = _WAVEFORM
    middle, half = (top + bottom) / 2, (bottom - top) / 2
    peak = float(np.abs(audio).max(initial=0))
    full = next((level for level in (0.25, 0.5) if peak <= level), 1)  # so that quiet speech is seen too
    draw.line((left, middle, right, middle), fill=LINE, width=2)
    edges = np.linspace(0, len(audio), right - left + 1).astype(int)
    for x in range(right - left):
        column = audio[edges[x] : max(edges[x + 1], edges[x] + 1)]
        if len(column):
            high, low = middle - half / full * column.max(), middle - half / full * column.min()
            draw.line((left + x, high, left + x, max(low, high + 2)), fill=COLOURS[feedback.emotion])
    for level in (full, 0, -full):
        _text(draw, (left - 24, middle - level / full * half), f"{level:g}", _latin(28), GREY, "r")

    left, top, right, bottom = _MEL
    picture, ticks = mel_picture(audio)
    canvas.paste(Image.fromarray(picture).resize((right - left, bottom - top), Image.BICUBIC), (left, top))
    for kilohertz, height in ticks.items():
        y = bottom - height * (bottom - top)
        draw.line((left - 12, y, left, y), fill=GREY, width=2)
        _text(draw, (left - 24, y), f"{kilohertz:g} kHz", _latin(28), GREY, "r")

    seconds = len(audio) / feedback.sample_rate
    step = next((step for step in (0.1, 0.25, 0.5, 1, 2, 5, 10) if seconds / step <= 12), 30)
    for i in range(int(seconds / step) + 1):
        x = left + i * step / max(seconds, step) * (right - left)
        draw.line((x, bottom, x, bottom + 10), fill=GREY, width=2)
        _text(draw, (min(x, right - 20), bottom + 32), f"{i * step:g} s", _latin(28), GREY, "m")


def mel_picture(audio: np.ndarray) -> tuple[np.ndarray, dict[float, float]]:
    """Mel spectrogram of a sound as colours, by the analysis that Tacotron 2 learnt to predict.

    Parameters
    ----------
    audio
        float32 ``[n]`` in [-1, 1] at 16 kHz.

    Returns
    -------
    picture, ticks
        uint8 RGB ``[80, frames, 3]``, high frequencies first, 80 dB from black to the brightest colour;
        and the height (0 at the bottom to 1 at the top) of some frequencies in kHz.
    """
    import librosa
    from matplotlib import colormaps

    audio = np.pad(audio, (0, max(0, FFT_LENGTH - len(audio))))  # at least one whole window
    mel = mel_spectrogram(audio)
    loudest = max(float(mel.max()), np.log(LOG_FLOOR) + SHOWN_RANGE)  # so that silence is black
    colours = colormaps["magma"](np.clip((mel - loudest) / SHOWN_RANGE + 1, 0, 1))[::-1, :, :3]
    ticks = {f: float(librosa.hz_to_mel(1000 * f) / librosa.hz_to_mel(F_MAX)) for f in (0, 0.5, 1, 2, 4, 8)}
    return (255 * colours).round().astype(np.uint8), ticks


def _draw_timings(draw: ImageDraw.ImageDraw, feedback: "Feedback") -> None:
    x = _SOUND[0]
    for stage, seconds in feedback.timings.items():
        name = STAGES.get(stage, stage)
        _text(draw, (x, _FOOTER), name, _latin(36), GREY)
        x += _latin(36).getlength(name) + 18
        _text(draw, (x, _FOOTER), _duration(seconds), _latin(36, bold=True), INK)
        x += _latin(36, bold=True).getlength(_duration(seconds)) + 64
    length = len(feedback.audio) / feedback.sample_rate
    summary = f"{length:.1f} s of speech in {_duration(sum(feedback.timings.values()))}"
    _text(draw, (_SOUND[2], _FOOTER), summary, _latin(36), GREY, "r")


def _duration(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _text(draw: ImageDraw.ImageDraw, xy: tuple[float, float], text: str, font, fill: str, align: str = "l") -> None:
    """Draw one line with its letters about the height ``xy[1]``; ``align`` is l(eft), m(iddle) or r(ight).

    Anchored by the baseline, because the Latin and the Bengali font have different ascents.
    """
    draw.text((xy[0], xy[1] + 0.35 * font.size), text, font=font, fill=fill, anchor=align + "s")
