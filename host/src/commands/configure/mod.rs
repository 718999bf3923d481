//! `defect-host init` and `configure`: ask for a configuration, show it, and write it.

mod draft;
mod interview;
mod person;
mod plugin;
mod questions;
mod session;
mod values;
mod view;

use std::process::ExitCode;

use super::terminal::Terminal;
use crate::cli::{Configure, EditedFile};
use draft::DraftError;
use person::{AtTerminal, Person, Stopped};
use session::Session;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Everything,
    Service,
    Credentials,
    Client,
    View,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
enum ConfigureError {
    #[error("this command asks its questions on a terminal, and there is none")]
    NoTerminal,
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error(transparent)]
    Draft(#[from] DraftError),
    #[error("{0}")]
    Credentials(String),
}

impl ConfigureError {
    fn render(&self, color: bool) -> String {
        match self {
            Self::NoTerminal => format!(
                "error: {self}\n\nhint: without one, `defect-host plugins inspect CLASS --toml` prints a configuration to \
                 edit, and `defect-host set-credentials --username NAME --password-stdin` stores user name and password"
            ),
            Self::Stopped(Stopped::Cancelled) => self.to_string(),
            Self::Stopped(_) | Self::Credentials(_) => format!("error: {self}"),
            Self::Draft(error) => error.render(color),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Stopped(_) => super::EXIT_FAILED,
            Self::NoTerminal | Self::Draft(_) | Self::Credentials(_) => super::EXIT_WRONG,
        }
    }
}

pub(super) fn init(file: &EditedFile, terminal: &Terminal) -> ExitCode {
    ended(ask(file, Some(Part::Everything)), terminal)
}

pub(super) fn configure(arguments: &Configure, terminal: &Terminal) -> ExitCode {
    let flags = &arguments.part;
    let parts = [
        (flags.full, Part::Everything),
        (flags.service_only, Part::Service),
        (flags.credentials_only, Part::Credentials),
        (flags.client_only, Part::Client),
        (flags.view, Part::View),
    ];
    let part = parts.into_iter().find(|(wanted, _)| *wanted).map(|(_, part)| part);
    let outcome = match part {
        Some(Part::View) => show(arguments),
        part => ask(&arguments.file, part),
    };
    ended(outcome, terminal)
}

fn ended(outcome: Result<(), ConfigureError>, terminal: &Terminal) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal.complain(error.render(terminal.color));
            ExitCode::from(error.exit_code())
        }
    }
}

fn show(arguments: &Configure) -> Result<(), ConfigureError> {
    let terminal = Terminal::of_the_process();
    for line in view::view(&arguments.file.config)? {
        terminal.say(line);
    }
    Ok(())
}

fn ask(file: &EditedFile, part: Option<Part>) -> Result<(), ConfigureError> {
    let mut person = AtTerminal::new().ok_or(ConfigureError::NoTerminal)?;
    let person: &mut dyn Person = &mut person;
    let is_there = file.config.exists();
    let part = match part {
        Some(part) => part,
        // There is nothing to choose from.
        None if !is_there => Part::Everything,
        None => match menu(person)? {
            Some(part) => part,
            None => return Ok(()),
        },
    };
    if part == Part::View {
        view::view(&file.config)?.iter().for_each(|line| person.say(line));
        return Ok(());
    }
    let doing = if is_there { "changes" } else { "writes a new" };
    person.explain(
        &format!(
            "This {doing} `{}`, after you have seen what it will be. Enter takes what stands in brackets, `-` removes a \
             value, Ctrl-C ends without a change.",
            file.config.display()
        ),
        "",
    );
    let mut session = Session::open(person, &file.config)?;
    match part {
        Part::Everything => session.everything()?,
        Part::Service => session.service()?,
        Part::Credentials => session.credentials()?,
        Part::Client | Part::View => session.client()?,
    }
    session.finish()
}

/// `None`: nothing.
fn menu(person: &mut dyn Person) -> Result<Option<Part>, Stopped> {
    let choices = [
        ("everything, as `init`", Part::Everything),
        ("the service: address, HTTPS, log, limits", Part::Service),
        ("the user name and password that callers need", Part::Credentials),
        ("the plugin and its settings", Part::Client),
        ("show the configuration", Part::View),
    ];
    for (index, (text, _)) in choices.iter().enumerate() {
        person.entry(&format!("{:>4}) ", index + 1), text);
    }
    loop {
        let typed = person.line("Which one? [none]: ")?;
        let chosen = typed.parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?));
        match chosen {
            _ if typed.is_empty() => return Ok(None),
            Some((_, part)) => return Ok(Some(*part)),
            None => person.say("  answer with a number"),
        }
    }
}
