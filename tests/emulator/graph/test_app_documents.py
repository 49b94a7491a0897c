"""App registrations as Graph documents."""

from __future__ import annotations

from entrakit_emulator.graph.app_documents import document, with_document
from entrakit_emulator.state.identities import App, Redirect, Secret

APP = App(
    "5df655db-fb5e-4dcd-a225-31028301360e",
    "Contoso Desk",
    "32ad8c5a-6125-471f-9ee1-afce592af5d9",
    redirects=(Redirect("http://localhost"), Redirect("https://contoso.example/", "spa")),
    is_public=True,
    is_multi_tenant=True,
    secrets=(Secret("a-secret-value", "421f70bb-7ecf-45a3-867b-d6bf615f8215"),),
    identifier_uris=("api://desk",),
)


def test_a_document_describes_its_app_completely() -> None:
    """
    An app that is written from its own document is unchanged.
    """
    assert APP == with_document(APP, document(APP))


def test_a_document_never_contains_a_secret() -> None:
    """
    Of a secret, Graph shows the first three letters only.
    """
    assert "a-secret-value" not in str(document(APP))
    assert "a-s" in str(document(APP))
