//! The fake Jira, and both services configured for it.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::servers::{PORT, Service, Workshop};

/// The credentials of the service are the demo's, those of Jira the fake's.
const CONFIG: &str = r#"[testbench-defect-service]
client_class = "testbench_defect_service.clients.JiraDefectClient"
host = "127.0.0.1"
password_hash = "cf3227446204f92c2301993452643d08eb31d7920b87a8d0c0bef6d7bd45d0e4"
salt = "XR8Mjnq5QyaxwNno96ZbTA=="

[testbench-defect-service.server]
keep_alive_timeout = 120

[testbench-defect-service.client_config]
server_url = "http://127.0.0.1:{jira}"
username = "{username}"
password = "{password}"
"#;

impl Workshop {
    /// A fake Jira, `cloud` or `dc`, with a project of so many issues. Any client may call it: whether the plugin
    /// keeps to Atlassian's documents is a matter of the tests.
    pub(crate) fn jira_fake(&self, name: &str, product: &str, issues: u64, latency_ms: u64) -> Result<Service> {
        let (issues, latency) = (issues.to_string(), latency_ms.to_string());
        let arguments = [product, "--port", PORT, "--latency", &latency, "--issues", &issues, "--any-client"];
        self.service(name, &self.programs.jira_fake, &arguments, "/__fake__/count")
    }

    /// Ours, for the Jira at this port.
    pub(crate) fn host_of_jira(&self, name: &str, product: &str, jira: u16) -> Result<Service> {
        let logging = "\n[testbench-defect-service.logging.console]\nlog_level = \"WARNING\"\n";
        self.of_jira(name, product, jira, &self.programs.host, logging)
    }

    /// The Python service, for the Jira at this port.
    pub(crate) fn python_of_jira(&self, name: &str, product: &str, jira: u16) -> Result<Option<Service>> {
        let Some(program) = &self.programs.python else { return Ok(None) };
        let logging = "\n[testbench-defect-service.logging.console]\nlog_level = \"ERROR\"\n\
                       \n[testbench-defect-service.logging.file]\nlog_level = \"ERROR\"\n";
        self.of_jira(name, product, jira, program, logging).map(Some)
    }

    fn of_jira(&self, name: &str, product: &str, jira: u16, program: &Path, logging: &str) -> Result<Service> {
        let arguments = ["start", "--config", "config.toml", "--port", PORT];
        let service = self.service(name, program, &arguments, "/settings")?;
        let (username, password) =
            if product == "cloud" { ("fred@example.com", "api-token") } else { ("fred", "password") };
        let config = CONFIG.replace("{jira}", &jira.to_string());
        let config = config.replace("{username}", username).replace("{password}", password);
        fs::write(service.folder().join("config.toml"), format!("{config}{logging}"))?;
        Ok(service)
    }
}
