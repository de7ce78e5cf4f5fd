"""Patient IDs that are no IDs: what people and equipment write where a number is required and none is known. Pure.

An ID may tell one patient from another only where somebody gave it to that patient. These were given to nobody:

- nothing but punctuation (`-`, `?????`, `*`), a single letter or digit, nothing but zeros, one sign three times or more
  (`XXX`, `999999`): no registry gives them out;
- what fingers type to get past a required field: digits or letters that count up from the first (`123`, `ABC`), or down
  from the last (`987654321`), and the rows of a keyboard (`qwertz`, `asdf`);
- words that say that there is no ID, in many languages, alone or as a phrase (`NO PATIENT ID`), and some with digits
  behind them (`TEST01`, `UNKNOWN 2`): a number makes them no better. `NA12878` and `TEMP4711` may be IDs: words that
  are also prefixes of real ones count without digits only. `ANON…` counts whatever follows (contract.md section 3.8).

A rule takes an ID for none too easily rather than too rarely: a study whose patient is merely uncertain is still listed
and a person decides, one that is wrongly certain is not looked at twice. Words in languages that nobody here thought of
show by another sign: the archive gives them to several people (`priors.py`).

Standard: PS3.3 §C.7.1.1 (Patient ID is Type 2: it may be empty, so that nobody would have to write any of these)
"""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

from federator.dicom.letters import bearable

_LONGEST = 1_024


def _folded(written: str) -> str:
    marked = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", bearable(written[:_LONGEST])).casefold())
    return unicodedata.normalize("NFC", "".join(letter for letter in marked if not unicodedata.combining(letter)))


def _words(listed: str) -> frozenset[str]:
    return frozenset(_folded(listed).split())


_STRONG = _words(
    """
    unknown unkown unknow unknwn unbekannt unbek inconnu inconnue desconocido desconocida desconhecido
    desconhecida sconosciuto sconosciuta ignoto onbekend okand ukjent ukendt tuntematon nieznany nieznana
    neznamy neznama ismeretlen necunoscut nepoznat neznano bilinmiyor bilinmeyen agnosto agnostos неизвестно
    неизвестный неизвестная неизвестен невідомо невідомий άγνωστο άγνωστος αγνωστο αγνωστος مجهول 不明 未知 不详 不詳
    无名氏 無名氏 미상 불명 test tests testing
    tester testpatient testpat patienttest testid teste prueba prova essai demo
    dummy sample example beispiel muster mustermann musterfrau ejemplo exemple esempio phantom fantom fantome
    fantasma deidentified deid redacted johndoe janedoe undefined unidentified unassigned placeholder
    unbekannter unbekannte unknownpatient patientunknown anonym
    """
)
_WEAK = _words(
    """
    unk ukn na nan nil null none no not non nn nv ohne kein keine keiner keins leer aucun aucune sans vide
    ninguno ninguna sin vacio nessuno nessuna vuoto senza geen leeg ingen inget ingenting brak zadny zadne bez
    nema yok nenhum nenhuma sem 无 無 なし 없음 нет без missing empty blank fehlt tbd tba tbc pending nobody niemand
    noone noname unnamed namenlos unspecified removed withheld hidden masked confidential noid nopid nomrn
    nopatientid nopatient keineid ohneid sansid sinid semid temp temporary tmp default trauma emergency notfall
    urgence urgencia er qa qc service calibration kalibrierung probe xx foo bar foobar غير معروف לא ידוע khong
    geloscht fara brez nincs puuttuu ei
    """
)
_FILLERS = _words(
    """
    id ids pid mrn patient patients patientid pat pt name number nr num the a of available known applicable
    assigned provided given entered recorded set specified angabe angaben vorhanden bekannt vergeben renseigne
    renseignee connu attribue disponible disponibile bekend identificado identificar identifie identifier identificador
    identity person ro male female man woman adult child baby mann frau m f
    """
)
_KEYBOARD = ("qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm")
_ALIKE_AT_LEAST = 3
_WORDS = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=4096)
def is_no_id(written: str) -> bool:
    """Whether a Patient ID tells no patient from another."""
    text = _folded(written)
    signs = re.sub(r"[\W_]", "", text)
    if len(signs) <= 1 or not signs.strip("0") or (len(signs) >= _ALIKE_AT_LEAST and len(set(signs)) == 1):
        return True
    return _is_typed_along(signs) or _is_said(text)


def is_placeholder(written: str) -> bool:
    """Whether a name or an issuer says in words that there is none."""
    text = _folded(written)
    return not re.search(r"\w", text) or _is_said(text)


def _is_typed_along(signs: str) -> bool:
    """Whether the signs count up from the first, down from the last, or go along a row of the keyboard."""
    if len(signs) < _ALIKE_AT_LEAST:
        return False
    if any(row.startswith(signs) for row in _KEYBOARD):
        return True
    if not signs.isascii():
        return False
    # Behind 9 comes 0, as on the keyboard.
    steps = {
        (ord(after) - ord(before)) % 10 if signs.isdigit() else ord(after) - ord(before)
        for before, after in pairwise(signs)
    }
    return (signs[0] in "01a" and steps == {1}) or (signs[0] == "9" and steps == {9})


def _is_said(text: str) -> bool:
    words = _WORDS.findall(text)
    if "".join(words) in _STRONG | _WEAK and not re.search(r"\d", text):
        return True  # N/A, U.N.K.
    if text.lstrip(" ([<{*_-#").startswith("anon"):
        return True
    if not words or not all(word in _STRONG | _WEAK | _FILLERS for word in words):
        return False
    if any(word in _STRONG for word in words):
        return True
    return any(word in _WEAK for word in words) and not re.search(r"\d", text)
