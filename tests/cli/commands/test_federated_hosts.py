"""Jobs and pods of each host sign in to the tenant: the job files of the documentation line by line, and mistakes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import pytest
from tests.sign_in.hosts import SERVICE_CONNECTION, clear_hosts

import entrakit_emulator
from entrakit import Secret, connect
from entrakit.authority.clouds import find_cloud
from entrakit.errors import SignInError
from entrakit.tokens.jwt import decode_claims

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from tests.conftest import FakeClock

    from entrakit import Connection
    from entrakit_emulator import Tenant
    from entrakit_emulator.outside_issuer import OutsideIssuer

    Variables = Callable[[OutsideIssuer, Tenant], dict[str, str]]

connect_any = cast("Callable[..., Connection]", connect)
GUIDES = Path(__file__).parents[3] / "docs" / "guides"


class Host(NamedTuple):
    """A host of jobs.

    Args:
        issuer: Issuer of its tokens.
        subject: Subject of the tokens of a job.
        variables: Returns the variables of a job, without those of the app that the job file sets.
    """

    issuer: str
    subject: str
    variables: Variables


def ids(tenant: Tenant, prefix: str = "AZURE") -> dict[str, str]:
    """Return the variables for app and tenant."""
    return {f"{prefix}_CLIENT_ID": tenant.confidential_client, f"{prefix}_TENANT_ID": tenant.tenant_id}


HOSTS = {
    "github-actions.yml": Host(
        "https://token.actions.githubusercontent.com",
        "repo:contoso/reports:ref:refs/heads/main",
        lambda issuer, tenant: issuer.github_actions("repo:contoso/reports:ref:refs/heads/main") | ids(tenant),
    ),
    "azure-pipelines.yml": Host(
        "https://vstoken.dev.azure.com/contoso",
        "sc://contoso/reports/contoso",
        lambda issuer, tenant: (
            issuer.azure_pipelines("sc://contoso/reports/contoso", SERVICE_CONNECTION)
            | ids(tenant, "AZURESUBSCRIPTION")
            | {"AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": SERVICE_CONNECTION}
        ),
    ),
    "gitlab-ci.yml": Host(
        "https://gitlab.com",
        "project_path:contoso/reports:ref_type:branch:ref:main",
        lambda issuer, tenant: (
            issuer.gitlab("project_path:contoso/reports:ref_type:branch:ref:main", variable="GITLAB_OIDC_TOKEN")
            | ids(tenant)
        ),
    ),
}


@pytest.fixture(scope="module")
def hosting() -> Iterator[Tenant]:
    """Return a tenant whose confidential app may read users."""
    with entrakit_emulator.start() as tenant:
        roles = ("User.Read.All", "Organization.Read.All")
        tenant.seed.grant_roles(tenant.confidential_client, "https://graph.microsoft.com", roles)
        yield tenant


@pytest.fixture
def machine(hosting: Tenant, private_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the environment of a new machine that trusts the tenant, with `entra` on its PATH."""
    clear_hosts(monkeypatch)
    work = tmp_path / "work"
    work.mkdir()
    return {
        "HOME": str(work),
        "ENTRAKIT_HOME": str(private_home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SSL_CERT_FILE": hosting.ca_path,
        "AZURE_AUTHORITY_HOST": hosting.url,
        "ENTRAKIT_GRAPH_URL": hosting.url,
    }


def lines_of(file: str) -> list[str]:
    """Return the command lines of a job file, without the installation."""
    text = (GUIDES / file).read_text(encoding="utf-8")
    found = re.findall(r"^ +(?:- )?(?:run: |script: )?((?:export|entra|pip) .*)$", text, re.MULTILINE)
    assert "pip install entrakit" == found[0]
    return found[1:]


def run(script: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script as a job does: it ends at the first line that fails."""
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script], env=environ, cwd=environ["HOME"], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("file", HOSTS)
def test_each_line_of_a_job_file_works(hosting: Tenant, machine: dict[str, str], file: str) -> None:
    """
    Every line runs with the variables of the host, without a terminal, and the report is written. The token that signs
    the app in is one of the host's issuer. Afterwards nothing is saved.
    """
    host = HOSTS[file]
    with hosting.add_issuer(host.issuer) as issuer:
        hosting.seed.add_federated_credential(hosting.confidential_client, host.issuer, host.subject)
        environ = machine | host.variables(issuer, hosting)
        lines = lines_of(file)
        is_one_shell = not file.startswith("github")
        done = [run(script, environ) for script in (["\n".join(lines)] if is_one_shell else lines)]

    assert {0} == {one.returncode for one in done}, [one.stderr for one in done]
    assert 4 <= len(lines)
    assert f"Connected as the app {hosting.confidential_client}" in "".join(one.stderr for one in done)
    report = (Path(environ["HOME"]) / "users.csv").read_text().splitlines()
    assert '"id","displayName"' == report[0]
    assert 5 < len(report)
    assert "There is no saved connection" in run("entra status", environ).stderr
    secrets = [value for name, value in environ.items() if name.endswith(("TOKEN", "ACCESSTOKEN"))]
    assert secrets
    assert [] == [one for one in secrets for shown in done if one in shown.stdout + shown.stderr]


def test_a_pod_and_a_run_need_no_provider(hosting: Tenant, machine: dict[str, str]) -> None:
    """
    In a pod of Kubernetes the option is enough. A run of Terraform Cloud needs the ids of app and tenant.
    """
    subject = "system:serviceaccount:shop:api"
    with hosting.add_issuer() as issuer:
        hosting.seed.add_federated_credential(hosting.confidential_client, issuer.issuer, subject)
        pod = machine | issuer.kubernetes(subject, hosting.confidential_client)
        terraform = machine | ids(hosting) | issuer.terraform_cloud(subject)
        done = [run("entra connect --federated; entra token; entra status", one) for one in (pod, terraform)]

    assert [0, 0] == [one.returncode for one in done], [one.stderr for one in done]
    assert ["Kubernetes", "Terraform Cloud"] == [
        re.findall(r"next token from ([\w ]+)\.", one.stderr)[0] for one in done
    ]


def test_each_renewal_sends_a_new_token(
    entra_tenant: Tenant, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Tokens of a job live for minutes. A renewal after an hour requests another one.
    """
    hosting, subject = entra_tenant, "repo:contoso/app:environment:prod"
    clear_hosts(monkeypatch)
    hosting.clock.follow(clock)
    with hosting.add_issuer() as issuer:
        hosting.seed.add_federated_credential(hosting.confidential_client, issuer.issuer, subject)
        for name, value in issuer.github_actions(subject).items():
            monkeypatch.setenv(name, value)
        connection = connect(
            federated=True, client_id=hosting.confidential_client, tenant_id=hosting.tenant_id,
            cloud=find_cloud(hosting.url), ca_bundle=hosting.ca_path, clock=clock,
        )  # fmt: skip
        tokens = [connection.token().access_token]
        for _ in range(3):
            clock.advance(7200)
            tokens.append(connection.token().access_token)

    assert 4 == len(set(tokens))
    assert 4 == hosting.journal.counts["token"]


def test_another_connection_gives_the_assertion(
    hosting: Tenant, machine: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An app trusts another app of the tenant, as it can trust a managed identity: by a function, and by `entra token`
    of a saved connection. Each connection renews itself.
    """
    exchange = "api://AzureADTokenExchange/.default"
    for name in ("SSL_CERT_FILE", "AZURE_AUTHORITY_HOST", "ENTRAKIT_GRAPH_URL", "PATH"):
        monkeypatch.setenv(name, machine[name])
    where = {"tenant_id": hosting.tenant_id, "cloud": find_cloud(hosting.url), "graph_url": hosting.url}
    (tmp_path / "secret").write_text(hosting.api_secret)
    (tmp_path / "secret").chmod(0o600)
    secret = Secret.from_file(tmp_path / "secret")
    other = connect_any(client_id=hosting.api_client, client_secret=secret, name="other", **where)
    claims = decode_claims(other.token(exchange).access_token) or {}
    hosting.seed.add_federated_credential(hosting.confidential_client, str(claims["iss"]), str(claims["sub"]))

    app = hosting.confidential_client
    one = connect_any(client_id=app, federated=lambda: other.token(exchange).access_token, **where)
    two = connect_any(client_id=app, federated=["entra", "token", "--name", "other", "--scope", exchange], **where)

    assert [app, app] == [(decode_claims(made.token().access_token) or {})["appid"] for made in (one, two)]


@pytest.mark.parametrize(
    ("changes", "number", "shown"),
    [
        (
            {"subject": "repo:contoso/app:ref:refs/heads/dev"},
            700213,
            "the subject 'repo:contoso/app:ref:refs/heads/dev'",
        ),
        ({"subject": "repo:Contoso/app:pull_request"}, 7002138, "the subject 'repo:Contoso/app:pull_request'"),
        ({"issuer": "https://elsewhere.example"}, 700211, "the issuer 'https://elsewhere.example'"),
        ({"audience": "api://other"}, 700212, "the audience 'api://other'"),
        ({"claims": {"nbf": 4102444800}}, 700024, "The assertion is not valid at this time."),
        ({"claims": {"aud": ["api://AzureADTokenExchange", "b"]}}, 5002741, "'api://AzureADTokenExchange, b'"),
        ({"header": {"kid": "x"}}, 7000272, "can't get the key"),
    ],
)
def test_a_refusal_shows_what_was_presented(hosting: Tenant, changes: dict[str, Any], number: int, shown: str) -> None:
    """
    The tenant refuses a token that does not fit, and the error has the issuer, the subject and the audience.
    """
    subject = "repo:contoso/app:pull_request"
    with hosting.add_issuer() as issuer:
        hosting.seed.add_federated_credential(hosting.confidential_client, issuer.issuer, subject)
        token = issuer.sign(**{"subject": subject, **changes})
        with pytest.raises(SignInError) as caught:
            connect(
                federated=lambda: token, client_id=hosting.confidential_client, tenant_id=hosting.tenant_id,
                cloud=find_cloud(hosting.url), ca_bundle=hosting.ca_path,
            )  # fmt: skip

    assert number == caught.value.code
    assert shown in caught.value.problem
    assert "The assertion has the issuer " in caught.value.problem
    assert token.split(".")[1] not in f"{caught.value!r} {caught.value.problem} {caught.value.description}"
