import base64
import html
import json
import os
from urllib.parse import quote

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentnb.record import events as ev
from agentnb.record.codec import encode
from agentnb.record.document import Change
from agentnb.record.redact import Redactor
from agentnb.record.redact_stream import StreamRedactor
from agentnb.record.secrets import promise

SECRET = 'p&ss"w/rd+\n<é> \\tail'
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
KEY = "sk-" + "ant-api03-" + "Zz9xYy8wXx7vWw6u"  # in pieces: scanners of repositories take it for a real one


def redactor(environ=None, **namespace):
    return Redactor(environ or {}, namespace)


@pytest.mark.parametrize(
    "name",
    [
        "OPENAI_API_KEY",
        "HF_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "DB_PASSWORD",
        "MYSQL_PASS",
        "BASIC_AUTH",
        "GH_CREDENTIALS",
    ],
)
def test_credentials_of_the_environment_are_known_by_name(name):
    assert redactor({name: "swordfish tuna"}).redact("x=swordfish tuna!") == f"x=[redacted {name}]!"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SSH_AUTH_SOCK", "/run/user/1000/keyring/ssh"),
        ("XKB_KEYBOARD", "pc105-layout"),
        ("GIT_AUTHOR_NAME", "Ada Lovelace"),
        ("TOKENIZERS_PARALLELISM", "disabled-by-default"),
        ("KEY_FILE", "/etc/ssl/key.pem"),
        ("TOKEN_URL", "https://login.example.com"),
        ("PWD", "/srv/ada/notebooks"),
        ("HOME", "/srv/ada"),
        ("API_KEY", "short"),
    ],
)
def test_other_variables_are_left_alone(name, value):
    assert redactor({name: value}).redact(value) == value


def test_the_password_in_a_url_of_the_environment_is_known_on_its_own():
    known = redactor({"DATABASE": "postgres://ada:correcthorse@db/prod"})
    assert known.redact("it is correcthorse") == "it is [redacted DATABASE]"


def test_variables_and_dicts_one_level_deep():
    known = redactor(api_key="swordfish-tuna", config={"password": "correct horse", "host": "db.example.com"})
    assert known.redact("swordfish-tuna, correct horse, db.example.com") == (
        "[redacted api_key], [redacted password], db.example.com"
    )


@pytest.mark.parametrize("name", ["key", "token", "sort_key", "group_key"])
def test_a_word_in_a_variable_that_loops_use_is_no_secret(name):
    assert redactor(**{name: "Adjusted_Close"}).redact("Adjusted_Close") == "Adjusted_Close"
    assert redactor(**{name: "a8Kd02jfLq91"}).redact("a8Kd02jfLq91") == f"[redacted {name}]"


def test_pad_token_is_a_word_and_access_token_a_secret():
    assert promise("pad_token") != "strong"
    assert promise("access_token") == promise("accessToken") == promise("openai_key") == "strong"
    assert promise("monkey") is promise("keyboard") is promise("n") is None


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        repr(SECRET)[1:-1],
        quote(SECRET),
        quote(SECRET, safe=""),
        html.escape(SECRET),
        SECRET.encode().hex(),
    ],
)
def test_every_form_is_caught(form):
    assert redactor({"PASSWORD": SECRET}).redact(f"<{form}>") == "<[redacted PASSWORD]>"


@given(st.binary(max_size=7), st.binary(max_size=7), st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))
def test_base64_is_caught_at_every_alignment(before, after, encoder):
    secret = "correct horse battery~~~??? staple"
    text = encoder(before + secret.encode() + after).decode()
    assert "[redacted PASSWORD]" in redactor({"PASSWORD": secret}).redact(text)


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        "sk-" + "proj-abcdefghijkl",
        "sk-" + "a1b2c3d4" * 5,
        "hf_" + LETTERS,
        "ghp_" + LETTERS + "0123456789",
        "github_pat_" + LETTERS,
        "AKIA" + "ABCDEFGHIJ234567",
        "xoxb-" + "123456789012-abcdefghij",
        "AIza" + "Sy" + "aB3" * 11,
        "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxIn0.abcdefghijkl",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_known_shapes(key):
    redacted = redactor().redact(f"see '{key}' there")
    assert redacted.startswith("see '[redacted ")
    assert redacted.endswith("]' there")
    assert redactor().redact(redacted) == redacted


def test_credentials_in_urls_and_headers():
    plain = redactor().redact
    assert plain("postgres://ada:pw@db/x") == "postgres://ada:[redacted PASSWORD]@db/x"
    assert plain("Authorization: Bearer a8Kd02jfLq91xxYY") == "Authorization: Bearer [redacted TOKEN]"
    assert plain("https://x.io/?api_key=a8Kd02jfLq&n=1") == "https://x.io/?api_key=[redacted TOKEN]&n=1"


@pytest.mark.parametrize(
    "text",
    [
        '<div class="sk-estimator-doc-link sk-container-id-1 sk-toggleable__content">',
        "bearer certificates are securities; risk-adjusted returns",
        "http://localhost:8888/lab?x=1 and mail@example.com",
        "https://example.com:443/?to=a@b.org",
        "see hf_hub_download and ghp_x",
    ],
)
def test_ordinary_text_is_left_alone(text):
    assert redactor().redact(text) == text


def test_values_and_events_are_walked():
    known = redactor({"TOKEN": "swordfish-tuna"})

    class Leak:
        def __repr__(self):
            return "Leak(swordfish-tuna)"

    cycle = ["swordfish-tuna"]
    cycle.append(cycle)
    event = ev.OutputAdded(
        step="s", output={"data": {"swordfish-tuna": [b"swordfish-tuna", Leak(), {"a": "swordfish-tuna"}], "c": cycle}}
    )
    redacted = encode(known.redact_event(event))
    assert b"swordfish" not in redacted
    assert base64.b64encode(b"swordfish-tuna") not in redacted
    assert "swordfish-tuna" in event.output["data"]
    ended = ev.StepEnded(step="s", status="done", changes=[Change(name="x", kind="added", after="'swordfish-tuna'")])
    assert known.redact_event(ended).changes[0].after == "'[redacted TOKEN]'"


def test_words_of_the_format_stay_whatever_is_secret():
    known = redactor({"SECRET": "completed"})
    event = ev.TaskChanged(task="t", status="completed")
    assert known.redact_event(event).status == "completed"


def test_refresh_finds_new_secrets_and_forgets_none():
    environ, namespace = {}, {}
    known = Redactor(environ, namespace)
    environ["NEW_TOKEN"] = "swordfish-tuna"
    namespace["password"] = "correct horse"
    assert known.redact("swordfish-tuna") == "swordfish-tuna"
    known.refresh(namespace)
    environ.clear()
    known.refresh({})
    assert known.redact("swordfish-tuna correct horse") == "[redacted NEW_TOKEN] [redacted password]"


def test_refresh_sees_what_code_does_to_the_environment_of_the_process(monkeypatch):
    monkeypatch.setenv("OLD_TOKEN", "swordfish-tuna")
    known = Redactor()
    os.environ["OLD_TOKEN"] = "correct-horse"
    monkeypatch.setenv("NEW_TOKEN", "battery-staple")
    known.refresh()
    del os.environ["NEW_TOKEN"]
    known.refresh()
    text = known.redact("swordfish-tuna correct-horse battery-staple")
    assert text == "[redacted OLD_TOKEN] [redacted OLD_TOKEN] [redacted NEW_TOKEN]"


def test_dotenv_files_of_the_working_folder_are_read_and_not_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known = redactor()
    text = "swordfish-tuna correct-horse plain-value"
    assert known.redact(text) == text
    (tmp_path / ".env").write_text("export API_TOKEN='swordfish-tuna'\nMODE=plain-value\n# SECRET=plain-value\n")
    (tmp_path / ".env.local").write_bytes(b"\xff\xfe\n= =\nDB_PASSWORD=correct-horse\n")
    known.refresh()
    assert known.redact(text) == "[redacted API_TOKEN] [redacted DB_PASSWORD] plain-value"
    assert "API_TOKEN" not in os.environ
    (tmp_path / ".env").write_text("API_TOKEN=another-value\n")
    known.refresh()
    assert known.redact("another-value swordfish-tuna") == "[redacted API_TOKEN] [redacted API_TOKEN]"


def test_bytes_and_columns_of_tables():
    table = pd.DataFrame({"access_token": ["swordfish-tuna", None], "city": ["correct-horse", "x"]})
    known = redactor(api_key=b"battery-staple-9", table=table)
    assert known.redact("swordfish-tuna correct-horse battery-staple-9") == (
        "[redacted access_token] correct-horse [redacted api_key]"
    )


def test_an_object_of_a_class_without_a_module_hides_no_secret():
    known = redactor(first=type("Odd", (), {"__module__": None})(), api_token="swordfish-tuna")
    assert known.redact("swordfish-tuna") == "[redacted api_token]"


def test_literals_in_code_are_known_before_their_variables_are():
    known = redactor()
    known.read_code(
        "client = connect(api_key='a8Kd02jfLq91', mode='a8Kd02jfLq92')\nconfig['password'] = \"b7Xc52mfRt38\""
    )
    text = "a8Kd02jfLq91 a8Kd02jfLq92 b7Xc52mfRt38 not-needed"
    assert known.redact(text) == "[redacted api_key] a8Kd02jfLq92 [redacted password] not-needed"
    known.read_code("connect(api_key='not-needed')")
    assert known.redact("not-needed") == "not-needed"


PIECES = st.sampled_from(
    [
        "swordfish-tuna",
        "correct horse",
        "correct",
        "horse",
        "ключ-тайный",
        KEY,
        "Bearer a8Kd02jfLq91xxYY",
        "Authorization: Basic YWRhOmh1bnRlcjI=",
        "https://ada:pw@db/x",
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
        " ",
        "\n",
        "word",
        "é",
    ]
)


KNOWN = {"A_TOKEN": "swordfish-tuna", "B_PASSWORD": "correct horse", "C_SECRET": "ключ-тайный"}


def streamed(known, text, sizes):
    stream, shown, rest = StreamRedactor(known), "", text
    while rest:
        for size in sizes:
            shown += stream.feed(rest[:size])
            rest = rest[size:]
    return shown + stream.flush()


@given(st.lists(PIECES, max_size=8).map(" ".join), st.lists(st.integers(1, 9), min_size=1, max_size=60))
def test_a_stream_in_any_pieces_is_redacted_as_the_whole(text, sizes):
    known = redactor(KNOWN)
    assert streamed(known, text, sizes) == known.redact(text)


@given(st.lists(PIECES, max_size=8).map("".join), st.lists(st.integers(1, 9), min_size=1, max_size=60))
def test_a_stream_never_shows_what_is_known_to_be_secret(text, sizes):
    shown = streamed(redactor(KNOWN), text, sizes)
    assert not [secret for secret in KNOWN.values() if secret in shown]


def test_a_stream_holds_back_a_word_at_most():
    stream = StreamRedactor(redactor())
    assert stream.feed("I will load the pri") == "I will load the "
    assert stream.feed("ces. Then") == "prices. "
    assert stream.flush() == "Then"
    assert stream.flush() == ""
