"""What numbering and chaining cost: batches with and without them, in turn, into one database."""

from collections.abc import Iterator
from datetime import UTC, datetime

import orjson

from surveys.chain import START, content_digest, digest_of, link, said_of
from surveys.definition import load_surveys
from surveys.wire import Submission
from tests.bench.bench_ingest import Maker
from tests.bench.load import median, post_all, request
from tests.bench.report import Row
from tests.bench.servers import aggregator

CLIENTS = 16
ROUNDS = 7
BATCH = 200  # as a kiosk sends them
BATCHES = 96  # a round


class Chain:
    """What an outbox does: numbers and links."""

    def __init__(self, number: int) -> None:
        self.about = {"id": f"{number:032x}", "key": f"{number:064x}"}
        self._seq, self._mac = 0, START

    def numbered(self, item: dict[str, object]) -> dict[str, object]:
        given = Submission.model_validate(item)
        digest = digest_of(said_of(given, given.fingerprint))
        self._seq += 1
        self._mac = link(self.about["key"], self._mac, self._seq, digest)
        return item | {"device_seq": self._seq, "device_mac": self._mac}


def rows() -> Iterator[Row]:
    asked = load_surveys()["sipas_2020"].fingerprint
    make, chains = Maker(3), [Chain(number) for number in range(1, CLIENTS + 1)]
    ratios, speeds = [], []
    with aggregator() as server:
        headers = {"Authorization": f"Bearer {server.token}"}

        def sent(chain: Chain | None) -> bytes:
            place = make.place()
            items = [make.one(place) | {"fingerprint": asked} for _ in range(BATCH)]
            body: dict[str, object] = {"submissions": items}
            if chain is not None:
                body["submissions"] = [chain.numbered(item) for item in items]
                body |= {"sent_at": datetime.now(UTC).isoformat(), "chain": chain.about}
                body["set_back"] = [0] * BATCH
            content = orjson.dumps(body)
            digest = {"Content-Digest": content_digest(content)} if chain else {}
            return request(server.url, "/api/v1/submissions", content, headers | digest)

        for number in range(ROUNDS + 1):
            plain = [sent(None) for _ in range(BATCHES)]
            chained = [sent(chains[at % CLIENTS]) for at in range(BATCHES)]
            pair = [plain, chained] if number % 2 else [chained, plain]
            taken = [post_all(server.url, full, CLIENTS) * BATCH for full in pair]
            without, with_ = taken if number % 2 else reversed(taken)
            if number:  # the first ones warm up
                ratios.append(with_ / without)
                speeds.append(with_)
    yield Row(f"batches of {BATCH} with numbers and links", median(speeds), "submissions/s")
    yield Row("… against the same without them", median(ratios), "ratio", 0.85, "min")
