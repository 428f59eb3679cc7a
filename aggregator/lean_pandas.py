"""Imports pandas without pyarrow. To be imported before pandas.

pandas loads pyarrow, which exports need, wherever it is installed. It would take 36 MB more
memory in the server, and makes text columns of a few rows slower.
"""

import sys

if "pandas" not in sys.modules and "pyarrow" not in sys.modules:
    sys.modules["pyarrow"] = None  # type: ignore[assignment]
    import pandas  # noqa: F401

    del sys.modules["pyarrow"]
