"""Whoever runs the portal as containers runs the same processes as `bin/portal up`."""

from typing import Any

import pytest
import yaml

from portal.foundation.journal import database_roles
from portal.run.places import ROOT
from portal.run.processes import ROLE_OF, portal_processes


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


def test_every_container_has_the_log_in_of_its_own_role_and_only_prepare_the_owners(services: dict[str, Any]) -> None:
    """Whoever takes the web over must not be able to switch the journal's triggers off."""
    for name, role in ROLE_OF.items():
        environment = services[name]["environment"]
        assert environment["DATABASE_URL"] == (
            f"postgres://portal_{role}:${{{role.upper()}_DB_PASSWORD:?必须设置}}@postgres:5432/portal"
        )
        assert "POSTGRES_PASSWORD" not in str(environment)
        assert str(environment).count("_DB_PASSWORD") == 1
    given = services["prepare"]["environment"]
    assert "postgres://portal:${POSTGRES_PASSWORD" in given["DATABASE_URL"]
    assert {f"{role.code.upper()}_DB_PASSWORD" for role in database_roles.ROLES} <= set(given)


def test_every_setting_of_an_installation_reaches_the_containers_and_stands_in_the_manual(
    services: dict[str, Any],
) -> None:
    """A setting that no container passes on is one that nobody can use."""
    manual = (ROOT / "docs/operations.md").read_text()
    for name in (
        *("SECRET_KEY_FALLBACKS", "OUTGOING_NETWORKS", "SSO_ISSUER", "SSO_CLIENT_ID", "SSO_CLIENT_SECRET"),
        *("PASSWORD_BREACHED_FILE", "METRICS_TOKEN", "PATENT_REGISTER_URL", "PATENT_REGISTER_TOKEN"),
        *("EMAIL_HOST", "EMAIL_HOST_PASSWORD", "SMS_PROVIDER", "SMS_URL", "SMS_TOKEN", "APP_DB_PASSWORD"),
    ):
        assert f"`{name}`" in manual, name
        assert name in services["prepare"]["environment"], name
