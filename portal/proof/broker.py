"""What is done to the broker's queue: `python -m portal.proof.broker flush|copy|again URL SEED`; prints how many.

`copy` publishes the portal's own tasks several times in a drawn order and keeps their bytes; `again` publishes the kept bytes
once more, later, old ones after new ones, as a broker does that gives out what it believes unacknowledged.
"""

import json
import random
import sys
from typing import Any

import redis
from celery import Celery

TASKS = ("sla.sweep", "notifications.deliver", "journal.seal")
TIMES = 4
KEPT, QUEUE = "proof-kept", "celery"


def main(what: str, url: str, seed: int) -> int:
    """The number of messages that were dropped or published."""
    rng = random.Random(seed)
    broker: Any = redis.Redis(unix_socket_path=url.partition("://")[2], socket_timeout=5)
    if what == "flush":
        dropped = int(broker.dbsize())
        broker.flushall()
        return dropped
    if what == "copy":
        app = Celery(broker=url)
        for name in TASKS:
            for _ in range(TIMES):
                app.send_task(name, queue=KEPT)
    messages = broker.lrange(KEPT, 0, -1)
    rng.shuffle(messages)
    for message in messages:
        body = json.loads(message)
        body["properties"]["delivery_info"]["routing_key"] = QUEUE  # where it says it was sent to
        for _ in range(rng.randint(1, 3)):
            broker.lpush(QUEUE, json.dumps(body))
    return len(messages)


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
