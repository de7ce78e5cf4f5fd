"""PDFs that take gigabytes, minutes or no end of depth are refused in words, or read as far as they make sense."""

import re
import subprocess
import sys
from functools import partial

import pytest

from federator.dicom.pdf.text import read_pdf
from federator.server.answers.documents import PDF_LIMITS
from federator.workers.limits import MIB
from federator.workers.worker import run_once
from tests.support.synthetic import pdf_text
from tests.support.synthetic.pdf_bombs import BOMBS, huge_page

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of a process are Linux's")

BASE_BYTES = 64 * MIB
"""What a worker holds before it reads anything, with its libraries."""

READ = """
import dataclasses, resource, sys
from functools import partial
from federator.dicom.pdf.text import read_pdf
from federator.errors import ContentError
from federator.server.answers.documents import PDF_LIMITS
from federator.workers.worker import run_once

try:
    limits = dataclasses.replace(PDF_LIMITS, seconds=4)
    told = f"{run_once(partial(read_pdf, sys.stdin.buffer.read()), limits=limits).page_count} pages"
except ContentError as refusal:
    told = str(refusal)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
print(told)
"""


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_costs_neither_memory_nor_the_server(bomb):
    """contract.md §3.9 and CWE-409, CWE-674: memory and time have a bound outside of the library."""
    content = BOMBS[bomb]()
    # In a server of its own, whose only child is the worker.
    server = subprocess.run([sys.executable, "-c", READ], input=content, capture_output=True, check=True)
    peak, told = server.stdout.decode().splitlines()
    assert int(peak) <= PDF_LIMITS.memory_bytes + BASE_BYTES + len(content)
    assert re.match(r"The PDF (is|cannot|holds|has) |[1-9]\d* pages$", told)


def test_a_page_of_absurd_size_is_still_read():
    """ISO 32000-1 §C.2: pages measure up to 200 inches; what says more is read nevertheless."""
    assert [page.text for page in run_once(partial(read_pdf, huge_page()), limits=PDF_LIMITS).pages] == ["small text"]


def test_a_document_of_many_pages_fits_into_what_it_may_take():
    """The other side of it: what clinics write is read within the limits."""
    content = pdf_text.page(pdf_text.lines(*[f"Line {at}: nodule {at} mm, stable since 2021" for at in range(45)]))
    assert run_once(partial(read_pdf, content), limits=PDF_LIMITS).pages[0].text.count("nodule") == 45
