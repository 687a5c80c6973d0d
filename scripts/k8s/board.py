"""The board and the autoscaler: that their queries can be read, and ask for metrics that there are."""

import json
import re

import alerts
import expressions
import yaml


def check(report, root, exposed, scratch):
    text = (root / "k8s/components/monitoring/dashboard.json").read_text()
    queries = {panel["title"]: [target["expr"] for target in panel["targets"]]
               for panel in json.loads(text)["panels"] if panel["type"] != "row"}
    ids = [panel["id"] for panel in json.loads(text)["panels"]]
    report.outcome("the board: panels have numbers of their own", len(ids) == len(set(ids)))
    every_query(report, "the board", queries, exposed, scratch)
    names = set(re.findall(r"label_values\((\w+)", text))
    report.all_hold("the board: its variables", [f"the program has no {name}" for name in names - set(exposed)])
    shown = set(re.findall(r"\b(?:penstock|process)_[a-z_]+", text))
    shown |= {f"{name}{end}" for name in shown for end in ("_sum", "_count") if f"{name}_count" in exposed}
    shown |= {name.removesuffix("_bucket") + end for name in shown for end in ("_sum", "_count")}
    for name in sorted(name for name in exposed if name.startswith("penstock_") and name not in shown):
        print(f"         note: the board does not show {name}")
    autoscaler(report, root / "k8s/components/autoscaling", exposed, scratch)


def autoscaler(report, folder, exposed, scratch):
    rules = yaml.safe_load((folder / "prometheus-adapter.yaml").read_text())["rules"]["custom"]
    queries = {rule["name"]["as"]: [filled(rule["metricsQuery"]), rule["seriesQuery"]] for rule in rules}
    every_query(report, "prometheus-adapter", queries, exposed, scratch)
    zeros(report, queries, scratch)
    metrics = yaml.safe_load((folder / "autoscaler.yaml").read_text())["spec"]["metrics"]
    wanted = [one["pods"]["metric"]["name"] for one in metrics if one["type"] == "Pods"]
    report.all_hold("the autoscaler: its metrics come from the adapter", [
        f"no rule makes {name}" for name in wanted if name not in queries])


def zeros(report, queries, scratch):
    """Of two pods of which one has such series, both have a value."""
    tests = [{
        "interval": "15s",
        "input_series": [
            *({"series": f'{name}{{namespace="n",pod="p-1",upstream="openai",tenant="{tenant}"}}', "values": "3x4"}
              for tenant in "ab"),
            *({"series": f'penstock_max_open_files{{namespace="n",pod="{pod}"}}', "values": "1024x4"}
              for pod in ("p-1", "p-2"))],
        "promql_expr_test": [{"expr": query, "eval_time": "1m", "exp_samples": [
            {"labels": '{pod="p-1"}', "value": 6}, {"labels": '{pod="p-2"}', "value": 0}]}],
    } for name, (query, _) in queries.items()]
    file = scratch / "adapter.test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [], "tests": tests}))
    alerts.promtool(report, "prometheus-adapter: a pod without such a series counts as zero", "test", "rules", file)


def filled(template):
    """What the adapter makes of a rule."""
    return template.replace("<<.LabelMatchers>>", 'namespace="n",pod=~"p-1|p-2"').replace("<<.GroupBy>>", "pod")


def every_query(report, what, queries, exposed, scratch):
    report.all_hold(f"{what}: metrics and labels of the program", [
        mistake for title, texts in queries.items() for text in texts
        for mistake in expressions.mistakes(title, text, exposed)])
    # promtool reads rules, not queries: each query is made one.
    texts = [plain(text) for group in queries.values() for text in group]
    rules = [{"record": f"query:{number}", "expr": text} for number, text in enumerate(texts)]
    file = scratch / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    alerts.promtool(report, f"{what}: promtool reads its {len(texts)} queries", "check", "rules", file)


def plain(text):
    """Without Grafana's variables."""
    return text.replace("$__rate_interval", "5m").replace("$namespace", "n").replace("$upstream", "u")
