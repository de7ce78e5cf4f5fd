"""pydicom without its remarks, which quote what stands in a file. It is not loaded here: most headers do without."""

import logging
import warnings


def quiet_pydicom() -> None:
    """Keep pydicom's remarks on odd values out of stderr and logs: they quote attribute values.

    Set again at each use, because warning filters are reset by whoever runs the program (as pytest does). It sets
    a filter of the process rather than `warnings.catch_warnings`, which is not safe among threads.
    """
    warnings.filterwarnings("ignore", module=r"pydicom\b")
    logger = logging.getLogger("pydicom")
    if logger.level != logging.CRITICAL:
        # Setting it, even to what it is, empties the caches of all loggers.
        logger.setLevel(logging.CRITICAL)
