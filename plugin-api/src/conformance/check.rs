//! The list of checks.

use super::checks::{about, defects, fields, lists, read_only, sync, texts, threads, unknown};
use super::scratch::Field;
use super::tracker::Tracker;
use super::verdict::Verdict;
use crate::operation::Operation;

/// Which clients a check is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    All,
    Writable,
    ReadOnly,
}

macro_rules! checks {
    ($($variant:ident = $name:literal, $rule:literal, $of:ident, [$($operation:ident)*], [$($field:ident)*], $run:expr;)*) => {
        /// One check of the suite; its documentation is the rule.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Check { $(#[doc = $rule] $variant),* }

        impl Check {
            /// All of them, in the order in which they run.
            pub const ALL: &'static [Check] = &[$(Check::$variant),*];

            /// Its name in reports.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Check::$variant => $name),* }
            }

            /// What it checks, in a sentence.
            #[must_use]
            pub fn rule(self) -> &'static str {
                match self { $(Check::$variant => $rule),* }
            }

            fn is_for(self) -> For {
                match self { $(Check::$variant => For::$of),* }
            }

            /// The operations that it needs.
            pub(super) fn operations(self) -> &'static [Operation] {
                match self { $(Check::$variant => &[$(Operation::$operation),*]),* }
            }

            /// The fields without which it says nothing.
            pub(super) fn fields(self) -> &'static [Field] {
                match self { $(Check::$variant => &[$(Field::$field),*]),* }
            }

            pub(super) fn run(self, tracker: &Tracker<'_>) -> Verdict {
                match self { $(Check::$variant => $run(tracker)),* }
            }
        }
    };
}

impl Check {
    pub(super) fn applies(self, is_read_only: bool) -> bool {
        match self.is_for() {
            For::All => true,
            For::Writable => !is_read_only,
            For::ReadOnly => is_read_only,
        }
    }
}

checks! {
    Settings = "settings", "`readonly` in the settings is true exactly when nothing can be written",
        All, [], [], about::settings;
    Login = "login", "the login is accepted as a whole and for the project, and not for an unknown project",
        All, [], [], about::login;
    ChangesTimestamps = "changes-timestamps", "`supports_changes_timestamps` answers as a whole and for the project",
        All, [SupportsChangesTimestamps], [], about::changes_timestamps;
    Projects = "projects", "the scratch project is among the projects, each of which is there once",
        All, [], [], about::projects;
    ControlFields = "control-fields", "control fields allow the values that the scratch project is described with",
        All, [], [], about::control_fields;
    UserDefinedAttributes = "user-defined-attributes", "user-defined attributes have names of their own and defaults of their type",
        All, [GetUserDefinedAttributes], [], about::user_defined_attributes;

    Create = "create", "a new defect has an id, and the protocol has a success and no error",
        Writable, [CreateDefect], [], defects::create;
    Listed = "listed", "a new defect is in the list",
        Writable, [CreateDefect], [], defects::listed;
    UniqueIds = "unique-ids", "no two defects have the same id",
        All, [], [], defects::unique_ids;
    UnusedIds = "unused-ids", "no id is given twice, also after defects were deleted",
        Writable, [CreateDefect DeleteDefect], [], defects::unused_ids;
    ListShape = "list-shape", "lists and batches are JSON of their models: every key once, none else, no password",
        All, [], [], lists::shape;
    LongLists = "long-lists", "a long list comes in pieces, and may be dropped after any of them",
        Writable, [CreateDefect], [Description], lists::long;
    Batch = "batch", "a batch holds the defects that it is asked for, and no other",
        All, [], [], defects::batch;
    BatchUnknownIds = "batch-unknown-ids", "an unknown id in a batch is a warning under that id, code DEFECT_NOT_FOUND",
        All, [], [], defects::batch_unknown_ids;
    BatchRepeatedIds = "batch-repeated-ids", "an id that a batch repeats is answered once",
        All, [], [], defects::batch_repeated_ids;
    BatchOfNothing = "batch-of-nothing", "a batch without ids is empty",
        All, [], [], defects::batch_of_nothing;
    Extended = "extended", "the extended view is of the defect that it is asked for",
        All, [], [], defects::extended;
    ExtendedUnknownId = "extended-unknown-id", "the extended view of an unknown id is `NotFound`",
        All, [], [], defects::extended_unknown_id;

    Title = "title", "the title comes back as it was sent",
        Writable, [CreateDefect], [Title], |tracker| fields::kept(tracker, Field::Title);
    Description = "description", "the description comes back as it was sent",
        Writable, [CreateDefect], [Description], |tracker| fields::kept(tracker, Field::Description);
    Reporter = "reporter", "the reporter comes back as it was sent",
        Writable, [CreateDefect], [Reporter], |tracker| fields::kept(tracker, Field::Reporter);
    Status = "status", "the status comes back as it was sent",
        Writable, [CreateDefect], [Status], |tracker| fields::kept(tracker, Field::Status);
    Classification = "classification", "the classification comes back as it was sent",
        Writable, [CreateDefect], [Classification], |tracker| fields::kept(tracker, Field::Classification);
    Priority = "priority", "the priority comes back as it was sent",
        Writable, [CreateDefect], [Priority], |tracker| fields::kept(tracker, Field::Priority);
    UserDefinedFields = "user-defined-fields", "user-defined fields come back as they were sent",
        Writable, [CreateDefect], [UserDefinedFields], |tracker| fields::kept(tracker, Field::UserDefinedFields);
    LastEdited = "last-edited", "`lastEdited` comes back as the instant that was sent, to the second",
        Writable, [CreateDefect], [LastEdited], |tracker| fields::kept(tracker, Field::LastEdited);
    Microseconds = "microseconds", "`lastEdited` comes back to the microsecond",
        Writable, [CreateDefect], [LastEdited], fields::microseconds;
    References = "references", "references come back as they were sent, in their order",
        Writable, [CreateDefect], [References], |tracker| fields::kept(tracker, Field::References);
    Principal = "principal", "the principal's user name comes back as it was sent",
        Writable, [CreateDefect], [Principal], |tracker| fields::kept(tracker, Field::Principal);

    AbsentTexts = "absent-texts", "absent and empty texts come back absent or empty",
        Writable, [CreateDefect], [], texts::absent;
    Unicode = "unicode", "title and description hold all of Unicode: astral, combining, right-to-left",
        Writable, [CreateDefect], [Title Description], texts::unicode;
    ControlCharacters = "control-characters", "the description holds line ends and control characters as they are",
        Writable, [CreateDefect], [Description], texts::control_characters;
    LargeTexts = "large-texts", "the description holds 64 KiB",
        Writable, [CreateDefect], [Description], texts::large_description;
    UserDefinedTexts = "user-defined-texts", "a user-defined text field holds all of that too",
        Writable, [CreateDefect], [UserDefinedFields], texts::user_defined;

    Update = "update", "an update changes the defect to what was sent and keeps its id",
        Writable, [CreateDefect UpdateDefect], [], defects::update;
    UpdateOthers = "update-others", "an update leaves the other defects alone",
        Writable, [CreateDefect UpdateDefect], [], defects::update_others;
    UpdateUnknownId = "update-unknown-id", "an update of an unknown id is a general error, code DEFECT_NOT_FOUND, and makes no defect",
        Writable, [UpdateDefect], [], defects::update_unknown_id;
    Delete = "delete", "a deleted defect is gone from the list, the batch and the extended view",
        Writable, [CreateDefect DeleteDefect], [], defects::delete;
    DeleteOthers = "delete-others", "a delete leaves the other defects alone",
        Writable, [CreateDefect DeleteDefect], [], defects::delete_others;
    DeleteUnknownId = "delete-unknown-id", "a delete of an unknown id is a general error, code NO_DEFECT_FOUND",
        Writable, [DeleteDefect], [], defects::delete_unknown_id;

    UnknownProjectReads = "unknown-project-reads", "nothing is read from an unknown project: `NotFound`, or an empty list that says PROJECT_NOT_FOUND",
        All, [], [], unknown::project_reads;
    UnknownProjectWrites = "unknown-project-writes", "nothing is written to an unknown project: `NotFound`, or the general error PROJECT_NOT_FOUND",
        Writable, [CreateDefect UpdateDefect DeleteDefect], [], unknown::project_writes;
    UnknownProjectQuestions = "unknown-project-questions", "other questions about an unknown project are answered, or `NotFound`",
        All, [], [], unknown::project_questions;
    OddProjects = "odd-projects", "a project is compared as a whole: it is no path and no pattern",
        All, [], [], unknown::odd_projects;
    OddIds = "odd-ids", "an id is compared as a whole when it is read: it is no path and no pattern",
        All, [], [], unknown::odd_ids;
    OddIdsWritten = "odd-ids-written", "an id is compared as a whole when it is written: it is no path and no pattern",
        Writable, [CreateDefect UpdateDefect DeleteDefect], [], unknown::odd_ids_written;

    ThreadsCreate = "threads-create", "32 threads create at once: no id is lost or given twice, no defects are mixed",
        Writable, [CreateDefect], [Title], threads::create;
    ThreadsUpdate = "threads-update", "32 threads update at once while others read: every change is kept",
        Writable, [CreateDefect UpdateDefect], [Title], threads::update;
    ThreadsDelete = "threads-delete", "threads delete while others read: what was not deleted is still there",
        Writable, [CreateDefect DeleteDefect], [Title], threads::delete;

    BeforeSync = "before-sync", "the start of every type of synchronisation is acknowledged",
        All, [BeforeSync], [], |tracker| sync::hook(tracker, Operation::BeforeSync);
    AfterSync = "after-sync", "the end of every type of synchronisation is acknowledged",
        All, [AfterSync], [], |tracker| sync::hook(tracker, Operation::AfterSync);
    CorrectKeeps = "correct-keeps", "`correct_sync_results` keeps what the tracker accepts",
        All, [CorrectSyncResults], [], sync::correct_keeps;
    CorrectAddsNothing = "correct-adds-nothing", "`correct_sync_results` leaves out, and neither adds nor changes",
        All, [CorrectSyncResults], [], sync::correct_adds_nothing;

    ReadOnlyForbids = "read-only-forbids", "a read-only client answers every write with `Forbidden`",
        ReadOnly, [], [], read_only::forbids;
    ReadOnlyChangesNothing = "read-only-changes-nothing", "a read-only client changes nothing, whatever it answers",
        ReadOnly, [], [], read_only::changes_nothing;

    Password = "password", "the principal's password is in no answer and no error of all the above",
        All, [], [], about::password;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_variants_in_kebab_case_and_rules_are_one_line() {
        for check in Check::ALL {
            let mut kebab = String::new();
            for (at, character) in format!("{check:?}").char_indices() {
                if at > 0 && character.is_uppercase() {
                    kebab.push('-');
                }
                kebab.extend(character.to_lowercase());
            }
            assert_eq!(check.name(), kebab);
            assert!(!check.rule().ends_with('.') && !check.rule().contains('\n'), "{}", check.rule());
        }
    }
}
