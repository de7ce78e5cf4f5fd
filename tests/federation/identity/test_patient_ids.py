"""Patient IDs that are no IDs, in whatever language they say so (contract.md section 3.8)."""

import pytest

from federator.federation.identity.patient_ids import is_no_id, is_placeholder

PLACEHOLDERS = (
    "UNKNOWN|Unknown|unknown |ANON|ANONYMOUS|ANON-123|Anonymized|anonymisiert|NA|N/A|n.a.|#N/A|<none>|NONE",
    "NULL|null^null|nil|TEST|TEST01|Test Patient|XXX|xx|UNBEKANNT|Unbek.|unbekannt 3|keine Angabe|ohne ID",
    "INCONNU|inconnue|non renseigné|sans ID|DESCONOCIDO|sin ID|DESCONHECIDO|sconosciuto|onbekend|okänd|ukjent",
    "nieznany|neznámý|bilinmiyor|неизвестный|άγνωστος|مجهول|غير معروف|不明|未知|불명|NOID|NO ID|NO PATIENT ID|No MRN",
    "ID UNKNOWN|PATIENT UNKNOWN|NOT AVAILABLE|not known|DUMMY|DUMMY2|DEMO|SAMPLE|PHANTOM|QA PHANTOM|TEMP",
    "EMERGENCY|unidentified male 3|deidentified|TBD|JOHNDOE|ＵＮＫＮＯＷＮ|0|00|000000|0000-00-00|1|7|111111|999999",
    "99999999|000-000-000|12345|１２３４５|123|123456789|0123456789|1234567890|987654321|ABC|abcdef|aaaa|asdf",
    "qwerty|qwertz|-|--|?|?????|.|*|_|   |",
)
IDS = (
    "P1|A-7|10|12|42|1001|4711|123456A|00123|1212|1357|R-48213|PAT001|PATIENT01|MRN123|5551234|20240131",
    "NA12878|TEMP4711|NO 12345|Nr. 88|TCGA-AB-1234|LIDC-IDRI-0001|4*2|C1|X7|AB|19500101-1234|E17|Nobel1",
    "NULLMEIER-3|TESTA^ROSSA|山田-17",
)


@pytest.mark.parametrize("written", [one for line in PLACEHOLDERS for one in line.split("|")])
def test_what_was_given_to_nobody_is_no_id(written):
    """contract.md section 3.8: UNKNOWN, ANON…, 0, 1, NA, empty; and whatever else people write for want of one."""
    assert is_no_id(written)


@pytest.mark.parametrize("written", [one for line in IDS for one in line.split("|")])
def test_what_may_be_somebodys_is_an_id(written):
    """A number behind a word that is also a real prefix, a short number, a date."""
    assert not is_no_id(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("UNKNOWN", True),
        ("", True),
        ("Anonymous", True),
        ("-", True),
        ("Doe Jane", False),
        ("1", False),
        ("HOSP", False),
    ],
)
def test_a_name_or_an_issuer_may_be_a_placeholder_too(written, expected):
    """An issuer may have a number for a name; a name is not told by a number."""
    assert is_placeholder(written) is expected
