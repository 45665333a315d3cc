"""The command line as its users meet it: what it prints, where, and its exit code."""

import json
import os
import struct
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from PIL import Image

from bengali_feedback import cli
from bengali_feedback.checkpoints import home
from bengali_feedback.emotion import EMOTIONS
from bengali_feedback.nlg.dataset import COLUMNS

CORPUS = home() / "corpus" / "feedback.tsv"


@dataclass
class Answer:
    code: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch, capfd):
    """Call the entry point as the shell would; what libraries write past Python is caught too."""

    def run(*words) -> Answer:
        monkeypatch.setattr(sys, "argv", ["bengali-feedback", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Answer(ended.value.code, *capfd.readouterr())

    return run


@pytest.fixture
def loaded(pipeline, monkeypatch):
    """Lets the commands use the session's networks instead of loading their own."""
    from bengali_feedback import BengaliSpeech, FaceEmotionRecognizer, FeedbackGenerator, FeedbackPipeline

    monkeypatch.setattr(FeedbackPipeline, "load", lambda: pipeline)
    monkeypatch.setattr(FaceEmotionRecognizer, "load", lambda: pipeline.recognizer)
    monkeypatch.setattr(FeedbackGenerator, "load", lambda: pipeline.generator)
    monkeypatch.setattr(BengaliSpeech, "load", lambda lexicon=None: pipeline.speech)
    return pipeline


@pytest.fixture
def photo(tmp_path, astronaut) -> Path:
    Image.fromarray(astronaut).save(tmp_path / "astronaut.png")
    return tmp_path / "astronaut.png"


@pytest.fixture
def wall(tmp_path) -> Path:
    Image.fromarray(np.full((240, 320, 3), 200, np.uint8)).save(tmp_path / "wall.png")
    return tmp_path / "wall.png"


def subprocess_run(*words) -> Answer:
    """The same in a process of its own, with everything it loads and nothing that the tests set for it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    command = [sys.executable, "-m", "bengali_feedback.cli", *map(str, words)]
    answer = subprocess.run(command, capture_output=True, text=True, env=environment)
    return Answer(answer.returncode, answer.stdout, answer.stderr)


def assert_one_line_of_error(answer: Answer, *parts: str) -> None:
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("bengali-feedback: ") and answer.err.endswith("\n")
    assert answer.err.count("\n") == 1
    for part in parts:
        assert part in answer.err


# --- Help and usage


@pytest.mark.parametrize(
    "words", [["--help"], ["respond", "--help"], ["train", "--help"], ["corpus", "check", "--help"]]
)
def test_help_is_printed_on_stdout(run, words):
    answer = run(*words)
    assert answer.code == 0 and answer.err == ""
    assert "Usage: " in answer.out and " ".join(words[:-1]) in answer.out


def test_help_lists_every_command_of_every_group(run):
    expected = {
        (): "respond recognize generate say phonemize train evaluate corpus",
        ("train",): "fer word2vec nlg g2p teacher tts",
        ("evaluate",): "fer nlg baselines word2vec tts detection textnorm fairness compression networks stream",
        ("corpus",): "check stats build import",
    }
    for group, commands in expected.items():
        text = run(*group, "--help").out
        assert [command for command in commands.split() if f" {command} " not in text] == []


@pytest.mark.parametrize(
    "words", [["dance"], ["respond"], ["respond", "a.jpg", "--loud"], ["generate", "sad", "-n", "0"]]
)
def test_wrong_usage_is_told_with_exit_code_2(run, words):
    answer = run(*words)
    assert answer.code == 2 and answer.out == ""
    assert "Usage: " in answer.err and "Traceback" not in answer.err


def test_ctrl_c_ends_with_130_and_says_that_training_can_go_on(run, monkeypatch):
    def interrupted(file):
        raise KeyboardInterrupt

    monkeypatch.setattr("bengali_feedback.nlg.dataset.corpus_stats", interrupted)
    answer = run("corpus", "stats", CORPUS)
    assert answer.code == 130 and answer.out == ""
    assert answer.err.strip() == "bengali-feedback: stopped; training goes on where it was with the same command."


# --- Photos that cannot be answered


def bomb() -> bytes:
    """A PNG of 100 bytes that promises 400 megapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("command", ["respond", "recognize"])
@pytest.mark.parametrize(
    "content, message",
    [
        (None, "photo.jpg does not exist"),
        (b"", "photo.jpg is empty (0 bytes)"),
        (b"\xff\xd8\xff\xe0" + bytes(range(200)), "photo.jpg is not a photo that can be read"),
        ("ভালো".encode(), "photo.jpg is not a photo that can be read"),
        (bomb(), "photo.jpg has more than 64 megapixels"),
    ],
    ids=["missing", "empty", "corrupt", "text", "bomb"],
)
def test_a_photo_that_cannot_be_read_is_one_line(run, tmp_path, command, content, message):
    path = tmp_path / "photo.jpg"
    if content is not None:
        path.write_bytes(content)
    assert_one_line_of_error(run(command, path, "--json"), str(tmp_path), message)


@pytest.mark.parametrize("command", ["respond", "recognize"])
def test_a_truncated_photo_is_one_line(run, photo, command):
    photo.write_bytes(photo.read_bytes()[:5000])
    assert_one_line_of_error(run(command, photo), "astronaut.png is truncated or corrupt")


@pytest.mark.parametrize("command", ["respond", "recognize"])
def test_a_folder_is_one_line(run, tmp_path, command):
    assert_one_line_of_error(run(command, tmp_path), f"{tmp_path} is a folder")


@pytest.mark.parametrize("command", ["respond", "recognize"])
def test_a_photo_without_a_face_is_one_line_and_leaves_nothing(run, loaded, wall, monkeypatch, command):
    monkeypatch.chdir(wall.parent)
    assert_one_line_of_error(run(command, wall), f"no face found in {wall}")
    assert list(wall.parent.iterdir()) == [wall]


def test_a_photo_without_a_face_is_one_line_in_a_fresh_process(wall):
    assert_one_line_of_error(subprocess_run("recognize", wall, "--json"), f"no face found in {wall}")


def test_a_checkpoint_that_is_missing_is_one_line(run, photo, monkeypatch, tmp_path):
    monkeypatch.setenv("BENGALI_FEEDBACK_HOME", str(tmp_path))
    assert_one_line_of_error(run("recognize", photo), "no manifest.json in", "BENGALI_FEEDBACK_HOME")


# --- Answers


def test_respond_prints_the_answer_and_writes_its_sound(run, loaded, photo, tmp_path):
    answer = run("respond", photo, "--out", tmp_path / "reply.wav", "--seed", 1)
    assert answer.code == 0 and answer.err == ""
    emotion, text, sound = answer.out.splitlines()
    assert emotion.startswith("happy (আনন্দ) ") and emotion.endswith("%")
    assert text[-1] in "।?!"
    seconds = soundfile.info(tmp_path / "reply.wav").duration
    assert sound == f"{tmp_path / 'reply.wav'} ({seconds:.1f} s)"


def test_respond_says_how_many_faces_there_are(run, loaded, astronaut, tmp_path):
    head = astronaut[:256, 90:346]
    scene = np.full((320, 640, 3), 128, np.uint8)
    scene[20:148, 30:158] = cv2.resize(head, (128, 128), interpolation=cv2.INTER_AREA)
    scene[40:296, 320:576] = head
    Image.fromarray(scene).save(tmp_path / "two.png")
    answer = run("respond", tmp_path / "two.png", "--out", tmp_path / "reply.wav")
    assert answer.code == 0 and answer.out.splitlines()[0].endswith(", the largest of 2 faces")
    assert len(run("recognize", tmp_path / "two.png").out.splitlines()) == 2


def test_respond_json_is_one_object_and_nothing_else_even_in_a_fresh_process(photo, tmp_path):
    out, picture = tmp_path / "reply.wav", tmp_path / "reply.png"
    answer = subprocess_run("respond", photo, "--out", out, "--picture", picture, "--json", "--register", "tumi")
    assert (answer.code, answer.err) == (0, "")
    reply = json.loads(answer.out)
    assert reply["photo"] == str(photo) and reply["out"] == str(out)
    assert reply["emotion"] == "happy" and reply["register"] == "tumi"
    assert list(reply["probabilities"]) == [str(emotion) for emotion in EMOTIONS]
    assert sum(reply["probabilities"].values()) == pytest.approx(1.0, abs=0.001)
    assert len(reply["faces"]) == 1 and set(reply["faces"][0]["box"]) == {"x", "y", "width", "height"}
    assert set(reply["timings"]) == {"fer", "nlg", "tacotron2", "waveglow"}
    assert soundfile.info(out).duration == pytest.approx(reply["seconds"], abs=0.001)
    assert Image.open(picture).size[0] > 500


def test_recognize_prints_each_face_with_its_likeliest_emotions(run, loaded, photo):
    answer = run("recognize", photo)
    assert answer.code == 0 and answer.err == ""
    box, shares = answer.out.rstrip("\n").split("  ")
    assert all(part.isdigit() for part in box.replace("x", "+").split("+"))
    assert shares.startswith("happy ") and shares.count("%") == 3


def test_recognize_json_is_one_object(run, loaded, photo):
    answer = run("recognize", photo, "--json")
    assert (answer.code, answer.err) == (0, "")
    (face,) = json.loads(answer.out)["faces"]
    assert face["emotion"] == "happy" == max(face["probabilities"], key=face["probabilities"].get)


def test_generate_prints_as_many_sentences_as_asked(run, loaded):
    answer = run("generate", "sad", "-n", 3, "--register", "tumi", "--intent", "comfort", "--seed", 1)
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert len(lines) == 3 and len(set(lines)) > 1 and all(line[-1] in "।?!" for line in lines)


def test_generate_by_beam_search(run, loaded):
    answer = run("generate", "fear", "--register", "apni", "--method", "beam", "--seed", 3)
    assert (answer.code, answer.err) == (0, "")
    assert len(answer.out.splitlines()) == 1 and answer.out.strip()[-1] in "।?!"


def test_generate_json_is_one_object(run, loaded):
    answer = run("generate", "fear", "-n", 2, "--json")
    assert (answer.code, answer.err) == (0, "")
    reply = json.loads(answer.out)
    assert reply["emotion"] == "fear" and len(reply["answers"]) == 2
    assert {"text", "source", "register", "intent", "cue", "attempts"} == set(reply["answers"][0])


@pytest.mark.parametrize(
    "words, message",
    [
        (["generate", "joyful"], "emotion 'joyful' is not one of angry, disgust, fear, happy, sad, surprise, neutral"),
        (["generate", "sad", "--register", "tui"], "register 'tui' is not one of apni, tumi"),
        (["generate", "sad", "--intent", "scold", "--json"], "intent 'scold' is not one of"),
        (["generate", "sad", "--method", "greedy"], "method 'greedy' is not one of nucleus, beam"),
        (["say", ""], "the text is empty"),
        (["say", "  \n। "], "the text is empty"),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_line(run, loaded, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    assert_one_line_of_error(run(*words), message)
    assert list(tmp_path.iterdir()) == []


def test_say_writes_the_speech(run, loaded, tmp_path):
    out = tmp_path / "speech.wav"
    answer = run("say", "আপনার হাসিটা খুব সুন্দর।", "--out", out, "--json")
    assert (answer.code, answer.err) == (0, "")
    reply = json.loads(answer.out)
    assert reply["out"] == str(out) and reply["seconds"] == pytest.approx(soundfile.info(out).duration, abs=0.001)


def test_a_folder_that_does_not_exist_is_one_line(run, loaded, tmp_path):
    answer = run("say", "ভালো থাকুন।", "--out", tmp_path / "nowhere" / "speech.wav")
    assert_one_line_of_error(answer, "nowhere does not exist")


def test_phonemize_shows_spoken_words_and_ipa(run):
    answer = run("phonemize", "১২টা")
    assert (answer.code, answer.err) == (0, "")
    spoken, ipa = answer.out.splitlines()
    assert spoken.startswith("বারো") and "b" in ipa


def test_phonemize_reads_with_the_users_lexicon(run, tmp_path):
    (tmp_path / "mine.tsv").write_text("বিরিয়ানি\tbiriæni\n", encoding="utf-8")
    answer = run("phonemize", "বিরিয়ানি!", "--lexicon", tmp_path / "mine.tsv")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines()[1] == "biriæni!"


@pytest.mark.parametrize("command", ["say", "phonemize"])
def test_a_fault_in_a_lexicon_is_one_line(run, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.tsv").write_text("# mine\nমন\tmɒn\n", encoding="utf-8")
    assert_one_line_of_error(run(command, "মন ভালো।", "--lexicon", "mine.tsv"), "mine.tsv, line 2", "'ɒ'")
    assert_one_line_of_error(run(command, "মন ভালো।", "--lexicon", "none.tsv"), "none.tsv cannot be read")


# --- The corpus


def corpus(path: Path, *rows: tuple) -> Path:
    path.write_text("\n".join("\t".join(row) for row in (COLUMNS, *rows)) + "\n", encoding="utf-8")
    return path


GOOD = ("happy-0001", "happy", "apni", "ask", "আনন্দ জানতে চাওয়া", "আজ মনটা বেশ ফুরফুরে মনে হচ্ছে?", "train")


def test_corpus_check_names_line_and_column_of_every_fault_and_exits_with_1(run, tmp_path):
    path = corpus(
        tmp_path / "faulty.tsv",
        GOOD,
        ("happy-0002", "joyful", *GOOD[2:]),
        ("happy-0003", *GOOD[1:5], "আজ OK মনটা বেশ ভালো লাগছে।", "train"),
        ("happy-0004", "happy", "apni"),
    )
    answer = run("corpus", "check", path)
    assert (answer.code, answer.err) == (1, "")
    lines = answer.out.splitlines()
    assert any(line.startswith("3:emotion: 'joyful' is not one of angry") for line in lines)
    assert any(line.startswith("4:text:4: ") for line in lines)
    assert "5:line: 3 columns instead of 7" in lines
    assert lines[-1].startswith(f"{path}: ")


def test_corpus_check_of_the_shipped_corpus_finds_nothing(run):
    answer = run("corpus", "check", CORPUS)
    assert (answer.code, answer.out, answer.err) == (0, f"{CORPUS}: 0 faults, 0 warnings\n", "")


def test_corpus_stats_json_is_one_object(run):
    answer = run("corpus", "stats", CORPUS, "--json")
    assert (answer.code, answer.err) == (0, "")
    stats = json.loads(answer.out)
    assert list(stats["emotions"]) == [str(emotion) for emotion in EMOTIONS]
    rows = CORPUS.read_text(encoding="utf-8").count("\n") - 1
    assert stats["samples"] == rows == sum(row["samples"] for row in stats["emotions"].values())
    assert sum(stats["splits"].values()) == sum(stats["registers"].values()) == rows


def test_corpus_stats_prints_the_papers_table_beside_it(run):
    answer = run("corpus", "stats", CORPUS)
    assert (answer.code, answer.err) == (0, "")
    assert "| happy | 912 |" in answer.out and "6065" in answer.out


def test_corpus_build_joins_batches(run, tmp_path):
    batch = tmp_path / "batch.tsv"
    batch.write_text("\t".join(GOOD[1:6]) + "\n", encoding="utf-8")
    answer = run("corpus", "build", batch, "--out", tmp_path / "feedback.tsv")
    assert (answer.code, answer.out) == (0, f"1 samples in {tmp_path / 'feedback.tsv'}\n")
    assert "happy-0001\thappy\tapni\task\t" in (tmp_path / "feedback.tsv").read_text(encoding="utf-8")


def test_corpus_import_brings_a_table_into_our_layout_and_names_what_it_leaves_out(run, tmp_path):
    table, out = tmp_path / "table.csv", tmp_path / "new.tsv"
    table.write_text(f"emotion,sentence\njoy,{GOOD[5]}\nlove,{GOOD[5]}\n", encoding="utf-8")
    answer = run("corpus", "import", table, "--out", out, "--register", "tumi", "--intent", "ask")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines()[0] == f"3: unknown label: 'love': {GOOD[5]}"
    assert answer.out.splitlines()[-1] == f"imported: 1, in {out}"
    assert run("corpus", "check", out).code == 0
    assert "happy-0001\thappy\ttumi\task\t" in out.read_text(encoding="utf-8")
    assert_one_line_of_error(run("corpus", "import", table, "--out", out), "new.tsv exists already")
    assert_one_line_of_error(run("corpus", "import", table, "--out", out, "--map", "love"), "--map love is not LABEL=")
    answer = run("corpus", "import", table, "--out", out, "--overwrite", "--map", "love=sad", "--json")
    assert (answer.code, answer.err) == (0, "")
    assert json.loads(answer.out)["reasons"] == {"duplicate": 1}


def test_corpus_import_of_nothing_usable_exits_with_1_and_writes_nothing(run, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("joy,ভালো\nsad,মন খারাপ\n", encoding="utf-8")
    answer = run("corpus", "import", table, "--out", tmp_path / "new.tsv")
    assert (answer.code, answer.err) == (1, "")
    assert answer.out.splitlines()[-2:] == ["dropped: 2 (too short 2)", "imported: 0"]
    assert list(tmp_path.iterdir()) == [table]


# --- Reports


def test_evaluate_prints_markdown_and_writes_the_report(run, tmp_path):
    (tmp_path / "cases.tsv").write_text("class\traw\twords\nnumber\t১২\tবারো\nnumber\t১৩\tচৌদ্দ\n", encoding="utf-8")
    answer = run("evaluate", "textnorm", "--cases", tmp_path / "cases.tsv", "--report", tmp_path / "reports")
    assert (answer.code, answer.err) == (0, "")
    assert "**50.00%** of 2 cases" in answer.out and "| number | ১৩ | চৌদ্দ | তেরো |" in answer.out
    assert json.loads((tmp_path / "reports" / "textnorm.json").read_text(encoding="utf-8"))["score"] == 0.5
    assert (tmp_path / "reports" / "textnorm.md").read_text(encoding="utf-8").strip() == answer.out.strip()
    assert len(list((tmp_path / "reports").iterdir())) == 2


# --- Data that is not there


@pytest.mark.parametrize(
    "words",
    [
        "corpus check {}",
        "corpus stats {} --json",
        "corpus build {}",
        "corpus import {} --out new.tsv",
        "train fer --data {}",
        "train nlg --corpus {}",
        f"train word2vec --corpus {CORPUS} --text {{}}",
        "train g2p --lexicon {}",
        "train teacher --text {}",
        "train tts --data {}",
        "evaluate fer --data {}",
        "evaluate word2vec --vectors {}",
        "evaluate word2vec --corpus {}",
        "evaluate detection --photos {}",
        "evaluate textnorm --cases {}",
        "evaluate fairness --labels {}",
        "evaluate compression --data {}",
    ],
)
def test_missing_data_is_one_line_and_leaves_nothing(run, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    assert_one_line_of_error(run(*words.format("nowhere.tsv").split()), "nowhere.tsv")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
