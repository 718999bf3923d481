"""The ordinary calls of the package `jira`: calls.py URL cloud|dc|old VERSION-OF-THE-API."""

import io
import sys

from jira import JIRA, JIRAError

url, product, version = sys.argv[1:4]
cloud = product == "cloud"


def refused(status, text, call):
    try:
        call()
    except JIRAError as error:
        assert error.status_code == status and text in error.text, (error.status_code, error.text)
    else:
        raise AssertionError(f"not refused: {text}")


def rich(text):
    if version == "2":
        return text
    return {"version": 1, "type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]}


login = ("fred@example.com", "api-token") if cloud else ("fred", "password")
further = {} if cloud else {"validate": True}
jira = JIRA(url, basic_auth=login, options={"rest_api_version": version}, max_retries=0, **further)
assert jira._is_cloud == cloud
assert jira.myself()["displayName"] == "Fred F. User"
refused(401, "", lambda: JIRA(url, basic_auth=("fred", "wrong"), max_retries=0).myself())
if not cloud:
    JIRA(url, token_auth="personal-token", max_retries=0).myself()

assert [project.key for project in jira.projects()] == ["SHOP"]
assert jira.project("SHOP").name == "Shop App"
if product == "dc":
    types = jira.project_issue_types("SHOP", maxResults=100)
    fields = {field.fieldId: field.raw for field in jira.project_issue_fields("SHOP", types[0].id, maxResults=100)}
else:
    meta = jira.createmeta("SHOP", issuetypeNames="Bug", expand="projects.issuetypes.fields")
    fields = meta["projects"][0]["issuetypes"][0]["fields"]
ids = {field["name"]: id for id, field in fields.items()}
assert fields["summary"]["required"] and len(fields) == 27, fields

every = "project='SHOP' AND issuetype in standardIssueTypes()"
assert len(jira.search_issues(every, maxResults=False)) == 230
assert len(jira.search_issues(every, maxResults=7)) == 7
if cloud:
    assert jira.approximate_issue_count(every) == 230
    assert len(jira.enhanced_search_issues(every, maxResults=0, use_post=True)) == 230
    refused(400, "Unbounded JQL", lambda: jira.search_issues("order by key"))
else:
    assert jira.search_issues("project=SHOP order by key", startAt=1, maxResults=1)[0].key == "SHOP-2"
    assert len(jira.search_issues(every, use_post=True, fields=["summary"])) == 50
refused(400, "An issue with key 'SHOP-9999' does not exist", lambda: jira.search_issues("key in (SHOP-1, SHOP-9999)"))
refused(400, "Error in the JQL Query", lambda: jira.search_issues("project = SHOP AND"))
refused(404, "ssue", lambda: jira.issue("SHOP-9999"))

found = jira.search_users(query="mia") if cloud else jira.search_users(user="mia")
mia = {"accountId": found[0].accountId} if cloud else {"name": found[0].name}
issue = jira.create_issue(
    fields={
        "project": {"key": "SHOP"},
        "issuetype": {"name": "Bug"},
        "summary": "New",
        "description": rich("text"),
        "priority": {"name": "High"},
        "labels": ["a", "b"],
        "components": [{"name": "Backend"}],
        "fixVersions": [{"name": "1.0"}],
        "duedate": "2026-01-31",
        "assignee": mia,
        ids["Text"]: "line",
        ids["Notes"]: rich("notes"),
        ids["Link"]: "https://example.com",
        ids["Day"]: "2026-02-01",
        ids["Moment"]: "2026-02-01T10:00:00.000+0100",
        ids["Points"]: 3.5,
        ids["Severity"]: {"value": "Major"},
        ids["Platforms"]: [{"value": "Linux"}, {"value": "macOS"}],
        ids["Place"]: {"value": "Shop", "child": {"value": "Till"}},
        ids["Tags"]: ["x"],
        ids["Found in"]: {"name": "1.0"},
        ids["Broken in"]: [{"name": "1.0"}, {"name": "2.0"}],
        ids["Tester"]: mia,
        ids["Watchers"]: [mia],
    }
)
assert issue.key == "SHOP-231" and str(issue.fields.status) == "Open"
expected = {
    "Text": "line",
    "Day": "2026-02-01",
    "Moment": "2026-02-01T09:00:00.000+0000",
    "Points": 3.5,
    "Severity": "Major",
    "Place": "Shop - Till",
    "Found in": "1.0",
    "Tester": "Mia Krystof",
}
for name, value in expected.items():
    shown = getattr(issue.fields, ids[name])
    assert (shown if isinstance(shown, float) else str(shown)) == value, (name, shown)
if version == "2":
    assert (issue.fields.description, getattr(issue.fields, ids["Notes"])) == ("text", "notes")
else:
    refused(400, "Atlassian Document", lambda: issue.update(fields={"description": "text"}))

assert [way["to"]["name"] for way in jira.transitions(issue)] == ["In Progress"]
jira.transition_issue(issue, "11")
jira.transition_issue(issue, "Review")
ways = {way["name"]: way for way in jira.transitions(issue, expand="transitions.fields")}
assert ways["Done"]["fields"]["resolution"]["required"]
refused(400, "Resolution is required", lambda: jira.transition_issue(issue, "31"))
jira.transition_issue(issue, "31", fields={"resolution": {"name": "Done"}})
issue = jira.issue(issue.key, expand="changelog")
assert str(issue.fields.status) == "Done" and len(issue.changelog.histories) == 3

issue.update(fields={"summary": "Changed", "labels": ["c"]}, notify=False)
assert (issue.fields.summary, issue.fields.labels) == ("Changed", ["c"])
refused(400, "newline", lambda: issue.update(fields={"summary": "a\nb"}))
refused(400, "appropriate screen", lambda: issue.update(fields={"status": {"name": "Open"}}))

attached = jira.add_attachment(issue, io.BytesIO(b"bytes \x00\xff"), filename="a ü.txt")
assert jira.attachment(attached.id).get() == b"bytes \x00\xff" and attached.filename == "a ü.txt"
jira.delete_attachment(attached.id)
jira.add_comment(issue, rich("hey"))
assert len(jira.comments(issue)) == 1
assert jira.statuses() and jira.priorities() and jira.fields()
found = {"query": "f"} if cloud else {"username": "f"}
assert [user.displayName for user in jira.search_assignable_users_for_issues(project="SHOP", **found)] == ["Fred F. User"]

child = {"project": {"key": "SHOP"}, "issuetype": {"name": "Sub-task"}, "summary": "c", "parent": {"key": issue.key}}
assert jira.create_issue(fields=child).fields.parent.key == issue.key
refused(400, "has subtasks", issue.delete)
issue.delete(deleteSubtasks=True)
refused(404, "ssue", lambda: jira.issue("SHOP-231"))
