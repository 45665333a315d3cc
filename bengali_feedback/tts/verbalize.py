"""Written Bengali to spoken words: numbers, dates, times, money, measures, abbreviations, Latin letters.

The text runs through a list of rules, from the most specific (a telephone number) to the least (a bare
number); each replaces what it recognises by words, so that no later rule sees it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable

from ..errors import TextError
from ..text import normalize_bengali
from .abbreviations import ABBREVIATIONS, COMPARISONS, CURRENCIES, SYMBOLS, UNITS
from .latin import LETTER_NAMES, WORDS
from .number_words import (
    SMALL_NUMBERS,
    cardinal,
    clock,
    day,
    fraction,
    inflect,
    number,
    ordinal,
    roman,
    spell_digits,
    year,
)

_MONTHS = """
জানুয়ারি ফেব্রুয়ারি মার্চ এপ্রিল মে জুন জুলাই আগস্ট সেপ্টেম্বর অক্টোবর নভেম্বর ডিসেম্বর
বৈশাখ জ্যৈষ্ঠ আষাঢ় শ্রাবণ ভাদ্র আশ্বিন কার্তিক অগ্রহায়ণ পৌষ মাঘ ফাল্গুন চৈত্র
"""
_MONTH_NAMES = tuple(_MONTHS.split())
_LATIN_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SPELLINGS = {
    "জানুয়ারী": "জানুয়ারি",
    "ফেব্রুয়ারী": "ফেব্রুয়ারি",
    "অগাস্ট": "আগস্ট",
    "আগষ্ট": "আগস্ট",
}

_SYMBOLS_ALONE = {"*": "তারকা চিহ্ন", "/": "স্ল্যাশ", "_": "আন্ডারস্কোর", "\\": "ব্যাকস্ল্যাশ"}  # in a text: layout

_NUMBER = r"\d+(?:\.\d+)?"
_BENGALI = "\u0980-\u09e3"
_MONTH_NUMBER = {name: i for i, name in enumerate(_MONTH_NAMES)}
_MONTH_NUMBER |= {written: _MONTH_NUMBER[name] for written, name in _SPELLINGS.items()}
_BENGALI_MONTH = "|".join(sorted(_MONTH_NUMBER, key=len, reverse=True))
_LATIN_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_MONTH = rf"(?:{_BENGALI_MONTH}|{_LATIN_MONTH})"
_DAY_ENDING = r"(?:লা|রা|ঠা|ই|শে|এ|st|nd|rd|th)"
_PART_OF_DAY = r"ভোর|সকাল|দুপুর|বিকেল|বিকাল|সন্ধ্যা|সন্ধে|রাত|মধ্যরাত"


def _date(day_of_month: int, month: int, written_year: str = "") -> str:
    words = f"{day(day_of_month)} {_MONTH_NAMES[month]}"
    return f"{words} {year(_full_year(written_year))}" if written_year else words


def _full_year(written: str) -> int:
    n = int(written)
    return n if len(written) > 2 else n + (2000 if n < 70 else 1900)


def _month_index(name: str) -> int:
    return _MONTH_NUMBER[name] if name in _MONTH_NUMBER else _LATIN_MONTHS.index(name[:3].lower())


def _numeric_date(match: re.Match) -> str:
    first, second, written_year = int(match["d"]), int(match["m"]), match["y"]
    if second > 12:  # 1/31/2001: the month came first
        first, second = second, first
    if not (1 <= first <= 31 and 1 <= second <= 12):
        return match[0]
    return _date(first, second - 1, written_year)


def _day_month(match: re.Match) -> str:
    n = int(match["d"])
    return _date(n, _month_index(match["m"]), match["y"] or "") if 1 <= n <= 31 else match[0]


def _day_alone(match: re.Match) -> str:
    n, ending = int(match["n"]), match["end"]
    if ending == ("", "লা", "রা", "রা", "ঠা")[n] if n <= 4 else ending == ("ই" if n <= 18 else "শে") and n <= 31:
        return day(n)
    return cardinal(n) + ending


def _month_day(match: re.Match) -> str:
    n, month = int(match["d"]), _month_index(match["m"])
    if not 1 <= n <= 31 or month >= 12:
        return match[0]
    if match["y"]:
        return _date(n, month, match["y"])
    return f"{inflect(_MONTH_NAMES[month], 'এর')} {SMALL_NUMBERS[n]}"


def _time(match: re.Match) -> str:
    groups = match.groupdict()
    hour, minute, half = int(groups["h"]), int(groups["min"] or 0), (groups.get("half") or "").lower()
    if hour > 24 or minute > 59:
        return match[0]
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    before = groups.get("part")
    spoken = clock(hour, minute, part_of_day=not before and (bool(half) or not 1 <= hour <= 12))
    ending = (groups.get("end") or "").removeprefix("-")
    if ending.startswith("মিনিট") and minute:  # ৫:৩০ মিনিটে
        spoken = f"{clock(hour, 0)} {SMALL_NUMBERS[minute]} {ending}"
    elif ending in ("টায়", "মিনিটে", "এ"):
        spoken += "য়" if spoken.endswith("টা") else "ে"
    elif ending in ("টার", "এর"):
        spoken += "র" if spoken.endswith("টা") else "ের"
    return (before or "") + spoken


def _money(match: re.Match) -> str:
    groups = match.groupdict()
    whole, hundredth = CURRENCIES[groups["sign"]]
    amount, scale, ending = groups["n"], groups["scale"], groups.get("end") or ""
    if scale:
        return f"{number(amount)} {_scale(scale)} {inflect(whole, ending)}"
    units, _, cents = amount.partition(".")
    if len(cents) != 2 or len(units) > 15:
        return f"{number(amount)} {inflect(whole, ending)}"
    words = [f"{cardinal(int(units))} {whole}"] if int(units) or not int(cents) else []
    return inflect(" ".join(words + ([f"{cardinal(int(cents))} {hundredth}"] if int(cents) else [])), ending)


def _scale(written: str | None) -> str:
    return WORDS.get(written.lower(), written) if written else ""


def _measure(match: re.Match) -> str:
    power = match["power"] or {"²": "বর্গ", "³": "ঘন", None: ""}[match["superscript"]]
    unit = inflect(UNITS[match["unit"]], (match["end"] or "").strip(" -"))
    return f"{number(match['n'])} {_scale(match['scale'])} {power} {unit}"


def _telephone(match: re.Match) -> str:
    written = match[0]
    groups = []
    for digits in re.findall(r"\d+", written):
        while len(digits) > 5:
            groups.append(digits[:3])
            digits = digits[3:]
        groups.append(digits)
    return ("প্লাস " if written.startswith("+") else "") + ", ".join(map(spell_digits, groups)) + " "


def _range(match: re.Match) -> str:
    """The first number in words; the second stays a number, so that what is behind it (৳, %, কিমি) is read with it."""
    first, second = match["a"], match["b"]
    rising = float(second) > float(first)
    if _is_year(first) and _is_year(second):
        first, second = year(int(first)), year(int(second))
    elif _is_year(first) and len(second) == 2 and second > first[2:]:
        rising = int(second) > int(first[2:]) + 1  # ১৯৭১-৭৫; ২০২৫-২৬ is said without থেকে
        first = year(int(first))
    else:
        first = number(first)
    between = " থেকে " if rising else "টা থেকে " if match["hour"] is not None else " "  # ৯-৫টা; ৩-২ গোলে
    return f"{first}{between}{match['sign'] or ''}{second}"


def _is_year(written: str) -> bool:
    return len(written) == 4 and written.isdigit() and 1100 <= int(written) <= 2100


def _fraction(match: re.Match) -> str:
    a, b, whole = int(match["a"]), int(match["b"]), int(match["w"] or 0)
    few = match["few"] or ""
    if few and "/" in match[0] and not whole and (b == a + 1 or "ঘণ্টা" not in few):
        return f"{cardinal(a)} {cardinal(b)}{few}"  # ১০/১২ জন; but ১/৪ ঘণ্টা
    if a < b:
        return fraction(a, b, whole) + few
    return f"{match['w'] and cardinal(whole) or ''} {cardinal(a)} বাই {cardinal(b)}"  # ২৪/৭


def _numbers_with_dots(match: re.Match) -> str:
    first, *rest = match[0].split(".")
    return " দশমিক ".join([number(first), *map(spell_digits, rest)])


def _web(match: re.Match) -> str:
    if match["user"]:
        return "ইমেইল ঠিকানা"
    known = [WORDS.get(label) for label in (match["host"] or match["known"]).lower().split(".")]
    return " ডট ".join(known) if all(known) else "ওয়েব লিংক"


def _roman(match: re.Match) -> str:
    n = roman(match["roman"])
    return ordinal(n, classical=True) if match["of"] else f"{n}"  # XIX শতক; otherwise a number like any other


def latin(word: str) -> str:
    """A word in Latin letters: from the table of common ones, otherwise letter by letter (BBC is বি বি সি).

    A hyphen or an apostrophe may be within: Wi-Fi is ওয়াইফাই.
    """
    letters = re.sub("[^a-z]", "", word.lower())
    if letters in WORDS:
        return WORDS[letters]
    if "-" in word:
        return " ".join(map(latin, word.split("-")))
    return " ".join(LETTER_NAMES[letter] for letter in letters)


def _alternatives(table: Iterable[str]) -> str:
    return "|".join(re.escape(key) for key in sorted(table, key=len, reverse=True))


def _abbreviation(dotted: str) -> str:
    """The pattern of an abbreviation, its dots as people write them: মো. মোঃ মো:, বি.দ্র. বি. দ্র."""
    return re.escape(dotted).replace(r"\.", r"[.ঃ:]\s?").removesuffix(r"\s?")


_Y4 = r"(?:1\d{3}|20\d{2})"
_SCALE = r"(?:\s*(?P<scale>হাজার|লাখ|লক্ষ|কোটি|million|billion|মিলিয়ন|বিলিয়ন))?"
_END = rf"(?![{_BENGALI}\w])"
_YEAR_WORD = rf"সাল|সন{_END}|খ্রিস্টাব্দ|খ্রিষ্টাব্দ|খ্রীষ্টাব্দ|খ্রি|বঙ্গাব্দ|দশক"
_TOP_DOMAIN = "com|org|net|edu|gov|info|io|ai|tv|bd|in|uk|us"
_ON_NUMBER = rf"টা|টি|টু|টে|জন|খান|গুণ|শো|(?:ই|ও|কে){_END}"  # written on to its number
_CLASSIFIER = rf"টা(?:য়|র|কে|ও|ই)?{_END}|টি(?:র|কে|ও|ই)?{_END}|টে{_END}"  # also after a blank
_CASE = "এর|এ|ের|ে|র|তে|য়"
_SIGNS = _alternatives(sign for sign in CURRENCIES if not re.match("[অ-হ]", sign))  # টাকা follows its number
_ABBREVIATION = "|".join(map(_abbreviation, sorted(ABBREVIATIONS, key=len, reverse=True)))
_CLASS_OR_CENTURY = r"\s?(?:শ্রেণি|শ্রেণী|শতক|শতাব্দ|অধ্যায়|সংশোধনী|সংস্করণ|খণ্ড|পর্ব)"
_ROMAN = "(?=[IVX]{2})X{0,3}(?:IX|IV|V?I{0,3})"  # 2 to 39 but for V and X, which are letters when alone

_RULES: list[tuple[re.Pattern, Callable[[re.Match], str]]] = [
    (re.compile(pattern, flags), rule)
    for pattern, flags, rule in (
        (
            r"(?<![\w.])(?:(?P<user>[\w.+-]{1,64})@)?"
            rf"(?:(?:https?://(?:www\.)?|www\.)(?P<host>[^\s/?#:।]*[^\s/?#:।.,!])"
            rf"|(?P<known>(?:[a-z0-9-]{{1,63}}\.)+(?:(?:{_TOP_DOMAIN})\b|[a-z]{{2,9}}(?=/))))"
            r"(?:[/?#:][^\s।]*[^\s।.,!?;:)])?",
            re.I | re.A,
            _web,
        ),
        (r"(?<!\S)(?:[:;]-?[DPOp]|<3|[xX]D)(?!\S)", 0, lambda m: " "),  # emoticons
        (r"(?<![\w.])\.(?=\d)", 0, lambda m: "0."),
        (r"\bNo\.?\s?(?=\d)", 0, lambda m: "নম্বর "),
        # numbers written with commas: 1,23,456 and 123,456
        (r"(?<![\d,.])\d{1,3}(?:,\d{2,3})*,\d{3}(?![\d,]\d)", 0, lambda m: m[0].replace(",", "")),
        (r"(?<![\d.])\+\d[\d -]{7,16}\d(?![\d.])", 0, _telephone),
        (r"(?<![\d.])(?:88)?01[3-9]\d{2}[- ]?\d{3}[- ]?\d{3}(?![\d.])", 0, _telephone),
        (r"(?<![\d.])0\d{1,4}[- ]\d{5,8}(?![\d.])", 0, _telephone),
        (
            rf"(?<![\d.])(?P<n>\d{{3,}})(?:-?(?P<end>এ){_END}(?=\s?(?:কল|ফোন|ডায়াল))"
            r"|(?=\s?(?:নম্বরে|নাম্বারে|নং-?এ)\s?(?:কল|ফোন|ডায়াল)|\s?(?:কল কর|ফোন কর|ডায়াল)))",
            0,
            lambda m: inflect(spell_digits(m["n"]), m["end"]) + " ",
        ),
        (
            r"(?P<line>(?:হটলাইন|হেল্পলাইন|পিন ?কোড|পোস্ট ?কোড|(?:ফোন|মোবাইল|টেলিফোন)(?= ?ন))"
            r"(?: ?(?:নম্বর|নাম্বার|নং))? ?[:-]? ?)(?P<n>\d{3,})(?![\d.])",
            0,
            lambda m: m["line"] + spell_digits(m["n"]) + " ",
        ),
        (r"(?<![\d./-])(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?![\d./-])", 0, _numeric_date),
        (
            r"(?<![\d./-])(?P<d>\d{1,2})(?P<sep>[./-])(?P<m>\d{1,2})(?P=sep)(?P<y>\d{4}|\d{2})(?!\d|[./-]\d)",
            0,
            _numeric_date,
        ),
        (
            rf"(?<![\d.:/-])(?P<d>\d{{1,2}}){_DAY_ENDING}?\s*(?P<m>{_MONTH})"
            rf"(?=(?:ে|ের|র|য়ের|তে)?(?![{_BENGALI}a-z]))(?:,?\s*(?P<y>\d{{4}})(?!\d))?",
            re.I,
            _day_month,
        ),
        (
            rf"(?<![a-z{_BENGALI}])(?P<m>{_MONTH})\s*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:,\s*(?P<y>\d{{4}}))?"
            rf"(?![\d.:,/{_BENGALI}a-z])(?!\s?[-–]\d)",
            re.I,
            _month_day,
        ),
        (
            r"(?<![\d.:])(?P<a>\d{1,2}(?::\d{2}|টা))\s?[-–]\s?(?=\d{1,2}(?::\d{2}|টা))",  # ৯টা-৫টা
            0,
            lambda m: m["a"] + " থেকে ",
        ),
        (
            r"(?<![\d.:])(?P<h>\d{1,2}):(?P<min>\d{2}):(?P<s>\d{2})(?![\d:])",
            0,
            lambda m: f"{number(m['h'])} ঘণ্টা {number(m['min'])} মিনিট {number(m['s'])} সেকেন্ড",
        ),
        (r"(?<![\d.:])(?P<h>\d{1,2})(?:[:.](?P<min>\d{2}))?\s?(?P<half>[ap]\.?m\b\.?)", re.I, _time),
        (
            rf"(?P<part>(?:{_PART_OF_DAY})(?:ের|র|ে)?\s)?(?<![\d.:])(?P<h>\d{{1,2}}):(?P<min>[0-5]\d)(?![\d:])"
            rf"(?:\s?(?P<end>টা[য়র]?{_END}|মিনিটে?{_END}|-?এর?{_END}))?",
            0,
            _time,
        ),
        (
            rf"(?P<part>(?:{_PART_OF_DAY})(?:ের|র|ে)?\s)?(?<![\d.:])(?P<h>\d{{1,2}})\.(?P<min>[0-5]\d)\s?"
            rf"(?P<end>টা[য়র]?{_END}|মিনিটে?{_END})",
            0,
            _time,
        ),
        (rf"(?P<part>(?:{_PART_OF_DAY})(?:ের|র|ে)?\s)(?P<h>\d{{1,2}})\.(?P<min>[0-5]\d)(?![\d.])", 0, _time),
        (
            r"(?<![\d.:])(?P<a>\d+):(?P<b>\d+)(?![\d:])(?P<named>\s?(?=অনুপাত))?",
            0,
            lambda m: f"{number(m['a'])} {'' if m['named'] is not None else 'অনুপাত '}{number(m['b'])} ",
        ),
        (
            r"(?<=\dটা )(?P<n>\d{1,2})\s?(?:মি\.|মিঃ)",
            0,
            lambda m: f"{number(m['n'])} মিনিট",
        ),
        (r"(?<=\d)\s?[-−–]\s?(?=[\d\s.+×÷*/−–-]{0,40}\d\s?=)", 0, lambda m: " মাইনাস "),  # ৫-৩ = ২
        (
            rf"(?<![\d.])(?P<a>{_NUMBER})\s?(?P<sign>[{''.join(COMPARISONS)}])\s?(?P<b>{_NUMBER})",
            0,
            lambda m: f"{m['a']} {inflect(number(m['b']), 'এর')} {COMPARISONS[m['sign']]} ",
        ),
        (
            rf"(?P<sign>(?:{_SIGNS})\s?)?(?<![\d.-])(?P<a>{_NUMBER})(?:\s?(?:%|°[CF]?))?\s?[-–—]\s?"
            rf"(?:{_SIGNS})?(?P<b>{_NUMBER})(?![\d-])(?P<hour>(?=টা(?!কা)))?",
            0,
            _range,
        ),
        # -5 and -৳5 at the start of a word
        (rf"(?<![\w.){_BENGALI}])[-−–](?=(?:{_SIGNS})?\d)", 0, lambda m: "মাইনাস "),
        (rf"(?:(?:{_SIGNS})\s?)?(?<![\d.])(?P<n>{_NUMBER})\s?/-(?:\s?টাকা)?", 0, lambda m: f"{number(m['n'])} টাকা"),
        (rf"(?P<sign>{_SIGNS})\s?(?P<n>{_NUMBER}){_SCALE}(?:-?(?P<end>{_CASE}){_END})?", 0, _money),
        (rf"(?<![\d.])(?P<n>{_NUMBER}){_SCALE}\s?(?P<sign>{_alternatives(CURRENCIES)})(?!\w)", 0, _money),
        (
            r"(?<!\d)(?P<ft>\d{1,2})\s?['′]\s?(?P<in>\d{1,2})\s?[\"″”]",
            0,
            lambda m: f"{number(m['ft'])} ফুট {number(m['in'])} ইঞ্চি",
        ),
        (
            rf"(?<![A-Za-z\d'])(?P<roman>{_ROMAN}|(?!xx){_ROMAN.lower()})(?![A-Za-z\d'])(?=(?P<of>{_CLASS_OR_CENTURY})?)",
            0,
            _roman,
        ),
        (
            r"(?P<of>(?:অধ্যায়|টাইপ|ধাপ|খণ্ড|পর্ব) )(?P<roman>[IVX])(?![\w.])",
            0,
            lambda m: f"{m['of']}{roman(m['roman'])}",
        ),
        (
            r"(?<![\d./-])(?:(?P<w>\d{1,9})\s)?(?P<a>\d{1,3})[/⁄](?P<b>[1-9]\d{0,3})(?![\d/.-])"
            r"(?:\s(?:অংশ|ভাগ)|(?P<few>\s?(?:জন|টা|টি|দিন|মাস|বছর|বার|ঘণ্টা|মিনিট)))?",
            0,
            _fraction,
        ),
        (
            r"(?<![\d.])(?P<n>\d{1,9})(?:তম|ম|য়|র্থ|ষ্ঠ|st|nd|rd|th)" + rf"(?=টি|টা|জন|বার|(?:কে|র|ের)?{_END})",
            0,
            lambda m: ordinal(int(m["n"])),
        ),
        (rf"(?<![\d.])(?P<n>1[1-9]|2[01])শ(?={_CLASS_OR_CENTURY})", 0, lambda m: ordinal(int(m["n"]), classical=True)),
        (rf"(?<![\d.])(?P<n>[1-9]\d?)শ{_END}", 0, lambda m: SMALL_NUMBERS[int(m["n"])] + "শো"),  # ৫শ টাকা
        (r"(?<![\d.])(?P<n>\d{1,2})(?P<end>লা|রা|ঠা|ই|শে)" + _END, 0, _day_alone),
        (r"(?<![\d.])(?P<y>(?:1[1-9]|20)\d0)s\b", 0, lambda m: inflect(year(int(m["y"])), "এর") + " দশক"),  # 1990s
        (rf"(?<!\d)(?P<a>{_Y4}) থেকে (?P<b>{_Y4})(?!\d)", 0, lambda m: f"{year(int(m['a']))} থেকে {year(int(m['b']))}"),
        (
            rf"(?<![\d.])(?P<y>{_Y4})(?=\s?(?:{_YEAR_WORD})| (?:ও|এবং|বা|কিংবা) {_Y4}\s?(?:{_YEAR_WORD}))",
            0,
            lambda m: year(int(m["y"])) + " ",
        ),
        (rf"(?<![\d.])(?P<y>{_Y4})\s?[-']?(?P<end>এর?|র){_END}", 0, lambda m: inflect(year(int(m["y"])), m["end"])),
        (
            rf"(?<![\d.])(?P<n>{_NUMBER}){_SCALE}\s?(?P<power>বর্গ|ঘন)?\s?(?P<unit>{_alternatives(UNITS)})"
            rf"(?P<superscript>[²³])?(?P<end>\s?-?এর|-?(?:এ|র|তে))?{_END}",
            0,
            _measure,
        ),
        (r"(?<=\d)\s?[xX/]\s?(?=\d)", 0, lambda m: " বাই "),
        (r"(?<![\d.])\d+(?:\.\d+){2,}", 0, _numbers_with_dots),
        (rf"(?<=[{_BENGALI}A-Za-z])[-‐‑](?=\d)", 0, lambda m: " "),  # COVID-19, টি-২০
        (rf"(?<!\d)(?P<n>{_NUMBER})[-']?(?P<end>{_CASE}){_END}", 0, lambda m: inflect(number(m["n"]), m["end"])),
        (rf"(?<!\d)(?P<n>{_NUMBER})\s(?=(?:{_CLASSIFIER})(?!-))", 0, lambda m: number(m["n"])),  # ৩ টা
        (rf"(?<!\d)(?P<n>{_NUMBER})-?(?=(?:{_ON_NUMBER}))", 0, lambda m: number(m["n"])),  # ৫টা, ৩জনের
        (rf"{_NUMBER}", 0, lambda m: f" {number(m[0])} "),
        (
            rf"(?<![{_BENGALI}])(?:{_ABBREVIATION})(?:(?<=[.ঃ:)])|{_END})",
            0,
            lambda m: " " + ABBREVIATIONS[re.sub(r"[.ঃ:]\s?", ".", m[0])] + " ",
        ),
        (rf"(?<![{_BENGALI}])(?:[ক-হ][া-ৌ]?\.){{2,}}", 0, lambda m: f" {m[0].replace('.', ' ')} "),  # ঢা.বি.
        # initials: এ. কে. আজাদ
        (
            rf"(?<![{_BENGALI}])(?P<l>{'|'.join(sorted(set(LETTER_NAMES.values()), key=len, reverse=True))})\.\s?"
            rf"(?=[{_BENGALI}])",
            0,
            lambda m: m["l"] + " ",
        ),
        (r"\b(?:Mr|Mrs|Ms|Dr|Prof)\.", 0, lambda m: f" {latin(m[0][:-1])} "),
        (r"(?:[A-Za-z]{1,2}\.){2,}", 0, lambda m: f" {latin(m[0].replace('.', ''))} "),  # U.S.A., Ph.D.
        (r"\s?\.(?=[A-Za-z])", 0, lambda m: " ডট "),  # file.txt
        (r"[A-Za-z]+(?:[-'][A-Za-z]+)*", 0, lambda m: f" {latin(m[0])}"),
        # endings written with a hyphen: SMS-এর, বিবিসি-র; SMS-টা
        (rf"(?P<word>[{_BENGALI}]+)-(?P<end>{_CASE}){_END}", 0, lambda m: inflect(m["word"], m["end"])),
        (rf"(?<=[{_BENGALI}])-(?=(?:টা|টি|টার|টির|কে|গুলো|ও|ই){_END})", 0, lambda m: ""),
        (r"#(?=[^\W\d])", 0, lambda m: " হ্যাশট্যাগ "),
    )
]


def verbalize(text: str) -> str:
    """The words a speaker would say for a written Bengali text.

    Parameters
    ----------
    text
        Any Unicode text, in either form of য় ড় ঢ়; Bengali, Western and other decimal digits are the same. Roman
        numerals are numbers from II to XXXIX, but V and X and all others are letters.

    Returns
    -------
    str
        Bengali letters, single blanks and the marks ``। ? ! ,`` only, each mark right after a word. A full stop
        becomes ``।``; colons, semicolons, dashes, brackets and dots within a sentence become ``,``; emoji, quotation
        marks and unknown scripts go. Web addresses are said shortly: the host if its parts are known
        (গুগল ডট কম), else ওয়েব লিংক.

    Raises
    ------
    TextError
        When no word is left.

    Examples
    --------
    >>> verbalize("সকাল ৭:৩০-এ ৫টা রুটি, ৳৮০।")
    'সকাল সাড়ে সাতটায় পাঁচটা রুটি, আশি টাকা।'
    """
    text = _plain(text)
    if re.fullmatch(r"[^\w\u0980-\u09e3]+", text):
        text = "".join(f" {_SYMBOLS_ALONE[c]} " if c in _SYMBOLS_ALONE else c for c in text)
    for pattern, rule in _RULES:
        text = pattern.sub(rule, text)
    text = "".join(f" {SYMBOLS[c]} " if c in SYMBOLS else c for c in text)
    text = _marks(text)
    if not re.search("[অ-হৎ\u09dc-\u09df]", text):
        raise TextError("the text holds no word that can be spoken: give a sentence in Bengali.")
    return text


def _plain(text: str) -> str:
    text = re.sub("[\u00bc-\u00be\u2150-\u215e]", lambda m: " " + unicodedata.normalize("NFKC", m[0]), text)  # ½: 1⁄2
    text = re.sub("[\u2160-\u217f]+", lambda m: unicodedata.normalize("NFKC", m[0]), text)  # Ⅳ: IV
    text = normalize_bengali(text)
    digits = "".join(str(unicodedata.digit(c)) if unicodedata.category(c) == "Nd" else c for c in text)
    digits = re.sub(r"(?<=\d)ঃ(?=\d)", ":", digits)  # visarga in the place of a colon: ৮ঃ৩০
    digits = re.sub(r"([+&@=~#%$*_-])\1{2,}", " ", digits)  # rules and decoration: =====
    return digits.replace("|", "।").replace("॥", "।").replace("৷", "।").replace("\u2019", "'")


def _marks(text: str) -> str:
    """Only Bengali letters, blanks and the four marks; one mark at a time, never before the first word."""
    text = re.sub(rf"(?<=[{_BENGALI}])[-‐‑](?=[{_BENGALI}])", " ", text)  # ভাই-বোন
    text = re.sub(r"(?:\.{2,}|…)(?=\s*\S)", ",", text)
    text = re.sub(r"(?:\.{2,}|…)", "।", text).replace(".", "।")
    text = re.sub(r"[;:()\[\]{}–—]|\s-+\s", ",", text)
    text = re.sub(rf"[^{_BENGALI}\u200d।?!,]+", " ", text)
    text = re.sub(r"[\s,]*([।?!])[\s,।?!]*", lambda m: _strongest(m[0]) + " ", text)
    text = re.sub(r"\s*,[\s,]*", ", ", text)
    return " ".join(text.split()).lstrip("।?!, ").removesuffix(",")


def _strongest(marks: str) -> str:
    return next(mark for mark in "?!।" if mark in marks)
