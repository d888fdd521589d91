#!/usr/bin/env python3
"""Checks docker-compose.yml and what it mounts, without Docker.

First against the schema of the Compose Specification, then for what a schema cannot say: that names refer to something,
that mounted files are there, and the promises the file makes (nothing in clear, loopback only, read-only, not root,
health checks). Last, it breaks the file in memory, once for each promise, and expects to be refused.
"""

import copy
import ipaddress
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: {missing} (pip install -r tests/compose/requirements.txt)")
    sys.exit(0)

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COMPOSE = ROOT / "docker-compose.yml"
SCHEMA = HERE / "compose-spec.schema.json"
SERVERS = ("postgres", "pgwarden", "replica", "balancer", "observed", "prometheus", "grafana")
SECRET_NAME = re.compile(r"pass(word)?$|secret|token|key$", re.IGNORECASE)


def schema_faults(document):
    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text()))
    for error in sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.path))):
        yield f"{'.'.join(map(str, error.path)) or 'top level'}: {error.message}"


def environment_of(service):
    environment = service.get("environment", {})
    if isinstance(environment, list):
        return dict(entry.partition("=")[::2] for entry in environment)
    return environment


def reference_faults(document):
    services = document["services"]
    volumes = document.get("volumes") or {}
    networks = document.get("networks") or {}
    for name, service in services.items():
        for other in service.get("depends_on", {}):
            if other not in services:
                yield f"{name}: depends on `{other}`, which is not there"
        for network in service.get("networks", []):
            if network not in networks:
                yield f"{name}: network `{network}` is not there"
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith((".", "/")):
                if not (ROOT / source).exists():
                    yield f"{name}: mounts `{source}`, which is not there"
                if not mount.endswith(":ro"):
                    yield f"{name}: mounts `{source}` writable"
            elif source not in volumes:
                yield f"{name}: volume `{source}` is not there"


def secret_faults(document):
    for name, service in document["services"].items():
        for variable, value in environment_of(service).items():
            if SECRET_NAME.search(variable):
                yield f"{name}: `{variable}` is a secret in the environment; give the file that has it"
            if re.search(r"://[^/@]*:[^/@]+@", str(value)):
                yield f"{name}: `{variable}` has a password in its URL"
    for name in ("pgwarden.toml", "replicas.toml", "observed.toml"):
        config = (ROOT / "migrations-fixtures/compose" / name).read_text()
        if re.search(r"://[^/@\s]*:[^/@\s]+@", config):
            yield f"{name}: a password in a URL"


def hardening_faults(document):
    for name, service in document["services"].items():
        if not service.get("read_only"):
            yield f"{name}: its file system is writable"
        if service.get("cap_drop") != ["ALL"]:
            yield f"{name}: keeps capabilities"
        if "no-new-privileges:true" not in service.get("security_opt", []):
            yield f"{name}: may gain privileges"
        if service.get("privileged") or service.get("network_mode") == "host":
            yield f"{name}: is not contained"
    for name in SERVERS:
        service = document["services"][name]
        if str(service.get("user", "root")).split(":")[0] in ("root", "0"):
            yield f"{name}: runs as root"
        if not service.get("healthcheck", {}).get("test") or service["healthcheck"].get("disable"):
            yield f"{name}: has no health check"


def port_faults(document):
    for name, service in document["services"].items():
        for port in service.get("ports", []):
            host = str(port).rsplit(":", 2)[0] if str(port).count(":") >= 2 else "0.0.0.0"
            if not ipaddress.ip_address(host.strip("[]")).is_loopback:
                yield f"{name}: publishes `{port}` beyond loopback"
    if document["services"]["postgres"].get("ports"):
        yield "postgres: is published"


def faults(document):
    found = list(schema_faults(document))
    if found:
        return found
    checks = (reference_faults, secret_faults, hardening_faults, port_faults)
    return [fault for check in checks for fault in check(document)]


def breakages():
    """A name, and what to do to the `services` for it."""
    yield "a key that is not of the schema", lambda s: s["pgwarden"].update(heathcheck={})
    yield "a value of the wrong type", lambda s: s["pgwarden"].update(read_only={"yes": 1})
    yield "a volume that is not there", lambda s: s["postgres"]["volumes"].append("elsewhere:/x")
    yield "a mounted file that is not there", lambda s: s["pgwarden"]["volumes"].append("./nowhere:/x:ro")
    yield "a writable mount of the sources", lambda s: s["pgwarden"]["volumes"].append("./src:/src")
    yield "a service that is not there", lambda s: s["pgwarden"]["depends_on"].update(
        nobody={"condition": "service_started"}
    )
    yield "a password in the environment", lambda s: s["postgres"]["environment"].update(POSTGRES_PASSWORD="x")
    yield "a password in a URL", lambda s: s["pgwarden"]["environment"].update(DATABASE_URL="postgres://u:p@postgres/shop")
    yield "a port open to all", lambda s: s["pgwarden"].update(ports=["8432:8432"])
    yield "a port on all addresses", lambda s: s["pgwarden"].update(ports=["0.0.0.0:8432:8432"])
    yield "PostgreSQL published", lambda s: s["postgres"].update(ports=["127.0.0.1:5432:5432"])
    yield "a writable file system", lambda s: s["pgwarden"].pop("read_only")
    yield "capabilities", lambda s: s["postgres"].pop("cap_drop")
    yield "root", lambda s: s["pgwarden"].pop("user")
    yield "no health check", lambda s: s["postgres"].pop("healthcheck")


def main():
    document = yaml.safe_load(COMPOSE.read_text())
    problems = faults(document)
    for name, breakage in breakages():
        broken = copy.deepcopy(document)
        breakage(broken["services"])
        if not faults(broken):
            problems.append(f"this check is blind: {name} was not noticed")
    if shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0:
        docker = subprocess.run(
            ["docker", "compose", "--file", str(COMPOSE), "config", "--quiet"], capture_output=True, text=True
        )
        if docker.returncode != 0:
            problems.append(f"docker compose config: {docker.stderr.strip()}")
    else:
        print("docker compose is not here: checked against the schema only")
    for problem in problems:
        print(f"docker-compose.yml: {problem}", file=sys.stderr)
    if not problems:
        print("docker-compose.yml is valid")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
