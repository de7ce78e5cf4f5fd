"""Whether two studies are of one patient, and how certain that is (contract.md section 3.8).

In: rows of studies that share a Patient ID. Out: a verdict for each, with its reason in words. It asks no archive.
"""
