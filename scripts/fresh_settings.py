"""Settings of apt, pip and npm of this machine, for a machine that `fresh` builds.

They are limited to the addresses of package servers and how to reach them. Files with passwords are not copied.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
PIP = ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert", "proxy", "timeout", "retries")
NPM = ("registry", "cafile", "proxy", "https-proxy", "noproxy", "strict-ssl")
APT = re.compile(r"Acquire::(https?::|Check-|Retries )")
# Variables that name the file of trusted certificates if the settings of pip or npm do not.
PIP_CERT = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
NPM_CAFILE = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE")


class Settings(NamedTuple):
    """Settings of this machine.

    Args:
        environment: Environment variables for all programs.
        pip: Settings of pip.
        npm: Settings of npm.
        apt: Lines of apt's configuration.
        sources: Contents of the files that list apt's sources, by file name.
    """

    environment: dict[str, str]
    pip: dict[str, str]
    npm: dict[str, str]
    apt: list[str]
    sources: dict[str, str]

    def write_into(self, root: Path, suite: str) -> None:
        """Write them into a machine whose Debian is `suite`."""
        pip, npm = dict(self.pip), dict(self.npm)
        for values, key in ((pip, "cert"), (npm, "cafile")):
            if key in values:
                # A package that is installed later would overwrite the file at Debian's usual path.
                shutil.copyfile(values[key], root / f"etc/fresh-{key}.pem")
                values[key] = f"/etc/fresh-{key}.pem"
        lines = [f"{key} = {value}".replace("\n", "\n    ") for key, value in pip.items()]
        (root / "etc/pip.conf").write_text("\n".join(["[global]", *lines, ""]))
        (root / "root/.npmrc").write_text("".join(f"{key}={value}\n" for key, value in npm.items()))
        (root / "etc/apt/apt.conf.d/99fresh").write_text("".join(f"{line}\n" for line in self.apt))
        for line in self.apt:
            # This file holds the certificates that apt trusts.
            if (file := re.search(r'CaInfo "(/[^"]+)"', line)) and os.path.exists(file[1]):
                (root / file[1][1:]).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file[1], root / file[1][1:])
        here = codename()
        if self.sources:
            (root / "etc/apt/sources.list").unlink(missing_ok=True)
        for name, text in self.sources.items():
            path = root / "etc/apt" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(re.sub(rf"\b{here}\b", suite, text))


def read(environ: Mapping[str, str]) -> Settings:
    """Return this machine's settings.

    Args:
        environ: The environment.
    """
    pip = {
        **_pip_files(environ),
        **{
            name[4:].lower().replace("_", "-").removeprefix("default-"): value
            for name, value in environ.items()
            if name.startswith("PIP_")
        },
    }
    npm = {
        **_npm_files(),
        **{
            name[11:].lower().replace("_", "-"): value
            for name, value in environ.items()
            if name.lower().startswith("npm_config_")
        },
    }
    # A directory of this machine does not exist in the other one.
    links = [one for one in pip.pop("find-links", "").split() if "://" in one and not one.startswith("file:")]
    if links:
        pip["find-links"] = "\n".join(links)
    for values, key, names in ((pip, "cert", PIP_CERT), (npm, "cafile", NPM_CAFILE)):
        found = [values.get(key, ""), *(environ.get(name, "") for name in names)]
        file = next((one for one in found if os.path.isfile(one)), None)
        values.pop(key, None)
        if file:
            values[key] = file
    return Settings(
        {name: environ[name] for name in PROXIES if name in environ},
        {key: pip[key] for key in PIP if key in pip},
        {key: npm[key] for key in NPM if key in npm},
        [line for line in _output("apt-config", "dump").splitlines() if APT.match(line)],
        dict(_sources()),
    )


def codename() -> str:
    """Return the name of this machine's Debian; empty if it is another system."""
    values = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text("utf-8").splitlines() if "=" in line)
    return values.get("VERSION_CODENAME", "").strip('"') if values.get("ID") == "debian" else ""


def mirror() -> str:
    """Return the address of this machine's Debian archive; empty if debootstrap should use its default."""
    here = codename()
    for _, text in _sources():
        for uri, suites in _archives(text):
            if here in suites.split():
                return uri
    return ""


def _archives(text: str) -> Iterator[tuple[str, str]]:
    """Return the addresses and suites in a file of apt's sources, which has one of two formats."""
    for line in re.finditer(r"^deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)", text, re.MULTILINE):
        yield line[1], line[2]
    for paragraph in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", paragraph, re.MULTILINE))
        for uri in fields.get("URIs", "").split():
            yield uri, fields.get("Suites", "")


def _sources() -> Iterator[tuple[str, str]]:
    """Return the names and contents of the files of apt's sources that list only Debian's own archives."""
    here = codename()
    places = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for path in places:
        if here and path.suffix in (".list", ".sources") and path.is_file():
            text = path.read_text("utf-8")
            suites = [one for _, listed in _archives(text) for one in listed.split()]
            if suites and all(re.match(rf"{here}(-|$)", one) for one in suites):
                yield str(path.relative_to("/etc/apt")), text


def _pip_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in pip's files; a later file overrides an earlier one."""
    parser = configparser.RawConfigParser()
    home = str(Path.home())
    places = ["/etc/xdg/pip/pip.conf", "/etc/pip.conf", f"{home}/.pip/pip.conf", f"{home}/.config/pip/pip.conf"]
    parser.read([*places, environ.get("PIP_CONFIG_FILE", os.devnull)], "utf-8")
    found: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            found |= dict(parser[section])
    return found


def _npm_files() -> dict[str, str]:
    """Return the settings in npm's files."""
    found: dict[str, str] = {}
    for path in (Path("/etc/npmrc"), Path.home() / ".npmrc"):
        if path.is_file():
            for line in path.read_text("utf-8").splitlines():
                key, equals, value = line.partition("=")
                if equals and not key.lstrip().startswith(("#", ";")):
                    found[key.strip()] = value.strip()
    return found


def _output(*words: str) -> str:
    """Return the output of a program; empty if it is not installed."""
    if not shutil.which(words[0]):
        return ""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout  # noqa: S603
