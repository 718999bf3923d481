//! `defect-host set-credentials`: stores the user name and password that callers need.

use std::io::BufRead;
use std::process::ExitCode;

use super::secret_input;
use super::terminal::Terminal;
use crate::cli::SetCredentials;
use crate::credentials::{Pepper, Saved, set_credentials};

pub(super) fn run(arguments: SetCredentials, terminal: &Terminal) -> ExitCode {
    match store(arguments) {
        Ok(done) => {
            terminal.say(done);
            ExitCode::SUCCESS
        }
        Err(reason) => {
            terminal.complain(format_args!("error: {reason}"));
            ExitCode::from(super::EXIT_WRONG)
        }
    }
}

fn store(arguments: SetCredentials) -> Result<String, String> {
    let unread = |what: &'static str| move |error: std::io::Error| format!("the {what} cannot be read: {error}");
    let username = match arguments.username {
        Some(username) => username,
        None => ask("User name: ").map_err(unread("user name"))?,
    };
    let password = match arguments.password {
        Some(password) => password,
        None if arguments.password_stdin => first_line().map_err(unread("password"))?,
        None => ask_twice().map_err(unread("password"))?,
    };
    if username.is_empty() || password.is_empty() {
        return Err("user name and password must not be empty".to_owned());
    }
    if username.contains(':') {
        return Err("the user name must not contain a colon: HTTP Basic authentication ends it there".to_owned());
    }
    let pepper = std::env::var("PASSWORD_PEPPER").ok();
    let pepper = Pepper::from_env_value(pepper.as_deref())
        .map_err(|error| format!("the environment variable PASSWORD_PEPPER cannot be used: {error}"))?;
    let file = &arguments.file.config;
    let saved = set_credentials(file, &username, &password, &pepper).map_err(|error| match error.hint() {
        Some(hint) => format!("{error}\n\nhint: {hint}"),
        None => error.to_string(),
    })?;
    Ok(match saved {
        Saved::Created => format!("created `{}` with the credentials; restart the service", file.display()),
        Saved::Updated => format!("stored the credentials in `{}`; restart the service", file.display()),
    })
}

fn first_line() -> std::io::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn ask(question: &str) -> std::io::Result<String> {
    use std::io::Write;
    let mut terminal = std::io::stderr();
    terminal.write_all(question.as_bytes())?;
    terminal.flush()?;
    first_line()
}

fn ask_twice() -> std::io::Result<String> {
    let ask = |prompt| secret_input::ask(prompt)?.ok_or_else(|| std::io::Error::other("nobody wants to type it"));
    let password = ask("Password: ")?;
    if ask("Password again: ")? == password {
        Ok(password)
    } else {
        Err(std::io::Error::other("the two passwords differ"))
    }
}
