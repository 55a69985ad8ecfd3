"""What browsers may say, to the letter."""

from __future__ import annotations

import json

import pytest

from liveview.core.messages import CLIENT, BadMessage, parse

LIMIT = 65_536


GOOD = [
    '{"type":"mount","protocol":1,"url":"/","snapshot":null}',
    '{"type":"mount","protocol":1,"url":"/"}',
    '{"type":"event","ref":1,"name":"add","params":{}}',
    '{"type":"call","ref":9007199254740991,"name":"add","params":{"a":[1,2.5,null,true,"ü\\ud83d\\ude00",{"b":{}}]}}',
    '{"type":"url","url":"/?a=1"}',
    '{"type":"html"}',
    '{"type":"heartbeat"}',
]


EVENT = '{"type":"event","ref":1,"name":"add","params":%s}'


BAD = {
    "nothing": "",
    "no JSON": "hello",
    "half": '{"type":"html"',
    "two": '{"type":"html"}{"type":"html"}',
    "a list": "[]",
    "a string": '"html"',
    "null": "null",
    "no type": "{}",
    "an unknown type": '{"type":"shutdown"}',
    "a type that is a method": '{"type":"__init__"}',
    "a type of the server": '{"type":"patch","version":1,"splices":[]}',
    "a type that is no string": '{"type":["html"]}',
    "an extra field": '{"type":"html","x":1}',
    "a missing field": '{"type":"event","ref":1,"name":"add"}',
    "a ref of nought": '{"type":"event","ref":0,"name":"add","params":{}}',
    "a negative ref": '{"type":"event","ref":-1,"name":"add","params":{}}',
    "a boolean ref": '{"type":"event","ref":true,"name":"add","params":{}}',
    "a fractional ref": '{"type":"event","ref":1.0,"name":"add","params":{}}',
    "a huge ref": '{"type":"event","ref":9007199254740992,"name":"add","params":{}}',
    "a ref in quotes": '{"type":"event","ref":"1","name":"add","params":{}}',
    "no name": '{"type":"event","ref":1,"name":"","params":{}}',
    "a long name": '{"type":"event","ref":1,"name":"' + "a" * 101 + '","params":{}}',
    "params in a list": EVENT % "[]",
    "params in null": EVENT % "null",
    "NaN": EVENT % '{"a":NaN}',
    "Infinity": EVENT % '{"a":-Infinity}',
    "infinite by exponent": EVENT % '{"a":1e999}',
    "5000 digits": EVENT % ('{"a":' + "9" * 5000 + "}"),
    "41 digits": EVENT % ('{"a":' + "9" * 41 + "}"),
    "duplicate keys": '{"type":"html","type":"html"}',
    "duplicate keys, deeper": EVENT % '{"a":{"b":1,"b":2}}',
    "a NUL": '{"type":"url","url":"/?a=\\u0000"}',
    "a NUL in a name": '{"type":"event","ref":1,"name":"a\\u0000","params":{}}',
    "a lone surrogate": EVENT % '{"a":"\\ud800"}',
    "a lone surrogate in a key": EVENT % '{"a":[{"\\udc00":1}]}',
    "20 levels and one": EVENT % ('{"a":' + "[" * 20 + "]" * 20 + "}"),
    "800 levels": EVENT % ('{"a":' + "[" * 800 + "]" * 800 + "}"),
    "30000 levels": "[" * 30_000 + "]" * 30_000,
    "30000 levels of objects": '{"a":' * 10_000,
    "too many bytes": EVENT % ('{"a":"' + "a" * LIMIT + '"}'),
    "too many bytes in fewer characters": EVENT % ('{"a":"' + "😀" * (LIMIT // 4) + '"}'),
    "a URL too long": '{"type":"url","url":"/' + "a" * 4096 + '"}',
}


@pytest.mark.parametrize("raw", GOOD)
def test_what_clients_say_is_understood(raw: str) -> None:
    assert parse(raw, CLIENT, LIMIT)["type"] == json.loads(raw)["type"]


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD)
def test_what_no_client_says_is_refused(raw: str) -> None:
    with pytest.raises(BadMessage):
        parse(raw, CLIENT, LIMIT)


def test_twenty_levels_are_taken() -> None:
    assert parse(EVENT % ('{"a":' + "[" * 19 + "]" * 19 + "}"), CLIENT, LIMIT)
