//! What can be wrong with a client, and which checks find it.

macro_rules! faults {
    ($($fault:ident: $checks:tt,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Fault { $($fault),* }

        /// Each fault with the checks that have to find it, and no others.
        pub(super) const FAULTS: &[(Fault, &[&str])] = &[$((Fault::$fault, &$checks)),*];
    };
}

faults! {
    SaysReadonly: ["settings"],
    PanicsInSettings: ["settings"],
    LoginRefused: ["login"],
    LoginOfAnything: ["login"],
    TimestampsOnlyOfProjects: ["changes-timestamps"],
    ProjectForgotten: ["projects"],
    ProjectTwice: ["projects"],
    StatusNotAllowed: ["control-fields"],
    NamelessAttribute: ["user-defined-attributes"],
    DefaultOfOtherType: ["user-defined-attributes"],

    CreateWithoutSuccess: ["create"],
    CreateWithoutId: ["create", "absent-texts", "unicode", "control-characters", "large-texts", "user-defined-texts"],
    NewestNotListed: ["listed", "long-lists", "update", "threads-create", "threads-update", "threads-delete"],
    ListedTwice: ["unique-ids"],
    IdsReused: ["unused-ids"],
    IdsOfTheCount: ["unused-ids"],

    KeyTooMany: ["list-shape"],
    SuccessTwice: ["list-shape"],
    FixedPasswordInList: ["list-shape"],
    OtherSpellingOfInstants: ["list-shape"],
    ListPanicsWhenDropped: ["long-lists"],
    ListOfOneThread: ["long-lists", "user-defined-texts"],
    DroppedListForgets: ["long-lists"],

    BatchGivesAll: ["batch", "batch-of-nothing", "odd-ids"],
    BatchMissesLast: ["batch"],
    BatchDoesNotWarn: ["batch-unknown-ids"],
    BatchStopsAtUnknown: ["batch-unknown-ids"],
    BatchRepeats: ["batch-repeated-ids"],
    NoIdsAreAll: ["batch-of-nothing"],
    ExtendedOfOtherId: ["extended", "threads-create", "threads-update", "threads-delete"],
    ExtendedFailsForUnknown: ["extended-unknown-id", "delete", "odd-ids"],

    TitleLost: ["title", "unicode", "update"],
    DescriptionLost: [
        "description", "unicode", "control-characters", "large-texts", "update",
    ],
    ReporterLost: ["reporter", "update"],
    StatusLost: ["status", "update"],
    ClassificationLost: ["classification", "update"],
    PriorityLost: ["priority", "update"],
    UserDefinedFieldsLost: ["user-defined-fields", "user-defined-texts", "update"],
    OffsetLost: ["last-edited", "microseconds", "update"],
    MicrosecondsLost: ["microseconds", "update"],
    ReferencesTurned: ["references", "update"],
    PrincipalLost: ["principal", "update"],

    AbsentIsNone: ["absent-texts"],
    NoAstralTitles: ["unicode"],
    NoAstralDescriptions: ["unicode"],
    LineEndsChanged: ["control-characters"],
    DescriptionsCut: ["large-texts"],
    FieldsCut: ["user-defined-texts"],

    UpdateWithoutSuccess: ["update"],
    UpdateKeepsStatus: ["update", "threads-update"],
    UpdateGivesNewId: ["update", "threads-update"],
    UpdateOfAll: ["update-others", "odd-ids-written", "threads-update"],
    UpdateCreates: ["update-unknown-id", "odd-ids-written"],
    UpdateOfUnknownIsAnError: ["update-unknown-id", "odd-ids-written"],
    DeleteWithoutSuccess: ["delete"],
    DeletedStillExtended: ["delete"],
    DeletedStillInBatch: ["delete"],
    DeleteTakesTheFirstToo: ["delete-others", "threads-delete"],
    DeleteOfUnknownSucceeds: ["delete-unknown-id", "odd-ids-written"],

    UnknownProjectIsEmpty: ["unknown-project-reads", "odd-projects"],
    UnknownProjectIsMade: ["unknown-project-writes", "odd-projects"],
    UnknownProjectIsInternal: ["unknown-project-questions"],
    ProjectIsAPath: ["odd-projects"],
    ProjectIsAPattern: ["odd-projects"],
    IdIsAPath: ["odd-ids"],
    IdIsAPattern: ["odd-ids-written"],

    IdsOfEachThread: ["threads-create"],
    UpdatesOfOneThread: ["threads-update"],
    DeletesOfOneThread: ["threads-delete"],

    SyncTypeNeeded: ["before-sync"],
    SyncTypeUnheardOf: ["after-sync"],
    CorrectLeavesOutAll: ["correct-keeps"],
    CorrectRepeats: ["correct-adds-nothing"],
    CorrectFillsIn: ["correct-adds-nothing"],

    PasswordInMessage: ["password"],
    PasswordInError: ["password"],

    LikeJira: [
        "last-edited", "microseconds", "principal", "absent-texts", "control-characters", "large-texts",
        "user-defined-texts", "update", "delete", "delete-unknown-id", "unknown-project-writes",
        "threads-create", "threads-update", "threads-delete",
        "correct-keeps", "correct-adds-nothing", "unknown-project-questions",
    ],

    ReadOnlyInProtocol: ["read-only-forbids"],
    ReadOnlyWrites: ["read-only-changes-nothing"],
}
