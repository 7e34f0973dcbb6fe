"""A receiver that asks who tells it is shown a certificate: the one that the files hold now."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.errors import BadPolicy
from tests.topology.alert.receiver import Receiver
from topology.alert.post import Outcome, Poster

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


def made(directory: Path, name: str, password: str = "") -> tuple[str, str]:
    """A certificate signed by itself, for 127.0.0.1, and its key."""
    cert, key = directory / f"{name}.pem", directory / f"{name}.key"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"]
    words += ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    words += ["-passout", f"pass:{password}"] if password else ["-nodes"]
    subprocess.run(words, check=True, capture_output=True)
    return str(cert), str(key)


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Receiver]:
    """Takes messages of who shows the certificate `client.pem` only."""
    server, _ = made(tmp_path, "server")
    cert, key = map(Path, made(tmp_path, "client"))
    (tmp_path / "client.both").write_text(cert.read_text() + key.read_text())
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "client.pem"))
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(server, str(tmp_path / "server.key"))
    with Receiver(tls) as receiver:
        yield receiver


async def told(receiver: Receiver, directory: Path, cert: str | None, key: str | None) -> Outcome:
    """What becomes of one message."""
    async with Poster(str(directory / "server.pem"), cert, key) as poster:
        return await poster.post(receiver.url, b"{}", {}, None)


async def test_who_is_asked_shows_the_certificate(asking, tmp_path):
    """With it the message is taken, its key apart or in the same file; without it, or with another, it is not."""
    cert, key, both = (str(tmp_path / f"client.{name}") for name in ("pem", "key", "both"))
    assert await told(asking, tmp_path, cert, key) is Outcome.TAKEN
    assert await told(asking, tmp_path, both, None) is Outcome.TAKEN
    assert await told(asking, tmp_path, None, None) is Outcome.UNREACHED
    assert await told(asking, tmp_path, *made(tmp_path, "other")) is Outcome.UNREACHED
    assert len(asking.got) == 2


async def test_a_certificate_made_anew_is_shown(asking, tmp_path):
    """Without a restart; one that cannot be used leaves the former one in force."""
    cert, key = made(tmp_path, "own")
    async with Poster(str(tmp_path / "server.pem"), cert, key) as poster:
        assert await poster.post(asking.url, b"{}", {}, None) is Outcome.UNREACHED
        shutil.copy(tmp_path / "client.pem", cert)  # the key is still the other's
        assert await poster.post(asking.url, b"{}", {}, None) is Outcome.UNREACHED
        shutil.copy(tmp_path / "client.key", key)
        assert await poster.post(asking.url, b"{}", {}, None) is Outcome.TAKEN
        for bad in (made(tmp_path, "third")[0], tmp_path / "client.key"):  # of another key, and no certificate
            shutil.copy(bad, cert)
            assert await poster.post(asking.url, b"{}", {}, None) is Outcome.TAKEN
        shutil.move(cert, tmp_path / "gone.pem")
        assert await poster.post(asking.url, b"{}", {}, None) is Outcome.TAKEN


def test_what_cannot_be_used_is_refused_at_start(tmp_path):
    """A key that is not the certificate's, one that needs a passphrase (nobody is asked for it), and none at all."""
    cert, key = made(tmp_path, "own")
    _, other = made(tmp_path, "other")
    _, locked = made(tmp_path, "locked", password="hush-hush")  # noqa: S106
    for found in (other, locked, None):
        with pytest.raises(BadPolicy, match=r"^cert-file"):
            Poster(None, cert, found)
    Poster(None, cert, key)
