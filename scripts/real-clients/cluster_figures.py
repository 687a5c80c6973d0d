"""What several Penstocks reach that share one limit through a real Redis: for a quiet machine and a production build.

The provider counts every request of all of them over the very windows that they are told; one too many is a violation.

    PENSTOCK=$(scripts/production-build.sh) scripts/real-clients/run.sh cluster_figures
    REPLICAS=10 SECONDS_EACH=30 scripts/real-clients/run.sh cluster_figures
"""

import contextlib
import os
import re
import signal
import statistics
import time

from harness import Simulator, check, eventually
from store import BODY, PER_MINUTE, REPLICAS, Load, Redis, ask, is_connected, kept, policy, replicas, taken

SECONDS = float(os.environ.get("SECONDS_EACH", "12"))
WHAT = os.environ.get("FIGURES", "rate tokens slots latency").split()
SLOTS = 20


def at(redis):
    return f'url: "unix:{redis.path}"'


def used(simulator, seconds, faults=()):
    """The share of the rate that is used in so many seconds; things happen at their parts of it."""
    before, begin = taken(simulator), time.monotonic()
    for part, act in faults:
        time.sleep(max(0, begin + part * seconds - time.monotonic()))
        act()
    time.sleep(max(0, begin + seconds - time.monotonic()))
    return (taken(simulator) - before) / (PER_MINUTE / 60 * (time.monotonic() - begin))


def rate(redis):
    # The provider counts over any minute, as its headers say; the replicas keep to a sixth of it in any ten seconds.
    with Simulator("--limit", f"requests={PER_MINUTE}/60s") as simulator, contextlib.ExitStack() as stack:
        text = policy(simulator, f"requests: {PER_MINUTE}/min", at(redis), "pacing: 10s")
        all_of_them = replicas(stack, [text] * REPLICAS)
        with Load(all_of_them, max(4, 120 // REPLICAS)) as load:
            # The burst at the beginning is paid back in ten seconds and a quarter of that.
            time.sleep(15)
            with check(f"{REPLICAS} replicas use at least 97 % of one limit, and never more of it"):
                share = used(simulator, SECONDS)
                print(f"# {share:.1%} used")
                assert share >= 0.97, share
                kept(simulator, load)

            def stop(): redis.child.send_signal(signal.SIGSTOP)
            def go_on(): redis.child.send_signal(signal.SIGCONT)
            def again(): redis.start(); stop()

            faults = {
                "stopped for half of the time": [(0.2, stop), (0.7, go_on)],
                "emptied": [(0.3, lambda: redis.say("FLUSHALL"))],
                "full for half of the time": [
                    (0.2, lambda: redis.say("CONFIG", "SET", "maxmemory", "1")),
                    (0.7, lambda: redis.say("CONFIG", "SET", "maxmemory", "0"))],
                "killed and gone for half of the time": [(0.2, redis.kill), (0.7, redis.start)],
                "stopped for half of the time, a moment after it was killed": [(0.2, stop), (0.7, go_on)],
                "killed, and stopped as soon as it is back": [(0.2, redis.kill), (0.4, again), (0.7, go_on)],
            }
            for name, steps in faults.items():
                with check(f"a Redis that is {name}: nothing too much, and at least 85 % used meanwhile"):
                    share = used(simulator, SECONDS, steps)
                    print(f"# {share:.1%} used")
                    assert share >= 0.85, share
                    kept(simulator, load)
                    eventually(lambda: all(map(is_connected, all_of_them)), "the store to be in use again")
        kept(simulator, load)


def tokens(redis):
    """The provider counts the tokens of each request as its answer says them."""
    with Simulator("--limit", "tokens=120000/60s") as simulator, contextlib.ExitStack() as stack:
        text = policy(simulator, "tokens: 120000/min", at(redis), "pacing: 10s")
        all_of_them = replicas(stack, [text] * REPLICAS)
        each = simulator.call("POST", "/v1/chat/completions", BODY)["usage"]["total_tokens"]
        with Load(all_of_them, 20) as load, \
                check(f"{REPLICAS} replicas use at least 90 % of a limit of tokens, and never more of it"):
            time.sleep(15)
            before, begin = taken(simulator), time.monotonic()
            time.sleep(SECONDS)
            share = (taken(simulator) - before) * each / (2000 * (time.monotonic() - begin))
            print(f"# {share:.1%} used")
            assert share >= 0.90, share
            kept(simulator, load)


def slots(redis):
    with Simulator("--limit", f"in_flight={SLOTS}", "--latency", "300ms") as simulator, contextlib.ExitStack() as stack:
        all_of_them = replicas(stack, [policy(simulator, f"in_flight: {SLOTS}", at(redis))] * REPLICAS)
        sentence = f"{REPLICAS} replicas use at least 90 % of {SLOTS} slots, and never one more"
        with check(sentence), Load(all_of_them, 30) as load:
            time.sleep(2)
            before = taken(simulator)
            time.sleep(SECONDS)
            share = (taken(simulator) - before) * 0.3 / SECONDS / SLOTS
            print(f"# {share:.1%} used")
            assert share >= 0.90, share
            kept(simulator, load)


def latency(redis):
    """One caller after the other, with the cluster and without it by turns: what the store adds to each."""
    with Simulator() as simulator, contextlib.ExitStack() as stack:
        for limits in ["requests: 60000/min", "requests: 60000/min, in_flight: 100"]:
            text = policy(simulator, limits, at(redis))
            shared, alone = replicas(stack, [text, text[:text.index("cluster:")]])
            times = {shared: [], alone: []}
            redis.say("CONFIG", "RESETSTAT")
            for _ in range(1000):
                for one in (shared, alone): times[one].append(ask(one)[0] * 1000)
            with_it, without = statistics.median(times[shared]), statistics.median(times[alone])
            calls, each = turns(redis)
            print(
                f"# {limits}: {with_it:.2f} ms with the cluster, {without:.2f} ms without; "
                f"{calls / 1000:.2f} turns for each, of which the store takes {each:.0f} µs")
            with check(f"{limits}: a request takes at most half a millisecond more at the median"):
                assert with_it - without <= 0.5, with_it - without
            shared.stop()
            alone.stop()


def turns(redis):
    """How many there were, and how long one takes in the store in microseconds."""
    found = re.search(rb"cmdstat_evalsha:calls=(\d+),usec=\d+,usec_per_call=([\d.]+)", redis.say("INFO", "commandstats"))
    return int(found[1]), float(found[2])


with Redis("--save", "") as redis:
    for name in WHAT:
        {"rate": rate, "tokens": tokens, "slots": slots, "latency": latency}[name](redis)
        redis.say("FLUSHALL")
