"""pandas without pyarrow, which exports write with. To be imported before pandas.

pandas takes pyarrow in where it finds it: 36 MB more in a server that has promised to stay small,
and text columns that are slower for tables of a few rows.
"""

import sys

if "pandas" not in sys.modules and "pyarrow" not in sys.modules:
    sys.modules["pyarrow"] = None  # type: ignore[assignment]
    import pandas  # noqa: F401

    del sys.modules["pyarrow"]
