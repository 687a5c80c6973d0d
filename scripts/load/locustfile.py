"""Many tenants with some jobs each, asking four upstreams in turn.

For scripts/load/run.sh, or any Penstock whose policy has upstreams of these names:
locust --locustfile scripts/load/locustfile.py --host http://127.0.0.1:8080
"""

import itertools

from locust import FastHttpUser, constant_throughput, task

UPSTREAMS = ["one", "two", "three", "four"]
TENANTS = 20
JOBS = 5
QUESTION = {
    "model": "gpt-4o-mini", "max_tokens": 16, "messages": [{"role": "user", "content": "What is a penstock? " * 50}]}
numbers = itertools.count()


class Caller(FastHttpUser):
    # In tasks a second, as long as an answer takes less than four seconds.
    wait_time = constant_throughput(0.25)

    def on_start(self):
        number = next(numbers)
        self.headers = {
            "Authorization": "Bearer sk-of-nobody", "X-Tenant-Id": f"tenant-{number % TENANTS}",
            "X-Job-Id": f"job-{number // TENANTS % JOBS}"}
        self.upstreams = itertools.cycle(UPSTREAMS[number % 4:] + UPSTREAMS[:number % 4])

    @task
    def ask(self):
        upstream = next(self.upstreams)
        self.client.post(f"/{upstream}/v1/chat/completions", json=QUESTION, headers=self.headers, name=upstream)
