"""Numbers, years, days, times and fractions in Bengali words.

num2words knows the words for 0 to 99, but for a few. Beyond them we do it ourselves, for num2words 0.5.14 says শত where
speech has শো, drops the sign of negative numbers and the zeros after a decimal point (4.05 as 4.5), and has neither
ordinals as they are written (২১তম, ১১শ) nor years in hundreds (উনিশশো একাত্তর).
"""

from num2words import num2words

from ..text import normalize_bengali

# Wrong in num2words 0.5.14 (পঁইত্রিশ, সাতত্রিশ, চৌচল্লিশ, ছিষট্টি); 15 to 17 in the Bangla Academy's spelling.
_CORRECTED = {15: "পনেরো", 16: "ষোলো", 17: "সতেরো", 35: "পঁয়ত্রিশ", 37: "সাঁইত্রিশ", 44: "চুয়াল্লিশ", 66: "ছেষট্টি"}
SMALL_NUMBERS: tuple[str, ...] = tuple(
    normalize_bengali(_CORRECTED.get(n) or num2words(n, lang="bn")) for n in range(100)
)
_VOWELS = "ািীুূৃেৈোৌএও"
LARGEST = 10**14  # longer numbers are read digit by digit

# The first twenty-one; ১১শ to ২১শ are written of classes and centuries, others are the number with তম.
_ORDINALS = """
প্রথম দ্বিতীয় তৃতীয় চতুর্থ পঞ্চম ষষ্ঠ সপ্তম অষ্টম নবম দশম
একাদশ দ্বাদশ ত্রয়োদশ চতুর্দশ পঞ্চদশ ষোড়শ সপ্তদশ অষ্টাদশ ঊনবিংশ বিংশ একবিংশ
""".split()
_DAYS = ("পয়লা", "দোসরা", "তেসরা", "চৌঠা")  # the first four days of a month; then পাঁচই … আঠারোই, উনিশে …
_PARTS = ((4, "রাত"), (6, "ভোর"), (12, "সকাল"), (15, "দুপুর"), (18, "বিকেল"), (20, "সন্ধ্যা"), (24, "রাত"))
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10}


def cardinal(n: int) -> str:
    """A number in words, in the Bengali system of হাজার (10³), লাখ (10⁵) and কোটি (10⁷).

    Examples
    --------
    >>> cardinal(12_345_678)
    'এক কোটি তেইশ লাখ পঁয়তাল্লিশ হাজার ছয়শো আটাত্তর'
    """
    if n < 0:
        return "মাইনাস " + cardinal(-n)
    if n < 100:
        return SMALL_NUMBERS[n]
    if n >= LARGEST:
        return spell_digits(str(n))
    words = []
    for value, name in ((10**7, " কোটি"), (10**5, " লাখ"), (10**3, " হাজার"), (100, "শো")):
        if n >= value:
            words.append(cardinal(n // value) + name)
            n %= value
    return " ".join([*words, SMALL_NUMBERS[n]] if n else words)


def spell_digits(digits: str) -> str:
    """Digit by digit: ``"017"`` is শূন্য এক সাত."""
    return " ".join(SMALL_NUMBERS[int(digit)] for digit in digits)


def number(written: str) -> str:
    """A written number, with or without a decimal part; three or more digits after a leading 0 are spelled."""
    whole, _, decimals = written.partition(".")
    spelled = len(whole) > 15 or len(whole) > 2 and whole[0] == "0"
    words = spell_digits(whole) if spelled else cardinal(int(whole))
    return f"{words} দশমিক {spell_digits(decimals)}" if decimals else words


def inflect(word: str, ending: str) -> str:
    """A word with a case ending, in the form that its last letter asks for.

    Parameters
    ----------
    ending
        As written: এর, র or ের for the genitive (পাঁচের, দুইয়ের, আশির), এ, ে, য় or তে for the locative (পাঁচে, দুইয়ে,
        আশিতে, টাকায়), or nothing.
    """
    if not ending:
        return word
    word = word.removesuffix("্")  # of the letter এল্: এলের
    genitive = ending.endswith("র")
    if word[-1] in "ইউ":
        return word + ("য়ের" if genitive else "য়ে")
    if word[-1] in _VOWELS:
        return word + ("র" if genitive else "য়" if word[-1] == "া" else "তে")
    return word + ("ের" if genitive else "ে")


def year(n: int) -> str:
    """A year: hundreds from 1100 to 1999 (১৯৭১ is উনিশশো একাত্তর), otherwise as a number."""
    if 1100 <= n <= 1999:
        return SMALL_NUMBERS[n // 100] + "শো" + (f" {SMALL_NUMBERS[n % 100]}" if n % 100 else "")
    return cardinal(n)


def ordinal(n: int, classical: bool = False) -> str:
    """First, second, …: প্রথম to দশম, then the number with তম; ``classical`` ones are একাদশ to একবিংশ (11th to 21st)."""
    return _ORDINALS[n - 1] if 1 <= n <= (len(_ORDINALS) if classical else 10) else cardinal(n) + "তম"


def roman(numeral: str) -> int:
    """The value of a Roman numeral of the letters I, V and X, in either case: ``"XIV"`` is 14."""
    values = [_ROMAN_VALUES[letter] for letter in numeral.upper()]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def day(n: int) -> str:
    """A day of the month: পয়লা, দোসরা, তেসরা, চৌঠা, পাঁচই … আঠারোই, উনিশে … একত্রিশে."""
    if n <= 4:
        return _DAYS[n - 1]
    return SMALL_NUMBERS[n] + ("ই" if n <= 18 else "ে")


def clock(hour: int, minute: int, part_of_day: bool = False) -> str:
    """A time of day: সাড়ে পাঁচটা (5:30), দেড়টা (1:30), আড়াইটা (2:30), সোয়া চারটা, পৌনে ছয়টা (5:45).

    Parameters
    ----------
    hour, minute
        0 to 24, 0 to 59.
    part_of_day
        Begin with ভোর, সকাল, দুপুর, বিকেল, সন্ধ্যা or রাত.
    """
    hour %= 24
    part = next(name for end, name in _PARTS if hour < end) + " " if part_of_day else ""
    if minute == 45:
        return f"{part}পৌনে {_hour(hour + 1)}"
    if minute == 30:
        return part + {1: "দেড়টা", 2: "আড়াইটা"}.get((hour - 1) % 12 + 1, "সাড়ে " + _hour(hour))
    if minute == 15:
        return f"{part}সোয়া {_hour(hour)}"
    return part + _hour(hour) + (f" {SMALL_NUMBERS[minute]} মিনিট" if minute else "")


def _hour(hour: int) -> str:
    return SMALL_NUMBERS[(hour - 1) % 12 + 1] + "টা"


def fraction(numerator: int, denominator: int, whole: int = 0) -> str:
    """A fraction: অর্ধেক, চার ভাগের তিন ভাগ; with a whole number দেড়, আড়াই, সাড়ে তিন, সোয়া দুই, পৌনে চার."""
    if whole and denominator in (2, 4):
        if (numerator, denominator) == (1, 2):
            return {1: "দেড়", 2: "আড়াই"}.get(whole, f"সাড়ে {cardinal(whole)}")
        if numerator in (1, 3) and denominator == 4:
            return f"সোয়া {cardinal(whole)}" if numerator == 1 else f"পৌনে {cardinal(whole + 1)}"
    if not whole and (numerator, denominator) == (1, 2):
        return "অর্ধেক"
    part = f"{cardinal(denominator)} ভাগের {cardinal(numerator)} ভাগ"
    return f"{cardinal(whole)} পূর্ণ {part}" if whole else part
