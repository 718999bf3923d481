"""Prints requests with the headers that oauthlib makes for them. See README.md."""

import json
from pathlib import Path

from oauthlib.oauth1 import SIGNATURE_RSA, Client

KEY = Path(__file__).with_name("pkcs8.test-key.pem").read_text()
BASE = "https://jira.example.com"

REQUESTS = [
    # method, address, consumer key, access token, nonce, timestamp
    ("GET", f"{BASE}/rest/api/2/myself", "consumer", "token", "n0nce", 1706659200),
    ("POST", f"{BASE}/ctx/rest/api/2/issue", "consumer", "token", "another", 1706659201),
    ("DELETE", f"{BASE}/rest/api/2/issue/EX-1?deleteSubtasks=true", "consumer", "token", "n", 1),
    ("get", "HTTPS://Jira.EXAMPLE.com:443/rest/api/2/field", "consumer", "token", "n", 1),
    ("GET", "http://127.0.0.1:8080/jira/rest/api/2/serverInfo", "consumer", "token", "n", 1),
    ("GET", "http://jira:80", "consumer", "token", "n", 1),
    ("GET", "http://[::1]:80/rest", "consumer", "token", "n", 1),
    ("GET", f"{BASE}/s?jql=project%20%3D%20%22EX%22+AND+a~%27b%27&fields=%2Aall&startAt=0&maxResults=50", "c", "t", "n", 1),
    ("GET", f"{BASE}/s?b=2&a=3&a=1&c&d=&b=%C3%A4&%26=%3D&a%20b=x", "c", "t", "n", 1),
    ("GET", f"{BASE}/secure/attachment/1/a%20%C3%BC.txt?x=1#part", "c", "t", "n", 1),
    ("PUT", f"{BASE}/rest/api/2/issue/10000", "a consumer & more", "t+/=%20ü", "~-._!*'()", 1),
]


def header(method, address, consumer_key, token, nonce, timestamp):
    client = Client(
        consumer_key,
        resource_owner_key=token,
        signature_method=SIGNATURE_RSA,
        rsa_key=KEY,
        nonce=nonce,
        timestamp=str(timestamp),
    )
    _, headers, _ = client.sign(address, http_method=method)
    return headers["Authorization"]


NAMES = ["method", "address", "consumer_key", "access_token", "nonce", "timestamp"]
vectors = [dict(zip(NAMES, request), authorization=header(*request)) for request in REQUESTS]
print(json.dumps(vectors, indent=1))
