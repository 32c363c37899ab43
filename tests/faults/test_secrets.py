"""Rows 48 to 51: secrets. Everything that a run sends and stores is searched for the canaries."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import nbformat
import pytest

from tests.faults.harness import put_to_work, says, team_on
from tests.kernel.driver import Kernel
from tests.kernel.work import LOAD
from tests.support.endpoint import fails

ENVIRONMENT, DOTENV = "env-4Rt9Kq2Lw7Zx1Vb8", "dot+env/6Yp3Hn8Ds5 Qm0"
VARIABLE, SCOPED, CELL = "var<7Jc2>Fg9&Xa4Re", "scp-1Ub6Ni8Lo3Gz5", "col-9Wd4Ty7Sk2Pf6"
LITERAL = "lit-3Mv8Be5Hq1Uj7"
CANARIES = (ENVIRONMENT, DOTENV, VARIABLE, SCOPED, CELL, LITERAL)


def traces(canary: str) -> list[bytes]:
    """The forms in which a canary may have got away."""
    data = canary.encode()
    found = {canary, quote(canary), quote(canary, safe=""), quote_plus(canary), data.hex(), data.hex().upper()}
    found |= {json.dumps(canary)[1:-1], repr(canary)[1:-1], canary.replace("&", "&amp;").replace("<", "&lt;")}
    found |= {
        base64.b64encode(data).decode().rstrip("=")[:-1],
        base64.urlsafe_b64encode(data).decode().rstrip("=")[:-1],
    }
    return [form.encode() for form in found]


def assert_clean(what: str, data: bytes, known: dict[str, list[bytes]]) -> None:
    for canary, forms in known.items():
        for form in forms:
            at = data.find(form)
            assert at < 0, f"{canary} is in {what}: {data[max(0, at - 200) : at + 100]!r}"


LEAKS = {
    48: """
import os, sys, logging
print(dict(os.environ))
print(os.environ["SERVICE_API_KEY"], file=sys.stderr)
logging.warning("using %s", os.environ["SERVICE_API_KEY"])
get_ipython().run_line_magic("env", "")
import subprocess
subprocess.run(["env"])
os.system("echo $SERVICE_API_KEY >&2")
os.write(1, os.environ["SERVICE_API_KEY"].encode())
os.environ["SERVICE_API_KEY"]
""",
    "48-dotenv": """
print(open(".env").read())
from dotenv import dotenv_values
values = dotenv_values(".env")
dict(values)
""",
    49: """
import os, pathlib
import pandas as pd
vault = pathlib.Path(os.environ["VAULT"])
db_password = (vault / "variable").read_text()
config = {"password": db_password, "host": "db"}
table = pd.DataFrame({"user": ["ada"], "access_token": [(vault / "cell").read_text()]})
print(db_password, config)
table
""",
    "49-literal": f"""
connect = dict
client = connect(api_key={LITERAL!r})
client
""",
    50: """
import os
url = f"https://ada:{os.environ['SERVICE_API_KEY']}@example.com/?password={db_password}"
raise ValueError(f"cannot reach {url}: {config} {db_password!r}")
""",
    51: """
import base64, json, html, urllib.parse, os
for secret in (os.environ["SERVICE_API_KEY"], db_password, values["SERVICE_TOKEN"]):
    data = secret.encode()
    print(base64.b64encode(data).decode(), base64.urlsafe_b64encode(b"x" + data).decode(), data.hex())
    print(urllib.parse.quote(secret), urllib.parse.quote_plus(secret), html.escape(secret))
    print(json.dumps({"key": secret}), repr(secret), json.dumps(json.dumps(secret)), data)
""",
    "display": """
from IPython.display import HTML, Markdown, JSON, display
display(HTML(f"<b>{db_password}</b>"), Markdown(db_password), JSON({"key": db_password}))
display({"text/plain": db_password, "application/json": [db_password, {db_password: 1}]}, raw=True)
class Shown:
    def _repr_html_(self): return db_password
    def __repr__(self): return db_password
Shown()
""",
    "delegated": """
found = await helper(f"log in with {db_password}", data=config)
print(found)
""",
    "answer": "final_answer({'answer': 42, 'password': db_password, 'text': f'key {db_password}'})",
}
HELPER = """
service_token = (vault / "scoped").read_text()
print(service_token)
final_answer(f"I used {service_token} and {data['password']}")
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """All that a run with these leaks has sent and stored."""
    folder, vault = tmp_path_factory.mktemp("secrets"), tmp_path_factory.mktemp("vault")
    for name, canary in (("variable", VARIABLE), ("cell", CELL), ("scoped", SCOPED)):
        (vault / name).write_text(canary)
    (folder / ".env").write_text(f"SERVICE_TOKEN='{DOTENV}'\nMODE=fast\n")
    script = [says(code) for code in LEAKS.values()]
    script.insert(len(script) - 1, says(HELPER))
    environment = {"SERVICE_API_KEY": ENVIRONMENT, "AGENTNB_API_KEY": ENVIRONMENT, "VAULT": str(vault)}
    with Kernel(cwd=folder, env=environment) as kernel:
        kernel.run(LOAD + "import logging, os\nlogging.getLogger('agentnb').addHandler(logging.FileHandler('log'))")
        with team_on(kernel, *script) as server:
            kernel.run("_team = Team([Agent('helper', 'helps')], model=_team.model, api_base=_team._api_base)")
            ran = put_to_work(kernel)
            requests = json.dumps(server.requests, ensure_ascii=False).encode()
        assert ran.status == "done", ran.reason
        kernel.run("logging.getLogger('agentnb').error('it was %s', os.environ['SERVICE_API_KEY'])", check=True)
        kernel.run(
            "try:\n    raise ValueError(os.environ['SERVICE_API_KEY'])\n"
            "except ValueError:\n    logging.getLogger('agentnb').exception('failed')",
            check=True,
        )
        kernel.run("%agents export exported.ipynb\n%agents record record.json", check=True)
        assert kernel.eval("os.environ.get('SERVICE_TOKEN')") is None
        kernel.run("del os.environ['SERVICE_API_KEY']\nfrom agentnb.record.codec import encode")
        cells = [nbformat.v4.new_code_cell("%%agents", outputs=[nbformat.from_dict(each) for each in ran.cell.outputs])]
        notebook = nbformat.writes(nbformat.v4.new_notebook(cells=cells))
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    del files[".env"]
    assert any(name.endswith(".jsonl") for name in files)
    return {"the requests": requests, "the notebook": notebook.encode(), **files}


def test_the_run_did_handle_the_canaries(told):
    journal = next(data for name, data in told.items() if name.endswith(".jsonl"))
    for name in ("SERVICE_API_KEY", "SERVICE_TOKEN", "db_password", "service_token", "access_token", "api_key"):
        assert f"[redacted {name}]".encode() in journal, name
    assert b"[redacted SERVICE_API_KEY]" in told["the requests"]
    assert b"[redacted SERVICE_API_KEY]" in told["log"]


ROWS = {48: (ENVIRONMENT, DOTENV), 49: (CELL, LITERAL), 50: (VARIABLE,), 51: CANARIES}


def _search(told, row):
    known = {canary: traces(canary) for canary in ROWS[row]}
    for what, data in told.items():
        assert_clean(what, data, known)


def test_fault_48_keys_of_the_environment_and_of_dotenv_files(told):
    _search(told, 48)


def test_fault_49_a_variable_a_dict_a_cell(told):
    _search(told, 49)


def test_fault_50_in_a_traceback_and_a_url(told):
    _search(told, 50)


def test_fault_51_in_encoded_forms(told):
    _search(told, 51)


def test_fault_50_in_a_providers_error(tmp_path):
    with Kernel(cwd=tmp_path, env={"AGENTNB_API_KEY": ENVIRONMENT}) as kernel:
        kernel.run(LOAD, check=True)
        with team_on(kernel, fails(400, f"bad key {ENVIRONMENT} in header Bearer {ENVIRONMENT}")):
            ran = put_to_work(kernel)
    assert ran.status == "failed"
    kept = json.dumps(ran.cell.outputs).encode() + b"".join(path.read_bytes() for path in _files(tmp_path))
    assert_clean("what is kept", kept, {ENVIRONMENT: traces(ENVIRONMENT)})


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
