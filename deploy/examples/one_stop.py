"""How the one-stop software tells a centre's aggregator how many dossiers were settled today, and
asks for one-time codes to print on receipts.

Standard library only. HAILONG_ADDRESS is the aggregator's, HAILONG_ONE_STOP_TOKEN what
`python -m aggregator one-stop add NAME` printed, HAILONG_CODES how many codes are wanted. Run it
every few minutes: a count replaces the one told before; a code is told once and opens one form.
"""

import json
import os
from datetime import date
from urllib.request import Request, urlopen

SETTLED = {"so_tu_phap": 12, "so_y_te": 7}  # by department, as your own database has them

today, codes = date.today().isoformat(), int(os.environ.get("HAILONG_CODES", "0"))
counts = [{"day": today, "department": id, "count": n} for id, n in SETTLED.items()]
wanted = {"codes": {"number": codes}} if codes else {}  # also: department, counter, days
request = Request(
    os.environ["HAILONG_ADDRESS"].rstrip("/") + "/api/v1/dossiers",
    json.dumps({"dossiers": counts, **wanted}).encode(),
    {"Authorization": f"Bearer {os.environ['HAILONG_ONE_STOP_TOKEN']}"},
)
with urlopen(request, timeout=30) as answer:
    told = json.load(answer)
print(told["stored"], "counts stored")
for one in told.get("codes", []):
    print(one["code"], one["address"], one["until"])  # one for each receipt
