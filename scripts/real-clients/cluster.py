"""Several Penstocks that share one limit through a real Redis, which is stopped, emptied, filled, cut off, killed and
replaced while they are under load.

The provider counts strictly what comes from all of them; it allows a little more than they are told, so that nothing
here depends on how quick the machine is. What they reach on a quiet one: cluster_figures.

    scripts/real-clients/run.sh cluster
    REPLICAS=10 REDIS_SERVER=valkey-server scripts/real-clients/run.sh cluster
"""

import contextlib
import signal
import time

from harness import Certificate, Penstock, Simulator, check, eventually, free_port
from store import (
    PER_MINUTE, REPLICAS, Load, Redis, Relays, ask, is_connected, kept, policy, replicas, taken)

SLOTS = 20
# For so long the store is away: longer than any promise, and long enough for a whole limit of each replica to show.
AWAY = 1.5
# 3000 a minute are 500 in ten seconds. A fourteenth more, for a machine that sends a second's worth late. The provider
# is one without limit headers: Penstock would take them for those of a minute, and keep to that.
ALLOWED = f"requests={PER_MINUTE // 6 + 36}/10s"
RATE = f"requests: {PER_MINUTE}/min"
# What docs/cluster.md asks for.
RIGHTS = (
    "+eval +evalsha +script|load +info +role +select +hello +subscribe +publish +time +pexpire +hget +hset +hmget "
    "+hgetall +hdel +zadd +zrem +zscore +zcard +zrank +zrange +zrangebyscore +zremrangebyscore").split()


def port(number):
    return f"url: redis://127.0.0.1:{number}"


def away():
    """Whatever is done to the store or the ways there: nothing too much goes, something does, and nobody hangs."""
    with contextlib.ExitStack() as stack:
        simulator = stack.enter_context(Simulator("--limit", ALLOWED))
        redis = stack.enter_context(Redis("--save", "", port=free_port()))
        ways = stack.enter_context(Relays(REPLICAS, redis.port))
        texts = [policy(simulator, RATE, port(way), "pacing: 10s", provider="vllm") for way in ways.ports]
        all_of_them = replicas(stack, texts)
        first = all_of_them[:1]
        load = stack.enter_context(Load(all_of_them, 20))

        def is_back(): return all(map(is_connected, all_of_them))

        def passing(sentence, begin, end=None, lost=all_of_them):
            with check(f"{sentence}: nothing too much, some go meanwhile, and the store is in use again"):
                begin()
                if end:
                    eventually(lambda: not any(map(is_connected, lost)), "the store to be missed")
                    assert all(one.metric("penstock_cluster_connected") == 0 for one in lost)
                    before = taken(simulator)
                    time.sleep(AWAY)
                    assert taken(simulator) > before + AWAY * 5, "nothing goes"
                    assert all(one.is_ready() for one in all_of_them), "a part of the limit can be served"
                    end()
                else:
                    time.sleep(AWAY)
                eventually(is_back, "the store to be in use again", 20)
                assert first[0].metric("penstock_cluster_connected") == 1
                kept(simulator, load)

        def way(mode): return lambda: ways.set(0, mode)

        eventually(lambda: taken(simulator) > 200, "some traffic")
        redis_signal = redis.child.send_signal
        passing("a Redis that is stopped", lambda: redis_signal(signal.SIGSTOP), lambda: redis_signal(signal.SIGCONT))
        passing("a Redis that is emptied", lambda: redis.say("FLUSHALL"))
        passing("a Redis without its script", lambda: redis.say("SCRIPT", "FLUSH"))
        passing(
            "a Redis that is full", lambda: redis.say("CONFIG", "SET", "maxmemory", "1"),
            lambda: redis.say("CONFIG", "SET", "maxmemory", "0"))
        passing("a way that is cut without a word", way("stall"), way("pass"), first)
        passing("a way that loses bytes", way("drop"), way("pass"), first)
        passing("a way that breaks connections", way("reset"), way("pass"), first)
        passing("a way that takes longer than is waited for", way("0.1"), way("pass"), first)
        passing("a Redis that is killed", redis.kill, redis.start)

        def again():
            redis.kill()
            redis.start()
            redis.child.send_signal(signal.SIGSTOP)

        passing("a Redis that is killed and stopped", again, lambda: redis.child.send_signal(signal.SIGCONT))
        with check("a pause that one replica is told holds all of them, and nobody fails"):
            pause(simulator, load)


def pause(simulator, load):
    def refused(): return simulator.counts["requests"].get("429", 0)
    simulator.faults("status=429;retry-after=2@next=1")
    eventually(refused, "a refusal")
    time.sleep(0.3)
    before = taken(simulator)
    time.sleep(1)
    assert taken(simulator) == before, "some go on"
    eventually(lambda: taken(simulator) > before + 20, "the end of the pause")
    kept(simulator, load)


def modes():
    with Simulator() as simulator, Redis("--save", "", port=free_port()) as redis, contextlib.ExitStack() as stack:
        text = policy(simulator, RATE, port(redis.port), cluster=", when_unavailable: deny")
        denying = replicas(stack, [text])[0]
        with check("`deny`: without the store who comes is refused at once, and with it served again"):
            assert ask(denying)[1] == 200
            redis.child.send_signal(signal.SIGSTOP)
            eventually(lambda: denying.admin("/readyz").status == 503, "it not to be ready")
            length, status = ask(denying)
            assert status == 429 and length < 5, (length, status)
            redis.child.send_signal(signal.SIGCONT)
            eventually(denying.is_ready, "it to be ready")
            assert ask(denying)[1] == 200
        with check("`local`: a replica that never saw the store serves by the whole limit"):
            text = policy(simulator, RATE, port(free_port()), cluster=", when_unavailable: local")
            alone = replicas(stack, [text])[0]
            assert ask(alone)[1] == 200 and not is_connected(alone)


def secured():
    """TLS, a user with the rights that the documentation names, and a database by number."""
    certificate, stranger, secret = Certificate("redis"), Certificate("stranger"), "s3cret"
    tls = [
        "--tls-port", (number := free_port()), "--tls-cert-file", certificate.certificate, "--tls-key-file",
        certificate.key, "--tls-ca-cert-file", certificate.authority, "--tls-auth-clients", "no"]
    acl = ["--user", "penstock", "on", f">{secret}", "~penstock:*", "&penstock:*", *RIGHTS]
    with Simulator() as simulator, Redis("--save", "", *tls, *acl) as redis, contextlib.ExitStack() as stack:
        def text(authority, password):
            words = f"url: rediss://localhost:{number}/3, user: penstock, password: {{env: REDIS_PASSWORD}}"
            return policy(
                simulator, "requests: [600/min, 10000/day], in_flight: 5, tokens: 100000/min",
                f"{words}, tls: {{ca: {authority}}}", cluster=", when_unavailable: local"), {"REDIS_PASSWORD": password}

        def started(authority, password):
            policy, environment = text(authority, password)
            return stack.enter_context(Penstock(policy, environment=environment))

        with check("TLS, a user with few rights and a database number: all counts are in that database"):
            penstock = started(certificate.authority, secret)
            eventually(lambda: is_connected(penstock), "the store to be in use")
            for _ in range(5): assert ask(penstock)[1] == 200
            assert is_connected(penstock), "a right is missing"
            assert b"db3:keys=" in redis.say("INFO", "keyspace") and b"db0:" not in redis.say("INFO", "keyspace")
        with check("a server that another authority vouches for, and a wrong password: not used, and said why"):
            strange, wrong = started(stranger.authority, secret), started(certificate.authority, "other")
            eventually(lambda: "WRONGPASS" in wrong.output, "a word of the password")
            eventually(lambda: "Shared limits" in strange.output, "a word of the certificate")
            assert not is_connected(strange) and not is_connected(wrong)
            assert secret not in penstock.output + strange.output + wrong.output


def failover():
    """A Sentinel lets a replica take over from a server that is gone."""
    with contextlib.ExitStack() as stack:
        simulator = stack.enter_context(Simulator("--limit", ALLOWED))
        master = stack.enter_context(Redis("--save", "", port=free_port()))
        copy = stack.enter_context(Redis("--save", "", "--replicaof", "127.0.0.1", master.port, port=free_port()))
        sentinel = stack.enter_context(Redis(port=free_port(), mode=["--sentinel"]))
        for words in [
                ("MONITOR", "main", "127.0.0.1", str(master.port), "1"),
                ("SET", "main", "down-after-milliseconds", "500"), ("SET", "main", "failover-timeout", "3000")]:
            assert sentinel.say("SENTINEL", *words) == b"+OK\r\n", words
        eventually(lambda: b"slaves=1" in sentinel.say("INFO", "sentinel"), "the Sentinel to know both", 20)
        text = policy(simulator, RATE, f"{port(sentinel.port)}, sentinel: main", "pacing: 10s", provider="vllm")
        all_of_them = replicas(stack, [text] * REPLICAS)
        with check("a failover by a Sentinel: nothing too much, and the new server is used"):
            with Load(all_of_them, 20) as load:
                eventually(lambda: taken(simulator) > 100, "some traffic")
                master.kill()
                eventually(lambda: b"role:master" in copy.say("INFO", "replication"), "the failover", 20)
                eventually(lambda: all(map(is_connected, all_of_them)), "the new server to be in use", 20)
                before = taken(simulator)
                eventually(lambda: taken(simulator) > before + 50, "some traffic")
                kept(simulator, load)


def slots():
    with Simulator("--limit", f"in_flight={SLOTS}", "--latency", "300ms") as simulator, Redis("--save", "") as redis, \
            contextlib.ExitStack() as stack:
        all_of_them = replicas(stack, [policy(simulator, f"in_flight: {SLOTS}", f'url: "unix:{redis.path}"')] * REPLICAS)
        first, others = all_of_them[0], all_of_them[1:]
        with check(f"{SLOTS} slots: never one more, and those of a replica that was killed are free within 15 s"):
            with Load([first], 30):
                eventually(lambda: first.upstream()["in_flight"] == SLOTS, "all slots to be in use")
                first.child.kill()
                killed = time.monotonic()
            with Load(others, 30) as load:
                def in_use(): return sum(one.upstream()["in_flight"] for one in others)
                eventually(lambda: in_use() >= SLOTS - 1, "all slots to be in use", 20)
                freed = time.monotonic() - killed
                # The lease is 14.4 s; a turn of the others is 0.5 s away at most.
                assert freed < 16, freed
                kept(simulator, load)


away()
modes()
secured()
failover()
slots()
