# SPDX-License-Identifier: Apache-2.0
"""What has to agree with the chart: the program's variables with config.… and its schema, the README with the values, and
the queries of dashboard and alerts with the metrics there are. scripts/chart.sh runs it.

Usage: check_chart.py agree RULES QUERIES   the rendered alerts; where the dashboard's queries go, as rules for promtool to read
       check_chart.py accepted PROGRAM    a rendered DaemonSet on standard input: its environment is a configuration"""
import json
import pathlib
import re
import subprocess
import sys

import yaml

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CHART = SOURCE / "deploy/helm/audio-latency-tracker"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
# What Grafana puts in place of its variables.
GRAFANA = {"$__rate_interval": "1m", "$namespace": ".*"}
WORD = r"[a-z0-9_]+"


def variables():
    """{name: what is allowed} of the table of CONFIGURATION.md, which a unit test holds against the program."""
    lines = (SOURCE / "docs/CONFIGURATION.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines if re.match(r"\| [A-Z][A-Z0-9_]+ \|", line)]
    return {row[1]: row[4] for row in rows}


def camel_case(variable):
    first, *rest = variable.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def values_that_differ(allowed, schema):
    """What is wrong with the schema of a variable; None: nothing."""
    choice = schema.get("enum", [])
    if number := re.match(r"a number from (-?\d+) to (-?\d+)", allowed):
        found = (schema.get("minimum"), schema.get("maximum"))
        return None if found == tuple(map(int, number.groups())) else f"{found} instead of {allowed}"
    if power := re.match(r"a power of two from (\d+) to (\d+)", allowed):
        least, most = map(int, power.groups())
        wanted = {1 << bits for bits in range(31) if least <= 1 << bits <= most}
        return None if set(choice) - {None} == wanted else f"{choice} instead of {allowed}"
    if re.fullmatch(rf"({WORD}, )*{WORD} or {WORD}", allowed):
        found = {str(each) for each in choice if not isinstance(each, bool) and each is not None}
        return None if found == set(re.split(", | or ", allowed)) else f"{choice} instead of {allowed}"
    return None


def config_problems():
    keys = SCHEMA["properties"]["config"]["properties"]
    for variable, allowed in variables().items():
        key = camel_case(variable)
        if key not in VALUES["config"]:
            yield f"values.yaml has no config.{key} for {variable}"
        if key not in keys:
            yield f"values.schema.json has no config.{key} for {variable}"
        elif problem := values_that_differ(allowed, keys[key]):
            yield f"values.schema.json, config.{key}: {problem}"
    for key in set(VALUES["config"]) | set(keys):
        if key not in map(camel_case, variables()):
            yield f"config.{key} is no variable of the program"


def leaves(values, prefix=""):
    for key, value in values.items():
        if isinstance(value, dict) and value and not prefix + key in ("updateStrategy", "resources"):
            inner = dict(leaves(value, f"{prefix}{key}."))
            # Maps that a user fills are one value.
            yield from inner.items() if all("/" not in name and "_" not in name for name in inner) else [(prefix + key, value)]
        else:
            yield prefix + key, value


def readme_problems():
    rows = {row[1]: row[2] for row in re.finditer(r"^\| `(.+?)` \| .+? \| (.+?) \|", (CHART / "README.md").read_text(), re.M)}
    found = {key: value for key, value in leaves(VALUES) if not key.startswith("bus.networkPolicy.natsPodSelector")}
    for key, value in found.items():
        if key not in rows and not (key.startswith("config.") and value is None):
            yield f"README.md has no row for {key}"
        elif rows.get(key, "").startswith("`") and rows[key] != f"`{json.dumps(value)}`":
            yield f"README.md says that {key} is {rows[key]}, not {json.dumps(value)}"
    for key in set(rows) - set(found) - {"config.<key>", "bus.networkPolicy.natsPodSelector"}:
        yield f"README.md: there is no {key}"


def queries():
    """(where, PromQL) of the dashboard, and of its variable."""
    dashboard = json.loads((CHART / "dashboards/audio-latency.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            text = target["expr"]
            for name, value in GRAFANA.items():
                text = text.replace(name, value)
            yield panel["title"], text
    for each in dashboard["templating"]["list"]:
        if each["type"] == "query":
            yield each["name"], re.fullmatch(r"label_values\((.*), \w+\)", each["query"]["query"])[1]


def metric_problems(rules):
    """Names that no metric of the program has. What a histogram is made of is not in the table."""
    exported = set(re.findall(r"\b[a-z]+_[a-z_]+\b", (SOURCE / "docs/METRICS.md").read_text()))
    sources = "".join(file.read_text() for file in (SOURCE / "src").glob("*.cpp"))
    asked = list(queries()) + [(rule["alert"], rule["expr"]) for group in rules["groups"] for rule in group["rules"]]
    for where, text in asked:
        for name in re.findall(r"\b(?:audio|process|signatures|active)_[a-z_]+\b", text):
            metric = re.sub("_(bucket|count|sum)$", "", name)
            if metric not in exported or f'"{metric}"' not in sources:
                yield f"{where}: there is no metric {name}"


def agree(rules, output):
    recorded = [{"record": f"query:{number}", "expr": text} for number, (_, text) in enumerate(queries())]
    pathlib.Path(output).write_text(json.dumps({"groups": [{"name": "dashboard", "rules": recorded}]}))
    problems = [*config_problems(), *readme_problems(), *metric_problems(yaml.safe_load(pathlib.Path(rules).read_text()))]
    print("\n".join(problems))
    return 1 if problems else 0


def accepted(program):
    container = yaml.safe_load(sys.stdin)["spec"]["template"]["spec"]["containers"][0]
    environment = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    return subprocess.run([program, "config", *container.get("args", [])], env=environment, stdout=subprocess.DEVNULL,
                          check=False).returncode


if __name__ == "__main__":
    sys.exit({"agree": agree, "accepted": accepted}[sys.argv[1]](*sys.argv[2:]))
