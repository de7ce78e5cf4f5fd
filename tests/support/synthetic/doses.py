"""Dose reports of many irradiation events (PS3.16 TID 10001, 10011)."""

from pydicom.dataset import Dataset

from tests.support.synthetic.reports import FAMILY, ROOT, code, container, document, num, text, uidref

_SUM = ("113702", "DCM", "Accumulated X-Ray Dose Data")
_EVENT = ("113706", "DCM", "Irradiation Event X-Ray Data")


def fluoroscopy(events: int, *, details: int = 3) -> Dataset:
    """Events first, their sum last; every event in the same plane, of its own time, protocol and UID."""
    total = container(_SUM, num(("113722", "DCM", "Dose Area Product Total"), "0.01250", "Gy.m2"))
    title = ("113701", "DCM", "X-Ray Radiation Dose Report")
    told = [_fluoroscopy_event(at, details) for at in range(1, events + 1)]
    return document(71, FAMILY + "67", title, *told, total, template="10001")


def _fluoroscopy_event(at: int, details: int) -> Dataset:
    filter_ = container(
        ("113771", "DCM", "X-Ray Filters"),
        code(("113757", "DCM", "X-Ray Filter Material"), ("66925006", "SCT", "Copper")),
        num(("113758", "DCM", "X-Ray Filter Thickness Minimum"), f"0.{at % 3 + 1}0", "mm"),
    )
    return container(
        _EVENT,
        code(("113764", "DCM", "Acquisition Plane"), ("113622", "DCM", "Single Plane")),
        uidref(("113769", "DCM", "Irradiation Event UID"), f"{ROOT}.77.{at}"),
        text(("125203", "DCM", "Acquisition Protocol"), f"Coro {at}"),
        code(("113721", "DCM", "Irradiation Event Type"), ("P5-06000", "SRT", "Fluoroscopy")),
        *(num((f"N{each}", "99T", f"Detail {each}"), f"{each}.0", "mA") for each in range(details)),
        num(("113738", "DCM", "Dose (RP)"), f"{at}.50", "mGy"),
        num(("122130", "DCM", "Dose Area Product"), f"{at}.0", "uGy.m2"),
        filter_,
    )


def mammography() -> Dataset:
    """Two views, each with its side; the sums are told by side, too."""
    side = ("111027", "DCM", "Image Laterality")
    sums = [
        container(
            _SUM,
            num(("111637", "DCM", "Accumulated Average Glandular Dose"), "2.40", "mGy"),
        )
    ]
    views = [
        container(
            _EVENT,
            code(side, (number, "SCT", name)),
            code(("111031", "DCM", "Image View"), ("399162004", "SCT", "cranio-caudal")),
            num(("111633", "DCM", "Compression Thickness"), "52", "mm"),
            num(("111631", "DCM", "Average Glandular Dose"), dose, "mGy"),
        )
        for number, name, dose in (("80248007", "Left breast", "1.20"), ("73056007", "Right breast", "1.25"))
    ]
    title = ("113701", "DCM", "X-Ray Radiation Dose Report")
    return document(72, FAMILY + "67", title, *sums, *views, template="10001")
