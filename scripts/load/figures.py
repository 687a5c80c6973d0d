"""What a load cost, from the metrics of Penstock and of the simulated providers: figures.py ADMIN PORT..."""

import re
import sys
import urllib.request

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def samples(page):
    with OPENER.open(page, timeout=10) as answer:
        text = answer.read().decode()
    return [(name, dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value))
            for name, labels, value in re.findall(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$", text, re.MULTILINE)]


def total(all_samples, name, **labels):
    return sum(value for one, has, value in all_samples if one == name and labels.items() <= has.items())


def quantile(all_samples, name, share):
    """The bucket that it is in: more than that a histogram does not know."""
    counts = {}
    for one, has, value in all_samples:
        if one == f"{name}_bucket": counts[float(has["le"])] = counts.get(float(has["le"]), 0) + value
    lower = 0
    for upper, count in sorted(counts.items()):
        if count >= share * max(counts.values()): return f"{lower * 1000:g} to {upper * 1000:g} ms"
        lower = upper
    return "unknown"


def main(admin, *ports):
    penstock = samples(f"{admin}/metrics")
    requests = total(penstock, "penstock_requests_total")
    failed = requests - total(penstock, "penstock_requests_total", outcome="ok")
    print(f"requests            {requests:.0f}, not ok {failed:.0f}")
    for name, title in [("overhead", "overhead"), ("queue_wait", "queue"), ("first_byte", "first byte")]:
        metric = f"penstock_{name}_seconds"
        print(f"{title:20}p50 {quantile(penstock, metric, 0.5)}, p99 {quantile(penstock, metric, 0.99)}")
    for name, has, value in penstock:
        if name == "penstock_limited_total":
            print(f"held back           {value:.0f} by {has['upstream']}/{has['limit']} ({has['action']})")
    cpu = total(penstock, "process_cpu_seconds_total")
    print(f"CPU                 {cpu:.1f} s, {cpu / requests * 1e6:.0f} us per request")
    print(f"memory              {total(penstock, 'process_resident_memory_bytes') / 2**20:.0f} MiB")
    print(f"descriptors         {total(penstock, 'penstock_open_files'):.0f}")
    print(f"connections         {total(penstock, 'penstock_connections'):.0f} to the providers")
    for port in ports:
        provider = samples(f"http://127.0.0.1:{port}/metrics")
        print(f"provider {port}       {total(provider, 'simulator_requests_total'):.0f} requests, "
              f"at most {total(provider, 'simulator_active_requests_peak'):.0f} at one time, "
              f"{total(provider, 'simulator_violations_total'):.0f} violations")


if __name__ == "__main__":
    main(*sys.argv[1:])
