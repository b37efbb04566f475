"""No secret and no personal datum of the listed kinds gets through; what only looks like one stays."""

from __future__ import annotations

import json
import random
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.logs.pipeline.model import Event, Model
from vectorwatch.log_lines.redaction import names_secret
from vectorwatch.log_lines.redaction import redact as redact_in_library

LETTERS = string.ascii_letters + string.digits


def write(model: Model, message: str, **fields: Any) -> dict[str, Any]:
    line = json.dumps({"service": "a", "message": message, **fields})
    event = Event({"@timestamp": "2024-11-27T06:14:31.500Z", "message": line}, {"arrived_by": "tcp"})
    (document,) = model.run(event)
    return document.fields


SECRETS = {
    "a password in a URL": ("postgres://app:{}@db:5432/x", "s3cretpw"),
    "a password with a slash": ("amqp://app:{}@mq/x", "s3/cr:et"),
    "a bearer token": ("Authorization: Bearer {}", "abcDEF123456789"),
    "basic credentials": ("authorization=Basic {}", "dXNlcjpwYXNz"),
    "a named password": ("login password={} ok", "hunter2x"),
    "a named password in JSON": ('{{"password": "{}"}}', "hunter2x"),
    "a named password in escaped JSON": ('body {{\\"password\\":\\"{}\\"}}', "hunter2x"),
    "a numeric password": ('{{"password":{},"a":1}}', "8273645"),
    "a secret of AWS by name": ("aws_secret_access_key={}", "wJalrXUtnFEMI/K7MDENG"),
    "a cookie": ("Cookie: session={}; path=/", "8f7a6b5c"),
    "a JSON Web Token": ("got {}", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
    "a key of AWS": ("using {} now", "AKIAIOSFODNN7EXAMPLE"),
    "a token of GitHub": ("clone with {}", "ghp_" + "a1B2" * 9),
    "a key of OpenAI": ("key {}", "sk-proj-" + "a1B2c3D4" * 5),
    "a key of Anthropic": ("key {}", "sk-ant-api03-" + "a1B2c3D4" * 5),
    "a key of Stripe": ("key {}", "sk_live_" + "a1B2c3D4" * 3),
    "a token of Hugging Face": ("key {}", "hf_" + "a1B2c3D4" * 5),
    "a token of Slack": ("key {}", "xoxb-123456789012-abcdefABCDEF"),
    "a webhook of Slack": ("post https://hooks.slack.com/services/{}", "T000/B000/XXXXXXXXXXXX"),
    "a key of Google": ("key {}", "AIza" + "a1B2c3D" * 5),
    "a private key": (
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
        "MIIEowIBAAKCAQEAx",
    ),
    "a private key that is cut off": ("-----BEGIN PRIVATE KEY-----\n{}", "MIIEowIBAAKCAQEAx"),
    "an address of e-mail": ("mail to {} failed", "jane.doe+x@mail.example.org"),
    "a card of Visa": ("paid with {}.", "4111 1111 1111 1111"),
    "a card of American Express": ("paid with {}", "378282246310005"),
    "a password with an @": ("postgres://app:p@{}@db:5432/x", "s3cretpw"),
    "a token as the user of a URL": ("clone https://{}@git.example.org/x.git", "a1B2c3D4e5F6a1B2c3D4"),
    "a signature of a URL": ("GET https://a.example.org/b?sv=2020&sig={}%3D&se=2024", "Zq7vXk2Lw9Tb"),
    "a signature of AWS": ("GET https://a.example.org/k?X-Amz-Signature={}", "Zq7vXk2Lw9Tb"),
    "a code of OAuth": ("GET /callback?code={}&state=abc", "Zq7vXk2Lw9Tb"),
    "a session in an address": ("GET /x;jsessionid={}", "Zq7vXk2Lw9Tb"),
    "a password of ODBC": ("Server=db;UID=sa;PWD={};", "hunter2x"),
    "a key of Azure's storage": ("AccountName=a;AccountKey={}==;EndpointSuffix=x", "Zq7vXk2Lw9Tb"),
    "a shared key of Azure": ("SharedAccessKeyName=Root;SharedAccessKey={}=", "Zq7vXk2Lw9Tb"),
    "a variable of the environment": ("SMTP_PASS={} SECRET_KEY_BASE=x", "hunter2x"),
    "a name in camel case": ("refreshToken={}", "Zq7vXk2Lw9Tb"),
    "a key in camel case": ("accessKey: {}", "Zq7vXk2Lw9Tb"),
    "a header of its own": ("X-Api-Key: {}", "Zq7vXk2Lw9Tb"),
    "another scheme": ("Authorization: ApiKey {}", "Zq7vXk2Lw9Tb"),
    "a digest": ('Authorization: Digest username="x", response="{}"', "Zq7vXk2Lw9Tb"),
    "words in quotes": ('password="correct horse {}"', "hunter2x"),
    "a password with a quote": ('{{"password": "ab\\"{}"}}', "hunter2x"),
    "words in escaped quotes": ('body {{\\"password\\":\\"ab \\\\\\"{}\\"}}', "hunter2x"),
    "JSON three deep": (
        '{{"b":"{{\\"c\\":\\"{{\\\\\\"password\\\\\\":\\\\\\"{}\\\\\\"}}\\"}}"}}',
        "hunter2x",
    ),
    "JSON with escaped quotes of Java": ("\\u0022password\\u0022:\\u0022{}\\u0022", "hunter2x"),
    "an encoded query": ("next=%2Fx%3Fpassword%3D{}", "hunter2x"),
    "a list": ('body {{"passwords": ["{}", "b"]}}', "hunter2x"),
    "a dictionary of Python in bytes": ("{{b'password': b'{}'}}", "hunter2x"),
    "a hash of Ruby": (':password=>"{}"', "hunter2x"),
    "a header as a pair": ("headers=[('x-api-key', '{}')]", "hunter2x"),
    "a variable as an object": ('[{{"name":"DB_PASSWORD","value":"{}"}}]', "hunter2x"),
    "a password in XML": ("<user><password>{}</password></user>", "hunter2x"),
    "a command line": ("run: mysql -u root --password {} -h db", "hunter2x"),
    "a setting of Valkey": ("CONFIG SET requirepass {}", "hunter2x"),
    "a statement of SQL": ("ALTER USER bob WITH PASSWORD '{}'", "hunter2x"),
    "a block of PGP": (
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{}\n-----END PGP PRIVATE KEY BLOCK-----",
        "lQOYBF",
    ),
    "a key of SendGrid": ("key SG.{}", "a1B2c3D4e5F6a1B2c3D4.a1B2c3D4e5F6a1B2c3D4"),
    "a token of Telegram": ("post https://api.telegram.org/bot{}/send", "123456789:" + "a1B2c3D4" * 5),
    "a bank account": ("from {}", "DE89 3704 0044 0532 0130 00"),
    "a bank account without spaces": ("from {}", "GB29NWBK60161331926819"),
}


@pytest.mark.parametrize(("text", "secret"), SECRETS.values(), ids=SECRETS)
def test_a_secret_is_hidden_wherever_it_stands(text: str, secret: str, main: Model) -> None:
    full = text.format(secret)
    document = write(
        main,
        full,
        error={"message": full, "stack_trace": f"x\n{full}"},
        url={"full": full},
        other=[full],
        é=full,
    )
    assert secret not in json.dumps(document, ensure_ascii=False)
    assert "redacted" in document["tags"]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "password",
            "db_password",
            "PASSWORD",
            "client_secret",
            "api_key",
            "x-api-key",
            "access_token",
            "token",
        ),
        *("authorization", "set-cookie", "private_key", "passphrase", "aws_secret_access_key", "credentials"),
        *("dbPassword", "refreshToken", "passwords", "api_keys", "password.value", "credentials.key"),
    ],
)
@pytest.mark.parametrize("value", ["plain", 12345, ["a"], True], ids=str)
def test_a_field_named_like_a_secret_loses_its_value(name: str, value: Any, main: Model) -> None:
    assert write(main, "m", **{name: value})["attributes"][name] == "[hidden]"
    assert write(main, "m", nested={name: value})["attributes"][f"nested.{name}"] == "[hidden]"


STAYS = {
    "a trace": "trace 4bf92f3577b34da6a3ce929d0e0e4736",
    "a hash": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "a UUID": "id 123e4567-e89b-42d3-a456-426614174000",
    "a UUID of digits": "id 41111111-1111-4111-8111-111111111111",
    "microseconds": "at 1732688071250000",
    "nanoseconds": "at 1732688071250000000",
    "milliseconds": "at 1732688071250",
    "a vector": "[0.4111111111111111, -0.5500000000000004, 4111.111111111111]",
    "a number of 16 digits that is no card": "order 4111111111111112",
    "a count of tokens": "max_token=512 time_to_first_token: 0.3 tokens=7 prompt_tokens=12",
    "an image": "image example/a@sha256:0123456789abcdef",
    "a package": "lodash@4.17.21",
    "a decorator": '@app.get("/x")',
    "an address with a port": "http://127.0.0.1:6333/collections",
    "a Qdrant URL": "http://qdrant:6333/@v1",
    "basic words": "basic configuration loaded, bearer of news",
    "a version": "version 4.11.1",
    "an address of IP": "from 203.0.113.7",
    "Java's object": "com.example.Foo@6d06d69c",
    "a country": "DE12 is no account",
    "a working directory": "PWD=/home/app OLDPWD=/srv",
    "keys that are none": "primary_key: id, cache_key=abc, foreign key: a, access keys: 3",
    "a hint at an option": "--password is required; the option --token requires a value",
    "fields that are missing": "missing fields: ['password', 'email']",
    "the path of a password": "loading /run/secrets/elastic_password, password_file=/run/secrets/x",
    "tokens of a text": '{"tokens":["the","cat"],"token":[101,2054]}',
    "users of a container": "docker run --user 1000:1000 x",
    "a clone": "git@github.com:acme/x.git",
    "a status": "GET /x?code=404&state=open",
    "lines of a stack trace": 'File "/app/auth/token.py", line 12, in get_token',
    "prices": "paid 1,299.00 EUR, pass: 12 fail: 3",
    "words": "the secretary passed the tokenizer a cookie",
}


@pytest.mark.parametrize("text", STAYS.values(), ids=STAYS)
def test_what_only_looks_like_a_secret_stays(text: str, main: Model) -> None:
    document = write(main, text)
    assert document["message"] == text
    assert "tags" not in document


@pytest.mark.parametrize(
    "name", ["max_token", "tokens", "token_count", "cookie_count", "secretary", "password_length"]
)
def test_a_field_that_only_sounds_like_a_secret_keeps_its_value(name: str, main: Model) -> None:
    assert write(main, "m", **{name: 7})["attributes"][name] == 7


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "db_passwd",
        "secret",
        "api-key",
        "api_key",
        "access_token",
        "authorization",
        "token",
        "cookie",
    ],
)
def test_what_the_library_hides_by_name_is_hidden_here_too(name: str, main: Model) -> None:
    assert names_secret(name)
    assert write(main, "m", **{name: "value"})["attributes"][name] == "[hidden]"


@settings(max_examples=150)
@given(
    seed=st.integers(),
    before=st.text(alphabet="abc =:,.;/\n\"'{}é", max_size=20),
    after=st.text(alphabet=" \n\"',;}", max_size=3),
)
def test_a_made_up_secret_never_gets_through(seed: int, before: str, after: str, main: Model) -> None:
    chosen = random.Random(seed)
    secret = "".join(chosen.choices(LETTERS, k=24))
    text = chosen.choice(
        [
            f"password={secret}",
            f'"api_key": "{secret}"',
            f"Authorization: Bearer {secret}",
            f"https://user:{secret}@example.org/",
            f"token={secret}",
            f"ghp_{secret}{secret}",
            f"sk-{secret}",
        ]
    )
    document = write(main, f"{before} {text}{after}", error=f"{before} {text}{after}", deep=[{"x": text}])
    assert secret not in json.dumps(document)
    if "ghp_" not in text and "sk-" not in text:
        assert secret not in redact_in_library(text), "the library lets through what is hidden here"


def test_a_megabyte_without_a_secret_is_searched_in_time(main: Model) -> None:
    """The patterns take time in proportion to the text: these would take minutes where one did not."""
    for piece in (
        "a@",
        "password",
        "basic ",
        "eyJ",
        "4111 ",
        "://a:",
        '":',
        "cookie=a",
        "-----BEGIN PRIVATE KEY-----",
        'password:"',
        'password:\\"',
        '"token":["',
        "password>",
        "--token ",
        "('x-token",
        "?code=",
        "authorization:digest ",
        "requirepass ",
    ):
        write(main, piece * (1_000_000 // len(piece)))


def test_a_refused_document_is_searched_once_more(dead_letters: Model) -> None:
    refused = {
        "@timestamp": "2024-11-27T06:14:31.500Z",
        "message": "password=hunter2x",
        "service": {"name": "api"},
        "data_stream": {"type": "logs", "dataset": "application", "namespace": "default"},
    }
    reason = (
        "Could not index event to Elasticsearch. status: 400, "
        'action: ["create", {}, {"message"=>"password=hunter2x"}], response: {"create"=>{"status"=>400, '
        '"error"=>{"type"=>"document_parsing_exception", "reason"=>"[1:2] failed to parse"}}}'
    )
    metadata = {"dead_letter_queue": {"reason": reason, "plugin_id": "elasticsearch_logs"}, "id": "abc"}
    (letter,) = dead_letters.run(Event(refused, metadata))
    assert "hunter2x" not in json.dumps(letter.fields)
    assert letter.metadata["index"] == "logs-dead_letter-default"
    assert letter.fields["message"] == "refused by Elasticsearch: [1:2] failed to parse"
    assert letter.fields["error"]["message"].startswith("status: 400, response: {")
    assert json.loads(letter.fields["event"]["original"])["service"] == {"name": "api"}
    assert letter.fields["attributes"] == {"data_stream": "logs-application-default", "document_id": "abc"}
    assert letter.fields["service"] == {"name": "api"}
