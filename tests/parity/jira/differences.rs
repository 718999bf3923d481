//! The intended differences of the Jira clients. Each is shown on Cloud and on Data Center.

use super::{Twins, changing, reading};
use crate::differences::Difference;

#[test]
fn every_intended_difference_is_there_on_cloud() {
    show(&Twins::of(true));
}

#[test]
fn every_intended_difference_is_there_on_data_center() {
    show(&Twins::of(false));
}

fn show(twins: &Twins) {
    let rotten = Difference::rotten(&DIFFERENCES, twins);
    assert!(rotten.is_empty(), "not as the table has it: {rotten:#?}");
}

const READING: &str = "Jira: reading";
const CHANGING: &str = "Jira: changing";

pub(crate) const DIFFERENCES: [Difference<Twins>; 24] = [
    Difference {
        group: READING,
        case: "A page of a list that Jira does not give",
        python: "an empty list with `NO_DEFECT_FOUND`",
        ours: "the defects before it, and a general error `READ_ACCESS_ERROR` that says that the list is not whole",
        why: "a list that is not whole must not look as if all defects were gone",
        check: reading::a_list_that_is_not_whole_says_so,
    },
    Difference {
        group: READING,
        case: "A project without defects",
        python: "a general error `NO_DEFECT_FOUND`",
        ours: "an empty list without an error",
        why: "nothing went wrong",
        check: reading::a_project_without_defects_is_no_error,
    },
    Difference {
        group: READING,
        case: "Protocol of a list and a batch",
        python: "no `successes`",
        ours: "`IMPORT_SUCCESS` for each defect",
        why: "as with the JSONL client",
        check: reading::what_was_read_is_a_success,
    },
    Difference {
        group: READING,
        case: "Ids of another project in a batch and in the extended view",
        python: "are served",
        ours: "are not found",
        why: "a project's settings and permissions hold for its own issues",
        check: reading::issues_of_other_projects_are_not_served,
    },
    Difference {
        group: READING,
        case: "An id twice in a batch",
        python: "the defect twice",
        ours: "the defect once",
        why: "as with the JSONL client",
        check: reading::an_id_twice_is_one_defect,
    },
    Difference {
        group: READING,
        case: "Requests for a batch",
        python: "one for each id",
        ours: "one for each 100 ids",
        why: "Jira limits requests",
        check: reading::a_batch_is_few_requests,
    },
    Difference {
        group: READING,
        case: "A context that does not name status, priority or class",
        python: "empty texts",
        ours: "Jira's own status, priority and issue type",
        why: "a defect has these three",
        check: reading::what_the_context_does_not_name_is_the_usual,
    },
    Difference {
        group: READING,
        case: "A cascading choice and the project as user-defined fields",
        python: "`Shop - Cart`; the project's key",
        ours: "`Shop / Cart`; the project's name",
        why: "what is read can be written back; people read them",
        check: reading::values_are_what_people_read,
    },
    Difference {
        group: READING,
        case: "Change history of more than 100 entries on Cloud",
        python: "the newest 100",
        ours: "all",
        why: "the older ones changed the defect too",
        check: reading::the_change_history_is_whole,
    },
    Difference {
        group: READING,
        case: "User-defined fields of the extended view on Cloud",
        python: "those of the issue's edit screen",
        ours: "those of all of the project's issue types, as with Data Center",
        why: "one answer for both kinds",
        check: reading::the_extended_view_has_the_fields_of_the_project,
    },
    Difference {
        group: READING,
        case: "Control fields",
        python: "under the names that Jira shows; `Issue Type` with the last one's only",
        ours: "those of `control_fields` too; all issue types; statuses in the workflow's order",
        why: "test-management tools look for `priority` and `classification`",
        check: reading::control_fields_have_the_names_of_defects,
    },
    Difference {
        group: READING,
        case: "Control fields without a project",
        python: "Cloud: those of whichever project comes first; Data Center: 500",
        ours: "priorities and statuses of the whole Jira",
        why: "the API document allows it",
        check: reading::control_fields_of_no_project,
    },
    Difference {
        group: READING,
        case: "`mustField` of user-defined fields; the status among them",
        python: "always `null`; listed",
        ours: "whether Jira requires the field; not listed",
        why: "the status is a field of every defect",
        check: reading::required_fields_are_said,
    },
    Difference {
        group: READING,
        case: "Description of the settings",
        python: "one sentence",
        ours: "names Jira's address",
        why: "an operator with two services tells them apart",
        check: reading::the_settings_name_the_address,
    },
    Difference {
        group: CHANGING,
        case: "A status that the workflow does not reach",
        python: "success; the status stays as it was",
        ours: "success, and a warning that names the statuses that can be reached",
        why: "nobody would notice otherwise",
        check: changing::a_status_out_of_reach_is_a_warning,
    },
    Difference {
        group: CHANGING,
        case: "A user-defined field or value that cannot be set",
        python: "left out without a word; a priority or a choice that is not allowed fails as `INSERT_ERROR` without a reason",
        ours: "the rest is written, and a warning names field, value and what is allowed",
        why: "nobody would notice otherwise",
        check: changing::what_cannot_be_written_is_a_warning,
    },
    Difference {
        group: CHANGING,
        case: "Choices among user-defined fields",
        python: "Data Center: left out without a word",
        ours: "set",
        why: "the value was meant",
        check: changing::choices_are_set,
    },
    Difference {
        group: CHANGING,
        case: "A defect without a description",
        python: "the description `None`",
        ours: "no description",
        why: "nobody wrote that word",
        check: changing::an_absent_text_is_no_text,
    },
    Difference {
        group: CHANGING,
        case: "A create that failed",
        python: "the value is an empty text",
        ours: "the value is `null`",
        why: "there is no id; the API document has `null` for that",
        check: changing::a_create_that_failed_has_no_id,
    },
    Difference {
        group: CHANGING,
        case: "An update that changes one field",
        python: "sends all fields, and reads the issue once more",
        ours: "sends that field",
        why: "what somebody else changed meanwhile stays; a description keeps its formatting",
        check: changing::an_update_sends_what_is_different,
    },
    Difference {
        group: CHANGING,
        case: "Ids of another project in an update and a delete",
        python: "are changed and deleted, also when that project is read-only",
        ours: "are not found",
        why: "a project's settings hold for its own issues",
        check: changing::issues_of_other_projects_are_not_changed,
    },
    Difference {
        group: CHANGING,
        case: "Update of an id that is not there",
        python: "`NO_DEFECT_FOUND`",
        ours: "`DEFECT_NOT_FOUND`",
        why: "as with the JSONL client",
        check: changing::an_update_of_nothing,
    },
    Difference {
        group: CHANGING,
        case: "Settings of a single project under its key",
        python: "have no effect",
        ours: "have effect, as those under its name",
        why: "the guide names the key",
        check: changing::settings_under_the_key_count,
    },
    Difference {
        group: CHANGING,
        case: "`correct` and a priority or issue type that the project does not have; absent lists",
        python: "kept; `[]`",
        ours: "left out; `null`",
        why: "Jira would refuse it; what was not asked is not answered",
        check: changing::what_jira_would_refuse_is_left_out,
    },
];
