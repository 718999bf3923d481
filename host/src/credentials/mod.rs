//! User names and passwords: checking the ones a request carries, storing new ones.
//!
//! Hashes, salt and pepper are those of the Python `testbench-defect-service`, so a configuration file
//! may go back and forth between the two programs.
//!
//! Checking a password costs 100,000 rounds of HMAC-SHA256, tens of milliseconds of one core. A request
//! therefore asks [`Verifier::check_cached`] first, on the async thread, and only when that does not
//! know the answer [`Verifier::verify_and_remember`], on a blocking thread.

pub mod basic_auth;
mod cache;
mod config_file;
mod password;
mod python_base64;
mod verifier;

pub use cache::Tag;
pub use config_file::{Saved, SetCredentialsError, check_username, set_credentials, stored_form};
pub(crate) use password::is_hash;
pub use password::{Pepper, PepperError, hash_password};
pub use python_base64::Base64Error;
pub(crate) use python_base64::is_base64;
pub use verifier::{Verifier, VerifierError};
