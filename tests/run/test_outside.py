"""What a trial has in the place of systems that nobody here can reach."""

import json
import urllib.request

from portal.run.outside import stand_in


def test_the_agency_answers_in_a_trial_and_nobody_stands_in_for_a_real_one() -> None:
    """Ling of a trial can ask for the free report; a portal that has the real agency asks that one."""
    real = {"VALUATION_AGENCY_URL": "https://agency.example", "SSO_ISSUER": "https://sso.example"}
    assert stand_in(real) == {}
    address = stand_in({"SSO_ISSUER": real["SSO_ISSUER"]})["VALUATION_AGENCY_URL"]
    assert address.startswith("http://127.0.0.1:")
    question = json.dumps({"patents": [{"number": "2017106018623", "title": "示例"}]}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{address}/v1/reports", question)) as answer:  # noqa: S310
        assert json.load(answer)["provider"] == "示例征信机构（模拟）"


def test_the_governments_log_in_answers_in_a_trial() -> None:
    """It says of itself what the portal's client will ask for."""
    issuer = stand_in({"VALUATION_AGENCY_URL": "https://agency.example"})["SSO_ISSUER"]
    with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration") as answer:  # noqa: S310
        assert json.load(answer)["issuer"] == issuer
