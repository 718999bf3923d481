"""Makes schema.json, the part of Atlassian's schema that the plugin writes, out of full.json. See README.md."""

import json
import sys

WRITTEN = [
    "doc_node",
    "paragraph_with_no_marks_node",
    "paragraph_node",
    "bulletList_node",
    "orderedList_node",
    "listItem_node",
    "codeBlock_node",
    "inline_node",
    "formatted_text_inline_node",
    "text_with_no_marks_node",
    "text_node",
    "hardBreak_node",
    "link_mark",
]


def written(schema):
    return not isinstance(schema, dict) or schema.get("$ref", "").removeprefix("#/definitions/") in ["", *WRITTEN]


def trimmed(schema):
    if isinstance(schema, dict):
        return {key: trimmed(value) for key, value in schema.items()}
    if isinstance(schema, list):
        return [trimmed(value) for value in schema if written(value)]
    return schema


full = json.load(sys.stdin)
full["definitions"] = {name: full["definitions"][name] for name in WRITTEN}
json.dump(trimmed(full), sys.stdout, indent=1)
print()
