"""The dashboard and the alerts name metrics, labels and values that a real server prints.

The server is the playground: SYNCLINE_PLAYGROUND_BIN, or the debug build. Whether the panels look good is not tested.
"""

import json
import os
import re
import subprocess
import tempfile
import unittest
import urllib.request
from pathlib import Path

import promql_parser
import yaml

ROOT = Path(__file__).parents[2]
BINARY = os.environ.get("SYNCLINE_PLAYGROUND_BIN", ROOT / "target" / "debug" / "playground")
DASHBOARD = ROOT / "deploy" / "grafana" / "syncline.json"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"

# What Prometheus adds to every series and has by itself.
SCRAPED_LABELS = {"instance", "job"}
SCRAPE = {"up": {}}


class Unknown(Exception):
    """A metric, label or value that the server does not print, for people."""


def printed():
    """All that /metrics of a fresh server has: by name, the labels, and of each its values."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"PATH": os.environ["PATH"], "SYNCLINE_ENV": "development", "PORT": "0", "RUST_LOG": "warn"}
        server = subprocess.Popen([BINARY], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            line = next((line for line in server.stdout if "listening on" in line), "")
            url = re.search(r"http://\S+", line)
            if not url:
                raise RuntimeError(f"{BINARY} does not listen")
            with urllib.request.urlopen(f"{url.group()}/metrics", timeout=10) as answer:
                text = answer.read().decode()
        finally:
            server.terminate()
            server.wait()
            server.stdout.close()
    metrics = {}
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        known = metrics.setdefault(name, {})
        for label, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels):
            known.setdefault(label, set()).add(value)
    return metrics


def parts(expression):
    """An expression's selectors, and the labels that it groups by."""
    selectors, labels, rest = [], set(), [expression]
    while rest:
        node = rest.pop()
        if isinstance(node, promql_parser.VectorSelector):
            selectors.append(node)
            continue
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            labels |= set(node.modifier.labels)
        below = [getattr(node, name, None) for name in ["expr", "lhs", "rhs", "param", "vector_selector"]]
        rest += [child for child in [*below, *getattr(node, "args", [])] if child is not None]
    return selectors, labels


def check(text, metrics):
    """Raises Unknown if an expression names something that is not among these metrics."""
    selectors, grouped = parts(promql_parser.parse(text.replace("$__rate_interval", "5m")))
    if not selectors:
        raise Unknown(f"{text}: no metric")
    for selector in selectors:
        known = {**SCRAPE, **metrics}.get(selector.name)
        if known is None:
            raise Unknown(f"{text}: no metric `{selector.name}`")
        for matcher in selector.matchers.matchers:
            if matcher.name in SCRAPED_LABELS:
                continue
            values = known.get(matcher.name)
            if values is None:
                raise Unknown(f"{text}: `{selector.name}` has no label `{matcher.name}`")
            # A variable of the dashboard is whatever was chosen.
            chosen = matcher.value.startswith("$")
            if not chosen and not any(re.fullmatch(matcher.value, value) for value in values):
                raise Unknown(f"{text}: no `{matcher.name}` of `{selector.name}` is `{matcher.value}`")
        missing = grouped - SCRAPED_LABELS - set(known)
        if missing:
            raise Unknown(f"{text}: `{selector.name}` has no label {missing}")


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.metrics = printed()

    def test_the_server_prints_what_it_should(self):
        self.assertIn("sent", self.metrics["syncline_deliveries_total"]["outcome"])
        self.assertIn("0.1", self.metrics["syncline_request_seconds_bucket"]["le"])
        self.assertIn("syncline_sockets", self.metrics)

    def test_the_dashboard_names_what_there_is(self):
        dashboard = json.loads(DASHBOARD.read_text())
        panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
        self.assertGreater(len(panels), 10)
        for panel in panels:
            self.assertEqual(panel["datasource"], {"type": "prometheus", "uid": "${datasource}"}, panel["title"])
            for target in panel["targets"]:
                check(target["expr"], self.metrics)
        variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
        source = variables["datasource"]
        self.assertEqual((source["type"], source["query"]), ("datasource", "prometheus"))
        for variable in ["instance", "route"]:
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variables[variable]["definition"]).groups()
            check(f"sum by ({label}) ({metric})", self.metrics)
        used = set(re.findall(r'=~"\$(\w+)"', DASHBOARD.read_text().replace('\\"', '"')))
        self.assertEqual(used, {"instance", "route"})

    def test_the_panels_do_not_overlap(self):
        taken = set()
        for panel in json.loads(DASHBOARD.read_text())["panels"]:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells

    def test_the_alerts_name_what_there_is(self):
        rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
        self.assertGreater(len(rules), 5)
        for rule in rules:
            self.assertEqual(set(rule), {"alert", "expr", "for", "labels", "annotations"}, rule["alert"])
            check(rule["expr"], self.metrics)

    def test_what_there_is_not_is_found(self):
        for text, says in [
            ("rate(syncline_socket[5m])", "no metric `syncline_socket`"),
            ("sum(syncline_sockets) / sum(rate(syncline_nothing_total[1m]) + 1)", "no metric `syncline_nothing_total`"),
            ("sum by (room) (rate(syncline_requests_total[5m]))", "has no label {'room'}"),
            ('syncline_requests_total{room="a"}', "has no label `room`"),
            ('syncline_requests_total{outcome="error"}', "no `outcome` of `syncline_requests_total` is `error`"),
            ('syncline_requests_total{outcome=~"success|.*_err"}', None),
            ('syncline_requests_total{outcome=~"suc|.*_err"}', "no `outcome`"),
            ("1 + 1", "no metric"),
        ]:
            with self.subTest(text):
                if says is None:
                    check(text, self.metrics)
                    continue
                with self.assertRaises(Unknown) as unknown:
                    check(text, self.metrics)
                self.assertIn(says, str(unknown.exception))


if __name__ == "__main__":
    unittest.main()
