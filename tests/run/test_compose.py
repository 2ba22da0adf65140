"""Whoever runs the portal as containers runs the same processes as `bin/portal up`."""

from typing import Any

import pytest
import yaml

from portal.run.places import ROOT
from portal.run.processes import portal_processes


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


def test_the_containers_run_the_supervisors_commands(services: dict[str, Any]) -> None:
    expected = {
        process.name: list(process.argv)
        for process in portal_processes(bind="0.0.0.0:8000", beat_schedule="/data/beat-schedule", python="python")
    }
    assert {name: services[name]["command"] for name in expected} == expected
    assert set(services) == {*expected, "prepare", "postgres", "redis"}


def test_every_portal_container_is_in_production_and_waits_for_the_migrations(services: dict[str, Any]) -> None:
    for process in portal_processes(bind="", beat_schedule=""):
        service = services[process.name]
        assert service["environment"]["PORTAL_ENV"] == "production"
        assert service["depends_on"]["prepare"] == {"condition": "service_completed_successfully"}
        # What production must not start without is demanded, not defaulted.
        for name in ("SECRET_KEY", "ALLOWED_HOSTS", "PUBLIC_URL"):
            assert ":?" in service["environment"][name]


def test_the_containers_database_knows_chinese_and_its_broker_never_evicts(services: dict[str, Any]) -> None:
    assert "--locale=C.UTF-8" in services["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]
    assert services["redis"]["command"][-2:] == ["--maxmemory-policy", "noeviction"]
    # Reached from this machine only; TLS ends in front of it.
    assert [port.split(":")[0] for port in services["web"]["ports"]] == ["127.0.0.1"]


def test_the_image_is_built_from_the_hashed_requirements_and_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert any("--require-hashes -r requirements/base.txt" in line for line in lines)
    assert "USER portal" in lines
    locked = (ROOT / "requirements/base.txt").read_text()
    assert "--hash=sha256:" in locked
