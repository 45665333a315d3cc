"""The command line: ``bengali-feedback --help``.

Every command imports what it needs when it runs, so that help comes at once. Errors of this package are one line
on stderr and exit code 2.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from .errors import BengaliFeedbackError, DataError, NoFaceError
from .files import write_text

app = typer.Typer(
    help="A face in, a fitting spoken Bengali sentence out; offline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
train_app = typer.Typer(help="Train a network; every training resumes with the same command.", no_args_is_help=True)
evaluate_app = typer.Typer(help="Measure a stage and write a report.", no_args_is_help=True)
corpus_app = typer.Typer(help="Check and describe the Bengali corpus.", no_args_is_help=True)
app.add_typer(train_app, name="train")
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(corpus_app, name="corpus")

Register = Annotated[str, typer.Option(help="apni (respectful) or tumi (familiar).")]
Intent = Annotated[str | None, typer.Option(help="acknowledge, comfort, encourage, suggest or ask; default: any.")]
Seed = Annotated[int | None, typer.Option(help="Makes the answer repeatable.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Corpus = Annotated[Path, typer.Option(help="Corpus file.")]
Checkpoints = Annotated[Path, typer.Option(help="Checkpoint folder to write into.")]
Lexicon = Annotated[Path | None, typer.Option(help="Your own pronunciations: a word, a tab and its IPA on each line.")]
Report = Annotated[Path | None, typer.Option(help="Folder for the report (JSON, Markdown, pictures).")]


def main() -> None:
    """Entry point: run the command; an error of this package ends as one line on stderr and exit code 2."""
    try:
        app()
    except BengaliFeedbackError as error:
        print(f"bengali-feedback: {error}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as ended:
        if ended.code == 130:  # what Typer makes of Ctrl-C
            print("bengali-feedback: stopped; training goes on where it was with the same command.", file=sys.stderr)
        raise


@app.command()
def respond(
    photo: Annotated[Path, typer.Argument(help="Photo with a face.")],
    out: Annotated[Path, typer.Option(help="Where to write the speech (WAV).")] = Path("reply.wav"),
    picture: Annotated[Path | None, typer.Option(help="Also draw the answer into this PNG.")] = None,
    register: Register = "apni",
    intent: Intent = None,
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    """Answer a photo: recognise the emotion, write a Bengali sentence, speak it."""
    from .images import load_image
    from .pipeline import FeedbackPipeline

    load_image(photo)  # a bad photo or folder is told at once, not after the networks have loaded
    _require_folder(out, picture)
    feedback = FeedbackPipeline.load()(photo, register=register, intent=intent, seed=seed)
    feedback.save(out)
    if picture:
        from .evaluation.picture import reply_picture

        reply_picture(feedback, picture)
    if as_json:
        _print_json({"photo": str(photo), **feedback.to_dict(), "out": str(out)})
        return
    print(f"{feedback.emotion} ({feedback.emotion.bengali}) {feedback.probabilities[feedback.emotion]:.0%}", end="")
    print("" if feedback.certain else " (not certain)", end="")
    print(f", the largest of {len(feedback.faces)} faces" if len(feedback.faces) > 1 else "")
    print(feedback.text)
    print(f"{out} ({len(feedback.audio) / feedback.sample_rate:.1f} s)")


@app.command()
def recognize(photo: Annotated[Path, typer.Argument(help="Photo with faces.")], as_json: Json = False) -> None:
    """List the faces of a photo and their emotions, the largest first."""
    from .images import load_image
    from .pipeline import face_to_dict

    image = load_image(photo)
    from .fer.recognizer import FaceEmotionRecognizer

    faces = FaceEmotionRecognizer.load().recognize(image)
    if not faces:
        raise NoFaceError(f"no face found in {photo}: use a photo with an upright face, not too small or dark.")
    if as_json:
        _print_json({"photo": str(photo), "faces": [face_to_dict(face) for face in faces]})
        return
    for face in faces:
        likely = sorted(face.probabilities.items(), key=lambda item: -item[1])[:3]
        shares = ", ".join(f"{emotion} {share:.0%}" for emotion, share in likely)
        doubt = "" if face.certain else "  (not certain)"
        print(f"{face.box.width}x{face.box.height}+{face.box.x}+{face.box.y}  {shares}{doubt}")


@app.command()
def generate(
    emotion: Annotated[str, typer.Argument(help="angry, disgust, fear, happy, sad, surprise or neutral.")],
    register: Register = "apni",
    intent: Intent = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many sentences.")] = 1,
    method: Annotated[str, typer.Option(help="nucleus draws, beam searches for the likeliest.")] = "nucleus",
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    """Write Bengali feedback sentences for an emotion."""
    from .nlg.generator import FeedbackGenerator

    generator = FeedbackGenerator.load()
    answers = [
        generator.generate(emotion, register, intent, seed=None if seed is None else seed + number, method=method)
        for number in range(count)
    ]
    if as_json:
        fields = ("text", "source", "register", "intent", "cue", "attempts")
        _print_json({"emotion": emotion, "answers": [{name: getattr(a, name) for name in fields} for a in answers]})
        return
    for answer in answers:
        print(answer.text)


@app.command()
def say(
    text: Annotated[str, typer.Argument(help="Bengali text.")],
    out: Annotated[Path, typer.Option(help="Where to write the speech (WAV).")] = Path("speech.wav"),
    lexicon: Lexicon = None,
    seed: Annotated[int, typer.Option(help="Same text and seed, same sound.")] = 0,
    as_json: Json = False,
) -> None:
    """Speak a Bengali text into a WAV file."""
    from .tts.dataset import write_wav
    from .tts.synthesizer import BengaliSpeech

    _require_folder(out)
    speech = BengaliSpeech.load(lexicon=lexicon).synthesize(text, seed=seed)
    write_wav(out, speech.audio)
    seconds = len(speech.audio) / speech.sample_rate
    if as_json:
        _print_json({"text": text, "out": str(out), "seconds": round(seconds, 3), "timings": speech.timings})
        return
    print(f"{out} ({seconds:.1f} s)")


@app.command()
def phonemize(text: Annotated[str, typer.Argument(help="Bengali text.")], lexicon: Lexicon = None) -> None:
    """Show the spoken words of a text and their pronunciation in IPA."""
    from .tts.phonemize import Phonemizer, to_ipa
    from .tts.verbalize import verbalize

    words = verbalize(text)
    ipa = to_ipa(Phonemizer.load(lexicon=lexicon)(words))
    print(words, ipa, sep="\n")


@train_app.command("fer")
def train_fer(
    data: Annotated[Path, typer.Option(help="Kaggle's fer2013.csv.")],
    model: Annotated[str, typer.Option(help="The network; an unknown name lists them.")] = "custom_cnn",
    ferplus: Annotated[Path | None, typer.Option(help="FER+'s fer2013new.csv, a second target in training.")] = None,
    out: Checkpoints = Path("checkpoints"),
    run: Annotated[Path | None, typer.Option(help="Folder for the resumable state; default: runs/fer/MODEL.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the network's own number.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Instead of the network's own.")] = None,
    augmentation: Annotated[bool, typer.Option(help="Turn, shift, zoom, shear, flip and re-expose the faces.")] = True,
    side: Annotated[int | None, typer.Option(min=32, help="resnet50, mobilenetv2: input pixels, default 48.")] = None,
    weights: Annotated[Path | None, typer.Option(help="resnet50, mobilenetv2: ImageNet weights without top.")] = None,
    seed: int = 0,
) -> None:
    """Train a facial emotion network on FER2013: one to two hours on 2 cores."""
    from .fer.train import train

    run = run or Path("runs/fer") / model
    record = train(data, out, run, model, ferplus, epochs, batch_size, augmentation, side, weights, seed)
    print(f"PublicTest accuracy {record['public_test_accuracy']:.2%}, temperature {record['temperature']:.2f}")


@train_app.command("word2vec")
def train_words(
    text: Annotated[list[Path], typer.Option(help="Bengali text (.txt, .gz or .tsv); repeat for more.")],
    corpus: Corpus = Path("corpus/feedback.tsv"),
    out: Annotated[Path, typer.Option(help="Vectors to write.")] = Path("checkpoints/nlg/word2vec.kv"),
    seed: int = 0,
) -> None:
    """Train the skip-gram vectors of 7,000 words: all of the corpus and the commonest others."""
    from .nlg.word2vec import train_word2vec

    vectors = train_word2vec(text, corpus, out, seed=seed)
    print(f"{len(vectors)} vectors of {vectors.vector_size} dimensions in {out}")


@train_app.command("nlg")
def train_nlg(
    corpus: Corpus = Path("corpus/feedback.tsv"),
    vectors: Annotated[Path, typer.Option(help="Word2Vec vectors.")] = Path("checkpoints/nlg/word2vec.kv"),
    text: Annotated[
        list[Path] | None, typer.Option(help="Open Bengali text to learn grammar from first; repeat for more.")
    ] = None,
    out: Checkpoints = Path("checkpoints"),
    run: Annotated[Path, typer.Option(help="Folder for the resumable state.")] = Path("runs/nlg"),
    epochs: Annotated[int, typer.Option(min=1, help="The most there can be; training ends sooner by itself.")] = 60,
    seed: int = 0,
) -> None:
    """Train the sentence generator on the corpus."""
    from .nlg.train import train_generator

    train_generator(corpus, vectors, out, text or (), seed=seed, epochs=epochs, run_dir=run)


@train_app.command("g2p")
def train_pronunciation(
    lexicon: Annotated[Path, typer.Option(help="Pronunciation lexicon: TSV with the columns word and phones.")],
    out: Checkpoints = Path("checkpoints"),
    seed: int = 0,
) -> None:
    """Train the pronunciation model (letters to phonemes)."""
    from .checkpoints import register
    from .tts.train_g2p import train_g2p

    scores = train_g2p(lexicon, out / "tts" / "g2p.crfsuite", seed=seed)
    register(out, "tts/g2p.crfsuite")
    print(", ".join(f"{name} {value:{'.2%' if name in ('per', 'wer') else '.0f'}}" for name, value in scores.items()))


@train_app.command("teacher")
def train_teacher(
    text: Annotated[list[Path], typer.Option(help="Sentences (.tsv with a column text or bn, or .txt); repeat.")],
    out: Annotated[Path, typer.Option(help="Folder to write, in LJSpeech layout.")] = Path("runs/teacher"),
) -> None:
    """Render the teacher's speech (eSpeak NG speaking our phonemes) for `train tts`."""
    from .tts.dataset import collect_texts, render_teacher
    from .tts.phonemize import Phonemizer

    count = render_teacher(collect_texts(text), out, Phonemizer.load())
    print(f"{count} recordings in {out}")


@train_app.command("tts")
def train_tts(
    data: Annotated[Path, typer.Option(help="Recordings in LJSpeech layout.")] = Path("runs/teacher"),
    out: Checkpoints = Path("checkpoints"),
    run: Annotated[Path, typer.Option(help="Folder for the resumable state.")] = Path("runs/tts"),
    tacotron2_steps: int = 800,
    waveglow_steps: int = 6000,
    seed: int = 0,
) -> None:
    """Train Tacotron 2, then WaveGlow, on recordings: about 3 hours on 2 cores."""
    from .tts.train import train

    train(data, out, run, tacotron2_steps=tacotron2_steps, waveglow_steps=waveglow_steps, seed=seed)


@evaluate_app.command("fer")
def evaluate_fer(
    data: Annotated[Path, typer.Option(help="Kaggle's fer2013.csv.")],
    split: Annotated[str, typer.Option(help="PrivateTest (the score) or PublicTest (to choose by).")] = "PrivateTest",
    model: Annotated[Path | None, typer.Option(help="A trained network (.keras); default: the shipped one.")] = None,
    report: Report = None,
) -> None:
    """Score a facial emotion network on FER2013."""
    from .evaluation.fer import evaluate_fer, fer_markdown, fer_pictures, training_history

    result = evaluate_fer(data, split, model)
    _write_report("fer", result, fer_markdown, report)
    if report:
        fer_pictures(result, report, training_history(model))


@evaluate_app.command("networks")
def evaluate_networks(
    data: Annotated[Path, typer.Option(help="Kaggle's fer2013.csv.")],
    checkpoints: Annotated[Path, typer.Option(help="Folder with fer/NAME.keras.")] = Path("checkpoints"),
    report: Report = None,
) -> None:
    """Compare the facial emotion networks of both papers that a folder holds."""
    from .evaluation.networks import evaluate_networks, networks_markdown

    _write_report("networks", evaluate_networks(data, checkpoints), networks_markdown, report)


@evaluate_app.command("nlg")
def evaluate_nlg(corpus: Corpus = Path("corpus/feedback.tsv"), seed: int = 0, report: Report = None) -> None:
    """Score the sentence generator."""
    from .evaluation.nlg import evaluate_nlg, nlg_markdown, nlg_pictures
    from .nlg.generator import FeedbackGenerator

    generator = FeedbackGenerator.load()
    _write_report("nlg", evaluate_nlg(generator, corpus, seed=seed), nlg_markdown, report)
    if report:
        nlg_pictures(generator, report)


@evaluate_app.command("baselines")
def evaluate_baselines(
    corpus: Corpus = Path("corpus/feedback.tsv"),
    epochs: Annotated[int, typer.Option(min=1, help="The most there can be; training ends sooner by itself.")] = 25,
    seed: int = 0,
    report: Report = None,
) -> None:
    """Train a trigram, a plain LSTM and a network without Word2Vec on the corpus; compare with the generator."""
    from .evaluation.baselines import baselines_markdown, evaluate_baselines
    from .nlg.generator import FeedbackGenerator

    result = evaluate_baselines(FeedbackGenerator.load(), corpus, seed, epochs)
    _write_report("baselines", result, baselines_markdown, report)


@evaluate_app.command("word2vec")
def evaluate_words(
    vectors: Annotated[Path | None, typer.Option(help="Word2Vec vectors; default: the shipped ones.")] = None,
    corpus: Corpus = Path("corpus/feedback.tsv"),
    report: Report = None,
) -> None:
    """List the neighbours of thirty emotion words, and how many of the corpus's words have a vector."""
    from .checkpoints import checkpoint
    from .evaluation.word2vec import evaluate_word2vec, word2vec_markdown

    result = evaluate_word2vec(vectors or checkpoint("nlg/word2vec.kv"), corpus)
    _write_report("word2vec", result, word2vec_markdown, report)


@evaluate_app.command("tts")
def evaluate_tts(
    data: Annotated[Path, typer.Option(help="Teacher speech in LJSpeech layout (`train teacher`).")],
    count: Annotated[int, typer.Option(help="How many held-out sentences.")] = 100,
    report: Report = None,
) -> None:
    """Score the voice on held-out sentences: attention, recognisability, vocoder."""
    from .evaluation.tts import evaluate_tts, tts_markdown

    _write_report("tts", evaluate_tts(data, count), tts_markdown, report)


@evaluate_app.command("detection")
def evaluate_detection(
    photos: Annotated[Path, typer.Option(help="Folder with photos and index.csv.")], report: Report = None
) -> None:
    """Compare face detectors on photos whose faces were counted by eye."""
    from .evaluation.detection import detection_markdown, evaluate_detection

    _write_report("detection", evaluate_detection(photos), detection_markdown, report)


@evaluate_app.command("stream")
def evaluate_stream(
    clips: Annotated[Path, typer.Option(help="Folder with the clips that docs/face-detection.md names.")],
    report: Report = None,
) -> None:
    """Measure emotion over time on clips: faces found, flicker, reaction, frames per second."""
    from .evaluation.stream import evaluate_stream, stream_markdown

    _write_report("stream", evaluate_stream(clips), stream_markdown, report)


@evaluate_app.command("textnorm")
def evaluate_textnorm(
    cases: Annotated[Path, typer.Option(help="TSV with the columns class, raw and words.")], report: Report = None
) -> None:
    """Score the reading of numbers, dates and symbols."""
    from .evaluation.textnorm import evaluate_verbalize, textnorm_markdown

    _write_report("textnorm", evaluate_verbalize(cases), textnorm_markdown, report)


@evaluate_app.command("fairness")
def evaluate_fairness(
    labels: Annotated[Path, typer.Option(help="CSV with the columns path and emotion; every other one is a group.")],
    model: Annotated[Path | None, typer.Option(help="A trained network (.keras); default: the shipped one.")] = None,
    report: Report = None,
) -> None:
    """Score the facial emotion network for every demographic group of a labelled set."""
    from .evaluation.fairness import evaluate_fairness, fairness_markdown, fairness_picture, read_labelled_photos
    from .fer.recognizer import FaceEmotionRecognizer

    photos = read_labelled_photos(labels)  # a faulty set is told at once, not after the network has loaded
    result = evaluate_fairness(photos, FaceEmotionRecognizer.load(model))
    _write_report("fairness", result, fairness_markdown, report)
    if report:
        fairness_picture(result, report / "fairness.png")


@evaluate_app.command("compression")
def evaluate_compression(
    data: Annotated[Path, typer.Option(help="Kaggle's fer2013.csv.")],
    model: Annotated[Path | None, typer.Option(help="A trained network (.keras); default: the shipped one.")] = None,
    split: Annotated[list[str] | None, typer.Option(help="Default: PublicTest, to choose by; repeat for more.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also write a LiteRT file (.tflite).")] = None,
    precision: Annotated[str, typer.Option(help="Of that file: float32, float16, dynamic or int8.")] = "dynamic",
    report: Report = None,
) -> None:
    """Quantise and prune the facial emotion network; compare size, time and accuracy."""
    from .evaluation.compression import compression_markdown, evaluate_compression

    _require_folder(out)
    result = evaluate_compression(data, model, split or ("PublicTest",), out, precision)
    _write_report("compression", result, compression_markdown, report)


@corpus_app.command("check")
def corpus_check(file: Annotated[Path, typer.Argument(help="Corpus file.")] = Path("corpus/feedback.tsv")) -> None:
    """Name every fault of a corpus file with its line and column; exit code 1 if there is one (warnings aside)."""
    from .nlg.dataset import check_corpus

    found = check_corpus(file)
    for fault in found:
        print(fault)
    faults = sum(not fault.warning for fault in found)
    print(f"{file}: {faults} faults, {len(found) - faults} warnings")
    raise typer.Exit(1 if faults else 0)


@corpus_app.command("stats")
def corpus_stats(
    file: Annotated[Path, typer.Argument(help="Corpus file.")] = Path("corpus/feedback.tsv"), as_json: Json = False
) -> None:
    """Describe a corpus file, the paper's Table 2 beside it."""
    from .nlg.dataset import corpus_stats

    stats = corpus_stats(file)
    markdown = stats.pop("markdown")
    if as_json:
        _print_json(stats)
    else:
        print(markdown)


@corpus_app.command("build")
def corpus_build(
    batches: Annotated[list[Path], typer.Argument(help="Batch files: emotion, register, intent, cue, text.")],
    out: Annotated[Path, typer.Option(help="Corpus file to write.")] = Path("corpus/feedback.tsv"),
    seed: int = 0,
) -> None:
    """Join hand-written batches into a corpus file with ids and splits."""
    from .nlg.dataset import build_corpus

    print(f"{len(build_corpus(batches, out, seed))} samples in {out}")


@corpus_app.command("import")
def corpus_import(
    file: Annotated[Path, typer.Argument(help="CSV, TSV or XLSX with a column of labels and a column of texts.")],
    out: Annotated[Path, typer.Option(help="Corpus file to write.")],
    register: Annotated[str, typer.Option(help="apni or tumi, for texts without a word that tells it.")] = "apni",
    intent: Annotated[
        str | None, typer.Option(help="Of all texts; default: ask for a question, else acknowledge.")
    ] = None,
    label_column: Annotated[str | None, typer.Option(help="Name, or number from 1; default: found.")] = None,
    text_column: Annotated[str | None, typer.Option(help="Name, or number from 1; default: found.")] = None,
    labels: Annotated[
        list[str] | None, typer.Option("--map", help="LABEL=EMOTION for a label that is not known; repeat for more.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the corpus file if there is one.")] = False,
    seed: int = 0,
    as_json: Json = False,
) -> None:
    """Bring a table of another layout into ours; name every row left out. Exit code 1 if nothing could be imported."""
    from .nlg.importing import import_corpus

    pairs = [pair.rpartition("=") for pair in labels or ()]
    for label, _, emotion in pairs:
        if not label:
            raise DataError(f"--map {emotion} is not LABEL=EMOTION: write for example --map love=happy.")
    _require_folder(out)
    mapped = {label: emotion for label, _, emotion in pairs}
    result = import_corpus(file, out, register, intent, label_column, text_column, mapped, seed, overwrite)
    if as_json:
        _print_json(result.to_dict())
    else:
        print(result.report())
    raise typer.Exit(0 if result.samples else 1)


def _require_folder(*files: Path | None) -> None:
    for file in files:
        if file and not file.parent.is_dir():
            raise DataError(f"the folder {file.parent} does not exist: make it, or write elsewhere.")


def _print_json(value: dict) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def _write_report(name: str, result: dict, markdown, folder: Path | None) -> None:
    text = markdown(result)
    print(text)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        for suffix, content in ((".json", json.dumps(result, ensure_ascii=False, indent=1) + "\n"), (".md", text)):
            write_text(folder / f"{name}{suffix}", content)


if __name__ == "__main__":
    main()
