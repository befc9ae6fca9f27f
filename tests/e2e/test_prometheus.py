# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes the metrics, and their names are those of docs/metrics.md."""

import json
import pathlib
import re
import subprocess
import urllib.parse
import urllib.request

from ask import ask
from dotcache import ADDRESS, ROOT
from lab.lab import free_port
from waiting import wait_for


class Prometheus:
    """Scrapes one dotcache each second, between __enter__ and __exit__."""

    def __init__(self, folder, target):
        self._port = free_port()
        self._folder = pathlib.Path(folder)
        (self._folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s}\n"
            "scrape_configs:\n"
            f"- {{job_name: dotcache, static_configs: [{{targets: ['{target}']}}]}}\n")

    def __enter__(self):
        with open(self._folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "prometheus",
                 f"--config.file={self._folder}/prometheus.yml",
                 f"--storage.tsdb.path={self._folder}/data",
                 f"--web.listen-address={ADDRESS}:{self._port}"], stdout=log, stderr=log)
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def query(self, expression):
        """The samples of the result as (labels, value). Empty while Prometheus starts."""
        url = f"http://{ADDRESS}:{self._port}/api/v1/query?" + urllib.parse.urlencode(
            {"query": expression})
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            with urllib.request.urlopen(url, timeout=5) as page:
                result = json.load(page)["data"]["result"]
        except OSError:
            return []
        return [(one["metric"], float(one["value"][1])) for one in result]

    def value(self, expression):
        samples = self.query(expression)
        return samples[0][1] if samples else None


def names(text):
    """The metric families of a page, with their types."""
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))


def test_prometheus_scrapes_what_clients_asked(launch, tmp_path):
    server = launch()
    for number in range(3):
        ask(server, f"scraped-{number}.fresh.lab.example.")
    with Prometheus(tmp_path, f"{ADDRESS}:{server.admin_port}") as prometheus:
        wait_for(lambda: prometheus.value("up") == 1, "the target is not up")
        wait_for(lambda: prometheus.value("sum(dotcache_queries_total)") == 3, "no queries")
        assert prometheus.value('sum(dotcache_responses_total{rcode="NOERROR"})') == 3
        assert prometheus.value("dotcache_ready") == 1
        slow = prometheus.value(
            "histogram_quantile(0.99, sum by (le) (dotcache_miss_duration_seconds_bucket))")
        assert 0 < slow <= 10
        for name, kind in names(server.get("/metrics")[1]).items():
            sample = name + "_count" if kind == "histogram" else name
            if f"\n{sample}" in server.get("/metrics")[1]:
                assert prometheus.query(sample), f"{sample} was not scraped"


def test_metrics_are_those_of_the_documentation(server):
    page = (ROOT / "docs/metrics.md").read_text()
    documented = dict(re.findall(r"^\| `([a-z_]+)` \| (\w+) \|", page, re.M))
    assert documented == names(server.get("/metrics")[1])
